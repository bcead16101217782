// The machine's figures: read from texts as the kernel writes them, and from this machine, twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../lib/clock.ts";
import { diskCounters, networkCounters, openMachine } from "./machine.ts";

const diskstats = `   7       0 loop0 10 0 1000 0 5 0 500 0 0 0 0
 259       0 nvme0n1 100 3 2000 50 40 2 800 60 0 90 110 0 0 0 0
 259       1 nvme0n1p1 90 3 1900 50 40 2 800 60 0 90 110 0 0 0 0
 254       0 dm-0 80 0 1600 10 20 0 400 10 0 10 20 0 0 0 0
   8       0 sda 1 0 8 0 2 0 16 0 0 0 0
`;

test("whole disks are counted, neither their partitions nor what lies on them", () => {
  assert.deepEqual(diskCounters(diskstats, new Set(["loop0", "nvme0n1", "dm-0", "sda"])), {
    diskReadOps: 101,
    diskReadBytes: 2008 * 512,
    diskWriteOps: 42,
    diskWriteBytes: 816 * 512,
  });
});

const netdev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 5000      10    0    0    0     0          0         0     5000      10    0    0    0     0       0          0
  eth0: 1200      10    0    0    0     0          0         0      340      10    0    0    0     0       0          0
wlan0:7 1 0 0 0 0 0 0 8 1 0 0 0 0 0 0
`;

test("all interfaces but loopback are counted", () => {
  assert.deepEqual(networkCounters(netdev), { networkInBytes: 1207, networkOutBytes: 348 });
});

test("this machine tells its load since it was asked last", () => {
  const clock = new ManualClock();
  const machine = openMachine(clock, ".");
  clock.advance(30_000);
  const first = machine.usage();
  assert.equal(first.overMs, 30_000);
  clock.advance(10_000);
  const second = machine.usage();
  assert.equal(second.overMs, 10_000);
  assert.ok(second.memoryBytes! > 2 ** 20 && second.diskBytes! > 0);
  assert.ok(second.cpu === undefined || (second.cpu >= 0 && second.cpu <= 1));
  if (process.platform === "linux") assert.ok(second.networkInBytes! >= 0);
  assert.equal(machine.usage().overMs, 1);
});
