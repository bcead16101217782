// The life of images and containers without HTTP and without a network: a real store, a real file system for containers, and an engine that
// does what the test tells it.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeImageCatalogue } from "../domain/image-catalogue.ts";
import type { LiveImageCatalogue } from "../domain/images.ts";
import {
  type ContainerProperties,
  galleryImageType,
  type ImageProperties,
  marketplaceImageType,
  newImage,
  storageContainerType,
  type WantedImage,
} from "../domain/stack-hci.ts";
import { ImportFailed } from "../images/failures.ts";
import { type ImportedImage, type ImportProgress, type ImportRequest, ImportSuspended } from "../images/import.ts";
import { ManualClock } from "../lib/clock.ts";
import { silentLog } from "../lib/log.ts";
import { getAsyncOperation, insertAsyncOperation } from "../store/async-operations.ts";
import type { Store } from "../store/db.ts";
import { getResource, insertResource, type Resource, type ResourceKey, saveResource } from "../store/resources.ts";
import { openSqlite } from "../store/sqlite.ts";
import { createImageWork, type ImageOrigin, type ImageWork } from "./image-work.ts";

const subscriptionId = "51756572-6e00-4000-8000-000000000001";

type Begun = {
  directory: string;
  asDisk: boolean | undefined;
  origin: ImageOrigin;
  signal: AbortSignal;
  tell(progress: ImportProgress): void;
  finish(image?: Partial<ImportedImage>): void;
  fail(error: Error): void;
};

type World = {
  store: Store;
  clock: ManualClock;
  images: LiveImageCatalogue;
  work: ImageWork;
  directory: string;
  allowed: string;
  /** Imports in the order in which they began. */
  begun: Begun[];
  removed: string[];
  /** Resolves when so many have begun. */
  hasBegun(count: number): Promise<void>;
  /** The next control plane on the same store. */
  restart(): Promise<ImageWork>;
};

const finished: ImportedImage = {
  format: "tar",
  sha256: "ab".repeat(32),
  downloadedBytes: 3 * 2 ** 20,
  rootfsBytes: 7 * 2 ** 20,
  files: 4,
  osRelease: { id: "debian", versionId: "12", prettyName: "Debian" },
  osDiskSizeInMB: 7,
};

const newWorld = async (t: TestContext): Promise<World> => {
  const base = mkdtempSync(join(tmpdir(), "quern-image-work-"));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const clock = new ManualClock();
  const store = await openSqlite({ file: ":memory:", clock, synchronous: "off", onFatal: (error) => assert.fail(error) });
  t.after(() => store.close());
  const images = makeImageCatalogue({ hostRelease: { id: "debian", versionId: "12" }, strictImages: false });
  const begun: Begun[] = [];
  const removed: string[] = [];
  let watchers: (() => void)[] = [];
  const engine = {
    import: ({ directory, asDisk, ...origin }: ImportRequest, tell: (progress: ImportProgress) => void, signal: AbortSignal) => {
      const { promise, resolve, reject } = Promise.withResolvers<ImportedImage>();
      signal.addEventListener("abort", () => reject(signal.reason));
      begun.push({ directory, asDisk, origin, signal, tell, finish: (image) => resolve({ ...finished, ...image }), fail: reject });
      for (const watcher of watchers) watcher();
      return promise;
    },
    inMarketplace: async ({ sku }: { sku: string }, version: string): Promise<ImageOrigin> => {
      if (sku === "unknown") throw new ImportFailed("ImageSourceNotFound", `no ${sku} ${version}`);
      return { source: { kind: "path", path: `/market/${sku}-${version}` }, expectedSha256: "00", osType: "Linux" };
    },
    remove: async (directory: string) => void removed.push(directory),
  };
  const allowed = join(base, "allowed");
  mkdirSync(allowed);
  const directory = join(base, "images");
  const parts = { store, clock, log: silentLog, images, engine, subscriptionId, directory, allowedPaths: [allowed] };
  const restart = async (): Promise<ImageWork> => {
    const work = createImageWork(parts);
    await work.start();
    return work;
  };
  const hasBegun = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (begun.length < count) return;
        watchers = watchers.filter((one) => one !== look);
        resolve();
      };
      watchers.push(look);
      look();
    });
  return { store, clock, images, work: await restart(), directory, allowed, begun, removed, hasBegun, restart };
};

const rowOf = <P extends object>(world: World, key: ResourceKey, properties: P): Resource<P> => ({
  ...key,
  location: "eastus",
  tags: {},
  properties,
  provisioningState: "Accepted",
  createdAt: world.clock.now(),
  createdBy: "someone",
  modified: world.clock.stamp(),
  modifiedBy: "someone",
  generation: 1,
});

const keyOf = (name: string, type: string = galleryImageType): ResourceKey => ({ type, resourceGroup: "rg", name });
const idOf = ({ type, resourceGroup, name }: ResourceKey): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/${type}/${name}`;

/** As the handler commits it. */
const put = async (world: World, key: ResourceKey, wanted: Partial<WantedImage> = {}): Promise<void> => {
  const properties = newImage(
    { osType: "Linux", imagePath: "/images/a.tar", ...wanted },
    { uid: `uid-${key.name}`, operationId: `op-${key.name}` },
  );
  const operation = {
    id: `op-${key.name}`,
    kind: "GalleryImages_CreateOrUpdate",
    resourceId: idOf(key),
    status: "InProgress",
    startedAt: 1,
  } as const;
  await world.store.commit([...insertResource(rowOf(world, key, properties)), ...insertAsyncOperation(operation)]);
  world.work.ring(key);
};

const putContainer = async (world: World, name: string, path: string): Promise<Resource<ContainerProperties>> => {
  const key = keyOf(name, storageContainerType);
  await world.store.commit(insertResource(rowOf(world, key, { uid: `uid-${name}`, operationId: `op-${name}`, path })));
  world.work.ring(key);
  await world.work.idle();
  return (await getResource<ContainerProperties>(world.store, key))!;
};

const imageOf = async (world: World, key: ResourceKey): Promise<Resource<ImageProperties>> =>
  (await getResource<ImageProperties>(world.store, key))!;
const stateOf = async (world: World, key: ResourceKey): Promise<string | undefined> =>
  (await getResource(world.store, key))?.provisioningState;

/** Its turn has come and everything that follows from it. */
const settled = async (world: World, work = world.work): Promise<void> => {
  await new Promise((turn) => setImmediate(turn));
  await work.idle();
};

const remove = async (world: World, key: ResourceKey): Promise<void> => {
  await world.store.commit(saveResource({ ...(await imageOf(world, key)), provisioningState: "Deleting" }));
  const gone = world.work.gone(key);
  world.work.ring(key);
  await gone;
};

test("an import: in progress, then finished with its operation, known to the accounts, its source forgotten", async (t) => {
  const world = await newWorld(t);
  const key = keyOf("one");
  await put(world, key, { hyperVGeneration: "V2" });
  await world.hasBegun(1);
  assert.equal(await stateOf(world, key), "InProgress");
  assert.deepEqual(world.begun[0]!.origin, { source: { kind: "path", path: "/images/a.tar" } });
  assert.equal(world.begun[0]!.directory, join(world.directory, "uid-one"));
  world.begun[0]!.finish();
  await settled(world);
  const { provisioningState, properties } = await imageOf(world, key);
  assert.equal(provisioningState, "Succeeded");
  assert.equal(properties.imagePath, undefined);
  assert.deepEqual([properties.percentage, properties.downloadedBytes, properties.image?.osDiskSizeInMB], [100, 3 * 2 ** 20, 7]);
  assert.equal((await getAsyncOperation(world.store, "op-one"))?.status, "Succeeded");
  const entry = world.images.find({ virtualMachineImageId: idOf(key).toUpperCase() });
  assert.equal(entry?.backing, "rootfs");
  assert.equal(entry.nodeAgentSKUId, "batch.node.debian 12");
  assert.deepEqual(entry.capabilities, ["Generation2VMImage"]);
});

test("progress is shown at once and saved now and then, and does not go back after a restart", async (t) => {
  const world = await newWorld(t);
  const key = keyOf("one");
  await put(world, key);
  await world.hasBegun(1);
  world.begun[0]!.tell({ phase: "downloading", downloadedBytes: 500, percentage: 40 });
  assert.equal(world.work.progressOf("uid-one")?.percentage, 40);
  assert.equal((await imageOf(world, key)).properties.percentage, 0);
  world.clock.advance(3000);
  await settled(world);
  assert.equal((await imageOf(world, key)).properties.percentage, 40);
  await world.work.stop();
  assert.ok(world.begun[0]!.signal.reason instanceof ImportSuspended);
  assert.equal(await stateOf(world, key), "InProgress");

  const next = await world.restart();
  await world.hasBegun(2);
  assert.equal(world.begun[1]!.directory, world.begun[0]!.directory);
  world.begun[1]!.tell({ phase: "downloading", downloadedBytes: 100, percentage: 10 });
  assert.deepEqual([next.progressOf("uid-one")?.percentage, next.progressOf("uid-one")?.downloadedBytes], [40, 500]);
  world.begun[1]!.finish();
  await settled(world, next);
  assert.equal(await stateOf(world, key), "Succeeded");
});

test("two imports at once; the others wait for their turn", async (t) => {
  const world = await newWorld(t);
  const keys = ["a", "b", "c", "d"].map((name) => keyOf(name));
  for (const key of keys) await put(world, key);
  await world.hasBegun(2);
  await settled(world);
  assert.equal(world.begun.length, 2);
  assert.deepEqual(await Promise.all(keys.map((key) => stateOf(world, key))), ["InProgress", "InProgress", "Accepted", "Accepted"]);
  world.begun[0]!.finish();
  await world.hasBegun(3);
  world.begun[1]!.fail(new ImportFailed("ImageArchiveCorrupt", "It is cut off."));
  await world.hasBegun(4);
  for (const one of world.begun.slice(2)) one.finish();
  await settled(world);
  assert.deepEqual(await Promise.all(keys.map((key) => stateOf(world, key))), ["Succeeded", "Failed", "Succeeded", "Succeeded"]);
});

test("a failed import: its reason is in the row and in the operation, and nothing of it stays", async (t) => {
  const world = await newWorld(t);
  const key = keyOf("one");
  await put(world, key);
  await world.hasBegun(1);
  world.begun[0]!.tell({ phase: "downloading", downloadedBytes: 77, percentage: 5 });
  world.begun[0]!.fail(new ImportFailed("InsufficientStorage", "There is no room."));
  await settled(world);
  const { provisioningState, properties } = await imageOf(world, key);
  assert.equal(provisioningState, "Failed");
  assert.deepEqual(properties.failure, { code: "InsufficientStorage", message: "There is no room." });
  assert.deepEqual([properties.imagePath, properties.downloadedBytes, properties.percentage], [undefined, 77, 5]);
  assert.deepEqual(world.removed, [join(world.directory, "uid-one")]);
  const operation = await getAsyncOperation(world.store, "op-one");
  assert.deepEqual([operation?.status, operation?.error?.code], ["Failed", "InsufficientStorage"]);
  assert.equal(world.images.find({ virtualMachineImageId: idOf(key) }), undefined);
});

test("what goes wrong on the server's side is a failure without details", async (t) => {
  const world = await newWorld(t);
  await put(world, keyOf("one"));
  await world.hasBegun(1);
  world.begun[0]!.fail(new Error("EIO: /secret/path?sig=abc"));
  await settled(world);
  const { failure } = (await imageOf(world, keyOf("one"))).properties;
  assert.equal(failure?.code, "InternalError");
  assert.doesNotMatch(failure.message, /secret|sig/);
});

test("deleting an image that comes stops its import first, removes its files, and the next one has its turn", async (t) => {
  const world = await newWorld(t);
  for (const name of ["a", "b", "c"]) await put(world, keyOf(name));
  await world.hasBegun(2);
  await settled(world);
  await remove(world, keyOf("a"));
  assert.ok(world.begun[0]!.signal.aborted);
  assert.equal(await stateOf(world, keyOf("a")), undefined);
  assert.deepEqual(world.removed, [join(world.directory, "uid-a")]);
  await world.hasBegun(3);
  await remove(world, keyOf("c"));
  assert.equal(await stateOf(world, keyOf("c")), undefined);
});

test("a deletion that a crash cut off goes on at the next start, and the image is not known any more", async (t) => {
  const world = await newWorld(t);
  const key = keyOf("one");
  await put(world, key);
  await world.hasBegun(1);
  world.begun[0]!.finish();
  await settled(world);
  assert.notEqual(world.images.find({ virtualMachineImageId: idOf(key) }), undefined);
  await world.work.stop();
  await world.store.commit(saveResource({ ...(await imageOf(world, key)), provisioningState: "Deleting" }));
  const next = await world.restart();
  await settled(world, next);
  assert.equal(await stateOf(world, key), undefined);
  assert.equal(world.images.find({ virtualMachineImageId: idOf(key) }), undefined);
});

test("a marketplace image takes the place of the entry of that name, in the newest version for latest", async (t) => {
  const world = await newWorld(t);
  const names = { publisher: "Canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" };
  assert.equal(world.images.find(names)?.backing, "host");
  for (const version of ["22.04.9", "22.04.10"])
    await put(world, keyOf(`m${version}`, marketplaceImageType), { identifier: names, version, imagePath: undefined });
  await world.hasBegun(2);
  assert.deepEqual(
    world.begun.map(({ origin }) => origin.expectedSha256),
    ["00", "00"],
  );
  for (const one of world.begun) one.finish({ osRelease: { id: "ubuntu", versionId: "22.04", prettyName: "Ubuntu" } });
  await settled(world);
  const latest = world.images.find({ ...names, version: "latest" });
  assert.deepEqual([latest?.backing, latest?.exactVersion, latest?.nodeAgentSKUId], ["rootfs", "22.04.10", "batch.node.ubuntu 22.04"]);
  assert.equal(world.images.find({ ...names, version: "22.04.9" })?.exactVersion, "22.04.9");
  assert.equal(world.images.find({ ...names, version: "1.2.3" })?.backing, "host");
  const listed = world.images.all().filter(({ imageReference: { sku } }) => sku === names.sku);
  assert.deepEqual(listed.map(({ imageReference: { version }, backing }) => [version, backing]).sort(), [
    ["22.04.10", "rootfs"],
    ["22.04.9", "rootfs"],
  ]);
  await remove(world, keyOf("m22.04.10", marketplaceImageType));
  await remove(world, keyOf("m22.04.9", marketplaceImageType));
  assert.equal(world.images.find(names)?.backing, "host");
});

test("a gallery image does not take a well-known name, and one that no image has is its own", async (t) => {
  const world = await newWorld(t);
  const wellKnown = { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" };
  const own = { publisher: "us", offer: "tools", sku: "base" };
  await put(world, keyOf("a"), { identifier: wellKnown, version: "1.0.0" });
  await put(world, keyOf("b"), { identifier: own, version: "2.0.0" });
  await world.hasBegun(2);
  for (const one of world.begun) one.finish();
  await settled(world);
  assert.equal(world.images.find(wellKnown)?.backing, "host");
  assert.equal(world.images.find({ virtualMachineImageId: idOf(keyOf("a")) })?.backing, "rootfs");
  assert.equal(world.images.find(own)?.resourceId, idOf(keyOf("b")));
});

test("what cannot be imported is not begun: a system that the marketplace does not have, an unknown marketplace image, a container that cannot be opened", async (t) => {
  const world = await newWorld(t);
  const container = await putContainer(world, "inside", join(world.allowed, "deep/er"));
  assert.equal(container.provisioningState, "Succeeded");
  assert.ok(existsSync(join(world.allowed, "deep/er")));
  rmSync(join(world.allowed, "deep"), { recursive: true });
  symlinkSync(tmpdir(), join(world.allowed, "deep"));
  const windows = { publisher: "p", offer: "o", sku: "known" };
  await put(world, keyOf("w", marketplaceImageType), { osType: "Windows", identifier: windows, version: "1", imagePath: undefined });
  await put(world, keyOf("m", marketplaceImageType), {
    identifier: { publisher: "p", offer: "o", sku: "unknown" },
    version: "1",
    imagePath: undefined,
  });
  await put(world, keyOf("c"), { containerId: idOf(keyOf("inside", storageContainerType)) });
  const keys = [keyOf("w", marketplaceImageType), keyOf("m", marketplaceImageType), keyOf("c")];
  for (const key of keys) while ((await stateOf(world, key)) !== "Failed") await settled(world);
  const codes = await Promise.all(keys.map(async (key) => (await imageOf(world, key)).properties.failure?.code));
  assert.deepEqual(codes, ["ImageSourceInvalid", "ImageSourceNotFound", "StoragePathNotAllowed"]);
  assert.equal(world.begun.length, 0);
});

test("a Windows image is kept as a disk, listed, and never run", async (t) => {
  const world = await newWorld(t);
  await put(world, keyOf("one"), { osType: "Windows" });
  await world.hasBegun(1);
  assert.equal(world.begun[0]!.asDisk, true);
  world.begun[0]!.finish({ format: "vhdx", osRelease: undefined });
  await settled(world);
  const entry = world.images.find({ virtualMachineImageId: idOf(keyOf("one")) });
  assert.deepEqual([entry?.osType, entry?.backing, entry?.verificationType], ["windows", "none", "unverified"]);
  assert.equal(entry?.nodeAgentSKUId, "batch.node.windows amd64");
});

test("containers: below an allowed directory, or a Windows path that stands for one of ours; their images are in them", async (t) => {
  const world = await newWorld(t);
  const failureOf = async (name: string, path: string): Promise<string | undefined> =>
    (await putContainer(world, name, path)).properties.failure?.code;
  assert.equal(await failureOf("outside", "/etc/quern-images"), "StoragePathNotAllowed");
  assert.equal(await failureOf("climbing", join(world.allowed, "..", "x").replace(/x$/, "../../etc")), "StoragePathNotAllowed");
  assert.equal(await failureOf("dots", `${world.allowed}/../etc`), "StoragePathNotAllowed");
  assert.equal(await failureOf("relative", "images"), "StoragePathInvalid");
  assert.equal(await failureOf("file", "/dev/null"), "StoragePathNotAllowed");
  const windows = await putContainer(world, "windows", "C:\\container_storage");
  assert.equal(windows.provisioningState, "Succeeded");
  assert.ok(existsSync(join(world.directory, "containers/uid-windows")));
  await put(world, keyOf("one"), { containerId: idOf(keyOf("windows", storageContainerType)) });
  await world.hasBegun(1);
  assert.equal(world.begun[0]!.directory, join(world.directory, "containers/uid-windows/uid-one"));
});
