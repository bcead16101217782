// What is in an account, as far as only its end asks for it: what is left of each kind, and the rows that nothing else removes.
import type { JobSchedule } from "../domain/job-schedules.ts";
import type { Job } from "../domain/jobs.ts";
import type { Pool } from "../domain/pools.ts";
import { type Reader, sql, type Write } from "./db.ts";
import { listJobSchedules } from "./job-schedules.ts";
import { jobsWhere } from "./jobs.ts";
import { listPools } from "./pools.ts";

/** Those that are not on their way out yet come first. */
export type Contents = { schedules: JobSchedule[]; jobs: Job[]; pools: Pool[] };

/** At most `limit` of each. */
export const contentsOf = async (read: Reader, accountId: number, limit: number): Promise<Contents> => ({
  schedules: (await listJobSchedules(read, { accountId, limit: 100_000 })).sort(goingLast).slice(0, limit),
  jobs: await jobsWhere(read, sql`account_id = ${accountId} ORDER BY state = 'deleting', key LIMIT ${limit}`),
  pools: (await listPools(read, { accountId, limit: 100_000 })).sort(goingLast).slice(0, limit),
});

const goingLast = (a: { state: string }, b: { state: string }): number => Number(a.state === "deleting") - Number(b.state === "deleting");

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
export const deleteRemainders = (accountId: number): Write[] =>
  [
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
  ].map((table) => ofAccount(table, accountId));
