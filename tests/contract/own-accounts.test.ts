// The accounts of the command line over several starts: what is given counts once, what the management plane made since stays, and a published
// key is good only while it is given.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/lib/clock.ts";
import { systemIds } from "../../src/lib/ids.ts";
import { keepOwnAccounts, type OwnAccounts } from "../../src/operations/own-accounts.ts";
import { getAccountByName, saveAccount } from "../../src/store/accounts.ts";
import { getResourceGroup } from "../../src/store/resource-groups.ts";
import { openedStore } from "./store-fixtures.ts";

const published = "cHVibGlzaGVk";
const own = (...accounts: { name: string; key: string }[]): OwnAccounts => ({
  accounts,
  publishedKey: published,
  resourceGroup: "Quern",
  region: "eastus",
  subscription: "s",
  autoStorage: "devstoreaccount1",
});

test("a start makes what is missing, and the next changes nothing", async (t) => {
  const store = await openedStore(t);
  const [clock, ids] = [new ManualClock(1_000), systemIds()];
  const start = () => keepOwnAccounts(store, own({ name: "one", key: "b25l" }), clock, ids);
  await start();
  const first = (await getAccountByName(store, "one"))!;
  assert.equal(first.keys[0], "b25l");
  assert.equal(Buffer.from(first.keys[1], "base64").length, 64);
  assert.match(first.settings.autoStorage?.storageAccountId ?? "", /\/storageAccounts\/devstoreaccount1$/);
  assert.equal((await getResourceGroup(store, "quern"))?.name, "Quern");
  await start();
  assert.deepEqual(await getAccountByName(store, "one"), first);
});

test("a key that was regenerated stays until the command line gives another", async (t) => {
  const store = await openedStore(t);
  const [clock, ids] = [new ManualClock(1_000), systemIds()];
  const start = (key: string) => keepOwnAccounts(store, own({ name: "one", key }), clock, ids);
  const primary = async () => (await getAccountByName(store, "one"))!.keys[0];
  await start("b25l");
  const account = (await getAccountByName(store, "one"))!;
  await store.commit(saveAccount({ ...account, keys: ["bmV3", account.keys[1]] }));
  await start("b25l");
  assert.equal(await primary(), "bmV3");
  await start("dHdv");
  assert.equal(await primary(), "dHdv");
  assert.equal((await getAccountByName(store, "one"))!.keys[1], account.keys[1]);
});

test("a published key is good for nobody once it is no longer given", async (t) => {
  const store = await openedStore(t);
  const [clock, ids] = [new ManualClock(1_000), systemIds()];
  await keepOwnAccounts(store, own({ name: "dev", key: published }), clock, ids);
  const before = (await getAccountByName(store, "dev"))!;
  await keepOwnAccounts(store, own({ name: "mine", key: "bWluZQ==" }), clock, ids);
  const after = (await getAccountByName(store, "dev"))!;
  assert.ok(!after.keys.includes(published));
  assert.equal(after.keys[1], before.keys[1]);
  // Given again, it counts again: that is what the operator says.
  await keepOwnAccounts(store, own({ name: "dev", key: published }), clock, ids);
  assert.equal((await getAccountByName(store, "dev"))!.keys[0], published);
});
