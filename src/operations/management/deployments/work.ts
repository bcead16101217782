// The deployments under way: each is carried on step by step when it is rung, also after a restart. What a step does is in run.ts; here is only who
// is rung and when.
import { bounded } from "../../../lib/bounded.ts";
import { makeRunner } from "../../../scheduler/runner.ts";
import { type DeploymentKey, runningDeployments } from "../../../store/deployments.ts";
import type { ManagementServices } from "../handler.ts";
import type { DeploymentWork, Perform } from "./perform.ts";
import { advance, type Remembered } from "./run.ts";

export type DeploymentRunner = DeploymentWork & {
  /** Takes up what a stop or a crash left under way. */
  start(): Promise<void>;
  /** Nothing runs any more when it resolves. */
  stop(): Promise<void>;
};

/**
 * Each pass puts what it can before it ends, and all of them share one thread with everybody else: with hundreds at once nobody else would have his turn
 * for a second and more. No pass waits for another.
 */
const mostPasses = 4;
/** How often what takes long is asked for: as its Retry-After says. */
const askAgainMs = 1000;

export const deploymentRunner = (services: Omit<ManagementServices, "deployments">, perform: Perform): DeploymentRunner => {
  const { store, clock, log } = services;
  const remembered: Remembered = new Map();
  const inTurn = bounded(mostPasses);
  let isStopped = false;
  const runner = makeRunner<DeploymentKey>({
    name: "deployments",
    nameOf: ({ scope, key }) => `${scope}/${key}`,
    run: async (key) => {
      const became = await inTurn(async () => (isStopped ? "left" : advance({ services, perform, remembered, ring }, key)));
      if (became === "waits") runner.ringAfter(key, askAgainMs);
      // It may be a part of another, which then goes on at once.
      if (became === "ended") await ringAll();
    },
    clock,
    log: log.child({ part: "deployments" }),
  });
  const ring = (key: DeploymentKey): void => runner.ring(key);
  const ringAll = async (): Promise<void> => {
    for (const key of await runningDeployments(store)) ring(key);
  };
  const stop = (): Promise<void> => {
    isStopped = true;
    return runner.stop();
  };
  return { ring, perform, start: ringAll, stop };
};
