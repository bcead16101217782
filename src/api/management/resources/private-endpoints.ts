// Private endpoints, as much of them as makes a private endpoint connection on a Batch account. There is no network behind them.
import { f, model, required } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftNetwork } from "../providers.ts";
import { groupPath, trackedEnvelope } from "./common.ts";

const noNetwork = { recorded: "there is no virtual network here; it is kept and shown" };

const ConnectionState = model("PrivateLinkServiceConnectionState", {
  status: f.string(),
  description: f.string(),
  actionsRequired: f.string(),
});

const ConnectionProperties = model("PrivateLinkServiceConnectionProperties", {
  provisioningState: f.string({ readOnly: true }),
  privateLinkServiceId: required(f.string()),
  groupIds: f.array(f.string()),
  requestMessage: f.string({ maxLength: 140 }),
  privateLinkServiceConnectionState: f.object(ConnectionState, { readOnly: true }),
});

const Connection = model("PrivateLinkServiceConnection", {
  id: f.string({ readOnly: true }),
  name: required(f.string({ minLength: 1, maxLength: 80 })),
  type: f.string({ readOnly: true }),
  etag: f.string({ readOnly: true }),
  properties: required(f.object(ConnectionProperties)),
});

const PrivateEndpointProperties = model("PrivateEndpointProperties", {
  provisioningState: f.string({ readOnly: true }),
  subnet: f.any(noNetwork),
  networkInterfaces: f.any({ readOnly: true }),
  privateLinkServiceConnections: f.array(f.object(Connection)),
  manualPrivateLinkServiceConnections: f.array(f.object(Connection)),
  applicationSecurityGroups: f.any(noNetwork),
  ipConfigurations: f.any(noNetwork),
  ipVersionType: f.any(noNetwork),
  customDnsConfigs: f.any(noNetwork),
  customNetworkInterfaceName: f.string(noNetwork),
});

export const PrivateEndpoint = model("PrivateEndpoint", {
  ...trackedEnvelope,
  etag: f.string({ readOnly: true }),
  extendedLocation: f.any({ recorded: "there is one place" }),
  properties: f.object(PrivateEndpointProperties),
});

const path = `${groupPath}/providers/Microsoft.Network/privateEndpoints/{privateEndpointName}` as const;

export const createPrivateEndpoint = managementOperation("PrivateEndpoints_CreateOrUpdate", {
  provider: microsoftNetwork,
  method: "PUT",
  path,
  summary: "Makes a private endpoint and with it a private endpoint connection on the Batch account that it names.",
  query: noQuery,
  body: PrivateEndpoint,
  answer: { status: 200, statuses: [201], body: PrivateEndpoint },
  errors: [
    "ResourceGroupNotFound",
    "ResourceGroupBeingDeleted",
    "InvalidResourceName",
    "LinkedInvalidPropertyId",
    "ResourceNotFound",
    "InvalidResourceLocation",
    "PrivateEndpointConnectionLimitReached",
  ],
});

export const getPrivateEndpoint = managementOperation("PrivateEndpoints_Get", {
  provider: microsoftNetwork,
  method: "GET",
  path,
  summary: "One private endpoint.",
  query: noQuery,
  answer: { status: 200, body: PrivateEndpoint },
  errors: ["ResourceGroupNotFound", "ResourceNotFound"],
});

export const deletePrivateEndpoint = managementOperation("PrivateEndpoints_Delete", {
  provider: microsoftNetwork,
  method: "DELETE",
  path,
  summary: "Deletes a private endpoint and its connection.",
  query: noQuery,
  answer: { status: 200, statuses: [204] },
  errors: ["ResourceGroupNotFound"],
});

export const listPrivateEndpointsOfGroup = managementOperation("PrivateEndpoints_List", {
  provider: microsoftNetwork,
  method: "GET",
  path: `${groupPath}/providers/Microsoft.Network/privateEndpoints`,
  summary: "The private endpoints of a resource group.",
  query: noQuery,
  answer: { status: 200, item: PrivateEndpoint },
  errors: ["ResourceGroupNotFound"],
});

export const listPrivateEndpoints = managementOperation("PrivateEndpoints_ListBySubscription", {
  provider: microsoftNetwork,
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.Network/privateEndpoints",
  summary: "The private endpoints.",
  query: noQuery,
  answer: { status: 200, item: PrivateEndpoint },
  errors: [],
});
