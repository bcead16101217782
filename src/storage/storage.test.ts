// The embedded storage for real: Azurite as a child, behind a small front like Quern's, used by the unmodified storage client.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import dns from "node:dns";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer, request as httpsRequest } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, type TestContext, test } from "node:test";
import {
  BlobSASPermissions,
  BlobServiceClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { ensureCertificates } from "../http/certificates.ts";
import { systemClock } from "../lib/clock.ts";
import { seededIds } from "../lib/ids.ts";
import { type Log, silentLog } from "../lib/log.ts";
import { isAlive, type ProcessIdentity, readPidFile } from "../lib/processes.ts";
import { embeddedAccount } from "./connection-string.ts";
import { type StorageService, startStorage } from "./storage.ts";

const clock = systemClock();
const credential = new StorageSharedKeyCredential(embeddedAccount.name, embeddedAccount.key);

/** Removed when the file's tests are over: a test's own clean-up runs in the order of its registration, and Azurite must end first. */
const directories: string[] = [];
after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

const aDirectory = (): string => {
  directories.push(mkdtempSync(join(tmpdir(), "quern-storage-")));
  return directories.at(-1)!;
};

const start = (t: TestContext, directory: string, overrides: { inMemory?: boolean; log?: Log } = {}): StorageService => {
  const environment = { ...process.env, AZURITE_ACCOUNTS: "other:b3RoZXI=" };
  const storage = startStorage({
    mode: "embedded",
    directory,
    inMemory: false,
    clock,
    ids: seededIds(1),
    log: silentLog,
    environment,
    ownKey: false,
    ...overrides,
  });
  t.after(() => storage.close());
  return storage;
};

const listen = async (t: TestContext, server: Server & { closeAllConnections(): void }): Promise<number> => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

const listenerFor =
  (storage: StorageService): RequestListener =>
  (request, response) =>
    void (storage.passThrough!(request, response) || response.writeHead(418).end());

const aFront = (t: TestContext, storage: StorageService): Promise<number> => listen(t, createServer(listenerFor(storage)));

const pidOf = (directory: string): ProcessIdentity => readPidFile(join(directory, "azurite", "azurite.pid"))!;

/** Container, upload, list, download, copy, delete: what a user of the account does. */
const useAccount = async (service: BlobServiceClient, name: string): Promise<void> => {
  const container = service.getContainerClient(name);
  await container.create();
  const blob = container.getBlockBlobClient("a dir/ü+%.txt");
  await blob.upload("hello", 5, { metadata: { Key: "v" } });
  const large = Buffer.alloc(6 * 1024 * 1024, "q");
  await container.getBlockBlobClient("large").uploadData(large, { maxSingleShotSize: 1024 * 1024, blockSize: 2 * 1024 * 1024 });
  assert.deepEqual(await Array.fromAsync(container.listBlobsFlat(), (item) => item.name), ["a dir/ü+%.txt", "large"]);
  assert.equal(String(await blob.downloadToBuffer()), "hello");
  assert.ok((await container.getBlockBlobClient("large").downloadToBuffer()).equals(large));
  assert.equal((await blob.getProperties()).metadata?.key, "v");
  const copy = await container.getBlockBlobClient("copy").beginCopyFromURL(blob.url);
  assert.equal((await copy.pollUntilDone()).copyStatus, "success");
  await container.delete();
};

test("the account works with shared key by path and by host", { timeout: 60_000 }, async (t) => {
  const storage = start(t, aDirectory());
  await storage.ready;
  const port = await aFront(t, storage);
  await useAccount(BlobServiceClient.fromConnectionString(storage.connectionString(`http://127.0.0.1:${port}`)!), "by-address");
  await useAccount(BlobServiceClient.fromConnectionString(storage.connectionString(`http://localhost:${port}`)!), "by-name");
  const resolve = dns.lookup;
  t.mock.method(dns, "lookup", (name: string, ...rest: unknown[]) =>
    (resolve as (...args: unknown[]) => void)(/\.(localhost|test)$/.test(name) ? "127.0.0.1" : name, ...rest),
  );
  await useAccount(new BlobServiceClient(`http://devstoreaccount1.blob.localhost:${port}`, credential), "by-host");
  const byForeignName = new BlobServiceClient(`http://quern.example.test:${port}/devstoreaccount1`, credential).getContainerClient(
    "foreign",
  );
  await byForeignName.create();
  await byForeignName.getBlockBlobClient("b").upload("x", 1);
  assert.equal(String(await byForeignName.getBlockBlobClient("b").downloadToBuffer()), "x");
  const wrongKey = new StorageSharedKeyCredential(embeddedAccount.name, Buffer.from("wrong").toString("base64"));
  await assert.rejects(new BlobServiceClient(`http://127.0.0.1:${port}/devstoreaccount1`, wrongKey).createContainer("refused"), {
    statusCode: 403,
  });
});

type Front = { port: number; tls: boolean; host?: string };

const ask = async (front: Front, path: string, method = "GET", body?: string): Promise<{ status: number; body: string; code: unknown }> => {
  const headers = {
    ...(front.host === undefined ? {} : { host: front.host }),
    ...(method === "PUT" ? { "x-ms-blob-type": "BlockBlob", "content-length": body!.length } : {}),
  };
  const options = { host: "127.0.0.1", port: front.port, path, method, headers, agent: false } as const;
  const request = front.tls ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
  const responded = once(request, "response");
  request.end(body);
  const [response] = (await responded) as [IncomingMessage];
  return { status: response.statusCode!, body: await text(response), code: response.headers["x-ms-error-code"] };
};

test("signed URLs work at either address, over http and https, and https-only ones over https alone", { timeout: 60_000 }, async (t) => {
  const storage = start(t, aDirectory(), { inMemory: true });
  await storage.ready;
  const port = await aFront(t, storage);
  const tlsPort = await listen(
    t,
    createTlsServer(
      await ensureCertificates({ directory: aDirectory(), hostName: "localhost", now: clock.now(), ids: seededIds(1) }),
      listenerFor(storage),
    ),
  );
  const container = BlobServiceClient.fromConnectionString(storage.connectionString(`http://127.0.0.1:${port}`)!).getContainerClient(
    "signed",
  );
  await container.create();
  const expiresOn = new Date(clock.now() + 600_000);
  const sas = (protocol?: SASProtocol): string =>
    String(
      generateBlobSASQueryParameters(
        { containerName: "signed", permissions: ContainerSASPermissions.parse("rwcl"), expiresOn, protocol },
        credential,
      ),
    );
  const fronts: Front[] = [port, tlsPort].flatMap((number) => {
    const tls = number === tlsPort;
    return [
      { port: number, tls },
      { port: number, tls, host: `devstoreaccount1.blob.localhost:${number}` },
    ];
  });
  for (const [index, front] of fronts.entries()) {
    const prefix = front.host === undefined ? "/devstoreaccount1/signed" : "/signed";
    assert.equal((await ask(front, `${prefix}/b%20${index}?${sas()}`, "PUT", "text")).status, 201);
    assert.equal((await ask(front, `${prefix}/b%20${index}?${sas()}`)).body, "text");
    assert.match((await ask(front, `${prefix}?restype=container&comp=list&${sas()}`)).body, /<Name>b 0<\/Name>/);
    const httpsOnly = await ask(front, `${prefix}/b%20${index}?${sas(SASProtocol.Https)}`);
    assert.deepEqual([httpsOnly.status, httpsOnly.code], front.tls ? [200, undefined] : [403, "AuthorizationProtocolMismatch"]);
    assert.equal((await ask(front, `${prefix}/b%20${index}`)).status, 403, "a private container does not show itself without a signature");
  }
  const oneBlob = generateBlobSASQueryParameters(
    { containerName: "signed", blobName: "b 0", permissions: BlobSASPermissions.parse("r"), expiresOn },
    credential,
  );
  assert.equal((await ask({ port, tls: false }, `/devstoreaccount1/signed/b%200?${oneBlob}`)).status, 200);
  assert.equal((await ask({ port, tls: false }, `/devstoreaccount1/signed/b%201?${oneBlob}`)).status, 403);
});

test("stopped and started again the data is there, and nothing is left running", { timeout: 60_000 }, async (t) => {
  const directory = aDirectory();
  const complaints: string[] = [];
  const log: Log = { ...silentLog, error: (_fields, message) => void complaints.push(message), child: () => log };
  const first = start(t, directory, { log });
  await first.ready;
  const service = (port: number, storage: StorageService) =>
    BlobServiceClient.fromConnectionString(storage.connectionString(`http://127.0.0.1:${port}`)!);
  const container = service(await aFront(t, first), first).getContainerClient("kept");
  await container.create();
  await container.getBlockBlobClient("b").upload("kept", 4);
  const identity = pidOf(directory);
  assert.equal(isAlive(identity), true);
  await first.close();
  assert.equal(isAlive(identity), false);
  assert.deepEqual(complaints, [], "it ended when it was asked to and did not have to be killed");
  const second = start(t, directory);
  await second.ready;
  const blob = service(await aFront(t, second), second)
    .getContainerClient("kept")
    .getBlockBlobClient("b");
  assert.equal(String(await blob.downloadToBuffer()), "kept");
});

test("when it dies it is started again, and requests meanwhile wait for it", { timeout: 60_000 }, async (t) => {
  const directory = aDirectory();
  const died = Promise.withResolvers<object>();
  const log: Log = { ...silentLog, error: (fields) => died.resolve(fields), child: () => log };
  const storage = start(t, directory, { inMemory: true, log });
  await storage.ready;
  const port = await aFront(t, storage);
  const { pid } = pidOf(directory);
  process.kill(pid, "SIGKILL");
  assert.deepEqual(await died.promise, { pid, code: null, signal: "SIGKILL", dataKept: false });
  const service = BlobServiceClient.fromConnectionString(storage.connectionString(`http://127.0.0.1:${port}`)!);
  await service.createContainer("after");
  assert.notEqual(pidOf(directory).pid, pid);
});

test("one whose server was killed ends with all it had, before another takes its files", { timeout: 60_000 }, async (t) => {
  const directory = aDirectory();
  const program = `
    import { startStorage } from ${JSON.stringify(new URL("./storage.ts", import.meta.url).href)};
    import { systemClock } from ${JSON.stringify(new URL("../lib/clock.ts", import.meta.url).href)};
    import { systemIds } from ${JSON.stringify(new URL("../lib/ids.ts", import.meta.url).href)};
    import { silentLog } from ${JSON.stringify(new URL("../lib/log.ts", import.meta.url).href)};
    import { createServer } from "node:http";
    const storage = startStorage({ mode: "embedded", directory: ${JSON.stringify(directory)}, inMemory: false, clock: systemClock(), ids: systemIds(), log: silentLog, environment: process.env, ownKey: false });
    await storage.ready;
    const server = createServer((request, response) => storage.passThrough(request, response));
    server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;
  const server = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const port = Number(String((await once(server.stdout!, "data"))[0]));
  const container = new BlobServiceClient(`http://127.0.0.1:${port}/devstoreaccount1`, credential).getContainerClient("crash");
  await container.create();
  await container.getBlockBlobClient("b").upload("kept", 4);
  const stale = pidOf(directory);
  assert.equal(isAlive(stale), true);
  server.kill("SIGKILL");
  // Nobody starts another meanwhile: it ends because its control plane is gone.
  await once(spawn("tail", [`--pid=${stale.pid}`, "-f", "/dev/null"]), "exit");
  const complaints: string[] = [];
  const log: Log = { ...silentLog, error: (_fields, message) => void complaints.push(message), child: () => log };
  const storage = start(t, directory, { log });
  await storage.ready;
  assert.equal(isAlive(stale), false);
  assert.deepEqual(complaints, [], "it ended by itself, so it wrote what it had");
  const again = BlobServiceClient.fromConnectionString(storage.connectionString(`http://127.0.0.1:${await aFront(t, storage)}`)!);
  assert.equal(String(await again.getContainerClient("crash").getBlockBlobClient("b").downloadToBuffer()), "kept");
});

test("hosts are all the names of Quern's own port; an account elsewhere has its own; none has none", async () => {
  const options = { directory: "/nowhere", inMemory: true, clock, ids: seededIds(1), log: silentLog, environment: {}, ownKey: false };
  const elsewhere = startStorage({ ...options, mode: "AccountName=acc1;AccountKey=a2V5;EndpointSuffix=example.org" });
  assert.deepEqual(elsewhere.hosts(["http://127.0.0.1:10020"]), ["acc1.blob.example.org:443"]);
  assert.equal(elsewhere.blobEndpoint("http://127.0.0.1:10020"), "https://acc1.blob.example.org");
  const none = startStorage({ ...options, mode: "none" });
  assert.deepEqual([none.hosts([]), none.connectionString("x"), none.blobEndpoint("x")], [[], undefined, undefined]);
  assert.throws(() => startStorage({ ...options, mode: "embeded" }), { name: "ConnectionStringError" });
});
