// What is in an account, as far as only its end asks for it: what is still to be told to go, and the rows that nothing else removes.
import type { JobSchedule } from "../domain/job-schedules.ts";
import type { Job } from "../domain/jobs.ts";
import type { Pool } from "../domain/pools.ts";
import { type Reader, sql, type Write } from "./db.ts";
import { jobSchedulesWhere } from "./job-schedules.ts";
import { jobsWhere } from "./jobs.ts";
import { poolsWhere } from "./pools.ts";
import { forgetGrowth } from "./quota-usage.ts";

export type Contents = { schedules: JobSchedule[]; jobs: Job[]; pools: Pool[] };

/** What is not on its way out yet, of schedules and pools at most `limit`; of jobs so many that no more than `limit` are on their way at once. */
export const stayingIn = async (read: Reader, accountId: number, limit: number): Promise<Contents> => {
  const going = await read.get<{ n: number }>(
    sql`SELECT count(*) AS n FROM (SELECT 1 FROM jobs WHERE account_id = ${accountId} AND state = 'deleting' LIMIT ${limit})`,
  );
  const staying = sql`account_id = ${accountId} AND state <> 'deleting' ORDER BY key LIMIT`;
  return {
    schedules: await jobSchedulesWhere(read, sql`${staying} ${limit}`),
    jobs: going!.n >= limit ? [] : await jobsWhere(read, sql`${staying} ${limit - going!.n}`),
    pools: await poolsWhere(read, sql`${staying} ${limit}`),
  };
};

/** Whether there is no schedule, job or pool in the account, in whatever state. */
export const isEmptied = async (read: Reader, accountId: number): Promise<boolean> => {
  const row = await read.get<{ n: number }>(
    sql`SELECT EXISTS (SELECT 1 FROM job_schedules WHERE account_id = ${accountId})
        OR EXISTS (SELECT 1 FROM jobs WHERE account_id = ${accountId}) OR EXISTS (SELECT 1 FROM pools WHERE account_id = ${accountId}) AS n`,
  );
  return row!.n === 0;
};

/** The blob of every package of the account, and the containers that hold them. */
export const packageBlobsOf = (
  read: Reader,
  accountId: number,
): Promise<{ application_key: string; key: string; storage_account: string; container: string; blob: string }[]> =>
  read.all(
    sql`SELECT application_key, key, storage_account, container, blob FROM application_packages WHERE account_id = ${accountId}
        ORDER BY application_key, key`,
  );

const ofAccount = (table: string, accountId: number): Write => ({ text: `DELETE FROM ${table} WHERE account_id = ?`, rows: [[accountId]] });

/** All rows of an account that has no schedules, jobs and pools any more, but its own. Changes nothing when it runs again. */
export const deleteRemainders = (accountId: number): Write[] => [
  forgetGrowth(accountId),
  ...[
    "certificates",
    "application_packages",
    "applications",
    "private_endpoint_connections",
    "node_users",
    "chores",
    "pool_samples",
    "past_statistics",
    "past_node_time",
    "past_nodes",
  ].map((table) => ofAccount(table, accountId)),
];
