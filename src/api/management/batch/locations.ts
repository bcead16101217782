// What is asked of Microsoft.Batch for a location or for all of it: names, quotas, sizes of virtual machines, its operations.
import { f, model, required } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftBatch } from "../providers.ts";

const locationPath = "/subscriptions/{subscriptionId}/providers/Microsoft.Batch/locations/{locationName}" as const;

export const checkNameAvailability = managementOperation("Location_CheckNameAvailability", {
  provider: microsoftBatch,
  since: "2017-05-01",
  method: "POST",
  path: `${locationPath}/checkNameAvailability`,
  summary: "Whether an account of a name could be made.",
  query: noQuery,
  body: model("CheckNameAvailabilityParameters", {
    name: required(f.string()),
    type: required(f.enum(["Microsoft.Batch/batchAccounts"])),
  }),
  answer: {
    status: 200,
    body: model("CheckNameAvailabilityResult", {
      nameAvailable: f.boolean({ readOnly: true }),
      reason: f.enum(["Invalid", "AlreadyExists"], { readOnly: true }),
      message: f.string({ readOnly: true }),
    }),
  },
  errors: ["InvalidLocation"],
});

export const getQuotas = managementOperation("Location_GetQuotas", {
  provider: microsoftBatch,
  method: "GET",
  path: `${locationPath}/quotas`,
  summary: "How many accounts there can be in a location.",
  query: noQuery,
  answer: { status: 200, body: model("BatchLocationQuota", { accountQuota: f.int32({ readOnly: true }) }) },
  errors: ["InvalidLocation"],
});

const SkuCapability = model("SkuCapability", { name: f.string({ readOnly: true }), value: f.string({ readOnly: true }) });
const SupportedSku = model("SupportedSku", {
  name: f.string({ readOnly: true }),
  familyName: f.string({ readOnly: true }),
  capabilities: f.array(f.object(SkuCapability), { readOnly: true }),
  batchSupportEndOfLife: f.dateTime({ since: "2024-07-01", readOnly: true }),
});
const SkuListQuery = model("SkuListQuery", { maxresults: f.int32({ min: 1, what: "MaxResults" }), $filter: f.string() });

export const listVirtualMachineSkus = managementOperation("Location_ListSupportedVirtualMachineSkus", {
  provider: microsoftBatch,
  since: "2021-06-01",
  method: "GET",
  path: `${locationPath}/virtualMachineSkus`,
  summary: "The sizes of virtual machines that pools can name.",
  query: SkuListQuery,
  answer: { status: 200, item: SupportedSku },
  errors: ["InvalidLocation"],
});

export const listCloudServiceSkus = managementOperation("Location_ListSupportedCloudServiceSkus", {
  provider: microsoftBatch,
  since: "2021-06-01",
  until: "2024-02-01",
  method: "GET",
  path: `${locationPath}/cloudServiceSkus`,
  summary: "The sizes of Cloud Services roles that pools can name: none, there are no such pools here.",
  query: SkuListQuery,
  answer: { status: 200, item: SupportedSku },
  errors: ["InvalidLocation"],
});

const Operation = model("Operation", {
  name: f.string(),
  isDataAction: f.boolean({ since: "2020-09-01" }),
  display: f.object(
    model("OperationDisplay", { provider: f.string(), operation: f.string(), resource: f.string(), description: f.string() }),
  ),
  origin: f.string(),
  properties: f.any(),
});

export const listOperations = managementOperation("Operations_List", {
  provider: microsoftBatch,
  since: "2017-05-01",
  method: "GET",
  path: "/providers/Microsoft.Batch/operations",
  summary: "What can be done with Microsoft.Batch, in the words of role definitions.",
  query: noQuery,
  answer: { status: 200, item: Operation },
  errors: [],
});
