// What tasks wait for. A row of task_dependencies stands for one id or one range; `remaining` counts what of it is not satisfied yet
// and `blocked` of a task counts its rows above 0. Both are computed by the database inside the commit that changes them, so that a
// dependency that completes between a decision and its commit is never lost.
//
// A row that was met stays met: dependents that were released stay released when a task is reactivated or deleted. A range not yet met
// counts only tasks that exist and are satisfied now, because a missing task is not satisfied (reference: jobs-and-tasks 4.6; what the
// service does about deleted dependencies is unverified).
import type { Task } from "../domain/tasks.ts";
import type { Stamp } from "../lib/clock.ts";
import type { SqlValue, Write } from "./db.ts";

/** The task `seq` waits for one task by key (the id in lower case), or for every integer id of an inclusive range. */
export type TaskDependency = { seq: Stamp; onKey: string } | { seq: Stamp; rangeStart: number; rangeEnd: number };

/** The dependencies that the task's own `dependsOn` asks for. */
export const dependenciesOf = ({ seq, spec }: Pick<Task, "seq" | "spec">): TaskDependency[] => [
  ...(spec.dependsOn?.taskIds ?? []).map((id) => ({ seq, onKey: id.toLowerCase() })),
  ...joined(spec.dependsOn?.taskIdRanges ?? []).map(({ start, end }) => ({ seq, rangeStart: start, rangeEnd: end })),
];

type Range = { start: number; end: number };

/**
 * Ranges that overlap as one, because waiting for both is waiting for all that is in either. What a range costs is the number of
 * ended tasks in it: a thousand that overlap would count the whole job a thousand times, in a commit that everybody waits for.
 */
const joined = (ranges: readonly Range[]): readonly Range[] => {
  if (ranges.length < 2) return ranges;
  const all: Range[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = all.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else all.push({ start, end });
  }
  return all;
};

type TaskRef = Pick<Task, "accountId" | "jobUid" | "seq">;

/** After the tasks' own rows are written: adds what they wait for and blocks them by what of it is open. */
export const insertDependencies = (tasks: readonly TaskRef[], dependencies: readonly TaskDependency[]): Write[] => {
  if (dependencies.length === 0) return [];
  const bySeq = new Map(tasks.map((task) => [task.seq, { task, count: 0 }]));
  const keys: SqlValue[][] = [];
  const ranges: SqlValue[][] = [];
  for (const dependency of dependencies) {
    const owner = bySeq.get(dependency.seq)!;
    const { accountId, jobUid, seq } = owner.task;
    const position = owner.count++;
    if ("onKey" in dependency) {
      keys.push([accountId, jobUid, seq, position, dependency.onKey, accountId, jobUid, dependency.onKey]);
    } else {
      const { rangeStart, rangeEnd } = dependency;
      const size = Math.max(0, rangeEnd - rangeStart + 1);
      ranges.push([accountId, jobUid, seq, position, rangeStart, rangeEnd, size, accountId, jobUid, rangeStart, rangeEnd]);
    }
  }
  const waiting = [...bySeq.values()].filter(({ count }) => count > 0).map(({ task }) => [task.accountId, task.jobUid, task.seq]);
  return [
    ...writeRows(
      `INSERT INTO task_dependencies (account_id, job_uid, seq, position, on_key, remaining) VALUES (?, ?, ?, ?, ?,
        1 - (SELECT count(*) FROM tasks WHERE account_id = ? AND job_uid = ? AND key = ? AND satisfied = 1))`,
      keys,
    ),
    ...writeRows(
      `INSERT INTO task_dependencies (account_id, job_uid, seq, position, range_start, range_end, remaining) VALUES (?, ?, ?, ?, ?, ?,
        ? - (SELECT count(DISTINCT number) FROM tasks
             WHERE account_id = ? AND job_uid = ? AND number BETWEEN ? AND ? AND satisfied = 1 AND number IS NOT NULL))`,
      ranges,
    ),
    ...writeRows(
      `UPDATE tasks SET blocked = (SELECT count(*) FROM task_dependencies AS d WHERE d.account_id = tasks.account_id
        AND d.job_uid = tasks.job_uid AND d.seq = tasks.seq AND d.remaining > 0) WHERE account_id = ? AND job_uid = ? AND seq = ?`,
      waiting,
    ),
  ];
};

/**
 * After these tasks' rows say that they are satisfied: releases what waited for them. In a range an integer counts once however many
 * ids spell it (`4`, `04`): it counts when all satisfied tasks of the number are among these.
 */
export const satisfy = (tasks: readonly Satisfiable[]): Write[] => {
  if (tasks.length === 0) return [];
  const keys = tasks.map(({ accountId, jobUid, key }) => [accountId, jobUid, key]);
  const numbers = countNumbers(tasks);
  return [
    ...writeRows(
      releaseByKey,
      keys.map(([account, job, key]) => [key!, account!, job!, account!, job!, key!]),
    ),
    ...writeRows("UPDATE task_dependencies SET remaining = 0 WHERE account_id = ? AND job_uid = ? AND on_key = ? AND remaining > 0", keys),
    // Number by number: whether a range is met by the second shows only after the first has been taken off.
    ...numbers.flatMap(({ account, job, number, count }) => [
      ...writeRows(releaseByRange, [[number, number, account, job, account, job, number, number, account, job, number, count]]),
      ...writeRows(meetByRange, [[account, job, number, number, account, job, number, count]]),
    ]),
  ];
};

type Satisfiable = Pick<Task, "accountId" | "jobUid" | "key" | "number">;

/** Both at once. A number that one id of it lost and another won (`4`, `04`) counted before and counts now: ranges keep their figure. */
export const changeSatisfied = (won: readonly Satisfiable[], lost: readonly Satisfiable[]): Write[] => {
  const lostNumbers = new Set(lost.map(numberName));
  const wonNumbers = new Set(won.map(numberName));
  return [
    ...unsatisfy(lost.filter((task) => !wonNumbers.has(numberName(task)))),
    ...satisfy(won.map((task) => (lostNumbers.has(numberName(task)) ? { ...task, number: undefined } : task))),
  ];
};

const numberName = ({ accountId, jobUid, number }: Omit<Satisfiable, "key">): string => `${accountId}.${jobUid}.${number}`;

/** After these tasks' rows are gone, or say that they are no longer satisfied: open ranges count their numbers again. */
export const unsatisfy = (tasks: readonly Pick<Task, "accountId" | "jobUid" | "number">[]): Write[] =>
  writeRows(
    `UPDATE task_dependencies SET remaining = remaining + 1 WHERE account_id = ? AND job_uid = ? AND range_start IS NOT NULL
      AND range_start <= ? AND range_end >= ? AND remaining > 0 AND ${satisfiedOfNumber} = 0`,
    countNumbers(tasks).map(({ account, job, number }) => [account, job, number, number, account, job, number]),
  );

/** What these tasks themselves waited for. */
export const deleteDependencies = (tasks: readonly TaskRef[]): Write[] =>
  writeRows(
    "DELETE FROM task_dependencies WHERE account_id = ? AND job_uid = ? AND seq = ?",
    tasks.map(({ accountId, jobUid, seq }) => [accountId, jobUid, seq]),
  );

const satisfiedOfNumber =
  "(SELECT count(*) FROM tasks WHERE account_id = ? AND job_uid = ? AND number = ? AND satisfied = 1 AND number IS NOT NULL)";

/** Runs before the rows themselves go to 0: it subtracts from each dependent as many rows as are about to. */
const releaseByKey = `UPDATE tasks SET generation = generation + 1, blocked = blocked - (SELECT count(*) FROM task_dependencies AS d
  WHERE d.account_id = tasks.account_id AND d.job_uid = tasks.job_uid AND d.seq = tasks.seq AND d.on_key = ? AND d.remaining > 0)
  WHERE account_id = ? AND job_uid = ? AND seq IN (
    SELECT seq FROM task_dependencies WHERE account_id = ? AND job_uid = ? AND on_key = ? AND remaining > 0)`;

const meetByRange = `UPDATE task_dependencies SET remaining = remaining - 1 WHERE account_id = ? AND job_uid = ? AND range_start IS NOT NULL
  AND range_start <= ? AND range_end >= ? AND remaining > 0 AND ${satisfiedOfNumber} = ?`;

const releaseByRange = `UPDATE tasks SET generation = generation + 1, blocked = blocked - (SELECT count(*) FROM task_dependencies AS d
  WHERE d.account_id = tasks.account_id AND d.job_uid = tasks.job_uid AND d.seq = tasks.seq
  AND d.range_start <= ? AND d.range_end >= ? AND d.remaining = 1)
  WHERE account_id = ? AND job_uid = ? AND seq IN (
    SELECT seq FROM task_dependencies WHERE account_id = ? AND job_uid = ? AND range_start IS NOT NULL
    AND range_start <= ? AND range_end >= ? AND remaining > 0 AND remaining = 1)
  AND ${satisfiedOfNumber} = ?`;

/** How many of the tasks have each integer id. */
const countNumbers = (
  tasks: readonly Pick<Task, "accountId" | "jobUid" | "number">[],
): { account: number; job: number; number: number; count: number }[] => {
  const counts = new Map<string, { account: number; job: number; number: number; count: number }>();
  for (const { accountId: account, jobUid: job, number } of tasks) {
    if (number === undefined) continue;
    const key = numberName({ accountId: account, jobUid: job, number });
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { account, job, number, count: 1 });
    else known.count++;
  }
  return [...counts.values()];
};

const writeRows = (text: string, rows: readonly (readonly SqlValue[])[]): Write[] => (rows.length === 0 ? [] : [{ text, rows }]);
