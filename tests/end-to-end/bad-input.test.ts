// Wrong requests get the real service's error, and nothing is lost or left half-done.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startQuern, until } from "../support/quern.ts";
import type { RawRequest } from "../support/signed.ts";

const image = { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" };
const pool = (overrides: object = {}): object => ({
  id: "p",
  vmSize: "standard_d2_v3",
  targetDedicatedNodes: 1,
  virtualMachineConfiguration: { imageReference: image, nodeAgentSKUId: "batch.node.ubuntu 22.04" },
  ...overrides,
});

test("bad input", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const ok = async (request: RawRequest): Promise<void> => {
    const answer = await quern.raw(request);
    assert.ok(answer.status < 300, `${request.method} ${request.path}: ${answer.status} ${answer.text}`);
  };
  await ok({ method: "POST", path: "/pools", body: pool() });
  await ok({ method: "POST", path: "/jobs", body: { id: "j", poolInfo: { poolId: "p" } } });
  await ok({ method: "POST", path: "/jobs/j/tasks", body: { id: "t", commandLine: "/bin/true" } });
  await until(
    async () => (await quern.raw({ method: "GET", path: "/jobs/j/tasks/t" })).json.state,
    (state) => state === "completed",
  );

  const task = { id: "x", commandLine: "/bin/true" };
  const hundredAndOne = Array.from({ length: 101 }, (_, index) => ({ id: `m${index}`, commandLine: "/bin/true" }));
  const rows: [what: string, request: RawRequest, status: number, code: string][] = [
    ["unknown pool", { method: "GET", path: "/pools/none" }, 404, "PoolNotFound"],
    ["unknown job", { method: "GET", path: "/jobs/none" }, 404, "JobNotFound"],
    ["unknown task", { method: "GET", path: "/jobs/j/tasks/none" }, 404, "TaskNotFound"],
    ["unknown node", { method: "GET", path: "/pools/p/nodes/none" }, 404, "NodeNotFound"],
    ["unknown file", { method: "GET", path: "/jobs/j/tasks/t/files/none.txt" }, 404, "FileNotFound"],
    ["unknown route", { method: "GET", path: "/nonsense" }, 404, "ResourceNotFound"],
    ["wrong method", { method: "PATCH", path: "/jobs/j/tasks/t" }, 405, "UnsupportedHttpVerb"],
    ["malformed JSON", { method: "POST", path: "/jobs/j/tasks", body: '{"id":' }, 400, "InvalidRequestBody"],
    ["JSON of another shape", { method: "POST", path: "/jobs/j/tasks", body: "[]" }, 400, "InvalidRequestBody"],
    ["missing property", { method: "POST", path: "/jobs/j/tasks", body: { id: "x" } }, 400, "MissingRequiredProperty"],
    ["unknown property", { method: "POST", path: "/jobs/j/tasks", body: { ...task, nonsense: 1 } }, 400, "InvalidRequestBody"],
    ["bad id", { method: "POST", path: "/jobs/j/tasks", body: { ...task, id: "a b" } }, 400, "InvalidPropertyValue"],
    ["101 tasks", { method: "POST", path: "/jobs/j/addtaskcollection", body: { value: hundredAndOne } }, 400, "InvalidPropertyValue"],
    [
      "5 MiB body",
      { method: "POST", path: "/jobs/j/tasks", body: { ...task, commandLine: "x".repeat(5 << 20) } },
      413,
      "RequestBodyTooLarge",
    ],
    ["task that exists", { method: "POST", path: "/jobs/j/tasks", body: { ...task, id: "T" } }, 409, "TaskExists"],
    ["job that exists", { method: "POST", path: "/jobs", body: { id: "J", poolInfo: { poolId: "p" } } }, 409, "JobExists"],
    ["pool that exists", { method: "POST", path: "/pools", body: pool({ id: "P" }) }, 409, "PoolExists"],
    [
      "image that is not listed",
      {
        method: "POST",
        path: "/pools",
        body: pool({
          id: "q",
          virtualMachineConfiguration: { imageReference: { publisher: "a", offer: "b", sku: "c" }, nodeAgentSKUId: "d" },
        }),
      },
      400,
      "InvalidPropertyValue",
    ],
    ["completed task terminated", { method: "POST", path: "/jobs/j/tasks/t/terminate" }, 409, "TaskCompleted"],
    ["path with ..", { method: "GET", path: "/jobs/j/tasks/t/files/..%2F..%2F..%2Fquern.db" }, 404, "FileNotFound"],
    ["node path with ..", { method: "GET", path: "/jobs/j/tasks/t/files/wd%2F..%2F..%2F..%2F..%2F..%2Fetc%2Fpasswd" }, 404, "FileNotFound"],
    ["no version", { method: "GET", path: "/pools", version: null }, 400, "MissingRequiredQueryParameter"],
    ["nonsense version", { method: "GET", path: "/pools", version: "one" }, 400, "UnsupportedRequestVersion"],
    ["maxresults -5", { method: "GET", path: "/pools?maxresults=-5" }, 400, "InvalidQueryParameterValue"],
    ["filter by what cannot", { method: "GET", path: "/pools?$filter=displayName%20eq%20'x'" }, 400, "InvalidQueryParameterValue"],
    ["malformed filter", { method: "GET", path: "/pools?$filter=id%20eq" }, 400, "InvalidQueryParameterValue"],
    ["stale ETag", { method: "DELETE", path: "/pools/p", headers: { "if-match": "0x8D000000000" } }, 412, "ConditionNotMet"],
    ["no signature", { method: "GET", path: "/pools", sign: "none" }, 401, "AuthenticationFailed"],
    ["garbage authorization", { method: "GET", path: "/pools", headers: { authorization: "SharedKey" } }, 400, "InvalidAuthenticationInfo"],
    [
      "expired date",
      { method: "GET", path: "/pools", headers: { "ocp-date": "Fri, 20 Nov 2020 07:16:09 GMT" } },
      403,
      "AuthenticationFailed",
    ],
  ];
  for (const [what, request, status, code] of rows) {
    await t.test(what, async () => {
      const answer = await quern.raw(request);
      assert.deepEqual([answer.status, answer.json?.code], [status, code], answer.text);
      assert.match(answer.json["odata.metadata"], /\$metadata#Microsoft\.Azure\.Batch\.Protocol\.Entities\.Container\.errors\/@Element$/);
      assert.equal(answer.json.message.lang, "en-US");
      assert.ok(answer.json.message.value.includes(`\nRequestId:${answer.headers["request-id"]}\nTime:`), answer.text);
      assert.ok(!answer.text.includes(quern.ready.key));
    });
  }
  await t.test("wrong key", async () => {
    const { signedRequest } = await import("../support/signed.ts");
    const answer = await signedRequest(
      { ...quern.ready, key: Buffer.from("not the key, not the key").toString("base64") },
      { method: "GET", path: "/pools" },
    );
    assert.deepEqual([answer.status, answer.json.code], [403, "AuthenticationFailed"]);
    assert.equal(answer.json.values[0].key, "AuthenticationErrorDetail");
    assert.match(answer.json.values[0].value, /string to sign/);
  });
  await t.test("a command that does not exist", async () => {
    await ok({ method: "POST", path: "/jobs/j/tasks", body: { id: "missing", commandLine: "/no/such/program" } });
    const ended = await until(
      async () => (await quern.raw({ method: "GET", path: "/jobs/j/tasks/missing" })).json,
      (view) => view.state === "completed",
    );
    assert.deepEqual(
      [ended.executionInfo.result, ended.executionInfo.failureInfo.code, ended.executionInfo.exitCode],
      ["failure", "CommandProgramNotFound", undefined],
    );
  });
  await t.test("nothing was left half-done", async () => {
    const tasks = (await quern.raw({ method: "GET", path: "/jobs/j/tasks?$select=id" })).json.value.map((view: { id: string }) => view.id);
    assert.deepEqual(tasks.sort(), ["missing", "t"]);
    assert.deepEqual((await quern.raw({ method: "GET", path: "/pools?$select=id" })).json.value, [{ id: "p" }]);
    const counts = (await quern.raw({ method: "GET", path: "/jobs/j/taskcounts" })).json.taskCounts;
    assert.deepEqual(counts, { active: 0, running: 0, completed: 2, succeeded: 1, failed: 1 });
  });
});
