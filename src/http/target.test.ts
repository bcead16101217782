// The target of a request, taken apart.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../api/errors.ts";
import { parseTarget } from "./target.ts";

test("pairs are decoded in the order sent, and more than any client sends are refused", () => {
  assert.deepEqual(parseTarget("/p?a=1&&b&a=%20+x").query, [
    ["a", "1"],
    ["b", ""],
    ["a", "  x"],
  ]);
  const path = (count: number): string => `/p?${Array.from({ length: count }, (_, n) => `n${n}=1`).join("&")}`;
  assert.equal(parseTarget(path(100)).query.length, 100);
  assert.throws(
    () => parseTarget(path(101)),
    (error) => error instanceof ApiError && error.code === "InvalidUri" && error.status === 400,
  );
});
