// The management plane with what works behind it: its operations over the wire, and the deployments, which call the same operations from within.
// Part of the composition root.
import { managementOperations } from "../api/management/index.ts";
import type { Caller, TokenVerifier } from "../auth/tokens.ts";
import { answerLog } from "../http/answer-check.ts";
import { inProcess } from "../http/in-process.ts";
import type { AnyHandler, Plane } from "../http/pipeline.ts";
import { managementPlane } from "../http/planes/management.ts";
import type { Perform } from "../operations/management/deployments/perform.ts";
import { type DeploymentRunner, deploymentRunner } from "../operations/management/deployments/work.ts";
import type { ManagementServices } from "../operations/management/handler.ts";
import { managementFilterables, managementHandlers } from "../operations/management/index.ts";

export type ResourceManagerParts = {
  readonly services: Omit<ManagementServices, "deployments">;
  readonly tokens: TokenVerifier;
  readonly versionCheck: "lenient" | "strict";
  /** Where tests have all answers checked. */
  readonly answers?: string;
};

export type ResourceManager = {
  readonly plane: Plane<{ caller: Caller }>;
  readonly services: ManagementServices;
  readonly deployments: DeploymentRunner;
};

export const resourceManager = ({ services, tokens, versionCheck, answers }: ResourceManagerParts): ResourceManager => {
  // Deployments call the plane, and the plane's handlers begin deployments: they are made first and find it when they run.
  const later: { perform?: Perform } = {};
  const deployments = deploymentRunner(services, {
    call: (call) => later.perform!.call(call),
    check: (method, target) => later.perform!.check(method, target),
  });
  const all: ManagementServices = { ...services, deployments };
  const plane = managementPlane({
    operations: managementOperations,
    handlers: managementHandlers as Readonly<Record<string, AnyHandler>>,
    filterables: managementFilterables,
    services: all,
    tokens,
    versionCheck,
  });
  later.perform = inProcess(plane, { ...services, ...(answers === undefined ? {} : { onBody: answerLog(answers, process.pid) }) });
  return { plane, services: all, deployments };
};
