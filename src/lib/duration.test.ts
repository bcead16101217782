// Durations as the service reads and writes them; the rows marked "recorded" are answers of the real service.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { durationMs, durationOf, durationTicks, normaliseDuration, unlimitedDuration } from "./duration.ts";

const rows: [text: string, normalised: string | undefined, why: string][] = [
  ["PT01H00M00S", "PT1H", "recorded"],
  ["PT06M00S", "PT6M", "recorded"],
  ["P3Y6M4DT12H30M5S", "P1279DT12H30M5S", "recorded: a year is 365 days, a month 30"],
  ["P0D", "P0D", "recorded"],
  ["PT0S", "PT0S", "zero with a time part"],
  [unlimitedDuration, unlimitedDuration, "the largest TimeSpan"],
  ["PT90S", "PT1M30S", "carries over"],
  ["PT36H", "P1DT12H", "carries over into days"],
  ["P2W", "P14D", "weeks"],
  ["PT0.5S", "PT0.5S", "fractions"],
  ["-PT1H", "-PT1H", "negative"],
  ["P10675200D", undefined, "more than a TimeSpan holds"],
  ["PT", undefined, "nothing after T"],
  ["P", undefined, "nothing"],
  ["1H", undefined, "no P"],
  ["PT1H ", undefined, "blank"],
  ["PT1H30", undefined, "no unit"],
];

for (const [text, expected, why] of rows) test(`${text}: ${why}`, () => assert.equal(normaliseDuration(text), expected));

test("what is normalised stays and means the same", () => {
  fc.assert(
    fc.property(fc.tuple(fc.nat(9999), fc.nat(30), fc.nat(100), fc.nat(200), fc.nat(9_999_999)), ([d, h, m, s, f]) => {
      const text = `P${d}DT${h}H${m}M${s}.${String(f).padStart(7, "0")}S`;
      const normal = normaliseDuration(text)!;
      assert.equal(normaliseDuration(normal), normal);
      assert.equal(durationTicks(normal), durationTicks(text));
    }),
  );
});

test("of milliseconds", () => {
  const spelled = [0, 1, 50, 1_000, 1_750, 3_600_000, 90_061_001, 999.9].map(durationOf);
  assert.deepEqual(spelled, ["PT0S", "PT0.001S", "PT0.05S", "PT1S", "PT1.75S", "PT1H", "P1DT1H1M1.001S", "PT0.999S"]);
});

test("milliseconds, with unlimited as Infinity", () => {
  assert.equal(durationMs("PT15M"), 900_000);
  assert.equal(durationMs("PT0.0019S"), 1);
  assert.equal(durationMs(unlimitedDuration), Number.POSITIVE_INFINITY);
  assert.throws(() => durationMs("soon"), RangeError);
});
