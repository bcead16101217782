// Every example of the official documents, and every exchange that was recorded from the real service, through our reading and writing:
// requests are accepted with nothing lost, answers come out as they went in and are what the declarations promise.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { batchOperations } from "../../src/api/batch/index.ts";
import type { Field, Model, Plain, Shape } from "../../src/api/fields.ts";
import type { OperationDeclaration } from "../../src/api/operation.ts";
import { baseline, type Version } from "../../src/api/versions.ts";
import { checkAnswer } from "../../src/http/answer-check.ts";
import { normaliseDuration } from "../../src/lib/duration.ts";
import { parseBody, wireName } from "../../src/wire/parse.ts";
import { render } from "../../src/wire/render.ts";
import { normaliseTime } from "../../src/wire/values.ts";
import { sharedPath } from "../support/shared.ts";
import { type Document, operationsOf, routeOf } from "./openapi.ts";

type Exchange = { label: string; operation: OperationDeclaration; version: Version; request?: unknown; answer?: Plain };

const ours = Object.values(batchOperations) as readonly OperationDeclaration[];

const examples = (): Exchange[] => {
  const document = JSON.parse(readFileSync(sharedPath("specs", "batch-data-plane", "BatchService.json"), "utf8")) as Document;
  const documented = operationsOf(document);
  return ours.flatMap((operation) => {
    const theirs = documented.get(routeOf(operation.method, operation.path));
    // What only older versions have.
    if (theirs === undefined) return [];
    const bodyName = theirs.parameters.find((one) => one.in === "body")?.name;
    const named = (theirs as unknown as { "x-ms-examples": Record<string, { $ref: string }> })["x-ms-examples"];
    return Object.values(named).map(({ $ref }): Exchange => {
      const example = JSON.parse(readFileSync(sharedPath("specs", "batch-data-plane", $ref), "utf8")) as {
        parameters: Plain;
        responses: Record<string, { body?: Plain }>;
      };
      const answer = example.responses[operation.answer.status]?.body;
      return {
        label: $ref,
        operation,
        version: baseline,
        ...(bodyName === undefined ? {} : { request: example.parameters[bodyName] }),
        ...(answer === undefined ? {} : { answer }),
      };
    });
  });
};

type Recorded = {
  n: number;
  plane: string;
  op: string;
  query: Record<string, string>;
  status: number;
  requestBody?: unknown;
  responseBody?: Plain;
};

const recordings = (): Exchange[] =>
  readdirSync(sharedPath("recordings", "scenarios")).flatMap((file) => {
    const { exchanges } = JSON.parse(readFileSync(sharedPath("recordings", "scenarios", file), "utf8")) as { exchanges: Recorded[] };
    return exchanges.flatMap(({ n, plane, op, query, status, requestBody, responseBody }): Exchange[] => {
      const operation = ours.find(({ id }) => id === op);
      if (plane !== "batch" || operation === undefined || status !== operation.answer.status) return [];
      const body =
        typeof responseBody === "object" && responseBody !== null && operation.answer.file !== true ? { answer: responseBody } : {};
      return [
        {
          label: `${file}#${n}`,
          operation,
          version: query["api-version"] as Version,
          ...(requestBody === undefined ? {} : { request: requestBody }),
          ...body,
        },
      ];
    });
  });

/** What of a sent value is not in what was read, and not because it is said in other words there. */
const lost = (model: Model, sent: Plain, read: Plain, version: Version, where: string): string[] =>
  (Object.entries(model.fields) as [string, Field][]).flatMap(([key, field]) => {
    const name = wireName(key, field, version);
    const [given, got] = [sent[name], read[key]];
    if (given === undefined || given === null || field.options.readOnly === true) return [];
    return got === undefined ? [`${where}.${name}`] : lostOfShape(field.shape, given, got, version, `${where}.${name}`);
  });

const lostOfShape = (shape: Shape, given: unknown, got: unknown, version: Version, where: string): string[] => {
  if (shape.kind === "object") return lost(shape.model(), given as Plain, got as Plain, version, where);
  if (shape.kind === "array") {
    const [before, after] = [given as unknown[], got as unknown[]];
    if (before.length !== after.length) return [`${where}: ${before.length} became ${after.length}`];
    return before.flatMap((one, index) => lostOfShape(shape.item, one, after[index], version, `${where}[${index}]`));
  }
  const same = canonical(shape, given) === canonical(shape, got);
  return same ? [] : [`${where}: ${JSON.stringify(given)} became ${JSON.stringify(got)}`];
};

const canonical = (shape: Shape, value: unknown): unknown => {
  if (shape.kind === "duration") return normaliseDuration(value as string);
  if (shape.kind === "dateTime") return normaliseTime(value as string);
  if (shape.kind === "enum" || (shape.kind === "string" && shape.lowerCase)) return (value as string).toLowerCase();
  return JSON.stringify(value);
};

/** Without annotations, without what is secret by declaration. */
const bare = (json: Plain): Plain => Object.fromEntries(Object.entries(json).filter(([name]) => !name.startsWith("odata.")));

/** The examples of the documents spell enums as their schemas do, which is not always what the service sends. */
const folded = (json: Plain): Plain =>
  JSON.parse(JSON.stringify(json), (_, value) => (typeof value === "string" ? value.toLowerCase() : value)) as Plain;

/** The examples have it as a number, the service was always seen to send a text. */
const asSent = (json: Plain): Plain =>
  JSON.parse(JSON.stringify(json), (key, value) => (key === "contentLength" && typeof value === "number" ? String(value) : value)) as Plain;

const values = ({ operation, answer }: Exchange): { model: Model; value: Plain }[] => {
  const { body, item } = operation.answer;
  if (answer === undefined) return [];
  if (item !== undefined) return (answer.value as Plain[]).map((value) => ({ model: item, value }));
  return body === undefined ? [] : [{ model: body, value: answer }];
};

for (const [name, exchanges, least, spelling] of [
  ["examples", examples(), 60, folded],
  ["recordings", recordings(), 60, (json: Plain) => json],
] as const) {
  test(`${name}: every request is read with nothing lost`, () => {
    let read = 0;
    for (const { label, operation, version, request } of exchanges) {
      if (request === undefined || request === null || operation.body === undefined) continue;
      const value = parseBody(operation.body, request, version) as Plain;
      assert.deepEqual(lost(operation.body, request as Plain, value, version, operation.body.name), [], label);
      read++;
    }
    assert.ok(read >= 15, `${read} requests`);
  });

  test(`${name}: every answer is written as it is and as declared`, () => {
    assert.ok(exchanges.length >= least, `${exchanges.length} exchanges`);
    let written = 0;
    for (const exchange of exchanges) {
      for (const { model, value } of values(exchange)) {
        const before = asSent(bare(value));
        const after = render(model, before, exchange.version);
        assert.deepEqual(spelling(after), spelling(before), exchange.label);
        written++;
      }
      if (exchange.answer !== undefined)
        assert.deepEqual(checkAnswer(exchange.operation, exchange.version, asSent(exchange.answer)), [], exchange.label);
    }
    assert.ok(written >= 20, `${written} values`);
  });
}
