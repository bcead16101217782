// Whether a conditional request may go on, given when the resource last changed. Pure: the headers were parsed before, the
// answer's shape (304 without a body, 412 with one) is the pipeline's.
import { ApiError } from "../api/errors.ts";
import { etagOf, type Stamp } from "../lib/clock.ts";

/** The conditional headers, parsed: bare ETags or "*", and times in whole seconds as milliseconds since the epoch. */
export type ConditionHeaders = {
  ifMatch?: readonly string[];
  ifNoneMatch?: readonly string[];
  ifModifiedSince?: number;
  ifUnmodifiedSince?: number;
};

/**
 * Throws ConditionNotMet when the condition fails: 304 for a read that would only repeat what the client has, 412 otherwise.
 * `modified` is the resource's last change; headers know whole seconds only, so its fraction is cut before dates are compared.
 * Of two conditions in the same direction the ETag decides, because it is the finer one (RFC 9110, section 13.2.2).
 */
export const checkConditions = (conditions: ConditionHeaders, modified: Stamp, kind: "read" | "write"): void => {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  const seconds = Math.floor(modified / 1_000_000) * 1000;
  const changed = ifMatch !== undefined ? !matches(ifMatch, modified) : ifUnmodifiedSince !== undefined && seconds > ifUnmodifiedSince;
  if (changed) throw notMet(412);
  const unchanged =
    ifNoneMatch !== undefined ? matches(ifNoneMatch, modified) : ifModifiedSince !== undefined && seconds <= ifModifiedSince;
  if (unchanged) throw notMet(kind === "read" ? 304 : 412);
};

/** Refuses to be asked for both: only if it changed, and only if it did not. */
export const refuseConflictingConditions = (conditions: ConditionHeaders): void => {
  const ifSame = conditions.ifMatch !== undefined || conditions.ifUnmodifiedSince !== undefined;
  const ifOther = conditions.ifNoneMatch !== undefined || conditions.ifModifiedSince !== undefined;
  if (ifSame && ifOther) throw new ApiError("MultipleConditionHeadersNotSupported");
};

const matches = (etags: readonly string[], modified: Stamp): boolean => {
  const current = etagOf(modified);
  return etags.some((etag) => etag === "*" || etag.toUpperCase() === current.toUpperCase());
};

const notMet = (status: 304 | 412): ApiError => new ApiError("ConditionNotMet", [], undefined, status);
