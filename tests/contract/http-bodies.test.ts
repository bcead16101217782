// How requests come in, on a real socket: bodies that are wrong, too large, late or cut off, and what is not HTTP at all.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { sharedKey, signedRequest } from "../support/signed.ts";
import { aFront, assertError, aTask, modified, talk } from "./http-fixtures.ts";

test("bodies: type, size, JSON, and none at all", async (t) => {
  const front = await aFront(t, { Job_Add: () => ({ created: "j" }), Job_Terminate: () => ({}), Pool_Delete: () => ({}) });
  const post = (body: unknown, headers: Record<string, string | null> = {}, path = "/jobs", version?: string) =>
    signedRequest(front.credentials, { method: "POST", path, body, headers, version });
  assertError(await post("{}", { "content-type": "text/plain" }), 400, "InvalidHeaderValue", {
    HeaderName: "Content-Type",
    HeaderValue: "text/plain",
  });
  assertError(await post("{}", { "content-type": "application/json; charset=utf-16" }), 400, "InvalidHeaderValue");
  assertError(await post("{}", { "content-encoding": "gzip" }), 400, "InvalidHeaderValue");
  assertError(await post('{"id":"secret'), 400, "InvalidRequestBody");
  assertError(await post(""), 400, "InvalidRequestBody");
  assertError(await post("[]"), 400, "InvalidRequestBody");
  assertError(await post({ id: "j" }), 400, "MissingRequiredProperty");
  assertError(await post(`${"[".repeat(200_000)}`), 400, "InvalidRequestBody");
  assertError(await post(`{"id":"j","poolInfo":${'{"autoPoolSpecification":'.repeat(20_000)}`), 400, "InvalidRequestBody");
  for (const type of ["application/json", "application/json; odata=minimalmetadata; charset=utf-8", "APPLICATION/JSON;odata=verbose"]) {
    assert.equal((await post({ id: "j", poolInfo: { poolId: "p" } }, { "content-type": type })).status, 201, type);
  }
  // Clients send a type with no body, also where the body is optional.
  assert.equal((await post("", { "content-type": "application/json; charset=utf-8" }, "/jobs/j/terminate")).status, 202);
  assert.equal(
    (await signedRequest(front.credentials, { method: "DELETE", path: "/pools/p", headers: { "content-type": "application/json" } }))
      .status,
    202,
  );
});

test("a body too large is refused in the right shape, however it is sent", async (t) => {
  const front = await aFront(t, { Job_Add: () => ({ created: "j" }) });
  const job = (bytes: number) => ({ id: "j", poolInfo: { poolId: "p" }, displayName: "x".repeat(bytes) });
  const post = (body: unknown, version?: string, headers: Record<string, string | null> = {}) =>
    signedRequest(front.credentials, { method: "POST", path: "/jobs", body, version, headers });
  assertError(await post(job(5 * 2 ** 20)), 413, "RequestBodyTooLarge");
  assertError(
    await post(job(5 * 2 ** 20), undefined, { "transfer-encoding": "chunked", "content-length": null }),
    413,
    "RequestBodyTooLarge",
  );
  assertError(await post(job(5 * 2 ** 20), "2017-09-01.6.0"), 413, "RequestBodyTooLarge");
  // Under the older limit: refused for what is in it, not for its size.
  assertError(await post(job(2 ** 20), "2017-09-01.6.0"), 400, "InvalidPropertyValue");
  assertError(await post(job(2 ** 20)), 413, "RequestBodyTooLarge");
  assert.equal((await post(job(10))).status, 201);
});

test("a client that asks before it sends is told at once", async (t) => {
  const front = await aFront(t, { Job_Add: () => ({ created: "j" }) });
  const raw = (headers: string, body: string): Promise<string> =>
    talk(front.port, `POST /jobs?api-version=2024-07-01.20.0 HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n`, body);
  // Refused before the body is asked for: without a signature there is nothing to continue for.
  assert.match(await raw("Expect: 100-continue\r\nContent-Length: 5\r\nContent-Type: application/json", ""), /^HTTP\/1\.1 401 /);
});

test("what is not HTTP gets an error that can be read, and the connection ends", async (t) => {
  const front = await aFront(t, { Pool_List: () => ({ items: [] }) });
  assert.match(await talk(front.port, "NONSENSE\r\n\r\n"), /^HTTP\/1\.1 400 [\s\S]*"code":"/);
  assert.match(
    await talk(front.port, `GET /pools HTTP/1.1\r\nhost: x\r\nx-long: ${"x".repeat(100_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431 [\s\S]*"code":"InvalidHeaderValue"/,
  );
  assert.match(
    await talk(front.port, "GET http://other/nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
    /^HTTP\/1\.1 404 [\s\S]*"ResourceNotFound"/,
  );
  assert.match(await talk(front.port, "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"), /^HTTP\/1\.1 400 [\s\S]*"InvalidUri"/);
  assert.match(
    await talk(front.port, "GET /pools HTTP/1.1\r\nhost: a b<script>\r\nconnection: close\r\n\r\n"),
    /^HTTP\/1\.1 400 [\s\S]*"InvalidHeaderValue"/,
  );
  assert.match(await talk(front.port, "GET /nothing HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 404 [\s\S]*"ResourceNotFound"/);
});

test("a client that leaves in the middle of its body harms nobody", async (t) => {
  const front = await aFront(t, { Task_AddCollection: () => ({ body: { value: [] } }), Pool_List: () => ({ items: [] }) });
  const target = "/jobs/j/addtaskcollection?api-version=2024-07-01.20.0";
  const headers: Record<string, string> = {
    "ocp-date": new Date().toUTCString(),
    "content-length": "1000",
    "content-type": "application/json",
    expect: "100-continue",
  };
  headers.authorization = sharedKey(front.credentials, "POST", target, headers);
  const socket = connect(front.port, "127.0.0.1");
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write(`POST ${target} HTTP/1.1\r\nhost: x\r\n${lines.join("\r\n")}\r\n\r\n{`);
  // The server asks for the body: it is waiting for the rest of it.
  assert.match(String(await new Promise((resolve) => socket.once("data", resolve))), /^HTTP\/1\.1 100 /);
  socket.resetAndDestroy();
  assert.equal((await signedRequest(front.credentials, { method: "GET", path: "/pools" })).status, 200);
  assert.deepEqual(
    front.given.map(({ operation }) => operation.id),
    ["Pool_List"],
  );
  assert.equal(front.logged.filter(({ level }) => level !== "debug").length, 0);
});

test("a body that does not arrive in time is given up, and its connection with it", async (t) => {
  const front = await aFront(t, { Job_Add: () => ({ created: "j" }) });
  const target = "/jobs?api-version=2024-07-01.20.0";
  const headers: Record<string, string> = { "ocp-date": new Date().toUTCString(), "content-length": "1000", expect: "100-continue" };
  headers.authorization = sharedKey(front.credentials, "POST", target, headers);
  const socket = connect(front.port, "127.0.0.1");
  let text = "";
  const closed = new Promise((resolve) => socket.on("close", resolve));
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.write(`POST ${target} HTTP/1.1\r\nhost: x\r\n${lines.join("\r\n")}\r\n\r\n{`);
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      text += chunk;
      resolve();
    });
  });
  assert.match(text, /^HTTP\/1\.1 100 /);
  front.clock.advance(60_000);
  await closed;
  assert.match(text, /HTTP\/1\.1 408 [\s\S]*"code":"InvalidRequestBody"/);
});

test("a task's fields survive the way in", async (t) => {
  const front = await aFront(t, {
    Task_AddCollection: () => ({ body: { value: [{ status: "success", taskId: "t" }] } }),
    Task_Get: () => ({ body: aTask("t"), modified }),
  });
  const answer = await signedRequest(front.credentials, {
    method: "POST",
    path: "/jobs/j/addtaskcollection",
    body: { value: [{ id: "t", commandLine: "echo é" }] },
  });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers.dataserviceid, undefined);
  assert.equal(front.given[0]?.body.value[0].commandLine, "echo é");
});
