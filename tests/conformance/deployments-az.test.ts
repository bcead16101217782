// The unmodified Azure CLI deploys templates: `az deployment group` and `az deployment sub` with files as `bicep build` writes them.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isCalledBy } from "../support/coverage.ts";
import { startQuern } from "../support/quern.ts";
import { az as azure, missing } from "../support/require.ts";
import { listed, symbolic, template, values } from "../support/templates.ts";
import { azWith } from "./az-cli.ts";

test("az deployment group and sub", { skip: missing(azure), timeout: 300_000 }, async (t) => {
  const quern = await startQuern(t);
  isCalledBy(quern, "az 2.45");
  const { az, directory } = await azWith(t, quern);
  const { armUrl, clientId, clientSecret, tenantId, resourceGroup } = quern.ready;
  const file = async (name: string, content: object): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, JSON.stringify(content));
    return path;
  };
  await az("cloud", "register", "--name", "Quern", "--endpoint-resource-manager", armUrl, "--suffix-storage-endpoint", "localhost:1");
  await az("cloud", "set", "--name", "Quern");
  await az("login", "--service-principal", "-u", clientId, "-p", clientSecret, "--tenant", tenantId);

  const main = await file("main.json", listed);
  const parameters = await file("parameters.json", {
    $schema: "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
    contentVersion: "1.0.0.0",
    parameters: values({ prefix: "azure" }),
  });
  const of = ["--resource-group", resourceGroup, "--name", "main"];
  const sent = ["--template-file", main, "--parameters", `@${parameters}`, "--parameters", "note=a-secret-note"];
  const valid = await az("deployment", "group", "validate", ...of, ...sent);
  assert.deepEqual([valid.error, valid.properties.provisioningState], [null, "Succeeded"]);
  const before = await az("deployment", "group", "what-if", ...of, ...sent, "--no-pretty-print");
  assert.deepEqual(
    before.changes
      .map((one: any) => one.changeType)
      .filter((one: string) => one !== "Ignore")
      .sort(),
    ["Create", "Create", "Create", "Create", "Create", "Create"],
  );
  const made = await az("deployment", "group", "create", ...of, ...sent);
  assert.deepEqual([made.name, made.properties.provisioningState], ["main", "Succeeded"]);
  assert.ok(!JSON.stringify(made).includes("a-secret-note"));
  const { endpoint, pools, key } = made.properties.outputs;
  assert.match(endpoint.value, /^azurebatch\./);
  assert.deepEqual([pools.value.length, key.value ?? null], [2, null]);
  assert.equal((await az("batch", "account", "show", "-g", resourceGroup, "-n", "azurebatch")).accountEndpoint, endpoint.value);

  const again = await file("symbolic.json", symbolic);
  const once = await az(
    "deployment",
    "group",
    "create",
    "-g",
    resourceGroup,
    "-n",
    "second",
    "--template-file",
    again,
    "--parameters",
    "prefix=azure",
  );
  assert.equal(once.properties.outputs.endpoint.value, endpoint.value);
  const shown = await az("deployment", "group", "show", ...of);
  assert.deepEqual(shown.properties.outputs, made.properties.outputs);
  assert.deepEqual((await az("deployment", "group", "list", "-g", resourceGroup)).map(({ name }: any) => name).sort(), [
    "main",
    "pools",
    "second",
  ]);
  assert.equal((await az("deployment", "operation", "group", "list", ...of)).length, 5);
  assert.deepEqual((await az("deployment", "group", "export", ...of)).resources.length, (listed.resources as unknown[]).length);
  await az("deployment", "group", "delete", "-g", resourceGroup, "-n", "second");
  await assert.rejects(az("deployment", "group", "show", "-g", resourceGroup, "-n", "second"), /DeploymentNotFound/);

  const bad = await file(
    "bad.json",
    template({ resources: [{ type: "Microsoft.Batch/batchAccounts", apiVersion: "2024-07-01", name: "Wrong Name", location: "eastus" }] }),
  );
  await assert.rejects(az("deployment", "group", "create", "-g", resourceGroup, "-n", "bad", "--template-file", bad), /DeploymentFailed/);
  const wrong = await file("wrong.json", template({ parameters: { p: { type: "string" } } }));
  await assert.rejects(
    az("deployment", "group", "create", "-g", resourceGroup, "-n", "bad", "--template-file", wrong, "--parameters", "p=1", "q=2"),
    /./,
  );
  await assert.rejects(az("deployment", "group", "cancel", ...of), /DeploymentCannotBeCancelled/);

  const sub = await file("sub.json", {
    $schema: "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
    contentVersion: "1.0.0.0",
    parameters: { group: { type: "string" } },
    resources: [
      {
        type: "Microsoft.Resources/resourceGroups",
        apiVersion: "2022-09-01",
        name: "[parameters('group')]",
        location: "[deployment().location]",
      },
    ],
    outputs: { id: { type: "string", value: "[subscriptionResourceId('Microsoft.Resources/resourceGroups', parameters('group'))]" } },
  });
  const inSub = await az(
    "deployment",
    "sub",
    "create",
    "--location",
    "westeurope",
    "-n",
    "groups",
    "--template-file",
    sub,
    "--parameters",
    "group=bysub",
  );
  assert.equal((await az("group", "show", "--name", "bysub")).id, inSub.properties.outputs.id.value);
  assert.equal((await az("deployment", "sub", "list")).length, 1);
});
