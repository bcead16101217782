// The end of a deployment: its result is noted, and the values of its secure parameters are forgotten.

import {
  type Deployment,
  type DeploymentError,
  type DeploymentResult,
  type DeploymentStep,
  getDeployment,
  saveDeployment,
} from "../../../store/deployments.ts";
import type { ManagementServices, ManagementSettings } from "../handler.ts";
import { deploymentId, isUnderWay } from "./view.ts";

/** Changes nothing where this run has ended already, or another has taken its place. */
export const finish = (
  { store, clock }: Pick<ManagementServices, "store" | "clock">,
  { scope, key, runId }: Deployment,
  state: "Succeeded" | "Failed" | "Canceled",
  result: DeploymentResult,
): Promise<void> =>
  store.decide(async (read) => {
    const now = await getDeployment(read, { scope, key });
    if (now === undefined || now.runId !== runId || !isUnderWay(now)) return { writes: [], result: undefined };
    const { secrets: _forgotten, ...rest } = now;
    return { writes: [saveDeployment({ ...rest, state, result, changedAt: clock.now() })], result: undefined };
  });

/** In the service's words; the errors of the resources are its details. */
export const failedDeployment = (
  settings: ManagementSettings,
  deployment: Deployment,
  failed: readonly DeploymentStep[],
): DeploymentError => ({
  code: "DeploymentFailed",
  target: deploymentId(settings, deployment),
  message:
    "At least one resource deployment operation failed. Please list deployment operations for details. Please see " +
    "https://aka.ms/arm-deployment-operations for usage details.",
  details: failed.map(({ detail }) => detail.error ?? { code: "Unknown", message: `'${detail.id}' failed.` }),
});
