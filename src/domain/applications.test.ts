// Rules of applications and packages, and what references mean.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Application,
  type ApplicationPackage,
  activatePackage,
  applicationKeyOf,
  changeApplication,
  deletePackage,
  isApplicationName,
  isVersionName,
  type KnownPackages,
  newApplication,
  newPackage,
  overwritePackage,
  packageContainer,
  packageKey,
  resolvePackage,
  revisionOf,
} from "./applications.ts";

const blender = newApplication("Blender", { accountId: 1, stamp: 1 });
const at = { accountName: "acc", storageAccount: "store", guid: "g1", stamp: 2 };
const uploaded = (version: string): ApplicationPackage => newPackage(blender, version, at);
const active = (version: string, etag = "0x1"): ApplicationPackage =>
  activatePackage(uploaded(version), { format: "zip", etag, now: 5, stamp: 3 });

test("names are those of the documents", () => {
  for (const name of ["a", "A-b_9", "x".repeat(64)]) assert.ok(isApplicationName(name) && isVersionName(name), name);
  for (const name of ["", "a b", "é", "x".repeat(65), "a/b", "a\n"]) assert.ok(!isApplicationName(name) && !isVersionName(name), name);
  assert.deepEqual([isApplicationName("1.0"), isVersionName("1.0"), isVersionName(".1"), isVersionName("..")], [false, true, false, false]);
});

test("containers keep to the rules for containers and are each application's own", () => {
  const containers = ["app", "App", "a_b", "a-b", "_", "a".repeat(64), `${"a".repeat(39)}_b`].map((id) => packageContainer("acc", id));
  for (const name of containers) assert.match(name, /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/);
  assert.equal(containers[0], containers[1], "ids are compared without regard to case");
  assert.equal(new Set(containers).size, containers.length - 1);
  assert.notEqual(packageContainer("other", "app"), containers[0], "accounts may share their storage");
});

test("a default version is that of a package, in its own spelling", () => {
  const to = (defaultVersion: string | undefined, named?: ApplicationPackage) => changeApplication(blender, { defaultVersion }, named, 9);
  assert.deepEqual(to("1.0B"), { refused: "ApplicationPackageNotFound" });
  assert.deepEqual(to("1.0b", uploaded("1.0B")), { after: { ...blender, displayName: undefined, defaultVersion: "1.0B", modified: 9 } });
  const withDefault = { ...blender, defaultVersion: "1.0B" };
  assert.deepEqual(changeApplication(withDefault, { displayName: "B" }, undefined, 9), {
    after: { ...withDefault, displayName: "B", modified: 9 },
  });
  const cleared = changeApplication(withDefault, { defaultVersion: "" }, undefined, 9);
  assert.equal("after" in cleared && cleared.after.defaultVersion, undefined);
});

test("the default version goes with its package; without updates nothing is overwritten or deleted", () => {
  const withDefault: Application = { ...blender, defaultVersion: "1.0B" };
  assert.deepEqual(deletePackage(withDefault, uploaded("2"), 9), { after: withDefault });
  const gone = deletePackage(withDefault, uploaded("1.0b"), 9);
  assert.deepEqual("after" in gone && [gone.after.defaultVersion, gone.after.modified], [undefined, 9]);
  const fixed = { ...withDefault, allowUpdates: false };
  assert.deepEqual(deletePackage(fixed, uploaded("2"), 9), { refused: "ApplicationUpdatesNotAllowed" });
  assert.deepEqual(overwritePackage(fixed, active("2"), uploaded("2"), 9), { refused: "ApplicationUpdatesNotAllowed" });
});

test("a package that is made again is pending until it is activated again, in the same blob", () => {
  const again = overwritePackage(blender, active("1.0"), newPackage(blender, "1.0", { ...at, guid: "g2" }), 9);
  assert.ok("after" in again);
  assert.deepEqual(
    [again.after.state, again.after.format, again.after.lastActivatedAt, again.after.etag],
    ["pending", undefined, undefined, undefined],
  );
  assert.deepEqual(again.after.blob, active("1.0").blob);
  const moved = newPackage(blender, "1.0", { ...at, storageAccount: "other", guid: "g2" });
  const elsewhere = overwritePackage(blender, active("1.0"), moved, 9);
  assert.deepEqual("after" in elsewhere && elsewhere.after.blob, moved.blob);
});

test("a revision is one content of one blob", () => {
  assert.equal(revisionOf(active("1.0")), revisionOf({ ...active("1.0"), lastActivatedAt: 99, modified: 99 }));
  assert.notEqual(revisionOf(active("1.0")), revisionOf(active("1.0", "0x2")));
  assert.notEqual(revisionOf(active("1.0")), revisionOf(active("1.1")));
  assert.match(revisionOf(active("1.0")), /^[0-9a-f]{12}$/);
});

const resource = (account: string, id: string): string =>
  `/subscriptions/s/resourceGroups/g/providers/Microsoft.Batch/batchAccounts/${account}/applications/${id}`;

test("an application is named by its id or by its resource id in this account", () => {
  const keyOf = (applicationId: string) => applicationKeyOf({ applicationId }, "acc");
  assert.deepEqual(
    [keyOf("Blender"), keyOf(resource("ACC", "Blender")), keyOf(resource("acc", "b").toUpperCase())],
    ["blender", "blender", "b"],
  );
  assert.deepEqual(
    [keyOf(resource("other", "Blender")), keyOf("/applications/Blender"), keyOf(`${resource("acc", "b")}/versions/1`)],
    [undefined, undefined, undefined],
  );
});

test("what references mean", () => {
  const known = (defaultVersion: string | undefined, ...packages: ApplicationPackage[]): KnownPackages => ({
    applications: new Map([["blender", { ...blender, defaultVersion }]]),
    packages: new Map(packages.map((one) => [packageKey(one.applicationKey, one.version), one])),
  });
  const meant = (reference: { applicationId: string; version?: string }, of: KnownPackages): string => {
    const found = resolvePackage(reference, of, "acc");
    return "reason" in found ? found.reason : found.package.version;
  };
  const missing = "The specified application package does not exist.";
  const both = known("1.0", active("1.0"), active("2.0B"), uploaded("3"));
  for (const [applicationId, version, expected] of [
    ["blender", undefined, "1.0"],
    ["BLENDER", "", "1.0"],
    ["blender", "2.0b", "2.0B"],
    [resource("acc", "blender"), "2.0B", "2.0B"],
    ["blender", "9", missing],
    ["blender", "3", "The specified application package is not active."],
    ["other", undefined, missing],
    [resource("other", "blender"), undefined, missing],
  ] as const) {
    assert.equal(meant({ applicationId, version }, both), expected, `${applicationId} ${version}`);
  }
  assert.equal(meant({ applicationId: "blender" }, known(undefined, active("1.0"))), "The specified application has no default version.");
  assert.equal(meant({ applicationId: "blender" }, known("3", uploaded("3"))), "The specified application package is not active.");
});
