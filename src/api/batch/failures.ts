// Errors as they appear inside resources and task results (the error of a request is http's). Their lists of details have four names
// upstream: `values` with keys or with names, `details`, `errorDetails`. Data only.
import { f, model, required } from "../fields.ts";

export const NameValuePair = model("NameValuePair", {
  name: f.string(),
  value: f.string(),
});

/** The service writes these capitalised though its documents have them in lower case (reference/real-behaviours.md section 3). */
export const errorCategory = ["UserError", "ServerError"] as const;

export const TaskFailureInformation = model("TaskFailureInformation", {
  category: required(f.enum(errorCategory)),
  code: f.string(),
  message: f.string(),
  details: f.array(f.object(NameValuePair)),
});

export const JobSchedulingError = model("JobSchedulingError", {
  category: required(f.enum(errorCategory)),
  code: f.string(),
  message: f.string(),
  details: f.array(f.object(NameValuePair)),
});

export const ResizeError = model("ResizeError", {
  code: f.string(),
  message: f.string(),
  values: f.array(f.object(NameValuePair), { omitEmpty: true }),
});

export const ComputeNodeError = model("ComputeNodeError", {
  code: f.string(),
  message: f.string(),
  errorDetails: f.array(f.object(NameValuePair)),
});

export const AutoScaleRunError = model("AutoScaleRunError", {
  code: f.string(),
  message: f.string(),
  values: f.array(f.object(NameValuePair)),
});

export const ErrorMessage = model("ErrorMessage", {
  lang: f.string(),
  value: f.string(),
});

export const BatchErrorDetail = model("BatchErrorDetail", {
  key: f.string(),
  value: f.string(),
});

/** The body of an error answer, and the error of one element of a task collection. */
export const BatchError = model("BatchError", {
  code: f.string(),
  message: f.object(ErrorMessage),
  values: f.array(f.object(BatchErrorDetail)),
});
