// The table of codes and the error that carries one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bug } from "../lib/bug.ts";
import { batchOperations } from "./batch/index.ts";
import { ApiError, type BatchErrorCode, batchErrors, invalidProperty, invalidQuery } from "./errors.ts";

test("an error has the status, the text and the values of its code", () => {
  const error = new ApiError("PoolNotFound");
  assert.deepEqual([error.status, error.message, error.values], [404, "The specified pool does not exist.", []]);
  assert.equal(new ApiError("ConditionNotMet", [], undefined, 304).status, 304);
  assert.equal(new ApiError("ConditionNotMet").status, 412);
  assert.deepEqual(invalidQuery("maxresults", "-5", "MaxResults cannot be less than 1").values, [
    { key: "QueryParameterName", value: "maxresults" },
    { key: "QueryParameterValue", value: "-5" },
    { key: "Reason", value: "MaxResults cannot be less than 1" },
  ]);
});

test("a value that may be secret is left out of the refusal", () => {
  assert.deepEqual(
    invalidProperty("password", "too short").values.map(({ key }) => key),
    ["PropertyName", "Reason"],
  );
});

test("a code that does not exist is our mistake", () => {
  assert.throws(() => new ApiError("NoSuchCode" as BatchErrorCode), Bug);
});

test("every code has a status of an error and a text of its own", () => {
  const texts = Object.values(batchErrors).map(([, text]) => text);
  assert.equal(new Set(texts).size, texts.length);
  for (const [code, [status]] of Object.entries(batchErrors)) assert.ok(status >= 400 && status < 600, code);
});

test("operations name only codes that exist, each once", () => {
  for (const { id, errors } of Object.values(batchOperations)) {
    for (const code of errors) assert.ok(code in batchErrors, `${id}: ${code}`);
    assert.equal(new Set(errors).size, errors.length, id);
  }
});
