// The runner behind every loop and reconciler: one run at a time, no ring lost, failures tried again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../lib/clock.ts";
import { silentLog } from "../lib/log.ts";
import { makeLeases } from "./leases.ts";
import { makeRunner } from "./runner.ts";

const runnerOf = (run: (key: string) => Promise<void>, clock = new ManualClock()) =>
  makeRunner<string>({ name: "test", nameOf: (key) => key, run, clock, log: silentLog });

test("rings during a run lead to exactly one more, and keys do not wait for each other", async () => {
  const runs: string[] = [];
  const gates = new Map<string, () => void>();
  const runner = runnerOf(async (key) => {
    runs.push(key);
    if (runs.filter((one) => one === key).length === 1) await new Promise<void>((resolve) => gates.set(key, resolve));
  });
  runner.ring("a");
  runner.ring("a");
  await Promise.resolve();
  runner.ring("a");
  runner.ring("a");
  runner.ring("b");
  await Promise.resolve();
  assert.deepEqual(runs, ["a", "b"]);
  for (const open of gates.values()) open();
  await runner.idle();
  assert.deepEqual(runs, ["a", "b", "a"]);
});

test("a failure is tried again, later each time, and a success forgets it", async () => {
  const clock = new ManualClock();
  let failures = 3;
  const at: number[] = [];
  const runner = runnerOf(async () => {
    at.push(clock.now());
    if (failures-- > 0) throw new Error("not yet");
  }, clock);
  const start = clock.now();
  runner.ring("a");
  for (let n = 0; n < 3; n++) {
    await runner.idle();
    clock.advance(clock.nextTimerAt()! - clock.now());
  }
  await runner.idle();
  assert.deepEqual(
    at.map((time) => time - start),
    [0, 200, 600, 1400],
  );
  assert.equal(clock.nextTimerAt(), undefined);
});

test("of several delayed rings the earliest counts, and nothing rings after the stop", async () => {
  const clock = new ManualClock();
  let runs = 0;
  const runner = runnerOf(async () => void runs++, clock);
  runner.ringAfter("a", 500);
  runner.ringAfter("a", 100);
  runner.ringAfter("a", 900);
  clock.advance(100);
  await runner.idle();
  assert.equal(runs, 1);
  runner.ringAfter("a", 10);
  await runner.stop();
  clock.advance(1000);
  runner.ring("a");
  await runner.idle();
  assert.equal(runs, 1);
});

test("a lease expires once, after its time and a margin, unless the agent comes back", () => {
  const clock = new ManualClock();
  const expired: string[] = [];
  const leases = makeLeases(clock, 30_000, (agentId) => expired.push(agentId));
  leases.lost("a");
  leases.lost("b");
  clock.advance(34_999);
  leases.renewed("b");
  assert.deepEqual(expired, []);
  clock.advance(1);
  assert.deepEqual(expired, ["a"]);
  clock.advance(100_000);
  assert.deepEqual(expired, ["a"]);
});
