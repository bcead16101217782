// What the operations on deployments do, for both scopes: they begin, stop, show and forget. What goes on in between is in ../deployments.
import { ApiError } from "../../../api/errors.ts";
import { checkTags } from "../../../domain/tags.ts";
import type { Reader, Write } from "../../../store/db.ts";
import {
  countDeployments,
  type Deployment,
  type DeploymentKey,
  deleteDeployment,
  deleteSteps,
  getDeployment,
  insertDeployment,
  listDeployments,
  replaceDeployment,
  stepsOf,
  templateOf,
} from "../../../store/deployments.ts";
import { guardResourceGroup, type ResourceGroup } from "../../../store/resource-groups.ts";
import { shownParameters } from "../../../templates/deploy.ts";
import { isSecure } from "../../../templates/parameters.ts";
import type { Page, Reply } from "../../handler.ts";
import { finish } from "../deployments/finish.ts";
import { type DeploymentRequest, type ReadDeployment, readDeployment } from "../deployments/prepare.ts";
import { dependenciesOf, deploymentId, deploymentKeyOf, deploymentView, isUnderWay, providersOf, stepView } from "../deployments/view.ts";
import { whatIfChanges } from "../deployments/what-if.ts";
import { loadGroup } from "../groups.ts";
import type { ManagementServices, ManagementSettings } from "../handler.ts";

type Params = { readonly params: { readonly deploymentName: string; readonly resourceGroupName?: string } };
type Polled = Params & { readonly baseUrl: string; readonly apiVersion: string };

/** As the service has it: then those that ended longest ago make room. */
const mostDeployments = 800;
/** Each shows its parameters, dependencies and outputs, some megabytes if somebody means it. */
const longestPage = 25;

export const createDeployment = async (request: DeploymentRequest & Polled, services: ManagementServices): Promise<Reply> => {
  const { store, settings, ids, deployments } = services;
  const read = await readDeployment(request, services);
  const tags = request.body.tags === undefined ? {} : { tags: checkTags(request.body.tags) };
  const { key, scope } = keyOf(request);
  const runId = ids.guid();
  const made = { ...newDeployment(request, read, runId), scope, key };
  const [deployment, isNew] = await store.decide(async (reader) => {
    if (read.group !== undefined) refuseGoing(await loadGroup(reader, read.group.name));
    const found = await getDeployment(reader, { scope, key });
    if (found !== undefined && isUnderWay(found)) throw active(found);
    const now: Deployment = { ...made, request: { ...made.request, ...tags }, generation: found?.generation ?? 0 };
    const room = found === undefined ? await makeRoom(reader, scope) : [deleteSteps(found.runId)];
    const guard = read.group === undefined ? [] : [guardResourceGroup(read.group.name)];
    const put = found === undefined ? [insertDeployment(now, read.template)] : replaceDeployment(now, read.template);
    const writes = [...guard, ...room, ...put];
    return { writes, result: [now, found === undefined] as const };
  });
  deployments.ring({ scope, key });
  return { status: isNew ? 201 : 200, body: deploymentView(settings, deployment), headers: pollAt(request, settings, deployment) };
};

const refuseGoing = ({ name, provisioningState }: ResourceGroup): void => {
  if (provisioningState !== "Deleting") return;
  const message = `The resource group '${name}' is in deprovisioning state and cannot perform this operation.`;
  throw new ApiError("ResourceGroupBeingDeleted", [], message);
};

const newDeployment = (
  { body, caller, baseUrl, now, nesting = 0 }: DeploymentRequest,
  { name, group, location, mode, templateHash, prepared }: ReadDeployment,
  runId: string,
): Omit<Deployment, "scope" | "key" | "generation"> => {
  const parameters = Object.entries(prepared.parameters);
  const secrets = Object.fromEntries(parameters.filter(([, { type }]) => isSecure(type)).map(([of, { value }]) => [of, value]));
  const { objectId, clientId, tenantId, role, name: callerName } = caller;
  const where = body.location === undefined && location === undefined ? {} : { location: location ?? body.location! };
  return {
    name,
    ...(group === undefined ? {} : { resourceGroup: group.name }),
    runId,
    state: "Accepted",
    request: {
      mode,
      parameters: shownParameters(prepared.parameters),
      templateHash,
      ...where,
      caller: { objectId, clientId, tenantId, role, name: callerName },
      baseUrl,
      nesting,
      resources: listed(read(prepared)),
    },
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    startedAt: now,
    changedAt: now,
  };
};

const read = ({ resources }: ReadDeployment["prepared"]) => resources.filter(({ isExisting }) => !isExisting);

const listed = (resources: ReturnType<typeof read>): Deployment["request"]["resources"] =>
  resources.map(({ id, type, name, body, dependsOn }) => ({
    id,
    type,
    name,
    ...(typeof body.location === "string" && !body.location.startsWith("[") ? { location: body.location } : {}),
    dependsOn,
  }));

const makeRoom = async (reader: Reader, scope: string): Promise<Write[]> => {
  const { count, oldest } = await countDeployments(reader, scope);
  if (count < mostDeployments) return [];
  if (oldest !== undefined) return deleteDeployment(oldest);
  throw new ApiError(
    "DeploymentQuotaExceeded",
    [],
    `Creating the deployment would exceed the quota of '${mostDeployments}', and all of them are under way.`,
  );
};

export const getDeploymentByName = async (request: Params, { store, settings }: ManagementServices): Promise<Reply> => ({
  body: deploymentView(settings, await load(store, request)),
});

export const deploymentExists = async (request: Params, { store }: ManagementServices): Promise<Reply> => {
  await load(store, request);
  return {};
};

export const removeDeployment = async (request: Polled, { store, settings }: ManagementServices): Promise<Reply> => {
  const found = await store.decide(async (reader) => {
    const deployment = await find(reader, request);
    if (deployment !== undefined && isUnderWay(deployment)) throw active(deployment);
    return { writes: deployment === undefined ? [] : deleteDeployment(deployment), result: deployment };
  });
  // It is gone by now: whoever asks for its status is told that it is.
  if (found === undefined) return { status: 204 };
  return { status: 202, headers: { location: statusUrl(request, settings, found), "retry-after": "1" } };
};

export const cancelDeployment = async (request: Params, services: ManagementServices): Promise<Reply> => {
  const deployment = await load(services.store, request);
  if (isUnderWay(deployment)) {
    await cancel(deployment, services);
    return {};
  }
  const message = `The deployment '${deployment.name}' cannot be cancelled: its provisioning state is '${deployment.state}'.`;
  throw new ApiError("DeploymentCannotBeCancelled", [], message);
};

/** With the deployments within it that are under way. The outer one first: it begins no more then. */
const cancel = async (deployment: Deployment, services: ManagementServices): Promise<void> => {
  const { scope, key, name, runId } = deployment;
  const error = { code: "DeploymentCanceled", message: `The deployment '${name}' was cancelled.` };
  await finish(services, deployment, "Canceled", { error });
  services.deployments.ring({ scope, key });
  for (const { state, detail } of await stepsOf(services.store, runId)) {
    const within = state === "Running" ? deploymentKeyOf(detail.id) : undefined;
    const found = within === undefined ? undefined : await getDeployment(services.store, within);
    if (found !== undefined && isUnderWay(found)) await cancel(found, services);
  }
};

export const validateDeployment = async (request: DeploymentRequest, services: ManagementServices): Promise<Reply> => {
  const { mode, templateHash, prepared, name, group } = await readDeployment(request, services);
  const { settings, ids } = services;
  const resources = listed(read(prepared));
  const properties = {
    templateHash,
    parameters: shownParameters(prepared.parameters),
    mode,
    provisioningState: "Succeeded",
    correlationId: ids.guid(),
    providers: providersOf(resources),
    dependencies: dependenciesOf(resources),
    validatedResources: resources.map(({ id }) => ({ id })),
  };
  const id = deploymentId(settings, { name, ...(group === undefined ? {} : { resourceGroup: group.name }) });
  return { body: { id, name, type: "Microsoft.Resources/deployments", properties } };
};

export const whatIfDeployment = async (request: DeploymentRequest, services: ManagementServices): Promise<Reply> => {
  const read = await readDeployment(request, services);
  const whole = await whatIfChanges(request, read, services);
  const isShort = request.body.properties?.whatIfSettings?.resultFormat === "ResourceIdOnly";
  const changes = isShort ? whole.map(({ resourceId, changeType }) => ({ resourceId, changeType })) : whole;
  return { body: { status: "Succeeded", properties: { correlationId: services.ids.guid(), changes } } };
};

export const exportDeployedTemplate = async (request: Params, { store }: ManagementServices): Promise<Reply> => {
  const template = await templateOf(store, await load(store, request));
  if (template === undefined) throw notFound(request);
  return { body: { template } };
};

type ListRequest = {
  readonly params: { readonly subscriptionId: string; readonly resourceGroupName?: string };
  readonly query: { $filter?: string; $top?: number };
  readonly page: Page;
};

export const listAllDeployments = async ({ params, query, page }: ListRequest, { store, settings }: ManagementServices): Promise<Reply> => {
  if (params.resourceGroupName !== undefined) await loadGroup(store, params.resourceGroupName);
  const state = wantedState(query.$filter);
  const limit = Math.min(query.$top ?? page.limit, longestPage);
  const { after } = page;
  const found = await listDeployments(store, {
    scope: scopeOf(params),
    limit: limit + 1,
    ...(after === undefined ? {} : { after }),
    ...(state === undefined ? {} : { state }),
  });
  const shown = found.slice(0, limit);
  return { items: shown.map((one) => deploymentView(settings, one)), ...(found.length > limit ? { next: shown.at(-1)!.key } : {}) };
};

const wantedState = (filter: string | undefined): string | undefined => {
  if (filter === undefined || filter.trim() === "") return undefined;
  const state = /^\s*provisioningState\s+eq\s+'(\w+)'\s*$/i.exec(filter)?.[1];
  if (state !== undefined) return state.toLowerCase();
  throw new ApiError(
    "InvalidFilterInQueryString",
    [],
    "Invalid $filter specified in the query string: deployments know provisioningState eq '...'.",
  );
};

type StatusRequest = Polled & { readonly params: { readonly operationId: string } };

export const getDeploymentStatus = async (request: StatusRequest, { store, settings }: ManagementServices): Promise<Reply> => {
  const deployment = await find(store, request);
  // What was deleted has no status but that; the address of another run knows nothing either.
  if (deployment === undefined || deployment.runId !== request.params.operationId) {
    if (deployment === undefined && /^[0-9a-f-]{36}$/i.test(request.params.operationId)) return { body: { status: "Succeeded" } };
    throw notFound(request);
  }
  if (isUnderWay(deployment)) return { body: { status: "Running" }, headers: pollAt(request, settings, deployment) };
  const { error } = deployment.result ?? {};
  return { body: { status: deployment.state, ...(error === undefined ? {} : { error }) } };
};

type StepsRequest = Params & { readonly query: { $top?: number }; readonly page: Page };

export const listDeploymentSteps = async (request: StepsRequest, { store, settings }: ManagementServices): Promise<Reply> => {
  const deployment = await load(store, request);
  const { after = "" } = request.page;
  const steps = (await stepsOf(store, deployment.runId)).filter(({ key }) => key > after);
  const limit = request.query.$top ?? request.page.limit;
  const shown = steps.slice(0, limit);
  return { items: shown.map((step) => stepView(settings, deployment, step)), ...(steps.length > limit ? { next: shown.at(-1)!.key } : {}) };
};

export const getDeploymentStep = async (
  request: Params & { readonly params: { readonly operationId: string } },
  { store, settings }: ManagementServices,
): Promise<Reply> => {
  const deployment = await load(store, request);
  const { operationId } = request.params;
  const step = (await stepsOf(store, deployment.runId)).find(({ stepId }) => stepId.toLowerCase() === operationId.toLowerCase());
  if (step === undefined) throw new ApiError("NotFound", [], `The deployment operation '${operationId.slice(0, 64)}' could not be found.`);
  return { body: stepView(settings, deployment, step) };
};

const scopeOf = ({ resourceGroupName }: { readonly resourceGroupName?: string }): string => resourceGroupName?.toLowerCase() ?? "";

const keyOf = ({ params }: Params): DeploymentKey => ({ scope: scopeOf(params), key: params.deploymentName.toLowerCase() });

const find = async (reader: Reader, request: Params): Promise<Deployment | undefined> => {
  const { resourceGroupName } = request.params;
  if (resourceGroupName !== undefined) await loadGroup(reader, resourceGroupName);
  return getDeployment(reader, keyOf(request));
};

const load = async (reader: Reader, request: Params): Promise<Deployment> => {
  const deployment = await find(reader, request);
  if (deployment === undefined) throw notFound(request);
  return deployment;
};

const notFound = ({ params }: Params): ApiError =>
  new ApiError("DeploymentNotFound", [], `Deployment '${params.deploymentName.slice(0, 64)}' could not be found.`);

const active = ({ name, startedAt }: Deployment): ApiError => {
  const began = new Date(startedAt).toUTCString();
  const message =
    `Unable to edit or replace deployment '${name}': previous deployment from '${began}' is still active. Please see https://aka.ms/arm-deploy for ` +
    "usage details.";
  return new ApiError("DeploymentActive", [], message);
};

const statusUrl = ({ baseUrl, apiVersion }: Polled, settings: ManagementSettings, deployment: Deployment): string =>
  `${baseUrl}${deploymentId(settings, deployment)}/operationStatuses/${deployment.runId}?api-version=${encodeURIComponent(apiVersion)}`;

const pollAt = (request: Polled, settings: ManagementSettings, deployment: Deployment): Record<string, string> => ({
  "azure-asyncoperation": statusUrl(request, settings, deployment),
  "retry-after": "1",
});
