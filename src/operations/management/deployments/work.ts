// The deployments under way: each is carried on step by step when it is rung, also after a restart. What a step does is in run.ts; here is only who
// is rung and when.
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

/** How often what takes long is asked for: as its Retry-After says. */
const askAgainMs = 1000;

export const deploymentRunner = (services: Omit<ManagementServices, "deployments">, perform: Perform): DeploymentRunner => {
  const { store, clock, log } = services;
  const remembered: Remembered = new Map();
  const runner = makeRunner<DeploymentKey>({
    name: "deployments",
    nameOf: ({ scope, key }) => `${scope}/${key}`,
    run: async (key) => {
      const became = await advance({ services, perform, remembered, ring }, key);
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
  return { ring, perform, start: ringAll, stop: () => runner.stop() };
};
