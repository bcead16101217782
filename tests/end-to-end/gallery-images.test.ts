// Gallery images, marketplace images and storage containers from outside: a real server, real archives, real downloads.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { BlobSASPermissions, BlobServiceClient, type StorageSharedKeyCredential } from "@azure/storage-blob";
import { armPoll, armRequest } from "../support/arm.ts";
import { batchUser } from "../support/batch-user.ts";
import { hci, type Kind } from "../support/hci.ts";
import { newLocation, type Quern, startQuern, until } from "../support/quern.ts";
import { newDirectory, packRootfs } from "../support/rootfs.ts";
import { slowServer } from "../support/slow-server.ts";

const megabyte = 2 ** 20;
const limits = { timeout: 120_000 };
const linux = { osType: "Linux" };

const imageFiles = (quern: Quern): string[] => readdirSync(join(quern.location, "images")).filter((name) => name !== "containers");

const start = async (t: TestContext, args: string[] = []): Promise<{ quern: Quern; azure: ReturnType<typeof hci>; directory: string }> => {
  const directory = newDirectory(t);
  const quern = await startQuern(t, { args: ["--storage", "none", "--allow-image-path", directory, ...args] });
  return { quern, azure: hci(quern), directory };
};

test("an image from a path: listed for every account, named by a pool that stays without nodes, kept while it is", limits, async (t) => {
  const { quern, azure, directory } = await start(t);
  const user = batchUser(quern);
  const { file } = packRootfs(directory, { name: "debian.tar.gz", randomBytes: megabyte });
  const first = await azure.put("galleryImages", "Debian-12", { ...linux, imagePath: file, hyperVGeneration: "V2" });
  assert.equal(first.status, 201);
  const id = azure.idOf("galleryImages", "Debian-12");
  const pool = (poolId: string, image: object, nodeAgentSKUId = "batch.node.debian 12") => ({
    id: poolId,
    vmSize: "standard_d2_v3",
    targetDedicatedNodes: 1,
    virtualMachineConfiguration: { imageReference: image, nodeAgentSKUId },
  });
  // While it comes it cannot be named; whoever reads that it has succeeded can name it at once.
  const early = await user.refused(400, "InvalidPropertyValue", "POST", "/pools", pool("early", { virtualMachineImageId: `${id}-not` }));
  assert.equal(early.json.values[0].value, "virtualMachineImageId");
  await armPoll(quern, first.headers["azure-asyncoperation"] as string);
  await user.ok("POST", "/pools", pool("p", { virtualMachineImageId: id.toUpperCase() }));

  const listed = (await user.get("/supportedimages")).value.find((one: any) => one.imageReference.virtualMachineImageId === id);
  assert.deepEqual(
    { ...listed, imageReference: undefined },
    {
      nodeAgentSKUId: "batch.node.debian 12",
      osType: "linux",
      verificationType: "verified",
      capabilities: ["Generation2VMImage"],
      imageReference: undefined,
    },
  );
  const wrong = await user.refused(
    400,
    "InvalidPropertyValue",
    "POST",
    "/pools",
    pool("q", { virtualMachineImageId: id }, "batch.node.ubuntu 22.04"),
  );
  assert.equal(wrong.json.values[0].value, "nodeAgentSKUId");

  const steady = await user.seen("/pools/p", (one) => one.allocationState === "steady");
  assert.equal(steady.currentDedicatedNodes, 0);
  assert.equal(steady.resizeErrors[0].code, "AllocationFailed");
  assert.match(steady.resizeErrors[0].values[0].value, /root file system that was imported/);
  assert.deepEqual(await user.why("poolId=p"), ["ImageNotBootable"]);
  await user.ok("POST", "/jobs", { id: "j", poolInfo: { poolId: "p" } });
  await user.ok("POST", "/jobs/j/tasks", { id: "t", commandLine: "/bin/true" });
  assert.deepEqual(await user.why("jobId=j&taskId=t"), ["ImageNotBootable"]);

  const refused = await azure.send("DELETE", "galleryImages", "debian-12");
  assert.deepEqual([refused.status, refused.json.error.code], [409, "ResourceInUse"]);
  assert.match(refused.json.error.message, /pool p/);
  assert.equal((await azure.get("galleryImages", "Debian-12")).json.properties.provisioningState, "Succeeded");
  await user.ok("DELETE", "/pools/p");
  await azure.deleted("galleryImages", "DEBIAN-12");
  assert.deepEqual(imageFiles(quern), []);
  await user.refused(400, "InvalidPropertyValue", "POST", "/pools", pool("r", { virtualMachineImageId: id }));
  assert.equal((await azure.send("DELETE", "galleryImages", "Debian-12")).status, 204);
});

test("the same again changes nothing; what is set once stays; tags go and come", limits, async (t) => {
  const { azure, directory } = await start(t);
  const { file } = packRootfs(directory, { name: "debian.tar" });
  const properties = {
    ...linux,
    imagePath: file,
    identifier: { publisher: "us", offer: "tools", sku: "base" },
    version: { name: "1.0.0" },
  };
  const made = await azure.made("galleryImages", "image", properties, { tags: { a: "1" } });
  const etag = (await azure.get("galleryImages", "image")).headers.etag;
  assert.match(String(etag), /^"[0-9a-f]{8}-0000-0100-0000-[0-9a-f]{12}"$/);
  const again = await azure.put("galleryImages", "image", properties, { tags: { a: "1" } });
  assert.deepEqual([again.status, again.json, again.headers.etag], [200, made, etag]);
  assert.equal(again.headers["azure-asyncoperation"], undefined);
  // What a client read and sends back.
  assert.equal((await azure.send("PUT", "galleryImages", "image", made)).status, 200);
  const changes: object[] = [{ osType: "Windows" }, { imagePath: `${file}x` }, { version: { name: "2.0.0" } }, { hyperVGeneration: "V2" }];
  for (const change of changes) {
    const { status, json } = await azure.put("galleryImages", "image", { ...properties, ...change });
    assert.deepEqual([status, json.error.code], [409, "PropertyChangeNotAllowed"]);
  }
  const elsewhere = await azure.put("galleryImages", "image", properties, { location: "japaneast" });
  assert.deepEqual([elsewhere.status, elsewhere.json.error.code], [409, "InvalidResourceLocation"]);
  const patched = await azure.send("PATCH", "galleryImages", "image", { tags: { b: "2" } });
  assert.deepEqual([patched.status, patched.json.tags], [200, { b: "2" }]);
  assert.notEqual(patched.headers.etag, etag);
  const lists = ["/subscriptions/{sub}/resourceGroups/{rg}", "/subscriptions/{sub}"].map(
    (scope) => `${scope}/providers/Microsoft.AzureStackHCI/galleryImages`,
  );
  for (const path of lists) {
    const { json } = await armRequest(azure.quern, { method: "GET", path, version: "2024-01-01" });
    assert.deepEqual(
      json.value.map((one: any) => [one.name, one.tags]),
      [["image", { b: "2" }]],
    );
  }
});

test("an image from a URL: progress rises, a crash in the middle costs nothing that has come", limits, async (t) => {
  const directory = newDirectory(t);
  const location = await newLocation(t);
  const { content } = packRootfs(directory, { name: "slow.tar", randomBytes: 80 * megabyte });
  const server = await slowServer(t, content);
  const args = ["--storage", "none", "--allow-private-urls", "--debug", join(directory, "debug.log")];
  const before = await startQuern(t, { location, args });
  const created = await hci(before).put("galleryImages", "slow", { ...linux, imagePath: server.url });
  assert.equal(created.status, 201);
  assert.equal(created.json.properties.imagePath, undefined);
  const progressOf = async (quern: Quern): Promise<number> =>
    (await hci(quern).get("galleryImages", "slow")).json.properties.status.progressPercentage;
  // What has come is made durable each 64 MiB: more than that.
  server.more(70 * megabyte);
  await until(
    async () => {
      server.more(4096);
      return progressOf(before);
    },
    (percentage) => percentage >= 65,
  );
  await before.kill();

  const after = await startQuern(t, { location, args });
  await until(
    async () => server.ranges.length,
    (requests) => requests >= 2,
  );
  server.more();
  const status = await armPoll(after, created.headers["azure-asyncoperation"] as string);
  assert.equal(status.json.status, "Succeeded");
  const { properties } = (await hci(after).get("galleryImages", "slow")).json;
  assert.deepEqual([properties.provisioningState, properties.status.progressPercentage], ["Succeeded", 100]);
  assert.equal(properties.status.downloadStatus.downloadSizeInMB, Math.ceil(content.length / megabyte));
  assert.ok(Number(/^bytes=(\d+)-$/.exec(server.ranges.at(-1) ?? "")?.[1]) >= 64 * megabyte, String(server.ranges));
  await after.stop();
  const database = new DatabaseSync(join(location, "quern.db"), { readOnly: true });
  assert.doesNotMatch(JSON.stringify(database.prepare("SELECT properties FROM resources").all()), /secret-of-the-url/);
  database.close();
  assert.equal(readFileSync(join(directory, "debug.log"), "utf8").includes("secret-of-the-url"), false, "the signature is logged");
});

test("deleting an image that comes ends its import, and nothing of it stays", limits, async (t) => {
  const { quern, azure, directory } = await start(t, ["--allow-private-urls"]);
  const { content } = packRootfs(directory, { name: "slow.tar", randomBytes: megabyte });
  const server = await slowServer(t, content);
  await azure.put("galleryImages", "slow", { ...linux, imagePath: server.url });
  await until(
    async () => server.ranges.length,
    (requests) => requests >= 1,
  );
  const busy = await azure.put("galleryImages", "slow", { ...linux, imagePath: `${server.url.split("?")[0]}2` });
  assert.deepEqual([busy.status, busy.json.error.code], [409, "OperationNotAllowed"]);
  assert.equal((await azure.put("galleryImages", "slow", { ...linux, imagePath: server.url })).status, 200);
  await azure.deleted("galleryImages", "slow");
  assert.deepEqual(imageFiles(quern), []);
  // The name is free again. The first preview's deletion is over with its answer.
  await azure.put("galleryImages", "slow", { ...linux, imagePath: server.url });
  const first = hci(quern, "2021-09-01-preview");
  const { status, text } = await first.send("DELETE", "galleryImages", "slow");
  assert.deepEqual([status, text], [200, ""]);
  assert.equal((await first.get("galleryImages", "slow")).status, 404);
  assert.deepEqual(imageFiles(quern), []);
});

test("an image from a blob of the embedded storage, by its signature", limits, async (t) => {
  const directory = newDirectory(t);
  const quern = await startQuern(t, { args: [] });
  const azure = hci(quern);
  const { file, bytes } = packRootfs(directory, { name: "blob.tar.gz", randomBytes: 2 * megabyte });
  const service = BlobServiceClient.fromConnectionString(quern.ready.storage!.connectionString);
  const container = service.getContainerClient("images");
  await container.create();
  const blob = container.getBlockBlobClient("blob.tar.gz");
  await blob.uploadFile(file);
  assert.ok((service.credential as StorageSharedKeyCredential).accountName);
  const permissions = BlobSASPermissions.parse("r");
  const signed = await blob.generateSasUrl({ permissions, expiresOn: new Date(Date.now() + 3_600_000) });
  const image = await azure.made("galleryImages", "blob", { ...linux, imagePath: signed });
  assert.equal(image.properties.status.errorMessage, "");
  assert.equal(image.properties.status.downloadStatus.downloadSizeInMB, Math.ceil(bytes / megabyte));
  const overTls = signed.replace(quern.ready.batchUrl, quern.ready.batchUrlHttps);
  assert.match(overTls, /^https:/);
  const secure = await azure.made("galleryImages", "https", { ...linux, imagePath: overTls });
  assert.equal(secure.properties.status.errorMessage, "");
  const expired = await blob.generateSasUrl({ permissions, expiresOn: new Date(Date.now() - 60_000) });
  const failed = await azure.made("galleryImages", "expired", { ...linux, imagePath: expired });
  assert.equal(failed.properties.status.errorCode, "ImageSourceForbidden");
  assert.doesNotMatch(JSON.stringify(failed), /sig=|%3D/);
  // A new signature for the same blob is the same image, and what failed begins anew.
  assert.equal((await azure.put("galleryImages", "blob", { ...linux, imagePath: `${signed}&x=1` })).status, 200);
  const again = await azure.made("galleryImages", "expired", { ...linux, imagePath: signed });
  assert.equal(again.properties.provisioningState, "Succeeded");
});

test("a marketplace image is what stands behind its names", limits, async (t) => {
  const directory = newDirectory(t);
  const release = 'PRETTY_NAME="Ubuntu 22.04"\nID=ubuntu\nVERSION_ID="22.04"\n';
  packRootfs(directory, { name: "jammy.tar", release });
  const names = { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" };
  const file = join(directory, "marketplace.json");
  writeFileSync(file, JSON.stringify({ images: [{ ...names, version: "22.04.202401", path: "jammy.tar" }] }));
  const quern = await startQuern(t, { args: ["--storage", "none", "--marketplace", file] });
  const [azure, user] = [hci(quern), batchUser(quern)];
  const put = (name: string, version: string) =>
    azure.made("marketplaceGalleryImages", name, { ...linux, identifier: names, version: { name: version } });
  const missing = await put("missing", "1.2.3");
  assert.deepEqual([missing.properties.provisioningState, missing.properties.status.errorCode], ["Failed", "ImageSourceNotFound"]);
  const image = await put("jammy", "22.04.202401");
  assert.equal(image.properties.status.errorMessage, "");
  assert.deepEqual([image.properties.identifier, image.properties.version.name], [names, "22.04.202401"]);
  const listed = (await user.get("/supportedimages")).value.filter((one: any) => one.imageReference.sku === names.sku);
  assert.deepEqual(
    listed.map((one: any) => [one.imageReference.version, one.verificationType]),
    [["22.04.202401", "verified"]],
  );
  await user.pool("p", { virtualMachineConfiguration: { imageReference: names, nodeAgentSKUId: "batch.node.ubuntu 22.04" } }, null);
  await user.seen("/pools/p", (pool) => pool.allocationState === "steady");
  assert.deepEqual(await user.why("poolId=p"), ["ImageNotBootable"]);
  const { status, json } = await azure.send("DELETE", "marketplaceGalleryImages", "jammy");
  assert.deepEqual([status, json.error.code], [409, "ResourceInUse"]);
  await user.ok("DELETE", "/pools/p");
  await azure.deleted("marketplaceGalleryImages", "jammy");
});

test("containers: where images are, with their space; one that holds images stays", limits, async (t) => {
  const { azure, directory } = await start(t);
  const { file } = packRootfs(directory, { name: "debian.tar" });
  const outside = await azure.made("storageContainers", "outside", { path: "/etc/quern-images" });
  assert.deepEqual([outside.properties.provisioningState, outside.properties.status.errorCode], ["Failed", "StoragePathNotAllowed"]);
  assert.equal(existsSync("/etc/quern-images"), false);
  const into = await azure.put("galleryImages", "nowhere", { ...linux, imagePath: file, containerId: outside.id });
  assert.deepEqual([into.status, into.json.error.code], [400, "InvalidRequestContent"]);
  const { properties } = await azure.made("storageContainers", "inside_", { path: join(directory, "images") });
  assert.ok(properties.status.containerSizeMB >= properties.status.availableSizeMB && properties.status.availableSizeMB > 0);
  const containerId = azure.idOf("storageContainers", "INSIDE_");
  await azure.made("galleryImages", "image", { ...linux, imagePath: file, containerId });
  const [uid] = readdirSync(join(directory, "images"));
  assert.ok(statSync(join(directory, "images", uid!, "rootfs/bin/sh")).isFile());
  const refused = await azure.send("DELETE", "storageContainers", "inside_");
  assert.deepEqual([refused.status, refused.json.error.code], [409, "ResourceInUse"]);
  await azure.deleted("galleryImages", "image");
  assert.deepEqual(readdirSync(join(directory, "images")), []);
  await azure.deleted("storageContainers", "inside_");
  const moved = await azure.put("storageContainers", "outside", { path: join(directory, "elsewhere") });
  assert.equal(moved.status, 200);
  assert.equal((await armPoll(azure.quern, moved.headers["azure-asyncoperation"] as string)).json.status, "Succeeded");
});

test("bad images are taken, fail with a reason, and leave nothing", limits, async (t) => {
  const { quern, azure, directory } = await start(t);
  const { content } = packRootfs(directory, { name: "good.tar.gz", randomBytes: megabyte });
  const at = (name: string): string => join(directory, name);
  writeFileSync(at("truncated.tar.gz"), content.subarray(0, content.length / 2));
  mkdirSync(at("climb/a/b"), { recursive: true });
  writeFileSync(at("climb/evil"), "outside");
  execFileSync("tar", ["-cPf", at("climbing.tar"), "-C", at("climb/a/b"), "../../evil"]);
  packRootfs(directory, { name: "huge.tar" });
  truncateSync(at("huge.tar"), 2 ** 42);
  writeFileSync(at("text.tar"), "this is no archive at all, whatever its name is\n".repeat(50));
  const expected: Record<string, [path: string, code: string]> = {
    outside: ["/etc/hostname", "ImagePathNotAllowed"],
    around: [`${directory}/../../etc/hostname`, "ImagePathNotAllowed"],
    drive: ["C:\\ClusterStorage\\test.vhdx", "ImageSourceInvalid"],
    missing: [at("nothing.tar"), "ImageSourceNotFound"],
    truncated: [at("truncated.tar.gz"), "ImageArchiveCorrupt"],
    climbing: [at("climbing.tar"), "ImageArchiveUnsafe"],
    huge: [at("huge.tar"), "InsufficientStorage"],
    text: [at("text.tar"), "ImageFormatUnknown"],
    loopback: [`${quern.ready.batchUrl}/pools`, "ImageSourceAddressRefused"],
  };
  for (const [name, [imagePath, code]] of Object.entries(expected)) {
    const { properties } = await azure.made("galleryImages", name, { ...linux, imagePath });
    assert.deepEqual(
      [properties.provisioningState, properties.status.errorCode],
      ["Failed", code],
      `${name}: ${properties.status.errorMessage}`,
    );
    assert.equal(properties.status.provisioningStatus.status, "Failed");
    assert.notEqual(properties.status.errorMessage, "");
    assert.deepEqual(imageFiles(quern), [], name);
  }
  assert.equal(existsSync(join(quern.location, "evil")), false);
  for (const name of Object.keys(expected)) await azure.deleted("galleryImages", name);
});

test("requests that are wrong are refused", limits, async (t) => {
  const { quern, azure } = await start(t);
  const image = { ...linux, imagePath: "/x.tar" };
  const expect = async (kind: Kind, name: string, properties: object, more: object, status: number, code: string): Promise<void> => {
    const answer = await azure.put(kind, name, properties, more);
    assert.deepEqual([answer.status, answer.json?.error?.code], [status, code], `${name}: ${answer.text}`);
  };
  await expect("galleryImages", "-a", image, {}, 400, "InvalidResourceName");
  await expect("galleryImages", "a".repeat(81), image, {}, 400, "InvalidResourceName");
  await expect("galleryImages", "a_", image, {}, 400, "InvalidResourceName");
  await expect("galleryImages", "my-WINDOWS-image", image, {}, 400, "ReservedResourceName");
  await expect("galleryImages", "a", image, { location: undefined }, 400, "LocationRequired");
  await expect("galleryImages", "a", image, { location: "no/where" }, 400, "LocationNotAvailableForResourceType");
  await expect("galleryImages", "a", { imagePath: "/x" }, {}, 400, "InvalidRequestContent");
  await expect("galleryImages", "a", linux, {}, 400, "InvalidRequestContent");
  await expect("galleryImages", "a", { ...image, osType: "BeOS" }, {}, 400, "InvalidRequestContent");
  await expect("galleryImages", "a", { ...image, identifier: { publisher: "p" } }, {}, 400, "InvalidRequestContent");
  await expect("galleryImages", "a", { ...image, containerId: "/not/an/id" }, {}, 400, "LinkedInvalidPropertyId");
  const elsewhere = azure.idOf("storageContainers", "c").replace(quern.ready.subscriptionId, "00000000-0000-0000-0000-00000000000a");
  await expect("galleryImages", "a", { ...image, containerId: elsewhere }, {}, 403, "LinkedAuthorizationFailed");
  await expect("galleryImages", "a", { ...image, containerId: azure.idOf("storageContainers", "none") }, {}, 404, "ResourceNotFound");
  await expect("marketplaceGalleryImages", "a", linux, {}, 400, "InvalidRequestContent");
  await expect("storageContainers", "c", {}, {}, 400, "InvalidRequestContent");
  const ask = async (method: string, path: string, version: string): Promise<[number, string]> => {
    const { status, json } = await armRequest(quern, { method, path: `/subscriptions/{sub}/resourceGroups/${path}`, version });
    return [status, json?.error?.code];
  };
  const below = "{rg}/providers/Microsoft.AzureStackHCI";
  assert.deepEqual(await ask("GET", `${below}/galleryImages/none`, "2024-01-01"), [404, "ResourceNotFound"]);
  assert.deepEqual(await ask("GET", `${below}/galleryImages/none`, "yesterday"), [400, "InvalidApiVersionParameter"]);
  assert.deepEqual(await ask("GET", `${below}/clusters`, "2024-01-01"), [404, "InvalidResourceType"]);
  assert.deepEqual(await ask("GET", "nogroup/providers/Microsoft.AzureStackHCI/galleryImages", "2024-01-01"), [
    404,
    "ResourceGroupNotFound",
  ]);
  const { status } = await armRequest(quern, {
    method: "GET",
    path: "/providers/Microsoft.AzureStackHCI/locations/EASTUS/operationStatuses/none",
    version: "2024-01-01",
  });
  assert.equal(status, 404);
});
