// The operations on storage containers: directories of the server in which images are kept.
import { ApiError, missingProperty } from "../../../api/errors.ts";
import type * as api from "../../../api/management/stack-hci/storage-containers.ts";
import { type ContainerProperties, checkName, isBusy, megabytes, storageContainerType as type } from "../../../domain/stack-hci.ts";
import { directoryOfContainer, spaceOf } from "../../../images/container-directory.ts";
import { guardResourceGroup } from "../../../store/resource-groups.ts";
import { getResource, insertResource, type Resource, saveResource } from "../../../store/resources.ts";
import type { ManagementHandler, ManagementServices } from "../handler.ts";
import {
  asyncHeaders,
  beginOperation,
  checkLocation,
  checkSameLocation,
  checkTags,
  envelopeOf,
  idOf,
  listPage,
  loadResource,
  newOperationId,
  patchTags,
  provisioningStatus,
  refuseBusy,
  refuseDeleting,
  replyOf,
} from "./common.ts";
import { deleteResource } from "./deletion.ts";

type Container = Resource<ContainerProperties>;
type Params = { resourceGroupName: string; storageContainerName: string };
const keyOf = ({ resourceGroupName: resourceGroup, storageContainerName: name }: Params) => ({ type, resourceGroup, name });

/** The space is that of the file system now, in all and free, which other directories share. */
const view = async (services: ManagementServices, container: Container) => {
  const { path, resourceName } = container.properties;
  const space =
    container.provisioningState === "Succeeded"
      ? await spaceOf(directoryOfContainer(services.imageWork.directory, container.properties))
      : undefined;
  const sizes =
    space === undefined ? {} : { availableSizeMB: megabytes(space.availableBytes), containerSizeMB: megabytes(space.totalBytes) };
  return {
    ...envelopeOf(services, type, container),
    properties: {
      path,
      resourceName,
      provisioningState: container.provisioningState,
      ...sizes,
      status: { ...provisioningStatus(container), ...sizes },
    },
  };
};

export const getStorageContainer: ManagementHandler<typeof api.getStorageContainer> = async ({ params }, services) =>
  replyOf(services, view, await loadResource(services.store, keyOf(params)));

/** The path of one that is there cannot be changed: its images would be elsewhere. One that failed begins anew. */
export const createStorageContainer: ManagementHandler<typeof api.createStorageContainer> = async (request, services) => {
  const { body, params } = request;
  const key = keyOf(params);
  const location = checkLocation(body.location, type);
  checkTags(body.tags);
  if (body.properties === undefined) throw missingProperty("properties");
  const { path, resourceName } = body.properties;
  const id = idOf(services, key);
  const attempt: ContainerProperties = {
    uid: services.ids.guid(),
    operationId: newOperationId(services, id),
    path,
    ...(resourceName === undefined ? {} : { resourceName }),
  };
  const by = { modified: services.clock.stamp(), modifiedBy: request.caller.clientId };
  const tags = body.tags ?? {};
  const { container, status } = await services.store.decide(async (read) => {
    const before = await getResource<ContainerProperties>(read, key);
    if (before === undefined) {
      checkName(type, key.name);
      const container: Container = {
        ...key,
        location,
        tags,
        ...(body.extendedLocation === undefined ? {} : { extendedLocation: body.extendedLocation }),
        properties: attempt,
        provisioningState: "Accepted",
        createdAt: request.now,
        createdBy: by.modifiedBy,
        ...by,
        generation: 1,
      };
      const writes = [
        guardResourceGroup(key.resourceGroup),
        ...insertResource(container),
        ...beginOperation(request, attempt.operationId, id),
      ];
      return { writes, result: { container, status: 201 } };
    }
    refuseDeleting(before);
    checkSameLocation(before, type, location);
    if (before.provisioningState === "Succeeded" || isBusy(before.provisioningState)) {
      if (path !== before.properties.path) {
        refuseBusy(before);
        throw new ApiError("PropertyChangeNotAllowed", [], "Changing property 'path' is not allowed.");
      }
      const container = JSON.stringify(tags) === JSON.stringify(before.tags) ? before : { ...before, tags, ...by };
      return { writes: container === before ? [] : saveResource(container), result: { container, status: 200 } };
    }
    const container: Container = { ...before, tags, properties: attempt, provisioningState: "Accepted", ...by };
    return {
      writes: [...saveResource(container), ...beginOperation(request, attempt.operationId, id)],
      result: { container, status: 200 },
    };
  });
  services.imageWork.ring(key);
  const headers = isBusy(container.provisioningState) ? asyncHeaders(request, container.location, container.properties.operationId) : {};
  return { ...(await replyOf(services, view, container)), status, headers };
};

export const updateStorageContainer: ManagementHandler<typeof api.updateStorageContainer> = async (request, services) =>
  replyOf(services, view, await patchTags(request, services, keyOf(request.params)));

export const deleteStorageContainer: ManagementHandler<typeof api.deleteStorageContainer> = (request, services) =>
  deleteResource(request, services, keyOf(request.params));

export const listStorageContainers: ManagementHandler<typeof api.listStorageContainers> = (request, services) =>
  listPage(request, services, view, { type, resourceGroup: request.params.resourceGroupName });

export const listAllStorageContainers: ManagementHandler<typeof api.listAllStorageContainers> = (request, services) =>
  listPage(request, services, view, { type });
