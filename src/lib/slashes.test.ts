// Slashes at the ends of paths, few and very many.
import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "./clock.ts";
import { withoutOuterSlashes, withoutTrailingSlashes } from "./slashes.ts";

test("slashes go from the ends and stay within", () => {
  for (const [text, trailing, outer] of [
    ["", "", ""],
    ["///", "", ""],
    ["//a//b//", "//a//b", "a//b"],
    ["a", "a", "a"],
  ] as const) {
    assert.equal(withoutTrailingSlashes(text), trailing);
    assert.equal(withoutOuterSlashes(text), outer);
  }
});

test("a million slashes take no longer than their number", () => {
  const clock = systemClock();
  const text = `a${"/".repeat(1_000_000)}x`;
  const begun = clock.elapsed();
  assert.equal(withoutOuterSlashes(text), text);
  assert.ok(clock.elapsed() - begun < 1000);
});
