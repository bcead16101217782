// Values that the tests of the store write: whole and dull, each changed by what a test is about.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Job } from "../../src/domain/jobs.ts";
import type { Node } from "../../src/domain/nodes.ts";
import type { Pool } from "../../src/domain/pools.ts";
import type { Task } from "../../src/domain/tasks.ts";
import { Conflict, type Store, type Write } from "../../src/store/db.ts";
import { openSqlite, type SqliteOptions } from "../../src/store/sqlite.ts";

export const temporaryFolder = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), "quern-store-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export const openedStore = async (t: TestContext, options: Partial<SqliteOptions> = {}): Promise<Store> => {
  const store = await openSqlite({ file: ":memory:", ...options });
  t.after(() => store.close());
  return store;
};

/** For assert.rejects. */
export const conflictAt =
  (writeIndex: number, rowIndex = 0) =>
  (error: unknown): boolean =>
    error instanceof Conflict && error.writeIndex === writeIndex && error.rowIndex === rowIndex;

export const isConflict = (error: unknown): boolean => error instanceof Conflict;

export const outcomes = async (store: Store, batches: readonly (readonly Write[])[]): Promise<string[]> =>
  (await Promise.allSettled(batches.map((batch) => store.commit(batch)))).map((each) =>
    each.status === "fulfilled" ? "committed" : (each.reason as Error).name,
  );

const at = Date.UTC(2026, 0, 1);

export const aPool = (changes: Partial<Pool> = {}): Pool => ({
  accountId: 1,
  key: "pool1",
  id: "Pool1",
  state: "active",
  stateChangedAt: at,
  allocationState: "steady",
  allocationStateChangedAt: at,
  targetDedicated: 2,
  targetLowPriority: 0,
  spec: { id: "Pool1", vmSize: "Standard_D2s_v3", taskSlotsPerNode: 4 } as Pool["spec"],
  createdAt: at,
  modified: at * 1000,
  generation: 1,
  ...changes,
});

export const aNode = (changes: Partial<Node> = {}): Node => ({
  accountId: 1,
  poolKey: "pool1",
  id: "tvmps_1_d",
  state: "idle",
  stateChangedAt: at,
  schedulingState: "enabled",
  isDedicated: true,
  address: "10.0.0.4",
  boot: 1,
  wipedBoot: 0,
  allocatedAt: at,
  tasksRun: 0,
  tasksSucceeded: 0,
  recentTasks: [],
  generation: 1,
  ...changes,
});

export const aJob = (changes: Partial<Job> = {}): Job => ({
  accountId: 1,
  key: "job1",
  id: "Job1",
  uid: at * 1000,
  poolKey: "pool1",
  state: "active",
  stateChangedAt: at,
  priority: 0,
  spec: { id: "Job1", poolInfo: { poolId: "Pool1" } } as Job["spec"],
  execution: { startTime: at, poolId: "Pool1" },
  modified: at * 1000,
  generation: 1,
  ...changes,
});

/** The id decides key and number, as the handler does it. */
export const aTask = (seq: number, changes: Partial<Task> = {}): Task => {
  const id = changes.id ?? `Task${seq}`;
  const task: Task = {
    accountId: 1,
    jobUid: at * 1000,
    seq,
    id,
    key: id.toLowerCase(),
    state: "active",
    stateChangedAt: at,
    slots: 1,
    blocked: 0,
    spec: { id, commandLine: "/bin/true" } as Task["spec"],
    execution: { retryCount: 0, requeueCount: 0 },
    attempt: 0,
    satisfied: false,
    modified: at * 1000,
    generation: 1,
    ...changes,
  };
  if (/^\d+$/.test(id)) task.number = Number(id);
  return task;
};

export const placed = (task: Task, nodeId = "tvmps_1_d"): Task => ({ ...task, nodeId, attempt: task.attempt + 1 });
export const running = (task: Task, nodeId = "tvmps_1_d"): Task => ({
  ...placed(task, nodeId),
  state: "running",
  previousState: "active",
  previousStateChangedAt: task.stateChangedAt,
  execution: { ...task.execution, startTime: at + 1000 },
});
/** Having run on a node; satisfied, as a success is. */
export const completed = (task: Task, changes: Partial<Task> = {}): Task => ({
  ...task,
  nodeId: task.nodeId ?? "tvmps_1_d",
  attempt: Math.max(1, task.attempt),
  state: "completed",
  previousState: task.state,
  previousStateChangedAt: task.stateChangedAt,
  satisfied: true,
  execution: { ...task.execution, startTime: at + 1000, endTime: at + 2000, exitCode: 0, result: "success" },
  ...changes,
});
