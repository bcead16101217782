// The variables that the service fills: which can be sampled, and the shape in which their samples are handed in.
// Collecting and keeping samples is the caller's.
import type { Instant } from "../lib/clock.ts";

/** Every read-only service variable that has samples. `$TaskSlotsPerNode` is a plain number and has none. */
export const metricNames = [
  "$CPUPercent",
  "$WallClockSeconds",
  "$MemoryBytes",
  "$DiskBytes",
  "$DiskReadBytes",
  "$DiskWriteBytes",
  "$DiskReadOps",
  "$DiskWriteOps",
  "$NetworkInBytes",
  "$NetworkOutBytes",
  "$SampleNodeCount",
  "$ActiveTasks",
  "$RunningTasks",
  "$PendingTasks",
  "$SucceededTasks",
  "$FailedTasks",
  "$CurrentDedicatedNodes",
  "$CurrentLowPriorityNodes",
  "$PreemptedNodeCount",
  "$UsableNodeCount",
] as const;

export type MetricName = (typeof metricNames)[number];

/** One value of one metric. `$CPUPercent` is a fraction from 0 to 1, as the documented thresholds (0.7, 0.2) need it (unverified). */
export type Sample = { at: Instant; value: number };

export interface SampleSource {
  /** Oldest first, only those with `from <= at <= to`. Called with `from` 0 for the whole history. */
  between(metric: MetricName, from: Instant, to: Instant): readonly Sample[];
  /** Milliseconds between two samples when none is missing (30,000 at the real service). */
  readonly intervalMs: number;
}

const metrics: ReadonlySet<string> = new Set(metricNames);

export const isMetric = (name: string): name is MetricName => metrics.has(name);
