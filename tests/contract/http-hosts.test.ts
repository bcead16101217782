// Which names a server with the published key answers to.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { ensureCertificates } from "../../src/http/certificates.ts";
import { accountOfHost, ownNames } from "../../src/http/host-names.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { systemIds } from "../../src/lib/ids.ts";
import { startQuern } from "../support/quern.ts";
import { aFront } from "./http-fixtures.ts";

const ask = async (port: number, path: string, host: string) => {
  const request = httpRequest({ host: "127.0.0.1", port, path, headers: { host }, agent: false });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response) };
};

test("addresses, localhost and the certificate's names are the server's own, every other name is not", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "quern-hosts-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const { cert } = await ensureCertificates({ directory, hostName: "Build-Host", now: systemClock().now(), ids: systemIds() });
  const isOwn = ownNames(() => cert, "quern.test");
  const own = [
    "127.0.0.1:10020",
    "[::1]:10020",
    "192.0.2.1",
    "localhost",
    "LOCALHOST:1",
    "a.b.localhost:1",
    "build-host:10020",
    "localhost.",
    "quern.test:10020",
    "acc1.blob.quern.test:10020",
  ];
  for (const host of own) assert.equal(isOwn(host), true, host);
  assert.equal(isOwn(undefined), true);
  for (const host of [
    "rebound.example.org:10020",
    "localhost.example.org",
    "127.0.0.1.example.org",
    "notlocalhost",
    "notquern.test",
    "quern.test.example.org",
    "127.0.0.1@x",
    "1.2.3",
  ])
    assert.equal(isOwn(host), false, host);
});

test("every name below batch.domain is an account's, and never the server's own", () => {
  const accountOf = accountOfHost("quern.test");
  for (const host of [
    "acc1.eastus.batch.quern.test",
    "ACC1.EastUS.batch.quern.test",
    "acc1.eastus.batch.quern.test.",
    "acc1.batch.quern.test",
  ])
    assert.equal(accountOf(host), "acc1", host);
  for (const host of ["127.0.0.1", "localhost", "quern.test", "batch.quern.test", "acc1.blob.quern.test", "acc1.eastus.batch.localhost"])
    assert.equal(accountOf(host), undefined, host);
  for (const host of ["acc1.eastus.service.batch.quern.test", "x.acc1.eastus.batch.quern.test"])
    assert.match(String(accountOf(host)), /\./, `${host} is that of no account`);
});

test("an origin in front of the path, as proxies send it, leads to the same plane", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const { host, port } = new URL(quern.ready.batchUrl);
  for (const path of [
    "/subscriptions?api-version=2022-12-01",
    "/adfs/.well-known/openid-configuration",
    "/metadata/endpoints?api-version=2015-01-01",
    "/healthz",
  ]) {
    const [plain, withOrigin] = [await ask(Number(port), path, host), await ask(Number(port), `http://${host}${path}`, host)];
    assert.equal(withOrigin.status, plain.status, path);
    assert.equal(withOrigin.body, plain.body);
  }
});

test("a request under another name is refused before anything reads it, blobs and health included", async (t) => {
  const seen: string[] = [];
  const front = await aFront(t, {}, { isOwnName: (host) => host !== "rebound.example.org", blobs: ({ url }) => seen.push(url!) === 0 });
  for (const path of ["/pools?api-version=2024-07-01.20.0", "/devstoreaccount1/c", "/healthz", "/_quern/why"]) {
    const answer = await ask(front.port, path, "rebound.example.org");
    assert.equal(answer.status, 400);
    assert.equal(JSON.parse(answer.body).code, "InvalidHeaderValue");
  }
  assert.deepEqual(seen, []);
  assert.equal((await ask(front.port, "/healthz", "127.0.0.1")).status, 200);
});
