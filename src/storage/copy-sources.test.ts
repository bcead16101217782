// That no copy makes the embedded storage ask another server, against the real Azurite behind the pass-through.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, type TestContext, test } from "node:test";
import { type TestBlobs, testBlobs } from "../../tests/support/blobs.ts";
import { systemClock } from "../lib/clock.ts";
import { seededIds } from "../lib/ids.ts";
import { silentLog } from "../lib/log.ts";
import { isSafeCopy } from "./copy-sources.ts";
import { createPassThrough } from "./pass-through.ts";

let blobs: TestBlobs;
before(async () => {
  blobs = await testBlobs();
});
after(() => blobs.close());

const serve = async (t: TestContext, listener: RequestListener): Promise<number> => {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

const aFront = (t: TestContext): Promise<number> => {
  const port = async () => Number(blobs.host.split(":")[1]);
  const passThrough = createPassThrough({
    port,
    isAccount: (name) => name === "devstoreaccount1",
    domain: "localhost",
    clock: systemClock(),
    ids: seededIds(1),
    log: silentLog,
  });
  t.after(() => passThrough.close());
  return serve(t, (request, response) => void (passThrough.handle(request, response) || response.writeHead(418).end()));
};

const copy = async (port: number, containerUrl: string, host: string, source: string, headers: Record<string, string> = {}) => {
  const { pathname, search } = new URL(containerUrl);
  const request = httpRequest({
    ...{ host: "127.0.0.1", port, agent: false, method: "PUT", path: `${pathname}/copy${search}` },
    headers: { host, "x-ms-version": "2021-12-02", "x-ms-copy-source": source, "content-length": "0", ...headers },
  });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode, code: response.headers["x-ms-error-code"], body: await text(response) };
};

test("a copy from another server is refused without asking it, whatever the Host header says", async (t) => {
  const port = await aFront(t);
  const asked: string[] = [];
  const victim = await serve(t, (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(403).end("<Error><Code>Inner</Code><Message>secret of the inner network</Message></Error>");
  });
  const { url } = await blobs.container("ssrf", { b: "x" });
  const sources = ["latest/meta-data/role", "devstoreaccount1/ssrf/b?sig=x", "devstoreaccount1/ssrf/b?a=1&sig=x"];
  for (const source of sources) {
    for (const name of ["127.0.0.1", "localhost", "devstoreaccount1.blob.localhost"]) {
      const host = `${name}:${victim}`;
      for (const headers of [{}, { "x-ms-requires-sync": "true" }] as Record<string, string>[]) {
        const answer = await copy(port, url, host, `http://${host}/${source}`, headers);
        assert.ok(answer.status === 404 || answer.status === 403, `${host} ${source}: ${answer.status}`);
        assert.doesNotMatch(answer.body, /secret/);
      }
    }
  }
  assert.deepEqual(asked, []);
  const answer = await copy(port, url, "10.0.0.1", "http://10.0.0.1/latest/meta-data/role");
  assert.deepEqual([answer.status, answer.code], [404, "CannotVerifyCopySource"]);
});

test("copies within the account work, with and without a signature", async (t) => {
  const port = await aFront(t);
  const { url, client } = await blobs.container("copies", { b: "contents" });
  const host = `127.0.0.1:${port}`;
  const { pathname, search } = new URL(url);
  for (const query of ["", search]) {
    await client.getBlobClient("copy").deleteIfExists();
    const answer = await copy(port, url, host, `http://${host}${pathname}/b${query}`);
    assert.equal(answer.status, 202, answer.body);
    assert.deepEqual(await blobs.contents(client), { b: "contents", copy: "contents" });
  }
});

test("what counts as this server: its port, and a name that cannot be somebody else's", () => {
  const isSafe = (source: string | undefined): boolean =>
    isSafeCopy(
      { headers: { "x-ms-copy-source": source }, socket: { localPort: 10020, localAddress: "::ffff:192.0.2.7" } } as never,
      "devstoreaccount1",
      "quern.test",
    );
  for (const source of [undefined, "not a URL", "http://example.org/devstoreaccount1/c/b", "https://devstoreaccount1.blob.x.org/c/b"])
    assert.equal(isSafe(source), true, source);
  for (const host of [
    "127.0.0.1:10020",
    "[::1]:10020",
    "localhost:10020",
    "quern:10020",
    "x.localhost:10020",
    "192.0.2.7:10020",
    "x.blob.quern.test:10020",
  ])
    assert.equal(isSafe(`http://${host}/devstoreaccount1/c/b?sig=s`), true, host);
  assert.equal(isSafe("http://127.0.0.1:10020/another1/c/b"), true, "of another account, for which Azurite asks us");
  for (const host of [
    "169.254.169.254",
    "127.0.0.1",
    "10.0.0.1:10020",
    "[fd00::1]:10020",
    "localhost:10021",
    "a.example.org:10020",
    "x.blob.other.test:10020",
  ])
    assert.equal(isSafe(`http://${host}/devstoreaccount1/c/b?SIG=s`), false, host);
  for (const source of ["http://example.org/another1/c/b", "https://another1.blob.x.org/c/b", "http://127.0.0.1:80/another1/c/b"])
    assert.equal(isSafe(source), false, source);
  assert.equal(isSafe("http://2852039166:10020/latest/meta-data"), false, "a decimal address");
});
