// What a deployment would change: each resource of the template as it would be sent, compared with what is there now. Only what the template says is
// compared; what the service adds is no change.
import { ApiError } from "../../../api/errors.ts";
import { bodyOf, type Known } from "../../../templates/deploy.ts";
import { TemplateError } from "../../../templates/errors.ts";
import { deploymentType, type Planned } from "../../../templates/resources.ts";
import { NotYet } from "../../../templates/scope.ts";
import { isArray, isObject, type Obj, type Value } from "../../../templates/values.ts";
import type { ManagementServices } from "../handler.ts";
import { allResources } from "../resources/all-resources.ts";
import { type Answered, targetOf } from "./perform.ts";
import { type DeploymentRequest, invalidTemplate, type ReadDeployment } from "./prepare.ts";

type Delta = { path: string; propertyChangeType: "Create" | "Modify"; before?: Value; after?: Value };
type Change = {
  resourceId: string;
  changeType: "Create" | "Modify" | "NoChange" | "Ignore" | "Delete" | "Unsupported";
  before?: unknown;
  after?: unknown;
  delta?: Delta[];
  unsupportedReason?: string;
};

/** In ms: for all deployments within deployments together. A few lines can name more of them than could ever be compared. */
const longestMs = 10_000;

const tooLong = (): ApiError =>
  new ApiError("InvalidTemplate", [], `The template cannot be compared within ${longestMs / 1000} seconds: it deploys too much.`);

export const whatIfChanges = async (
  request: DeploymentRequest,
  { prepared, group, mode }: ReadDeployment,
  services: ManagementServices,
): Promise<Change[]> => {
  const nesting = (request.nesting ?? 0) + 1;
  const { caller, baseUrl } = request;
  const { call } = services.deployments.perform;
  const until = request.until ?? services.clock.elapsed() + longestMs;
  const changes: Change[] = [];
  for (const planned of prepared.resources) {
    if (planned.isExisting) continue;
    if (services.clock.elapsed() > until) throw tooLong();
    const body = bodyIn(prepared, planned);
    if (planned.type.toLowerCase() === deploymentType.toLowerCase()) {
      const target = targetOf(`${planned.id}/whatIf`, planned.apiVersion);
      changes.push(
        ...(body === undefined
          ? [nested(planned)]
          : changesWithin(planned, await call({ method: "POST", target, body, caller, baseUrl, nesting, until }))),
      );
    } else
      changes.push(
        changeOf(planned, body, await call({ method: "GET", target: targetOf(planned.id, planned.apiVersion), caller, baseUrl, nesting })),
      );
  }
  if (group === undefined) return changes;
  const named = new Set([...changes.map(({ resourceId }) => resourceId.toLowerCase()), ...prepared.left]);
  for (const { id, type, name, location } of await allResources(services.store, services, group.name))
    if (!named.has(id.toLowerCase()))
      changes.push({ resourceId: id, changeType: mode === "Complete" ? "Delete" : "Ignore", before: { id, name, type, location } });
  return changes;
};

/** What a deployment within this one would change; it says itself what it leaves alone. */
const changesWithin = (planned: Planned, { status, body }: Answered): Change[] =>
  status >= 400
    ? [nested(planned)]
    : (body as { properties: { changes: Change[] } }).properties.changes.filter(({ changeType }) => changeType !== "Ignore");

const nested = ({ id }: Planned): Change => ({
  resourceId: id,
  changeType: "Unsupported",
  unsupportedReason: "The resources of this deployment cannot be compared before what it refers to is deployed.",
});

/** Undefined where it refers to what is deployed only then. */
const bodyIn = (prepared: ReadDeployment["prepared"], planned: Planned): Obj | undefined => {
  const nothing: Known = { deployed: new Set(), answers: new Map() };
  try {
    return bodyOf(prepared, planned, nothing);
  } catch (error) {
    if (error instanceof NotYet) return undefined;
    throw error instanceof TemplateError ? invalidTemplate(error) : error;
  }
};

const changeOf = ({ id, type, name, apiVersion }: Planned, body: Obj | undefined, { status, body: found }: Answered): Change => {
  const after = { id, type, name: name.split("/").at(-1), apiVersion, ...body };
  if (status === 404) return { resourceId: id, changeType: "Create", after };
  if (status >= 400)
    throw new ApiError("InvalidTemplateDeployment", [], `The resource '${id}' cannot be read: it was answered with status ${status}.`);
  const before = found as Obj;
  if (body === undefined)
    return {
      resourceId: id,
      changeType: "Unsupported",
      before,
      unsupportedReason: "It refers to resources whose state is known only when they are deployed.",
    };
  const delta = differences(before, body, "");
  return {
    resourceId: id,
    changeType: delta.length === 0 ? "NoChange" : "Modify",
    before,
    after,
    ...(delta.length === 0 ? {} : { delta }),
  };
};

const differences = (before: Value, after: Value, path: string): Delta[] => {
  if (isObject(after) && isObject(before))
    return Object.entries(after).flatMap(([name, value]) => {
      const at = path === "" ? name : `${path}.${name}`;
      const key = Object.keys(before).find((one) => one.toLowerCase() === name.toLowerCase());
      if (key === undefined) return value === null ? [] : [{ path: at, propertyChangeType: "Create" as const, after: value }];
      return differences(before[key]!, value, at);
    });
  if (isArray(after) && isArray(before) && after.length === before.length)
    return after.flatMap((one, index) => differences(before[index]!, one, `${path}.${index}`));
  return isSame(before, after) ? [] : [{ path, propertyChangeType: "Modify", before, after }];
};

/** Names of places and choices are answered in the service's spelling, whatever was sent. */
const isSame = (before: Value, after: Value): boolean =>
  before === after ||
  (typeof before === "string" &&
    typeof after === "string" &&
    before.replace(/\s+/g, "").toLowerCase() === after.replace(/\s+/g, "").toLowerCase());
