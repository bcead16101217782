// Samples of pools that a formula sizes: one row for every period, kept for a day. What is sampled and when is the scheduler's business.
import type { Instant } from "../lib/clock.ts";
import { type Reader, sql, type Write, write } from "./db.ts";

/** The order in which the figures of a sample lie in its row: new ones are added at the end, none is ever taken out or moved. */
export const sampledMetrics = [
  "ActiveTasks",
  "RunningTasks",
  "PendingTasks",
  "SucceededTasks",
  "FailedTasks",
  "CurrentDedicatedNodes",
  "CurrentLowPriorityNodes",
  "PreemptedNodeCount",
  "UsableNodeCount",
  "SampleNodeCount",
  "WallClockSeconds",
  "CPUPercent",
  "MemoryBytes",
  "DiskBytes",
  "DiskReadBytes",
  "DiskWriteBytes",
  "DiskReadOps",
  "DiskWriteOps",
  "NetworkInBytes",
  "NetworkOutBytes",
] as const;

export type SampledMetric = (typeof sampledMetrics)[number];
export type Sample = { at: Instant; metrics: { readonly [name in SampledMetric]?: number } };

type PoolKey = { accountId: number; poolKey: string };

/** Does nothing when the pool is gone or not sized by a formula any more, and when the moment has its sample already. */
export const insertSample = ({ accountId, poolKey }: PoolKey, { at, metrics }: Sample): Write => {
  const values = JSON.stringify(sampledMetrics.map((name) => metrics[name] ?? null));
  return write(
    sql`INSERT INTO pool_samples (account_id, pool_key, at, metrics)
        SELECT account_id, key, ${at}, ${values} FROM pools WHERE account_id = ${accountId} AND key = ${poolKey}
        AND json_extract(spec, '$.enableAutoScale') = 1
        ON CONFLICT DO NOTHING`,
  );
};

export const deleteSamplesBefore = ({ accountId, poolKey }: PoolKey, at: Instant): Write =>
  write(sql`DELETE FROM pool_samples WHERE account_id = ${accountId} AND pool_key = ${poolKey} AND at < ${at}`);

export const deleteSamples = ({ accountId, poolKey }: PoolKey): Write =>
  write(sql`DELETE FROM pool_samples WHERE account_id = ${accountId} AND pool_key = ${poolKey}`);

/** Oldest first. */
export const samplesOfPool = async (read: Reader, { accountId, poolKey }: PoolKey, since: Instant): Promise<Sample[]> => {
  const rows = await read.all<{ at: number; metrics: string }>(
    sql`SELECT at, metrics FROM pool_samples WHERE account_id = ${accountId} AND pool_key = ${poolKey} AND at >= ${since} ORDER BY at`,
  );
  return rows.map(({ at, metrics }) => ({ at, metrics: named(JSON.parse(metrics)) }));
};

const named = (values: readonly (number | null)[]): Sample["metrics"] => {
  const metrics: { [name in SampledMetric]?: number } = {};
  values.forEach((value, index) => {
    const name = sampledMetrics[index];
    if (name !== undefined && value !== null) metrics[name] = value;
  });
  return metrics;
};

export const lastSampleAt = async (read: Reader, { accountId, poolKey }: PoolKey): Promise<Instant | undefined> =>
  (
    await read.get<{ at: number | null }>(
      sql`SELECT max(at) AS at FROM pool_samples WHERE account_id = ${accountId} AND pool_key = ${poolKey}`,
    )
  )?.at ?? undefined;

export type PoolWork = { active: number; running: number; succeeded: number; failed: number };

/**
 * Tasks of all jobs of a pool. Active are only those that a free slot would start: neither those that wait for others, nor those that
 * this release holds, nor those of jobs that are disabled or over.
 */
export const workOfPool = async (read: Reader, key: PoolKey): Promise<PoolWork> => {
  const work = await countedWork(read, key);
  return { ...work, active: work.active - (await waitingTasksOfPool(read, key)) };
};

/** From the counts that are kept anyway: what waits is in them. */
export const countedWork = async (read: Reader, { accountId, poolKey }: PoolKey): Promise<PoolWork> =>
  (await read.get<PoolWork>(
    sql`SELECT coalesce(sum(CASE WHEN j.state IN ('active', 'enabling') AND j.held IS NULL THEN c.active ELSE 0 END), 0) AS active,
        coalesce(sum(c.running), 0) AS running, coalesce(sum(c.succeeded), 0) AS succeeded, coalesce(sum(c.failed), 0) AS failed
        FROM jobs AS j CROSS JOIN job_counts AS c ON c.account_id = j.account_id AND c.job_uid = j.uid
        WHERE j.account_id = ${accountId} AND j.pool_key = ${poolKey}`,
  ))!;

export const waitingTasksOfPool = async (read: Reader, { accountId, poolKey }: PoolKey): Promise<number> =>
  (await read.get<{ count: number }>(
    sql`SELECT count(*) AS count FROM jobs AS j CROSS JOIN tasks AS t ON t.account_id = j.account_id AND t.job_uid = j.uid
        AND t.state = 'active' AND (t.blocked > 0 OR t.held IS NOT NULL)
        WHERE j.account_id = ${accountId} AND j.pool_key = ${poolKey} AND j.state IN ('active', 'enabling') AND j.held IS NULL`,
  ))!.count;
