// Private endpoints as a Batch account sees them (ARM Microsoft.Batch): what of it can be connected to, and who has asked to be.
import { f, model } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftBatch } from "../providers.ts";
import { PrivateEndpointConnection } from "./account-models.ts";
import { accountPath, MaxResultsQuery, proxyResource } from "./common.ts";

/** Private links came with 2020-03-01. */
const since = "2020-03-01";

const PrivateLinkResource = model("PrivateLinkResource", {
  ...proxyResource,
  properties: f.object(
    model("PrivateLinkResourceProperties", {
      groupId: f.string({ readOnly: true }),
      requiredMembers: f.array(f.string(), { readOnly: true }),
      requiredZoneNames: f.array(f.string(), { readOnly: true }),
    }),
  ),
});

export const listPrivateLinkResources = managementOperation("PrivateLinkResource_ListByBatchAccount", {
  provider: microsoftBatch,
  since,
  method: "GET",
  path: `${accountPath}/privateLinkResources`,
  summary: "What of an account private endpoints can lead to.",
  query: MaxResultsQuery,
  answer: { status: 200, item: PrivateLinkResource },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});

export const getPrivateLinkResource = managementOperation("PrivateLinkResource_Get", {
  provider: microsoftBatch,
  since,
  method: "GET",
  path: `${accountPath}/privateLinkResources/{privateLinkResourceName}`,
  summary: "One of the two.",
  query: noQuery,
  answer: { status: 200, body: PrivateLinkResource },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});

const connectionPath = `${accountPath}/privateEndpointConnections/{privateEndpointConnectionName}` as const;

export const listPrivateEndpointConnections = managementOperation("PrivateEndpointConnection_ListByBatchAccount", {
  provider: microsoftBatch,
  since,
  method: "GET",
  path: `${accountPath}/privateEndpointConnections`,
  summary: "The private endpoint connections of an account.",
  query: MaxResultsQuery,
  answer: { status: 200, item: PrivateEndpointConnection },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});

export const getPrivateEndpointConnection = managementOperation("PrivateEndpointConnection_Get", {
  provider: microsoftBatch,
  since,
  method: "GET",
  path: connectionPath,
  summary: "One private endpoint connection.",
  query: noQuery,
  answer: { status: 200, body: PrivateEndpointConnection, etag: "weak" },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});

export const updatePrivateEndpointConnection = managementOperation("PrivateEndpointConnection_Update", {
  provider: microsoftBatch,
  since,
  method: "PATCH",
  path: connectionPath,
  summary: "Approves or rejects a private endpoint connection.",
  query: noQuery,
  body: PrivateEndpointConnection,
  conditions: "all",
  answer: { status: 202, statuses: [200], body: PrivateEndpointConnection, etag: "weak" },
  errors: ["ResourceNotFound", "ResourceGroupNotFound", "MissingRequiredProperty", "OperationNotAllowed", "ConditionNotMet"],
});

export const deletePrivateEndpointConnection = managementOperation("PrivateEndpointConnection_Delete", {
  provider: microsoftBatch,
  since: "2022-06-01",
  method: "DELETE",
  path: connectionPath,
  summary: "Removes a private endpoint connection.",
  query: noQuery,
  answer: { status: 202, statuses: [204] },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});

/** Not in the documents: clients take the URL from Location and Azure-AsyncOperation, which are the same. */
export const getPrivateEndpointConnectionResult = managementOperation("PrivateEndpointConnection_GetOperationResult", {
  provider: microsoftBatch,
  since,
  method: "GET",
  path: `${accountPath}/privateEndpointConnectionResults/{operationId}`,
  summary: "How a change or removal of a private endpoint connection goes.",
  query: noQuery,
  answer: {
    status: 200,
    body: model("PrivateEndpointConnectionResult", {
      status: f.enum(["InProgress", "Succeeded", "Failed", "Canceled"]),
      retryAfter: f.int32(),
    }),
  },
  errors: ["ResourceNotFound", "ResourceGroupNotFound"],
});
