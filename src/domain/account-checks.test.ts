// What may be set of a Batch account, and the settings that follow.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accountNameProblem, changedSettings, checkedIdentity, newSettings } from "./account-checks.ts";
import { defaultSettings } from "./accounts.ts";

const subscriptionId = "51756572-6e00-4000-8000-000000000001";
const around = { subscriptionId, hasStorage: (name: string) => name === "store", now: 5 };
const idOf = (type: string, name: string, subscription = subscriptionId): string =>
  `/subscriptions/${subscription}/resourceGroups/g/providers/${type}/${name}`;
const storageAccountId = idOf("Microsoft.Storage/storageAccounts", "store");
const vault = { id: idOf("Microsoft.KeyVault/vaults", "v"), url: "https://v.vault.azure.net/" };
const modes = ["SharedKey", "AAD", "TaskAuthenticationToken"];

test("names", () => {
  for (const name of ["abc", "a1b2c3", "a".repeat(24)]) assert.equal(accountNameProblem(name), undefined, name);
  for (const name of ["", "ab", "a".repeat(25), "Abc", "a-b", "a_b", "äbc", "a b", "a.b", "abc~1"])
    assert.notEqual(accountNameProblem(name), undefined, name);
});

test("a new account has the defaults", () => assert.deepEqual(newSettings({}, around), defaultSettings));

test("what is given replaces what was there as a whole, and the rest stays", () => {
  const before = newSettings({ autoStorage: { storageAccountId }, publicNetworkAccess: "Disabled" }, around);
  const after = changedSettings(before, { networkProfile: { accountAccess: { defaultAction: "Deny" } } }, { ...around, now: 9 });
  assert.deepEqual(after.autoStorage, { storageAccountId, authenticationMode: "StorageKeys", lastKeySync: 5 });
  assert.equal(after.publicNetworkAccess, "Disabled");
  assert.deepEqual(changedSettings(after, { networkProfile: {} }, around).networkProfile, {});
});

test("an empty id detaches auto storage", () => {
  const before = newSettings({ autoStorage: { storageAccountId } }, around);
  assert.equal("autoStorage" in changedSettings(before, { autoStorage: { storageAccountId: " " } }, around), false);
});

test("modes are in the service's order, each once; none at all is what it says", () => {
  const of = (allowedAuthenticationModes: ("AAD" | "SharedKey")[]) =>
    changedSettings(defaultSettings, { allowedAuthenticationModes }, around).allowedAuthenticationModes;
  assert.deepEqual(of(["AAD", "SharedKey", "AAD"]), ["SharedKey", "AAD"]);
  assert.deepEqual(of([]), []);
});

test("an account of the user's subscription has a key vault and no shared key", () => {
  const { allowedAuthenticationModes } = newSettings({ poolAllocationMode: "UserSubscription", keyVaultReference: vault }, around);
  assert.deepEqual(allowedAuthenticationModes, modes.slice(1));
});

const refusals: [what: string, properties: Parameters<typeof newSettings>[0], code: string][] = [
  ["no key vault", { poolAllocationMode: "UserSubscription" }, "InvalidRequestBody"],
  ["no id of a key vault", { poolAllocationMode: "UserSubscription", keyVaultReference: { ...vault, id: "v" } }, "LinkedInvalidPropertyId"],
  [
    "the id of something else",
    { poolAllocationMode: "UserSubscription", keyVaultReference: { ...vault, id: storageAccountId } },
    "LinkedInvalidPropertyId",
  ],
  ["no address of a vault", { poolAllocationMode: "UserSubscription", keyVaultReference: { ...vault, url: "v" } }, "InvalidPropertyValue"],
  [
    "a shared key for the user's subscription",
    { poolAllocationMode: "UserSubscription", keyVaultReference: vault, allowedAuthenticationModes: ["SharedKey"] },
    "InvalidPropertyValue",
  ],
  ["no such storage", { autoStorage: { storageAccountId: `${storageAccountId}2` } }, "InvalidPropertyValue"],
  ["no id of storage", { autoStorage: { storageAccountId: "store" } }, "LinkedInvalidPropertyId"],
  [
    "storage of another subscription",
    { autoStorage: { storageAccountId: idOf("Microsoft.Storage/storageAccounts", "store", "x") } },
    "LinkedAuthorizationFailed",
  ],
  [
    "a rule that is none",
    { networkProfile: { nodeManagementAccess: { defaultAction: "Deny", ipRules: [{ action: "Allow", value: "x" }] } } },
    "InvalidPropertyValue",
  ],
  ["encryption without a key", { encryption: { keySource: "Microsoft.KeyVault" } }, "InvalidPropertyValue"],
  ["encryption with a key for nothing", { encryption: { keySource: "Microsoft.Batch", keyVaultProperties: {} } }, "InvalidPropertyValue"],
];

for (const [what, properties, code] of refusals)
  test(`refused: ${what}`, () => assert.throws(() => newSettings(properties, around), { code }));

test("identities", async (t) => {
  const user = (subscription = subscriptionId) => idOf("Microsoft.ManagedIdentity/userAssignedIdentities", "u", subscription);
  const make = { subscriptionId, newId: () => "fresh" };
  await t.test("a system-assigned one is made once", () => {
    const first = checkedIdentity({ type: "SystemAssigned" }, undefined, make);
    assert.deepEqual(first, { type: "SystemAssigned", principalId: "fresh" });
    assert.deepEqual(checkedIdentity({ type: "SystemAssigned" }, { ...first, principalId: "old" }, make).principalId, "old");
    assert.deepEqual(checkedIdentity(undefined, first, make), { type: "None" });
  });
  await t.test("the user's are those of the subscription", () => {
    const { userAssignedIdentities } = checkedIdentity({ type: "UserAssigned", userAssignedIdentities: { [user()]: {} } }, undefined, make);
    assert.deepEqual(userAssignedIdentities, [user()]);
    const refused = (wanted: Parameters<typeof checkedIdentity>[0], code: string) =>
      assert.throws(() => checkedIdentity(wanted, undefined, make), { code });
    refused({ type: "UserAssigned" }, "InvalidPropertyValue");
    refused({ type: "None", userAssignedIdentities: { [user()]: {} } }, "InvalidPropertyValue");
    refused({ type: "UserAssigned", userAssignedIdentities: { [user("x")]: {} } }, "LinkedAuthorizationFailed");
    refused({ type: "UserAssigned", userAssignedIdentities: { [storageAccountId]: {} } }, "LinkedInvalidPropertyId");
  });
});
