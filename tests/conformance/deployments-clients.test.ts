// Templates deployed by the unmodified Python azure-mgmt-resource, and by npm @azure/arm-resources, whose client of this version has no operations of
// deployments: there they are resources like others, by id.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ResourceManagementClient } from "@azure/arm-resources";
import { ClientSecretCredential } from "@azure/identity";
import { startQuern } from "../support/quern.ts";
import { missing, python } from "../support/require.ts";
import { listed, symbolic, values } from "../support/templates.ts";
import { trust } from "./arm-program.ts";

test("Python azure-mgmt-resource", { skip: missing(python), timeout: 180_000 }, async (t) => {
  const quern = await startQuern(t);
  const { armUrl, clientId, clientSecret, subscriptionId, resourceGroup, caFile } = quern.ready;
  const file = join(quern.location, "template.json");
  await writeFile(file, JSON.stringify(listed));
  const { stdout } = await promisify(execFile)(
    "/usr/bin/python3",
    [join(import.meta.dirname, "python/deployments_client.py"), armUrl, clientId, clientSecret, subscriptionId, resourceGroup, file],
    { env: { PATH: "/usr/bin:/bin", REQUESTS_CA_BUNDLE: caFile } },
  ).catch((error) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  t.diagnostic(stdout.trim().replaceAll("\n", ", "));
  assert.match(stdout, /all good\n$/);
});

test("@azure/arm-resources 7", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t);
  trust(quern);
  const { armUrl, tenantId, clientId, clientSecret, subscriptionId, resourceGroup } = quern.ready;
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost: armUrl,
    disableInstanceDiscovery: true,
  });
  const { resources } = new ResourceManagementClient(credential, subscriptionId, { endpoint: armUrl });
  const id = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Resources/deployments/npm`;
  const properties = { mode: "Incremental", template: symbolic, parameters: values({ prefix: "npmdep" }) };
  const made = await resources.beginCreateOrUpdateByIdAndWait(id, "2022-09-01", { properties }, { updateIntervalInMs: 100 });
  const { provisioningState, outputs } = made.properties as { provisioningState: string; outputs: Record<string, { value: string }> };
  assert.equal(provisioningState, "Succeeded");
  assert.match(outputs.endpoint!.value, /^npmdepbatch\./);
  assert.equal((await resources.checkExistenceById(id, "2022-09-01")).body, true);
  const wrong = { properties: { ...properties, parameters: values({ prefix: "Npm" }) } };
  await assert.rejects(
    resources.beginCreateOrUpdateByIdAndWait(`${id}2`, "2022-09-01", wrong, { updateIntervalInMs: 100 }),
    /At least one resource deployment operation failed/,
  );
  await resources.beginDeleteByIdAndWait(id, "2022-09-01", { updateIntervalInMs: 100 });
  assert.equal((await resources.checkExistenceById(id, "2022-09-01")).body, false);
});
