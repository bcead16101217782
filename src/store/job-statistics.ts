// What the tasks of jobs have used, beside the counts of each job and in the same commit as every change of a task. What a deleted job
// had used is added up for its account and for the schedule that had made it. What counts is decided in domain/task-statistics.ts.
import type { Job } from "../domain/jobs.ts";
import { addUsages, type JobUsage, jobUsageKeys, usageChange } from "../domain/task-statistics.ts";
import type { Task } from "../domain/tasks.ts";
import { oneOf, type Reader, type Sql, sql, type Write, write } from "./db.ts";
import { slices } from "./lists.ts";

/** In the order of `jobUsageKeys`. */
const columns = [
  "user_ms",
  "kernel_ms",
  "wall_ms",
  "wait_ms",
  "read_blocks",
  "write_blocks",
  "ended_well",
  "ended_badly",
  "retries",
] as const;
type UsageRow = Record<(typeof columns)[number], number>;

const plain = (text: string): Sql => ({ text, values: [] });
const usageColumns = plain(columns.join(", "));
const summedColumns = plain(columns.map((column) => `coalesce(sum(c.${column}), 0) AS ${column}`).join(", "));

const usageFromRow = (row: UsageRow): JobUsage =>
  Object.fromEntries(jobUsageKeys.map((key, index) => [key, row[columns[index]!]])) as JobUsage;

/** The change of the totals by these changes of tasks together: one row for each job whose totals change. */
export const statisticsChanges = (changes: readonly { before: Task; after: Task }[]): Write[] => {
  const jobs = new Map<string, { accountId: number; jobUid: number; usages: JobUsage[] }>();
  for (const { before, after } of changes) {
    const usage = usageChange(before, after);
    if (usage === undefined) continue;
    const key = `${after.accountId}.${after.jobUid}`;
    const job = jobs.get(key);
    if (job === undefined) jobs.set(key, { accountId: after.accountId, jobUid: after.jobUid, usages: [usage] });
    else job.usages.push(usage);
  }
  if (jobs.size === 0) return [];
  const rows = [...jobs.values()].map(({ accountId, jobUid, usages }) => {
    const sum = addUsages(usages);
    return [...jobUsageKeys.map((key) => sum[key]), accountId, jobUid];
  });
  return [
    {
      text: `UPDATE job_counts SET ${columns.map((column) => `${column} = ${column} + ?`).join(", ")} WHERE account_id = ? AND job_uid = ?`,
      rows,
    },
  ];
};

/** By the jobs' uids. */
export const jobStatistics = async (read: Reader, accountId: number, jobUids: readonly number[]): Promise<Map<number, JobUsage>> => {
  const found = new Map<number, JobUsage>();
  for (const uids of slices(jobUids)) {
    const rows = await read.all<UsageRow & { job_uid: number }>(
      sql`SELECT job_uid, ${usageColumns} FROM job_counts WHERE account_id = ${accountId} AND job_uid IN (${oneOf(uids)})`,
    );
    for (const row of rows) found.set(row.job_uid, usageFromRow(row));
  }
  return found;
};

const pastStatistics = async (read: Reader, accountId: number, scope: string): Promise<JobUsage[]> =>
  (await read.all<UsageRow>(sql`SELECT ${usageColumns} FROM past_statistics WHERE account_id = ${accountId} AND scope = ${scope}`)).map(
    usageFromRow,
  );

/** Of all jobs that the account has or had. Reads the counts of every job. */
export const accountStatistics = async (read: Reader, accountId: number): Promise<JobUsage> => {
  const present = await read.all<UsageRow>(sql`SELECT ${summedColumns} FROM job_counts AS c WHERE c.account_id = ${accountId}`);
  return addUsages([...present.map(usageFromRow), ...(await pastStatistics(read, accountId, ""))]);
};

/** Jobs of schedules are called `{schedule}:job-{n}`; no other id has a colon. */
const scheduleOf = (jobKey: string): string | undefined => (jobKey.includes(":") ? jobKey.slice(0, jobKey.indexOf(":")) : undefined);

/** Of all jobs that a schedule has made, those that were deleted included. `scheduleKey` is its id in lower case. */
export const scheduleStatistics = async (read: Reader, accountId: number, scheduleKey: string): Promise<JobUsage> => {
  const present = await read.all<UsageRow>(
    sql`SELECT ${summedColumns} FROM jobs AS j JOIN job_counts AS c ON c.account_id = j.account_id AND c.job_uid = j.uid
        WHERE j.account_id = ${accountId} AND j.key > ${`${scheduleKey}:`} AND j.key < ${`${scheduleKey};`}`,
  );
  return addUsages([...present.map(usageFromRow), ...(await pastStatistics(read, accountId, scheduleKey))]);
};

/** Adds up what a job has used before its row of counts is deleted: put it before that in the same commit. */
export const keepStatistics = (job: Pick<Job, "accountId" | "key" | "uid">): Write[] => {
  const schedule = scheduleOf(job.key);
  const added = columns.map((column) => `${column} = past_statistics.${column} + excluded.${column}`).join(", ");
  return ["", ...(schedule === undefined ? [] : [schedule])].map((scope) =>
    write(sql`INSERT INTO past_statistics (account_id, scope, ${usageColumns}) SELECT account_id, ${scope}, ${usageColumns} FROM job_counts
      WHERE account_id = ${job.accountId} AND job_uid = ${job.uid} ON CONFLICT (account_id, scope) DO UPDATE SET ${plain(added)}`),
  );
};

/** With the schedule: another of the same id begins anew. */
export const forgetScheduleStatistics = (accountId: number, scheduleKey: string): Write[] => [
  write(sql`DELETE FROM past_statistics WHERE account_id = ${accountId} AND scope = ${scheduleKey}`),
];
