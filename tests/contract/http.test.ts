// What the answers of the data plane have in common, on a real socket: headers, bodies in the client's version, lists, paths, conditions, files.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { ApiError } from "../../src/api/errors.ts";
import { checkConditions } from "../../src/domain/conditions.ts";
import { etagOf } from "../../src/lib/clock.ts";
import { signedRequest } from "../support/signed.ts";
import { aFront, aPool, assertError, guid, modified } from "./http-fixtures.ts";

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

test("client-request-id comes back only when asked for", async (t) => {
  const front = await aFront(t, { Pool_List: () => ({ items: [] }) });
  const ask = (headers: Record<string, string>) => signedRequest(front.credentials, { method: "GET", path: "/pools", headers });
  const id = "9c4d50ee-2d56-4cd3-8152-34347dc9f2b0";
  assert.equal((await ask({ "client-request-id": id, "return-client-request-id": "True" })).headers["client-request-id"], id);
  assert.equal((await ask({ "client-request-id": id, "return-client-request-id": "false" })).headers["client-request-id"], undefined);
  assert.equal((await ask({ "client-request-id": id })).headers["client-request-id"], undefined);
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
