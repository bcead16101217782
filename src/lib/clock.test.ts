// Times as the service writes them, and the two clocks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { etagOf, httpDate, isoStamp, isoTime, ManualClock, systemClock } from "./clock.ts";

const at = Date.UTC(2025, 2, 19, 7, 6, 5, 40);

test("times on the wire", () => {
  assert.equal(isoTime(at), "2025-03-19T07:06:05.04Z");
  assert.equal(isoTime(Date.UTC(2025, 0, 10)), "2025-01-10T00:00:00Z");
  assert.equal(isoStamp(at * 1000 + 7), "2025-03-19T07:06:05.040007Z");
  assert.equal(isoStamp(Date.UTC(2025, 0, 10) * 1000), "2025-01-10T00:00:00Z");
  assert.equal(httpDate(at), "Wed, 19 Mar 2025 07:06:05 GMT");
});

test("an ETag is 0x8 and the time in ticks of 100 ns since year one, without quotes", () => {
  // A pair that the real service gave: 0x8D9117BDF0A88A1 with 2021-05-07T17:16:37.0294945Z. Ours has microseconds, its last digit less.
  const recorded = Date.UTC(2021, 4, 7, 17, 16, 37) * 1000 + 29_494;
  assert.equal(BigInt(etagOf(recorded)), 0x8d9117bdf0a88a1n - 5n);
  assert.notEqual(etagOf(at * 1000), etagOf(at * 1000 + 1));
});

test("stamps grow strictly, whatever the clock does", () => {
  for (const clock of [systemClock(), new ManualClock(at)]) {
    let last = 0;
    for (let index = 0; index < 5_000; index++) {
      const stamp = clock.stamp();
      assert.ok(stamp > last);
      last = stamp;
    }
  }
});

test("a manual clock fires timers in order, each at its own time", () => {
  const clock = new ManualClock(0);
  const fired: [string, number][] = [];
  clock.after(30, () => fired.push(["late", clock.now()]));
  clock.after(10, () => {
    fired.push(["early", clock.now()]);
    clock.after(5, () => fired.push(["nested", clock.now()]));
  });
  clock.after(20, () => fired.push(["never", clock.now()])).cancel();
  assert.equal(clock.nextTimerAt(), 10);
  clock.advance(40);
  assert.deepEqual(fired, [
    ["early", 10],
    ["nested", 15],
    ["late", 30],
  ]);
  assert.equal(clock.now(), 40);
});

test("the system clock fires once, later, and not after cancel", async () => {
  const clock = systemClock();
  const cancelled = clock.after(0, () => assert.fail("cancelled"));
  cancelled.cancel();
  await new Promise<void>((done) => {
    const keepAlive = setInterval(() => {}, 1000);
    clock.after(-5, () => {
      clearInterval(keepAlive);
      done();
    });
  });
});
