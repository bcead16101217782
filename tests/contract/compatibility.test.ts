// The manual's compatibility table is what the declarations say today.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compatibilityPage, pagePath } from "../../tools/compatibility.ts";
import { reachableModels } from "./models.ts";

test("docs/manual/compatibility.md is what tools/compatibility.ts writes", () => {
  const rewrite = "write it again: node_modules/.bin/node tools/compatibility.ts";
  assert.equal(readFileSync(pagePath, "utf8"), compatibilityPage(), rewrite);
});

test("every model and every property is in it", () => {
  const page = compatibilityPage();
  for (const model of reachableModels().values()) {
    const [, section] = page.split(`**${model.name}**`);
    assert.ok(section !== undefined, model.name);
    const text = section.split("\n**")[0]!;
    for (const name of Object.keys(model.fields)) assert.ok(text.includes(`\`${name}\``), `${model.name}.${name}`);
  }
});
