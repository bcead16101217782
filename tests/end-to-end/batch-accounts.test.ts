// Batch accounts through ARM on a real server: their life, their keys and doors, and what the data plane makes of each at once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { armPoll, armRequest, batchResource, tokenFor } from "../support/arm.ts";
import { accountPath, accountsPath, anUbuntuPool, asAccount, createAccount, keysOf } from "../support/batch-accounts.ts";
import { type Quern, startQuern } from "../support/quern.ts";
import { type Answer, signedRequest } from "../support/signed.ts";

const patch = (quern: Quern, name: string, properties: object): Promise<Answer> =>
  armRequest(quern, { method: "PATCH", path: accountPath(name), body: { properties } });

test("Batch accounts in ARM", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t);
  const { batchUrl, account: first } = quern.ready;
  const port = new URL(batchUrl).port;

  await t.test("create answers as recorded, and the account is there at once", async () => {
    const answer = await armRequest(quern, {
      method: "PUT",
      path: accountPath("alpha"),
      body: { location: "West US 2", tags: { a: "b" } },
    });
    assert.equal(answer.status, 202);
    assert.equal(answer.text, "");
    assert.equal(answer.headers["retry-after"], "1");
    const location = String(answer.headers.location);
    assert.match(location, /^https:\/\/.*\/batchAccounts\/alpha\/operationResults\/[0-9a-f-]{36}\?api-version=2024-07-01$/);
    const polled = await armRequest(quern, { method: "GET", path: location });
    assert.equal(polled.status, 200);
    assert.match(String(polled.headers.etag), /^"0x8[0-9A-F]+"$/);
    const got = await armRequest(quern, { method: "GET", path: accountPath("ALPHA") });
    assert.deepEqual(got.json, polled.json);
    const { id, name, type, location: region, tags, identity, properties } = got.json;
    assert.equal(id, accountPath("alpha").replace("{sub}", quern.ready.subscriptionId).replace("{rg}", quern.ready.resourceGroup));
    assert.deepEqual(
      { name, type, region, tags, identity },
      {
        name: "alpha",
        type: "Microsoft.Batch/batchAccounts",
        region: "westus2",
        tags: { a: "b" },
        identity: { type: "None" },
      },
    );
    assert.equal(properties.accountEndpoint, `alpha.westus2.batch.localhost:${port}`);
    assert.match(properties.nodeManagementEndpoint, new RegExp(`^[0-9a-f-]{36}\\.westus2\\.service\\.batch\\.localhost:${port}$`));
    assert.equal(properties.provisioningState, "Succeeded");
    assert.equal(properties.poolAllocationMode, "BatchService");
    assert.deepEqual(properties.encryption, { keySource: "Microsoft.Batch" });
    assert.deepEqual(properties.privateEndpointConnections, []);
    assert.deepEqual(properties.allowedAuthenticationModes, ["SharedKey", "AAD", "TaskAuthenticationToken"]);
    assert.equal(properties.dedicatedCoreQuota, 2_147_483_647);
    assert.equal(properties.dedicatedCoreQuotaPerVMFamilyEnforced, true);
  });

  await t.test("the first account is reached at the bare address, and has the embedded storage", async () => {
    const { properties } = (await armRequest(quern, { method: "GET", path: accountPath(first) })).json;
    assert.equal(properties.accountEndpoint, `127.0.0.1:${port}`);
    assert.match(properties.autoStorage.storageAccountId, /\/providers\/Microsoft\.Storage\/storageAccounts\/devstoreaccount1$/);
    assert.equal(properties.autoStorage.authenticationMode, "StorageKeys");
    const storage = await armRequest(quern, { method: "GET", path: properties.autoStorage.storageAccountId, version: "2023-01-01" });
    assert.deepEqual([storage.status, storage.json.name], [200, "devstoreaccount1"]);
  });

  await t.test("PUT of an account that is there sets it anew, but never what cannot change", async () => {
    const again = await createAccount(quern, "alpha", { tags: { c: "d" } });
    assert.deepEqual(again.tags, { c: "d" });
    const moved = await armRequest(quern, { method: "PUT", path: accountPath("alpha"), body: { location: "eastus" } });
    assert.deepEqual([moved.status, moved.json.error.code], [409, "InvalidResourceLocation"]);
    const mode = { location: "westus2", properties: { poolAllocationMode: "UserSubscription", keyVaultReference: vault(quern) } };
    const changed = await armRequest(quern, { method: "PUT", path: accountPath("alpha"), body: mode });
    assert.deepEqual([changed.status, changed.json.error.code], [409, "PropertyChangeNotAllowed"]);
  });

  await t.test("two accounts have keys, pools and jobs of their own, also under the same ids", async () => {
    await createAccount(quern, "beta");
    const [alpha, beta] = [await keysOf(quern, "alpha"), await keysOf(quern, "beta")];
    assert.equal(new Set([alpha.primary, alpha.secondary, beta.primary, beta.secondary]).size, 4);
    for (const key of [alpha.primary, beta.secondary]) assert.equal(Buffer.from(key, "base64").length, 64);
    for (const [name, { primary }] of [["alpha", alpha] as const, ["beta", beta] as const]) {
      const pool = await asAccount(quern, name, primary, { method: "POST", path: "/pools", body: anUbuntuPool("same") });
      assert.equal(pool.status, 201, pool.text);
      const body = { id: `job-of-${name}`, poolInfo: { poolId: "same" } };
      const job = await asAccount(quern, name, primary, { method: "POST", path: "/jobs", body });
      assert.equal(job.status, 201, job.text);
    }
    const jobs = await asAccount(quern, "beta", beta.secondary, { method: "GET", path: "/jobs" });
    assert.deepEqual(
      jobs.json.value.map(({ id }: { id: string }) => id),
      ["job-of-beta"],
    );
    const foreign = await asAccount(quern, "beta", alpha.primary, { method: "GET", path: "/jobs" });
    assert.equal(foreign.status, 403);
  });

  await t.test("the host name tells the account: for tokens always, for keys it must be the signer's", async () => {
    const token = await tokenFor(quern, batchResource);
    const authorization = `Bearer ${token}`;
    const jobs = (host: string) =>
      signedRequest(quern.ready, { method: "GET", path: "/jobs", headers: { authorization, host: `${host}:${port}` } });
    const ofBeta = await jobs("beta.westus2.batch.localhost");
    assert.deepEqual(
      ofBeta.json.value.map(({ id }: { id: string }) => id),
      ["job-of-beta"],
    );
    assert.deepEqual((await jobs("127.0.0.1")).json.value, [], "the bare address is the first account's");
    assert.equal((await jobs("nobody.westus2.batch.localhost")).status, 403);
    const { primary } = await keysOf(quern, "alpha");
    const elsewhere = await asAccount(quern, "alpha", primary, {
      method: "GET",
      path: "/jobs",
      headers: { host: `beta.westus2.batch.localhost:${port}` },
    });
    assert.equal(elsewhere.status, 403);
    const own = await asAccount(quern, "alpha", primary, {
      method: "GET",
      path: "/jobs",
      headers: { host: `alpha.westus2.batch.localhost:${port}` },
    });
    assert.equal(own.status, 200);
  });

  await t.test("a regenerated key counts at once, and the other one stays", async () => {
    const before = await keysOf(quern, "alpha");
    const answer = await armRequest(quern, {
      method: "POST",
      path: `${accountPath("alpha")}/regenerateKeys`,
      body: { keyName: "primary" },
    });
    assert.equal(answer.status, 200, answer.text);
    assert.notEqual(answer.json.primary, before.primary);
    assert.equal(answer.json.secondary, before.secondary);
    const status = async (key: string) => (await asAccount(quern, "alpha", key, { method: "GET", path: "/pools" })).status;
    assert.deepEqual([await status(before.primary), await status(answer.json.primary), await status(before.secondary)], [403, 200, 200]);
    const wrong = await armRequest(quern, { method: "POST", path: `${accountPath("alpha")}/regenerateKeys`, body: { keyName: "Third" } });
    assert.deepEqual([wrong.status, wrong.json.error.code], [400, "InvalidPropertyValue"]);
  });

  await t.test("rules for addresses hold on the data plane, not on ARM", async () => {
    const { primary } = await keysOf(quern, "beta");
    const jobs = () => asAccount(quern, "beta", primary, { method: "GET", path: "/jobs" });
    const why = () => signedRequest({ batchUrl, account: "beta", key: primary }, { method: "GET", path: "/_quern/why?jobId=job-of-beta" });
    const rules = (defaultAction: string, ...values: string[]) =>
      patch(quern, "beta", {
        networkProfile: { accountAccess: { defaultAction, ipRules: values.map((value) => ({ action: "Allow", value })) } },
      });
    assert.equal((await rules("Deny", "10.0.0.0/8")).status, 200);
    const denied = await jobs();
    assert.deepEqual([denied.status, denied.json.code], [403, "AuthorizationFailure"]);
    assert.match(denied.json.message.value, /RequestId:.*\nTime:/);
    assert.equal((await why()).status, 403);
    for (const allowed of ["127.0.0.1", "127.0.0.0/8", "0.0.0.0/0"]) {
      await rules("Deny", allowed);
      assert.equal((await jobs()).status, 200, allowed);
    }
    await rules("Allow");
    assert.equal((await jobs()).status, 200);
    for (const publicNetworkAccess of ["Disabled", "SecuredByPerimeter"]) {
      assert.equal((await patch(quern, "beta", { publicNetworkAccess })).status, 200);
      assert.equal((await jobs()).status, 403, publicNetworkAccess);
    }
    assert.equal((await patch(quern, "beta", { publicNetworkAccess: "Enabled" })).status, 200);
    assert.equal((await jobs()).status, 200);
  });

  await t.test("malformed rules and too many of them are refused", async () => {
    const rules = (values: string[]) =>
      patch(quern, "beta", {
        networkProfile: { accountAccess: { defaultAction: "Deny", ipRules: values.map((value) => ({ action: "Allow", value })) } },
      });
    for (const value of ["300.1.1.1", "10.0.0.0/33", "::1", "10.0.0.1-10.0.0.9", ""]) {
      const answer = await rules([value]);
      assert.deepEqual(
        [answer.status, answer.json.error.code, answer.json.error.target],
        [400, "InvalidPropertyValue", "BatchAccount"],
        value,
      );
    }
    assert.equal((await rules(Array.from({ length: 201 }, (_, n) => `10.0.0.${n}`))).status, 400);
    assert.equal((await rules(Array.from({ length: 200 }, (_, n) => `10.0.0.${n}`))).status, 200);
    await patch(quern, "beta", { networkProfile: { accountAccess: { defaultAction: "Allow" } } });
  });

  await t.test("modes that are not allowed are refused, and keys are then nobody's to see", async () => {
    const { primary } = await keysOf(quern, "beta");
    const host = `beta.westus2.batch.localhost:${port}`;
    const byKey = () => asAccount(quern, "beta", primary, { method: "GET", path: "/jobs", headers: { host } });
    const authorization = `Bearer ${await tokenFor(quern, batchResource)}`;
    const byToken = () => signedRequest(quern.ready, { method: "GET", path: "/jobs", headers: { authorization, host } });
    await patch(quern, "beta", { allowedAuthenticationModes: ["AAD"] });
    assert.deepEqual([(await byKey()).status, (await byToken()).status], [403, 200]);
    for (const action of ["listKeys", "regenerateKeys"]) {
      const answer = await armRequest(quern, { method: "POST", path: `${accountPath("beta")}/${action}`, body: { keyName: "Primary" } });
      assert.deepEqual([answer.status, answer.json.error.code], [403, "SharedKeyNotAllowed"]);
    }
    await patch(quern, "beta", { allowedAuthenticationModes: ["SharedKey"] });
    assert.deepEqual([(await byKey()).status, (await byToken()).status], [200, 403]);
    await patch(quern, "beta", { allowedAuthenticationModes: ["SharedKey", "AAD"] });
  });

  await t.test("auto storage is attached, synchronised and detached", async () => {
    const sync = () => armRequest(quern, { method: "POST", path: `${accountPath("beta")}/syncAutoStorageKeys` });
    assert.equal((await sync()).json.error.code, "AutoStorageNotConfigured");
    const storageAccountId = storageId(quern, "devstoreaccount1");
    const attached = await patch(quern, "beta", { autoStorage: { storageAccountId } });
    assert.equal(attached.status, 200, attached.text);
    assert.equal(attached.json.properties.autoStorage.storageAccountId, storageAccountId);
    const before = attached.json.properties.autoStorage.lastKeySync;
    const synced = await sync();
    assert.deepEqual([synced.status, synced.text], [204, ""]);
    const { properties } = (await armRequest(quern, { method: "GET", path: accountPath("beta") })).json;
    assert.ok(Date.parse(properties.autoStorage.lastKeySync) > Date.parse(before));
    const refusals: [string, string][] = [
      [storageId(quern, "nothere1"), "InvalidPropertyValue"],
      ["devstoreaccount1", "LinkedInvalidPropertyId"],
      [storageAccountId.replace(quern.ready.subscriptionId, "00000000-0000-0000-0000-00000000000f"), "LinkedAuthorizationFailed"],
      [accountPath("alpha"), "LinkedInvalidPropertyId"],
    ];
    for (const [id, code] of refusals) {
      const answer = await patch(quern, "beta", { autoStorage: { storageAccountId: id } });
      assert.equal(answer.json.error.code, code, id);
    }
    await patch(quern, "beta", { autoStorage: { storageAccountId, authenticationMode: "BatchAccountManagedIdentity" } });
    assert.deepEqual([(await sync()).status, (await sync()).json.error.code], [409, "OperationNotAllowed"]);
    const detached = await patch(quern, "beta", { autoStorage: { storageAccountId: "" } });
    assert.equal(detached.json.properties.autoStorage, undefined);
  });

  await t.test("identity and encryption are kept", async () => {
    const body = {
      identity: { type: "SystemAssigned" },
      properties: {
        encryption: { keySource: "Microsoft.KeyVault", keyVaultProperties: { keyIdentifier: "https://v.vault.azure.net/keys/k/1" } },
      },
    };
    const made = await createAccount(quern, "gamma", body);
    assert.equal(made.identity.tenantId, quern.ready.tenantId);
    assert.match(made.identity.principalId, /^[0-9a-f-]{36}$/);
    assert.deepEqual(made.properties.encryption, body.properties.encryption);
    const again = await armRequest(quern, { method: "PATCH", path: accountPath("gamma"), body: { identity: { type: "SystemAssigned" } } });
    assert.equal(again.json.identity.principalId, made.identity.principalId);
    const ids = { [userIdentity(quern, quern.ready.subscriptionId)]: {} };
    const user = await armRequest(quern, {
      method: "PATCH",
      path: accountPath("gamma"),
      body: { identity: { type: "UserAssigned", userAssignedIdentities: ids } },
    });
    assert.deepEqual(Object.keys(user.json.identity.userAssignedIdentities), Object.keys(ids));
    const other = { [userIdentity(quern, "00000000-0000-0000-0000-00000000000f")]: {} };
    const refused = await armRequest(quern, {
      method: "PATCH",
      path: accountPath("gamma"),
      body: { identity: { type: "UserAssigned", userAssignedIdentities: other } },
    });
    assert.deepEqual([refused.status, refused.json.error.code], [403, "LinkedAuthorizationFailed"]);
  });

  await t.test("an account of the user's subscription needs a key vault and has no shared key", async () => {
    const refused = await armRequest(quern, {
      method: "PUT",
      path: accountPath("delta"),
      body: { location: "westus2", properties: { poolAllocationMode: "UserSubscription" } },
    });
    const { code, message, target, details } = refused.json.error;
    assert.deepEqual([refused.status, code, target, details[0].code], [400, "InvalidRequestBody", "BatchAccount", "Reason"]);
    assert.match(message, /\nRequestId:[0-9a-f-]{36}\nTime:\d{4}-/);
    assert.equal((await armRequest(quern, { method: "GET", path: accountPath("delta") })).status, 404, "nothing half-made is left");
    const made = await createAccount(quern, "delta", {
      properties: { poolAllocationMode: "UserSubscription", keyVaultReference: vault(quern) },
    });
    assert.deepEqual(made.properties.keyVaultReference, vault(quern));
    assert.equal(made.properties.dedicatedCoreQuota, undefined);
    assert.equal(typeof made.properties.poolQuota, "number");
    assert.equal((await armRequest(quern, { method: "POST", path: `${accountPath("delta")}/listKeys` })).status, 403);
  });

  await t.test("lists, names and locations", async () => {
    const names = (answer: Answer) => answer.json.value.map(({ name }: { name: string }) => name);
    const all = ["alpha", "beta", "delta", first, "gamma"].sort();
    assert.deepEqual(names(await armRequest(quern, { method: "GET", path: accountsPath })), all);
    assert.deepEqual(
      names(await armRequest(quern, { method: "GET", path: "/subscriptions/{sub}/providers/Microsoft.Batch/batchAccounts" })),
      all,
    );
    const check = (name: string, location = "westus2") =>
      armRequest(quern, {
        method: "POST",
        path: `/subscriptions/{sub}/providers/Microsoft.Batch/locations/${location}/checkNameAvailability`,
        body: { name, type: "Microsoft.Batch/batchAccounts" },
      });
    assert.deepEqual((await check("alpha", "eastus")).json, {
      nameAvailable: false,
      reason: "AlreadyExists",
      message: "An account named 'alpha' is already in use.",
    });
    assert.deepEqual((await check("free1")).json, { nameAvailable: true });
    assert.deepEqual((await check("ab")).json, {
      nameAvailable: false,
      reason: "Invalid",
      message: "Account name must be at least 3 characters and at most 24 characters.",
    });
    assert.equal((await check("free1", "atlantis")).json.error.code, "InvalidLocation");
    for (const [body, name, code] of [
      [{}, "epsilon", "LocationRequired"],
      [{ location: "atlantis" }, "epsilon", "LocationNotAvailableForResourceType"],
      [{ location: "eastus" }, "No_Such", "InvalidResourceName"],
      [{ location: "eastus", surprise: 1 }, "epsilon", "InvalidRequestBody"],
      [{ location: "eastus", properties: { publicNetworkAccess: "Sometimes" } }, "epsilon", "InvalidPropertyValue"],
    ] as const) {
      const answer = await armRequest(quern, { method: "PUT", path: accountPath(name), body });
      assert.deepEqual([answer.status, answer.json.error.code], [400, code]);
    }
  });

  await t.test("what is not there is refused in Resource Manager's words", async () => {
    const missing = await armRequest(quern, { method: "GET", path: accountPath("nobody") });
    assert.deepEqual([missing.status, missing.json.error.code], [404, "ResourceNotFound"]);
    assert.match(
      missing.json.error.message,
      /^The Resource 'Microsoft.Batch\/batchAccounts\/nobody' under resource group '.*' was not found/,
    );
    const group = await armRequest(quern, { method: "GET", path: accountPath("alpha", "nowhere") });
    assert.deepEqual(group.json, { error: { code: "ResourceGroupNotFound", message: "Resource group 'nowhere' could not be found." } });
    assert.equal((await armRequest(quern, { method: "DELETE", path: accountPath("nobody") })).status, 204);
    for (const path of [
      "operationResults/x",
      "privateEndpointConnections/x",
      "privateLinkResources/x",
      "detectors/x",
      "networkSecurityPerimeterConfigurations/x",
      "privateEndpointConnectionResults/x",
    ]) {
      const answer = await armRequest(quern, { method: "GET", path: `${accountPath("alpha")}/${path}` });
      assert.deepEqual([answer.status, answer.json.error.code], [404, "ResourceNotFound"], path);
    }
  });

  await t.test("older versions show what they knew", async () => {
    const at = async (version: string) => (await armRequest(quern, { method: "GET", path: accountPath("gamma"), version })).json;
    const [v2019, v2020, v2022] = [await at("2019-08-01"), await at("2020-05-01"), await at("2022-10-01")];
    assert.equal(v2019.identity, undefined);
    assert.equal(v2019.properties.dedicatedCoreQuotaPerVMFamilyEnforced, false);
    assert.equal(v2019.properties.encryption, undefined);
    assert.ok(Array.isArray(v2019.properties.dedicatedCoreQuotaPerVMFamily));
    assert.equal(v2020.properties.encryption.keySource, "Microsoft.KeyVault");
    assert.equal(v2020.properties.allowedAuthenticationModes, undefined);
    assert.equal(v2020.properties.nodeManagementEndpoint, undefined);
    assert.ok(v2022.properties.nodeManagementEndpoint);
  });

  await t.test("one that is deleted is refused at once, and gone when the poll says so", async () => {
    const { primary } = await keysOf(quern, "alpha");
    const answer = await armRequest(quern, { method: "DELETE", path: accountPath("alpha") });
    assert.deepEqual([answer.status, answer.text], [202, ""]);
    const location = String(answer.headers.location);
    assert.match(location, /\/providers\/Microsoft\.Batch\/locations\/westus2\/accountOperationResults\/alpha-[0-9a-f-]{36}\?api-version=/);
    assert.equal((await asAccount(quern, "alpha", primary, { method: "GET", path: "/jobs" })).status, 403);
    const ended = await armPoll(quern, location);
    assert.deepEqual([ended.status, ended.text], [200, ""]);
    assert.equal((await armRequest(quern, { method: "GET", path: accountPath("alpha") })).status, 404);
    const again = await createAccount(quern, "alpha");
    assert.equal(again.properties.provisioningState, "Succeeded");
    const pools = await asAccount(quern, "alpha", (await keysOf(quern, "alpha")).primary, { method: "GET", path: "/pools" });
    assert.deepEqual(pools.json.value, []);
  });
});

const vault = (quern: Quern) => ({
  id: `/subscriptions/${quern.ready.subscriptionId}/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v`,
  url: "https://v.vault.azure.net/",
});
const storageId = (quern: Quern, name: string): string =>
  `/subscriptions/${quern.ready.subscriptionId}/resourceGroups/${quern.ready.resourceGroup}/providers/Microsoft.Storage/storageAccounts/${name}`;
const userIdentity = (quern: Quern, subscription: string): string =>
  `/subscriptions/${subscription}/resourceGroups/${quern.ready.resourceGroup}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id1`;
