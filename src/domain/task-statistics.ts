// What tasks have used and how long they waited and ran, for statistics. Only runs that ended and told count: a run that was lost or
// stopped has no usage, because nobody saw its process end; its time counts. Pure.
import { type Instant, instantOf } from "../lib/clock.ts";
import type { Task } from "./tasks.ts";

/** Times in ms. A block is 512 bytes, and what the kernel counts as one input or output of the filesystem (getrusage). */
export type TaskUsage = { userMs: number; kernelMs: number; wallMs: number; waitMs: number; readBlocks: number; writeBlocks: number };

export type JobUsage = TaskUsage & { succeeded: number; failed: number; retries: number };

/** In the order in which the store writes them. */
export const jobUsageKeys = [
  "userMs",
  "kernelMs",
  "wallMs",
  "waitMs",
  "readBlocks",
  "writeBlocks",
  "succeeded",
  "failed",
  "retries",
] as const satisfies readonly (keyof JobUsage)[];

export const noUsage: JobUsage = {
  userMs: 0,
  kernelMs: 0,
  wallMs: 0,
  waitMs: 0,
  readBlocks: 0,
  writeBlocks: 0,
  succeeded: 0,
  failed: 0,
  retries: 0,
};

export const addUsages = (some: readonly JobUsage[]): JobUsage => {
  const sum = { ...noUsage };
  for (const one of some) for (const key of jobUsageKeys) sum[key] += one[key];
  return sum;
};

/** The agent's clock may be behind that of the control plane. */
const between = (from: Instant, to: Instant): number => Math.max(0, to - from);

/**
 * Of one task up to now: it waits until its latest run begins, and its wall clock time is that of all its runs (the service's
 * documents say so of both).
 */
export const taskUsage = (task: Task, now: Instant): TaskUsage => {
  const { usage, ranMs = 0, startTime, endTime } = task.execution;
  const isQueued = task.state === "active";
  return {
    userMs: usage?.userMs ?? 0,
    kernelMs: usage?.systemMs ?? 0,
    wallMs: ranMs + (isQueued || startTime === undefined ? 0 : between(startTime, endTime ?? now)),
    waitMs: between(instantOf(task.seq), (isQueued ? undefined : startTime) ?? endTime ?? now),
    readBlocks: usage?.readBlocks ?? 0,
    writeBlocks: usage?.writeBlocks ?? 0,
  };
};

/** What a task adds to the totals of its job: everything once it has completed, before that only what earlier runs used. */
const contribution = (task: Task): Omit<JobUsage, "retries"> => {
  const isCompleted = task.state === "completed";
  const { result, ranMs = 0, endTime } = task.execution;
  const usage = taskUsage(task, endTime ?? 0);
  return {
    ...usage,
    ...(isCompleted ? {} : { wallMs: ranMs, waitMs: 0 }),
    succeeded: Number(isCompleted && result === "success"),
    failed: Number(isCompleted && result === "failure"),
  };
};

/** How a change of a task changes the totals of its job; undefined when it does not. Retries that a reactivation forgets still happened. */
export const usageChange = (before: Task, after: Task): JobUsage | undefined => {
  const [old, now] = [before.execution, after.execution];
  const isOpen = before.state !== "completed" && after.state !== "completed";
  if (isOpen && old.usage === now.usage && old.ranMs === now.ranMs && old.retryCount === now.retryCount) return undefined;
  const [from, to] = [contribution(before), contribution(after)];
  const change: JobUsage = { ...noUsage, retries: Math.max(0, now.retryCount - old.retryCount) };
  for (const key of Object.keys(to) as (keyof typeof to)[]) change[key] = to[key] - from[key];
  return jobUsageKeys.some((key) => change[key] !== 0) ? change : undefined;
};
