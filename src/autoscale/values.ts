// The values of the language, how results write them, and the arithmetic of time. No operators, no functions.
import type { DeallocationOption } from "../domain/pools.ts";
import type { Instant } from "../lib/clock.ts";
import { normaliseDuration } from "../lib/duration.ts";
import { parseHttpDate } from "../lib/http-date.ts";
import { fault } from "./messages.ts";

export type Value =
  /** The only number, and the only truth: everything but 0 is true. */
  | { type: "double"; value: number }
  | { type: "doubleVec"; value: readonly number[] }
  | { type: "string"; value: string }
  /** Milliseconds since the epoch, with a fraction down to ticks of 100 ns. */
  | { type: "timestamp"; value: Instant }
  /** Whole ticks of 100 ns. */
  | { type: "timeinterval"; value: number }
  | { type: "nodeDeallocationOption"; value: DeallocationOption };

export type Type = Value["type"];
export type Of<T extends Type> = Extract<Value, { type: T }>["value"];

export const double = (value: number): Value => ({ type: "double", value });
export const truth = (value: boolean): Value => double(value ? 1 : 0);

export const ticksPerMs = 10_000;

/** Just under 2^63, what a .NET TimeSpan holds. */
const largestTicks = 9.22e18;
const earliest = Date.parse("0001-01-01T00:00:00Z");
const latest = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** An interval's ticks, rounded to whole ones; a fault when they do not fit. */
export const interval = (ticks: number, at: number): number => {
  if (!(Math.abs(ticks) <= largestTicks)) throw fault(at, "intervalOutOfRange");
  return Math.round(ticks);
};

/** A timestamp between the years 1 and 9999; a fault otherwise. */
export const timestamp = (ms: number, at: number): Instant => {
  if (!(ms >= earliest && ms <= latest)) throw fault(at, "timeOutOfRange");
  return ms;
};

const w3c = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d{1,7})?)?(?:Z|([+-])(\d\d):(\d\d))?)?)?)?$/;

/** A W3C date and time (a missing zone is UTC), or undefined. Days that no month has are refused, not carried over. */
const parseW3c = (text: string): Instant | undefined => {
  const match = w3c.exec(text);
  if (match === null) return undefined;
  const part = (index: number, missing: number): number => (match[index] === undefined ? missing : Number(match[index]));
  const day = Date.parse(`${match[1]}-${match[2] ?? "01"}-${match[3] ?? "01"}T00:00:00Z`);
  if (Number.isNaN(day) || new Date(day).getUTCDate() !== part(3, 1)) return undefined;
  const [hour, minute, second] = [part(4, 0), part(5, 0), part(6, 0)];
  const zone = (part(9, 0) * 60 + part(10, 0)) * (match[8] === "-" ? -1 : 1);
  if (hour > 23 || minute > 59 || second > 59 || Math.abs(zone) > 14 * 60 || part(10, 0) > 59) return undefined;
  return day + ((hour * 60 + minute - zone) * 60 + second) * 1000 + part(7, 0) * 1000;
};

/** What `time("...")` means: W3C-DTF or RFC 1123. */
export const parseTime = (text: string, at: number): Instant => {
  const parsed = parseW3c(text.trim()) ?? parseHttpDate(text);
  if (parsed === undefined) throw fault(at, "wrongTime", { text });
  return timestamp(parsed, at);
};

/** The members of a timestamp, all in UTC. Monday is 1 and Sunday 7 (unverified: documented formulas only show 1 to 5). */
export const timestampMembers: Record<string, (time: Date) => number> = {
  year: (time) => time.getUTCFullYear(),
  month: (time) => time.getUTCMonth() + 1,
  day: (time) => time.getUTCDate(),
  weekday: (time) => time.getUTCDay() || 7,
  hour: (time) => time.getUTCHours(),
  minute: (time) => time.getUTCMinutes(),
  second: (time) => time.getUTCSeconds(),
};

/** ISO 8601, as every duration of the service (unverified for results). */
const intervalText = (ticks: number): string => {
  const digits = BigInt(Math.abs(ticks)).toString().padStart(8, "0");
  return normaliseDuration(`${ticks < 0 ? "-" : ""}PT${digits.slice(0, -7)}.${digits.slice(-7)}S`)!;
};

/** A value as results show it: whole doubles without a point, others in the fewest digits that read back the same (unverified). */
export const shownValue = (value: Value): string => {
  switch (value.type) {
    case "double":
      return String(value.value);
    case "doubleVec":
      return `[${value.value.join(",")}]`;
    case "timestamp":
      return new Date(value.value).toISOString();
    case "timeinterval":
      return intervalText(value.value);
    case "string":
    case "nodeDeallocationOption":
      return value.value;
  }
};
