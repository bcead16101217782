// What agents said last of the machines that they run on. Asked for only while a formula looks at a pool of theirs; in memory, because a
// figure that is older than a period or two is of no use to anyone.
import type { MachineUsage } from "../api/agent/messages.ts";
import { samplePeriodMs } from "../domain/autoscale.ts";
import type { Node } from "../domain/nodes.ts";
import type { Clock, Instant } from "../lib/clock.ts";
import type { NodeChannel } from "../node-management/channel.ts";
import type { HostUsage } from "./samples.ts";

export type Machines = {
  noted(agentId: string, usage: MachineUsage): void;
  left(agentId: string): void;
  /** Asks the agents of these nodes, each at most once in a period whatever the number of pools; answers are there for the next sample. */
  ask(nodes: readonly Node[]): void;
  /** Of the machines of these nodes, as far as they told lately. Nodes that have not booted are not sampled. */
  of(nodes: readonly Node[]): HostUsage[];
};

/** Pools sample at moments of their own: an agent is not asked again for one that comes a little later. */
const askedLatelyMs = samplePeriodMs / 2;
const staleMs = 2 * samplePeriodMs + samplePeriodMs / 2;

export const makeMachines = (clock: Clock, channel: NodeChannel): Machines => {
  const asked = new Map<string, Instant>();
  const latest = new Map<string, { at: Instant; usage: MachineUsage }>();
  const hosting = (nodes: readonly Node[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const node of nodes) {
      if (node.agentId !== undefined && node.bootedAt !== undefined) counts.set(node.agentId, (counts.get(node.agentId) ?? 0) + 1);
    }
    return counts;
  };
  return {
    noted: (agentId, usage) => void latest.set(agentId, { at: clock.now(), usage }),
    left: (agentId) => {
      asked.delete(agentId);
      latest.delete(agentId);
    },
    ask: (nodes) => {
      const now = clock.now();
      for (const agentId of hosting(nodes).keys()) {
        if (now - (asked.get(agentId) ?? Number.NEGATIVE_INFINITY) < askedLatelyMs || !channel.isConnected(agentId)) continue;
        asked.set(agentId, now);
        channel.send(agentId, { type: "sampleMachine" });
      }
    },
    of: (nodes) => {
      const now = clock.now();
      return [...hosting(nodes)].flatMap(([agentId, count]) => {
        const told = latest.get(agentId);
        return told === undefined || now - told.at > staleMs ? [] : [{ usage: told.usage, nodes: count }];
      });
    },
  };
};
