// Statistics as clients see them, in the newest spelling. The service updates its own every half hour or so; these are of the moment.
import type { JobStatistics, PoolStatistics, TaskStatistics } from "../../../api/batch/statistics.ts";
import type { Infer } from "../../../api/fields.ts";
import type { JobUsage, TaskUsage } from "../../../domain/task-statistics.ts";
import { type Instant, isoTime } from "../../../lib/clock.ts";
import { durationOf } from "../../../lib/duration.ts";

/** What statistics are of, and of which time. `url` is that of the statistics. */
export type Covered = { url: string; from: Instant; to: Instant };

/** The statistics of a resource have a URL of their own below it; what the service calls it there is unverified. */
export const statisticsUrl = (resourceUrl: string): string => `${resourceUrl}/stats`;

/** Small figures are kept, the noise of binary fractions is not. */
const gib = (blocks: number): number => Number(((blocks * 512) / 2 ** 30).toPrecision(12));

const covered = ({ url, from, to }: Covered): { url: string; startTime: string; lastUpdateTime: string } => ({
  url,
  startTime: isoTime(from),
  lastUpdateTime: isoTime(to),
});

/** The kernel counts blocks, each as one input or output; how many requests they were made in it does not tell. */
export const taskStatisticsView = (usage: TaskUsage, of: Covered): Infer<typeof TaskStatistics> => ({
  ...covered(of),
  userCPUTime: durationOf(usage.userMs),
  kernelCPUTime: durationOf(usage.kernelMs),
  wallClockTime: durationOf(usage.wallMs),
  readIOps: String(usage.readBlocks),
  writeIOps: String(usage.writeBlocks),
  readIOGiB: gib(usage.readBlocks),
  writeIOGiB: gib(usage.writeBlocks),
  waitTime: durationOf(usage.waitMs),
});

/** Of a job, of all jobs of a schedule, of all jobs of an account: they have one shape. */
export const jobStatisticsView = (usage: JobUsage, of: Covered): Infer<typeof JobStatistics> => ({
  ...taskStatisticsView(usage, of),
  numSucceededTasks: String(usage.succeeded),
  numFailedTasks: String(usage.failed),
  numTaskRetries: String(usage.retries),
});

/** Without resourceStats: what a node's machine does is not the pool's alone, and is measured only while a formula looks at the pool. */
export const poolStatisticsView = (coreMs: number, of: Covered): Infer<typeof PoolStatistics> => {
  const { url, startTime, lastUpdateTime } = covered(of);
  return { url, startTime, lastUpdateTime, usageStats: { startTime, lastUpdateTime, dedicatedCoreTime: durationOf(coreMs) } };
};
