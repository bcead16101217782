// npm @azure/arm-batch 9.1.0 (2023-11-01), unmodified, with a token that @azure/identity gets over https: everything that it knows of the management
// plane. And @azure/arm-resources 7.0.0: groups, providers, and any resource by its id, which is how npm reaches what has no client of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchManagementClient } from "@azure/arm-batch";
import { ResourceManagementClient } from "@azure/arm-resources";
import { ClientSecretCredential } from "@azure/identity";
import { type Quern, startQuern } from "../support/quern.ts";
import { modernClient, trust, useWholeArmClient } from "./arm-program.ts";

const clientsOf = (quern: Quern) => {
  const { armUrl, tenantId, clientId, clientSecret, subscriptionId } = quern.ready;
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost: armUrl,
    disableInstanceDiscovery: true,
  });
  const options = { endpoint: armUrl };
  return {
    batch: new BatchManagementClient(credential, subscriptionId, options),
    resources: new ResourceManagementClient(credential, subscriptionId, options),
  };
};

const group = "npmgroup9";
const account = "npmaccount9";

test("@azure/arm-batch 9 and @azure/arm-resources 7", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t);
  trust(quern);
  const { batch, resources } = clientsOf(quern);
  const { subscriptionId } = quern.ready;
  const below = `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers`;
  const version = "2024-07-01";

  await t.test("groups and providers", async () => {
    const made = await resources.resourceGroups.createOrUpdate(group, { location: "eastus", tags: { who: "npm" } });
    assert.deepEqual([made.name, made.properties?.provisioningState], [group, "Succeeded"]);
    assert.equal((await resources.resourceGroups.checkExistence(group)).body, true);
    assert.equal((await resources.resourceGroups.checkExistence("nosuch")).body, false);
    const names: (string | undefined)[] = [];
    for await (const { name } of resources.resourceGroups.list()) names.push(name);
    assert.ok(names.includes(group));
    assert.equal((await resources.providers.get("Microsoft.Batch")).registrationState, "Registered");
  });

  for (const [name, step] of useWholeArmClient) {
    // Someone must ask for a private endpoint before an account has a connection to one.
    if (name === "private links") {
      await t.test("a private endpoint by its id", async () => {
        const service = { privateLinkServiceId: `${below}/Microsoft.Batch/batchAccounts/${account}`, groupIds: ["batchAccount"] };
        const made = await resources.resources.beginCreateOrUpdateByIdAndWait(
          `${below}/Microsoft.Network/privateEndpoints/npm`,
          "2023-04-01",
          {
            location: "eastus",
            properties: {
              subnet: { id: `${below}/Microsoft.Network/virtualNetworks/v/subnets/s` },
              manualPrivateLinkServiceConnections: [{ name: "c", properties: service }],
            },
          },
        );
        assert.equal(made.properties?.provisioningState, "Succeeded");
      });
    }
    if (name === "the end of the account") {
      await t.test("an account by its id", async () => {
        const id = `${below}/Microsoft.Batch/batchAccounts/${account}`;
        const got = await resources.resources.getById(id, version);
        assert.deepEqual([got.name, got.properties?.provisioningState], [account, "Succeeded"]);
        // Of Batch, as of many providers, Resource Manager does not answer HEAD: "the alternative is to use the GET API", says this client.
        await assert.rejects(resources.resources.checkExistenceById(id, version), { statusCode: 405 });
        const kinds: (string | undefined)[] = [];
        for await (const { type } of resources.resources.listByResourceGroup(group)) kinds.push(type);
        assert.ok(kinds.includes("Microsoft.Batch/batchAccounts"), String(kinds));
        await resources.resources.beginUpdateByIdAndWait(id, version, { tags: { by: "id" } });
        assert.deepEqual((await batch.batchAccountOperations.get(group, account)).tags, { by: "id" });
      });
    }
    await t.test(name, () => step(modernClient(batch), { quern, group, account }));
  }

  await t.test("an account made and deleted by its id, and the end of the group", async () => {
    const id = `${below}/Microsoft.Batch/batchAccounts/byid1`;
    const made = await resources.resources.beginCreateOrUpdateByIdAndWait(id, version, { location: "eastus" });
    assert.equal(made.properties?.provisioningState, "Succeeded");
    await resources.resources.beginDeleteByIdAndWait(id, version);
    await assert.rejects(resources.resources.getById(id, version), { statusCode: 404, code: "ResourceNotFound" });
    await resources.resourceGroups.beginDeleteAndWait(group);
    assert.equal((await resources.resourceGroups.checkExistence(group)).body, false);
  });
});
