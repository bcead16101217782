// The deletion of images and storage containers: asked for by their own operations, and when a resource group goes with all that is in it.
import { ApiError } from "../../../api/errors.ts";
import { sameId } from "../../../domain/resource-ids.ts";
import { type ImageProperties, storageContainerType } from "../../../domain/stack-hci.ts";
import { instantOf } from "../../../lib/clock.ts";
import { endAsyncOperations } from "../../../store/async-operations.ts";
import type { Reader, Write } from "../../../store/db.ts";
import { getResource, type Resource, type ResourceKey, saveResource } from "../../../store/resources.ts";
import { guardNoImages, guardNoPool, imagesOfContainer, poolsWithImage } from "../../../store/stack-hci.ts";
import type { Reply } from "../../handler.ts";
import type { ManagementServices } from "../handler.ts";
import { type AnyRequest, asyncHeaders, beginOperation, idOf, newOperationId, statusUrl } from "./common.ts";

type Surroundings = Pick<ManagementServices, "settings" | "images">;

/** What stands in the way, and the guards by which nothing does when it is committed. */
export const deletionGuards = async (
  read: Reader,
  services: Surroundings,
  type: string,
  resource: Resource<object>,
): Promise<{ usedBy: string[]; guards: Write[] }> => {
  const key = { ...resource, type };
  const id = idOf(services, key);
  if (type === storageContainerType) return { usedBy: await imagesOfContainer(read, id), guards: [guardNoImages(id, key)] };
  const { identifier, version } = resource.properties as ImageProperties;
  // Only what is finished is known by its names, and no gallery image by those of a well-known one.
  const reference = { ...identifier, ...(version === undefined ? {} : { version }) };
  const isNamed = identifier !== undefined && sameId(services.images.find(reference)?.resourceId ?? "", id);
  const names = { id, ...(isNamed ? { identifier, ...(version === undefined ? {} : { version }) } : {}) };
  return { usedBy: await poolsWithImage(read, names), guards: [guardNoPool(names, key)] };
};

/** Throws ResourceInUse; otherwise what turns the row into one that is being deleted. Ring `imageWork` after the commit. */
export const beginDeletion = async (
  read: Reader,
  services: Surroundings,
  change: { type: string; resource: Resource<object>; modified: number; modifiedBy: string },
): Promise<Write[]> => {
  const { type, resource, ...by } = change;
  const { usedBy, guards } = await deletionGuards(read, services, type, resource);
  if (usedBy.length > 0) {
    const what = type === storageContainerType ? "image" : "pool";
    const message = `The resource '${resource.name}' is in use by ${usedBy.length === 1 ? what : `${what}s`} ${usedBy.join(", ")} and cannot be deleted.`;
    throw new ApiError("ResourceInUse", [], message);
  }
  // Whoever waits for its creation hears that there will be none.
  const error = { code: "Canceled", message: `The resource '${resource.name}' was deleted before it was provisioned.` };
  const cancelled = endAsyncOperations(idOf(services, { ...resource, type }), { status: "Canceled", error, at: instantOf(by.modified) });
  // The guards look at the row as it was read, so they stand first.
  return [...guards, ...saveResource({ ...resource, ...by, provisioningState: "Deleting" }), ...cancelled];
};

/**
 * 204 for what is not there. Else 202 and where to ask, with the body `null` that was recorded; a client of the first preview knows nothing
 * of that and is answered when everything is gone.
 */
export const deleteResource = async (request: AnyRequest, services: ManagementServices, key: ResourceKey): Promise<Reply> => {
  const { store, clock, imageWork } = services;
  const [operationId, modified] = [newOperationId(services, idOf(services, key)), clock.stamp()];
  const found = await store.decide(
    async (read): Promise<{ writes: Write[]; result: { operationId: string; location: string } | undefined }> => {
      const resource = await getResource<{ operationId: string }>(read, key);
      if (resource === undefined) return { writes: [], result: undefined };
      const { location } = resource;
      if (resource.provisioningState === "Deleting")
        return { writes: [], result: { operationId: resource.properties.operationId, location } };
      const deleting = { ...resource, properties: { ...resource.properties, operationId } };
      const by = { modified, modifiedBy: request.caller.clientId };
      const writes = await beginDeletion(read, services, { type: key.type, resource: deleting, ...by });
      return { writes: [...writes, ...beginOperation(request, operationId, idOf(services, key))], result: { operationId, location } };
    },
  );
  if (found === undefined) return { status: 204 };
  if (request.traits.has("atOnce")) {
    const gone = imageWork.gone(key);
    imageWork.ring(key);
    await gone;
    return { status: 200 };
  }
  imageWork.ring(key);
  const headers = asyncHeaders(request, found.location, found.operationId);
  return { status: 202, body: null, headers: { ...headers, location: statusUrl(request, found.location, found.operationId) } };
};
