// What would be changed by a template that deploys more than can be counted: refused in time, and the server goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { armRequest } from "../support/arm.ts";
import { startQuern } from "../support/quern.ts";

const schema = { $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", contentVersion: "1.0.0.0" };
const manyTimes = (type: string, apiVersion: string, more: object) => ({
  ...schema,
  resources: [{ type, apiVersion, name: "[concat('x', copyIndex())]", copy: { name: "c", count: 800 }, ...more }],
});
const around = (template: object) =>
  manyTimes("Microsoft.Resources/deployments", "2021-04-01", {
    properties: { mode: "Incremental", expressionEvaluationOptions: { scope: "inner" }, template },
  });

test("deployments within deployments, 800 each", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const identities = manyTimes("Microsoft.ManagedIdentity/userAssignedIdentities", "2023-01-31", { location: "eastus" });
  const path = "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Resources/deployments/d/whatIf";
  const body = { properties: { mode: "Incremental", template: around(around(around(identities))) } };
  const answer = await armRequest(quern, { method: "POST", path, version: "2021-04-01", body });
  assert.deepEqual([answer.status, answer.json.error.code], [400, "InvalidTemplate"], answer.text.slice(0, 300));
  assert.match(answer.json.error.message, /deploys too much/);
});
