// The counts of a job's tasks, kept in the same commit as every change of a task, so that nobody ever counts rows.
import type { JobCounts } from "../domain/jobs.ts";
import type { Task } from "../domain/tasks.ts";
import { type Reader, type SqlValue, sql, type Write, write } from "./db.ts";

type Bucket = "active" | "running" | "succeeded" | "failed";
const buckets: readonly Bucket[] = ["active", "running", "succeeded", "failed"];

type CountsRow = Record<Bucket | `${Bucket}_slots`, number>;

/** Undefined when there is no such job. */
export const jobCounts = async (read: Reader, accountId: number, jobUid: number): Promise<JobCounts | undefined> => {
  const row = await read.get<CountsRow>(sql`SELECT * FROM job_counts WHERE account_id = ${accountId} AND job_uid = ${jobUid}`);
  return (
    row && {
      active: row.active,
      running: row.running,
      succeeded: row.succeeded,
      failed: row.failed,
      activeSlots: row.active_slots,
      runningSlots: row.running_slots,
      succeededSlots: row.succeeded_slots,
      failedSlots: row.failed_slots,
    }
  );
};

/** Changes nothing, but the batch it is in fails with a Conflict unless the job has exactly these numbers of tasks. */
export const checkCounts = (accountId: number, jobUid: number, { active, running }: Pick<JobCounts, "active" | "running">): Write =>
  write(
    sql`UPDATE job_counts SET active = active
        WHERE account_id = ${accountId} AND job_uid = ${jobUid} AND active = ${active} AND running = ${running}`,
    1,
  );

/** What of a task decides how it is counted. */
export type Counted = Pick<Task, "accountId" | "jobUid" | "state" | "slots"> & { execution: Pick<Task["execution"], "result"> };

const bucketOf = (task: Counted): Bucket => {
  if (task.state === "active") return "active";
  if (task.state !== "completed") return "running";
  return task.execution.result === "success" ? "succeeded" : "failed";
};

/** The change of the counts by these changes of tasks together: one row for each job whose counts change. */
export const countChanges = (changes: readonly { before?: Counted; after?: Counted }[]): Write[] => {
  const jobs = new Map<string, { accountId: number; jobUid: number; delta: Record<Bucket, [tasks: number, slots: number]> }>();
  const add = (task: Counted, sign: 1 | -1): void => {
    const key = `${task.accountId}.${task.jobUid}`;
    let job = jobs.get(key);
    if (job === undefined) {
      job = {
        accountId: task.accountId,
        jobUid: task.jobUid,
        delta: { active: [0, 0], running: [0, 0], succeeded: [0, 0], failed: [0, 0] },
      };
      jobs.set(key, job);
    }
    const bucket = job.delta[bucketOf(task)];
    bucket[0] += sign;
    bucket[1] += sign * task.slots;
  };
  for (const { before, after } of changes) {
    if (before !== undefined) add(before, -1);
    if (after !== undefined) add(after, 1);
  }
  const rows: SqlValue[][] = [];
  for (const { accountId, jobUid, delta } of jobs.values()) {
    const values = buckets.flatMap((bucket) => delta[bucket]);
    if (values.some((value) => value !== 0)) rows.push([...values, accountId, jobUid]);
  }
  if (rows.length === 0) return [];
  return [
    {
      text: `UPDATE job_counts SET active = active + ?, active_slots = active_slots + ?, running = running + ?,
        running_slots = running_slots + ?, succeeded = succeeded + ?, succeeded_slots = succeeded_slots + ?, failed = failed + ?,
        failed_slots = failed_slots + ? WHERE account_id = ? AND job_uid = ?`,
      rows,
      guard: 1,
    },
  ];
};
