// Job schedules in the database, and the jobs that each has made. When a job is due is not asked here: domain/job-schedules.ts says so.
import type { JobSchedule, JobScheduleState } from "../domain/job-schedules.ts";
import type { Job } from "../domain/jobs.ts";
import { type Reader, type Sql, type SqlValue, sql, type Write, write } from "./db.ts";
import { comparisons, equality, type FilterColumns, idOperators } from "./filter.ts";
import { jobFilterColumns, jobsWhere } from "./jobs.ts";
import { type ListPage, pageOf } from "./lists.ts";

type JobScheduleRow = {
  account_id: number;
  key: string;
  id: string;
  created_at: number;
  state: JobScheduleState;
  state_changed_at: number;
  previous_state: JobScheduleState | null;
  previous_state_changed_at: number | null;
  spec: string;
  jobs_made: number;
  last_due_at: number | null;
  ended_at: number | null;
  auto_pool_id: string | null;
  modified: number;
  generation: number;
};

const scheduleFromRow = (row: JobScheduleRow): JobSchedule => {
  const schedule: JobSchedule = {
    accountId: row.account_id,
    key: row.key,
    id: row.id,
    createdAt: row.created_at,
    state: row.state,
    stateChangedAt: row.state_changed_at,
    spec: JSON.parse(row.spec),
    jobsMade: row.jobs_made,
    modified: row.modified,
    generation: row.generation,
  };
  if (row.previous_state !== null) schedule.previousState = row.previous_state;
  if (row.previous_state_changed_at !== null) schedule.previousStateChangedAt = row.previous_state_changed_at;
  if (row.last_due_at !== null) schedule.lastDueAt = row.last_due_at;
  if (row.ended_at !== null) schedule.endTime = row.ended_at;
  if (row.auto_pool_id !== null) schedule.autoPoolId = row.auto_pool_id;
  return schedule;
};

const timeOf = (time: string | undefined): number | null => (time === undefined ? null : Date.parse(time));

/** In the order of `changingColumns`. */
const changingValues = (schedule: JobSchedule): SqlValue[] => [
  schedule.state,
  schedule.stateChangedAt,
  schedule.previousState ?? null,
  schedule.previousStateChangedAt ?? null,
  JSON.stringify(schedule.spec),
  timeOf(schedule.spec.schedule.doNotRunUntil),
  timeOf(schedule.spec.schedule.doNotRunAfter),
  schedule.jobsMade,
  schedule.lastDueAt ?? null,
  schedule.endTime ?? null,
  schedule.autoPoolId ?? null,
  schedule.modified,
];

const changingColumns = [
  "state",
  "state_changed_at",
  "previous_state",
  "previous_state_changed_at",
  "spec",
  "do_not_run_until",
  "do_not_run_after",
  "jobs_made",
  "last_due_at",
  "ended_at",
  "auto_pool_id",
  "modified",
];

const schedulesFrom = async (rows: Promise<JobScheduleRow[]>): Promise<JobSchedule[]> => (await rows).map(scheduleFromRow);

export const getJobSchedule = async (read: Reader, accountId: number, key: string): Promise<JobSchedule | undefined> => {
  const row = await read.get<JobScheduleRow>(sql`SELECT * FROM job_schedules WHERE account_id = ${accountId} AND key = ${key}`);
  return row && scheduleFromRow(row);
};

/** In order of key. */
export const listJobSchedules = (read: Reader, page: ListPage & { accountId: number }): Promise<JobSchedule[]> =>
  schedulesFrom(
    read.all(sql`SELECT * FROM job_schedules WHERE account_id = ${page.accountId}${pageOf("key", page, jobScheduleFilterColumns)}`),
  );

/** All that may still do something, of all accounts: once at start. */
export const unfinishedJobSchedules = (read: Reader): Promise<JobSchedule[]> =>
  schedulesFrom(read.all(sql`SELECT * FROM job_schedules WHERE state <> 'completed' ORDER BY account_id, key`));

/** Those that a condition, and the order and limit after it, select. */
export const jobSchedulesWhere = (read: Reader, condition: Sql): Promise<JobSchedule[]> =>
  schedulesFrom(read.all(sql`SELECT * FROM job_schedules WHERE ${condition}`));

/** The keys of a schedule's jobs are all that begin with its own and a colon; a semicolon is what follows the colon. */
const ofSchedule = (accountId: number, scheduleKey: string): Sql =>
  sql`account_id = ${accountId} AND key > ${`${scheduleKey}:`} AND key < ${`${scheduleKey};`}`;

/** In order of key, as all lists are: job-10 comes before job-2. */
export const listJobsOfSchedule = (read: Reader, page: ListPage & { accountId: number; scheduleKey: string }): Promise<Job[]> =>
  jobsWhere(read, sql`${ofSchedule(page.accountId, page.scheduleKey)}${pageOf("key", page, jobOfScheduleFilterColumns)}`);

/** Those to be deleted first, then those that are being deleted. */
export const jobsLeft = (read: Reader, { accountId, key }: Pick<JobSchedule, "accountId" | "key">, limit: number): Promise<Job[]> =>
  jobsWhere(read, sql`${ofSchedule(accountId, key)} ORDER BY state = 'deleting', key LIMIT ${limit}`);

/** Conflict when the id is taken, by a schedule or a job. */
export const insertJobSchedule = (schedule: JobSchedule): Write => ({
  text: `INSERT INTO job_schedules (${changingColumns.join(", ")}, account_id, key, id, created_at, generation)
    SELECT ${changingColumns.map(() => "?").join(", ")}, ?, ?, ?, ?, ?
    WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE account_id = ? AND key = ?)`,
  rows: [
    [
      ...changingValues(schedule),
      schedule.accountId,
      schedule.key,
      schedule.id,
      schedule.createdAt,
      schedule.generation,
      schedule.accountId,
      schedule.key,
    ],
  ],
  guard: 1,
});

/** Guarded by the generation that `schedule` was read with; the row's is then one higher. */
export const saveJobSchedule = (schedule: JobSchedule): Write => ({
  text: `UPDATE job_schedules SET ${changingColumns.map((column) => `${column} = ?`).join(", ")}, generation = generation + 1
    WHERE account_id = ? AND key = ? AND generation = ?`,
  rows: [[...changingValues(schedule), schedule.accountId, schedule.key, schedule.generation]],
  guard: 1,
});

/** Conflict while a job of it is left. */
export const deleteJobSchedule = ({ accountId, key, generation }: JobSchedule): Write =>
  write(
    sql`DELETE FROM job_schedules WHERE account_id = ${accountId} AND key = ${key} AND generation = ${generation}
        AND NOT EXISTS (SELECT 1 FROM jobs AS j WHERE j.account_id = ${accountId} AND j.key > ${`${key}:`} AND j.key < ${`${key};`})`,
    1,
  );

/** What $filter of JobSchedule_List offers (reference: errors-and-http section 4). */
export const jobScheduleFilterColumns = {
  id: { type: "string", operators: idOperators, expression: "key", stored: "lower" },
  state: { type: "string", operators: equality, expression: "state", stored: "lower" },
  stateTransitionTime: { type: "time", operators: comparisons, expression: "state_changed_at", stored: "time" },
  creationTime: { type: "time", operators: comparisons, expression: "created_at", stored: "stamp" },
  lastModified: { type: "time", operators: comparisons, expression: "modified", stored: "stamp" },
  "executionInfo/endTime": { type: "time", operators: comparisons, expression: "ended_at", stored: "time", nullable: true },
  "schedule/doNotRunUntil": { type: "time", operators: comparisons, expression: "do_not_run_until", stored: "time", nullable: true },
  "schedule/doNotRunAfter": { type: "time", operators: comparisons, expression: "do_not_run_after", stored: "time", nullable: true },
} as const satisfies FilterColumns;

/** Of Job_ListFromJobSchedule: as of jobs, less the id. */
const { id: _, ...withoutId } = jobFilterColumns;
export const jobOfScheduleFilterColumns = withoutId satisfies FilterColumns;
