// Names of resource groups.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkGroupName } from "./resource-groups.ts";

test("names that a resource group may and may not have", () => {
  for (const name of ["a", "My-group_(1).x", "größe", "資源", "n".repeat(90)]) assert.equal(checkGroupName(name), name);
  for (const name of ["a b", "a/b", "a$", "a.", "n".repeat(91), "🍦"])
    assert.throws(() => checkGroupName(name), { code: "InvalidResourceGroup", status: 400 }, name);
  assert.throws(() => checkGroupName("a b?"), /'a b\?' has these invalid characters: ' \?'\. The name can only be a letter, digit/);
});
