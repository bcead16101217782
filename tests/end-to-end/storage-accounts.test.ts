// The embedded storage's accounts as users of a real server see them: by path and by host, over http and https, with either key, after
// restarts of the server and of Azurite.
import assert from "node:assert/strict";
import dns from "node:dns";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import {
  BlobSASPermissions,
  BlobServiceClient,
  BlockBlobClient,
  generateBlobSASQueryParameters,
  SASProtocol,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { newLocation, type Quern, startQuern, until } from "../support/quern.ts";

type Kept = { name: string; key1?: string; key2: string };

const accountsFile = (location: string): string => join(location, "azurite", "accounts.json");
const kept = (location: string): Kept[] => JSON.parse(readFileSync(accountsFile(location), "utf8"));

/** All names below localhost lead here, as a line in /etc/hosts makes them; and the server's CA is trusted, as NODE_EXTRA_CA_CERTS makes it. */
const asUserOf = (t: TestContext, { ready }: Quern): void => {
  const resolve = dns.lookup;
  t.mock.method(dns, "lookup", (name: string, ...rest: unknown[]) =>
    (resolve as (...args: unknown[]) => void)(name.endsWith(".localhost") ? "127.0.0.1" : name, ...rest),
  );
  const before = getCACertificates("default");
  setDefaultCACertificates([...before, readFileSync(ready.caFile, "utf8")]);
  t.after(() => setDefaultCACertificates(before));
};

const credentialOf = ({ name, key1, key2 }: Kept, which: "key1" | "key2"): StorageSharedKeyCredential =>
  new StorageSharedKeyCredential(name, which === "key1" ? key1! : key2);

/** Every address of an account: path and host, http and https. */
const endpointsOf = ({ ready }: Quern, name: string): string[] => {
  const { port } = new URL(ready.batchUrl);
  const places = [`127.0.0.1:${port}/${name}`, `localhost:${port}/${name}`, `${name}.blob.localhost:${port}`];
  return places.flatMap((place) => [`http://${place}`, `https://${place}`]);
};

const containersOf = async (endpoint: string, credential: StorageSharedKeyCredential): Promise<string[]> =>
  (await Array.fromAsync(new BlobServiceClient(endpoint, credential).listContainers())).map(({ name }) => name);

test("accounts are reached in every form with either key, and are the same after restarts", { timeout: 120_000 }, async (t) => {
  const location = await newLocation(t);
  const first = await startQuern(t, { location });
  assert.deepEqual(kept(location).map(({ name }) => name), ["devstoreaccount1"]); // biome-ignore format: one thought
  assert.equal(statSync(accountsFile(location)).mode & 0o777, 0o600);
  const { accountKey } = /AccountKey=(?<accountKey>[^;]+)/.exec(first.ready.storage!.connectionString)!.groups!;
  await first.stop();
  // As one that was made by an earlier server.
  const acc1 = { name: "acc1", key1: Buffer.from("one").toString("base64"), key2: Buffer.from("two").toString("base64") };
  writeFileSync(accountsFile(location), JSON.stringify([...kept(location), acc1]));

  const quern = await startQuern(t, { location });
  asUserOf(t, quern);
  const own = { ...kept(location)[0]!, key1: accountKey! };
  for (const account of [own, acc1]) {
    const made = new Set<string>();
    for (const [index, endpoint] of endpointsOf(quern, account.name).entries()) {
      await new BlobServiceClient(endpoint, credentialOf(account, "key1")).createContainer(`from-${index}`);
      made.add(`from-${index}`);
      assert.deepEqual(await containersOf(endpoint, credentialOf(account, "key2")), [...made].sort(), endpoint);
    }
  }
  const foreign = new StorageSharedKeyCredential("acc1", own.key1!);
  await assert.rejects(containersOf(endpointsOf(quern, "acc1")[0]!, foreign), { statusCode: 403 });

  const { pid } = JSON.parse(readFileSync(join(location, "azurite", "azurite.pid"), "utf8"));
  process.kill(pid, "SIGKILL");
  const pidNow = async (): Promise<number> => JSON.parse(readFileSync(join(location, "azurite", "azurite.pid"), "utf8")).pid;
  await until(pidNow, (now) => now !== pid);
  await containersOf(endpointsOf(quern, "acc1")[0]!, credentialOf(acc1, "key2"));
  await quern.kill();

  const again = await startQuern(t, { location });
  for (const account of [own, acc1]) await containersOf(endpointsOf(again, account.name)[4]!, credentialOf(account, "key1"));
  assert.deepEqual(kept(location), [kept(location)[0], acc1]);
});

test("a signature for https alone takes uploads of any size by host, as az sends them", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t);
  asUserOf(t, quern);
  const [, , , , , byHost] = endpointsOf(quern, "devstoreaccount1");
  const service = BlobServiceClient.fromConnectionString(quern.ready.storage!.connectionString);
  await service.createContainer("app-1");
  const sas = generateBlobSASQueryParameters(
    {
      ...{ containerName: "app-1", blobName: "app-1.zip", protocol: SASProtocol.Https },
      permissions: BlobSASPermissions.parse("rcw"),
      expiresOn: new Date(Date.now() + 600_000),
    },
    service.credential as StorageSharedKeyCredential,
  );
  const blob = new BlockBlobClient(`${byHost}/app-1/app-1.zip?${sas}`);
  const content = Buffer.alloc(9 * 2 ** 20, "zip");
  await blob.uploadData(content, { maxSingleShotSize: 2 ** 20, blockSize: 4 * 2 ** 20, concurrency: 2 });
  assert.ok((await blob.downloadToBuffer()).equals(content));
  const plain = new BlockBlobClient(`${byHost!.replace("https:", "http:")}/app-1/app-1.zip?${sas}`);
  await assert.rejects(plain.upload("x", 1), { statusCode: 403 });
  const nobody = new BlockBlobClient(blob.url.replace("devstoreaccount1", "nobody1"), undefined, { retryOptions: { maxTries: 1 } });
  await assert.rejects(nobody.getProperties(), { statusCode: 404 });
});

test("with a domain its names are served over https", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--domain", "quern.localhost", "--region", "japaneast"] });
  asUserOf(t, quern);
  const { port } = new URL(quern.ready.batchUrl);
  const service = BlobServiceClient.fromConnectionString(quern.ready.storage!.connectionString);
  const credential = service.credential as StorageSharedKeyCredential;
  assert.deepEqual(await containersOf(`https://devstoreaccount1.blob.quern.localhost:${port}`, credential), []);
  for (const host of [`${quern.ready.account}.japaneast.batch.quern.localhost`, "quern.localhost"]) {
    const answer = await statusOf(host, Number(port));
    assert.equal(answer, 200, host);
  }
});

const statusOf = (host: string, port: number): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    get({ host, port, path: "/healthz", agent: false }, (response) => resolve(response.resume().statusCode)).on("error", reject);
  });
