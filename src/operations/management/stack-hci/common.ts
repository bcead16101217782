// What the operations on images and on storage containers have in common: finding, listing, tags, deletion, and the answers of long-running
// operations. What is particular to a type is in the file of that type.
import { ApiError } from "../../../api/errors.ts";
import type { OperationDeclaration } from "../../../api/operation.ts";
import { locationKey, resourceIdOf } from "../../../domain/resource-ids.ts";
import { type Failure, guidEtag, isBusy, operationIdOf } from "../../../domain/stack-hci.ts";
import { instantOf, isoTime } from "../../../lib/clock.ts";
import { type AsyncOperation, insertAsyncOperation } from "../../../store/async-operations.ts";
import type { Reader, Write } from "../../../store/db.ts";
import {
  getResource,
  listResources,
  listResourcesOfGroup,
  type Resource,
  type ResourceKey,
  saveResource,
} from "../../../store/resources.ts";
import type { Reply } from "../../handler.ts";
import type { ManagementRequest, ManagementServices } from "../handler.ts";

export type AnyRequest = Pick<
  ManagementRequest<OperationDeclaration>,
  "operation" | "caller" | "page" | "baseUrl" | "apiVersion" | "traits" | "now"
>;

export const idOf = ({ settings }: Pick<ManagementServices, "settings">, { type, resourceGroup, name }: ResourceKey): string =>
  resourceIdOf({ subscriptionId: settings.subscriptionId, resourceGroup, type, names: [name] });

/** Throws ResourceNotFound in the gateway's words. */
export const loadResource = async <P extends object>(read: Reader, key: ResourceKey): Promise<Resource<P>> => {
  const resource = await getResource<P>(read, key);
  if (resource === undefined) throw notFound(key);
  return resource;
};

export const notFound = ({ type, resourceGroup, name }: ResourceKey): ApiError =>
  new ApiError(
    "ResourceNotFound",
    [],
    `The Resource '${type}/${name.slice(0, 90)}' under resource group '${resourceGroup.slice(0, 90)}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );

/** `properties.status` has the same beginning in all types. */
export const provisioningStatus = (resource: Resource<{ operationId: string; failure?: Failure }>) => ({
  errorCode: resource.properties.failure?.code ?? "",
  errorMessage: resource.properties.failure?.message ?? "",
  provisioningStatus: {
    operationId: resource.properties.operationId,
    status:
      resource.provisioningState === "Succeeded" || resource.provisioningState === "Failed" ? resource.provisioningState : "InProgress",
  },
});

/** What is around the properties. The type is in lower case, as recorded. */
export const envelopeOf = (services: ManagementServices, type: string, resource: Resource<object>) => ({
  id: idOf(services, { ...resource, type }),
  name: resource.name,
  type: type.toLowerCase(),
  location: resource.location,
  tags: Object.keys(resource.tags).length === 0 ? undefined : resource.tags,
  extendedLocation: resource.extendedLocation,
  systemData: {
    createdBy: resource.createdBy,
    createdByType: "Application",
    createdAt: isoTime(resource.createdAt),
    lastModifiedBy: resource.modifiedBy,
    lastModifiedByType: "Application",
    lastModifiedAt: isoTime(instantOf(resource.modified)),
  },
});

export type View<P extends object> = (services: ManagementServices, resource: Resource<P>) => object | Promise<object>;

export const replyOf = async <P extends object>(services: ManagementServices, view: View<P>, resource: Resource<P>): Promise<Reply> => ({
  body: await view(services, resource),
  etag: guidEtag(resource.modified),
});

export const listPage = async <P extends object>(
  request: AnyRequest,
  services: ManagementServices,
  view: View<P>,
  where: { type: string; resourceGroup?: string },
): Promise<Reply> => {
  const { type, resourceGroup } = where;
  const page = { ...(request.page.after === undefined ? {} : { after: request.page.after }), limit: request.page.limit + 1 };
  const found =
    resourceGroup === undefined
      ? await listResources<P>(services.store, { type, ...page })
      : await listResourcesOfGroup<P>(services.store, { type, resourceGroup, ...page });
  const shown = found.slice(0, request.page.limit);
  const last = found.length > shown.length ? shown.at(-1) : undefined;
  const keyOf = ({ resourceGroup: group, name }: Resource<P>): string =>
    (resourceGroup === undefined ? `${group}/${name}` : name).toLowerCase();
  return {
    items: await Promise.all(shown.map((resource) => view(services, resource))),
    ...(last === undefined ? {} : { next: keyOf(last) }),
  };
};

/** Tags are replaced as a whole where they are sent; nothing else of a resource can be patched. */
export const patchTags = async <P extends object>(
  request: AnyRequest & { body: { tags?: Record<string, string> } },
  { store, clock }: ManagementServices,
  key: ResourceKey,
): Promise<Resource<P>> => {
  const { tags } = request.body;
  const modified = clock.stamp();
  return store.decide(async (read) => {
    const resource = await loadResource<P>(read, key);
    refuseDeleting(resource);
    if (tags === undefined) return { writes: [], result: resource };
    const changed = { ...resource, tags, modified, modifiedBy: request.caller.clientId };
    return { writes: saveResource(changed), result: changed };
  });
};

export const refuseDeleting = ({ provisioningState, name }: Resource<object>): void => {
  if (provisioningState === "Deleting") throw new ApiError("OperationNotAllowed", [], `The resource '${name}' is being deleted.`);
};

export const refuseBusy = ({ provisioningState, name }: Resource<object>): void => {
  if (isBusy(provisioningState))
    throw new ApiError(
      "OperationNotAllowed",
      [],
      `The resource '${name}' is being provisioned; only its tags can be changed until it has been.`,
    );
};

/** The URL that tells of the operation: no subscription in it, the location in capitals, as recorded. */
export const statusUrl = ({ baseUrl, apiVersion }: AnyRequest, location: string, operationId: string): string =>
  `${baseUrl}/providers/Microsoft.AzureStackHCI/locations/${locationKey(location).toUpperCase()}/operationStatuses/${operationId}?api-version=${encodeURIComponent(apiVersion)}`;

export const newOperationId = ({ ids }: ManagementServices, resourceId: string): string => operationIdOf(ids.guid(), resourceId);

/** Goes into the commit that begins it. */
export const beginOperation = (request: AnyRequest, id: string, resourceId: string): Write[] =>
  insertAsyncOperation({
    id,
    kind: request.operation.id,
    resourceId,
    status: "InProgress",
    startedAt: request.now,
  } satisfies AsyncOperation);

export const asyncHeaders = (request: AnyRequest, location: string, operationId: string): Record<string, string> => ({
  "azure-asyncoperation": statusUrl(request, location, operationId),
  "retry-after": "1",
});

/** Where a PUT finds a resource elsewhere than it says. */
export const checkSameLocation = (resource: Resource<object>, type: string, location: string): void => {
  if (locationKey(resource.location) === locationKey(location)) return;
  const message =
    `The resource '${resource.name}' already exists in location '${resource.location}' in resource group '${resource.resourceGroup}'. ` +
    `A resource with the same name cannot be created in location '${location.slice(0, 64)}'. Please select a new resource name of type '${type}'.`;
  throw new ApiError("InvalidResourceLocation", [], message);
};

/** Any place that could be one of Azure's: there is one server, and its images are wherever their templates say. */
export const checkLocation = (location: string | undefined, type: string): string => {
  if (location === undefined || location.trim() === "")
    throw new ApiError("LocationRequired", [], "The location property is required for this definition.");
  if (!/^[a-z0-9]{2,40}$/.test(locationKey(location))) {
    const message = `The provided location '${location.slice(0, 64)}' is not available for resource type '${type}'.`;
    throw new ApiError("LocationNotAvailableForResourceType", [], message);
  }
  return location;
};

export const checkTags = (tags: Record<string, string> | undefined): void => {
  const wrong = Object.keys(tags ?? {}).find((name) => name.length > 512 || /[<>%&\\?/]/.test(name));
  if (wrong !== undefined) throw new ApiError("InvalidParameter", [], `The tag name '${wrong.slice(0, 64)}' is invalid.`);
};
