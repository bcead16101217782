// What the operations on user-assigned identities do. An identity is its two ids: nothing is signed in with it here.
import { ApiError } from "../../../api/errors.ts";
import type * as api from "../../../api/management/resources/identities.ts";
import { checkLocation, checkSameLocation } from "../../../domain/locations.ts";
import { checkTags } from "../../../domain/tags.ts";
import { guardResourceGroup } from "../../../store/resource-groups.ts";
import { deleteResource, getResource, insertResource, type Resource, saveResource } from "../../../store/resources.ts";
import { loadGroup } from "../groups.ts";
import type { ManagementHandler, ManagementSettings } from "../handler.ts";
import { loadResource, pageOfRows, trackedView } from "./common.ts";

export const identityType = "Microsoft.ManagedIdentity/userAssignedIdentities";

type Properties = { principalId: string; clientId: string; isolationScope?: string };

/** One that is there keeps its ids. */
export const createIdentity: ManagementHandler<typeof api.createIdentity> = async ({ params, body, caller, now }, services) => {
  const { store, settings, ids, clock } = services;
  const name = checkName(params.resourceName);
  const tags = checkTags(body.tags ?? {});
  const location = checkLocation(body.location, identityType, settings.region);
  const { isolationScope } = body.properties ?? {};
  const scope = isolationScope === undefined ? {} : { isolationScope };
  return store.decide(async (read) => {
    const group = await loadGroup(read, params.resourceGroupName);
    const found = await getResource<Properties>(read, { type: identityType, resourceGroup: group.name, name });
    const by = { modified: clock.stamp(), modifiedBy: caller.clientId };
    if (found !== undefined) {
      checkSameLocation(location, found);
      const changed = { ...found, ...by, tags, properties: { ...found.properties, ...scope } };
      return { writes: saveResource(changed), result: { status: 200, body: view(settings, changed) } };
    }
    const identity: Resource<Properties> = {
      type: identityType,
      name,
      resourceGroup: group.name,
      location,
      tags,
      properties: { principalId: ids.guid(), clientId: ids.guid(), ...scope },
      provisioningState: "Succeeded",
      createdAt: now,
      createdBy: caller.clientId,
      ...by,
      generation: 0,
    };
    return {
      writes: [guardResourceGroup(group.name), ...insertResource(identity)],
      result: { status: 201, body: view(settings, identity) },
    };
  });
};

export const getIdentity: ManagementHandler<typeof api.getIdentity> = async ({ params }, { store, settings }) => ({
  body: view(settings, await loadResource<Properties>(store, keyOf(params))),
});

export const updateIdentity: ManagementHandler<typeof api.updateIdentity> = async ({ params, body, caller }, { store, settings, clock }) =>
  store.decide(async (read) => {
    const identity = await loadResource<Properties>(read, keyOf(params));
    const tags = body.tags === undefined ? identity.tags : checkTags(body.tags);
    const changed = { ...identity, tags, modified: clock.stamp(), modifiedBy: caller.clientId };
    return { writes: saveResource(changed), result: { body: view(settings, changed) } };
  });

export const deleteIdentity: ManagementHandler<typeof api.deleteIdentity> = async ({ params }, { store }) =>
  store.decide(async (read) => {
    const identity = await getResource(read, keyOf(params));
    return identity === undefined ? { writes: [], result: { status: 204 } } : { writes: deleteResource(identity), result: { status: 200 } };
  });

export const listIdentities: ManagementHandler<typeof api.listIdentities> = async ({ page }, { store, settings }) => {
  const { rows, next } = await pageOfRows<Properties>(store, identityType, page);
  return { items: rows.map((row) => view(settings, row)), ...(next === undefined ? {} : { next }) };
};

export const listIdentitiesOfGroup: ManagementHandler<typeof api.listIdentitiesOfGroup> = async ({ params, page }, { store, settings }) => {
  const { rows, next } = await pageOfRows<Properties>(store, identityType, page, params.resourceGroupName);
  return { items: rows.map((row) => view(settings, row)), ...(next === undefined ? {} : { next }) };
};

const keyOf = ({ resourceGroupName, resourceName }: { resourceGroupName: string; resourceName: string }) => ({
  type: identityType,
  resourceGroup: resourceGroupName,
  name: resourceName,
});

/** 3 to 128 letters, digits, `-` and `_`, the first a letter or digit. */
const checkName = (name: string): string => {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{2,127}$/.test(name)) return name;
  const message =
    `The resource name '${name.slice(0, 128)}' is invalid. A name has 3 to 128 letters, digits, hyphens and underscores, and begins with a ` +
    "letter or digit.";
  throw new ApiError("InvalidResourceName", [], message);
};

const view = (settings: ManagementSettings, row: Resource<Properties>) => ({
  ...trackedView(settings, row),
  properties: { tenantId: settings.tenantId, ...row.properties },
});
