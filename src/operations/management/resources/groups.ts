// What the operations on resource groups do. The end of a deletion is brought about by scheduler/reconcilers/resource-groups.ts.
import { ApiError, type ErrorCode } from "../../../api/errors.ts";
import type * as api from "../../../api/management/resources/groups.ts";
import { checkGroupLocation } from "../../../domain/locations.ts";
import { parseResourceFilter } from "../../../domain/resource-filter.ts";
import { checkGroupName, groupOperationKey } from "../../../domain/resource-groups.ts";
import { locationKey } from "../../../domain/resource-ids.ts";
import { checkTags } from "../../../domain/tags.ts";
import { getAsyncOperation, insertAsyncOperation } from "../../../store/async-operations.ts";
import {
  getResourceGroup,
  insertResourceGroup,
  listResourceGroups,
  type ResourceGroup,
  saveResourceGroup,
} from "../../../store/resource-groups.ts";
import { loadGroup } from "../groups.ts";
import type { ManagementHandler, ManagementSettings } from "../handler.ts";

/** A group that is there keeps its location; its tags are replaced. */
export const createGroup: ManagementHandler<typeof api.createGroup> = async ({ params, body, now }, { store, settings }) => {
  const name = checkGroupName(params.resourceGroupName);
  const tags = checkTags(body.tags ?? {});
  const managedBy = body.managedBy === undefined ? {} : { managedBy: body.managedBy };
  const location = checkGroupLocation(body.location, settings.region);
  return store.decide(async (read) => {
    const found = await getResourceGroup(read, name);
    if (found === undefined) {
      const key = name.toLowerCase();
      const group: ResourceGroup = {
        key,
        name,
        location,
        tags,
        ...managedBy,
        provisioningState: "Succeeded",
        createdAt: now,
        generation: 0,
      };
      return { writes: insertResourceGroup(group), result: { status: 201, body: groupView(settings, group) } };
    }
    refuseGoing(found);
    if (locationKey(found.location) !== location) {
      const message = `Invalid resource group location '${body.location}'. The Resource group already exists in location '${found.location}'.`;
      throw new ApiError("InvalidResourceGroupLocation", [], message);
    }
    const { managedBy: _before, ...rest } = found;
    const changed: ResourceGroup = { ...rest, tags, ...managedBy };
    return { writes: saveResourceGroup(changed), result: { status: 200, body: groupView(settings, changed) } };
  });
};

export const getGroup: ManagementHandler<typeof api.getGroup> = async ({ params }, { store, settings }) => ({
  body: groupView(settings, await loadGroup(store, params.resourceGroupName)),
});

export const groupExists: ManagementHandler<typeof api.groupExists> = async ({ params }, { store }) => {
  await loadGroup(store, params.resourceGroupName);
  return {};
};

export const updateGroup: ManagementHandler<typeof api.updateGroup> = async ({ params, body }, { store, settings }) =>
  store.decide(async (read) => {
    const group = await loadGroup(read, params.resourceGroupName);
    refuseGoing(group);
    const changed: ResourceGroup = {
      ...group,
      ...(body.tags === undefined ? {} : { tags: checkTags(body.tags) }),
      ...(body.managedBy === undefined ? {} : { managedBy: body.managedBy }),
    };
    return { writes: saveResourceGroup(changed), result: { body: groupView(settings, changed) } };
  });

/** The group that the server was started with stays: it would be back at the next start, without what was in it. */
export const deleteGroup: ManagementHandler<typeof api.deleteGroup> = async (request, { store, settings, ids, wake }) => {
  const { params, now, baseUrl, apiVersion } = request;
  const id = ids.guid();
  const group = await store.decide(async (read) => {
    const found = await loadGroup(read, params.resourceGroupName);
    if (found.key === settings.resourceGroup.toLowerCase()) throw ownGroup(settings, found);
    const operation = { id, kind, resourceId: groupOperationKey(found.name), status: "InProgress", startedAt: now } as const;
    const going = found.provisioningState === "Deleting" ? [] : saveResourceGroup({ ...found, provisioningState: "Deleting" });
    return { writes: [...going, ...insertAsyncOperation(operation)], result: found };
  });
  wake.resourceGroup(group.name);
  return { headers: pollAt(baseUrl, settings, id, apiVersion) };
};

export const listGroups: ManagementHandler<typeof api.listGroups> = async ({ query, page }, { store, settings }) => {
  const passes = parseResourceFilter(query.$filter, "tags");
  const { after = "" } = page;
  const groups = (await listResourceGroups(store)).filter(
    (group) => group.key > after && (passes === undefined || passes({ ...group, type: groupType, resourceGroup: group.name })),
  );
  const limit = query.$top ?? page.limit;
  const shown = groups.slice(0, limit);
  return {
    items: shown.map((group) => groupView(settings, group)),
    ...(groups.length > limit ? { next: shown.at(-1)!.key } : {}),
  };
};

/** 202 as long as it lasts; then 200 without a body, or the error with which it failed. */
export const getOperationResult: ManagementHandler<typeof api.getOperationResult> = async (request, { store, settings }) => {
  const { params, baseUrl, apiVersion } = request;
  const operation = await getAsyncOperation(store, params.operationId);
  if (operation === undefined || operation.kind !== kind)
    throw new ApiError("NotFound", [], `The operation '${params.operationId.slice(0, 64)}' could not be found.`);
  if (operation.status === "InProgress") return { status: 202, headers: pollAt(baseUrl, settings, operation.id, apiVersion) };
  if (operation.error !== undefined) throw new ApiError(operation.error.code as ErrorCode, [], operation.error.message);
  return { status: 200 };
};

const kind = "ResourceGroups_Delete";
const groupType = "Microsoft.Resources/resourceGroups";

const groupId = ({ subscriptionId }: ManagementSettings, name: string): string => `/subscriptions/${subscriptionId}/resourceGroups/${name}`;

const groupView = (settings: ManagementSettings, group: ResourceGroup) => ({
  id: groupId(settings, group.name),
  name: group.name,
  type: groupType,
  location: group.location,
  ...(group.managedBy === undefined ? {} : { managedBy: group.managedBy }),
  tags: group.tags,
  properties: { provisioningState: group.provisioningState },
});

const pollAt = (baseUrl: string, { subscriptionId }: ManagementSettings, id: string, apiVersion: string): Record<string, string> => ({
  location: `${baseUrl}/subscriptions/${subscriptionId}/operationresults/${id}?api-version=${encodeURIComponent(apiVersion)}`,
  "retry-after": "1",
});

const refuseGoing = ({ name, provisioningState }: ResourceGroup): void => {
  if (provisioningState !== "Deleting") return;
  const message = `The resource group '${name}' is in deprovisioning state and cannot perform this operation.`;
  throw new ApiError("ResourceGroupBeingDeleted", [], message);
};

const ownGroup = (settings: ManagementSettings, { name }: ResourceGroup): ApiError => {
  const id = groupId(settings, name);
  const message =
    `The scope '${id}' cannot perform delete operation because following scope(s) are locked: '${id}'. It is the resource group that this server ` +
    "was started with; what is in it can be deleted one by one.";
  return new ApiError("ScopeLocked", [], message);
};
