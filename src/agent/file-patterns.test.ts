// Names and patterns, by example and by property.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { expandVariables, nameMatcher, parsePattern } from "./file-patterns.ts";

const names: [pattern: string, matches: string[], not: string[]][] = [
  ["*.txt", ["a.txt", "a.b.txt"], [".txt", ".a.txt", "a.txtx", "txt"]],
  ["std*.txt", ["std.txt", "stdout.txt"], ["xstdout.txt"]],
  ["?.txt", ["a.txt", "ü.txt"], [".txt", "ab.txt"]],
  ["[abc]", ["a", "b"], ["d", "ab"]],
  ["[a-c]1", ["b1"], ["d1", "-1"]],
  ["[!abc]", ["d"], ["a"]],
  ["[]x]", ["]", "x"], ["y"]],
  ["[*]", ["*"], ["a"]],
  ["a[b", ["a[b"], ["ab"]],
  [".*", [".a"], ["a"]],
  ["a+b(c)|d", ["a+b(c)|d"], ["aab(c)"]],
  ["*", ["a", "a b"], [".a"]],
];

for (const [pattern, matches, not] of names) {
  test(`${pattern} matches names`, () => {
    const matcher = nameMatcher(pattern);
    assert.deepEqual(
      matches.filter((name) => !matcher(name)),
      [],
    );
    assert.deepEqual(not.filter(matcher), []);
  });
}

test("no pattern makes the matcher throw, and plain names match only themselves", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (pattern, name) => {
      const matches = nameMatcher(pattern)(name);
      if (!/[*?[]/.test(pattern)) assert.equal(matches, pattern === name);
    }),
  );
});

test("a hostile pattern costs no more than its length", { timeout: 5000 }, () => {
  assert.equal(nameMatcher(`${"*a".repeat(60)}b`)("a".repeat(255)), false);
});

test("the part before the first wildcard is the base", () => {
  const shape = (text: string) => {
    const pattern = parsePattern(text);
    return (
      pattern && { base: pattern.base, wildcard: pattern.wildcard, steps: pattern.steps.map((step) => (step === "**" ? step : "name")) }
    );
  };
  assert.deepEqual(shape("../std*.txt"), { base: "..", wildcard: true, steps: ["name"] });
  assert.deepEqual(shape("..\\std*.txt"), { base: "..", wildcard: true, steps: ["name"] });
  assert.deepEqual(shape("out/**/*.txt"), { base: "out", wildcard: true, steps: ["**", "name"] });
  assert.deepEqual(shape("**"), { base: "", wildcard: true, steps: ["**", "name"] });
  assert.deepEqual(shape("result.txt"), { base: "", wildcard: false, steps: ["name"] });
  assert.deepEqual(shape("/x/y.txt"), { base: "/x", wildcard: false, steps: ["name"] });
  assert.deepEqual(shape("/*.txt"), { base: "/", wildcard: true, steps: ["name"] });
  for (const bad of ["", "a/", ".", "..", "*/../x", "a\0b"]) assert.equal(parsePattern(bad), undefined);
});

test("variables are expanded once, unknown ones stay", () => {
  const environment = { AZ_BATCH_TASK_DIR: "/n/t", X: "$AZ_BATCH_TASK_DIR" };
  assert.equal(expandVariables("$AZ_BATCH_TASK_DIR/*.txt", environment), "/n/t/*.txt");
  assert.equal(expandVariables("%AZ_BATCH_TASK_DIR%/a$X-$Y%Z%", environment), "/n/t/a$AZ_BATCH_TASK_DIR-$Y%Z%");
  assert.equal(expandVariables("$constructor %toString%", environment), "$constructor %toString%");
});
