// Images by URL, from a server of our own that does what servers do: ranges or none, redirects, refusals, broken and stalled connections.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { anImageWorld, aSystem, failedWith, type ImageWorld, tarOf } from "../../tests/support/images.ts";
import { ManualClock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { type ImportServices, ImportSuspended } from "./import.ts";

const image = await tarOf([...aSystem, { name: "big", content: Buffer.alloc(1_000_000, "quern ") }]);
const secret = "sig=0ursecret%2Bsignature";

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;
type Site = { host: string; url: string; requests: IncomingMessage[]; sent(): number };

/** A server on loopback; closed after the test file. */
const serve = async (answer: Answer): Promise<Site> => {
  const requests: IncomingMessage[] = [];
  let sent = 0;
  const server = createServer((request, response) => {
    requests.push(request);
    const write = response.write.bind(response) as (chunk: Buffer, done?: () => void) => boolean;
    response.write = ((chunk: Buffer, done?: () => void) => {
      sent += chunk.length;
      return write(chunk, done);
    }) as ServerResponse["write"];
    answer(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, url: `http://${host}/images/tiny.tar?sv=2020&${secret}`, requests, sent: () => sent };
};

/** As blob storage does it. `upTo` breaks the connection after so many bytes of this answer. */
const blob = (
  response: ServerResponse,
  request: IncomingMessage,
  { bytes = image, etag = '"0x8D1"', upTo = Number.POSITIVE_INFINITY } = {},
) => {
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const from = match !== null && request.headers["if-range"] === etag ? Number(match[1]) : undefined;
  const part = bytes.subarray(from ?? 0);
  response.writeHead(from === undefined ? 200 : 206, {
    etag,
    "content-length": part.length,
    ...(from !== undefined && { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
  });
  if (part.length <= upTo) {
    response.write(part);
    response.end();
  } else response.write(part.subarray(0, upTo), () => response.socket?.end());
};

const worldOf = (site: Site, more: Partial<ImportServices> = {}): ImageWorld =>
  anImageWorld({ urls: { storageHosts: [site.host], allowPrivateUrls: false }, limits: { pauseMs: 1, attempts: 3 }, ...more });
const from = (world: ImageWorld, url: string, signal?: AbortSignal) => world.importFrom({ kind: "url", url }, {}, signal);

test("a download becomes an image, and its signature is neither kept nor told", async () => {
  const site = await serve((request, response) => blob(response, request));
  const told: string[] = [];
  const log: Log = {
    debug: (...all) => told.push(JSON.stringify(all)),
    info: (...all) => told.push(JSON.stringify(all)),
    warn: (...all) => told.push(JSON.stringify(all)),
    error: (...all) => told.push(JSON.stringify(all)),
    child: () => log,
  };
  const world = worldOf(site, { log });
  const finished = await from(world, site.url);
  assert.equal(finished.sha256, createHash("sha256").update(image).digest("hex"));
  assert.equal(site.requests[0]?.url, `/images/tiny.tar?sv=2020&${secret}`);
  assert.ok(told.length > 0);
  assert.ok(!(told.join() + readFileSync(join(world.directory, "image.json"), "utf8")).includes("secret"));
  // The same blob by another signature is the same source.
  assert.deepEqual(await from(world, site.url.replace("0ur", "new")), finished);
  assert.equal(site.requests.length, 1);
});

test("after a restart a download goes on where it stopped", async () => {
  const controller = new AbortController();
  const site = await serve((request, response, count) => {
    if (count > 1) return blob(response, request);
    response.writeHead(200, { etag: '"0x8D1"', "content-length": image.length });
    response.write(image.subarray(0, 700_000)); // And no more: the import is stopped meanwhile.
  });
  const world = worldOf(site, {
    progress: ({ downloadedBytes }) => {
      if (downloadedBytes > 0) controller.abort(new ImportSuspended());
    },
  });
  await assert.rejects(from(world, site.url, controller.signal), { name: "ImportSuspended" });
  const note = JSON.parse(readFileSync(join(world.directory, "part/source.json"), "utf8"));
  assert.ok(note.syncedBytes > 0 && note.totalBytes === image.length);
  assert.ok(!JSON.stringify(note).includes("secret"));
  const before = site.sent();
  const resumed = await from(world, site.url);
  assert.equal(site.requests[1]?.headers.range, `bytes=${note.syncedBytes}-`);
  assert.equal(site.requests[1]?.headers["if-range"], '"0x8D1"');
  assert.equal(site.sent() - before, image.length - note.syncedBytes);
  assert.equal(resumed.sha256, createHash("sha256").update(image).digest("hex"));
});

test("bytes that a crash left after the last durable ones are read again", async () => {
  const site = await serve((request, response) => blob(response, request));
  const controller = new AbortController();
  const world = worldOf(site, { progress: () => controller.abort(new ImportSuspended()) });
  await assert.rejects(from(world, site.url, controller.signal), { name: "ImportSuspended" });
  const part = join(world.directory, "part");
  const note = JSON.parse(readFileSync(join(part, "source.json"), "utf8"));
  writeFileSync(join(part, "source.json"), JSON.stringify({ ...note, sha256: undefined, syncedBytes: 1000 }));
  writeFileSync(join(part, "source"), Buffer.concat([image.subarray(0, 1000), Buffer.alloc(5000, "garbage")]));
  const finished = await from(world, site.url);
  assert.equal(site.requests.at(-1)?.headers.range, "bytes=1000-");
  assert.equal(finished.sha256, createHash("sha256").update(image).digest("hex"));
});

test("a broken connection is continued, and after some attempts without a byte given up", async () => {
  const site = await serve((request, response, count) => blob(response, request, count < 3 ? { upTo: 300_000 } : {}));
  const image1 = await from(worldOf(site), site.url);
  assert.equal(image1.downloadedBytes, image.length);
  const starts = site.requests.map(({ headers }) => Number(/\d+/.exec(headers.range ?? "0")?.[0]));
  assert.equal(starts.length, 3);
  assert.ok(starts[0] === 0 && starts[1]! > 0 && starts[2]! > starts[1]!, starts.join());
  const dead = await serve((_, response) => response.socket?.destroy());
  const world = worldOf(dead);
  await assert.rejects(from(world, dead.url), failedWith("ImageSourceUnreachable"));
  assert.equal(dead.requests.length, 3);
  assert.deepEqual(world.left(), []);
});

test("a server that cannot continue, or has another image now, is read from the first byte", async () => {
  const noRanges = await serve((_, response, count) => {
    response.writeHead(200, { "content-length": image.length });
    if (count === 1) response.write(image.subarray(0, 500_000), () => response.socket?.end());
    else response.end(image);
  });
  assert.equal((await from(worldOf(noRanges), noRanges.url)).downloadedBytes, image.length);
  assert.equal(noRanges.requests[1]?.headers.range, undefined);
  const ignored = await serve((request, response, count) => {
    delete request.headers.range;
    blob(response, request, count === 1 ? { upTo: 500_000 } : {});
  });
  assert.equal((await from(worldOf(ignored), ignored.url)).downloadedBytes, image.length);
  const other = await tarOf([...aSystem, { name: "other", content: "new" }]);
  const changed = await serve((request, response, count) =>
    blob(response, request, count === 1 ? { upTo: 500_000 } : { bytes: other, etag: '"0x8D2"' }),
  );
  const world = worldOf(changed);
  assert.equal((await from(world, changed.url)).sha256, createHash("sha256").update(other).digest("hex"));
  assert.ok(existsSync(world.rootfs("other")));
});

test("an answer with a wrong range is not pasted in", async () => {
  const site = await serve((request, response, count) => {
    if (count === 1) return blob(response, request, { upTo: 500_000 });
    if (request.headers.range === undefined) return blob(response, request);
    response.writeHead(206, { etag: '"0x8D1"', "content-range": `bytes 400000-${image.length - 1}/${image.length}` });
    response.end(image.subarray(400_000));
  });
  assert.equal((await from(worldOf(site), site.url)).sha256, createHash("sha256").update(image).digest("hex"));
});

test("redirects are followed a few times, and each address is checked", async () => {
  const site = await serve((request, response) => {
    if (request.url?.startsWith("/images")) return response.writeHead(302, { location: "/real" }).end();
    return blob(response, request);
  });
  assert.equal((await from(worldOf(site), site.url)).downloadedBytes, image.length);
  const inner = await serve((request, response) => blob(response, request));
  const to = (location: string) => serve((_, response) => response.writeHead(307, { location }).end());
  for (const location of [inner.url, "http://169.254.169.254/latest", "http://localhost:1/", "http://[::1]:1/"]) {
    const redirecting = await to(location);
    await assert.rejects(from(worldOf(redirecting), redirecting.url), failedWith("ImageSourceAddressRefused"));
  }
  assert.equal(inner.requests.length, 0);
  const file = await to("file:///etc/passwd");
  await assert.rejects(from(worldOf(file), file.url), failedWith("ImageSourceAddressRefused"));
  const circle = await serve((_, response) => response.writeHead(301, { location: "/again" }).end());
  await assert.rejects(from(worldOf(circle), circle.url), failedWith("ImageSourceUnreachable", /redirects too often/));
  assert.equal(circle.requests.length, 6);
});

test("a private address is refused without a request, but not to the operator's catalogue", async () => {
  const site = await serve((request, response) => blob(response, request));
  const world = anImageWorld();
  await assert.rejects(from(world, site.url), failedWith("ImageSourceAddressRefused", /loopback or private/));
  assert.equal(site.requests.length, 0);
  await assert.rejects(from(world, "ftp://example.org/x"), failedWith("ImageSourceInvalid"));
  assert.equal((await world.importFrom({ kind: "url", url: site.url, isOperators: true })).files, 7);
});

test("what the server refuses is told by kind, without the URL's secrets", async () => {
  const codes: [number, string, RegExp, number][] = [
    [404, "ImageSourceNotFound", /answered 404 BlobNotFound/, 1],
    [410, "ImageSourceNotFound", /410/, 1],
    [401, "ImageSourceForbidden", /401/, 1],
    [403, "ImageSourceForbidden", /expired/, 1],
    [409, "ImageSourceForbidden", /409/, 1],
    [400, "ImageSourceUnreachable", /400/, 1],
    [503, "ImageSourceUnreachable", /503/, 3],
    [206, "ImageSourceUnreachable", /206/, 1],
  ];
  for (const [status, code, message, times] of codes) {
    const site = await serve((_, response) => response.writeHead(status, { "x-ms-error-code": "BlobNotFound" }).end("<Error/>"));
    const world = worldOf(site);
    await assert.rejects(from(world, site.url), (error: Error) => failedWith(code, message)(error) && !error.message.includes("secret"));
    assert.equal(site.requests.length, times);
    assert.deepEqual(world.left(), []);
  }
});

/** Of an answer's first bytes: all at once and nothing more, or one with each turn of the loop. */
const slownesses: [string, (response: ServerResponse) => void][] = [
  ["falls silent", (response) => void response.write(image.subarray(0, 1000))],
  [
    "sends drop by drop",
    (response) => {
      const drop = (at: number): void => {
        if (!response.destroyed && at < image.length) response.write(image.subarray(at, at + 1), () => setImmediate(drop, at + 1));
      };
      drop(0);
    },
  ],
];

for (const [slowness, send] of slownesses)
  test(`a server that ${slowness} is given up in time, by the clock`, async () => {
    const clock = new ManualClock();
    let [asked, ended] = [(): void => {}, false];
    const silent = await serve((_, response, count) => {
      if (count === 1) {
        response.writeHead(200, { "content-length": image.length });
        send(response);
      }
      asked();
    });
    // The clock runs ahead of the disk here, which would be writing whenever it is looked at.
    const world = worldOf(silent, { clock, limits: { idleMs: 60_000, attempts: 2, pauseMs: 1000, syncMs: Number.MAX_SAFE_INTEGER } });
    const steps = (async () => {
      for (let requests = 0; requests < 2; requests++) {
        if (silent.requests.length <= requests) await new Promise<void>((resolve) => (asked = resolve));
        // The clock is moved on until the import has set its next step in motion: it reads its own timers only.
        const count = silent.requests.length;
        while (silent.requests.length === count && !ended) {
          await new Promise((resolve) => setImmediate(resolve));
          clock.advance(5000);
        }
      }
    })();
    const startedAt = clock.now();
    await assert.rejects(
      from(world, silent.url).finally(() => {
        ended = true;
      }),
      failedWith("ImageSourceUnreachable", /did not answer in time|stalled/),
    );
    await steps;
    assert.equal(silent.requests.length, 2);
    assert.ok(clock.now() - startedAt >= 120_000);
  });

test("an abort ends a download at once", async () => {
  const controller = new AbortController();
  const site = await serve((_, response) => {
    response.writeHead(200, { "content-length": image.length });
    response.write(image.subarray(0, 1000), () => controller.abort(new Error("deleted")));
  });
  const world = worldOf(site);
  await assert.rejects(from(world, site.url, controller.signal), { message: "deleted" });
  assert.deepEqual(world.left(), []);
});
