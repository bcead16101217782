// Storage accounts for real: made, used, given new keys and removed while Azurite runs, dies and starts again.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, type TestContext, test } from "node:test";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { systemClock } from "../lib/clock.ts";
import { systemIds } from "../lib/ids.ts";
import { type Log, silentLog } from "../lib/log.ts";
import { readPidFile } from "../lib/processes.ts";
import type { StorageAccount } from "./accounts.ts";
import { type StorageOptions, type StorageService, startStorage } from "./storage.ts";

const clock = systemClock();
const directories: string[] = [];
after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

const aDirectory = (): string => {
  directories.push(mkdtempSync(join(tmpdir(), "quern-accounts-")));
  return directories.at(-1)!;
};

const start = async (t: TestContext, directory: string, overrides: Partial<StorageOptions> = {}): Promise<StorageService> => {
  const storage = startStorage({
    ...{ mode: "embedded", directory, inMemory: false, clock, ids: systemIds(), log: silentLog, environment: process.env, ownKey: false },
    addressesOf: async () => ["127.0.0.1"],
    ...overrides,
  });
  t.after(() => storage.close());
  await storage.ready;
  return storage;
};

const aFront = async (t: TestContext, storage: StorageService): Promise<number> => {
  const server = createServer((request, response) => void (storage.passThrough!(request, response) || response.writeHead(418).end()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

const clientOf = (port: number, { name, keys }: StorageAccount, which: 0 | 1 = 0): BlobServiceClient =>
  new BlobServiceClient(`http://127.0.0.1:${port}/${name}`, new StorageSharedKeyCredential(name, keys[which]!.value), {
    retryOptions: { maxTries: 1 },
  });

const containersOf = async (client: BlobServiceClient): Promise<string[]> =>
  (await Array.fromAsync(client.listContainers())).map(({ name }) => name);

type Ask = { method?: string; host?: string; body?: string };
/** A URL as given, sent to the front whatever its host. */
const ask = async (port: number, url: string, { method = "GET", host, body }: Ask = {}) => {
  const { pathname, search } = new URL(url);
  const headers = { host: host ?? new URL(url).host, "content-length": Buffer.byteLength(body ?? ""), "x-ms-blob-type": "BlockBlob" };
  const request = httpRequest({ host: "127.0.0.1", port, path: pathname + search, method, headers, agent: false });
  const responded = once(request, "response");
  request.end(body);
  const [response] = (await responded) as [IncomingMessage];
  return { status: response.statusCode, code: response.headers["x-ms-error-code"], body: await text(response) };
};

test("an account is there when it was made, with both keys, apart from the others, and after restarts and crashes", async (t) => {
  const directory = aDirectory();
  const died = Promise.withResolvers<void>();
  const log: Log = { ...silentLog, error: () => died.resolve(), child: () => log };
  const storage = await start(t, directory, { log });
  const port = await aFront(t, storage);
  const account = await storage.accounts.create("acc1");
  await clientOf(port, account).createContainer("kept");
  assert.deepEqual(await containersOf(clientOf(port, account, 1)), ["kept"]);
  const first = storage.accounts.find("devstoreaccount1")!;
  assert.deepEqual(await containersOf(clientOf(port, first)), []);
  assert.deepEqual(await containersOf(clientOf(port, first, 1)), [], "Azurite's own account has a second key too");
  await assert.rejects(clientOf(port, { ...account, keys: first.keys }).createContainer("not"), { statusCode: 403 });

  process.kill(readPidFile(join(directory, "azurite", "azurite.pid"))!.pid, "SIGKILL");
  await died.promise;
  const [other] = await Promise.all([storage.accounts.create("acc2"), storage.accounts.create("acc3")]);
  // What Azurite had not written yet is lost with it; who may do what is not.
  await clientOf(port, account).getContainerClient("kept").createIfNotExists();
  await clientOf(port, other, 1).createContainer("second");
  await storage.close();

  const again = await start(t, directory);
  const newPort = await aFront(t, again);
  assert.deepEqual(again.accounts.all(), storage.accounts.all());
  assert.deepEqual(await containersOf(clientOf(newPort, account, 1)), ["kept"]);
  assert.deepEqual(await containersOf(clientOf(newPort, other)), ["second"]);
});

test("a regenerated key is good and the old one is not, at once", async (t) => {
  const storage = await start(t, aDirectory(), { inMemory: true });
  const port = await aFront(t, storage);
  const account = await storage.accounts.create("acc1");
  await clientOf(port, account).createContainer("con");
  for (const [index, keyName] of [
    [0, "key1"],
    [1, "key2"],
  ] as const) {
    const old = storage.accounts.find("acc1")!;
    const renewed = await storage.accounts.regenerateKey("acc1", keyName);
    assert.deepEqual(await containersOf(clientOf(port, renewed, index)), ["con"]);
    await assert.rejects(containersOf(clientOf(port, old, index)), { statusCode: 403 });
  }
  await storage.accounts.regenerateKey("devstoreaccount1", "key1");
  const base = `http://127.0.0.1:${port}`;
  assert.deepEqual(await containersOf(BlobServiceClient.fromConnectionString(storage.connectionString(base)!)), []);
});

test("one signature uploads and reads a blob, by path and by host, and nothing else", async (t) => {
  const storage = await start(t, aDirectory(), { inMemory: true });
  const port = await aFront(t, storage);
  const { accounts } = storage;
  await accounts.create("acc1");
  await accounts.createContainer("acc1", "app-x");
  await accounts.createContainer("acc1", "app-x");
  const baseUrl = `http://127.0.0.1:${port}`;
  const expiresAt = clock.now() + 600_000;
  const blob = "dir/app x+ü-1.0.zip";
  const upload = accounts.signedBlobUrl("ACC1", "app-x", blob, { permissions: "rcw", expiresAt, baseUrl });
  const byPath = accounts.signedBlobUrl("acc1", "app-x", blob, { permissions: "rcw", expiresAt, baseUrl, form: "path" });
  assert.ok(upload.startsWith(`https://acc1.blob.localhost:${port}/app-x/dir/app%20x%2B%C3%BC-1.0.zip?`), upload);
  assert.ok(byPath.startsWith(`${baseUrl}/acc1/app-x/dir/`), byPath);
  assert.equal(new URL(upload).search, new URL(byPath).search, "the same signature");
  assert.equal(accounts.blobEndpoint("acc1", baseUrl), `https://acc1.blob.localhost:${port}`);

  for (const [url, body] of [
    [upload, "by host"],
    [byPath, "by path"],
  ] as const) {
    assert.equal((await ask(port, url, { method: "PUT", body })).status, 201);
    for (const from of [upload, byPath]) assert.equal((await ask(port, from)).body, body);
    assert.equal(await text(await accounts.readBlob("acc1", "app-x", blob)), body);
  }
  const found = await accounts.blobProperties("acc1", "app-x", blob);
  assert.equal(found?.length, 7);
  assert.match(found!.etag, /^0x[0-9A-F]+$/);

  const reading = accounts.signedBlobUrl("acc1", "app-x", blob, { permissions: "r", expiresAt, baseUrl });
  assert.equal((await ask(port, reading)).status, 200);
  assert.equal((await ask(port, reading, { method: "PUT", body: "x" })).status, 403);
  assert.equal((await ask(port, upload, { method: "DELETE" })).status, 403);
  assert.equal((await ask(port, upload.replace("app%20x", "other"), { method: "PUT", body: "x" })).status, 403);
  const expired = accounts.signedBlobUrl("acc1", "app-x", blob, { permissions: "r", expiresAt: clock.now() - 1000, baseUrl });
  assert.equal((await ask(port, expired)).status, 403);
});

test("the server's own access: what is absent is no error, what climbs is refused, an account that is not there is said", async (t) => {
  const storage = await start(t, aDirectory(), { inMemory: true });
  const { accounts } = storage;
  await accounts.createContainer("devstoreaccount1", "con");
  assert.equal(await accounts.blobProperties("devstoreaccount1", "con", "none"), undefined);
  assert.equal(await accounts.blobProperties("devstoreaccount1", "none", "none"), undefined);
  await accounts.deleteBlob("devstoreaccount1", "con", "none");
  await accounts.deleteBlob("devstoreaccount1", "none", "none");
  await accounts.deleteContainer("devstoreaccount1", "none");
  await assert.rejects(accounts.readBlob("devstoreaccount1", "con", "none"), { name: "BlobError", status: 404 });
  await assert.rejects(accounts.deleteBlob("devstoreaccount1", "con", "../other/b"), { name: "BlobError", status: 400 });
  await assert.rejects(accounts.createContainer("nobody", "con"), { name: "StorageAccountMissing" });
  const options = { permissions: "r", expiresAt: 0, baseUrl: "http://127.0.0.1:1" } as const;
  assert.throws(() => accounts.signedBlobUrl("nobody", "con", "b", options), { name: "StorageAccountMissing" });
  assert.throws(() => accounts.signedBlobUrl("devstoreaccount1", "con", "..", options), { name: "BlobError" });
});

test("an account goes with its blobs, leased or not, and one made again of its name is empty", async (t) => {
  const directory = aDirectory();
  const storage = await start(t, directory);
  const port = await aFront(t, storage);
  const account = await storage.accounts.create("acc1");
  const client = clientOf(port, account);
  for (const name of ["one", "two"]) await client.createContainer(name);
  const container = client.getContainerClient("two");
  await container.getBlockBlobClient("b").upload("x", 1);
  await container.getBlobClient("b").getBlobLeaseClient().acquireLease(-1);
  await container.getBlobLeaseClient().acquireLease(-1);
  await storage.accounts.remove("acc1");
  assert.equal(storage.accounts.find("acc1"), undefined);
  assert.equal((await ask(port, `http://127.0.0.1:${port}/acc1/two/b`)).status, 418, "it is nobody's path now");
  assert.equal((await ask(port, `http://acc1.blob.localhost:${port}/two/b`)).code, "ResourceNotFound");
  const again = await storage.accounts.create("acc1");
  assert.deepEqual(await containersOf(clientOf(port, again)), []);
  await assert.rejects(containersOf(client), { statusCode: 403 });
});

test("one account copies from another with a signature of that one, and not without", async (t) => {
  const storage = await start(t, aDirectory(), { inMemory: true });
  const port = await aFront(t, storage);
  const { accounts } = storage;
  const account = await accounts.create("acc1");
  const source = clientOf(port, account).getContainerClient("con").getBlockBlobClient("b");
  await accounts.createContainer("acc1", "con");
  await source.upload("of acc1", 7);
  await accounts.createContainer("devstoreaccount1", "con");
  const target = clientOf(port, accounts.find("devstoreaccount1")!).getContainerClient("con").getBlockBlobClient("copy");
  await assert.rejects(target.beginCopyFromURL(source.url), { statusCode: 403, code: "CannotVerifyCopySource" });
  await assert.rejects(target.syncCopyFromURL(source.url), { code: "CannotVerifyCopySource" });
  const baseUrl = `http://127.0.0.1:${port}`;
  const expiresAt = clock.now() + 600_000;
  const signed = accounts.signedBlobUrl("acc1", "con", "b", { permissions: "r", expiresAt, baseUrl, form: "path" });
  await (await target.beginCopyFromURL(signed)).pollUntilDone();
  assert.equal(String(await target.downloadToBuffer()), "of acc1");
});

test("an external account is the one of the connection string, and stays as it is", async (t) => {
  const embedded = await start(t, aDirectory(), { inMemory: true });
  const port = await aFront(t, embedded);
  const connectionString = embedded.connectionString(`http://127.0.0.1:${port}`)!;
  const { accounts } = await start(t, aDirectory(), { mode: connectionString });
  assert.deepEqual(accounts.all(), [{ name: "devstoreaccount1", kind: "external", keys: embedded.accounts.all()[0]!.keys.slice(0, 1) }]);
  for (const change of [accounts.create("acc1"), accounts.regenerateKey("devstoreaccount1", "key1"), accounts.remove("devstoreaccount1")])
    await assert.rejects(change, { name: "StorageNotEmbedded" });
  const endpoint = `http://127.0.0.1:${port}/devstoreaccount1`;
  assert.equal(accounts.blobEndpoint("devstoreaccount1", "https://elsewhere:1"), endpoint);
  await accounts.createContainer("devstoreaccount1", "con");
  const url = accounts.signedBlobUrl("devstoreaccount1", "con", "b", {
    ...{ permissions: "rcw", expiresAt: clock.now() + 600_000, baseUrl: "https://elsewhere:1" },
  });
  assert.ok(url.startsWith(`${endpoint}/con/b?`), url);
  assert.equal((await ask(port, url, { method: "PUT", body: "x" })).status, 201);
  assert.equal((await accounts.blobProperties("devstoreaccount1", "con", "b"))?.length, 1);
  await accounts.deleteContainer("devstoreaccount1", "con");
  assert.equal(await accounts.blobProperties("devstoreaccount1", "con", "b"), undefined);
  const { accounts: none } = await start(t, aDirectory(), { mode: "none" });
  assert.deepEqual(none.all(), []);
  await assert.rejects(none.create("acc1"), { name: "StorageNotEmbedded" });
  const signed = await start(t, aDirectory(), { mode: `BlobEndpoint=${endpoint};SharedAccessSignature=sv=1&sig=x` });
  assert.deepEqual(signed.accounts.all(), [{ name: "devstoreaccount1", kind: "external", keys: [] }]);
  const plain = signed.accounts.signedBlobUrl("devstoreaccount1", "con", "b", { permissions: "r", expiresAt: 0, baseUrl: "http://x" });
  assert.equal(plain, `${endpoint}/con/b`);
});
