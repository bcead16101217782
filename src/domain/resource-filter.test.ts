// Resource Manager's $filter: what it finds, and what it refuses.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Filtered, parseResourceFilter } from "./resource-filter.ts";

const resources: Filtered[] = [
  { name: "one", type: "Microsoft.Batch/batchAccounts", resourceGroup: "Group", location: "eastus", tags: { Team: "blue", x: "" } },
  { name: "two", type: "Microsoft.Storage/storageAccounts", resourceGroup: "other", location: "westus2", tags: { team: "red" } },
  {
    name: "it's",
    type: "Microsoft.Batch/batchAccounts",
    resourceGroup: "other",
    location: "eastus",
    tags: {},
    identityType: "SystemAssigned",
  },
];

test("what a filter finds", () => {
  const rows: [filter: string | undefined, names: string[]][] = [
    [undefined, ["one", "two", "it's"]],
    [" ", ["one", "two", "it's"]],
    ["resourceType eq 'microsoft.batch/BATCHaccounts'", ["one", "it's"]],
    ["resourcetype ne 'Microsoft.Batch/batchAccounts'", ["two"]],
    ["name eq 'it''s'", ["it's"]],
    ["resourceGroup eq 'OTHER' and resourceType eq 'Microsoft.Batch/batchAccounts'", ["it's"]],
    ["location eq 'West US 2'", ["two"]],
    ["substringof('w', name)", ["two"]],
    ["substringof('batch',resourceType) and substringof('on', name)", ["one"]],
    ["name eq 'one' or name eq 'two' and location eq 'eastus'", ["one"]],
    ["identity eq 'SystemAssigned'", ["it's"]],
    ["tagName eq 'TEAM'", ["one", "two"]],
    ["tagname eq 'team' and tagvalue eq 'red'", ["two"]],
    ["tagName eq 'team' and tagValue eq 'RED'", []],
    ["tagName eq 'x' and tagValue eq ''", ["one"]],
    ["startswith(tagName, 'te')", ["one", "two"]],
  ];
  for (const [filter, names] of rows) {
    const passes = parseResourceFilter(filter) ?? (() => true);
    assert.deepEqual(
      resources.filter((one) => passes(one)).map(({ name }) => name),
      names,
      filter,
    );
  }
});

test("what is no filter", () => {
  const wrong = [
    "name",
    "name eq one",
    "name gt 'a'",
    "plan eq 'x'",
    "constructor eq 'x'",
    "(name eq 'one')",
    "name eq 'one' and",
    "name eq 'one' name eq 'two'",
    "tagValue eq 'blue'",
    "tagName ne 'team'",
    "tagName eq 'a' and tagName eq 'b'",
    "tagName eq 'a' or tagName eq 'b'",
    "resourceType eq 'x' and tagName eq 'a' and tagValue eq 'b'",
    "startswith(name, 'o')",
    "startswith(tagName, 'o') and tagValue eq 'b'",
    "substringof('a', tagName)",
    `name eq '${"x".repeat(5_000)}'`,
    Array.from({ length: 65 }, () => "name eq 'a'").join(" or "),
  ];
  for (const filter of wrong)
    assert.throws(() => parseResourceFilter(filter), { code: "InvalidFilterInQueryString", status: 400 }, filter.slice(0, 60));
  assert.throws(
    () => parseResourceFilter("name eq 'a'", "tags"),
    /^ApiError: Invalid \$filter 'name eq 'a'' specified in the query string\.$/,
  );
  assert.ok(parseResourceFilter("tagName eq 'a' and tagValue eq 'b'", "tags"));
});
