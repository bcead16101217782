// Statistics of pools, jobs, tasks and schedules, for the lists and reads that a client asks to expand, and of the account as a whole.
// What was used is added up by the store as it happens; here it is only looked up.
import type { JobStatistics, PoolStatistics, TaskStatistics } from "../../api/batch/statistics.ts";
import type * as api from "../../api/batch/usage.ts";
import type { Infer } from "../../api/fields.ts";
import type { Job } from "../../domain/jobs.ts";
import type { Pool } from "../../domain/pools.ts";
import { noUsage, taskUsage } from "../../domain/task-statistics.ts";
import type { Task } from "../../domain/tasks.ts";
import { coresOf } from "../../domain/usage-metrics.ts";
import { type Instant, instantOf, type Stamp } from "../../lib/clock.ts";
import { getAccount } from "../../store/accounts.ts";
import type { Reader } from "../../store/db.ts";
import { accountStatistics, jobStatistics, scheduleStatistics } from "../../store/job-statistics.ts";
import { dedicatedTime, dedicatedTimeOfAccount, type NodeTime } from "../../store/node-time.ts";
import type { Handler } from "../handler.ts";
import { jobUrl } from "./views/jobs.ts";
import { poolUrl } from "./views/pools.ts";
import { jobStatisticsView, poolStatisticsView, statisticsUrl, taskStatisticsView } from "./views/statistics.ts";
import { taskUrl } from "./views/tasks.ts";

/** What of a request says whether and how statistics are shown. */
export type Asking = { query: { $expand?: string; $select?: string }; baseUrl: string; now: Instant };

/** They come with $expand=stats, or where $select names them; with a $select that does not they are left out when it is applied. */
const wanted = ({ query: { $expand, $select } }: Asking): boolean =>
  $select === undefined || $select.trim() === "" ? namesStatistics($expand) : namesStatistics($select);

const namesStatistics = (list: string | undefined): boolean => list?.split(",").some((name) => /^stats(\/|$)/.test(name.trim())) === true;

type JobView = Infer<typeof JobStatistics>;
type PoolView = Infer<typeof PoolStatistics>;
type TaskView = Infer<typeof TaskStatistics>;

/** `stats` of each of the jobs, in one question to the store; of none when the client did not ask. */
export const statisticsOfJobs = async (read: Reader, jobs: readonly Job[], asking: Asking): Promise<(job: Job) => JobView | undefined> => {
  if (!wanted(asking) || jobs.length === 0) return () => undefined;
  const usages = await jobStatistics(
    read,
    jobs[0]!.accountId,
    jobs.map((job) => job.uid),
  );
  return (job) => {
    const url = statisticsUrl(jobUrl(asking.baseUrl, job.id));
    return jobStatisticsView(usages.get(job.uid) ?? noUsage, { url, from: instantOf(job.uid), to: asking.now });
  };
};

/** Of the jobs that a schedule has made. `key` is its id in lower case. */
export const statisticsOfSchedule = async (
  read: Reader,
  schedule: { accountId: number; id: string; key: string; createdAt: Stamp },
  asking: Asking,
): Promise<JobView | undefined> => {
  if (!wanted(asking)) return undefined;
  const usage = await scheduleStatistics(read, schedule.accountId, schedule.key);
  const url = statisticsUrl(`${asking.baseUrl}/jobschedules/${schedule.id}`);
  return jobStatisticsView(usage, { url, from: instantOf(schedule.createdAt), to: asking.now });
};

/** Nothing has to be read: a task carries what it used. */
export const statisticsOfTask = (task: Task, jobId: string, asking: Asking): TaskView | undefined => {
  if (!wanted(asking)) return undefined;
  const url = statisticsUrl(taskUrl(asking.baseUrl, jobId, task.id));
  return taskStatisticsView(taskUsage(task, asking.now), { url, from: instantOf(task.seq), to: asking.now });
};

/** As `statisticsOfJobs`. */
export const statisticsOfPools = async (
  read: Reader,
  pools: readonly Pool[],
  asking: Asking,
): Promise<(pool: Pool) => PoolView | undefined> => {
  if (!wanted(asking) || pools.length === 0) return () => undefined;
  const keys = pools.map((pool) => pool.key);
  const times = Map.groupBy(await dedicatedTime(read, pools[0]!.accountId, keys, asking.now), ({ poolKey }) => poolKey);
  return (pool) => {
    const url = statisticsUrl(poolUrl(asking.baseUrl, pool.id));
    return poolStatisticsView(coreMs(times.get(pool.key) ?? []), { url, from: pool.createdAt, to: asking.now });
  };
};

const coreMs = (times: readonly NodeTime[]): number => times.reduce((sum, { vmSize, ms }) => sum + ms * coresOf(vmSize), 0);

export const getAllJobStatistics: Handler<typeof api.getAllJobStatistics> = async ({ principal, baseUrl, now }, { store }) => {
  const from = await createdAt(store, principal.accountId);
  const usage = await accountStatistics(store, principal.accountId);
  return { body: jobStatisticsView(usage, { url: `${baseUrl}/lifetimejobstats`, from, to: now }) };
};

export const getAllPoolStatistics: Handler<typeof api.getAllPoolStatistics> = async ({ principal, baseUrl, now }, { store }) => {
  const from = await createdAt(store, principal.accountId);
  const times = await dedicatedTimeOfAccount(store, principal.accountId, now);
  return { body: poolStatisticsView(coreMs(times), { url: `${baseUrl}/lifetimepoolstats`, from, to: now }) };
};

const createdAt = async (read: Reader, accountId: number): Promise<Instant> => (await getAccount(read, accountId))?.createdAt ?? 0;
