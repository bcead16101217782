// Compares an answer's body with its declaration: every property known to the version, of the declared kind, none required missing,
// nothing that $select did not ask for. The tests run the server with it on (QUERN_ANSWER_LOG); it is never on otherwise and changes
// nothing about an answer. Limits of what clients send (lengths, ranges) are not its business: reading them is parse.ts's.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Field, Model, Shape } from "../api/fields.ts";
import { qualifiedId } from "../api/management/index.ts";
import type { OperationDeclaration } from "../api/operation.ts";
import { livesIn, type Version } from "../api/versions.ts";
import { normaliseDuration } from "../lib/duration.ts";
import { isRequired, wireName } from "../wire/parse.ts";
import { parseSelect, type Selection } from "../wire/select.ts";
import { enumSpellings } from "../wire/values.ts";

/** What is wrong with a body that was sent; empty when it is as declared. `select` is the text of $select, if the client gave one. */
export const checkAnswer = (operation: OperationDeclaration, version: Version, body: unknown, select?: string): string[] => {
  const { item, body: model } = operation.answer;
  const of = item ?? model;
  if (of === undefined) return [];
  // Some of its answers have no body, and which one it is was checked when it was written.
  if (body === undefined && operation.answer.statuses !== undefined) return [];
  const wanted = select === undefined || select.trim() === "" ? true : parseSelect(of, select, version);
  if (item === undefined) return checkModel(of, version, body, "", wanted);
  const value = (body as { value?: unknown } | undefined)?.value;
  if (!Array.isArray(value)) return [`${operation.id}: a list has no value`];
  return value.flatMap((element, index) => checkModel(item, version, element, `value[${index}]`, wanted));
};

const checkModel = (model: Model, version: Version, value: unknown, at: string, wanted: true | Selection): string[] => {
  if (!isObject(value)) return [`${at || "body"} is not an object (${model.name})`];
  const known = new Map<string, { field: Field; below: true | Selection }>();
  for (const [key, field] of Object.entries(model.fields)) {
    const below = wanted === true ? true : wanted.get(key);
    if (below !== undefined && livesIn(field.options, version) && field.options.secret === undefined)
      known.set(wireName(key, field, version), { field, below });
  }
  const strangers = Object.keys(value)
    .filter((key) => !known.has(key) && !key.startsWith("odata."))
    .map((key) => `${at}.${key} is not in ${model.name} of ${version}${wanted === true ? "" : ", or was not selected"}`);
  const wrong = [...known].flatMap(([wire, { field, below }]) => {
    const held = value[wire];
    if (held === undefined) return isPromised(field, version) ? [`${at}.${wire} is missing (${model.name} of ${version})`] : [];
    return held === null && field.shape.kind !== "any"
      ? [`${at}.${wire} is null`]
      : checkShape(field.shape, version, held, `${at}.${wire}`, below);
  });
  return [...strangers, ...wrong];
};

/**
 * Whether an answer must have it. What only some versions require of clients may be missing, because the resource may have been sent in
 * another one; only a property that lives no longer than it is required is a shape of those versions, which their conversion fills.
 */
const isPromised = (field: Field, version: Version): boolean => {
  const { until, requiredIn } = field.options;
  return isRequired(field, version) && (field.required || (until !== undefined && requiredIn?.until === until));
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

const checkShape = (shape: Shape, version: Version, value: unknown, at: string, wanted: true | Selection): string[] => {
  const isNot = (what: string): string[] => [`${at} is ${JSON.stringify(value)?.slice(0, 60)}, not ${what}`];
  switch (shape.kind) {
    case "object":
      return checkModel(shape.model(), version, value, at, wanted);
    case "array":
      return Array.isArray(value)
        ? value.flatMap((item, index) => checkShape(shape.item, version, item, `${at}[${index}]`, wanted))
        : isNot("a list");
    case "map":
      return isObject(value)
        ? Object.entries(value).flatMap(([key, item]) => checkShape(shape.value, version, item, `${at}.${key}`, true))
        : isNot("a map");
    case "enum": {
      const spellings = enumSpellings(shape.values, shape.lives, version);
      return typeof value === "string" && spellings.has(value.toLowerCase())
        ? []
        : isNot(`${[...spellings.values()].join("|")} (${version})`);
    }
    default:
      return scalars[shape.kind].is(value) ? [] : isNot(scalars[shape.kind].what);
  }
};

const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z$/;
const isText = (value: unknown): value is string => typeof value === "string";

type Scalar = Exclude<Shape["kind"], "object" | "array" | "map" | "enum">;
const scalars: Record<Scalar, { what: string; is: (value: unknown) => boolean }> = {
  string: { what: "a string", is: isText },
  int64String: { what: "an integer in a string", is: (value) => isText(value) && /^-?\d+$/.test(value) },
  dateTime: { what: "a time in UTC", is: (value) => isText(value) && time.test(value) && !Number.isNaN(Date.parse(value)) },
  duration: { what: "a duration", is: (value) => isText(value) && normaliseDuration(value) !== undefined },
  int32: { what: "a 32-bit integer", is: (value) => Number.isInteger(value) && (value as number) === ((value as number) | 0) },
  int64: { what: "an integer", is: (value) => Number.isSafeInteger(value) },
  number: { what: "a number", is: (value) => typeof value === "number" },
  boolean: { what: "a boolean", is: (value) => typeof value === "boolean" },
  any: { what: "anything", is: () => true },
};

/** Writes, once for each operation, client and outcome, a line of who called what: `npm test` makes its coverage of them. */
export const callLog = (directory: string, pid: number) => {
  const seen = new Set<string>();
  const file = join(directory, `${pid}.calls.jsonl`);
  return ({ operationId, client = "", status }: { operationId?: string; client?: string; status: number }): void => {
    const key = `${operationId} ${client} ${status}`;
    if (operationId === undefined || seen.has(key)) return;
    seen.add(key);
    appendFileSync(file, `${JSON.stringify({ operation: operationId, client, status })}\n`);
  };
};

type OnBody = (operation: OperationDeclaration, version: Version, body: unknown, select?: string) => void;

/** Writes, once for each operation and each problem of this process, a line that `npm test` reads at its end. */
export const answerLog = (directory: string, pid: number): OnBody => {
  const seen = new Set<string>();
  const file = join(directory, `${pid}.jsonl`);
  return (operation, version, body, select) => {
    const name = operation.provider === undefined ? operation.id : qualifiedId(operation);
    const problems = checkAnswer(operation, version, body, select);
    for (const line of [undefined, ...problems.map((problem) => problem.replace(/\[\d+\]/g, "[]"))]) {
      const key = `${name} ${line}`;
      if (seen.has(key)) continue;
      seen.add(key);
      appendFileSync(file, `${JSON.stringify({ operation: name, version, problem: line })}\n`);
    }
  };
};
