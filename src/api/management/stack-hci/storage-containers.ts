// Storage containers ("storage paths"): directories of the server in which images are kept. Data only.
import { f, model, required } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { stackHci } from "../providers.ts";
import { atOnce, firstPreview, groupPath, operationStates, provisioningStates, subscriptionPath, trackedResource } from "./common.ts";

const ProvisioningStatus = model("StorageContainerStatusProvisioningStatus", {
  operationId: f.string(),
  status: f.enum(operationStates),
});

const StorageContainerStatus = model("StorageContainerStatus", {
  errorCode: f.string(),
  errorMessage: f.string(),
  availableSizeMB: f.int64(),
  containerSizeMB: f.int64(),
  provisioningStatus: f.object(ProvisioningStatus),
});

export const StorageContainerProperties = model("StorageContainerProperties", {
  path: required(f.string({ minLength: 1, maxLength: 1024 })),
  provisioningState: f.enum(provisioningStates, { readOnly: true }),
  status: f.object(StorageContainerStatus, { readOnly: true }),
  /** Where the first preview shows what later versions have in the status. */
  availableSizeMB: f.int64({ until: firstPreview, readOnly: true }),
  containerSizeMB: f.int64({ until: firstPreview, readOnly: true }),
  resourceName: f.string({ until: firstPreview, recorded: "A name in the hypervisor's own store, which does not exist here." }),
});

export const StorageContainers = model("StorageContainers", { ...trackedResource, properties: f.object(StorageContainerProperties) });
export const StorageContainersUpdateRequest = model("StorageContainersUpdateRequest", { tags: f.map(f.string({ maxLength: 256 })) });

const one = `${groupPath}/storageContainers/{storageContainerName}` as const;

export const getStorageContainer = managementOperation("StorageContainers_Get", {
  provider: stackHci,
  method: "GET",
  path: one,
  summary: "Reads a storage container, with the space that there is.",
  query: noQuery,
  answer: { status: 200, body: StorageContainers, etag: "strong" },
  errors: ["ResourceNotFound"],
});

export const createStorageContainer = managementOperation("StorageContainers_CreateOrUpdate", {
  provider: stackHci,
  method: "PUT",
  path: one,
  summary: "Makes a directory one in which images are kept, or changes the tags of one that is there.",
  query: noQuery,
  body: StorageContainers,
  answer: { status: 201, statuses: [200], body: StorageContainers, etag: "strong" },
  errors: ["LocationRequired", "InvalidResourceName", "InvalidResourceLocation", "PropertyChangeNotAllowed", "OperationNotAllowed"],
});

export const updateStorageContainer = managementOperation("StorageContainers_Update", {
  provider: stackHci,
  method: "PATCH",
  path: one,
  summary: "Changes the tags of a storage container.",
  query: noQuery,
  body: StorageContainersUpdateRequest,
  answer: { status: 200, body: StorageContainers, etag: "strong" },
  errors: ["ResourceNotFound", "OperationNotAllowed"],
});

export const deleteStorageContainer = managementOperation("StorageContainers_Delete", {
  provider: stackHci,
  method: "DELETE",
  path: one,
  summary: "Deletes a storage container that holds no images.",
  query: noQuery,
  traits: atOnce,
  answer: { status: 202, statuses: [200, 204] },
  errors: ["ResourceInUse"],
});

export const listStorageContainers = managementOperation("StorageContainers_List", {
  provider: stackHci,
  method: "GET",
  path: `${groupPath}/storageContainers`,
  summary: "Lists the storage containers of a resource group.",
  query: noQuery,
  answer: { status: 200, item: StorageContainers },
  errors: [],
});

export const listAllStorageContainers = managementOperation("StorageContainers_ListAll", {
  provider: stackHci,
  method: "GET",
  path: `${subscriptionPath}/storageContainers`,
  summary: "Lists all storage containers.",
  query: noQuery,
  answer: { status: 200, item: StorageContainers },
  errors: [],
});
