// User-assigned identities: names with two ids, which pools and accounts refer to.
import { f, model } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { managedIdentity } from "../providers.ts";
import { groupPath, trackedEnvelope } from "./common.ts";

const IdentityProperties = model("UserAssignedIdentityProperties", {
  tenantId: f.string({ readOnly: true }),
  principalId: f.string({ readOnly: true }),
  clientId: f.string({ readOnly: true }),
  isolationScope: f.string({ recorded: "identities get no tokens here" }),
});

export const Identity = model("UserAssignedIdentity", { ...trackedEnvelope, properties: f.object(IdentityProperties) });

const path = `${groupPath}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}` as const;
const missing = ["ResourceGroupNotFound", "ResourceNotFound"] as const;

export const createIdentity = managementOperation("UserAssignedIdentities_CreateOrUpdate", {
  provider: managedIdentity,
  method: "PUT",
  path,
  summary: "Makes an identity, or replaces its tags.",
  query: noQuery,
  body: Identity,
  answer: { status: 200, statuses: [201], body: Identity },
  errors: ["ResourceGroupNotFound", "ResourceGroupBeingDeleted", "InvalidResourceName", "InvalidResourceLocation", "LocationRequired"],
});

export const getIdentity = managementOperation("UserAssignedIdentities_Get", {
  provider: managedIdentity,
  method: "GET",
  path,
  summary: "One identity.",
  query: noQuery,
  answer: { status: 200, body: Identity },
  errors: missing,
});

export const updateIdentity = managementOperation("UserAssignedIdentities_Update", {
  provider: managedIdentity,
  method: "PATCH",
  path,
  summary: "Replaces the tags of an identity.",
  query: noQuery,
  body: Identity,
  answer: { status: 200, body: Identity },
  errors: missing,
});

export const deleteIdentity = managementOperation("UserAssignedIdentities_Delete", {
  provider: managedIdentity,
  method: "DELETE",
  path,
  summary: "Deletes an identity; what refers to it is left as it is.",
  query: noQuery,
  answer: { status: 200, statuses: [204] },
  errors: ["ResourceGroupNotFound"],
});

export const listIdentities = managementOperation("UserAssignedIdentities_ListBySubscription", {
  provider: managedIdentity,
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers/Microsoft.ManagedIdentity/userAssignedIdentities",
  summary: "The identities.",
  query: noQuery,
  answer: { status: 200, item: Identity },
  errors: [],
});

export const listIdentitiesOfGroup = managementOperation("UserAssignedIdentities_ListByResourceGroup", {
  provider: managedIdentity,
  method: "GET",
  path: `${groupPath}/providers/Microsoft.ManagedIdentity/userAssignedIdentities`,
  summary: "The identities of a resource group.",
  query: noQuery,
  answer: { status: 200, item: Identity },
  errors: ["ResourceGroupNotFound"],
});
