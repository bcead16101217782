// Usage metrics: which intervals a request means, and the core hours of nodes that come and go within them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../api/errors.ts";
import { isoTime } from "../lib/clock.ts";
import { type Life, positionAfter, type Usage, usageByInterval, usageRange } from "./usage-metrics.ts";

const at = (time: string): number => Date.parse(`2026-01-01T${time}Z`);
const now = at("12:10:00");
const range = (asked: { starttime?: string; endtime?: string }): [string, string] => {
  const day = (time: string | undefined) => (time === undefined ? undefined : `2026-01-01T${time}:00Z`);
  const { start, end } = usageRange({ starttime: day(asked.starttime), endtime: day(asked.endtime) }, now);
  return [isoTime(start).slice(11, 16), isoTime(end).slice(11, 16)];
};

test("without a range it is the last interval that is available", () => assert.deepEqual(range({}), ["09:30", "10:00"]));

test("a range has every interval that it touches", () => {
  assert.deepEqual(range({ starttime: "08:10" }), ["08:00", "10:00"]);
  assert.deepEqual(range({ starttime: "08:10", endtime: "09:10" }), ["08:00", "09:30"]);
  assert.deepEqual(range({ starttime: "08:00", endtime: "09:00" }), ["08:00", "09:00"]);
  assert.deepEqual(range({ starttime: "09:40", endtime: "10:10" }), ["09:30", "10:00"]);
});

for (const [asked, name] of [
  [{ starttime: "09:41" }, "starttime"],
  [{ endtime: "10:11" }, "endtime"],
  [{ starttime: "09:00", endtime: "08:00" }, "endtime"],
] as const) {
  test(`refused: ${JSON.stringify(asked)}`, () => {
    assert.throws(
      () => range(asked),
      (error) => error instanceof ApiError && error.code === "InvalidQueryParameterValue" && error.values[0]?.value === name,
    );
  });
}

const life = (poolId: string, from: string, to: string, vmSize = "standard_d2_v3"): Life => ({
  poolId,
  vmSize,
  from: at(from),
  to: at(to),
});
const whole = { start: at("08:00:00"), end: at("10:00:00") };
const shown = (usages: readonly Usage[]): string[] =>
  usages.map(({ poolId, vmSize, start, coreMs }) => `${isoTime(start).slice(11, 16)} ${poolId} ${vmSize.slice(9)} ${coreMs / 60_000}`);

test("core minutes of each pool and interval, of what was there of it", () => {
  const lives = [
    life("b", "07:00:00", "08:10:00"),
    life("A", "08:20:00", "08:40:00"),
    life("a", "08:25:00", "08:30:00", "standard_d4_v3"),
    life("A", "08:20:00", "09:31:00"),
  ].sort((x, y) => x.from - y.from);
  assert.deepEqual(shown(usageByInterval(lives, whole, { limit: 99 })), [
    "08:00 A d2_v3 40",
    "08:00 a d4_v3 20",
    "08:00 b d2_v3 20",
    "08:30 A d2_v3 80",
    "09:00 A d2_v3 60",
    "09:30 A d2_v3 2",
  ]);
});

test("pages meet without a gap or a repetition, over hours in which there was nothing", () => {
  const lives = [life("a", "01:00:00", "01:31:00"), life("b", "01:10:00", "01:20:00"), life("c", "09:00:00", "09:45:00")];
  const all = usageByInterval(lives, { start: 0, end: at("10:00:00") }, { limit: 99 });
  assert.deepEqual(shown(all), ["01:00 a d2_v3 60", "01:00 b d2_v3 20", "01:30 a d2_v3 2", "09:00 c d2_v3 60", "09:30 c d2_v3 30"]);
  const pages: Usage[] = [];
  for (let after: string | undefined; pages.length < all.length; after = positionAfter(pages.at(-1)!))
    pages.push(...usageByInterval(lives, { start: 0, end: at("10:00:00") }, { after, limit: 1 }));
  assert.deepEqual(pages, all);
  for (const after of ["", "x", "99999999999999999999 a", "-5"])
    assert.ok(usageByInterval(lives, whole, { after, limit: 9 }).length <= 2, `a page after '${after}'`);
});
