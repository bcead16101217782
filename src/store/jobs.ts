// Jobs in the database, with the row of counts that lives and dies with each. Tasks refer to a job by its uid.
import type { Job, JobState } from "../domain/jobs.ts";
import { oneOf, type Reader, type Sql, type SqlValue, sql, type Write, write } from "./db.ts";
import { comparisons, equality, type FilterColumns, idOperators } from "./filter.ts";
import { keepStatistics } from "./job-statistics.ts";
import { jsonOrNull, type ListPage, pageOf } from "./lists.ts";

export { checkCounts, jobCounts } from "./job-counts.ts";

type JobRow = {
  account_id: number;
  key: string;
  id: string;
  uid: number;
  pool_key: string;
  state: JobState;
  state_changed_at: number;
  previous_state: JobState | null;
  previous_state_changed_at: number | null;
  priority: number;
  spec: string;
  execution: string;
  started_at: number;
  ended_at: number | null;
  held: string | null;
  pending: string | null;
  modified: number;
  generation: number;
};

const jobFromRow = (row: JobRow): Job => {
  const job: Job = {
    accountId: row.account_id,
    key: row.key,
    id: row.id,
    uid: row.uid,
    poolKey: row.pool_key,
    state: row.state,
    stateChangedAt: row.state_changed_at,
    priority: row.priority,
    spec: JSON.parse(row.spec),
    execution: JSON.parse(row.execution),
    modified: row.modified,
    generation: row.generation,
  };
  if (row.previous_state !== null) job.previousState = row.previous_state;
  if (row.previous_state_changed_at !== null) job.previousStateChangedAt = row.previous_state_changed_at;
  if (row.held !== null) job.held = row.held;
  if (row.pending !== null) job.pending = JSON.parse(row.pending);
  return job;
};

/** In the order of the SET list of `saveJob`; `insertJob` uses the same. */
const changingValues = (job: Job): SqlValue[] => [
  job.poolKey,
  job.state,
  job.stateChangedAt,
  job.previousState ?? null,
  job.previousStateChangedAt ?? null,
  job.priority,
  JSON.stringify(job.spec),
  JSON.stringify(job.execution),
  job.execution.startTime,
  job.execution.endTime ?? null,
  job.held ?? null,
  jsonOrNull(job.pending),
  job.modified,
];

const jobsFrom = async (rows: Promise<JobRow[]>): Promise<Job[]> => (await rows).map(jobFromRow);

export const getJob = async (read: Reader, accountId: number, key: string): Promise<Job | undefined> => {
  const row = await read.get<JobRow>(sql`SELECT * FROM jobs WHERE account_id = ${accountId} AND key = ${key}`);
  return row && jobFromRow(row);
};

export const getJobByUid = async (read: Reader, accountId: number, uid: number): Promise<Job | undefined> => {
  const row = await read.get<JobRow>(sql`SELECT * FROM jobs WHERE uid = ${uid} AND account_id = ${accountId}`);
  return row && jobFromRow(row);
};

/** In order of key. */
export const listJobs = (read: Reader, page: ListPage & { accountId: number }): Promise<Job[]> =>
  jobsFrom(read.all(sql`SELECT * FROM jobs WHERE account_id = ${page.accountId}${pageOf("key", page, jobFilterColumns)}`));

/** Those that a condition, and the order and limit after it, select: for tables that know jobs by their keys. */
export const jobsWhere = (read: Reader, condition: Sql): Promise<Job[]> => jobsFrom(read.all(sql`SELECT * FROM jobs WHERE ${condition}`));

/** Jobs whose tasks run on the pool, in any of the states, in order of key. */
export const jobsOfPool = (read: Reader, accountId: number, poolKey: string, states: readonly JobState[]): Promise<Job[]> =>
  jobsFrom(
    read.all(
      sql`SELECT * FROM jobs WHERE account_id = ${accountId} AND pool_key = ${poolKey} AND state IN (${oneOf(states)}) ORDER BY key`,
    ),
  );

/** Those that the reconciler of jobs has work with, of all accounts. */
export const pendingJobs = (read: Reader): Promise<Job[]> =>
  jobsFrom(
    read.all(
      sql`SELECT * FROM jobs WHERE pending IS NOT NULL OR state IN ('disabling', 'enabling', 'terminating', 'deleting')
          ORDER BY account_id, key`,
    ),
  );

/** All that have not ended, of all accounts: once at start, for wall clocks and for what a crash left undone. */
export const unfinishedJobs = (read: Reader): Promise<Job[]> =>
  jobsFrom(read.all(sql`SELECT * FROM jobs WHERE state <> 'completed' ORDER BY account_id, key`));

/** With its row of counts. Conflict when the id is taken, by a job or a job schedule. */
export const insertJob = (job: Job): Write[] => [
  {
    text: `INSERT INTO jobs (pool_key, state, state_changed_at, previous_state, previous_state_changed_at, priority, spec, execution,
      started_at, ended_at, held, pending, modified, account_id, key, id, uid, generation)
      SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
      WHERE NOT EXISTS (SELECT 1 FROM job_schedules WHERE account_id = ? AND key = ?)`,
    rows: [[...changingValues(job), job.accountId, job.key, job.id, job.uid, job.generation, job.accountId, job.key]],
    guard: 1,
  },
  write(sql`INSERT INTO job_counts (account_id, job_uid) VALUES (${job.accountId}, ${job.uid})`, 1),
];

/** Guarded by the generation that `job` was read with; the row's is then one higher. */
export const saveJob = (job: Job): Write[] => [
  {
    text: `UPDATE jobs SET pool_key = ?, state = ?, state_changed_at = ?, previous_state = ?, previous_state_changed_at = ?, priority = ?,
      spec = ?, execution = ?, started_at = ?, ended_at = ?, held = ?, pending = ?, modified = ?, generation = generation + 1
      WHERE account_id = ? AND key = ? AND generation = ?`,
    rows: [[...changingValues(job), job.accountId, job.key, job.generation]],
    guard: 1,
  },
];

/** With its counts; what it used is kept. Conflict while a task of it is left (`deleteTasksOfJob`). */
export const deleteJob = (job: Job): Write[] => [
  write(
    sql`DELETE FROM jobs WHERE account_id = ${job.accountId} AND key = ${job.key} AND generation = ${job.generation}
        AND NOT EXISTS (SELECT 1 FROM tasks WHERE account_id = ${job.accountId} AND job_uid = ${job.uid})`,
    1,
  ),
  ...keepStatistics(job),
  write(sql`DELETE FROM job_counts WHERE account_id = ${job.accountId} AND job_uid = ${job.uid}`, 1),
];

/** Changes nothing, but the batch it is in fails with a Conflict unless the job is still in one of the states. */
export const checkJob = (job: Pick<Job, "accountId" | "key" | "uid">, states: readonly JobState[]): Write =>
  write(
    sql`UPDATE jobs SET generation = generation
        WHERE account_id = ${job.accountId} AND key = ${job.key} AND uid = ${job.uid} AND state IN (${oneOf(states)})`,
    1,
  );

/** What $filter of Job_List offers (reference: errors-and-http section 4). A job's uid is the stamp of its creation. */
export const jobFilterColumns = {
  id: { type: "string", operators: idOperators, expression: "key", stored: "lower" },
  state: { type: "string", operators: equality, expression: "state", stored: "lower" },
  stateTransitionTime: { type: "time", operators: comparisons, expression: "state_changed_at", stored: "time" },
  creationTime: { type: "time", operators: comparisons, expression: "uid", stored: "stamp" },
  lastModified: { type: "time", operators: comparisons, expression: "modified", stored: "stamp" },
  "executionInfo/startTime": { type: "time", operators: comparisons, expression: "started_at", stored: "time" },
  "executionInfo/endTime": { type: "time", operators: comparisons, expression: "ended_at", stored: "time", nullable: true },
  "executionInfo/poolId": {
    type: "string",
    operators: idOperators,
    expression: "json_extract(execution, '$.poolId')",
    stored: "text",
    nullable: true,
  },
} as const satisfies FilterColumns;
