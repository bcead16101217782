// npm @azure/arm-resources 7.0.0, unmodified, on what stands around Batch: lists with filters and pages, tags, providers, and storage accounts and
// identities by their ids. (What it does with Batch accounts and images is in the tests of these.)
import assert from "node:assert/strict";
import { test } from "node:test";
import { ResourceManagementClient } from "@azure/arm-resources";
import { ClientSecretCredential } from "@azure/identity";
import { startQuern } from "../support/quern.ts";
import { trust } from "./arm-program.ts";

const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(items);
const namesOf = (items: { name?: string | undefined }[]): (string | undefined)[] => items.map(({ name }) => name);

test("@azure/arm-resources 7", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t);
  trust(quern);
  const { armUrl, tenantId, clientId, clientSecret, subscriptionId, account, resourceGroup } = quern.ready;
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, {
    authorityHost: armUrl,
    disableInstanceDiscovery: true,
  });
  const { resourceGroups, resources, providers, tagsOperations } = new ResourceManagementClient(credential, subscriptionId, {
    endpoint: armUrl,
  });
  await resourceGroups.createOrUpdate("npmgroup", { location: "westus2", tags: { team: "npm" } });
  const below = `/subscriptions/${subscriptionId}/resourceGroups/npmgroup/providers`;
  const storage = `${below}/Microsoft.Storage/storageAccounts/npmstorage`;
  const identity = (name: string) => `${below}/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;

  await t.test("resources by their ids", async () => {
    const made = await resources.beginCreateOrUpdateByIdAndWait(storage, "2023-01-01", {
      location: "westus2",
      kind: "StorageV2",
      sku: { name: "Standard_LRS" },
    });
    assert.deepEqual([made.name, made.kind, made.properties?.provisioningState], ["npmstorage", "StorageV2", "Succeeded"]);
    for (const name of ["npm-1", "npm-2", "npm-3"])
      await resources.beginCreateOrUpdateByIdAndWait(identity(name), "2023-01-31", { location: "westus2" });
    const changed = await resources.beginUpdateByIdAndWait(storage, "2023-01-01", { tags: { a: "b" } });
    assert.deepEqual(changed.tags, { a: "b" });
    await resources.beginDeleteByIdAndWait(identity("npm-3"), "2023-01-31");
    await assert.rejects(resources.getById(identity("npm-3"), "2023-01-31"), { statusCode: 404, code: "ResourceNotFound" });
  });

  await t.test("lists", async () => {
    assert.deepEqual(namesOf(await all(resourceGroups.list({ filter: "tagName eq 'team' and tagValue eq 'npm'" }))), ["npmgroup"]);
    // A page of one at a time: the client follows nextLink.
    assert.deepEqual(namesOf(await all(resources.listByResourceGroup("npmgroup", { top: 1 }))), ["npm-1", "npm-2", "npmstorage"]);
    const ofBatch = await all(resources.list({ filter: "resourceType eq 'Microsoft.Batch/batchAccounts'", expand: "createdTime" }));
    assert.deepEqual(namesOf(ofBatch), [account]);
    assert.ok(ofBatch[0]!.createdTime instanceof Date);
    await assert.rejects(all(resources.list({ filter: "size eq '7'" })), { statusCode: 400, code: "InvalidFilterInQueryString" });
  });

  await t.test("tags and providers", async () => {
    await tagsOperations.beginCreateOrUpdateAtScopeAndWait(storage, { properties: { tags: { c: "d" } } });
    await tagsOperations.beginUpdateAtScopeAndWait(storage, { operation: "Merge", properties: { tags: { e: "f" } } });
    assert.deepEqual((await tagsOperations.getAtScope(storage)).properties.tags, { c: "d", e: "f" });
    assert.ok((await all(tagsOperations.list())).some(({ tagName }) => tagName === "team"));
    await tagsOperations.beginDeleteAtScopeAndWait(storage);
    assert.deepEqual((await tagsOperations.getAtScope(storage)).properties.tags, {});
    assert.equal((await providers.register("Microsoft.Network")).registrationState, "Registered");
    await assert.rejects(providers.unregister("Microsoft.Storage"), { statusCode: 409, code: "CannotUnregisterNamespace" });
    assert.ok((await all(providers.list())).some(({ namespace }) => namespace === "Microsoft.AzureStackHCI"));
    assert.ok((await all(providers.listAtTenantScope())).length > 0);
    assert.equal((await providers.getAtTenantScope("Microsoft.Batch")).namespace, "Microsoft.Batch");
  });

  await t.test("the end of the group, and of the one that stays", async () => {
    await resourceGroups.beginDeleteAndWait("npmgroup");
    assert.equal((await resourceGroups.checkExistence("npmgroup")).body, false);
    await assert.rejects(resourceGroups.beginDeleteAndWait(resourceGroup), { statusCode: 409, code: "ScopeLocked" });
  });
});
