// Tasks in the database: what is asked of them and how they change. Every change of a task carries the counts of its job and the
// release of its dependents in the same commit. What a change means is decided in domain/tasks.ts.
import type { Execution, Task } from "../domain/tasks.ts";
import type { Stamp } from "../lib/clock.ts";
import { durationMs } from "../lib/duration.ts";
import { oneOf, type Reader, type SqlValue, sql, type Write } from "./db.ts";
import { changeSatisfied, deleteDependencies, insertDependencies, satisfy, type TaskDependency, unsatisfy } from "./dependencies.ts";
import { comparisons, equality, type FilterColumns, idOperators } from "./filter.ts";
import { type Counted, countChanges } from "./job-counts.ts";
import { statisticsChanges } from "./job-statistics.ts";
import { type ListPage, pageOf, slices } from "./lists.ts";
import { changingColumns, changingValues, setChanging, type TaskRow, taskFromRow } from "./task-rows.ts";

export { dependenciesOf, type TaskDependency } from "./dependencies.ts";

const tasksFrom = async (rows: Promise<TaskRow[]>): Promise<Task[]> => (await rows).map(taskFromRow);

export const getTask = async (read: Reader, accountId: number, jobUid: number, key: string): Promise<Task | undefined> => {
  const row = await read.get<TaskRow>(sql`SELECT * FROM tasks WHERE account_id = ${accountId} AND job_uid = ${jobUid} AND key = ${key}`);
  return row && taskFromRow(row);
};

export const getTaskBySeq = async (read: Reader, accountId: number, jobUid: number, seq: Stamp): Promise<Task | undefined> => {
  const row = await read.get<TaskRow>(sql`SELECT * FROM tasks WHERE account_id = ${accountId} AND job_uid = ${jobUid} AND seq = ${seq}`);
  return row && taskFromRow(row);
};

/** In the order of `refs`; undefined where the task is gone. Attempts are not compared: that is the caller's rule. */
export const getTasks = async (
  read: Reader,
  refs: readonly { accountId: number; jobUid: number; seq: number }[],
): Promise<(Task | undefined)[]> => {
  const found = new Map<string, Task>();
  const nameOf = (ref: { accountId: number; jobUid: number; seq: number }): string => `${ref.accountId}.${ref.jobUid}.${ref.seq}`;
  for (const ofJob of Map.groupBy(refs, (ref) => `${ref.accountId}.${ref.jobUid}`).values()) {
    const { accountId, jobUid } = ofJob[0]!;
    for (const seqs of slices([...new Set(ofJob.map((ref) => ref.seq))])) {
      const rows = await read.all<TaskRow>(
        sql`SELECT * FROM tasks WHERE account_id = ${accountId} AND job_uid = ${jobUid} AND seq IN (${oneOf(seqs)})`,
      );
      for (const task of rows.map(taskFromRow)) found.set(nameOf(task), task);
    }
  }
  return refs.map((ref) => found.get(nameOf(ref)));
};

/** Whether it is the attempt that the task is placed with and that has not ended; false also when the task or its job is gone. */
export const isCurrentAttempt = async (
  read: Reader,
  { accountId, jobUid, seq, attempt }: { accountId: number; jobUid: number; seq: Stamp; attempt: number },
): Promise<boolean> =>
  (await read.get(
    sql`SELECT 1 AS found FROM tasks AS t JOIN jobs AS j ON j.uid = t.job_uid AND j.account_id = t.account_id
        WHERE t.account_id = ${accountId} AND t.job_uid = ${jobUid} AND t.seq = ${seq}
        AND t.attempt = ${attempt} AND t.node_id IS NOT NULL AND t.state <> 'completed'`,
  )) !== undefined;

/** Which of the keys are taken. */
export const existingKeys = async (read: Reader, accountId: number, jobUid: number, keys: readonly string[]): Promise<Set<string>> => {
  const taken = new Set<string>();
  for (const some of slices(keys)) {
    const rows = await read.all<{ key: string }>(
      sql`SELECT key FROM tasks WHERE account_id = ${accountId} AND job_uid = ${jobUid} AND key IN (${oneOf(some)})`,
    );
    for (const row of rows) taken.add(row.key);
  }
  return taken;
};

/** In order of key. */
export const listTasks = (read: Reader, page: ListPage & { accountId: number; jobUid: number }): Promise<Task[]> =>
  tasksFrom(
    read.all(
      sql`SELECT * FROM tasks WHERE account_id = ${page.accountId} AND job_uid = ${page.jobUid}${pageOf("key", page, taskFilterColumns)}`,
    ),
  );

/** Tasks of a job that could be placed now, oldest first, after the one with seq `after`. */
export const readyTasks = (
  read: Reader,
  { accountId, jobUid, after = -1, limit }: { accountId: number; jobUid: number; after?: Stamp; limit: number },
): Promise<Task[]> =>
  tasksFrom(
    read.all(
      sql`SELECT * FROM tasks WHERE account_id = ${accountId} AND job_uid = ${jobUid} AND seq > ${after}
          AND state = 'active' AND node_id IS NULL AND blocked = 0 AND held IS NULL ORDER BY seq LIMIT ${limit}`,
    ),
  );

/** Reads the index of ready tasks from end to end: about 2 ms for 100,000. For figures, not for the hot path. */
export const countReady = async (read: Reader, accountId: number, jobUid: number): Promise<number> =>
  (await read.get<{ count: number }>(
    sql`SELECT count(*) AS count FROM tasks WHERE account_id = ${accountId} AND job_uid = ${jobUid}
        AND state = 'active' AND node_id IS NULL AND blocked = 0 AND held IS NULL`,
  ))!.count;

/** What is placed on a node and not completed, in order of job and age. */
export const placedTasks = (read: Reader, { accountId, nodeId }: { accountId: number; nodeId: string }): Promise<Task[]> =>
  tasksFrom(
    read.all(
      sql`SELECT * FROM tasks WHERE account_id = ${accountId} AND node_id = ${nodeId} AND node_id IS NOT NULL AND state <> 'completed'
          ORDER BY job_uid, seq`,
    ),
  );

/** What is placed on any of the nodes and not completed, node by node. */
export const allPlacedTasks = async (read: Reader, poolNodes: readonly { accountId: number; id: string }[]): Promise<Task[]> => {
  const placed: Task[] = [];
  for (const node of poolNodes) placed.push(...(await placedTasks(read, { accountId: node.accountId, nodeId: node.id })));
  return placed;
};

/** What of a job is placed and not completed, on whatever node, oldest first: at most as many as its pool has slots and prefetches. */
export const placedTasksOfJob = (
  read: Reader,
  { accountId, uid, poolKey }: { accountId: number; uid: number; poolKey: string },
  limit: number,
): Promise<Task[]> =>
  tasksFrom(
    read.all(
      sql`SELECT t.* FROM nodes AS n CROSS JOIN tasks AS t INDEXED BY tasks_placed ON t.account_id = n.account_id AND t.node_id = n.id
          WHERE n.account_id = ${accountId} AND n.pool_key = ${poolKey} AND t.node_id IS NOT NULL AND t.state <> 'completed'
          AND t.job_uid = ${uid} ORDER BY t.seq LIMIT ${limit}`,
    ),
  );

/** The nodes, of those that still exist, that any of the oldest `limit` tasks of a job ran on: for deleting the job slice by slice. */
export const nodesOfJob = async (read: Reader, { accountId, uid }: { accountId: number; uid: number }, limit: number): Promise<string[]> =>
  (
    await read.all<{ node_id: string }>(
      sql`SELECT DISTINCT node_id FROM (SELECT coalesce(node_id, json_extract(execution, '$.node.nodeId')) AS node_id FROM tasks
          WHERE account_id = ${accountId} AND job_uid = ${uid} ORDER BY seq LIMIT ${limit}) WHERE node_id IN (SELECT id FROM nodes)`,
    )
  ).map((row) => row.node_id);

/**
 * When the last directory of a completed task on the node may go, in ms; 0 when there is none, Infinity when one stays for ever. Reads
 * all tasks of the account: only for the deallocation option `retaineddata`, which is rare and deprecated.
 */
export const retainedUntil = async (read: Reader, accountId: number, nodeId: string): Promise<number> => {
  type Row = { retention: string | null; ended: number };
  const rows = await read.all<Row>(
    sql`SELECT json_extract(spec, '$.constraints.retentionTime') AS retention, max(coalesce(ended_at, 0)) AS ended FROM tasks
        WHERE account_id = ${accountId} AND node_id = ${nodeId} AND state = 'completed' GROUP BY retention`,
  );
  return Math.max(
    0,
    ...rows.map(({ retention, ended }) => ended + (retention === null ? Number.POSITIVE_INFINITY : durationMs(retention))),
  );
};

/**
 * Adds the tasks with what they wait for; `blocked` of the values given is ignored, the database computes it. Conflict when an id is
 * taken or a job is gone. Use `tasks.flatMap(dependenciesOf)` for the dependencies that the tasks' own specs ask for.
 */
export const insertTasks = (tasks: readonly Task[], dependencies: readonly TaskDependency[]): Write[] => [
  {
    text: `INSERT INTO tasks (${changingColumns}, account_id, job_uid, seq, id, key, slots, spec, number, generation)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    rows: tasks.map((task) => [
      ...changingValues(task),
      task.accountId,
      task.jobUid,
      task.seq,
      task.id,
      task.key,
      task.slots,
      JSON.stringify(task.spec),
      task.number ?? null,
      task.generation,
    ]),
    guard: 1,
  },
  ...insertDependencies(tasks, dependencies),
  ...satisfy(tasks.filter((task) => task.satisfied)),
  ...countChanges(tasks.map((after) => ({ after }))),
];

const thisGeneration = "WHERE account_id = ? AND job_uid = ? AND seq = ? AND generation = ?";
const keyValues = (task: Pick<Task, "accountId" | "jobUid" | "seq" | "generation">): SqlValue[] => [
  task.accountId,
  task.jobUid,
  task.seq,
  task.generation,
];

/**
 * Saves the tasks, each guarded by the generation of `before` (the row's is then one higher; `after`'s is not looked at). The row of
 * a task whose `spec` is the same object is written without it. A task may occur only once.
 */
export const saveTasks = (changes: readonly { before: Task; after: Task }[]): Write[] => {
  const rows: SqlValue[][] = [];
  const rowsWithSpec: SqlValue[][] = [];
  for (const { before, after } of changes) {
    if (before.spec === after.spec) rows.push([...changingValues(after), ...keyValues(before)]);
    else rowsWithSpec.push([JSON.stringify(after.spec), ...changingValues(after), ...keyValues(before)]);
  }
  const turned = (to: boolean): Task[] =>
    changes.filter(({ before, after }) => before.satisfied !== to && after.satisfied === to).map(({ after }) => after);
  return [
    ...guardedRows(`UPDATE tasks SET ${setChanging}, generation = generation + 1 ${thisGeneration}`, rows),
    ...guardedRows(`UPDATE tasks SET spec = ?, ${setChanging}, generation = generation + 1 ${thisGeneration}`, rowsWithSpec),
    ...changeSatisfied(turned(true), turned(false)),
    ...countChanges(changes),
    ...statisticsChanges(changes),
  ];
};

export type Placement = {
  /** As it was read, waiting. */
  task: Task;
  nodeId: string;
  attempt: number;
  execution: Execution;
};

/** Puts waiting tasks onto nodes; state, counts and `modified` stay. Guarded like saveTasks. */
export const placeTasks = (placements: readonly Placement[]): Write[] =>
  guardedRows(
    `UPDATE tasks SET node_id = ?, attempt = ?, execution = ?, generation = generation + 1 ${thisGeneration}`,
    placements.map(({ task, nodeId, attempt, execution }) => [nodeId, attempt, JSON.stringify(execution), ...keyValues(task)]),
  );

type Deletable = Counted & Pick<Task, "seq" | "generation" | "satisfied" | "number">;

/** With what they waited for. Dependents that wait for them stay as they are (see dependencies.ts). */
export const deleteTasks = (tasks: readonly Deletable[]): Write[] => [
  ...guardedRows(`DELETE FROM tasks ${thisGeneration}`, tasks.map(keyValues)),
  ...deleteDependencies(tasks),
  ...unsatisfy(tasks.filter((task) => task.satisfied)),
  ...countChanges(tasks.map((before) => ({ before }))),
];

/** The writes that delete the oldest `limit` tasks of a job, and how many these are: 0 when none is left. */
export const deleteTasksOfJob = async (
  read: Reader,
  { accountId, jobUid, limit }: { accountId: number; jobUid: number; limit: number },
): Promise<{ writes: Write[]; deleted: number }> => {
  type Row = Pick<TaskRow, "seq" | "state" | "slots" | "result" | "satisfied" | "number" | "generation">;
  const rows = await read.all<Row>(
    sql`SELECT seq, state, slots, result, satisfied, number, generation FROM tasks
        WHERE account_id = ${accountId} AND job_uid = ${jobUid} ORDER BY seq LIMIT ${limit}`,
  );
  const tasks = rows.map((row) => ({
    accountId,
    jobUid,
    seq: row.seq,
    state: row.state,
    slots: row.slots,
    satisfied: row.satisfied === 1,
    execution: { result: row.result ?? undefined },
    number: row.number ?? undefined,
    generation: row.generation,
  }));
  return { writes: tasks.length === 0 ? [] : deleteTasks(tasks), deleted: tasks.length };
};

const guardedRows = (text: string, rows: readonly (readonly SqlValue[])[]): Write[] =>
  rows.length === 0 ? [] : [{ text, rows, guard: 1 }];

/** What $filter of Task_List offers (reference: errors-and-http section 4). A task's seq is the stamp of its creation. */
export const taskFilterColumns = {
  id: { type: "string", operators: idOperators, expression: "key", stored: "lower" },
  state: { type: "string", operators: equality, expression: "state", stored: "lower" },
  stateTransitionTime: { type: "time", operators: comparisons, expression: "state_changed_at", stored: "time" },
  creationTime: { type: "time", operators: comparisons, expression: "seq", stored: "stamp" },
  lastModified: { type: "time", operators: comparisons, expression: "modified", stored: "stamp" },
  lastModifiedTime: { type: "time", operators: comparisons, expression: "modified", stored: "stamp" },
  "executionInfo/startTime": { type: "time", operators: comparisons, expression: "started_at", stored: "time", nullable: true },
  "executionInfo/endTime": { type: "time", operators: comparisons, expression: "ended_at", stored: "time", nullable: true },
  "executionInfo/exitCode": { type: "number", operators: comparisons, expression: "exit_code", stored: "number", nullable: true },
  "executionInfo/result": { type: "string", operators: equality, expression: "result", stored: "lower", nullable: true },
} as const satisfies FilterColumns;
