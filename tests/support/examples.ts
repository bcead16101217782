// The examples of the official documents as requests, and such a request in the words of another api-version. Reads ../shared/specs and
// our declarations; it sends nothing and knows nothing of preconditions.
import { readFileSync } from "node:fs";
import { batchOperations } from "../../src/api/batch/index.ts";
import type { Field, Model, Plain, Shape } from "../../src/api/fields.ts";
import type { OperationDeclaration } from "../../src/api/operation.ts";
import { baseline, compareVersions, livesIn, type Version } from "../../src/api/versions.ts";
import { wireName } from "../../src/wire/parse.ts";
import { type Document, operationsOf, routeOf } from "../contract/openapi.ts";
import { sharedPath } from "./shared.ts";

export type Example = {
  name: string;
  operation: OperationDeclaration;
  /** By the names of our path. */
  path: Record<string, string>;
  query: Record<string, string>;
  body?: Plain;
};

export type ExampleFolder = "batch-data-plane" | "batch-data-plane-typespec";

const declared = Object.values(batchOperations) as unknown as readonly OperationDeclaration[];

/** Examples of operations that are declared, in the order of the declarations, and the names of the others. */
export const readExamples = (folder: ExampleFolder): { examples: Example[]; undeclared: string[] } => {
  const document = JSON.parse(readFileSync(sharedPath("specs", folder, "BatchService.json"), "utf8")) as Document;
  const routes = operationsOf(document);
  const examples = declared.flatMap((operation) => {
    const route = routeOf(operation.method, operation.path);
    const theirs = livesIn(operation, baseline) ? routes.get(route) : undefined;
    routes.delete(route);
    if (theirs === undefined) return [];
    const parameters = theirs.parameters.map((one) => (one.$ref === undefined ? one : document.parameters[one.$ref.split("/").at(-1)!]!));
    return Object.values(theirs["x-ms-examples"] ?? {}).map(({ $ref }): Example => {
      const given = (JSON.parse(readFileSync(sharedPath("specs", folder, $ref), "utf8")) as { parameters: Plain }).parameters;
      const of = (place: string): Record<string, string> =>
        Object.fromEntries(
          parameters
            .filter((one) => one.in === place && given[one.name] !== undefined && one.name !== "api-version")
            .map((one) => [one.name, String(given[one.name])]),
        );
      const body = parameters.find((one) => one.in === "body");
      const value = body === undefined ? undefined : ((given[body.name] ?? given.body) as Plain | undefined);
      const name = $ref.split("/").at(-1)!.replace(".json", "");
      return { name, operation, path: of("path"), query: of("query"), ...(value === undefined ? {} : { body: value }) };
    });
  });
  return { examples, undeclared: [...routes.values()].map(({ operationId }) => operationId) };
};

/** A body of the baseline as a client of another version would send it: what that one lacks is left out, the rest in its words. */
export const respelt = (model: Model, json: Plain, version: Version): Plain => {
  const value: Plain = {};
  for (const [key, field] of Object.entries(model.fields) as [string, Field][]) {
    const given = livesIn(field.options, baseline) ? json[wireName(key, field, baseline)] : undefined;
    // A null is what an example says of a property that it does not set.
    if (given !== undefined && given !== null) value[key] = respeltShape(field.shape, given, version);
  }
  const downs = (model.conversions ?? []).filter(({ until }) => compareVersions(version, until) <= 0);
  for (const { down } of downs.sort((a, b) => compareVersions(b.until, a.until))) down?.(value, version);
  const entries = (Object.entries(model.fields) as [string, Field][]).flatMap(([key, field]): [string, unknown][] =>
    value[key] !== undefined && livesIn(field.options, version) ? [[wireName(key, field, version), value[key]]] : [],
  );
  return Object.fromEntries(entries);
};

const respeltShape = (shape: Shape, json: unknown, version: Version): unknown => {
  if (shape.kind === "object") return respelt(shape.model(), json as Plain, version);
  if (shape.kind === "array") return (json as unknown[]).map((item) => respeltShape(shape.item, item, version));
  return json;
};
