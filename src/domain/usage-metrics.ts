// Core hours of pools by half hours: which intervals can be asked for, and what the nodes that were there come to in each. Pure.
import { invalidQuery } from "../api/errors.ts";
import { type Instant, isoTime } from "../lib/clock.ts";
import { vmSizeOf } from "./vm-sizes.ts";

/** How long an interval is (unverified; the examples of the documents have it so). They begin at full and half hours. */
export const intervalMs = 30 * 60_000;
/** Metrics of an interval can be had so long after its end. */
const availableAfterMs = 2 * 3_600_000;

/** Of a size that is not known one core is certain. */
export const coresOf = (vmSize: string): number => vmSizeOf(vmSize)?.cores ?? 1;

const startOfInterval = (at: Instant): Instant => Math.floor(at / intervalMs) * intervalMs;

/**
 * From the start of the first interval to the end of the last. Without a range it is the last one that is available; a range has every
 * interval that it touches, as far as available. Throws the refusal of a range that is too young.
 */
export const usageRange = (asked: { starttime?: string; endtime?: string }, now: Instant): { start: Instant; end: Instant } => {
  const available = startOfInterval(now - availableAfterMs);
  const startTime = asked.starttime === undefined ? available - intervalMs : Date.parse(asked.starttime);
  const endTime = asked.endtime === undefined ? available : Date.parse(asked.endtime);
  const refuse = (name: "starttime" | "endtime", reason: string) => invalidQuery(name, asked[name]!, reason);
  if (asked.starttime !== undefined && startTime > now - availableAfterMs - intervalMs)
    throw refuse("starttime", `The start time must be at least two and a half hours before the current time, ${isoTime(now)}`);
  if (asked.endtime !== undefined && endTime > now - availableAfterMs)
    throw refuse("endtime", `The end time must be at least two hours before the current time, ${isoTime(now)}`);
  if (asked.starttime !== undefined && asked.endtime !== undefined && startTime > endTime)
    throw refuse("endtime", "The end time must not be before the start time");
  return { start: startOfInterval(startTime), end: Math.min(available, startOfInterval(endTime + intervalMs - 1)) };
};

/** A node while it was part of a pool. */
export type Life = { poolId: string; vmSize: string; from: Instant; to: Instant };

export type Usage = { poolId: string; vmSize: string; start: Instant; coreMs: number };

/**
 * An element for each interval and each pool that had nodes in it, in order of time, then of pool and size; at most `limit`, after the one
 * that `after` names. `lives` are in the order of `from`.
 */
export const usageByInterval = (
  lives: readonly Life[],
  range: { start: Instant; end: Instant },
  page: { after?: string; limit: number },
): Usage[] => {
  const after = page.after === undefined ? undefined : positionOf(page.after);
  const found: Usage[] = [];
  let present: Life[] = [];
  let born = 0;
  for (let start = Math.max(range.start, after?.start ?? 0); start < range.end && found.length < page.limit; ) {
    const end = start + intervalMs;
    while (born < lives.length && lives[born]!.from < end) present.push(lives[born++]!);
    present = present.filter((life) => life.to > start);
    const ofInterval = [...Map.groupBy(present, nameOf)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .filter(([name]) => after === undefined || start > after.start || name > after.name);
    found.push(...ofInterval.map(([, some]) => usageOf(some, start)));
    // Over hours in which there was nothing it goes in one step.
    start = present.length > 0 ? end : Math.max(end, startOfInterval(lives[born]?.from ?? range.end));
  }
  return found.slice(0, page.limit);
};

const nameOf = ({ poolId, vmSize }: Pick<Life, "poolId" | "vmSize">): string => `${poolId.toLowerCase()} ${vmSize}`;

const usageOf = (lives: readonly Life[], start: Instant): Usage => {
  const { poolId, vmSize } = lives[0]!;
  const ms = lives.reduce((sum, { from, to }) => sum + Math.min(to, start + intervalMs) - Math.max(from, start), 0);
  return { poolId, vmSize, start, coreMs: ms * coresOf(vmSize) };
};

/** Where the page after an element starts: a text for `after`. */
export const positionAfter = (usage: Usage): string => `${usage.start} ${nameOf(usage)}`;

const positionOf = (text: string): { start: Instant; name: string } => {
  const at = text.indexOf(" ");
  const start = Number(text.slice(0, Math.max(0, at)));
  return { start: Number.isSafeInteger(start) ? startOfInterval(start) : 0, name: text.slice(at + 1) };
};
