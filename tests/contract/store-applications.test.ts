// Applications and packages in the database: what is written is read, lists go by key, and the guards hold.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ApplicationPackage, activatePackage, newApplication, newPackage } from "../../src/domain/applications.ts";
import {
  activeVersionsOf,
  checkApplications,
  checkPackagesActive,
  countApplications,
  countPackages,
  deleteApplication,
  deletePackage,
  getApplication,
  getPackage,
  insertApplication,
  insertPackage,
  knownPackages,
  listApplications,
  listPackages,
  saveApplication,
  savePackage,
} from "../../src/store/applications.ts";
import { isConflict, openedStore } from "./store-fixtures.ts";

const application = (id: string) => newApplication(id, { accountId: 1, stamp: 1 });
const version = (id: string, text: string): ApplicationPackage =>
  newPackage(application(id), text, { accountName: "acc", storageAccount: "store", guid: "g", stamp: 2 });
const activated = (one: ApplicationPackage): ApplicationPackage => activatePackage(one, { format: "zip", etag: "0x1", now: 3, stamp: 4 });

test("what is written is read", async (t) => {
  const store = await openedStore(t);
  const blender = application("Blender");
  await store.commit([...insertApplication(blender), ...insertPackage(version("Blender", "4.1B"))]);
  const changed = { ...blender, displayName: "Blender", allowUpdates: false, defaultVersion: "4.1B", modified: 9 };
  const active = activated(version("Blender", "4.1B"));
  await store.commit([...saveApplication(changed), ...savePackage(active)]);
  assert.deepEqual(await getApplication(store, 1, "blender"), { ...changed, generation: 1 });
  assert.deepEqual(await getPackage(store, { accountId: 1, applicationKey: "blender", key: "4.1b" }), { ...active, generation: 1 });
  assert.equal(await getApplication(store, 2, "blender"), undefined);
  await assert.rejects(store.commit(insertApplication(application("BLENDER"))), isConflict);
  await assert.rejects(store.commit(insertPackage(version("Blender", "4.1b"))), isConflict);
  await assert.rejects(store.commit(saveApplication(changed)), isConflict, "of an earlier generation");
  await assert.rejects(store.commit(savePackage(active)), isConflict, "of an earlier generation");
});

test("lists go by key; counts and versions are an account's own", async (t) => {
  const store = await openedStore(t);
  const other = { ...application("a"), accountId: 2 };
  await store.commit(["b", "A", "C"].flatMap((id) => insertApplication(application(id))));
  await store.commit([...insertApplication(other), ...insertPackage(activated({ ...version("a", "9"), accountId: 2 }))]);
  await store.commit(["2", "10", "1"].flatMap((text) => insertPackage(activated(version("A", text)))));
  await store.commit(insertPackage(version("b", "1")));
  const ids = async (after?: string) => (await listApplications(store, { accountId: 1, after, limit: 2 })).map(({ id }) => id);
  assert.deepEqual([await ids(), await ids("b")], [["A", "b"], ["C"]]);
  const versions = async (after?: string) =>
    (await listPackages(store, { accountId: 1, applicationKey: "a", after, limit: 2 })).map((one) => one.version);
  assert.deepEqual([await versions(), await versions("10")], [["1", "10"], ["2"]]);
  assert.deepEqual([await countApplications(store, 1), await countPackages(store, { accountId: 1, key: "a" })], [3, 3]);
  assert.deepEqual([...(await activeVersionsOf(store, 1, ["a", "b", "c"]))], [["a", ["1", "10", "2"]]]);
  const known = await knownPackages(store, 1, ["a", "b", "nothing", "a"]);
  assert.deepEqual(
    [[...known.applications.keys()], [...known.packages.keys()].sort()],
    [
      ["a", "b"],
      ["a 1", "a 10", "a 2", "b 1"],
    ],
  );
});

test("no application goes while it has packages, and no package is referred to that is not active", async (t) => {
  const store = await openedStore(t);
  const [app, pending] = [application("app"), version("app", "1")];
  await store.commit([...insertApplication(app), ...insertPackage(pending)]);
  await assert.rejects(store.commit(deleteApplication(app)), isConflict);
  await assert.rejects(store.commit(checkPackagesActive([pending])), isConflict);
  await store.commit(savePackage(activated(pending)));
  await store.commit([...checkPackagesActive([pending]), ...checkApplications([app])]);
  const row = (await getPackage(store, pending))!;
  await assert.rejects(store.commit(deletePackage(pending)), isConflict, "of an earlier generation");
  await store.commit(deletePackage(row));
  await assert.rejects(store.commit(checkPackagesActive([pending])), isConflict);
  await store.commit(deleteApplication(app));
  await assert.rejects(store.commit(checkApplications([app])), isConflict);
  assert.equal(await getApplication(store, 1, "app"), undefined);
});
