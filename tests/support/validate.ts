// Holds a JSON value against a schema of a swagger 2.0 document and says what is wrong, one line a kind of thing: `Model.property what`.
// Strict: a property that the schema does not have is wrong, and so is another letter case of a value of a list. It forgives nothing;
// what is meant to differ is listed by who asks.
import type { Document, DocumentOperation, Schema } from "../contract/openapi.ts";

const refName = (ref: string): string => ref.slice(ref.lastIndexOf("/") + 1);

/** What is wrong with the body of an answer; undefined where the document has no body for that status. */
export const answerProblems = (document: Document, operation: DocumentOperation, status: number, json: unknown): string[] => {
  const response = operation.responses[String(status)];
  if (response === undefined) return [`${operation.operationId} answers ${status}`];
  if (response.schema === undefined || response.schema.type === "file") {
    return json === undefined ? [] : [`${operation.operationId} answers a body`];
  }
  return json === undefined ? [`${operation.operationId} answers no body`] : valueProblems(document, response.schema, json, "answer");
};

export const requestProblems = (document: Document, operation: DocumentOperation, json: unknown): string[] => {
  const parameters = operation.parameters.map((one) => (one.$ref === undefined ? one : document.parameters[refName(one.$ref)]!));
  const body = parameters.find((one) => one.in === "body");
  if (body?.schema === undefined) return json === undefined ? [] : [`${operation.operationId} takes no body`];
  if (json === undefined) return body.required === true ? [`${operation.operationId} needs a body`] : [];
  return valueProblems(document, body.schema, json, "request");
};

export const valueProblems = (document: Document, schema: Schema, value: unknown, at: string): string[] => {
  const name = schema.$ref === undefined ? undefined : refName(schema.$ref);
  const of = name === undefined ? schema : document.definitions[name];
  if (of === undefined) return [`${at} refers to ${name}, which is not there`];
  if (of.properties !== undefined) return objectProblems(document, of, value, name ?? at, at);
  if (of.enum !== undefined) return enumProblems(of.enum, value, at);
  switch (of.type) {
    case "array":
      return Array.isArray(value)
        ? [...new Set(value.flatMap((item) => valueProblems(document, of.items!, item, `${at}[]`)))]
        : [`${at} is no list`];
    case "string":
      return typeof value === "string" ? textProblems(of, value, at) : [`${at} is ${typeof value}, not string`];
    case "integer":
      if (typeof value !== "number") return [`${at} is ${typeof value}, not integer`];
      return Number.isInteger(value) ? rangeProblems(of, value, at) : [`${at} is no whole number`];
    case "number":
      return typeof value === "number" ? rangeProblems(of, value, at) : [`${at} is ${typeof value}, not number`];
    case "boolean":
      return typeof value === "boolean" ? [] : [`${at} is ${typeof value}, not boolean`];
    default:
      return of.additionalProperties === undefined || typeof value !== "object" || value === null
        ? []
        : Object.values(value).flatMap((item) => valueProblems(document, of.additionalProperties!, item, `${at}{}`));
  }
};

const objectProblems = (document: Document, of: Schema, value: unknown, name: string, at: string): string[] => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${at} is no object`];
  const problems = new Set<string>();
  for (const [key, held] of Object.entries(value)) {
    if (key.startsWith("odata.") && of.properties![key] === undefined) continue;
    const schema = of.properties![key];
    if (schema === undefined) problems.add(`${name}.${key} is not in the document`);
    else for (const problem of valueProblems(document, schema, held, `${name}.${key}`)) problems.add(problem);
  }
  for (const key of of.required ?? []) if ((value as Record<string, unknown>)[key] === undefined) problems.add(`${name}.${key} is missing`);
  return [...problems];
};

const enumProblems = (values: string[], value: unknown, at: string): string[] => {
  if (typeof value !== "string") return [`${at} is ${typeof value}, not one of its values`];
  if (values.includes(value)) return [];
  const same = values.find((one) => one.toLowerCase() === value.toLowerCase());
  return [same === undefined ? `${at} has the unknown value ${value}` : `${at} spells ${same} as ${value}`];
};

const textProblems = ({ format, maxLength }: Schema, value: string, at: string): string[] => {
  if (maxLength !== undefined && value.length > maxLength) return [`${at} is too long`];
  if (format === "date-time" && !(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) && !Number.isNaN(Date.parse(value))))
    return [`${at} is no time`];
  if (format === "duration" && !/^-?P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$/.test(value))
    return [`${at} is no duration`];
  return [];
};

const rangeProblems = ({ minimum, maximum }: Schema, value: number, at: string): string[] =>
  (minimum !== undefined && value < minimum) || (maximum !== undefined && value > maximum) ? [`${at} is out of range`] : [];
