// What every answer of the data plane has in common, on a real socket: headers, errors, bodies, lists, conditions, files.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { test } from "node:test";
import { ApiError } from "../../src/api/errors.ts";
import { checkConditions } from "../../src/domain/conditions.ts";
import { etagOf } from "../../src/lib/clock.ts";
import { NodeUnreachable } from "../../src/node-management/channel.ts";
import { StoreUnavailable } from "../../src/store/db.ts";
import { type Answer, sharedKey, signedRequest } from "../support/signed.ts";
import { aFront, aPool, aTask } from "./http-fixtures.ts";

const modified = Date.UTC(2026, 2, 4, 5, 6, 7) * 1000 + 123_456;
const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The one shape that clients can read an error in. */
const assertError = (answer: Answer, status: number, code: string, values?: Record<string, string>): void => {
  assert.equal(answer.status, status, `${answer.status} ${answer.text}`);
  assert.equal(answer.headers["content-type"], "application/json;odata=minimalmetadata");
  assert.equal(answer.json.code, code);
  assert.equal(answer.json.message.lang, "en-US");
  const [text, requestId, time] = answer.json.message.value.split("\n");
  assert.equal(requestId, `RequestId:${answer.headers["request-id"]}`);
  assert.match(time, /^Time:\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.equal(answer.statusMessage, text);
  assert.match(answer.json["odata.metadata"], /\/\$metadata#Microsoft\.Azure\.Batch\.Protocol\.Entities\.Container\.errors\/@Element$/);
  if (values !== undefined) assert.deepEqual(Object.fromEntries(answer.json.values.map((v: any) => [v.key, v.value])), values);
};

test("a resource is answered with its headers and its body in the client's version", async (t) => {
  const front = await aFront(t, { Pool_Get: () => ({ body: { ...aPool("p"), taskSlotsPerNode: 3 }, modified }) });
  const answer = await signedRequest(front.credentials, { method: "GET", path: "/pools/p" });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["content-type"], "application/json;odata=minimalmetadata");
  assert.equal(answer.headers.dataserviceversion, "3.0");
  assert.equal(answer.headers["x-content-type-options"], "nosniff");
  assert.match(String(answer.headers["request-id"]), guid);
  assert.equal(answer.headers.etag, etagOf(modified));
  assert.equal(answer.headers["last-modified"], "Wed, 04 Mar 2026 05:06:07 GMT");
  assert.equal(answer.headers.date, new Date(front.clock.now()).toUTCString());
  for (const absent of ["server", "strict-transport-security", "x-powered-by", "location", "dataserviceid", "client-request-id"]) {
    assert.equal(answer.headers[absent], undefined, absent);
  }
  assert.equal(Object.keys(answer.json)[0], "odata.metadata");
  assert.equal(answer.json["odata.metadata"], `${front.credentials.batchUrl}/$metadata#pools/@Element`);
  assert.equal(answer.json.taskSlotsPerNode, 3);
  const older = await signedRequest(front.credentials, { method: "GET", path: "/pools/p", version: "2019-08-01.10.0" });
  assert.equal(older.json.maxTasksPerNode, 3);
  assert.deepEqual(front.given[0]?.principal, { accountId: 7, accountName: "account1", by: "sharedKey", role: "contributor" });
});

test("what was created has its own URL in Location and DataServiceId, and no body", async (t) => {
  const front = await aFront(t, { Job_Add: () => ({ created: "my job", modified }), Pool_Resize: () => ({ modified }) });
  const created = await signedRequest(front.credentials, {
    method: "POST",
    path: "/jobs",
    body: { id: "my-job", poolInfo: { poolId: "p" } },
  });
  assert.equal(created.status, 201);
  assert.equal(created.headers.location, `${front.credentials.batchUrl}/jobs/my%20job`);
  assert.equal(created.headers.dataserviceid, created.headers.location);
  assert.equal(created.headers.etag, etagOf(modified));
  assert.equal(created.text, "");
  const resized = await signedRequest(front.credentials, { method: "POST", path: "/pools/p/resize", body: { targetDedicatedNodes: 1 } });
  assert.equal(resized.status, 202);
  assert.equal(resized.headers.dataserviceid, `${front.credentials.batchUrl}/pools/p/resize`);
  assert.equal(resized.headers.location, undefined);
});

test("204 and HEAD have no body", async (t) => {
  const front = await aFront(t, {
    Task_Terminate: () => ({ modified }),
    Pool_Exists: ({ params }) => {
      if (params.poolId === "gone") throw new ApiError("PoolNotFound");
      return { modified };
    },
  });
  const ended = await signedRequest(front.credentials, { method: "POST", path: "/jobs/j/tasks/t/terminate" });
  assert.equal(ended.status, 204);
  assert.equal(ended.headers.etag, etagOf(modified));
  const there = await signedRequest(front.credentials, { method: "HEAD", path: "/pools/p" });
  assert.deepEqual([there.status, there.headers.etag, there.text], [200, etagOf(modified), ""]);
  const gone = await signedRequest(front.credentials, { method: "HEAD", path: "/pools/gone" });
  assert.deepEqual([gone.status, gone.statusMessage, gone.text], [404, "The specified pool does not exist.", ""]);
});

test("lists continue where they were cut, with everything the client sent", async (t) => {
  const ids = ["a", "b'c", "d/é", "e"];
  const front = await aFront(t, {
    Pool_List: ({ page }) => {
      const rest = ids.filter((id) => page.after === undefined || id > page.after);
      const shown = rest.slice(0, page.limit);
      return { items: shown.map(aPool), ...(rest.length > shown.length ? { next: shown.at(-1)! } : {}) };
    },
  });
  const seen: string[] = [];
  let path = "/pools?maxresults=1&$select=id%2Cstate&$filter=state%20ne%20%27deleting%27&api-version=2024-07-01.20.0";
  for (let pages = 0; ; pages++) {
    const answer = await signedRequest(front.credentials, { method: "GET", path });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json["odata.metadata"], `${front.credentials.batchUrl}/$metadata#pools`);
    seen.push(...answer.json.value.map((pool: any) => pool.id));
    assert.deepEqual(Object.keys(answer.json.value[0]), ["id", "state"]);
    const next = answer.json["odata.nextLink"];
    if (next === undefined) {
      assert.equal(pages, 3);
      break;
    }
    assert.ok(next.startsWith(`${front.credentials.batchUrl}/pools?maxresults=1&$select=id%2Cstate&$filter=`), next);
    assert.equal(next.match(/\$skiptoken=/g).length, 1);
    path = next.slice(front.credentials.batchUrl.length);
  }
  assert.deepEqual(seen, ids);
  assert.deepEqual(front.given[0]?.filter, {
    type: "compare",
    operator: "ne",
    property: "state",
    value: { kind: "string", value: "deleting" },
  });
  for (const [query, name] of [
    ["maxresults=-5", "maxresults"],
    ["maxresults=1001", "maxresults"],
    ["$skiptoken=%21", "$skiptoken"],
    ["$filter=displayName%20eq%20%27x%27", "$filter"],
    ["$select=nothing", "$select"],
    ["$expand=tasks", "$expand"],
    ["timeout=soon", "timeout"],
  ]) {
    const answer = await signedRequest(front.credentials, { method: "GET", path: `/pools?${query}` });
    assertError(answer, 400, "InvalidQueryParameterValue");
    assert.equal(answer.json.values[0].value, name);
  }
  const low = await signedRequest(front.credentials, { method: "GET", path: "/pools?maxresults=-5" });
  assertError(low, 400, "InvalidQueryParameterValue", {
    QueryParameterName: "maxresults",
    QueryParameterValue: "-5",
    Reason: "MaxResults cannot be less than 1",
  });
});

test("paths and versions that do not exist", async (t) => {
  const front = await aFront(t, { Account_ListSupportedImages: () => ({ items: [] }), Pool_List: () => ({ items: [] }) });
  const ask = (method: string, path: string, version?: string | null) => signedRequest(front.credentials, { method, path, version });
  assertError(await ask("GET", "/nothing"), 404, "ResourceNotFound");
  assertError(await ask("GET", "/Pools"), 404, "ResourceNotFound");
  assertError(await ask("DELETE", "/pools"), 405, "UnsupportedHttpVerb");
  assertError(await ask("PUT", "/supportedimages"), 405, "UnsupportedHttpVerb");
  assertError(await ask("GET", "/pools", null), 400, "MissingRequiredQueryParameter", { QueryParameterName: "api-version" });
  assertError(await ask("GET", "/pools", "latest"), 400, "UnsupportedRequestVersion");
  assertError(await ask("GET", "/supportedimages", "2018-12-01.8.0"), 404, "ResourceNotFound");
  assertError(await ask("GET", "/pools/%zz"), 400, "RequestUrlFailedToParse");
  assertError(await ask("GET", "/pools/a%00b"), 400, "InvalidUri");
  assert.equal((await ask("GET", "/pools", "2031-01-01")).status, 200);
  assert.equal((await ask("GET", "//pools/")).status, 200);
  const strict = await aFront(t, { Pool_List: () => ({ items: [] }) }, { versionCheck: "strict" });
  assertError(
    await signedRequest(strict.credentials, { method: "GET", path: "/pools", version: "2031-01-01" }),
    400,
    "UnsupportedRequestVersion",
  );
});

test("path parameters are decoded once, and a file's path takes the rest", async (t) => {
  const front = await aFront(t, { File_DeleteFromTask: () => ({}) });
  for (const [sent, meant] of [
    ["wd/a%20b+c.txt", "wd/a b+c.txt"],
    ["wd%2Fa%2520b", "wd/a%20b"],
    ["wd/%C3%A9", "wd/é"],
    ["..%2Fsecret", "../secret"],
  ] as const) {
    const answer = await signedRequest(front.credentials, { method: "DELETE", path: `/jobs/j%25/tasks/t/files/${sent}?recursive=true` });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(front.given.at(-1)?.params, { jobId: "j%", taskId: "t", filePath: meant });
    assert.equal(front.given.at(-1)?.query.recursive, true);
  }
});

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

test("conditional requests", async (t) => {
  const front = await aFront(t, {
    Pool_Get: ({ preconditions }) => {
      checkConditions(preconditions, modified, "read");
      return { body: aPool("p"), modified };
    },
    Pool_Delete: ({ preconditions }) => {
      checkConditions(preconditions, modified, "write");
      return {};
    },
  });
  const ask = (method: string, headers: Record<string, string>) => signedRequest(front.credentials, { method, path: "/pools/p", headers });
  const etag = etagOf(modified);
  const same = await ask("GET", { "if-none-match": etag });
  assert.deepEqual([same.status, same.text, same.headers["content-type"]], [304, "", undefined]);
  assert.equal((await ask("GET", { "if-none-match": `W/"${etag}", "0x1"` })).status, 304);
  assert.equal((await ask("GET", { "if-modified-since": "Wed, 04 Mar 2026 05:06:07 GMT" })).status, 304);
  assert.equal((await ask("GET", { "if-modified-since": "Wed, 04 Mar 2026 05:06:06 GMT" })).status, 200);
  assertError(await ask("DELETE", { "if-match": '"0x8D"' }), 412, "ConditionNotMet");
  assertError(await ask("DELETE", { "if-unmodified-since": "Wednesday, 04-Mar-26 05:06:06 GMT" }), 412, "ConditionNotMet");
  assert.equal((await ask("DELETE", { "if-match": `"${etag}"` })).status, 202);
  assert.equal((await ask("DELETE", { "if-match": "*" })).status, 202);
  assertError(await ask("DELETE", { "if-match": etag, "if-none-match": "*" }), 400, "MultipleConditionHeadersNotSupported");
  assertError(await ask("DELETE", { "if-modified-since": "yesterday" }), 400, "InvalidHeaderValue");
});

test("files stream with their own headers, ranges are answered with 200", async (t) => {
  const text = "0123456789".repeat(200_000);
  const headers = { "content-type": "text/plain", "last-modified": "Wed, 04 Mar 2026 05:06:07 GMT", "ocp-batch-file-isdirectory": "False" };
  const front = await aFront(t, {
    File_GetFromTask: ({ range }) => {
      const part = text.slice(range?.start ?? 0, (range?.end ?? text.length - 1) + 1);
      return { file: { stream: Readable.from([Buffer.from(part)]), length: part.length, headers } };
    },
    File_GetPropertiesFromTask: () => ({ file: { length: text.length, headers } }),
    File_GetFromComputeNode: () => ({
      file: {
        stream: Readable.from(
          (async function* () {
            yield Buffer.alloc(100_000);
            throw new Error("the node is gone");
          })(),
        ),
        length: 1,
        headers,
      },
    }),
  });
  const ask = (method: string, more: Record<string, string> = {}, path = "/jobs/j/tasks/t/files/stdout.txt") =>
    signedRequest(front.credentials, { method, path, headers: more });
  const whole = await ask("GET");
  assert.equal(whole.text, text);
  assert.equal(whole.headers["content-type"], "text/plain");
  assert.equal(whole.headers["ocp-batch-file-isdirectory"], "False");
  const part = await ask("GET", { "ocp-range": "bytes=5-14" });
  assert.deepEqual([part.status, part.text], [200, "5678901234"]);
  assert.deepEqual(front.given.at(-1)?.range, { start: 5, end: 14 });
  await ask("GET", { range: "bytes=7-" });
  assert.deepEqual(front.given.at(-1)?.range, { start: 7 });
  for (const bad of ["bytes=9-3", "bytes=-5", "bytes=0-1,3-4", "lines=1-2"])
    assertError(await ask("GET", { "ocp-range": bad }), 416, "InvalidRange");
  const look = await ask("HEAD");
  assert.deepEqual([look.status, look.headers["content-length"], look.text], [200, String(text.length), ""]);
  // Cut off in the middle: the client must notice.
  await assert.rejects(ask("GET", {}, "/pools/p/nodes/n/files/x"));
  assert.deepEqual(
    front.logged.filter(({ level }) => level !== "debug").map(({ message }) => message),
    ["answer broken off"],
  );
});

test("failures that are not refusals say nothing of their cause", async (t) => {
  const front = await aFront(t, {
    Pool_List: () => {
      throw new Error("SQL near password=hunter2");
    },
    Job_List: () => {
      throw new StoreUnavailable("disk full");
    },
    File_ListFromTask: () => {
      throw new NodeUnreachable();
    },
    File_ListFromComputeNode: () => {
      throw new NodeUnreachable();
    },
  });
  const ask = (path: string) => signedRequest(front.credentials, { method: "GET", path });
  const internal = await ask("/pools");
  assertError(internal, 500, "InternalError");
  assert.ok(!internal.text.includes("hunter2"));
  const entry = front.logged.find(({ level }) => level === "error");
  assert.equal((entry?.fields as { requestId?: string } | undefined)?.requestId, internal.headers["request-id"]);
  const busy = await ask("/jobs");
  assertError(busy, 503, "ServerBusy");
  assert.equal(busy.headers["retry-after"], "1");
  assertError(await ask("/jobs/j/tasks/t/files"), 409, "TaskFilesUnavailable");
  assertError(await ask("/pools/p/nodes/n/files"), 409, "NodeNotReady");
  assertError(await signedRequest(front.credentials, { method: "GET", path: "/nodecounts" }), 500, "InternalError");
});

test("a handler that takes longer than the client allows is given up", async (t) => {
  let arrived = (): void => {};
  const called = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const front = await aFront(t, {
    Pool_List: () => {
      arrived();
      return new Promise(() => {});
    },
  });
  const answer = signedRequest(front.credentials, { method: "GET", path: "/pools?timeOut=5" });
  await called;
  front.clock.advance(5_000);
  assertError(await answer, 500, "OperationTimedOut");
});

test("client-request-id comes back only when asked for", async (t) => {
  const front = await aFront(t, { Pool_List: () => ({ items: [] }) });
  const ask = (headers: Record<string, string>) => signedRequest(front.credentials, { method: "GET", path: "/pools", headers });
  const id = "9c4d50ee-2d56-4cd3-8152-34347dc9f2b0";
  assert.equal((await ask({ "client-request-id": id, "return-client-request-id": "True" })).headers["client-request-id"], id);
  assert.equal((await ask({ "client-request-id": id, "return-client-request-id": "false" })).headers["client-request-id"], undefined);
  assert.equal((await ask({ "client-request-id": id })).headers["client-request-id"], undefined);
});

test("authentication is answered as the service does, in the shape of an error", async (t) => {
  const front = await aFront(t, { Pool_List: () => ({ items: [] }) });
  const ask = (headers: Record<string, string>, sign?: "none") =>
    signedRequest(front.credentials, { method: "GET", path: "/pools", headers, ...(sign ? { sign } : {}) });
  const none = await ask({}, "none");
  assertError(none, 401, "AuthenticationFailed");
  assert.ok(none.headers["www-authenticate"]);
  assertError(await ask({ authorization: "Basic YTpi" }), 400, "InvalidAuthenticationInfo");
  const wrong = await ask({ authorization: `SharedKey account1:${Buffer.alloc(32).toString("base64")}` });
  assertError(wrong, 403, "AuthenticationFailed");
  assert.match(wrong.json.values[0].value, /Server used following string to sign: 'GET\n/);
  assert.equal(front.given.length, 0);
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

test("a request refused for its query never reaches the handler", async (t) => {
  const front = await aFront(t, { Pool_Delete: () => ({}) });
  for (const query of ["timeout=soon", "timeout=0"]) {
    assertError(await signedRequest(front.credentials, { method: "DELETE", path: `/pools/p?${query}` }), 400, "InvalidQueryParameterValue");
  }
  assert.equal(front.given.length, 0);
});

test("health, metrics and other planes have their own answers", async (t) => {
  const front = await aFront(
    t,
    { Pool_List: () => ({ items: [] }) },
    {
      planes: [
        {
          under: "/_quern",
          handle: (request, response) => {
            if (request.url === "/_quern/bad") throw new Error("broken");
            response.end("own");
          },
        },
      ],
      blobs: (request, response) => {
        if (request.url?.startsWith("/devstoreaccount1/") !== true) return false;
        response.end("blob");
        return true;
      },
    },
  );
  const get = async (path: string) => {
    const answer = await fetch(`${front.credentials.batchUrl}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  await signedRequest(front.credentials, { method: "GET", path: "/pools" });
  assert.deepEqual(await get("/healthz"), { status: 200, text: '{"status":"ok"}\n' });
  assert.deepEqual(JSON.parse((await get("/readyz")).text), { status: "ready", parts: { store: "open" } });
  assert.equal((await get("/_quern/x")).text, "own");
  assert.equal((await get("/_quern/bad")).status, 500);
  assert.equal((await get("/devstoreaccount1/c/b")).text, "blob");
  assert.equal((await get("/_quernish")).status, 404);
  assert.match((await get("/metrics")).text, /quern_http_requests_total\{operation="Pool_List",status="200"\} 1/);
});

test("no secret of a request reaches the log", async (t) => {
  const front = await aFront(t, { Pool_List: () => ({ items: [] }) });
  await signedRequest(front.credentials, { method: "GET", path: "/pools?sig=verysecret&x=https%3A%2F%2Fh%2F%3Fsig%3Dalsosecret" });
  const text = JSON.stringify(front.logged);
  assert.ok(
    text.includes('"request"') && !text.includes("verysecret") && !text.includes("alsosecret") && !text.includes("SharedKey"),
    text,
  );
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

/** Sends bytes as they are and reads until the other side ends. */
const talk = (port: number, ...parts: string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => {
      text += chunk;
      // Everything asked for here is answered within one chunk; a connection kept open would wait for more requests.
      socket.end();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
    for (const part of parts) socket.write(part);
  });
