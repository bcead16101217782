// Nodes that exist on paper only: for simulations and for the tests of what uses providers. It runs nothing.
import type { NodeOrder } from "../api/agent/messages.ts";
import type { NodeProvider, ProviderNodeStatus } from "./provider.ts";

export type FakeProvider = NodeProvider & {
  /** While set, new nodes fail with this reason. */
  refuse(reason: string | undefined): void;
};

/** `host` takes up new nodes, `unhost` lets go of removed ones; both may be told of the same node twice. */
export const fakeProvider = (events: {
  host: (orders: readonly NodeOrder[]) => void;
  unhost?: (nodeIds: readonly string[]) => void;
}): FakeProvider => {
  const nodes = new Map<string, { status: ProviderNodeStatus; reason?: string }>();
  let refusal: string | undefined;
  return {
    name: "fake",
    create: async (orders) => {
      for (const order of orders)
        nodes.set(order.nodeId, refusal === undefined ? { status: "hosted" } : { status: "failed", reason: refusal });
      if (refusal === undefined) events.host(orders);
    },
    statuses: async (nodeIds) => new Map(nodeIds.map((id) => [id, nodes.get(id) ?? { status: "gone" as const }])),
    // Like a real one it only begins: the agent says when the node is gone.
    remove: async (nodeIds) => events.unhost?.(nodeIds),
    close: async () => nodes.clear(),
    refuse: (reason) => {
      refusal = reason;
    },
  };
};
