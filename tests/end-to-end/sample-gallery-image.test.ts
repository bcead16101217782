// The sample of the reference page "Gallery Images - Get", built through the API from a real file a thousand times smaller and read back property
// by property: what is set is equal, what is computed has the sample's shape and tells what really happened.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { armPoll } from "../support/arm.ts";
import { hci } from "../support/hci.ts";
import { startQuern } from "../support/quern.ts";
import { newDirectory } from "../support/rootfs.ts";
import { sharedPath } from "../support/shared.ts";

const example = JSON.parse(readFileSync(sharedPath("specs/azurestackhci-vm/examples/GetGalleryImage.json"), "utf8"));
const sample = example.responses["200"].body;
const [, subscription, group] = /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\//.exec(sample.id)!;
const megabyte = 2 ** 20;

/** The names of all properties, with the JSON type of each value. */
const shapeOf = (value: unknown, at = ""): string[] =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([name, held]) => shapeOf(held, `${at}.${name}`))
    : [`${at}: ${typeof value}`];

/** A disk with one NTFS partition, as far as that can be made without Windows: its table, its boot sector, and data. */
const windowsDisk = ({ usedBytes, sizeBytes }: { usedBytes: number; sizeBytes: number }): Buffer => {
  const disk = Buffer.alloc(sizeBytes);
  const [start, entry] = [2048, 446];
  disk.writeUInt8(0x80, entry);
  disk.writeUInt8(0x07, entry + 4);
  disk.writeUInt32LE(start, entry + 8);
  disk.writeUInt32LE(sizeBytes / 512 - start, entry + 12);
  disk.writeUInt16LE(0xaa55, 510);
  disk.write("NTFS    ", start * 512 + 3, "latin1");
  randomBytes(usedBytes).copy(disk, start * 512 + 512);
  return disk;
};

test("the sample gallery image, in its storage container", { timeout: 120_000 }, async (t) => {
  const directory = newDirectory(t);
  const source = join(directory, "test.vhd.gz");
  const disk = windowsDisk({ usedBytes: 9 * megabyte, sizeBytes: 30 * megabyte });
  writeFileSync(source, gzipSync(disk, { level: 1 }));
  const args = ["--storage", "none", "--subscription", subscription!, "--resource-group", group!, "--allow-image-path", directory];
  const quern = await startQuern(t, { args });
  const azure = hci(quern);
  const storage = join(directory, "container_storage");
  const container = await azure.made(
    "storageContainers",
    "test-storage-container",
    { path: storage },
    { extendedLocation: sample.extendedLocation },
  );
  assert.equal(container.id, sample.properties.containerId);
  assert.equal(container.properties.provisioningState, "Succeeded");

  const { osType, cloudInitDataSource, hyperVGeneration, containerId, identifier, version: sampleVersion } = sample.properties;
  const set = { osType, cloudInitDataSource, hyperVGeneration, containerId, identifier };
  const created = await azure.put(
    "galleryImages",
    sample.name,
    { ...set, version: { name: sampleVersion.name }, imagePath: source },
    { extendedLocation: sample.extendedLocation },
  );
  assert.equal(created.status, 201);
  assert.equal(created.json.properties.provisioningState, "Accepted");

  const seen: { percentage: number; size: number; state: string }[] = [];
  for (;;) {
    const { json } = await azure.get("galleryImages", sample.name);
    const { status, provisioningState: state } = json.properties;
    seen.push({ percentage: status.progressPercentage, size: status.downloadStatus.downloadSizeInMB, state });
    assert.equal(status.errorMessage, "");
    if (state !== "Accepted" && state !== "InProgress") break;
  }
  for (const [index, { percentage, size }] of seen.slice(1).entries()) {
    assert.ok(percentage >= seen[index]!.percentage, "progress goes back");
    assert.ok(size >= seen[index]!.size, "the download size goes back");
  }
  assert.ok(
    seen.some(({ percentage }) => percentage > 0 && percentage < 100),
    JSON.stringify(seen.slice(-5)),
  );
  assert.equal((await armPoll(quern, created.headers["azure-asyncoperation"] as string)).json.status, "Succeeded");

  const { json: image } = await azure.get("galleryImages", sample.name);
  // What was set is equal. The type is in lower case, as the service was recorded to answer it.
  assert.deepEqual(
    { ...image, type: sample.type, systemData: undefined, properties: undefined },
    { ...sample, systemData: undefined, properties: undefined },
  );
  assert.equal(image.type, sample.type.toLowerCase());
  for (const [name, value] of Object.entries(set)) assert.deepEqual(image.properties[name], value, name);
  assert.equal(image.properties.imagePath, undefined);

  // What is computed has the sample's shape, and is what happened. (The sample was taken while the service still said Accepted.)
  const ours = new Set(shapeOf(image));
  assert.deepEqual(
    shapeOf(sample).filter((property) => !ours.has(property)),
    [],
  );
  const { version, status, provisioningState } = image.properties;
  assert.equal(provisioningState, "Succeeded");
  assert.equal(status.provisioningStatus.status, sample.properties.status.provisioningStatus.status);
  assert.equal(status.progressPercentage, sample.properties.status.progressPercentage);
  assert.deepEqual([status.errorCode, status.errorMessage], ["", ""]);
  assert.ok(created.headers["azure-asyncoperation"]!.includes(status.provisioningStatus.operationId));
  assert.equal(status.downloadStatus.downloadSizeInMB, Math.ceil(statSync(source).size / megabyte));
  const size = version.properties.storageProfile.osDiskImage.sizeInMB;
  assert.equal(version.name, sampleVersion.name);
  assert.equal(size, 30);
  assert.ok(status.downloadStatus.downloadSizeInMB < size);

  // It is there, in its container, and nothing else is.
  const [own, ...others] = readdirSync(storage);
  assert.deepEqual(others, []);
  assert.deepEqual(readdirSync(join(storage, own!)).sort(), ["disk", "image.json"]);
  assert.ok(
    readFileSync(join(storage, own!, "disk"))
      .subarray(0, disk.length)
      .equals(disk),
  );
});
