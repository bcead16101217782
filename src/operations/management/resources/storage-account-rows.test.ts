// The rows beside the storage's accounts, as each start leaves them.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ManualClock } from "../../../lib/clock.ts";
import type { StorageAccount, StorageAccounts } from "../../../storage/accounts.ts";
import type { Store } from "../../../store/db.ts";
import { insertResourceGroup } from "../../../store/resource-groups.ts";
import { getResource, insertResource } from "../../../store/resources.ts";
import { openSqlite } from "../../../store/sqlite.ts";
import { findStorageRow, keepStorageRows, type StorageRow, storageAccountType } from "./storage-account-rows.ts";

const settings = { resourceGroup: "Default", region: "japaneast" };

const storageOf = (kind: StorageAccount["kind"], ...names: string[]): StorageAccounts => {
  const accounts = names.map((name): StorageAccount => ({ name, kind, keys: [] }));
  return {
    all: () => accounts,
    find: (name: string) => accounts.find((one) => one.name === name.toLowerCase()),
  } as unknown as StorageAccounts;
};

const aRow = (name: string, provisioningState: string): StorageRow => ({
  type: storageAccountType,
  name,
  resourceGroup: "Other",
  location: "eastus",
  tags: { a: "b" },
  properties: { sku: { name: "Standard_LRS" }, kind: "StorageV2", settings: {}, keysMadeAt: { key1: 1, key2: 1 } },
  provisioningState,
  createdAt: 1,
  createdBy: "someone",
  modified: 1,
  modifiedBy: "someone",
  generation: 0,
});

const world = async (t: TestContext) => {
  const clock = new ManualClock();
  const store: Store = await openSqlite({ file: ":memory:", clock });
  t.after(() => store.close());
  for (const name of ["Default", "Other"])
    await store.commit(
      insertResourceGroup({
        key: name.toLowerCase(),
        name,
        location: "eastus",
        tags: {},
        provisioningState: "Succeeded",
        createdAt: 0,
        generation: 0,
      }),
    );
  return { store, keep: (storage: StorageAccounts) => keepStorageRows(store, storage, settings, clock) };
};

test("the storage's own accounts are resources of the default group, made once", async (t) => {
  const { store, keep } = await world(t);
  await keep(storageOf("embedded", "devstoreaccount1"));
  const row = (await findStorageRow(store, "DEVSTOREACCOUNT1"))!;
  assert.deepEqual([row.resourceGroup, row.location, row.provisioningState], ["Default", "japaneast", "Succeeded"]);
  await keep(storageOf("embedded", "devstoreaccount1"));
  assert.equal((await findStorageRow(store, "devstoreaccount1"))!.generation, row.generation);
});

test("a creation that was cut short is finished, or forgotten where the account was not made", async (t) => {
  const { store, keep } = await world(t);
  await store.commit([...insertResource(aRow("made", "Creating")), ...insertResource(aRow("unmade", "Creating"))]);
  await keep(storageOf("embedded", "devstoreaccount1", "made"));
  const made = (await getResource(store, { type: storageAccountType, resourceGroup: "other", name: "made" }))!;
  assert.deepEqual([made.provisioningState, made.tags], ["Succeeded", { a: "b" }]);
  assert.equal(await findStorageRow(store, "unmade"), undefined);
});

test("with another storage, or none, the rows wait for the embedded one", async (t) => {
  const { store, keep } = await world(t);
  await store.commit(insertResource(aRow("mine", "Succeeded")));
  await keep(storageOf("external", "elsewhere"));
  assert.equal((await findStorageRow(store, "elsewhere"))!.resourceGroup, "Default");
  await keep(storageOf("external"));
  assert.deepEqual((await findStorageRow(store, "mine"))!.tags, { a: "b" });
});
