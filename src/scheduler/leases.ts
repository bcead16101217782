// How long each agent may stay away. When its lease and a margin have passed it has stopped its tasks by itself, so they can run elsewhere
// (reconcilers/node-loss.ts). Nothing here outlives a restart: every agent then starts with a whole lease.
import type { Clock, Timer } from "../lib/clock.ts";

export type Leases = {
  /** The agent is in contact. */
  renewed(agentId: string): void;
  /** The agent is out of contact from now on. */
  lost(agentId: string): void;
  stop(): void;
};

/** For the time between the agent's last heartbeat and our noticing, and its killing of what it runs. */
export const leaseMarginMs = 5_000;

export const makeLeases = (clock: Clock, leaseMs: number, expired: (agentId: string) => void): Leases => {
  const timers = new Map<string, Timer>();
  const renewed = (agentId: string): void => {
    timers.get(agentId)?.cancel();
    timers.delete(agentId);
  };
  return {
    renewed,
    lost: (agentId) => {
      if (timers.has(agentId)) return;
      const fire = (): void => {
        timers.delete(agentId);
        expired(agentId);
      };
      timers.set(agentId, clock.after(leaseMs + leaseMarginMs, fire));
    },
    stop: () => {
      for (const agentId of [...timers.keys()]) renewed(agentId);
    },
  };
};
