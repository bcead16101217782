// JSON as templates are written: what is taken beyond JSON, and that nothing else is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLaxJson } from "./lax-json.ts";

const takes: [string, unknown][] = [
  ['{"a": [1, -2.5e3, true, null, "x\\n\\u0041"]}', { a: [1, -2500, true, null, "x\nA"] }],
  ["{ a: 1, $b_2: 2, }", { a: 1, $b_2: 2 }],
  ["{ // one\n /* two\n */ 'a': 'it\\'s \"so\"', }", { a: 'it\'s "so"' }],
  ['{"a": "over\nlines\tand // no comment"}', { a: "over\nlines\tand // no comment" }],
  ["[1, 2, ]", [1, 2]],
  ['"\\\\"', "\\"],
  ["\ufeff{}", {}],
];
for (const [text, expected] of takes) test(`takes ${JSON.stringify(text)}`, () => assert.deepEqual(parseLaxJson(text), expected));

test("__proto__ is a name", () => assert.deepEqual(Object.keys(parseLaxJson('{__proto__: {"a": 1}}') as object), ["__proto__"]));

const refuses = [
  "",
  "{",
  "[1",
  '{"a"}',
  "{a 1}",
  "[1 2]",
  "{} {}",
  '"open',
  "truer",
  "01x",
  "/* open",
  '"\\x"',
  "[,]",
  "[".repeat(100_000),
  "{a:".repeat(100_000),
];
for (const text of refuses)
  test(`refuses ${JSON.stringify(text.slice(0, 20))}`, () =>
    assert.throws(
      () => parseLaxJson(text),
      (error: { code?: string }) => error.code === "InvalidRequestBody",
    ));

test("a body without end takes no time without end", () => {
  const began = process.hrtime.bigint();
  for (const part of ["/*", "//", "\\", "'", '"\\', "/", " ", "//\n", "/**/"])
    assert.throws(
      () => parseLaxJson(`{a:${part.repeat(Math.floor(4_000_000 / part.length))}`),
      (error: { code?: string }) => error.code === "InvalidRequestBody",
    );
  assert.ok(process.hrtime.bigint() - began < 4_000_000_000n);
});
