// Compares our declarations with an OpenAPI document of one version and says what differs, one line a difference. It judges nothing:
// which differences are meant is for the test to say.
import type { Field, Model, Shape } from "../../src/api/fields.ts";
import type { OperationDeclaration } from "../../src/api/operation.ts";
import { livesIn, type Version } from "../../src/api/versions.ts";
import { isRequired, wireName } from "../../src/wire/parse.ts";
import { enumSpellings } from "../../src/wire/values.ts";

export type Schema = {
  $ref?: string;
  type?: string;
  format?: string;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  required?: string[];
  readOnly?: boolean;
  "x-ms-secret"?: boolean;
};
type Parameter = Schema & { name: string; in: string; required?: boolean; schema?: Schema };
export type DocumentOperation = {
  operationId: string;
  parameters: Parameter[];
  responses: Record<string, { schema?: Schema; headers?: Record<string, unknown> }>;
  "x-ms-examples"?: Record<string, { $ref: string }>;
};
export type Document = {
  definitions: Record<string, Schema>;
  parameters: Record<string, Parameter>;
  paths: Record<string, Record<string, DocumentOperation>>;
};

/** How strictly a plane's documents are meant. */
export type Style = {
  /** What an integer of 64 bits is on the wire. */
  readonly int64: "int64" | "int64String";
  /** Whether the letter case of enum values, read-only and secret properties, every status and the ETag header are as documented. */
  readonly exact: boolean;
};
export const dataPlaneStyle: Style = { int64: "int64String", exact: false };
export const managementStyle: Style = { int64: "int64", exact: true };

const refName = (ref: string): string => ref.slice(ref.lastIndexOf("/") + 1);
/** Definitions of the same name in two files of one document are told apart by what follows an @. */
const modelName = (name: string): string => name.replace(/@.*$/, "");

/** `GET /jobs/{}`: what identifies an operation whatever its parameters are called. */
export const routeOf = (method: string, path: string): string => `${method.toUpperCase()} ${path.replace(/\{[^}]*\}/g, "{}")}`;

export const operationsOf = (document: Document): Map<string, DocumentOperation> =>
  new Map(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, DocumentOperation] => [routeOf(method, path), operation]),
    ),
  );

/** Every difference between a declaration and the document's operation of the same route, the models of its bodies included. */
export const compareOperation = (
  declared: OperationDeclaration,
  document: Document,
  documented: DocumentOperation,
  version: Version,
  style: Style = dataPlaneStyle,
): string[] => {
  const differences: string[] = [];
  const report = (what: string): void => void differences.push(`${declared.id} ${what}`);
  if (declared.id !== documented.operationId) report(`is called ${documented.operationId}`);
  const successes = Object.keys(documented.responses).filter((status) => status.startsWith("2"));
  const answered = [...new Set([declared.answer.status, ...(declared.answer.statuses ?? [])])].map(String).sort();
  if (style.exact ? successes.sort().join() !== answered.join() : !successes.includes(String(declared.answer.status)))
    report(`answers ${successes.join()}`);
  const hasEtag = successes.some((status) => documented.responses[status]!.headers?.ETag !== undefined);
  // More ETags than documented were seen on answers of the real service.
  if (style.exact && hasEtag && declared.answer.etag === undefined) report("has an ETag");
  const parameters = documented.parameters.map((one) => (one.$ref === undefined ? one : document.parameters[refName(one.$ref)]!));
  compareQuery(declared, parameters, version, report, style);
  const headers = parameters.filter((one) => one.in === "header").map(({ name }) => name);
  const conditions = headers.includes("If-Match") ? "all" : headers.includes("If-Modified-Since") ? "dates" : "none";
  if (conditions !== declared.conditions) report(`has conditions ${conditions}`);
  const names = parameters.filter((one) => one.in === "path").map(({ name }) => name);
  const ours = [...declared.path.matchAll(/\{\+?(\w+)\}/g)].map(([, name]) => name!);
  if (names.sort().join() !== ours.sort().join()) report(`has path parameters ${names.join()}`);
  const compare = comparison(document, version, style);
  const body = parameters.find((one) => one.in === "body");
  if ((body === undefined) !== (declared.body === undefined)) report(body === undefined ? "has no body" : "has a body");
  if (body !== undefined && declared.body !== undefined) {
    if ((body.required === true) === declared.bodyOptional) report(`body required: ${body.required === true}`);
    differences.push(...compare(declared.body, refName(body.schema!.$ref!), "in"));
  }
  // Which of several statuses has the body is the document's to say; the data plane's operations have one.
  const schemas = answered.map((status) => documented.responses[status]?.schema);
  const schema = style.exact ? schemas.find((one) => one !== undefined) : documented.responses[String(declared.answer.status)]?.schema;
  differences.push(...compareAnswer(declared, document, schema, compare, report));
  return differences;
};

const compareQuery = (
  declared: OperationDeclaration,
  parameters: Parameter[],
  version: Version,
  report: (what: string) => void,
  style: Style,
): void => {
  const everywhere = ["api-version", "timeout"];
  const theirs = new Map(
    parameters.filter((one) => one.in === "query" && !everywhere.includes(one.name)).map((one) => [one.name.toLowerCase(), one]),
  );
  for (const [name, field] of Object.entries(declared.query.fields)) {
    if (!livesIn(field.options, version)) continue;
    const documented = theirs.get(name.toLowerCase());
    if (documented === undefined) report(`has no query parameter ${name}`);
    else if (kindOf(documented, style) !== field.shape.kind) report(`query parameter ${name} is ${kindOf(documented, style)}`);
    theirs.delete(name.toLowerCase());
  }
  for (const name of theirs.keys()) report(`has query parameter ${name}`);
};

const compareAnswer = (
  { answer }: OperationDeclaration,
  document: Document,
  schema: Schema | undefined,
  compare: Compare,
  report: (what: string) => void,
): string[] => {
  if (answer.file === true || schema === undefined) {
    if (schema?.$ref !== undefined || (schema === undefined && (answer.body ?? answer.item) !== undefined))
      report("answers another kind of body");
    return [];
  }
  const name = refName(schema.$ref ?? "");
  if (answer.body !== undefined) return compare(answer.body, name, "out");
  const items = document.definitions[name]?.properties?.value?.items;
  if (answer.item === undefined || items?.$ref === undefined) {
    report("answers another kind of body");
    return [];
  }
  return compare(answer.item, refName(items.$ref), "out");
};

type Direction = "in" | "out";
type Compare = (model: Model, name: string, direction: Direction) => string[];

const kindOf = (schema: Schema, style: Style): string => {
  if (schema.enum !== undefined) return "enum";
  switch (schema.type) {
    case "integer":
      return schema.format === "int64" ? style.int64 : "int32";
    case "string":
      return schema.format === "date-time" ? "dateTime" : schema.format === "duration" ? "duration" : "string";
    case "object":
      return schema.additionalProperties === undefined ? "any" : "map";
    default:
      return schema.type ?? "none";
  }
};

/** Whether clients may set it, which only requests tell, and whether it is shown. */
const compareUse = (where: string, { options }: Field, schema: Schema, direction: Direction): string[] => {
  const differences: string[] = [];
  const isReadOnly = schema.readOnly === true;
  if (direction === "in" && isReadOnly !== (options.readOnly === true))
    differences.push(`${where} is ${isReadOnly ? "read-only" : "writable"}`);
  if (schema["x-ms-secret"] === true && options.secret !== true) differences.push(`${where} is secret`);
  return differences;
};

const comparison = (document: Document, version: Version, style: Style): Compare => {
  const seen = new Set<string>();
  const compareShape = (where: string, shape: Shape, given: Schema, direction: Direction): string[] => {
    const name = given.$ref === undefined ? undefined : refName(given.$ref);
    const schema = name === undefined ? given : document.definitions[name]!;
    if (schema.properties !== undefined) {
      if (shape.kind !== "object") return [`${where} is object`];
      return name === undefined ? compareProperties(shape.model(), where, schema, direction) : compareModel(shape.model(), name, direction);
    }
    const kind = kindOf(schema, style);
    if (kind !== shape.kind) return [`${where} is ${kind}`];
    if (shape.kind === "array") return compareShape(`${where}[]`, shape.item, schema.items!, direction);
    if (shape.kind === "map") return compareShape(`${where}{}`, shape.value, schema.additionalProperties!, direction);
    if (shape.kind !== "enum") return [];
    const spellings = enumSpellings(shape.values, shape.lives, version);
    const ours = [...(style.exact ? spellings.values() : spellings.keys())].sort().join();
    const theirs = schema
      .enum!.map((value) => (style.exact ? value : value.toLowerCase()))
      .sort()
      .join();
    return ours === theirs ? [] : [`${where} has values ${theirs}`];
  };
  const compareModel: Compare = (model, name, direction) => {
    if (seen.has(`${name} ${direction}`)) return [];
    seen.add(`${name} ${direction}`);
    const misnamed = model.name === modelName(name) ? [] : [`${model.name} is called ${modelName(name)}`];
    return [...misnamed, ...compareProperties(model, name, document.definitions[name]!, direction)];
  };
  const compareProperties = (model: Model, name: string, definition: Schema, direction: Direction): string[] => {
    const differences: string[] = [];
    const theirs = new Map(Object.entries(definition.properties ?? {}));
    for (const [key, field] of Object.entries(model.fields) as [string, Field][]) {
      if (!livesIn(field.options, version)) continue;
      const wire = wireName(key, field, version);
      const where = `${name}.${wire}`;
      const schema = theirs.get(wire);
      theirs.delete(wire);
      if (schema === undefined) {
        differences.push(`${where} is not there`);
        continue;
      }
      const needed = definition.required?.includes(wire) === true;
      if (needed !== isRequired(field, version)) differences.push(`${where} is ${needed ? "required" : "optional"}`);
      const whole = schema.$ref === undefined ? schema : { ...document.definitions[refName(schema.$ref)], ...schema };
      if (style.exact) differences.push(...compareUse(where, field, whole, direction));
      differences.push(...compareShape(where, field.shape, schema, direction));
    }
    for (const wire of theirs.keys()) differences.push(`${name}.${wire} is there`);
    return differences;
  };
  return compareModel;
};
