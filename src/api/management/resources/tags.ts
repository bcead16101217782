// Tags by themselves: which there are, and those of one scope (a resource group or a resource).
import { f, model, required } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftResources } from "../providers.ts";
import { envelope } from "./common.ts";

const TagCount = model("TagCount", { type: f.string(), value: f.int32() });
const TagValue = model("TagValue", { id: f.string(), tagValue: required(f.string()), count: f.object(TagCount) });

export const TagDetails = model("TagDetails", {
  id: f.string(),
  tagName: required(f.string()),
  count: f.object(TagCount),
  values: f.array(f.object(TagValue)),
});

const Tags = model("Tags", { tags: f.map(f.string()) });

export const TagsResource = model("TagsResource", { ...envelope, properties: required(f.object(Tags)) });

const TagsPatchResource = model("TagsPatchResource", {
  ...envelope,
  operation: required(f.enum(["Replace", "Merge", "Delete"])),
  properties: f.object(Tags),
});

const errors = ["ResourceGroupNotFound", "ResourceNotFound", "SubscriptionNotFound", "OperationNotAllowed"] as const;
const path = "/{+scope}/providers/Microsoft.Resources/tags/default" as const;

export const listTags = managementOperation("Tags_List", {
  provider: microsoftResources,
  method: "GET",
  path: "/subscriptions/{subscriptionId}/tagNames",
  summary: "The names and values of the tags in use, and how often.",
  query: noQuery,
  answer: { status: 200, item: TagDetails },
  errors: [],
});

export const getTags = managementOperation("Tags_GetAtScope", {
  provider: microsoftResources,
  method: "GET",
  path,
  summary: "The tags of a resource group or a resource.",
  query: noQuery,
  answer: { status: 200, body: TagsResource },
  errors,
});

export const putTags = managementOperation("Tags_CreateOrUpdateAtScope", {
  provider: microsoftResources,
  method: "PUT",
  path,
  summary: "Replaces the tags of a resource group or a resource.",
  query: noQuery,
  body: TagsResource,
  answer: { status: 200, body: TagsResource },
  errors,
});

export const patchTags = managementOperation("Tags_UpdateAtScope", {
  provider: microsoftResources,
  method: "PATCH",
  path,
  summary: "Replaces, adds to or takes from the tags of a resource group or a resource.",
  query: noQuery,
  body: TagsPatchResource,
  answer: { status: 200, body: TagsResource },
  errors,
});

export const deleteTags = managementOperation("Tags_DeleteAtScope", {
  provider: microsoftResources,
  method: "DELETE",
  path,
  summary: "Takes all tags away.",
  query: noQuery,
  answer: { status: 200 },
  errors,
});
