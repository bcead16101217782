// Resource groups: what resources are in, and what goes with all of it at once.
import { f, model } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftResources } from "../providers.ts";
import { envelope, groupPath } from "./common.ts";

const GroupProperties = model("ResourceGroupProperties", { provisioningState: f.string({ readOnly: true }) });

export const ResourceGroup = model("ResourceGroup", {
  ...envelope,
  properties: f.object(GroupProperties),
  /** Needed of a new one; the handler asks for it in Resource Manager's own words. */
  location: f.string(),
  managedBy: f.string(),
  tags: f.map(f.string()),
});

const ResourceGroupPatchable = model("ResourceGroupPatchable", {
  ...envelope,
  location: f.string({ readOnly: true }),
  properties: f.object(GroupProperties),
  managedBy: f.string(),
  tags: f.map(f.string()),
});

/** `$top` is the length of a page here: what follows is behind `nextLink`. */
const GroupListQuery = model("ResourceGroupsListQuery", { $filter: f.string(), $top: f.int32({ min: 1, what: "$top" }) });

export const createGroup = managementOperation("ResourceGroups_CreateOrUpdate", {
  provider: microsoftResources,
  method: "PUT",
  path: groupPath,
  summary: "Makes a resource group, or replaces its tags.",
  query: noQuery,
  body: ResourceGroup,
  answer: { status: 200, statuses: [201], body: ResourceGroup },
  errors: [
    "InvalidResourceGroup",
    "LocationRequired",
    "LocationNotAvailableForResourceGroup",
    "InvalidResourceGroupLocation",
    "ResourceGroupBeingDeleted",
  ],
});

export const getGroup = managementOperation("ResourceGroups_Get", {
  provider: microsoftResources,
  method: "GET",
  path: groupPath,
  summary: "One resource group.",
  query: noQuery,
  answer: { status: 200, body: ResourceGroup },
  errors: ["ResourceGroupNotFound"],
});

export const groupExists = managementOperation("ResourceGroups_CheckExistence", {
  provider: microsoftResources,
  method: "HEAD",
  path: groupPath,
  summary: "Whether there is such a resource group.",
  query: noQuery,
  answer: { status: 204 },
  errors: ["ResourceGroupNotFound"],
});

export const updateGroup = managementOperation("ResourceGroups_Update", {
  provider: microsoftResources,
  method: "PATCH",
  path: groupPath,
  summary: "Changes the tags of a resource group, or who manages it.",
  query: noQuery,
  body: ResourceGroupPatchable,
  answer: { status: 200, body: ResourceGroup },
  errors: ["ResourceGroupNotFound", "ResourceGroupBeingDeleted"],
});

export const deleteGroup = managementOperation("ResourceGroups_Delete", {
  provider: microsoftResources,
  method: "DELETE",
  path: groupPath,
  summary: "Deletes a resource group with all that is in it.",
  query: noQuery,
  answer: { status: 202 },
  errors: ["ResourceGroupNotFound", "ScopeLocked"],
});

export const listGroups = managementOperation("ResourceGroups_List", {
  provider: microsoftResources,
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resourceGroups",
  summary: "The resource groups; $filter knows tagName and tagValue.",
  query: GroupListQuery,
  ownFilter: true,
  answer: { status: 200, item: ResourceGroup },
  errors: ["InvalidFilterInQueryString"],
});

export const getOperationResult = managementOperation("OperationResults_Get", {
  provider: microsoftResources,
  method: "GET",
  path: "/subscriptions/{subscriptionId}/operationresults/{operationId}",
  summary: "What has become of the deletion of a resource group.",
  query: noQuery,
  answer: { status: 200, statuses: [202] },
  errors: ["NotFound", "ResourceGroupDeletionBlocked"],
});
