// Which tags are refused, and the three ways of patching them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkTags, patchTags, tagValue } from "./tags.ts";

const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`tag${index}`, "x"]));

test("tags that Resource Manager refuses", () => {
  const rows: [Record<string, string>, string | undefined][] = [
    [many(50), undefined],
    [many(51), "TooManyTags"],
    [{ "a/b": "x" }, "InvalidTagNameCharacters"],
    [{ "a\nb": "x" }, "InvalidTagNameCharacters"],
    [{ "": "x" }, "InvalidTagNameCharacters"],
    [{ "größe ♡ =": "/?<>" }, undefined],
    [{ a: "x", A: "y" }, "InvalidTagName"],
    [{ ["n".repeat(512)]: "v".repeat(256) }, undefined],
    [{ ["n".repeat(513)]: "v" }, "TagTooLong"],
    [{ n: "v".repeat(257) }, "TagTooLong"],
  ];
  for (const [tags, code] of rows) {
    if (code === undefined) assert.equal(checkTags(tags), tags);
    else assert.throws(() => checkTags(tags), { code }, JSON.stringify(tags).slice(0, 60));
  }
});

test("merge, replace, delete", () => {
  const tags = { Team: "blue", cost: "7" };
  assert.deepEqual(patchTags(tags, "Merge", { team: "red", x: "y" }), { cost: "7", team: "red", x: "y" });
  assert.deepEqual(patchTags(tags, "Replace", { x: "y" }), { x: "y" });
  assert.deepEqual(patchTags(tags, "Delete", { TEAM: "blue", cost: "8" }), { cost: "7" });
  assert.equal(tagValue(tags, "TEAM"), "blue");
});
