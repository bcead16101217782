// What became of a long-running operation: the URL that clients are told to ask. No document has it; its shape is that of recordings
// (reference: real-behaviours section 6). Data only.
import { f, model } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { stackHci } from "../providers.ts";

export const OperationStatusResult = model("OperationStatusResult", {
  id: f.string(),
  name: f.string(),
  resourceId: f.string(),
  status: f.string(),
  startTime: f.dateTime(),
  endTime: f.dateTime(),
  /** Empty where nothing went wrong. */
  error: f.any(),
  /** Always null, once the operation is over. */
  properties: f.any(),
});

/** 202 as long as a deletion goes on, with its own address as Location: some clients follow that instead of the status. */
export const getOperationStatus = managementOperation("OperationStatuses_Get", {
  provider: stackHci,
  method: "GET",
  path: "/providers/Microsoft.AzureStackHCI/locations/{location}/operationStatuses/{operationId}",
  summary: "Tells whether a long-running operation has ended, and how.",
  query: noQuery,
  answer: { status: 200, statuses: [202], body: OperationStatusResult },
  errors: ["ResourceNotFound"],
});
