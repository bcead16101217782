// The manual's compatibility tables are what the declarations say today.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import type { Model } from "../../src/api/fields.ts";
import { managementOperations } from "../../src/api/management/index.ts";
import { providers } from "../../src/api/management/providers.ts";
import { compatibilityPages } from "../../tools/compatibility.ts";
import { modelsOf, reachableModels } from "./models.ts";

const pages = compatibilityPages();

for (const { path, text } of pages) {
  test(`docs/manual/${basename(path)} is what tools/compatibility.ts writes`, () => {
    const rewrite = "write it again: node_modules/.bin/node tools/compatibility.ts";
    assert.equal(readFileSync(path, "utf8"), text, rewrite);
  });
}

const assertIsIn = (page: string, models: Iterable<Model>): void => {
  for (const model of models) {
    const [, section] = page.split(`**${model.name}**`);
    assert.ok(section !== undefined, model.name);
    const text = section.split("\n**")[0]!;
    for (const name of Object.keys(model.fields)) assert.ok(text.includes(`\`${name}\``), `${model.name}.${name}`);
  }
};

test("every model and every property is in them", () => {
  assertIsIn(pages[0]!.text, reachableModels().values());
  for (const { namespace } of providers) {
    const part = pages[1]!.text.split(`\n## ${namespace}\n`)[1]!.split("\n## ")[0]!;
    assertIsIn(part, modelsOf(Object.values(managementOperations).filter(({ provider }) => provider!.namespace === namespace)).values());
  }
});
