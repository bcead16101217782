// Every error code the data plane can answer: its HTTP status and the service's short text (those of Azure Resource Manager are in
// management/errors.ts), and the one error that all planes throw.
// It does not write the answer's body: request id, time and letter case of the envelope are the pipeline's.
import { Bug } from "../lib/bug.ts";
import { type ManagementErrorCode, managementErrors } from "./management/errors.ts";

/** Statuses are those of the service's catalogue; those it does not state are marked. Clients act on the code, not on the text. */
export const batchErrors = {
  // The request as such.
  ConditionNotMet: [412, "The condition specified using HTTP conditional header(s) is not met."],
  MissingRequiredHeader: [400, "An HTTP header that's mandatory for this request is not specified."],
  UnsupportedHeader: [400, "One of the HTTP headers specified in the request is not supported."],
  InvalidHeaderValue: [400, "The value provided for one of the HTTP headers was not in the correct format."],
  MissingRequiredProperty: [400, "A required property was not specified in the request body."],
  UnsupportedProperty: [400, "One of the properties specified in the request body is not supported."],
  InvalidPropertyValue: [400, "The value provided for one of the properties in the request body is invalid."],
  MissingRequiredQueryParameter: [400, "A query parameter that's mandatory for this request is not specified."],
  UnsupportedQueryParameter: [400, "One of the query parameters specified in the request URI is not supported."],
  InvalidQueryParameterValue: [400, "Value for one of the query parameters specified in the request URI is invalid."],
  OutOfRangeQueryParameterValue: [400, "A query parameter specified in the request URI is outside the permissible range."],
  RequestUrlFailedToParse: [400, "The URL in the request could not be parsed."],
  InvalidUri: [400, "The requested URI does not represent any resource on the server."],
  InvalidHttpVerb: [400, "The HTTP verb specified was not recognized by the server."],
  InvalidRequestBody: [400, "The specified Request Body is not syntactically valid."],
  OutOfRangeInput: [400, "One of the request inputs is out of range."],
  InvalidInput: [400, "One of the request inputs is not valid."],
  EmptyMetadataKey: [400, "The key for one of the metadata key-value pairs is empty."],
  InvalidMetadata: [400, "The specified metadata is invalid."],
  MetadataTooLarge: [400, "The size of the specified metadata exceeds the maximum size permitted."],
  MultipleConditionHeadersNotSupported: [400, "Multiple condition headers are not supported."],
  UnsupportedRequestVersion: [400, "The specified api version in the request is not supported."],
  InvalidAuthenticationInfo: [
    400,
    "The authentication information was not provided in the correct format. Verify the value of Authorization header.",
  ],
  AuthenticationFailed: [
    403,
    "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.",
  ],
  AuthorizationFailure: [403, "This request is not authorized to perform this operation."],
  InsufficientAccountPermissions: [403, "The account being accessed does not have sufficient permissions to execute this operation."],
  AccountIsDisabled: [403, "The specified account is disabled."],
  // Status of the next one: unverified.
  FeatureDisabled: [403, "The specified feature is not available for this account."],
  ResourceNotFound: [404, "The specified resource does not exist."],
  UnsupportedHttpVerb: [405, "The resource doesn't support the specified HTTP verb."],
  ResourceAlreadyExists: [409, "The specified resource already exists."],
  ResourceTypeMismatch: [409, "The specified resource type does not match."],
  MissingContentLengthHeader: [411, "The Content-Length header was not specified."],
  RequestBodyTooLarge: [413, "The size of the request body exceeds the maximum size permitted."],
  InvalidRange: [416, "The range specified is invalid for the current size of the resource."],
  InternalError: [500, "Server encountered an internal error. Please try again after some time."],
  OperationTimedOut: [500, "Operation could not be completed within the specified time."],
  ServerBusy: [503, "Server is busy. Please retry after some time."],
  TooManyRequests: [429, "The request was throttled. Please retry after some time."],

  // Settings that do not fit (statuses of InvalidConstraintValue, UnsupportedConstraint, OutOfRangePriority, InvalidCertificateReferences: unverified).
  InvalidAutoScalingSettings: [400, "The specified autoscaling settings are invalid."],
  AutoScalingFormulaSyntaxError: [400, "The specified autoscaling formula has a syntax error."],
  AutoScalingFormulaTooLong: [400, "The specified autoscaling formula exceeds the maximum length permitted."],
  InvalidConstraintValue: [400, "The value provided for one of the constraints is invalid."],
  UnsupportedConstraint: [400, "One of the specified constraints is not supported."],
  OutOfRangePriority: [400, "The specified priority is out of range."],
  InvalidCertificateReferences: [400, "One or more certificate references specified are invalid."],
  TaskDependenciesNotSpecifiedOnJob: [400, "The job does not use task dependencies, so a task in it cannot depend on others."],
  TaskDependencyListTooLong: [400, "The list of task ids that the task depends on is too long."],
  TaskDependencyRangesTooLong: [400, "The list of task id ranges that the task depends on is too long."],
  InvalidRestAPIForAccountSetting: [403, "The specified operation is not allowed with the account's current settings."],
  IOError: [403, "The file could not be read or changed."],

  // Not there.
  PoolNotFound: [404, "The specified pool does not exist."],
  NodeNotFound: [404, "The specified node does not exist."],
  JobScheduleNotFound: [404, "The specified job schedule does not exist."],
  JobNotFound: [404, "The specified job does not exist."],
  TaskNotFound: [404, "The specified task does not exist."],
  FileNotFound: [404, "The specified file does not exist."],
  PathNotFound: [404, "The specified path does not exist."],
  NodeUserNotFound: [404, "The specified node user does not exist."],
  CertificateNotFound: [404, "The specified certificate does not exist."],
  ApplicationNotFound: [404, "The specified application does not exist."],
  JobPreparationTaskNotRunOnNode: [404, "The job preparation task was not run on the specified node."],
  JobReleaseTaskNotRunOnNode: [404, "The job release task was not run on the specified node."],
  NodeAgentSKUNotFound: [404, "The specified node agent SKU does not exist."],

  // The wrong moment.
  OperationInvalidForCurrentState: [409, "The specified operation is not valid for the current state of the resource."],
  PoolBeingDeleted: [409, "The specified pool has been marked for deletion and is being reclaimed."],
  PoolBeingResized: [409, "The specified pool is being resized."],
  PoolBeingCreated: [409, "The specified pool is being created."],
  NodeBeingCreated: [409, "The specified node is being created."],
  NodeBeingStarted: [409, "The specified node is being started."],
  NodeBeingReimaged: [409, "The specified node is being reimaged."],
  NodeBeingRebooted: [409, "The specified node is being rebooted."],
  NodeStateUnusable: [409, "The specified node is unusable."],
  NodeNotReady: [409, "The specified node is not ready."],
  NodeAlreadyInTargetSchedulingState: [409, "The specified node is already in the target scheduling state."],
  OperationNotValidOnNode: [409, "The specified operation is not valid on the node."],
  OperationNotValidOnPool: [409, "The specified operation is not valid on the pool."],
  JobScheduleBeingTerminated: [409, "The specified job schedule is being terminated."],
  JobScheduleBeingDeleted: [409, "The specified job schedule has been marked for deletion and is being garbage collected."],
  JobScheduleDisabled: [409, "The specified job schedule is disabled."],
  JobScheduleCompleted: [409, "The specified job schedule is already in a completed state."],
  JobBeingTerminated: [409, "The specified job is being terminated."],
  JobBeingDeleted: [409, "The specified job has been marked for deletion and is being garbage collected."],
  JobDisabled: [409, "The specified job is disabled."],
  JobCompleted: [409, "The specified job is already in a completed state."],
  JobNotActive: [409, "The specified job is not in an active state."],
  TaskCompleted: [409, "The specified task is already in a completed state."],
  TaskNotCompleted: [409, "The specified task is not in a completed state."],
  TaskSucceeded: [409, "The specified task has completed successfully."],
  TaskFilesUnavailable: [409, "The task files are unavailable as the node on which they are is not reachable."],
  TaskFilesCleanedup: [409, "The task files were cleaned up from the node on which the task ran."],
  CertificateBeingDeleted: [409, "The specified certificate has been marked for deletion and is being garbage collected."],
  CertificateStateActive: [409, "The specified certificate is in active state."],

  // Already there.
  PoolExists: [409, "The specified pool already exists."],
  JobScheduleExists: [409, "The specified job schedule already exists."],
  JobExists: [409, "The specified job already exists."],
  TaskExists: [409, "The specified task already exists."],
  NodeUserExists: [409, "The specified node user already exists."],
  CertificateExists: [409, "The specified certificate already exists."],
  JobWithSameIdExists: [409, "A job with the same id already exists."],
  JobScheduleWithSameIdExists: [409, "A job schedule with the same id already exists."],

  // Quotas and references.
  PoolQuotaReached: [409, "Pool quota for the account has been reached."],
  ActiveJobAndScheduleQuotaReached: [409, "The quota of active jobs and job schedules for the account has been reached."],
  InvalidApplicationPackageReferences: [409, "One or more application package references specified are invalid."],
  TaskIdSameAsJobPreparationTask: [409, "The id of the task is that of the job's preparation task."],
  TaskIdSameAsJobReleaseTask: [409, "The id of the task is that of the job's release task."],
  JobPreparationTaskNotSpecified: [409, "The specified job does not have a job preparation task."],
  JobReleaseTaskNotSpecified: [409, "The specified job does not have a job release task."],
  JobPreparationTaskOrReleaseTaskNotSpecified: [409, "The specified job does not have either job preparation task or job release task."],
  TooManyEnableAutoScaleRequests: [503, "Autoscaling was enabled for the pool too recently. Please retry after some time."],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type BatchErrorCode = keyof typeof batchErrors;
export type ErrorCode = BatchErrorCode | ManagementErrorCode;

const allErrors: Readonly<Record<ErrorCode, readonly [status: number, message: string]>> = { ...managementErrors, ...batchErrors };

/** One entry of an error's `values`. */
export type ErrorValue = { readonly key: string; readonly value: string };

/**
 * An answer other than success, by its code. The pipeline adds request id and time to the message, and answers the status that
 * belongs to the code unless `status` says otherwise (a read whose condition is not met: 304; a bearer problem: 401).
 */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly values: readonly ErrorValue[];

  constructor(
    code: ErrorCode,
    values: readonly ErrorValue[] = [],
    message: string = allErrors[code]?.[1],
    status: number = allErrors[code]?.[0],
  ) {
    if (allErrors[code] === undefined) throw new Bug(`no such error code: ${code}`);
    super(message);
    this.code = code;
    this.status = status;
    this.values = values;
  }
}

/** The usual refusal of a property's value. Leave `value` out where it may be secret. */
export const invalidProperty = (name: string, reason: string, value?: string, code: BatchErrorCode = "InvalidPropertyValue"): ApiError =>
  new ApiError(code, [
    { key: "PropertyName", value: name },
    ...(value === undefined ? [] : [{ key: "PropertyValue", value }]),
    { key: "Reason", value: reason },
  ]);

export const missingProperty = (name: string): ApiError => new ApiError("MissingRequiredProperty", [{ key: "PropertyName", value: name }]);

/** A body that is not what the declaration says it must be: not JSON, an unknown property, a text where an object belongs. */
export const invalidBody = (reason: string): ApiError => new ApiError("InvalidRequestBody", [{ key: "Reason", value: reason }]);

export const invalidQuery = (name: string, value: string, reason: string): ApiError =>
  new ApiError("InvalidQueryParameterValue", [
    { key: "QueryParameterName", value: name },
    { key: "QueryParameterValue", value },
    { key: "Reason", value: reason },
  ]);
