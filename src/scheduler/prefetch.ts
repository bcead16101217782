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
const shortTaskMs = 50;
const leastOfShort = 32;
const deepest = 64;

/**
 * Slots' worth of tasks to hold ready beyond the slots: what is used up in about 30 ms, the time of a report, a commit and a push
 * when all are coalesced; measured, less than 16 ran dry for tasks of a millisecond (hot-path 6), and half of it is left when it is refilled.
 */
export const depthFor = (pace: Pace, slots: number): number => {
  if (pace === undefined || pace >= longTaskMs) return 0;
  const used = Math.ceil((slots * 30) / Math.max(1, pace));
  return Math.min(deepest, pace < shortTaskMs ? Math.max(leastOfShort, used + slots) : used);
};

/**
 * What of that depth to fill now: nothing while the queue is more than half full, so that placements are committed and sent by the dozen
 * and not one by one. Free slots are always filled.
 */
export const depthToFill = (depth: number, used: number, slots: number): number => {
  const ahead = Math.max(0, used - slots);
  return ahead * 2 > depth ? ahead : depth;
};
