// What answers show of deployments and their steps. Values of secure parameters and outputs are not in the rows that are read here.
import { isoTime } from "../../../lib/clock.ts";
import { durationOf } from "../../../lib/duration.ts";
import type { Deployment, DeploymentKey, DeploymentStep } from "../../../store/deployments.ts";
import type { ManagementSettings } from "../handler.ts";
import { spelledType } from "../resources/provider-types.ts";

const type = "Microsoft.Resources/deployments";

export const deploymentId = (
  { subscriptionId }: ManagementSettings,
  { name, resourceGroup }: Pick<Deployment, "name" | "resourceGroup">,
): string =>
  `/subscriptions/${subscriptionId}${resourceGroup === undefined ? "" : `/resourceGroups/${resourceGroup}`}/providers/${type}/${name}`;

/** Undefined for anything that is not the id of a deployment. */
export const deploymentKeyOf = (id: string): DeploymentKey | undefined => {
  const [, group, name] =
    /^\/subscriptions\/[^/]+(?:\/resourceGroups\/([^/]+))?\/providers\/Microsoft\.Resources\/deployments\/([^/]+)$/i.exec(id) ?? [];
  return name === undefined ? undefined : { scope: group?.toLowerCase() ?? "", key: name.toLowerCase() };
};

export const isUnderWay = ({ state }: Pick<Deployment, "state">): boolean => state === "Accepted" || state === "Running";

export const deploymentView = (settings: ManagementSettings, deployment: Deployment) => {
  const { request, result, state, runId, startedAt, changedAt } = deployment;
  const { outputs, outputResources, error } = result ?? {};
  return {
    id: deploymentId(settings, deployment),
    name: deployment.name,
    type,
    ...(request.location === undefined ? {} : { location: request.location }),
    ...(request.tags === undefined ? {} : { tags: request.tags }),
    properties: {
      templateHash: request.templateHash,
      parameters: request.parameters,
      mode: request.mode,
      provisioningState: state,
      timestamp: isoTime(changedAt),
      duration: durationOf(changedAt - startedAt),
      correlationId: runId,
      providers: providersOf(request.resources),
      dependencies: dependenciesOf(request.resources),
      ...(outputs === undefined ? {} : { outputs }),
      ...(outputResources === undefined ? {} : { outputResources: outputResources.map((id) => ({ id })) }),
      ...(error === undefined ? {} : { error }),
    },
  };
};

type Listed = Deployment["request"]["resources"];

export const providersOf = (resources: Listed) => {
  const byNamespace = new Map<string, Map<string, string | null>>();
  for (const { type: of, location } of resources) {
    const [namespace, ...rest] = spelledType(of).split("/");
    const types = byNamespace.get(namespace!) ?? new Map<string, string | null>();
    byNamespace.set(namespace!, types.set(rest.join("/"), location ?? types.get(rest.join("/")) ?? null));
  }
  return [...byNamespace].map(([namespace, types]) => ({
    namespace,
    resourceTypes: [...types].map(([resourceType, location]) => ({ resourceType, locations: [location] })),
  }));
};

export const dependenciesOf = (resources: Listed) => {
  const byKey = new Map(resources.map((one) => [one.id.toLowerCase(), one]));
  const shown = ({ id, type: of, name }: Listed[number]) => ({ id, resourceType: of, resourceName: name });
  return resources
    .filter(({ dependsOn }) => dependsOn.length > 0)
    .map((one) => ({ dependsOn: one.dependsOn.flatMap((key) => (byKey.has(key) ? [shown(byKey.get(key)!)] : [])), ...shown(one) }));
};

export const stepView = (settings: ManagementSettings, deployment: Deployment, { stepId, state, detail }: DeploymentStep) => ({
  id: `${deploymentId(settings, deployment)}/operations/${stepId}`,
  operationId: stepId,
  properties: {
    provisioningOperation: detail.operation,
    provisioningState: state,
    timestamp: isoTime(detail.changedAt),
    duration: durationOf(detail.changedAt - detail.startedAt),
    trackingId: deployment.runId,
    ...(detail.statusCode === undefined ? {} : { statusCode: detail.statusCode }),
    ...(detail.error === undefined ? {} : { statusMessage: { status: "Failed", error: detail.error } }),
    targetResource: { id: detail.id, resourceType: detail.type, resourceName: detail.name },
  },
});
