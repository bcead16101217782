// Each table family: values come back as they were written, changes are guarded, lists are in order and continue where they should.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Job, JobState } from "../../src/domain/jobs.ts";
import { type NodeState, shownState } from "../../src/domain/nodes.ts";
import type { Task } from "../../src/domain/tasks.ts";
import {
  deleteAccount,
  getAccountByName,
  insertAccount,
  listAccounts,
  listAccountsOfGroup,
  saveAccount,
} from "../../src/store/accounts.ts";
import { addChores, choresOfNode, deleteChore } from "../../src/store/chores.ts";
import { type Store, sql } from "../../src/store/db.ts";
import * as jobs from "../../src/store/jobs.ts";
import * as nodes from "../../src/store/nodes.ts";
import * as pools from "../../src/store/pools.ts";
import { sanityCheck } from "../../src/store/sanity-check.ts";
import { getSetting, putSetting } from "../../src/store/settings.ts";
import * as tasks from "../../src/store/tasks.ts";
import { anAccount } from "../support/accounts.ts";
import { aJob, aNode, aPool, aTask, completed, conflictAt, isConflict, openedStore, placed, running } from "./store-fixtures.ts";

const job = aJob();
const ofJob = { accountId: 1, jobUid: job.uid };
const idsOf = (values: readonly { id: string }[]): string[] => values.map(({ id }) => id);

/** A pool with a node, a job, and these tasks. */
const withTasks = async (store: Store, some: readonly Task[]): Promise<void> => {
  await store.commit([...pools.insertPool(aPool()), ...nodes.insertNodes([aNode()]), ...jobs.insertJob(job)]);
  if (some.length > 0) await store.commit(tasks.insertTasks(some, []));
};
const change = async (store: Store, key: string, to: (task: Task) => Task): Promise<Task> => {
  const before = (await tasks.getTask(store, 1, job.uid, key))!;
  await store.commit(tasks.saveTasks([{ before, after: to(before) }]));
  return (await tasks.getTask(store, 1, job.uid, key))!;
};

test("an attempt is current while the task is placed with it and has not ended, in a job that is there", async (t) => {
  const store = await openedStore(t);
  await withTasks(store, [aTask(1)]);
  const isCurrent = (attempt: number, of: { accountId?: number; jobUid?: number; seq?: number } = {}): Promise<boolean> =>
    tasks.isCurrentAttempt(store, { ...ofJob, seq: 1, attempt, ...of });
  assert.deepEqual([await isCurrent(0), await isCurrent(1)], [false, false], "not placed");
  await change(store, "task1", (task) => ({ ...task, nodeId: aNode().id, attempt: 1 }));
  assert.deepEqual([await isCurrent(0), await isCurrent(1), await isCurrent(2)], [false, true, false]);
  assert.deepEqual(
    [await isCurrent(1, { seq: 2 }), await isCurrent(1, { jobUid: 1 }), await isCurrent(1, { accountId: 2 })],
    [false, false, false],
  );
  await change(store, "task1", (task) => ({ ...task, state: "running" }));
  assert.equal(await isCurrent(1), true);
  await change(store, "task1", (task) => ({ ...task, state: "active", nodeId: undefined }));
  assert.equal(await isCurrent(1), false, "back in the queue");
  await change(store, "task1", (task) => ({ ...task, state: "running", nodeId: aNode().id, attempt: 2 }));
  assert.deepEqual([await isCurrent(1), await isCurrent(2)], [false, true]);
  await change(store, "task1", (task) => ({ ...task, state: "completed" }));
  assert.equal(await isCurrent(2), false);
});

test("settings and accounts", async (t) => {
  const store = await openedStore(t);
  assert.equal(await getSetting(store, "a"), undefined);
  await store.commit(putSetting("a", "1"));
  await store.commit(putSetting("a", "2"));
  assert.equal(await getSetting(store, "a"), "2");

  await store.commit(insertAccount(anAccount({ name: "two", resourceGroup: "Group" })));
  await store.commit(insertAccount(anAccount({ name: "one", keys: ["eA==", "eQ=="] })));
  await assert.rejects(store.commit(insertAccount(anAccount({ name: "two" }))), isConflict);
  const two = (await getAccountByName(store, "two"))!;
  const changed = {
    ...two,
    keys: ["bmV3", "b2xk"] as const,
    tags: { a: "b" },
    identity: { type: "SystemAssigned" as const, principalId: "p" },
  };
  await store.commit(saveAccount(changed));
  assert.deepEqual(await getAccountByName(store, "two"), { ...changed, generation: two.generation + 1 });
  await assert.rejects(store.commit(saveAccount(two)), isConflict);
  assert.deepEqual(
    (await listAccountsOfGroup(store, "gROUP")).map(({ name }) => name),
    ["two"],
  );
  assert.deepEqual(
    (await listAccounts(store)).map(({ name }) => name),
    ["one", "two"],
  );
  assert.equal(await getAccountByName(store, "three"), undefined);
  await store.commit(deleteAccount((await getAccountByName(store, "two"))!));
  assert.equal(await getAccountByName(store, "two"), undefined);
});

test("pools", async (t) => {
  const store = await openedStore(t);
  const full = aPool({
    resize: { startedAt: 1, timeoutAt: 2, option: "requeue", nodeIds: ["n"], stopped: true },
    allocationState: "resizing",
    resizeErrors: [{ code: "c", message: "m", values: [{ name: "n", value: "v" }] }],
    autoPoolJob: "job1",
  });
  await store.commit(pools.insertPool(full));
  assert.deepEqual(await pools.getPool(store, 1, "pool1"), full);
  assert.equal(await pools.getPool(store, 2, "pool1"), undefined);
  await assert.rejects(store.commit(pools.insertPool(aPool())), conflictAt(0));

  const steady = aPool({ targetDedicated: 9, modified: full.modified + 1 });
  await store.commit(pools.savePool(steady));
  assert.deepEqual(await pools.getPool(store, 1, "pool1"), { ...steady, generation: 2 });
  await assert.rejects(store.commit(pools.savePool(steady)), conflictAt(0));
  await assert.rejects(store.commit(pools.deletePool(steady)), conflictAt(0));

  await store.commit([
    ...pools.insertPool(aPool({ key: "a", id: "A", state: "deleting" })),
    ...pools.insertPool(aPool({ accountId: 2, key: "b", id: "B", allocationState: "stopping", resize: full.resize })),
  ]);
  assert.deepEqual(idsOf(await pools.listBusyPools(store)), ["A", "B"]);
  assert.deepEqual(idsOf(await pools.allPools(store)), ["A", "Pool1", "B"]);
  assert.deepEqual(idsOf(await pools.listPools(store, { accountId: 1, limit: 1 })), ["A"]);
  assert.deepEqual(idsOf(await pools.listPools(store, { accountId: 1, limit: 5, after: "a" })), ["Pool1"]);
  await store.commit(pools.deletePool({ ...steady, generation: 2 }));
  assert.equal(await pools.getPool(store, 1, "pool1"), undefined);
});

test("nodes", async (t) => {
  const store = await openedStore(t);
  const full = aNode({
    agentId: "agent1",
    bootedAt: 5,
    leaving: { kind: "reboot", option: "requeue", since: 4 },
    startTask: { state: "completed", startedAt: 1, retryCount: 0, exitCode: 0, result: "success" },
    errors: [{ code: "c", message: "m" }],
    recentTasks: [{ jobUid: 1, jobId: "j", seq: 2, taskId: "t" }],
    isDedicated: false,
  });
  await store.commit(nodes.insertNodes([full, aNode({ id: "n2" }), aNode({ id: "n3", poolKey: "other" })]));
  assert.deepEqual(await nodes.getNode(store, 1, "pool1", full.id), full);
  assert.deepEqual(await nodes.getNodeById(store, full.id), full);
  assert.deepEqual(idsOf(await nodes.nodesOfPool(store, 1, "pool1")), ["n2", full.id]);
  assert.deepEqual(idsOf(await nodes.nodesOfAgent(store, "agent1")), [full.id]);
  assert.deepEqual(idsOf(await nodes.listNodes(store, { accountId: 1, poolKey: "pool1", after: "n2", limit: 9 })), [full.id]);
  await assert.rejects(store.commit(nodes.insertNodes([aNode({ id: "n3", poolKey: "pool1" })])), isConflict, "ids are unique among pools");

  const plain = aNode({ boot: 2 });
  await store.commit(nodes.saveNodes([plain, aNode({ id: "n2", tasksRun: 4 })]));
  assert.deepEqual(await nodes.getNode(store, 1, "pool1", plain.id), { ...plain, isDedicated: false, generation: 2 });
  await assert.rejects(store.commit(nodes.saveNodes([{ ...plain, generation: 2 }, aNode({ id: "n2" })])), conflictAt(0, 1));

  await store.commit(addChores([{ accountId: 1, nodeId: "n3", id: 1, chore: { type: "removeDirectory", path: "p" } }]));
  await store.commit(nodes.deleteNodes([aNode({ id: "n3", poolKey: "other" })], 0));
  assert.deepEqual([await nodes.getNodeById(store, "n3"), await choresOfNode(store, 1, "n3")], [undefined, []]);
});

test("nodes are counted and filtered by the state that domain/nodes.ts shows", async (t) => {
  const store = await openedStore(t);
  await withTasks(store, []);
  const states: NodeState[] = ["creating", "starting", "idle", "running", "offline", "leavingpool", "unknown"];
  const leavings = [undefined, { kind: "disable", option: "requeue", since: 1 }] as const;
  const all = states.flatMap((state) =>
    (["enabled", "disabled"] as const).flatMap((schedulingState) =>
      leavings.flatMap((leaving) =>
        (["none", "queued", "runs"] as const).map((load) => {
          const id = `${state}-${schedulingState}-${leaving?.kind ?? "stays"}-${load}`;
          return { node: aNode({ id, state, schedulingState, leaving }), load };
        }),
      ),
    ),
  );
  await store.commit([...nodes.deleteNodes([aNode()], 0), ...nodes.insertNodes(all.map(({ node }) => node))]);
  const loaded = all.filter(({ load }) => load !== "none");
  await store.commit(
    tasks.insertTasks(
      loaded.map(({ node, load }, seq) => (load === "runs" ? running : placed)(aTask(seq), node.id)),
      [],
    ),
  );
  const shown = all.map(({ node, load }) => ({ id: node.id, state: shownState(node, load === "runs" ? 1 : 0) }));
  const counted = await nodes.nodeCounts(store, 1, ["pool1", "missing"]);
  for (const { state, count, isDedicated } of counted) {
    assert.ok(isDedicated);
    const expected = shown.filter((each) => each.state === state).map(({ id }) => id);
    assert.equal(count, expected.length, state);
    const filter = { type: "compare", operator: "eq", property: "state", value: { kind: "string", value: state.toUpperCase() } } as const;
    assert.deepEqual(idsOf(await nodes.listNodes(store, { accountId: 1, poolKey: "pool1", limit: 100, filter })), expected.toSorted());
  }
  assert.equal(
    counted.reduce((sum, { count }) => sum + count, 0),
    all.length,
  );
});

test("jobs", async (t) => {
  const store = await openedStore(t);
  const full = aJob({
    state: "disabling",
    previousState: "active",
    previousStateChangedAt: 4,
    held: "JobManagerTaskNotSupported",
    pending: { kind: "disable", tasks: "wait" },
    execution: { startTime: 1, poolId: "Pool1", schedulingError: { category: "usererror", code: "c", message: "m" } },
  });
  await store.commit(jobs.insertJob(full));
  assert.deepEqual(await jobs.getJob(store, 1, "job1"), full);
  assert.deepEqual(await jobs.getJobByUid(store, 1, full.uid), full);
  assert.equal(await jobs.getJobByUid(store, 2, full.uid), undefined);
  await assert.rejects(store.commit(jobs.insertJob(aJob({ uid: 1 }))), conflictAt(0));
  assert.deepEqual(idsOf(await jobs.pendingJobs(store)), ["Job1"]);

  await store.commit(jobs.saveJob(aJob({ priority: 5 })));
  assert.deepEqual(await jobs.getJob(store, 1, "job1"), aJob({ priority: 5, generation: 2 }));
  await assert.rejects(store.commit(jobs.saveJob(aJob())), conflictAt(0));
  assert.deepEqual(await jobs.pendingJobs(store), []);

  const more: [string, JobState][] = [
    ["a", "active"],
    ["b", "disabled"],
    ["c", "deleting"],
  ];
  await store.commit(more.flatMap(([key, state], uid) => jobs.insertJob(aJob({ key, id: key, uid, state }))));
  assert.deepEqual(idsOf(await jobs.jobsOfPool(store, 1, "pool1", ["active", "enabling", "deleting"])), ["a", "c", "Job1"]);
  assert.deepEqual(idsOf(await jobs.listJobs(store, { accountId: 1, after: "a", limit: 2 })), ["b", "c"]);
  assert.deepEqual(idsOf(await jobs.pendingJobs(store)), ["c"]);
});

test("checkJob and checkCounts change nothing and fail when things are otherwise", async (t) => {
  const store = await openedStore(t);
  await withTasks(store, [aTask(1)]);
  await store.commit([jobs.checkJob(job, ["active", "disabled"]), jobs.checkCounts(1, job.uid, { active: 1, running: 0 })]);
  assert.deepEqual(await jobs.getJob(store, 1, "job1"), job);
  await assert.rejects(store.commit([jobs.checkJob(job, ["disabled"])]), conflictAt(0));
  await assert.rejects(store.commit([jobs.checkJob({ ...job, uid: 1 }, ["active"])]), conflictAt(0), "another job of the same id");
  await assert.rejects(store.commit([jobs.checkCounts(1, job.uid, { active: 0, running: 0 })]), conflictAt(0));
});

test("a task comes back as it was written, through every change", async (t) => {
  const store = await openedStore(t);
  const first = aTask(1, { id: "007", slots: 3, held: "MultiInstance" });
  await withTasks(store, [first]);
  assert.deepEqual(await tasks.getTask(store, 1, job.uid, "007"), first);
  assert.deepEqual(await tasks.getTaskBySeq(store, 1, job.uid, 1), first);
  await assert.rejects(store.commit(tasks.insertTasks([aTask(2), aTask(3, { id: "007" })], [])), conflictAt(0, 1));
  await assert.rejects(store.commit(tasks.insertTasks([aTask(2, { jobUid: 9 })], [])), isConflict, "no such job");

  const free = await change(store, "007", (task) => ({ ...task, held: undefined, spec: { ...task.spec, displayName: "x" } }));
  assert.equal(free.spec.displayName, "x");
  const execution = { ...free.execution, node: { poolId: "Pool1", nodeId: "tvmps_1_d" } };
  await store.commit(tasks.placeTasks([{ task: free, nodeId: "tvmps_1_d", attempt: 1, execution }]));
  const onNode = (await tasks.getTask(store, 1, job.uid, "007"))!;
  assert.deepEqual(onNode, { ...free, nodeId: "tvmps_1_d", attempt: 1, execution, generation: free.generation + 1 });
  await assert.rejects(store.commit(tasks.placeTasks([{ task: free, nodeId: "n", attempt: 1, execution }])), conflictAt(0));
  assert.deepEqual(await jobs.jobCounts(store, 1, job.uid), { ...noCounts, active: 1, activeSlots: 3 });
  await change(store, "007", (task) => running(task));
  assert.deepEqual(await jobs.jobCounts(store, 1, job.uid), { ...noCounts, running: 1, runningSlots: 3 });
  const done = await change(store, "007", (task) => completed(task));
  assert.deepEqual(await jobs.jobCounts(store, 1, job.uid), { ...noCounts, succeeded: 1, succeededSlots: 3 });
  assert.deepEqual(await sanityCheck(store), []);
  await assert.rejects(store.commit(tasks.saveTasks([{ before: onNode, after: done }])), conflictAt(0));
  await store.commit(tasks.deleteTasks([done]));
  assert.deepEqual([await tasks.getTask(store, 1, job.uid, "007"), await jobs.jobCounts(store, 1, job.uid)], [undefined, noCounts]);
});

const noCounts = { active: 0, running: 0, succeeded: 0, failed: 0, activeSlots: 0, runningSlots: 0, succeededSlots: 0, failedSlots: 0 };

test("ready and placed tasks, and what is asked of many", async (t) => {
  const store = await openedStore(t);
  const all = [aTask(5), aTask(3), placed(aTask(4)), aTask(6, { held: "x" }), running(aTask(7), "other"), completed(aTask(8)), aTask(9)];
  await withTasks(store, all);
  await store.commit(tasks.insertTasks([aTask(10)], [{ seq: 10, onKey: "missing" }]));
  const ready = (after?: number, limit = 10): Promise<Task[]> => tasks.readyTasks(store, { ...ofJob, after, limit });
  assert.deepEqual(idsOf(await ready()), ["Task3", "Task5", "Task9"]);
  assert.deepEqual(idsOf(await ready(3, 1)), ["Task5"]);
  assert.equal(await tasks.countReady(store, 1, job.uid), 3);
  assert.deepEqual(idsOf(await tasks.placedTasks(store, { accountId: 1, nodeId: "tvmps_1_d" })), ["Task4"]);
  assert.deepEqual(idsOf(await tasks.allPlacedTasks(store, [{ accountId: 1, id: "other" }, aNode()])), ["Task7", "Task4"]);

  const found = await tasks.getTasks(store, [
    { ...ofJob, seq: 9 },
    { ...ofJob, seq: 99 },
    { accountId: 1, jobUid: 1, seq: 9 },
    { ...ofJob, seq: 3 },
    { ...ofJob, seq: 9 },
  ]);
  assert.deepEqual(
    found.map((task) => task?.id),
    ["Task9", undefined, undefined, "Task3", "Task9"],
  );
  assert.deepEqual(await tasks.existingKeys(store, 1, job.uid, ["task3", "nope", "task10"]), new Set(["task3", "task10"]));
  assert.deepEqual(await tasks.existingKeys(store, 1, job.uid, []), new Set());
});

test("a list of tasks is complete and in order of id, page by page, at any depth", async (t) => {
  const store = await openedStore(t);
  const total = 2500;
  const some = Array.from({ length: total }, (_, i) => aTask(i, { id: `t${(i * 7919) % total}` }));
  await withTasks(store, some);
  const seen: string[] = [];
  for (let after: string | undefined; ; after = seen.at(-1)) {
    const page = await tasks.listTasks(store, { ...ofJob, after, limit: 400 });
    seen.push(...page.map(({ key }) => key));
    if (page.length < 400) break;
  }
  assert.deepEqual(seen, some.map(({ key }) => key).toSorted());
  assert.equal((await tasks.getTasks(store, some)).filter((task) => task !== undefined).length, total);
});

test("a job goes with its tasks in slices, and only then", async (t) => {
  const store = await openedStore(t);
  await withTasks(store, [completed(aTask(1)), running(aTask(2)), aTask(3)]);
  await store.commit(tasks.insertTasks([aTask(4)], [{ seq: 4, onKey: "task3" }]));
  await assert.rejects(store.commit(jobs.deleteJob(job)), conflictAt(0));
  const slice = (): Promise<number> =>
    store.decide(async (read) => {
      const { writes, deleted } = await tasks.deleteTasksOfJob(read, { ...ofJob, limit: 3 });
      return { writes, result: deleted };
    });
  assert.deepEqual([await slice(), (await jobs.jobCounts(store, 1, job.uid))!.active], [3, 1]);
  assert.deepEqual([await slice(), await slice()], [1, 0]);
  await store.commit(jobs.deleteJob(job));
  assert.deepEqual([await jobs.getJob(store, 1, "job1"), await jobs.jobCounts(store, 1, job.uid)], [undefined, undefined]);
  assert.deepEqual(await store.all(sql`SELECT * FROM task_dependencies`), []);
});

test("chores are given oldest first until they are done", async (t) => {
  const store = await openedStore(t);
  const chore = (id: number, nodeId = "n1"): Parameters<typeof addChores>[0][number] => ({
    accountId: 1,
    nodeId,
    id,
    chore: { type: "removeDirectory", path: `workitems/job1/job-1/t${id}` },
  });
  await store.commit(addChores([chore(2), chore(1), chore(3, "n2")]));
  assert.deepEqual(await choresOfNode(store, 1, "n1"), [chore(1), chore(2)]);
  await store.commit(deleteChore(1, "n1", 1));
  await store.commit(deleteChore(1, "n1", 1));
  assert.deepEqual(await choresOfNode(store, 1, "n1"), [chore(2)]);
});

test("the sanity check finds what is inconsistent", async (t) => {
  const store = await openedStore(t);
  await withTasks(store, [running(aTask(1)), completed(aTask(2)), aTask(3)]);
  assert.deepEqual(await sanityCheck(store), []);
  const breakages: [rule: string, text: string][] = [
    ["counts are those of the rows", "UPDATE job_counts SET running_slots = running_slots + 1"],
    ["a job has a row of counts", "DELETE FROM job_counts"],
    ["a task belongs to a job", "DELETE FROM jobs"],
    ["counts belong to a job", "DELETE FROM jobs"],
    ["blocked counts the open dependencies", "UPDATE tasks SET blocked = 1 WHERE seq = 3"],
    ["a dependency belongs to a task", "INSERT INTO task_dependencies VALUES (1, 1, 1, 0, 'x', NULL, NULL, 1)"],
    ["only what has run is satisfied", "UPDATE tasks SET satisfied = 1 WHERE seq = 3"],
    ["a placed task is on a node of its job's pool", "UPDATE nodes SET pool_key = 'other'"],
    ["a running task has a node, a start and an attempt", "UPDATE tasks SET node_id = NULL WHERE seq = 1"],
    ["a completed task has an end and a result, no other has", "UPDATE tasks SET ended_at = NULL WHERE seq = 2"],
    ["columns repeat the execution", "UPDATE tasks SET exit_code = 1 WHERE seq = 2"],
    ["nothing is placed for a job that is disabled or completed", "UPDATE jobs SET state = 'disabled'"],
    ["a completed job has an end, no other has", "UPDATE jobs SET state = 'completed'"],
    ["a node belongs to a pool", "DELETE FROM pools"],
    ["the slots of what runs on a node fit it", "UPDATE tasks SET slots = 5 WHERE seq = 1"],
    ["a pool that is not steady resizes", "UPDATE pools SET allocation_state = 'resizing'"],
    ["a chore belongs to a node", "INSERT INTO chores VALUES (1, 'gone', 1, '{}')"],
    ["a key is the id in lower case", "UPDATE tasks SET key = 'TASK3' WHERE seq = 3"],
    [
      "a dependency on an id is open or met, and open only while no such task is satisfied",
      `INSERT INTO task_dependencies VALUES (1, ${job.uid}, 3, 0, 'task2', NULL, NULL, 1)`,
    ],
    [
      "an open range counts the integers that are not satisfied",
      `INSERT INTO task_dependencies VALUES (1, ${job.uid}, 3, 0, NULL, 1, 2, 1)`,
    ],
  ];
  for (const [rule, text] of breakages) {
    const copy = await openedStore(t);
    await withTasks(copy, [running(aTask(1)), completed(aTask(2)), aTask(3)]);
    await copy.commit([{ text, rows: [[]] }]);
    const found = await sanityCheck(copy);
    assert.ok(
      found.some((problem) => problem.startsWith(`${rule}: `)),
      `${rule}, found ${JSON.stringify(found)}`,
    );
  }
});

test("the account is part of every key", async (t) => {
  const store = await openedStore(t);
  const other: Job = aJob({ accountId: 2, uid: job.uid + 1 });
  await withTasks(store, [aTask(1)]);
  await store.commit([...jobs.insertJob(other), ...tasks.insertTasks([aTask(1, { accountId: 2, jobUid: other.uid })], [])]);
  await store.commit(tasks.deleteTasks([aTask(1, { accountId: 2, jobUid: other.uid })]));
  assert.equal((await tasks.getTask(store, 1, job.uid, "task1"))?.accountId, 1);
  assert.equal(await tasks.getTask(store, 2, job.uid, "task1"), undefined);
});
