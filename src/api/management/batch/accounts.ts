// Batch accounts (ARM Microsoft.Batch): their life, their keys, and the URLs that tell how a creation or deletion goes.
import { f, model, required } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftBatch } from "../providers.ts";
import { BatchAccount, BatchAccountCreateParameters, BatchAccountKeys, BatchAccountUpdateParameters } from "./account-models.ts";
import { accountPath } from "./common.ts";

/** What both creation and change can be refused with. */
const settingErrors = [
  "AccountBeingDeleted",
  "InvalidPropertyValue",
  "InvalidRequestBody",
  "LinkedInvalidPropertyId",
  "LinkedAuthorizationFailed",
] as const;

export const createAccount = managementOperation("BatchAccount_Create", {
  provider: microsoftBatch,
  method: "PUT",
  path: accountPath,
  summary: "Makes a Batch account, or sets one that is there to what is given.",
  query: noQuery,
  body: BatchAccountCreateParameters,
  answer: { status: 202, statuses: [200], body: BatchAccount, etag: "strong" },
  errors: [
    ...settingErrors,
    "ResourceGroupNotFound",
    "InvalidResourceName",
    "LocationRequired",
    "LocationNotAvailableForResourceType",
    "InvalidResourceLocation",
    "PropertyChangeNotAllowed",
    "AccountAlreadyExists",
    "SubscriptionQuotaExceeded",
  ],
});

export const updateAccount = managementOperation("BatchAccount_Update", {
  provider: microsoftBatch,
  method: "PATCH",
  path: accountPath,
  summary: "Changes what is given of an account.",
  query: noQuery,
  body: BatchAccountUpdateParameters,
  answer: { status: 200, body: BatchAccount, etag: "strong" },
  errors: ["ResourceNotFound", ...settingErrors],
});

export const deleteAccount = managementOperation("BatchAccount_Delete", {
  provider: microsoftBatch,
  method: "DELETE",
  path: accountPath,
  summary: "Begins to delete an account with all that is in it.",
  query: noQuery,
  answer: { status: 202, statuses: [200, 204] },
  errors: ["ResourceGroupNotFound"],
});

export const getAccount = managementOperation("BatchAccount_Get", {
  provider: microsoftBatch,
  method: "GET",
  path: accountPath,
  summary: "One account.",
  query: noQuery,
  answer: { status: 200, body: BatchAccount, etag: "strong" },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});

export const listAccounts = managementOperation("BatchAccount_List", {
  provider: microsoftBatch,
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.Batch/batchAccounts",
  summary: "The accounts of the subscription.",
  query: noQuery,
  answer: { status: 200, item: BatchAccount },
  errors: [],
});

export const listAccountsOfGroup = managementOperation("BatchAccount_ListByResourceGroup", {
  provider: microsoftBatch,
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Batch/batchAccounts",
  summary: "The accounts of a resource group.",
  query: noQuery,
  answer: { status: 200, item: BatchAccount },
  errors: ["ResourceGroupNotFound"],
});

export const getKeys = managementOperation("BatchAccount_GetKeys", {
  provider: microsoftBatch,
  method: "POST",
  path: `${accountPath}/listKeys`,
  summary: "Both keys of the account.",
  query: noQuery,
  answer: { status: 200, body: BatchAccountKeys },
  errors: ["ResourceNotFound", "ResourceGroupNotFound", "SharedKeyNotAllowed"],
});

export const regenerateKey = managementOperation("BatchAccount_RegenerateKey", {
  provider: microsoftBatch,
  method: "POST",
  path: `${accountPath}/regenerateKeys`,
  summary: "Makes one of the keys anew; the one before is worth nothing any more.",
  query: noQuery,
  body: model("BatchAccountRegenerateKeyParameters", { keyName: required(f.enum(["Primary", "Secondary"])) }),
  answer: { status: 200, body: BatchAccountKeys },
  errors: ["ResourceNotFound", "ResourceGroupNotFound", "AccountBeingDeleted", "SharedKeyNotAllowed"],
});

export const synchronizeAutoStorageKeys = managementOperation("BatchAccount_SynchronizeAutoStorageKeys", {
  provider: microsoftBatch,
  method: "POST",
  path: `${accountPath}/syncAutoStorageKeys`,
  summary: "Says that the keys of the auto storage account have changed. Nothing here keeps a copy of them, so they count at once anyway.",
  query: noQuery,
  answer: { status: 204 },
  errors: ["ResourceNotFound", "ResourceGroupNotFound", "AccountBeingDeleted", "AutoStorageNotConfigured", "OperationNotAllowed"],
});

// Where clients ask what became of the above. Not in the documents: clients take these URLs from the answers.
export const getAccountOperationResult = managementOperation("BatchAccount_GetOperationResult", {
  provider: microsoftBatch,
  method: "GET",
  path: `${accountPath}/operationResults/{operationId}`,
  summary: "The account that a request made.",
  query: noQuery,
  answer: { status: 200, body: BatchAccount, etag: "strong" },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});

export const getAccountDeletionResult = managementOperation("BatchAccount_GetDeletionResult", {
  provider: microsoftBatch,
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.Batch/locations/{locationName}/accountOperationResults/{operationId}",
  summary: "Whether an account is gone: 202 as long as it is not.",
  query: noQuery,
  answer: { status: 200, statuses: [202] },
  errors: ["ResourceNotFound"],
});
