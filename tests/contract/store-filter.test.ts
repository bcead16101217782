// Filters in SQL against the plain meaning of the same filter, evaluated value by value in JavaScript.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Comparison, Filterable, FilterNode, FilterValue } from "../../src/domain/filter.ts";
import type { Task } from "../../src/domain/tasks.ts";
import { Bug } from "../../src/lib/bug.ts";
import { type Sql, type Store, sql } from "../../src/store/db.ts";
import { compileFilter } from "../../src/store/filter.ts";
import { insertJob, jobFilterColumns, listJobs } from "../../src/store/jobs.ts";
import { insertNodes, listNodes, nodeFilterColumns } from "../../src/store/nodes.ts";
import { insertPool, listPools, poolFilterColumns } from "../../src/store/pools.ts";
import { insertTasks, listTasks, taskFilterColumns } from "../../src/store/tasks.ts";
import { aJob, aNode, aPool, aTask, completed, openedStore, running } from "./store-fixtures.ts";

const job = aJob();
const at = Date.UTC(2026, 0, 1);
const compare = (property: string, operator: Comparison, value: FilterValue): FilterNode => ({
  type: "compare",
  operator,
  property,
  value,
});
const text = (value: string): FilterValue => ({ kind: "string", value });
const idsOf = (values: readonly { id: string }[]): string[] => values.map(({ id }) => id);

const tasks: Task[] = [
  aTask(at * 1000, { id: "alpha" }),
  running(aTask(at * 1000 + 1, { id: "Alpha2" })),
  completed(aTask(at * 1000 + 1500, { id: "beta_1" })),
  completed(aTask(at * 1000 + 2000, { id: "Beta-2" }), {
    execution: { retryCount: 0, requeueCount: 0, startTime: at + 1000, endTime: at + 5000, exitCode: 3, result: "failure" },
    stateChangedAt: at + 5000,
    modified: at * 1000 + 7,
  }),
  completed(aTask(at * 1000 + 3000, { id: "betax1" }), {
    execution: { retryCount: 0, requeueCount: 0, endTime: at, result: "failure" },
  }),
  aTask(at * 1000 + 4000, { id: "7" }),
];
const taskStore = async (t: Parameters<typeof openedStore>[0]): Promise<Store> => {
  const store = await openedStore(t);
  await store.commit([...insertJob(job), ...insertTasks(tasks, [])]);
  return store;
};

/** The value that a property has on the wire; strings in lower case, times in ms. */
const propertyOf = (task: Task, property: string): string | number | undefined => {
  switch (property) {
    case "id":
      return task.key;
    case "state":
      return task.state;
    case "stateTransitionTime":
      return task.stateChangedAt;
    case "creationTime":
      return task.seq / 1000;
    case "lastModified":
    case "lastModifiedTime":
      return task.modified / 1000;
    case "executionInfo/startTime":
      return task.execution.startTime;
    case "executionInfo/endTime":
      return task.execution.endTime;
    case "executionInfo/exitCode":
      return task.execution.exitCode;
    case "executionInfo/result":
      return task.execution.result;
  }
  throw new Error(property);
};

const holds = (task: Task, node: FilterNode): boolean => {
  switch (node.type) {
    case "and":
      return holds(task, node.left) && holds(task, node.right);
    case "or":
      return holds(task, node.left) || holds(task, node.right);
    case "not":
      return !holds(task, node.operand);
    case "startswith":
      return String(propertyOf(task, node.property) ?? "\0").startsWith(node.value.toLowerCase());
    case "compare": {
      const left = propertyOf(task, node.property);
      const right = node.value.kind === "string" ? node.value.value.toLowerCase() : plainOf(node.value);
      if (node.operator === "ne") return left !== right;
      if (left === undefined) return false;
      return { eq: left === right, gt: left > right, ge: left >= right, lt: left < right, le: left <= right }[node.operator];
    }
  }
};

const plainOf = (value: FilterValue): any => (value.kind === "null" ? undefined : value.value);

const valueFor: Record<Filterable[string]["type"], fc.Arbitrary<FilterValue>> = {
  string: fc
    .constantFrom("alpha", "ALPHA", "b", "Beta_1", "beta%", "", "zz", "7", "active", "Running", "completed", "success", "FAILURE")
    .map(text),
  number: fc.constantFrom(-1, 0, 3, 4).map((value) => ({ kind: "number", value })),
  time: fc.constantFrom(-1, 0, 0.001, 0.007, 1.5, 2, 1000, 2000, 5000).map((ms) => ({ kind: "time", value: at + ms })),
  boolean: fc.boolean().map((value) => ({ kind: "boolean", value })),
  object: fc.constant({ kind: "null" }),
};
const aComparison: fc.Arbitrary<FilterNode> = fc
  .constantFrom(...Object.entries<Filterable[string]>(taskFilterColumns))
  .chain(([property, { type, operators }]) =>
    fc
      .record({ operator: fc.constantFrom(...operators), value: valueFor[type] })
      .map(({ operator, value }) =>
        operator === "startswith" ? { type: "startswith", property, value: String(plainOf(value)) } : compare(property, operator, value),
      ),
  );
const { filter: aFilter } = fc.letrec<{ filter: FilterNode }>((tie) => ({
  filter: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    aComparison,
    fc.record({ type: fc.constantFrom("and" as const, "or" as const), left: tie("filter"), right: tie("filter") }),
    fc.record({ type: fc.constant("not" as const), operand: tie("filter") }),
  ),
}));

test("any filter of tasks means in SQL what it means", async (t) => {
  const store = await taskStore(t);
  const inOrder = tasks.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const property = fc.asyncProperty(aFilter, async (filter) => {
    const found = await listTasks(store, { accountId: 1, jobUid: job.uid, limit: 100, filter });
    assert.deepEqual(idsOf(found), idsOf(inOrder.filter((task) => holds(task, filter))));
  });
  await fc.assert(property, { numRuns: 1500 });
});

test("pools, jobs and nodes are filtered by every property they offer", async (t) => {
  const store = await openedStore(t);
  const plain = aPool({ key: "plain", id: "plain", createdAt: at + 1, modified: at * 1000 + 5 });
  const scaled = aPool({ spec: { ...aPool().spec, enableAutoScale: true, enableInterNodeCommunication: true, vmSize: "STANDARD_A1" } });
  const booted = aNode({
    bootedAt: at,
    startTask: { state: "completed", startedAt: at, endedAt: at + 9, exitCode: 2, retryCount: 0, result: "failure" },
  });
  await store.commit([
    ...insertPool(plain),
    ...insertPool(scaled),
    ...insertNodes([booted, aNode({ id: "fresh", state: "starting", allocatedAt: at + 7, stateChangedAt: at + 7 })]),
    ...insertJob(aJob({ execution: { startTime: at, endTime: at + 3, poolId: "Pool1" }, state: "completed" })),
    ...insertJob(aJob({ key: "two", id: "two", uid: job.uid + 1000, execution: { startTime: at + 1 }, modified: job.modified + 1 })),
  ]);
  type Case = [list: "pools" | "nodes" | "jobs", property: string, operator: Comparison, value: string | number | boolean, found: string[]];
  const time = (property: string): boolean => property.endsWith("Time") || property === "lastModified";
  const cases: Case[] = [
    ["pools", "id", "ge", "Plain", ["plain", "Pool1"]],
    ["pools", "id", "lt", "POOL1", ["plain"]],
    ["pools", "state", "ne", "deleting", ["plain", "Pool1"]],
    ["pools", "stateTransitionTime", "gt", at, []],
    ["pools", "allocationState", "eq", "Steady", ["plain", "Pool1"]],
    ["pools", "allocationStateTransitionTime", "le", at, ["plain", "Pool1"]],
    ["pools", "creationTime", "gt", at, ["plain"]],
    ["pools", "lastModified", "eq", at + 0.005, ["plain"]],
    ["pools", "enableAutoScale", "eq", false, ["plain"]],
    ["pools", "enableAutoScale", "ne", false, ["Pool1"]],
    ["pools", "enableInterNodeCommunication", "eq", true, ["Pool1"]],
    ["pools", "vmSize", "eq", "standard_a1", ["Pool1"]],
    ["pools", "vmSize", "ne", "standard_a1", ["plain"]],
    ["nodes", "state", "eq", "IDLE", [booted.id]],
    ["nodes", "stateTransitionTime", "gt", at, ["fresh"]],
    ["nodes", "lastBootTime", "ne", at, ["fresh"]],
    ["nodes", "lastBootTime", "le", at, [booted.id]],
    ["nodes", "allocationTime", "ge", at + 7, ["fresh"]],
    ["nodes", "startTaskInfo/state", "eq", "Completed", [booted.id]],
    ["nodes", "startTaskInfo/result", "ne", "failure", ["fresh"]],
    ["nodes", "startTaskInfo/exitCode", "gt", 1, [booted.id]],
    ["nodes", "startTaskInfo/startTime", "eq", at, [booted.id]],
    ["nodes", "startTaskInfo/endTime", "lt", at + 9, []],
    ["jobs", "id", "eq", "JOB1", ["Job1"]],
    ["jobs", "state", "eq", "active", ["two"]],
    ["jobs", "stateTransitionTime", "eq", at, ["Job1", "two"]],
    ["jobs", "creationTime", "gt", at, ["two"]],
    ["jobs", "lastModified", "ne", at, ["two"]],
    ["jobs", "executionInfo/startTime", "gt", at, ["two"]],
    ["jobs", "executionInfo/endTime", "ne", at + 3, ["two"]],
    ["jobs", "executionInfo/poolId", "eq", "POOL1", ["Job1"]],
    ["jobs", "executionInfo/poolId", "ne", "POOL1", ["two"]],
  ];
  const lists = {
    pools: (filter: FilterNode) => listPools(store, { accountId: 1, limit: 9, filter }),
    nodes: (filter: FilterNode) => listNodes(store, { accountId: 1, poolKey: "pool1", limit: 9, filter }),
    jobs: (filter: FilterNode) => listJobs(store, { accountId: 1, limit: 9, filter }),
  };
  for (const [list, property, operator, value, found] of cases) {
    const kind = time(property) ? "time" : (typeof value as "string" | "number" | "boolean");
    const filter = compare(property, operator, { kind, value } as FilterValue);
    assert.deepEqual(idsOf(await lists[list](filter)), found, `${list} ${property} ${operator} ${value}`);
  }
  const columns = { pools: poolFilterColumns, nodes: nodeFilterColumns, jobs: jobFilterColumns };
  for (const [list, offered] of Object.entries(columns)) {
    const tried = new Set(cases.filter((each) => each[0] === list).map((each) => each[1]));
    assert.deepEqual(
      Object.keys(offered).filter((property) => !tried.has(property)),
      [],
      list,
    );
  }
  const prefix: FilterNode = { type: "startswith", property: "executionInfo/poolId", value: "POOL" };
  assert.deepEqual(idsOf(await lists.jobs(prefix)), ["Job1"]);
  assert.deepEqual(idsOf(await lists.jobs({ type: "not", operand: prefix })), ["two"]);
});

test("a filter that is very long or very deep is still answered", async (t) => {
  const store = await taskStore(t);
  const list = (filter: FilterNode): Promise<Task[]> => listTasks(store, { accountId: 1, jobUid: job.uid, limit: 100, filter });
  const equals = (id: string): FilterNode => compare("id", "eq", text(id));
  const long = Array.from({ length: 3000 }, (_, i) => equals(`n${i}`)).reduce((left, right) => ({ type: "or", left, right }));
  assert.deepEqual(idsOf(await list({ type: "or", left: long, right: equals("ALPHA") })), ["alpha"]);
  const alternating = Array.from({ length: 200 }, (_, i) => i).reduce<FilterNode>(
    (right, i) => ({ type: i % 2 === 0 ? "and" : "or", left: equals(i % 2 === 0 ? "alpha" : "nobody"), right }),
    equals("alpha"),
  );
  assert.deepEqual(idsOf(await list(alternating)), ["alpha"]);
});

test("comparisons by id use the index of ids", async (t) => {
  const store = await taskStore(t);
  const filters: FilterNode[] = [
    compare("id", "eq", text("Alpha")),
    compare("id", "gt", text("Alpha")),
    { type: "startswith", property: "id", value: "be" },
    { type: "and", left: compare("id", "ge", text("a")), right: compare("state", "eq", text("active")) },
  ];
  for (const filter of filters) {
    const condition: Sql = compileFilter(filter, taskFilterColumns);
    const plan = await store.all<{ detail: string }>(
      sql`EXPLAIN QUERY PLAN SELECT * FROM tasks WHERE account_id = ${1} AND job_uid = ${job.uid} AND (${condition}) ORDER BY key LIMIT ${5}`,
    );
    assert.match(
      plan.map(({ detail }) => detail).join(";"),
      /^SEARCH tasks USING INDEX tasks_by_key \(account_id=\? AND job_uid=\? AND key[=>]\?/,
    );
  }
});

test("a value of another kind matches nothing, a property that is not offered is our mistake", async (t) => {
  const store = await taskStore(t);
  const list = (filter: FilterNode): Promise<Task[]> => listTasks(store, { accountId: 1, jobUid: job.uid, limit: 100, filter });
  const mismatch = compare("id", "eq", { kind: "number", value: 7 });
  assert.equal((await list(mismatch)).length, 0);
  assert.equal((await list({ type: "not", operand: mismatch })).length, tasks.length);
  assert.throws(() => compileFilter(compare("priority", "eq", text("1")), taskFilterColumns), Bug);
  assert.throws(() => compileFilter(compare("toString", "eq", text("1")), taskFilterColumns), Bug);
});
