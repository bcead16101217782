// Every constraint that a declaration makes of a body or a query: a request with one wrong thing gets its status, its code, and is told which
// property it was. Through the real front door; nothing that was refused may have left anything behind.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Field, Plain } from "../../src/api/fields.ts";
import { livesIn } from "../../src/api/versions.ts";
import type { Answer } from "../support/signed.ts";
import { brokenBodies } from "./broken-values.ts";
import { validRequests } from "./exact-requests.ts";
import { anExactWorld, declarationOf, type ExactWorld, operationIds, versionOf } from "./exact-world.ts";

const shownAs = ({ json }: Answer, key: string): string | undefined =>
  json?.values?.find((each: { key: string }) => each.key === key)?.value;

/** How an answer differs from what a row wants; undefined where it does not. */
const difference = (answer: Answer, wanted: { code: string; property: string; value?: string }): string | undefined => {
  const { status, json } = answer;
  if (status !== 400 || json?.code !== wanted.code)
    return `${status} ${json?.code} instead of ${wanted.code}: ${answer.text.slice(0, 300)}`;
  if (wanted.code === "InvalidRequestBody")
    return shownAs(answer, "Reason")?.includes(`'${wanted.property}'`) ? undefined : `does not name ${wanted.property}: ${answer.text}`;
  if (shownAs(answer, "PropertyName") !== wanted.property) return `names ${shownAs(answer, "PropertyName")}, not ${wanted.property}`;
  if (wanted.code === "MissingRequiredProperty") return undefined;
  if (shownAs(answer, "Reason") === undefined) return "gives no reason";
  const shown = shownAs(answer, "PropertyValue");
  if (wanted.value === undefined || shown === undefined) return undefined;
  return wanted.value.startsWith(shown.replace(/\.\.\.$/, "")) ? undefined : `shows ${shown} for ${wanted.value}`;
};

const everything = async ({ send }: ExactWorld): Promise<unknown[]> =>
  Promise.all(
    ["/pools", "/jobs", "/jobschedules", "/jobs/j/tasks", "/pools/p/nodes", "/certificates"].map(
      async (path) => (await send({ method: "GET", path })).json.value,
    ),
  );

test("bodies", { timeout: 300_000 }, async (t) => {
  const world = await anExactWorld(t);
  const before = await everything(world);
  let rows = 0;
  for (const id of operationIds) {
    const { body: model } = declarationOf(id);
    if (model === undefined) continue;
    await t.test(id, async () => {
      const broken = brokenBodies(model, (validRequests[id]!.body ?? {}) as Plain, versionOf(id));
      const found: string[] = [];
      for (const row of broken) {
        const answer = await world.ask(id, { body: row.body });
        const wrong = difference(answer, row);
        if (wrong !== undefined) found.push(`${row.what}: ${wrong}`);
      }
      assert.deepEqual(found, []);
      rows += broken.length;
    });
  }
  assert.ok(rows > 1000, `${rows} rows`);
  assert.deepEqual(await everything(world), before);
});

const badQueries = ({ shape }: Field): string[] => {
  switch (shape.kind) {
    case "int32":
      return [
        "x",
        "1.5",
        "",
        ...(shape.min === undefined ? [] : [String(shape.min - 1)]),
        ...(shape.max === undefined ? [] : [String(shape.max + 1)]),
      ].filter(Boolean);
    case "boolean":
      return ["yes", "2"];
    case "dateTime":
      return ["yesterday", "2026-02-30"];
    default:
      return ["x".repeat(5000)];
  }
};

test("queries", { timeout: 60_000 }, async (t) => {
  const world = await anExactWorld(t);
  for (const id of operationIds) {
    await t.test(id, async () => {
      const { query } = declarationOf(id);
      const declared = (Object.entries(query.fields) as [string, Field][]).filter(([, field]) => livesIn(field.options, versionOf(id)));
      const bad = [
        ...declared.flatMap(([name, field]) => badQueries(field).map((value): [string, string] => [name, value])),
        ["timeout", "x"],
        ["timeOut", "0"],
      ] as [string, string][];
      for (const [name, value] of bad) {
        const answer = await world.ask(id, { path: `${validRequests[id]!.path}?${name}=${value}` });
        assert.equal(answer.status, 400, `${name}=${value.slice(0, 20)}`);
        if (answer.json === undefined) continue; // HEAD
        assert.equal(answer.json.code, "InvalidQueryParameterValue", answer.text);
        assert.equal(shownAs(answer, "QueryParameterName")?.toLowerCase(), name.toLowerCase());
        assert.ok(value.startsWith(shownAs(answer, "QueryParameterValue")!));
        assert.notEqual(shownAs(answer, "Reason"), undefined);
      }
    });
  }
});

test("bodies that are no bodies", { timeout: 60_000 }, async (t) => {
  const world = await anExactWorld(t);
  for (const id of operationIds) {
    const { body, bodyOptional, method } = declarationOf(id);
    if (body === undefined) continue;
    await t.test(`${method} ${id}`, async () => {
      const json = "application/json; odata=minimalmetadata";
      const rows: [what: string, body: string, headers: Record<string, string>, code: string][] = [
        ["broken JSON", '{"id":', {}, "InvalidRequestBody"],
        ["a list", "[]", {}, "InvalidRequestBody"],
        ["null", "null", {}, "InvalidRequestBody"],
        ["a text", '"x"', {}, "InvalidRequestBody"],
        ["XML", "<a/>", { "content-type": "application/xml" }, "InvalidHeaderValue"],
        ["no type", "{}", { "content-type": "text/plain" }, "InvalidHeaderValue"],
        ["another charset", "{}", { "content-type": `${json}; charset=utf-16` }, "InvalidHeaderValue"],
        ["compressed", "{}", { "content-encoding": "gzip" }, "InvalidHeaderValue"],
      ];
      if (!bodyOptional) rows.push(["nothing", "", {}, "InvalidRequestBody"]);
      for (const [what, text, headers, code] of rows) {
        const { status, json: error } = await world.ask(id, { body: text, headers });
        assert.deepEqual([what, status, error?.code], [what, 400, code]);
        if (code === "InvalidHeaderValue") assert.equal(error.values[0].value, what === "compressed" ? "Content-Encoding" : "Content-Type");
      }
    });
  }
});
