// The unmodified Azure CLI on what stands around Batch: the cloud registered from /metadata/endpoints alone, signed in, and its groups, resources,
// tags, providers, storage accounts and identities.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isCalledBy } from "../support/coverage.ts";
import { startQuern } from "../support/quern.ts";
import { az as azure, missing } from "../support/require.ts";
import { azWith } from "./az-cli.ts";

test("az group, resource, tag, provider, storage account, identity", { skip: missing(azure), timeout: 300_000 }, async (t) => {
  const quern = await startQuern(t);
  isCalledBy(quern, "az 2.45");
  const { az } = await azWith(t, quern);
  const { armUrl, clientId, clientSecret, tenantId, subscriptionId, account, resourceGroup } = quern.ready;
  const fails = (code: string, ...args: string[]): Promise<void> => assert.rejects(az(...args), new RegExp(`\\(${code}\\)`));
  const groupId = `/subscriptions/${subscriptionId}/resourceGroups/azgroup`;

  await az("cloud", "register", "--name", "Quern", "--endpoint-resource-manager", armUrl, "--suffix-storage-endpoint", "localhost:1");
  const cloud = await az("cloud", "show", "--name", "Quern");
  assert.deepEqual(
    [cloud.endpoints.activeDirectory, cloud.endpoints.activeDirectoryResourceId],
    [`${armUrl}/adfs`, "https://management.core.windows.net/"],
  );
  await az("cloud", "set", "--name", "Quern");
  const [signedIn] = await az("login", "--service-principal", "-u", clientId, "-p", clientSecret, "--tenant", tenantId);
  assert.deepEqual([signedIn.id, signedIn.tenantId, signedIn.state], [subscriptionId, tenantId, "Enabled"]);
  const locations = await az("account", "list-locations");
  assert.ok(locations.some((one: any) => one.name === "japaneast" && one.displayName === "Japan East"));

  const made = await az("group", "create", "--name", "azgroup", "--location", "West Europe", "--tags", "team=blue");
  assert.deepEqual([made.id, made.location, made.tags], [groupId, "westeurope", { team: "blue" }]);
  assert.equal((await az("group", "update", "--name", "azgroup", "--set", "tags.cost=7")).tags.cost, "7");
  assert.deepEqual([await az("group", "exists", "--name", "AZGROUP"), await az("group", "exists", "--name", "none")], [true, false]);
  assert.deepEqual(
    (await az("group", "list", "--tag", "team=blue")).map(({ name }: any) => name),
    ["azgroup"],
  );
  await fails("InvalidResourceGroupLocation", "group", "create", "--name", "azgroup", "--location", "eastus");
  await fails("ScopeLocked", "group", "delete", "--name", resourceGroup, "--yes");

  const storage = ["-n", "azstorage1", "--resource-group", "azgroup"];
  assert.equal((await az("storage", "account", "check-name", "--name", "azstorage1")).nameAvailable, true);
  const stored = await az("storage", "account", "create", ...storage, "--location", "westeurope", "--sku", "Standard_LRS");
  assert.deepEqual(
    [stored.name, stored.kind, stored.sku.name, stored.provisioningState],
    ["azstorage1", "StorageV2", "Standard_LRS", "Succeeded"],
  );
  const keys = await az("storage", "account", "keys", "list", ...storage);
  const renewed = await az("storage", "account", "keys", "renew", ...storage, "--key", "key2");
  assert.deepEqual([renewed[0].value === keys[0].value, renewed[1].value === keys[1].value], [true, false]);
  assert.deepEqual((await az("storage", "account", "update", ...storage, "--tags", "x=y")).tags, { x: "y" });
  assert.equal((await az("storage", "account", "list")).length, 2);

  const identity = await az("identity", "create", "--name", "az-identity", "--resource-group", "azgroup");
  assert.match(identity.principalId, /^[0-9a-f-]{36}$/);
  assert.equal((await az("identity", "show", "--ids", identity.id)).clientId, identity.clientId);
  const identityType = "Microsoft.ManagedIdentity/userAssignedIdentities";
  const generic = ["--resource-group", "azgroup", "--name", "generic-id", "--resource-type", identityType];
  assert.equal((await az("resource", "create", ...generic, "--location", "westeurope", "--properties", "{}")).name, "generic-id");
  assert.equal((await az("resource", "tag", ...generic, "--tags", "a=b")).tags.a, "b");
  await az("resource", "delete", ...generic);
  const ofBatch = await az("resource", "list", "--resource-type", "Microsoft.Batch/batchAccounts");
  assert.deepEqual(
    ofBatch.map(({ name }: any) => name),
    [account],
  );
  assert.deepEqual((await az("resource", "list", "--resource-group", "azgroup")).map(({ name }: any) => name).sort(), [
    "az-identity",
    "azstorage1",
  ]);
  assert.deepEqual(
    (await az("resource", "list", "--tag", "x=y")).map(({ name }: any) => name),
    ["azstorage1"],
  );

  const merged = await az("tag", "update", "--resource-id", groupId, "--operation", "merge", "--tags", "m=n");
  assert.deepEqual(merged.properties.tags, { team: "blue", cost: "7", m: "n" });
  assert.ok((await az("tag", "list")).some(({ tagName }: any) => tagName === "m"));
  await az("tag", "delete", "--resource-id", groupId, "--yes");
  assert.deepEqual((await az("group", "show", "--name", "azgroup")).tags, {});

  const provider = await az("provider", "show", "--namespace", "Microsoft.Batch");
  assert.equal(provider.registrationState, "Registered");
  await az("provider", "unregister", "--namespace", "Microsoft.Network");
  assert.ok(
    (await az("provider", "list")).some((one: any) => one.namespace === "Microsoft.Network" && one.registrationState === "NotRegistered"),
  );
  await az("provider", "register", "--namespace", "Microsoft.Network", "--wait");
  await fails("InvalidResourceNamespace", "provider", "show", "--namespace", "Microsoft.Compute");

  // By the storage account's name, which az looks up.
  const batch = await az(
    "batch",
    "account",
    "create",
    ...["-n", "azbatch1", "-g", "azgroup", "-l", "westeurope"],
    "--storage-account",
    "azstorage1",
  );
  assert.equal(batch.autoStorage.storageAccountId, `${groupId}/providers/Microsoft.Storage/storageAccounts/azstorage1`);
  await az("group", "delete", "--name", "azgroup", "--yes");
  assert.equal(await az("group", "exists", "--name", "azgroup"), false);
  assert.deepEqual(
    (await az("storage", "account", "list")).map(({ name }: any) => name),
    ["devstoreaccount1"],
  );
  await fails("ResourceGroupNotFound", "group", "show", "--name", "azgroup");
});

test("az learns the cloud from ARM_CLOUD_METADATA_URL", { skip: missing(azure), timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  isCalledBy(quern, "az 2.45");
  const { batchUrl, clientId, clientSecret, tenantId, account, resourceGroup } = quern.ready;
  // Over http, because az does not use REQUESTS_CA_BUNDLE for this one request; what it says is https.
  const { az } = await azWith(t, quern, { ARM_CLOUD_METADATA_URL: `${batchUrl}/metadata/endpoints?api-version=2019-05-01` });
  const [cloud] = await az("cloud", "list");
  assert.deepEqual([cloud.name, cloud.endpoints.batchResourceId], ["Quern", "https://batch.core.windows.net/"]);
  await az("login", "--service-principal", "-u", clientId, "-p", clientSecret, "--tenant", tenantId);
  await az("batch", "account", "login", "-g", resourceGroup, "-n", account);
  assert.deepEqual(await az("batch", "pool", "list"), []);
});
