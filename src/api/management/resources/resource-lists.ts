// Lists of resources of all types, in the one shape that all types share.
import { f, model, required } from "../../fields.ts";
import { managementOperation } from "../operation.ts";
import { microsoftResources } from "../providers.ts";
import { groupPath } from "./common.ts";

/** What `$expand` asks for is always there. */
export const GenericResource = model("GenericResourceExpanded", {
  id: required(f.string()),
  name: required(f.string()),
  type: required(f.string()),
  location: f.string(),
  tags: f.map(f.string()),
  kind: f.string(),
  sku: f.any(),
  identity: f.any(),
  extendedLocation: f.any(),
  createdTime: f.dateTime(),
  changedTime: f.dateTime(),
  provisioningState: f.string(),
});

const ResourceListQuery = model("ResourcesListQuery", { $filter: f.string(), $top: f.int32({ min: 1, what: "$top" }) });

export const listResources = managementOperation("Resources_List", {
  provider: microsoftResources,
  method: "GET",
  path: "/subscriptions/{subscriptionId}/resources",
  summary: "All resources of the subscription.",
  query: ResourceListQuery,
  ownFilter: true,
  answer: { status: 200, item: GenericResource },
  errors: ["InvalidFilterInQueryString"],
});

export const listResourcesOfGroup = managementOperation("Resources_ListByResourceGroup", {
  provider: microsoftResources,
  method: "GET",
  path: `${groupPath}/resources`,
  summary: "All resources of a group.",
  query: ResourceListQuery,
  ownFilter: true,
  answer: { status: 200, item: GenericResource },
  errors: ["ResourceGroupNotFound", "InvalidFilterInQueryString"],
});
