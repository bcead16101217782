// How failures look on a real socket: what is our mistake, what takes too long, who is not let in, and that nothing secret is told or logged.
import assert from "node:assert/strict";
import { test } from "node:test";
import { NodeUnreachable } from "../../src/node-management/channel.ts";
import { StoreUnavailable } from "../../src/store/db.ts";
import { signedRequest } from "../support/signed.ts";
import { aFront, assertError } from "./http-fixtures.ts";

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

test("a request refused for its query never reaches the handler", async (t) => {
  const front = await aFront(t, { Pool_Delete: () => ({}) });
  for (const query of ["timeout=soon", "timeout=0"]) {
    assertError(await signedRequest(front.credentials, { method: "DELETE", path: `/pools/p?${query}` }), 400, "InvalidQueryParameterValue");
  }
  assert.equal(front.given.length, 0);
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
