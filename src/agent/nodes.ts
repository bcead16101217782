// All nodes of this agent: which there are, one thing at a time for each, and where a message about a task belongs.
import { mkdirSync, readdirSync } from "node:fs";
import { type AgentEvent, attemptKey, type NodeOrder, type TaskOrder, type TaskRef, type ToControlPlane } from "../api/agent/messages.ts";
import type { AgentContext } from "./context.ts";
import { type HostedNode, hostNode } from "./hosted-node.ts";
import { readNodeRecord } from "./journal.ts";
import { nodeLayout } from "./layout.ts";

export interface Nodes {
  /** Takes up the nodes of an earlier agent; resolves when their launchers have answered. */
  adoptAll(): Promise<void>;
  start(order: NodeOrder): void;
  remove(nodeId: string): void;
  startTasks(orders: TaskOrder[]): void;
  stopTasks(refs: TaskRef[]): void;
  withdrawTasks(refs: TaskRef[]): void;
  forget(refs: TaskRef[]): void;
  /** The control plane has said what is wanted: what waited for it goes on. */
  resume(): void;
  /** Too long without contact: ends all tasks. */
  loseTasks(): void;
  acknowledged(events: AgentEvent[]): void;
  get(nodeId: string): HostedNode | undefined;
  hello(): Pick<Extract<ToControlPlane, { type: "hello" }>, "nodes" | "attempts">;
  queuedAttempts(): number;
  /** Ends every task, process and launcher; directories stay. */
  endAll(): Promise<void>;
  /** Lets go of everything, which goes on. */
  close(): void;
}

export const openNodes = (context: AgentContext): Nodes => {
  const { layout, log } = context;
  mkdirSync(layout.nodes, { recursive: true, mode: 0o755 });
  mkdirSync(layout.state, { recursive: true, mode: 0o700 });
  const nodes = new Map<string, HostedNode>();
  const turns = new Map<string, Promise<void>>();
  let resumed = false;

  /** One boot or removal at a time for a node, in the order in which they were asked for. */
  const inTurn = (nodeId: string, work: () => Promise<void>): Promise<void> => {
    const turn = (turns.get(nodeId) ?? Promise.resolve()).then(work).catch((error: unknown) => {
      log.error({ err: error, nodeId }, "work on a node failed");
    });
    turns.set(nodeId, turn);
    void turn.then(() => turns.get(nodeId) === turn && turns.delete(nodeId));
    return turn;
  };

  const adopt = (nodeId: string): Promise<void> => {
    const record = readNodeRecord(nodeLayout(layout, nodeId).state);
    if (record === undefined) {
      context.trash.discard(nodeLayout(layout, nodeId).state);
      return Promise.resolve();
    }
    const node = hostNode(context, record.order, record);
    nodes.set(nodeId, node);
    return inTurn(nodeId, () => node.adopt());
  };

  const boot = async (node: HostedNode, order: NodeOrder): Promise<void> => {
    await node.boot(order);
    if (resumed) node.tasks.setPaused(false);
  };

  /** A new node takes orders at once (they wait for its boot), unless one of that name is still going away. */
  const start = (order: NodeOrder): void => {
    const { nodeId } = order;
    const early = turns.has(nodeId) || nodes.has(nodeId) ? undefined : host(order);
    void inTurn(nodeId, async () => {
      const known = early ?? nodes.get(nodeId);
      if (known === undefined) {
        const node = host(order);
        if (node !== undefined) await boot(node, order);
      } else if (known === early || order.boot > known.order().boot) await boot(known, order);
      else known.repeat(order);
    });
  };

  /** Undefined when its directories cannot be made; the control plane is told. */
  const host = (order: NodeOrder): HostedNode | undefined => {
    const { nodeId } = order;
    try {
      const node = hostNode(context, order);
      nodes.set(nodeId, node);
      return node;
    } catch (error) {
      log.error({ err: error, nodeId }, "the node cannot be hosted");
      const errors = [{ code: "NodeDirectoryFailed", message: "The directories of the node could not be created." }];
      context.report({ type: "node", nodeId, boot: order.boot, state: "unusable", errors });
      return undefined;
    }
  };

  const remove = async (nodeId: string): Promise<void> => {
    const node = nodes.get(nodeId);
    nodes.delete(nodeId);
    await node?.end({ discard: true });
    context.report({ type: "nodeRemoved", nodeId, ...(node !== undefined && { boot: node.order().boot }) });
  };

  /** A task's node is not in its reference; the agent has few nodes, and stopping is rare. */
  const all = (): HostedNode[] => [...nodes.values()];

  return {
    adoptAll: async () => {
      await Promise.all(readdirSync(layout.state).map(adopt));
    },
    start,
    remove: (nodeId) => void inTurn(nodeId, () => remove(nodeId)),
    startTasks: (orders) => {
      const byNode = Map.groupBy(orders, ({ nodeId }) => nodeId);
      for (const [nodeId, ofNode] of byNode) {
        const node = nodes.get(nodeId);
        if (node !== undefined) node.tasks.start(ofNode);
        else for (const { ref } of ofNode) context.report({ type: "stopped", ref, nodeId, endedAt: context.clock.now(), reason: "lost" });
      }
    },
    stopTasks: (refs) => {
      for (const ref of refs) {
        if (all().some((node) => node.tasks.stop(ref))) continue;
        // It never arrived, so nothing of it runs here, which is what was asked for. Whose it was is not known: fencing lets only the one that fits count.
        for (const nodeId of nodes.keys()) context.report({ type: "stopped", ref, nodeId, endedAt: context.clock.now(), reason: "asked" });
      }
    },
    withdrawTasks: (refs) => {
      for (const node of nodes.values()) node.tasks.withdraw(refs);
    },
    forget: (refs) => {
      for (const ref of refs) for (const node of nodes.values()) node.tasks.forget(ref);
    },
    resume: () => {
      resumed = true;
      for (const node of nodes.values()) node.tasks.setPaused(false);
    },
    loseTasks: () => {
      for (const node of nodes.values()) node.tasks.loseAll();
    },
    acknowledged: (events) => {
      const keys = new Map<string, string[]>();
      for (const event of events) {
        if (event.type !== "finished" && event.type !== "stopped") continue;
        const ofNode = keys.get(event.nodeId);
        if (ofNode === undefined) keys.set(event.nodeId, [attemptKey(event.ref)]);
        else ofNode.push(attemptKey(event.ref));
      }
      for (const [nodeId, ofNode] of keys) nodes.get(nodeId)?.tasks.acknowledged(ofNode);
    },
    get: (nodeId) => nodes.get(nodeId),
    hello: () => ({
      nodes: all().map((node) => ({ nodeId: node.nodeId, boot: node.order().boot, state: node.state() })),
      attempts: all().flatMap((node) => node.tasks.list().map((attempt) => ({ ...attempt, nodeId: node.nodeId }))),
    }),
    queuedAttempts: () => {
      let count = 0;
      for (const node of nodes.values()) count += node.tasks.queuedCount();
      return count;
    },
    endAll: async () => {
      await Promise.all(all().map((node) => inTurn(node.nodeId, () => node.end({ discard: false }))));
    },
    close: () => {
      for (const node of nodes.values()) node.close();
    },
  };
};
