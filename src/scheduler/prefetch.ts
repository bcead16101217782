// How far ahead short tasks are given to a node, learnt from how long recent ones took. Long tasks are never given ahead:
// one behind an hour-long task would wait though another node is free.

/** A running mean of task durations in ms; undefined until the first. */
export type Pace = number | undefined;

const weight = 0.2;
/** One endless task must not be remembered for thousands of short ones. */
const longestCountedMs = 10_000;

export const paceAfter = (pace: Pace, durationMs: number): Pace => {
  const counted = Math.min(Math.max(0, durationMs), longestCountedMs);
  return pace === undefined ? counted : pace + weight * (counted - pace);
};

const longTaskMs = 1000;
const aheadMs = 100;
const deepest = 64;

/**
 * Slots' worth of tasks to hold ready beyond the slots: 100 ms of work. A report, a commit and a push take about 10 ms when all are
 * coalesced, the queue is refilled when half of it is left, and machines stutter; measured, less than 16 tasks of a millisecond ran dry
 * (hot-path 6).
 */
export const depthFor = (pace: Pace, slots: number): number =>
  pace === undefined || pace >= longTaskMs ? 0 : Math.min(deepest, Math.ceil((slots * aheadMs) / Math.max(1, pace)));

/**
 * What of that depth to fill now: nothing while the queue is more than half full, so that placements are committed and sent by the dozen
 * and not one by one. Free slots are always filled.
 */
export const depthToFill = (depth: number, used: number, slots: number): number => {
  const ahead = Math.max(0, used - slots);
  return ahead * 2 > depth ? ahead : depth;
};
