// The unmodified Azure CLI 2.45 against the management plane, over https with the local CA: login, groups, accounts, applications with their
// packages, private endpoints, any resource; and the data plane with the token and the key that `az batch account login` leaves behind.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isCalledBy } from "../support/coverage.ts";
import { startQuern, until } from "../support/quern.ts";
import { az as azure, missing, storageName } from "../support/require.ts";
import { aZip } from "../support/zip.ts";
import { azWith, cloudOf } from "./az-cli.ts";

const group = "azgroup";
const account = "azaccount1";

test("az, management", { skip: missing(azure), timeout: 240_000 }, async (t) => {
  const quern = await startQuern(t);
  isCalledBy(quern, "az 2.45");
  const { az, directory } = await azWith(t, quern);
  const { subscriptionId, tenantId, clientId, clientSecret, resourceGroup, account: first } = quern.ready;
  const below = (name: string): string => `/subscriptions/${subscriptionId}/resourceGroups/${name}/providers`;
  const accountId = `${below(group)}/Microsoft.Batch/batchAccounts/${account}`;
  const storageId = `${below(resourceGroup)}/Microsoft.Storage/storageAccounts/devstoreaccount1`;
  const identityId = `${below(group)}/Microsoft.ManagedIdentity/userAssignedIdentities/azidentity`;
  const here = ["--resource-group", group, "--name", account];
  const batch = (...args: string[]): Promise<any> => az("batch", ...args);
  const ofAccount = (...args: string[]): Promise<any> => batch("account", ...args, ...here);
  /** Commands that only read, beside each other. */
  const all = (...commands: string[][]): Promise<any[]> => Promise.all(commands.map((args) => az(...args)));

  await t.test("a cloud, a login, a subscription", async () => {
    const file = join(directory, "cloud.json");
    writeFileSync(file, cloudOf(quern));
    await az("cloud", "register", "--name", "Quern", "--cloud-config", `@${file}`);
    await az("cloud", "set", "--name", "Quern");
    const login = ["login", "--service-principal", "--username", clientId, "--tenant", tenantId, "--password"];
    await assert.rejects(az(...login, "wrong"), /invalid_client|AADSTS7000215/);
    const [subscription] = await az(...login, clientSecret);
    assert.deepEqual([subscription.id, subscription.tenantId, subscription.user.name], [subscriptionId, tenantId, clientId]);
    const [shown, listed, locations] = await all(["account", "show"], ["account", "list"], ["account", "list-locations"]);
    assert.deepEqual([shown.id, shown.environmentName, listed.length], [subscriptionId, "Quern", 1]);
    assert.ok(locations.some(({ name }: any) => name === "eastus"));
  });

  await t.test("resource groups, identities, providers", async () => {
    const made = await az("group", "create", "--name", group, "--location", "eastus", "--tags", "who=az");
    assert.deepEqual([made.name, made.tags, made.properties.provisioningState], [group, { who: "az" }, "Succeeded"]);
    const identity = await az("identity", "create", "--resource-group", group, "--name", "azidentity");
    assert.equal(identity.id, identityId);
    const [shown, listed, there, notThere, provider, identities] = await all(
      ["group", "show", "--name", group],
      ["group", "list"],
      ["group", "exists", "--name", group],
      ["group", "exists", "--name", "nosuch"],
      ["provider", "show", "--namespace", "Microsoft.Batch"],
      ["identity", "list", "--resource-group", group],
    );
    assert.deepEqual([shown.location, listed.length, there, notThere], ["eastus", 2, true, false]);
    assert.equal(provider.registrationState, "Registered");
    assert.ok(provider.resourceTypes.some(({ resourceType }: any) => resourceType === "batchAccounts"));
    assert.deepEqual(
      identities.map(({ name }: any) => name),
      ["azidentity"],
    );
    await az("provider", "register", "--namespace", "Microsoft.Batch");
  });

  await t.test("accounts", async () => {
    const made = await ofAccount("create", "--location", "eastus", "--tags", "who=az");
    assert.deepEqual([made.name, made.provisioningState, made.autoStorage, made.resourceGroup], [account, "Succeeded", null, group]);
    // By its name, which az looks up in the group of the account.
    const other = ["--resource-group", resourceGroup, "--name", "azaccount2"];
    const withStorage = await batch("account", "create", ...other, "--location", "eastus", "--storage-account", "devstoreaccount1");
    assert.equal(withStorage.autoStorage.storageAccountId, storageId);
    const [shown, listed, ofGroup] = await all(
      ["batch", "account", "show", ...here],
      ["batch", "account", "list"],
      ["batch", "account", "list", "--resource-group", group],
    );
    assert.deepEqual([shown.tags, shown.identity.type, shown.publicNetworkAccess], [{ who: "az" }, "None", "Enabled"]);
    const names = (accounts: any[]): string[] => accounts.map(({ name }) => name).sort();
    assert.deepEqual([names(listed), names(ofGroup)], [[account, "azaccount2", first].sort(), [account]]);
    const set = await ofAccount("set", "--storage-account", storageId, "--tags", "who=me");
    assert.deepEqual([set.autoStorage.storageAccountId, set.tags], [storageId, { who: "me" }]);
    await ofAccount("autostorage-keys", "sync");
    await batch("account", "delete", ...other, "--yes");
    await assert.rejects(batch("account", "show", ...other), /\(ResourceNotFound\)/);
    await assert.rejects(batch("account", "show", "--resource-group", "nosuch", "--name", account), /\(ResourceGroupNotFound\)/);
  });

  await t.test("keys, identity, network profile", async () => {
    const keys = await ofAccount("keys", "list");
    const renewed = await ofAccount("keys", "renew", "--key-name", "primary");
    assert.equal(renewed.secondary, keys.secondary);
    assert.notEqual(renewed.primary, keys.primary);
    const assigned = await ofAccount("identity", "assign", "--user-assigned", identityId);
    assert.deepEqual([assigned.type, Object.keys(assigned.userAssignedIdentities)], ["UserAssigned", [identityId]]);
    assert.equal((await ofAccount("identity", "show")).type, "UserAssigned");
    assert.equal((await ofAccount("identity", "remove", "--yes", "--user-assigned", identityId)).type, "None");
    const profile = ["--profile", "BatchAccount"];
    const denied = await ofAccount("network-profile", "set", "--default-action", "Deny", ...profile);
    assert.equal(denied.networkProfile.accountAccess.defaultAction, "Deny");
    const address = ["--ip-address", "10.0.0.0/8", ...profile];
    await ofAccount("network-profile", "network-rule", "add", ...address);
    const [rules, shown] = await Promise.all([ofAccount("network-profile", "network-rule", "list"), ofAccount("network-profile", "show")]);
    assert.deepEqual([rules.accountAccess.ipRules[0].value, shown.accountAccess.ipRules.length], ["10.0.0.0/8", 1]);
    await ofAccount("network-profile", "network-rule", "delete", "--yes", ...address);
    assert.deepEqual((await ofAccount("network-profile", "show")).accountAccess.ipRules, []);
  });

  await t.test("locations and what an account reaches", async () => {
    const [quotas, skus, outbound] = await all(
      ["batch", "location", "quotas", "show", "--location", "eastus"],
      ["batch", "location", "list-skus", "--location", "eastus"],
      ["batch", "account", "outbound-endpoints", ...here],
    );
    assert.ok(quotas.accountQuota > 0);
    assert.ok(skus.some(({ name }: any) => name === "Standard_D2_v3"));
    assert.ok(outbound.some(({ category }: any) => category === "Azure Batch"));
  });

  await t.test("applications", async () => {
    const app = [...here, "--application-name", "app"];
    const application = (verb: string, ...more: string[]): Promise<any> => batch("application", verb, ...app, ...more);
    assert.equal((await application("create")).allowUpdates, true);
    await application("set", "--display-name", "An app", "--allow-updates", "true");
    const [shown, listed] = await Promise.all([application("show"), batch("application", "list", ...here)]);
    assert.deepEqual([shown.displayName, listed.length], ["An app", 1]);
    await application("delete", "--yes");
    await assert.rejects(application("show"), /\(ApplicationNotFound\)/);
  });

  await t.test("application packages", { skip: missing(storageName) }, async () => {
    const app = ["--resource-group", resourceGroup, "--name", first, "--application-name", "packed"];
    const version = [...app, "--version-name", "1.0"];
    const zip = join(directory, "package.zip");
    writeFileSync(zip, aZip([{ name: "hello.txt", data: "hello from a package\n" }]));
    const active = await batch("application", "package", "create", ...version, "--package-file", zip);
    assert.deepEqual([active.name, active.state, active.format], ["1.0", "Active", "zip"]);
    await batch("application", "package", "activate", ...version, "--format", "zip");
    const [shown, listed] = await Promise.all([
      batch("application", "package", "show", ...version),
      batch("application", "package", "list", ...app),
    ]);
    assert.deepEqual([shown.state, listed.length], ["Active", 1]);
    assert.deepEqual((await quern.raw({ method: "GET", path: "/applications/packed" })).json.versions, ["1.0"]);
    await batch("application", "package", "delete", ...version, "--yes");
    await batch("application", "delete", ...app, "--yes");
  });

  await t.test("private links, and any resource", async () => {
    const service = { privateLinkServiceId: accountId, groupIds: ["batchAccount"] };
    const properties = {
      subnet: { id: `${below(group)}/Microsoft.Network/virtualNetworks/v/subnets/s` },
      manualPrivateLinkServiceConnections: [{ name: "c", properties: service }],
    };
    // `az network` of this build cannot start: its network SDK is not the one it was made for.
    const endpoint = ["--id", `${below(group)}/Microsoft.Network/privateEndpoints/azendpoint`, "--api-version", "2023-04-01"];
    await az("resource", "create", ...endpoint, "--location", "eastus", "--properties", JSON.stringify(properties));
    const on = ["--resource-group", group, "--account-name", account];
    const [links, connections, resources, byId, byName] = await all(
      ["batch", "private-link-resource", "list", ...on],
      ["batch", "private-endpoint-connection", "list", ...on],
      ["resource", "list", "--resource-group", group],
      ["resource", "show", "--ids", accountId],
      ["resource", "show", ...here, "--resource-type", "Microsoft.Batch/batchAccounts"],
    );
    assert.deepEqual(links.map(({ groupId }: any) => groupId).sort(), ["batchAccount", "nodeManagement"]);
    assert.equal(connections[0].privateLinkServiceConnectionState.status, "Pending");
    const types = resources.map(({ type }: any) => type);
    assert.ok(types.includes("Microsoft.Batch/batchAccounts") && types.includes("Microsoft.Network/privateEndpoints"), String(types));
    assert.deepEqual([byId.id, byName.properties.provisioningState], [accountId, "Succeeded"]);
    const [link, connection, rest] = await all(
      ["batch", "private-link-resource", "show", ...on, "--name", "batchAccount"],
      ["batch", "private-endpoint-connection", "show", ...on, "--name", connections[0].name],
      ["rest", "--method", "get", "--url", `${accountId}?api-version=2024-07-01`],
    );
    assert.deepEqual([link.requiredMembers, connection.name], [["batchAccount"], connections[0].name]);
    assert.equal(rest.properties.privateEndpointConnections.length, 1);
    await az("resource", "delete", ...endpoint);
    const keys = await az("rest", "--method", "post", "--url", `${accountId}/listKeys?api-version=2024-07-01`);
    assert.equal(keys.accountName, account);
  });

  await t.test("the data plane with a token, then with a key", async () => {
    const login = ["account", "login", "--resource-group", resourceGroup, "--name", first];
    const shown = await batch(...login, "--show");
    assert.deepEqual([shown.account, shown.tokenType, shown.tenant], [first, "Bearer", tenantId]);
    const machine = ["--image", "canonical:0001-com-ubuntu-server-jammy:22_04-lts", "--node-agent-sku-id", "batch.node.ubuntu 22.04"];
    await batch("pool", "create", "--id", "azpool", "--vm-size", "Standard_A1", ...machine, "--target-dedicated-nodes", "1");
    await batch("job", "create", "--id", "azjob", "--pool-id", "azpool");
    await batch("task", "create", "--job-id", "azjob", "--task-id", "t1", "--command-line", "/bin/sh -c 'echo with a token'");
    await until(
      async () => (await quern.raw({ method: "GET", path: "/jobs/azjob/taskcounts" })).json.taskCounts.completed,
      (completed) => completed === 1,
    );
    const [task, current] = await all(
      ["batch", "task", "show", "--job-id", "azjob", "--task-id", "t1"],
      // Without names: the account that was logged in to, found by its endpoint.
      ["batch", "account", "show"],
    );
    assert.deepEqual([task.executionInfo.result, current.name], ["success", first]);
    const key = await batch(...login, "--shared-key-auth", "--show");
    assert.equal(key.primaryKey, quern.ready.key);
    assert.equal((await batch("pool", "show", "--pool-id", "azpool")).id, "azpool");
    await batch("job", "delete", "--job-id", "azjob", "--yes");
    await batch("pool", "delete", "--pool-id", "azpool", "--yes");
  });

  await t.test("the end of account and group", async () => {
    await ofAccount("delete", "--yes");
    await assert.rejects(ofAccount("show"), /\(ResourceNotFound\)/);
    await az("group", "delete", "--name", group, "--yes");
    assert.equal(await az("group", "exists", "--name", group), false);
  });
});
