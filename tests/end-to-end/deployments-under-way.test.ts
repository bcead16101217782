// Deployments on a real server that are still going on: a server that is killed meanwhile, and what is cancelled.
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { armRequest } from "../support/arm.ts";
import { ask, at, begin, ended, identity, one, version } from "../support/deployments.ts";
import { newLocation, startQuern, until } from "../support/quern.ts";
import { template, values } from "../support/templates.ts";

/** Waits for another that waits for it: as long as there is a circle, neither is done. */
const slow = (names: readonly string[]) =>
  template({ resources: names.map((name, index) => identity(name, index === 0 ? {} : { dependsOn: [names[index - 1]] })) });

test("kill -9 in the middle: the next start goes on", async (t) => {
  const location = await newLocation(t);
  const quern = await startQuern(t, { location, args: ["--storage", "none"] });
  const names = Array.from({ length: 300 }, (_, index) => `id-${index}`);
  const inner = {
    type: "Microsoft.Resources/deployments",
    apiVersion: version,
    name: "inner",
    properties: { mode: "Incremental", expressionEvaluationOptions: { scope: "inner" }, template: slow(names) },
  };
  const of = template({
    parameters: { secret: { type: "secureString" } },
    resources: [inner, identity("last", { dependsOn: ["inner"], tags: { length: "[string(length(parameters('secret')))]" } })],
  });
  assert.equal((await begin(quern, at("outer"), { template: of, parameters: values({ secret: "four" }) })).status, 201);
  await until(
    () => ask(quern, `${at("inner")}/operations`),
    ({ json }) => (json?.value?.length ?? 0) > 20,
  );
  const cut = await ask(quern, at("outer"));
  assert.equal(cut.json.properties.provisioningState, "Running");
  const twice = await begin(quern, at("outer"), { template: of, parameters: values({ secret: "four" }) });
  assert.deepEqual([twice.status, twice.json.error.code], [409, "DeploymentActive"]);
  assert.equal((await ask(quern, at("outer"), "DELETE")).json.error.code, "DeploymentActive");
  await quern.kill();
  const next = await startQuern(t, { location, args: ["--storage", "none"] });
  assert.ok((await ask(next, `${at("inner")}/operations?$top=1000`)).json.value.length < 300, "it was in the middle");
  const { properties } = await ended(next, at("outer"));
  assert.equal(properties.provisioningState, "Succeeded", JSON.stringify(properties.error));
  assert.equal((await ask(next, `${at("inner")}/operations?$top=1000`)).json.value.length, 300);
  const last = await armRequest(next, {
    method: "GET",
    path: "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/last",
    version: "2023-01-31",
  });
  assert.deepEqual(last.json.tags, { length: "4" });
  await next.stop();
  const database = new DatabaseSync(join(location, "quern.db"), { readOnly: true });
  assert.deepEqual(
    database
      .prepare("SELECT name, secrets FROM deployments ORDER BY name")
      .all()
      .map((row) => ({ ...row })),
    [
      { name: "inner", secrets: null },
      { name: "outer", secrets: null },
    ],
    "what was secret is forgotten",
  );
  database.close();
});

test("a deployment that is cancelled goes no further", async (t) => {
  const quern = await one(t);
  const names = Array.from({ length: 300 }, (_, index) => `id-${index}`);
  const properties = { mode: "Incremental", expressionEvaluationOptions: { scope: "inner" }, template: slow(names) };
  const module = { type: "Microsoft.Resources/deployments", apiVersion: version, name: "within", properties };
  await begin(quern, at("long"), { template: template({ resources: [module] }) });
  await until(
    () => ask(quern, at("within")),
    ({ status }) => status === 200,
  );
  assert.equal((await ask(quern, `${at("long")}/cancel`, "POST")).status, 204);
  assert.equal((await ended(quern, at("long"))).properties.provisioningState, "Canceled");
  assert.equal((await ask(quern, `${at("long")}/cancel`, "POST")).json.error.code, "DeploymentCannotBeCancelled");
  assert.equal((await ended(quern, at("within"))).properties.provisioningState, "Canceled");
  assert.ok((await ask(quern, `${at("within")}/operations?$top=1000`)).json.value.length < 300);
});
