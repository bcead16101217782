// What an account has of what quotas limit, and the guards that keep two requests from having the last of it both. Only asked where a quota is set.
import { type Reader, sql, type Write, write } from "./db.ts";
import { getSetting } from "./settings.ts";

/** Pools of every state. */
export const countPools = async (read: Reader, accountId: number): Promise<number> =>
  (await read.get<{ n: number }>(sql`SELECT count(*) AS n FROM pools WHERE account_id = ${accountId}`))!.n;

const unfinishedJobs = (accountId: number) =>
  sql`SELECT 1 FROM jobs INDEXED BY jobs_unfinished WHERE account_id = ${accountId} AND state NOT IN ('completed', 'deleting')`;
const unfinishedSchedules = (accountId: number) =>
  sql`SELECT 1 FROM job_schedules INDEXED BY job_schedules_unfinished WHERE account_id = ${accountId} AND state <> 'completed'`;

/** Jobs and job schedules that have not ended; counts no further than `most`. */
const countUnfinishedSql = (accountId: number, most: number) =>
  sql`SELECT count(*) AS n FROM (SELECT 1 FROM (${unfinishedJobs(accountId)}) UNION ALL SELECT 1 FROM (${unfinishedSchedules(accountId)})
      LIMIT ${most})`;

export const countUnfinished = async (read: Reader, accountId: number, most: number): Promise<number> =>
  (await read.get<{ n: number }>(countUnfinishedSql(accountId, most)))!.n;

/** Nodes of the account by the size of their pool and by kind. Those that leave count until they are gone. */
export const nodeGroups = (read: Reader, accountId: number): Promise<{ vmSize: string; isDedicated: boolean; nodes: number }[]> =>
  read
    .all<{ vm_size: string; is_dedicated: number; nodes: number }>(
      sql`SELECT json_extract(p.spec, '$.vmSize') AS vm_size, n.is_dedicated, n.nodes FROM pools AS p
          JOIN (SELECT pool_key, is_dedicated, count(*) AS nodes FROM nodes WHERE account_id = ${accountId} GROUP BY pool_key, is_dedicated) AS n
          ON p.account_id = ${accountId} AND p.key = n.pool_key`,
    )
    .then((rows) => rows.map((row) => ({ vmSize: row.vm_size, isDedicated: row.is_dedicated === 1, nodes: row.nodes })));

/** Conflict unless the account has fewer pools. */
export const guardPools = (accountId: number, quota: number): Write =>
  write(
    sql`UPDATE accounts SET name = name WHERE id = ${accountId}
        AND (SELECT count(*) FROM pools WHERE account_id = ${accountId}) < ${quota}`,
    1,
  );

/** Conflict unless fewer jobs and schedules of the account have not ended. */
export const guardUnfinished = (accountId: number, quota: number): Write =>
  write(
    sql`UPDATE accounts SET name = name WHERE id = ${accountId} AND (SELECT n FROM (${countUnfinishedSql(accountId, quota)})) < ${quota}`,
    1,
  );

const growthName = (accountId: number): string => `growth of account ${accountId}`;

/** How often nodes were made in the account, as far as core quotas wanted to know; empty for never. To be read before the nodes are counted. */
export const growthOf = async (read: Reader, accountId: number): Promise<string> => (await getSetting(read, growthName(accountId))) ?? "";

/** Conflict when nodes were made meanwhile: pools that grow at the same time must not both have the last cores. Nodes that go do not matter. */
export const guardGrowth = (accountId: number, growth: string): Write =>
  write(
    sql`INSERT INTO settings (name, value) VALUES (${growthName(accountId)}, '1') ON CONFLICT (name)
        DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE value = ${growth}`,
    1,
  );

export const forgetGrowth = (accountId: number): Write => write(sql`DELETE FROM settings WHERE name = ${growthName(accountId)}`);
