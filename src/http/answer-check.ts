// Compares an answer's body with its declaration: every property known to the version, of the declared kind, none required missing.
// The tests run the server with it on (QUERN_ANSWER_LOG); it is never on otherwise and changes nothing about an answer.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Field, Model, Shape } from "../api/fields.ts";
import type { OperationDeclaration } from "../api/operation.ts";
import { compareVersions, livesIn, type Version } from "../api/versions.ts";
import { wireName } from "./parse.ts";

/** What is wrong with a body that was sent; empty when it is as declared. */
export const checkAnswer = (operation: OperationDeclaration, version: Version, body: unknown): string[] => {
  const { item, body: model } = operation.answer;
  if (item !== undefined) {
    const value = (body as { value?: unknown } | undefined)?.value;
    if (!Array.isArray(value)) return [`${operation.id}: a list has no value`];
    return value.flatMap((element, index) => checkModel(item, version, element, `value[${index}]`));
  }
  return model === undefined ? [] : checkModel(model, version, body, "");
};

const checkModel = (model: Model, version: Version, value: unknown, at: string): string[] => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${at || "body"} is not an object (${model.name})`];
  // A version with a shape of its own (flat task counts, for instance) is described by its conversion, not by these fields.
  if ((model.conversions ?? []).some(({ until, down }) => down !== undefined && compareVersions(version, until) <= 0)) return [];
  const known = new Map<string, Field>();
  for (const [key, field] of Object.entries(model.fields)) {
    if (livesIn(field.options, version) && field.options.secret === undefined) known.set(wireName(key, field, version), field);
  }
  const strangers = Object.keys(value)
    .filter((key) => !known.has(key) && !key.startsWith("odata."))
    .map((key) => `${at}.${key} is not in ${model.name} of ${version}`);
  const wrong = [...known].flatMap(([wire, field]) => {
    const held = (value as Record<string, unknown>)[wire];
    return held === undefined || held === null ? [] : checkShape(field.shape, version, held, `${at}.${wire}`);
  });
  return [...strangers, ...wrong];
};

const checkShape = (shape: Shape, version: Version, value: unknown, at: string): string[] => {
  const isNot = (what: string): string[] => [`${at} is ${JSON.stringify(value)?.slice(0, 60)}, not ${what}`];
  switch (shape.kind) {
    case "string":
    case "int64String":
      return typeof value === "string" ? [] : isNot("a string");
    case "dateTime":
      return typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z$/.test(value) ? [] : isNot("a time in UTC");
    case "duration":
      return typeof value === "string" && /^-?P/.test(value) ? [] : isNot("a duration");
    case "enum":
      return typeof value === "string" && shape.values.some((known) => known.toLowerCase() === value.toLowerCase())
        ? []
        : isNot(shape.values.join("|"));
    case "int32":
    case "int64":
      return Number.isSafeInteger(value) ? [] : isNot("an integer");
    case "number":
      return typeof value === "number" ? [] : isNot("a number");
    case "boolean":
      return typeof value === "boolean" ? [] : isNot("a boolean");
    case "array":
      return Array.isArray(value)
        ? value.flatMap((item, index) => checkShape(shape.item, version, item, `${at}[${index}]`))
        : isNot("a list");
    case "object":
      return checkModel(shape.model(), version, value, at);
    case "map":
      return typeof value === "object" && !Array.isArray(value) ? [] : isNot("a map");
    default:
      return [];
  }
};

/** Writes, once for each operation and each problem of this process, a line that `npm test` reads at its end. */
export const answerLog = (directory: string, pid: number): ((operation: OperationDeclaration, version: Version, body: unknown) => void) => {
  const seen = new Set<string>();
  const file = join(directory, `${pid}.jsonl`);
  return (operation, version, body) => {
    const problems = checkAnswer(operation, version, body);
    for (const line of [undefined, ...problems.map((problem) => problem.replace(/\[\d+\]/g, "[]"))]) {
      const key = `${operation.id} ${line}`;
      if (seen.has(key)) continue;
      seen.add(key);
      appendFileSync(file, `${JSON.stringify({ operation: operation.id, version, problem: line })}\n`);
    }
  };
};
