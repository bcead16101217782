// Storage accounts as far as the clients of Batch need them: those of the embedded storage, and the one that the server was given.
import { f, model, required } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftStorage } from "../providers.ts";
import { groupPath, trackedEnvelope } from "./common.ts";

const Sku = model("StorageSku", { name: required(f.string()), tier: f.string() });

/** What is set here is kept and shown; of an account of this server only its name, its keys and its blobs are real. */
const settings = f.map(f.any(), {
  recorded: "the embedded storage has blobs, two keys and no settings; what is set is shown",
});

export const StorageAccount = model("StorageAccount", {
  ...trackedEnvelope,
  sku: f.object(Sku),
  kind: f.string(),
  identity: f.any(),
  extendedLocation: f.any(),
  properties: f.map(f.any()),
});

const StorageAccountCreateParameters = model("StorageAccountCreateParameters", {
  ...trackedEnvelope,
  sku: required(f.object(Sku)),
  kind: required(f.string()),
  identity: f.any({ recorded: "the embedded storage acts for nobody" }),
  extendedLocation: f.any({ recorded: "there is one place" }),
  zones: f.any({ recorded: "there is one place" }),
  properties: settings,
});

const StorageAccountUpdateParameters = model("StorageAccountUpdateParameters", {
  sku: f.object(Sku),
  kind: f.string(),
  tags: f.map(f.string()),
  identity: f.any({ recorded: "the embedded storage acts for nobody" }),
  properties: settings,
});

const StorageAccountKey = model("StorageAccountKey", {
  keyName: required(f.string()),
  value: required(f.string()),
  permissions: required(f.enum(["Read", "Full", "FULL"])),
  creationTime: f.dateTime(),
});

const StorageAccountListKeysResult = model("StorageAccountListKeysResult", { keys: required(f.array(f.object(StorageAccountKey))) });
const RegenerateKeyParameters = model("StorageAccountRegenerateKeyParameters", { keyName: required(f.string()) });

const CheckNameParameters = model("StorageAccountCheckNameAvailabilityParameters", {
  name: required(f.string()),
  type: required(f.string()),
});

const CheckNameResult = model("CheckNameAvailabilityResult", {
  nameAvailable: required(f.boolean()),
  reason: f.enum(["AccountNameInvalid", "AlreadyExists"]),
  message: f.string(),
});

const path = `${groupPath}/providers/Microsoft.Storage/storageAccounts/{accountName}` as const;
const missing = ["ResourceGroupNotFound", "ResourceNotFound"] as const;

export const createStorageAccount = managementOperation("StorageAccounts_Create", {
  provider: microsoftStorage,
  method: "PUT",
  path,
  summary: "Makes an account of the embedded storage, or changes what is said of one.",
  query: noQuery,
  body: StorageAccountCreateParameters,
  answer: { status: 200, body: StorageAccount },
  errors: [
    "ResourceGroupNotFound",
    "ResourceGroupBeingDeleted",
    "AccountNameInvalid",
    "StorageAccountAlreadyTaken",
    "InvalidResourceLocation",
    "OperationNotAllowed",
  ],
});

export const getStorageAccount = managementOperation("StorageAccounts_GetProperties", {
  provider: microsoftStorage,
  method: "GET",
  path,
  summary: "One storage account.",
  query: noQuery,
  answer: { status: 200, body: StorageAccount },
  errors: missing,
});

export const updateStorageAccount = managementOperation("StorageAccounts_Update", {
  provider: microsoftStorage,
  method: "PATCH",
  path,
  summary: "Changes the tags of a storage account and what is said of it.",
  query: noQuery,
  body: StorageAccountUpdateParameters,
  answer: { status: 200, body: StorageAccount },
  errors: missing,
});

export const deleteStorageAccount = managementOperation("StorageAccounts_Delete", {
  provider: microsoftStorage,
  method: "DELETE",
  path,
  summary: "Deletes an account of the embedded storage with its blobs.",
  query: noQuery,
  answer: { status: 200, statuses: [204] },
  errors: ["ResourceGroupNotFound", "OperationNotAllowed"],
});

export const listStorageAccounts = managementOperation("StorageAccounts_List", {
  provider: microsoftStorage,
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.Storage/storageAccounts",
  summary: "The storage accounts.",
  query: noQuery,
  answer: { status: 200, item: StorageAccount },
  errors: [],
});

export const listStorageAccountsOfGroup = managementOperation("StorageAccounts_ListByResourceGroup", {
  provider: microsoftStorage,
  method: "GET",
  path: `${groupPath}/providers/Microsoft.Storage/storageAccounts`,
  summary: "The storage accounts of a resource group.",
  query: noQuery,
  answer: { status: 200, item: StorageAccount },
  errors: ["ResourceGroupNotFound"],
});

export const listStorageKeys = managementOperation("StorageAccounts_ListKeys", {
  provider: microsoftStorage,
  method: "POST",
  path: `${path}/listKeys`,
  summary: "The keys of a storage account.",
  query: noQuery,
  answer: { status: 200, body: StorageAccountListKeysResult },
  errors: missing,
});

export const regenerateStorageKey = managementOperation("StorageAccounts_RegenerateKey", {
  provider: microsoftStorage,
  method: "POST",
  path: `${path}/regenerateKey`,
  summary: "Makes one of the two keys anew; the old one is refused from then on.",
  query: noQuery,
  body: RegenerateKeyParameters,
  answer: { status: 200, body: StorageAccountListKeysResult },
  errors: [...missing, "InvalidParameter", "OperationNotAllowed"],
});

export const checkStorageName = managementOperation("StorageAccounts_CheckNameAvailability", {
  provider: microsoftStorage,
  method: "POST",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.Storage/checkNameAvailability",
  summary: "Whether a storage account may have a name.",
  query: noQuery,
  body: CheckNameParameters,
  answer: { status: 200, body: CheckNameResult },
  errors: [],
});
