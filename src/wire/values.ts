// Reads single values as a declaration wants them: text, numbers, times, durations, enums. One reader per shape, made once and kept
// by parse.ts. It knows neither models nor versions beyond the lives of enum values.
import { type ApiError, type BatchErrorCode, invalidBody, invalidProperty } from "../api/errors.ts";
import type { Life, Shape } from "../api/fields.ts";
import { livesIn, type Version } from "../api/versions.ts";
import { Bug } from "../lib/bug.ts";
import { durationMs, normaliseDuration } from "../lib/duration.ts";
import { redactText } from "../lib/redact.ts";

/** What a refusal needs to know of the property: its name on the wire, whether its value may be shown, the code it is refused with. */
export type Property = { readonly name: string; readonly secret: boolean; readonly refusal?: BatchErrorCode };

/** From JSON to the value in the newest spelling. Throws an ApiError. */
export type Reader = (json: unknown) => unknown;

type ShapeOf<K extends Shape["kind"]> = Extract<Shape, { kind: K }>;

/** Readers of everything but objects, arrays and maps. */
export const scalarReader = (shape: Shape, property: Property, version: Version): Reader => {
  switch (shape.kind) {
    case "string":
      return stringReader(shape, property);
    case "int32":
      return integerReader(property, Math.max(shape.min ?? minInt32, minInt32), Math.min(shape.max ?? maxInt32, maxInt32), shape.not);
    case "int64":
      return integerReader(property, shape.min ?? Number.MIN_SAFE_INTEGER, shape.max ?? Number.MAX_SAFE_INTEGER);
    case "int64String":
      return int64TextReader(property);
    case "number":
      return (json) => (typeof json === "number" && Number.isFinite(json) ? json : refuseKind(property, "a number"));
    case "boolean":
      return (json) => (typeof json === "boolean" ? json : refuseKind(property, "true or false"));
    case "dateTime":
      return (json) => {
        if (typeof json !== "string") return refuseKind(property, "a time");
        return normaliseTime(json) ?? refuse(property, json, "The value must be a time in the form of ISO 8601, in UTC or with an offset.");
      };
    case "duration":
      return durationReader(shape, property);
    case "enum":
      return enumReader(shape, property, version);
    case "any":
      return anyReader(property);
    default:
      throw new Bug(`not a scalar: ${shape.kind}`);
  }
};

const minInt32 = -(2 ** 31);
const maxInt32 = 2 ** 31 - 1;

/** Property values in errors are cut here: they help a reader, who has the whole in the request. */
const longestShown = 256;

const shown = (value: unknown): string => {
  const text = redactText(typeof value === "string" ? value : JSON.stringify(value));
  return text.length > longestShown ? `${text.slice(0, longestShown)}...` : text;
};

const refusal = (property: Property, value: unknown, reason: string): ApiError =>
  invalidProperty(property.name, reason, property.secret ? undefined : shown(value), property.refusal);

export const refuse = (property: Property, value: unknown, reason: string): never => {
  throw refusal(property, value, reason);
};

/**
 * A value of the wrong JSON kind. The service reads bodies with an OData reader, to which that is a malformed body rather than a bad
 * value; its words differ (unverified).
 */
export const refuseKind = (property: Property, wanted: string): never => {
  throw invalidBody(`The value of the property '${property.name}' must be ${wanted}.`);
};

const stringReader = (
  { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, lowerCase, what }: ShapeOf<"string">,
  property: Property,
): Reader => {
  return (json) => {
    if (typeof json !== "string") return refuseKind(property, "a text");
    if (json.length < minLength)
      return refuse(property, json, what === undefined ? "The value must not be empty." : `The value must be ${what}.`);
    if (json.length > maxLength) return refuse(property, json, `The value must not be longer than ${maxLength} characters.`);
    if (pattern !== undefined && !pattern.test(json))
      return refuse(property, json, `The value must be ${what ?? `like ${pattern.source}`}.`);
    // No command line, environment variable or file name of an operating system can hold it.
    if (json.includes("\0")) return refuse(property, json, "The value must not contain the null character.");
    return lowerCase === undefined ? json : json.toLowerCase();
  };
};

const integerReader = (property: Property, min: number, max: number, not?: number): Reader => {
  return (json) => {
    if (typeof json !== "number") return refuseKind(property, "a whole number");
    if (!Number.isInteger(json)) return refuse(property, json, "The value must be a whole number.");
    if (json < min) return refuse(property, json, `The value must not be less than ${min}.`);
    if (json > max) return refuse(property, json, `The value must not be greater than ${max}.`);
    if (json === not) return refuse(property, json, `The value must not be ${not}.`);
    return json === 0 ? 0 : json;
  };
};

const int64TextReader = (property: Property): Reader => {
  return (json) => {
    if (typeof json === "number" && Number.isSafeInteger(json)) return String(json);
    if (typeof json === "string" && /^-?\d{1,19}$/.test(json)) return json;
    return refuseKind(property, "a whole number");
  };
};

const durationReader = ({ minMs, maxMs }: ShapeOf<"duration">, property: Property): Reader => {
  return (json) => {
    if (typeof json !== "string") return refuseKind(property, "a duration");
    const duration = json.length > 64 ? undefined : normaliseDuration(json);
    if (duration === undefined) return refuse(property, json, "The value must be a duration in the form of ISO 8601, such as PT15M.");
    if (minMs === undefined && maxMs === undefined) return duration;
    const ms = durationMs(duration);
    if (minMs !== undefined && ms < minMs) return refuse(property, json, `The value must not be shorter than ${isoDuration(minMs)}.`);
    if (maxMs !== undefined && ms > maxMs) return refuse(property, json, `The value must not be longer than ${isoDuration(maxMs)}.`);
    return duration;
  };
};

const isoDuration = (ms: number): string => normaliseDuration(`PT${Math.floor(ms / 1000)}S`) ?? "";

/** The values of an enum that a version knows, by their lower-case text. */
export const enumSpellings = (
  values: readonly string[],
  lives: Readonly<Record<string, Life>> | undefined,
  version: Version,
): Map<string, string> =>
  new Map(values.filter((value) => livesIn(lives?.[value] ?? {}, version)).map((value) => [value.toLowerCase(), value]));

const enumReader = ({ values, lives }: ShapeOf<"enum">, property: Property, version: Version): Reader => {
  const spellings = enumSpellings(values, lives, version);
  return (json) => {
    if (typeof json !== "string") return refuseKind(property, "a text");
    return (
      spellings.get(json) ??
      spellings.get(json.toLowerCase()) ??
      refuse(property, json, `The value must be one of ${[...spellings.values()].join(", ")}.`)
    );
  };
};

/** Deeper than any honest settings object, shallow enough that writing it out again cannot exhaust the stack. */
const deepestAny = 64;

const anyReader = (property: Property): Reader => {
  return (json) =>
    isShallow(json, deepestAny) ? json : refuse(property, "", `The value must not be nested deeper than ${deepestAny} levels.`);
};

const isShallow = (json: unknown, depth: number): boolean => {
  if (typeof json !== "object" || json === null) return true;
  if (depth === 0) return false;
  for (const item of Array.isArray(json) ? json : Object.values(json)) if (!isShallow(item, depth - 1)) return false;
  return true;
};

const time = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** A time as the service writes it (UTC, at most seven fraction digits, no trailing zeros), or undefined. Without a zone it is in UTC. */
export const normaliseTime = (text: string): string | undefined => {
  const match = time.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone = "Z"] = match;
  const utc = zone.toUpperCase() === "Z" ? "Z" : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${utc}`);
  // Date.parse rolls the 31st of a short month over; such a time is refused like the 32nd.
  if (Number.isNaN(at) || Number(day) > new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()) return undefined;
  const whole = new Date(at).toISOString();
  // A year before 0 or after 9999 after the offset is applied has another length.
  if (whole.length !== 24) return undefined;
  const digits = fraction.slice(0, 7).replace(/0+$/, "");
  return `${whole.slice(0, 19)}${digits === "" ? "" : `.${digits}`}Z`;
};
