// What the pass-through does to requests and answers, against a stand-in for Azurite; the real one is in storage.test.ts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { ManualClock, systemClock } from "../lib/clock.ts";
import { seededIds } from "../lib/ids.ts";
import { silentLog } from "../lib/log.ts";
import { createPassThrough } from "./pass-through.ts";

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

const listen = async (t: TestContext, listener: RequestListener): Promise<Server> => {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
};

/** A front whose requests go to `listener` when they are for the account; others get 418. */
const aFront = async (t: TestContext, listener: RequestListener): Promise<{ port: number; behind: Server; front: Server }> => {
  const behind = await listen(t, listener);
  const passThrough = createPassThrough({
    port: async () => portOf(behind),
    isAccount: (name) => name === "devstoreaccount1" || name === "another1",
    domain: "example.test",
    clock: systemClock(),
    ids: seededIds(1),
    log: silentLog,
  });
  const front = await listen(t, (request, response) => passThrough.handle(request, response) || response.writeHead(418).end());
  t.after(() => passThrough.close());
  return { port: portOf(front), behind, front };
};

type Answer = { status: number; body: string; headers: IncomingMessage["headers"] };

const ask = async (
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> => {
  const request = httpRequest({
    host: "127.0.0.1",
    port,
    path,
    method: options.method ?? "GET",
    headers: options.headers ?? {},
    agent: false,
  });
  const responded = once(request, "response");
  request.end(options.body);
  const [response] = (await responded) as [IncomingMessage];
  return { status: response.statusCode!, body: await text(response), headers: response.headers };
};

const echo: RequestListener = async (request, response) => {
  const body = await text(request);
  response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
};

test("only requests for an account are taken, by path or by host", async (t) => {
  const { port } = await aFront(t, echo);
  const taken = async (path: string, host = "127.0.0.1"): Promise<boolean> => (await ask(port, path, { headers: { host } })).status === 200;
  for (const path of ["/devstoreaccount1", "/devstoreaccount1?comp=list", "/devstoreaccount1/c/b", "/devstoreaccount1-secondary/c"]) {
    assert.equal(await taken(path), true, path);
  }
  assert.equal(await taken("/another1/c/b"), true);
  for (const path of ["/", "/devstoreaccount12/c", "/pools?x=/devstoreaccount1/", "/DevStoreAccount1/c", "/another2/c"])
    assert.equal(await taken(path), false, path);
  for (const host of ["devstoreaccount1.blob.localhost:1", "DevStoreAccount1.blob.quern.example.org", "another1-secondary.blob.x.org"])
    assert.equal(await taken("/c/b", host), true, host);
  for (const host of [
    "devstoreaccount1.localhost",
    "other.blob.localhost",
    "devstoreaccount1",
    "another1.queue.localhost",
    "another1.blob.",
  ])
    assert.equal(await taken("/c/b", host), false, host);
});

test("a storage host of the server's domain without such an account is answered as storage, before anything else reads it", async (t) => {
  const { port } = await aFront(t, echo);
  const answer = await ask(port, "/jobs?sig=secret", { headers: { host: "nobody1.blob.example.test:10020" } });
  assert.deepEqual([answer.status, answer.headers["x-ms-error-code"]], [404, "ResourceNotFound"]);
  assert.equal((await ask(port, "/another1/c", { headers: { host: "nobody1.blob.example.test" } })).status, 200, "a path with an account");
});

test("the request arrives as sent, less what is only for the next hop", async (t) => {
  const { port } = await aFront(t, echo);
  const answer = await ask(port, "/devstoreaccount1/c/a%2Fb%20c//d?sig=a%2Bb&x", {
    method: "PUT",
    body: "content",
    headers: {
      host: "127.0.0.1:7",
      "x-ms-meta-A": "1",
      connection: "close, x-private",
      "x-private": "1",
      "x-forwarded-proto": "https",
      expect: "100-continue",
    },
  });
  const seen = JSON.parse(answer.body);
  assert.equal(seen.method, "PUT");
  assert.equal(seen.url, "/devstoreaccount1/c/a%2Fb%20c//d?sig=a%2Bb&x");
  assert.equal(seen.body, "content");
  assert.equal(seen.headers.host, "127.0.0.1:7");
  assert.equal(seen.headers["x-ms-meta-a"], "1");
  assert.equal(seen.headers["x-private"], undefined);
  assert.equal(seen.headers.expect, undefined);
  assert.equal(seen.headers["x-forwarded-proto"], "http");
});

test("the host stays, unless Azurite would read an account out of it", async (t) => {
  const { port } = await aFront(t, echo);
  const hostSeen = async (host: string, path: string): Promise<string> =>
    JSON.parse((await ask(port, path, { headers: { host } })).body).headers.host;
  for (const host of ["localhost:10020", "127.0.0.1:10020", "[::1]:10020", "quern"])
    assert.equal(await hostSeen(host, "/devstoreaccount1/c"), host);
  assert.equal(await hostSeen("devstoreaccount1.blob.localhost:10020", "/c/b"), "devstoreaccount1.blob.localhost:10020");
  assert.equal(await hostSeen("Another1.Blob.Example.org:10020", "/devstoreaccount1/c"), "another1.blob.example.org:10020");
  assert.equal(await hostSeen("quern.example.org:10020", "/devstoreaccount1/c"), "localhost:10020");
});

test("no body, an empty body and a body of unknown length stay what they are", async (t) => {
  const { port } = await aFront(t, echo);
  const none = JSON.parse((await ask(port, "/devstoreaccount1/c", { method: "DELETE" })).body);
  assert.equal(none.headers["transfer-encoding"], undefined);
  const socket = connect(port, "127.0.0.1");
  socket.write("PUT /devstoreaccount1/c HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const empty = await text(socket);
  assert.match(empty, /"content-length":"0"/);
  assert.doesNotMatch(empty, /"transfer-encoding":"chunked"/);
  const chunked = JSON.parse(
    (await ask(port, "/devstoreaccount1/c", { method: "PUT", body: "abc", headers: { "transfer-encoding": "chunked" } })).body,
  );
  assert.equal(chunked.headers["transfer-encoding"], "chunked");
  assert.equal(chunked.body, "abc");
});

test("a body stays a body, also when the client says that its length is for the next hop alone", async (t) => {
  const seen: string[] = [];
  const { port } = await aFront(t, async (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.end(await text(request));
  });
  const inner = "GET /devstoreaccount1/c/other HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (const method of ["GET", "DELETE", "PUT"]) {
    const socket = connect(port, "127.0.0.1");
    const head = `${method} /devstoreaccount1/c/b HTTP/1.1\r\nHost: localhost\r\nConnection: close, Content-Length\r\n`;
    socket.write(`${head}Content-Length: ${inner.length}\r\n\r\n${inner}`);
    assert.ok((await text(socket)).endsWith(inner), method);
    assert.equal((await ask(port, "/devstoreaccount1/c/next")).status, 200);
  }
  assert.deepEqual(
    seen.filter((line) => !line.endsWith("/next")),
    ["GET /devstoreaccount1/c/b", "DELETE /devstoreaccount1/c/b", "PUT /devstoreaccount1/c/b"],
  );
});

test("a client that waits for permission to send its body gets it, also where the server leaves that to us", async (t) => {
  const { port, front } = await aFront(t, echo);
  front.on("checkContinue", (request, response) => front.emit("request", request, response));
  const request = httpRequest({
    ...{ host: "127.0.0.1", port, path: "/devstoreaccount1/c/b", method: "PUT", agent: false },
    headers: { expect: "100-continue", "content-length": 4 },
  });
  request.flushHeaders();
  await once(request, "continue");
  const responded = once(request, "response");
  request.end("body");
  const [response] = (await responded) as [IncomingMessage];
  assert.equal(JSON.parse(await text(response)).body, "body");
});

test("the answer comes back with its status, headers and repeated headers", async (t) => {
  const { port } = await aFront(t, (_request, response) => {
    response.writeHead(404, "The specified blob does not exist.", [
      ...["x-ms-error-code", "BlobNotFound", "Set-Cookie", "a", "Set-Cookie", "b", "Connection", "x-hop", "x-hop", "1"],
      ...["Date", "Mon, 01 Jan 2024 00:00:00 GMT"],
    ]);
    response.end("<Error/>");
  });
  const answer = await ask(port, "/devstoreaccount1/c/b");
  assert.equal(answer.status, 404);
  assert.equal(answer.body, "<Error/>");
  assert.equal(answer.headers["x-ms-error-code"], "BlobNotFound");
  assert.deepEqual(answer.headers["set-cookie"], ["a", "b"]);
  assert.equal(answer.headers["x-hop"], undefined);
  assert.equal(answer.headers.date, "Mon, 01 Jan 2024 00:00:00 GMT");
});

test("a client that leaves ends the request behind", async (t) => {
  const left = Promise.withResolvers<void>();
  const { port } = await aFront(t, (request, response) => {
    response.once("close", () => left.resolve());
    response.write("begin");
    request.resume();
  });
  const request = httpRequest({ host: "127.0.0.1", port, path: "/devstoreaccount1/c/b", agent: false });
  request.on("error", () => {});
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.on("error", () => {});
  request.destroy();
  await left.promise;
});

test("a slow reader slows the storage down instead of filling memory", async (t) => {
  let wrote = 0;
  const blocked = Promise.withResolvers<void>();
  const { port } = await aFront(t, (_request, response) => {
    const chunk = Buffer.alloc(1024 * 1024);
    const writeMore = (): void => {
      while (wrote < 256 && !response.destroyed) {
        wrote++;
        if (!response.write(chunk)) break;
      }
      blocked.resolve();
    };
    response.on("drain", writeMore);
    writeMore();
  });
  const socket = connect(port, "127.0.0.1");
  socket.pause();
  socket.write("GET /devstoreaccount1/c/b HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await blocked.promise;
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(wrote < 200, `${wrote} MiB were taken from the storage though nobody reads`);
  socket.destroy();
});

test("an error before the upload is complete reaches the client, and the connection stays usable", async (t) => {
  const { port } = await aFront(t, (request, response) => {
    if (request.url!.endsWith("refused")) response.writeHead(403).end("no");
    else echo(request, response);
  });
  const answer = await ask(port, "/devstoreaccount1/c/refused", { method: "PUT", body: "x".repeat(300_000) });
  assert.deepEqual([answer.status, answer.body], [403, "no"]);
  assert.equal((await ask(port, "/devstoreaccount1/c/b")).status, 200);
});

test("storage that is gone, or stays away while it is restarted, is 503 in the storage service's own shape", async (t) => {
  const { port, behind } = await aFront(t, echo);
  behind.close();
  await once(behind, "close");
  const answer = await ask(port, "/devstoreaccount1/c/b?sig=secret");
  assert.equal(answer.status, 503);
  assert.equal(answer.headers["x-ms-error-code"], "ServerBusy");
  assert.match(answer.body, /<Code>ServerBusy<\/Code>/);
  assert.doesNotMatch(answer.body, /secret/);

  const clock = new ManualClock();
  const waiting = Promise.withResolvers<void>();
  const never = createPassThrough({
    port: () => {
      waiting.resolve();
      return new Promise(() => {});
    },
    isAccount: () => true,
    domain: "localhost",
    clock,
    ids: seededIds(1),
    log: silentLog,
  });
  const front = await listen(t, (request, response) => void never.handle(request, response));
  const asked = ask(portOf(front), "/devstoreaccount1/c/b", { method: "HEAD" });
  await waiting.promise;
  clock.advance(10_000);
  assert.equal((await asked).status, 503);
});

test("a connection that the storage closed meanwhile is not the client's problem", async (t) => {
  let requests = 0;
  const { port } = await aFront(t, (request, response) => {
    requests++;
    if (requests === 2) request.socket.resetAndDestroy();
    else response.end("ok");
  });
  assert.equal((await ask(port, "/devstoreaccount1/c/b")).body, "ok");
  assert.equal((await ask(port, "/devstoreaccount1/c/b")).body, "ok");
  assert.equal(requests, 3);
});
