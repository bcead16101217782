// Pages of every list: sizes, continuation tokens that survive what is added and deleted between two pages, $select with nested paths, $expand.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import type { OperationId } from "../../src/api/batch/index.ts";
import { baseline } from "../../src/api/versions.ts";
import type { Answer } from "../support/signed.ts";
import { validRequests } from "./exact-requests.ts";
import { anExactWorld, declarationOf, type ExactWorld, operationIds } from "./exact-world.ts";

/** The most elements of a page, where it is not 1000 (errors-and-http.md section 2; the documents of node counts). */
const largest: Readonly<Partial<Record<OperationId, number>>> = { Account_ListPoolNodeCounts: 10 };

test("maxresults: at least 1, at most what the list allows", async (t) => {
  const world = await anExactWorld(t);
  const takers = operationIds.filter((id) => declarationOf(id).query.fields.maxresults !== undefined);
  assert.ok(takers.length >= 14, takers.join());
  for (const id of takers) {
    const most = largest[id] ?? 1000;
    const ask = (value: string): Promise<Answer> => world.ask(id, { path: `${validRequests[id]!.path}?maxresults=${value}` });
    for (const value of ["1", String(most)]) assert.equal((await ask(value)).status, 200, `${id} ${value}`);
    assert.deepEqual((await ask("-5")).json.values, [
      { key: "QueryParameterName", value: "maxresults" },
      { key: "QueryParameterValue", value: "-5" },
      { key: "Reason", value: "MaxResults cannot be less than 1" },
    ]);
    for (const value of ["0", String(most + 1), "x", "1.5", "99999999999"]) {
      const { status, json } = await ask(value);
      assert.deepEqual([status, json.code], [400, "InvalidQueryParameterValue"], `${id} ${value}`);
    }
  }
});

test("a page of certificates holds a hundred", async (t) => {
  const world = await anExactWorld(t);
  for (let n = 0; n < 120; n++) {
    const thumbprint = (0x1000 + n).toString(16);
    assert.equal((await world.ask("Certificate_Add", { body: { ...validRequests.Certificate_Add!.body, thumbprint } })).status, 201);
  }
  const first = await world.ask("Certificate_List");
  assert.equal(first.json.value.length, 100);
  const next = await follow(world, first);
  assert.equal(next!.json.value.length, 21);
});

/** The next page, by the link as it is. */
const follow = async (world: ExactWorld, page: Answer): Promise<Answer | undefined> => {
  const link: string | undefined = page.json["odata.nextLink"];
  if (link === undefined) return undefined;
  assert.ok(link.startsWith(world.batchUrl));
  return world.send({ method: "GET", path: link.slice(world.batchUrl.length), version: null });
};

type Kept = { name: string; path: string; add: (id: string) => Promise<Answer>; remove: (id: string) => Promise<Answer>; gone: boolean };

const post = (world: ExactWorld, path: string, body: object): Promise<Answer> => world.send({ method: "POST", path, body });
const remove = (world: ExactWorld, path: string): Promise<Answer> => world.send({ method: "DELETE", path });
const pool = validRequests.Pool_Add!.body;

/** Jobs and schedules stay in the list as `deleting` until the reconciler has been there, so none is deleted here. */
const kinds = (world: ExactWorld): Kept[] => [
  {
    name: "pools",
    path: "/pools",
    add: (id) => post(world, "/pools", { ...pool, id }),
    remove: (id) => remove(world, `/pools/${id}`),
    gone: true,
  },
  {
    name: "tasks",
    path: "/jobs/j/tasks",
    add: (id) => post(world, "/jobs/j/tasks", { id, commandLine: "x" }),
    remove: (id) => remove(world, `/jobs/j/tasks/${id}`),
    gone: true,
  },
  {
    name: "jobs",
    path: "/jobs",
    add: (id) => post(world, "/jobs", { id, poolInfo: { poolId: "p" } }),
    remove: (id) => remove(world, `/jobs/${id}`),
    gone: false,
  },
];

const letters = fc.stringMatching(/^[a-cA-C0-9_-]{1,3}$/);

for (const index of [0, 1, 2]) {
  test(`what is added and deleted between pages loses and repeats nothing (${["pools", "tasks", "jobs"][index]})`, {
    timeout: 120_000,
  }, async (t: TestContext) => {
    const scenario = fc.record({
      first: fc.uniqueArray(letters, { minLength: 3, maxLength: 12, selector: (id) => id.toLowerCase() }),
      size: fc.integer({ min: 1, max: 4 }),
      between: fc.array(fc.record({ id: letters, add: fc.boolean() }), { maxLength: 8 }),
      filter: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ first, size, between, filter }) => {
        const world = await anExactWorld(t);
        const { path, add, remove: take, gone } = kinds(world)[index]!;
        const there = new Map<string, string>();
        for (const id of first) {
          assert.equal((await add(`z${id}`)).status, 201);
          there.set(`z${id}`.toLowerCase(), `z${id}`);
        }
        /** Those that were there from the first page to the last must each be seen once. */
        const always = new Set(there.keys());
        const seen: string[] = [];
        const query = `maxresults=${size}&$select=id${filter ? `&$filter=${encodeURIComponent("startswith(id,'Z')")}` : ""}`;
        let page: Answer | undefined = await world.send({ method: "GET", path: `${path}?${query}` });
        const changes = [...between];
        while (page !== undefined) {
          assert.equal(page.status, 200, page.text);
          assert.ok(page.json.value.length <= size);
          seen.push(...page.json.value.map(({ id }: { id: string }) => id));
          const change = changes.shift();
          if (change !== undefined) {
            const id = `z${change.id}`;
            if (change.add && !there.has(id.toLowerCase())) {
              assert.equal((await add(id)).status, 201);
              there.set(id.toLowerCase(), id);
            } else if (!change.add && gone && there.has(id.toLowerCase())) {
              assert.ok((await take(id)).status < 300);
              there.delete(id.toLowerCase());
              always.delete(id.toLowerCase());
            }
          }
          page = await follow(world, page);
        }
        const keys = seen.map((id) => id.toLowerCase());
        assert.equal(new Set(keys).size, keys.length, `repeated: ${seen}`);
        for (const key of always) assert.ok(keys.includes(key), `lost: ${key} of ${seen}`);
        assert.deepEqual(keys, [...keys].sort());
      }),
      { numRuns: 25, seed: 7 },
    );
  });
}

test("a token that no answer gave is refused, one of a deleted element is not", async (t) => {
  const world = await anExactWorld(t);
  for (const id of ["a", "b", "c"]) await post(world, "/jobs/j/tasks", { id, commandLine: "x" });
  const first = await world.send({ method: "GET", path: "/jobs/j/tasks?maxresults=2&$select=id" });
  await remove(world, "/jobs/j/tasks/b");
  const next = await follow(world, first);
  assert.deepEqual(next!.json.value, [{ id: "c" }, { id: "t" }]);
  for (const token of ["!", "a=b", "%00", "x".repeat(3000)]) {
    const { status, json } = await world.send({ method: "GET", path: `/jobs/j/tasks?$skiptoken=${token}` });
    assert.deepEqual([status, json?.code, json?.values[0].value], [400, "InvalidQueryParameterValue", "$skiptoken"], token);
  }
});

test("$select takes nested paths, everywhere it is declared, and nothing unknown", async (t) => {
  const world = await anExactWorld(t);
  const takers = operationIds.filter((id) => declarationOf(id).query.fields.$select !== undefined);
  for (const id of takers) {
    const ask = (select: string): Promise<Answer> =>
      world.ask(id, { path: `${validRequests[id]!.path}?$select=${encodeURIComponent(select)}` });
    for (const select of ["nonsense", "ID", "id/x", "/id", "id/", "id;state", "*"]) {
      const { status, json } = await ask(select);
      if (id === "Application_Get") continue; // There is none to be found.
      assert.deepEqual([id, select, status, json?.code], [id, select, 400, "InvalidQueryParameterValue"]);
      assert.equal(json.values[0].value, "$select");
    }
  }
  const rows: [id: OperationId, select: string, body: unknown][] = [
    ["Pool_Get", "id, state ,allocationState", { id: "p", state: "active", allocationState: "steady" }],
    ["Pool_Get", "id,,state,", { id: "p", state: "active" }],
    [
      "Pool_Get",
      "virtualMachineConfiguration/imageReference/sku",
      { virtualMachineConfiguration: { imageReference: { sku: "22_04-lts" } } },
    ],
    ["Pool_Get", "taskSchedulingPolicy,taskSchedulingPolicy/nodeFillType", { taskSchedulingPolicy: { nodeFillType: "Spread" } }],
    [
      "Job_Get",
      "executionInfo/poolId,constraints/maxTaskRetryCount",
      { executionInfo: { poolId: "p" }, constraints: { maxTaskRetryCount: 0 } },
    ],
    ["Task_Get", "executionInfo/exitCode,executionInfo/result", { executionInfo: { exitCode: 0, result: "success" } }],
    ["JobSchedule_Get", "jobSpecification/poolInfo/poolId,id", { jobSpecification: { poolInfo: { poolId: "p" } }, id: "s" }],
    ["ComputeNode_Get", "recentTasks/taskId,isDedicated", { isDedicated: true }],
    ["Certificate_Get", "state", { state: "active" }],
  ];
  for (const [id, select, body] of rows) {
    const { json, headers } = await world.ask(id, { path: `${validRequests[id]!.path}?$select=${encodeURIComponent(select)}` });
    const { "odata.metadata": metadata, ...rest } = json;
    assert.deepEqual(rest, body, `${id} ${select}`);
    assert.ok(metadata.endsWith("/@Element"));
    assert.equal(headers.etag !== undefined, declarationOf(id).answer.etag === true);
  }
});

test("$expand takes stats where it is declared and nothing else", async (t) => {
  const world = await anExactWorld(t);
  const takers = operationIds.filter((id) => declarationOf(id).query.fields.$expand !== undefined);
  assert.deepEqual(takers.sort(), [
    "JobSchedule_Get",
    "JobSchedule_List",
    "Job_Get",
    "Job_List",
    "Job_ListFromJobSchedule",
    "Pool_Get",
    "Pool_List",
    "Task_Get",
    "Task_List",
  ]);
  const one = ({ json }: Answer): any => (Array.isArray(json.value) ? json.value[0] : json);
  for (const id of takers) {
    const ask = (query: string): Promise<Answer> => world.ask(id, { path: `${validRequests[id]!.path}?${query}`, version: baseline });
    assert.equal(one(await ask("")).stats, undefined);
    assert.ok(one(await ask("$expand=stats")).stats !== undefined, `${id}`);
    assert.ok(one(await ask("$expand=%20stats%20")).stats !== undefined, `${id}`);
    assert.deepEqual(
      Object.keys(one(await ask("$expand=stats&$select=id,state")))
        .filter((name) => !name.startsWith("odata"))
        .sort(),
      ["id", "state"],
    );
    for (const bad of ["Stats", "state", "stats,x", "stats/url", "*"]) {
      const { status, json } = await ask(`$expand=${encodeURIComponent(bad)}`);
      assert.deepEqual([id, bad, status, json.code, json.values?.[0].value], [id, bad, 400, "InvalidQueryParameterValue", "$expand"]);
    }
  }
});
