// The blob verbs against a real blob storage (Azurite): odd names, pages, blocks, and what a failure says.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { type TestBlobs, testBlobs } from "../../tests/support/blobs.ts";
import { BlobError, blobUrl, downloadUrl, isTransient, listBlobs, uploadFile } from "./blobs.ts";

let blobs: TestBlobs;
const directory = mkdtempSync(join(tmpdir(), "quern-blob-test-"));
before(async () => {
  blobs = await testBlobs();
});
after(async () => {
  await blobs.close();
  rmSync(directory, { recursive: true });
});
const policy = () => ({ storageHosts: [blobs.host], allowPrivateUrls: false });

test("names of all kinds are listed and fetched as they are", async () => {
  const names = ["a b", "a&b<c>", "p%20q", "q?r#s", "ü/é.txt", "x'\"y", "z+1"].sort();
  const { url } = await blobs.container("names", Object.fromEntries(names.map((name) => [name, `text of ${name}`])));
  assert.deepEqual((await Array.fromAsync(listBlobs(url, "", policy()))).sort(), names);
  assert.deepEqual(await Array.fromAsync(listBlobs(url, "a&", policy())), ["a&b<c>"]);
  for (const name of names) assert.equal(await text(await downloadUrl(blobUrl(url, name), policy())), `text of ${name}`);
});

test("a list that does not come to an end is given up", async (t) => {
  let pages = 0;
  const blob = `<Blob><Name>${"n".repeat(1000)}</Name></Blob>`;
  const page = `<EnumerationResults><Blobs>${blob.repeat(5000)}</Blobs><NextMarker>more</NextMarker></EnumerationResults>`;
  const server = createServer((_request, response) => {
    pages++;
    response.end(page);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const listed = Array.fromAsync(listBlobs(`http://${host}/c`, "", { storageHosts: [host], allowPrivateUrls: false }));
  await assert.rejects(listed, (error) => error instanceof BlobError && !isTransient(error));
  assert.equal(pages, 7);
});

test("a file goes up in one piece or in blocks, also an empty one, with its headers", async () => {
  const { client, url } = await blobs.container("uploads");
  const path = join(directory, "file");
  for (const [size, blockBytes] of [
    [0, 10],
    [10, 10],
    [25, 10],
  ] as const) {
    const contents = "0123456789".repeat(3).slice(0, size);
    writeFileSync(path, contents);
    const headers = { "x-ms-blob-content-type": "text/x-mine", "x-ms-meta-who": "me" };
    await uploadFile({ path, size }, { containerUrl: url, name: `dir/ü ${size}`, headers }, policy(), { blockBytes });
    const blob = client.getBlobClient(`dir/ü ${size}`);
    assert.equal(String(await blob.downloadToBuffer()), contents);
    const { contentType, metadata } = await blob.getProperties();
    assert.deepEqual([contentType, metadata?.who], ["text/x-mine", "me"]);
  }
});

test("a refusal carries the service's status and code, and no address", async () => {
  const { url } = await blobs.container("refusals");
  const error = await downloadUrl(blobUrl(url, "absent"), policy()).catch((reason: unknown) => reason);
  assert.ok(error instanceof BlobError);
  assert.deepEqual([error.status, error.code, isTransient(error)], [404, "BlobNotFound", false]);
  assert.doesNotMatch(error.message, /sig=|http/);
  const down = await downloadUrl("http://127.0.0.1:1/c/b?sig=secret", { storageHosts: ["127.0.0.1:1"], allowPrivateUrls: false }).catch(
    (reason: unknown) => reason,
  );
  assert.ok(down instanceof BlobError && isTransient(down));
  assert.match(down.message, /ECONNREFUSED/);
  assert.doesNotMatch(down.message, /secret|127/);
});

test("a transfer can be interrupted", async () => {
  const { url } = await blobs.container("interrupted", { a: "x" });
  const stop = AbortSignal.abort(new Error("enough"));
  await assert.rejects(downloadUrl(blobUrl(url, "a"), policy(), stop), { name: "AbortError" });
});
