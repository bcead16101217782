// Deployments that would be shown as more than a server can send: many dependencies, values that double. A list of them is answered all the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { armRequest } from "../support/arm.ts";
import { type Quern, startQuern, until } from "../support/quern.ts";
import type { Answer } from "../support/signed.ts";

const version = "2022-09-01";
const deployments = "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Resources/deployments";
const schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

const put = (quern: Quern, name: string, template: object): Promise<Answer> => {
  const body = {
    properties: { mode: "Incremental", template: { $schema: schema, contentVersion: "1.0.0.0", resources: [], ...template } },
  };
  return armRequest(quern, { method: "PUT", path: `${deployments}/${name}`, version, body });
};

/** Each twice as long as the one before: a text of 16 MiB out of a few lines. */
const doubling = (what: "variables" | "parameters"): [name: string, value: string][] => [
  ["v0", "x".repeat(2 ** 16)],
  ...Array.from({ length: 8 }, (_, n): [string, string] => [`v${n + 1}`, `[concat(${what}('v${n}'), ${what}('v${n}'))]`]),
];
const variables = Object.fromEntries(doubling("variables"));
const parameters = Object.fromEntries(doubling("parameters").map(([name, defaultValue]) => [name, { type: "string", defaultValue }]));

test("what a deployment shows of itself has a limit, and so has a list", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const resources = Array.from({ length: 800 }, (_, n) => ({
    type: "Microsoft.ManagedIdentity/userAssignedIdentities",
    apiVersion: "2023-01-31",
    name: `i${n}`,
    location: "eastus",
    dependsOn: Array.from({ length: n }, (_, before) => `i${before}`),
  }));
  for (const template of [{ resources }, { parameters }]) {
    const refused = await put(quern, "refused", template);
    assert.deepEqual([refused.status, refused.json.error.code], [400, "InvalidTemplate"], refused.text.slice(0, 300));
    assert.match(refused.json.error.message, /too large/);
  }

  const begun = await put(quern, "output", { variables, outputs: { o: { type: "string", value: "[variables('v8')]" } } });
  assert.equal(begun.status, 201, begun.text);
  const { json } = await until(
    () => armRequest(quern, { method: "GET", path: `${deployments}/output`, version }),
    (answer) => /^(Succeeded|Failed)$/.test(answer.json.properties.provisioningState),
  );
  assert.deepEqual([json.properties.provisioningState, json.properties.error?.code], ["Failed", "DeploymentOutputEvaluationFailed"]);

  for (let n = 0; n < 30; n++) assert.equal((await put(quern, `small${n}`, {})).status, 201);
  const names = new Set<string>();
  for (let path: string | undefined = deployments; path !== undefined; ) {
    const page: Answer = await armRequest(quern, { method: "GET", path, version });
    assert.ok(page.json.value.length <= 25);
    for (const { name } of page.json.value) names.add(name);
    path = page.json.nextLink;
  }
  assert.equal(names.size, 31);
});
