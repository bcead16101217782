// How busy the machine is that the agent runs on, for the formulas of pools that size themselves: processors, memory, disks and network,
// as the system counts them. Reads only when it is asked; what a system does not tell (disks and network outside Linux) is left out.
import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { cpus, freemem, totalmem } from "node:os";
import type { MachineUsage } from "../api/agent/messages.ts";
import type { Clock } from "../lib/clock.ts";

export type Machine = {
  /** Since the last call; the first one is since the start. */
  usage(): MachineUsage;
};

/** What only ever grows while the machine is up. */
type Counters = { at: number; busyMs: number; cpuMs: number; disk?: DiskCounters; network?: NetworkCounters };
export type DiskCounters = Required<Pick<MachineUsage, "diskReadBytes" | "diskWriteBytes" | "diskReadOps" | "diskWriteOps">>;
export type NetworkCounters = Required<Pick<MachineUsage, "networkInBytes" | "networkOutBytes">>;

export const openMachine = (clock: Pick<Clock, "elapsed">, directory: string): Machine => {
  let before = readCounters(clock);
  return {
    usage: () => {
      const after = readCounters(clock);
      const cpuMs = after.cpuMs - before.cpuMs;
      const usage: MachineUsage = {
        overMs: Math.max(1, after.at - before.at),
        // Asked twice within a tick of the system's clock, there is nothing to tell.
        ...(cpuMs > 0 ? { cpu: Math.min(1, Math.max(0, (after.busyMs - before.busyMs) / cpuMs)) } : {}),
        memoryBytes: totalmem() - freemem(),
        ...told(() => diskInUse(directory)),
        ...growth(before.disk, after.disk),
        ...growth(before.network, after.network),
      };
      before = after;
      return usage;
    },
  };
};

const readCounters = (clock: Pick<Clock, "elapsed">): Counters => {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (of: (time: (typeof times)[number]) => number): number => times.reduce((total, time) => total + of(time), 0);
  const idleMs = sum((time) => time.idle);
  const cpuMs = sum((time) => time.user + time.nice + time.sys + time.irq + time.idle);
  return {
    at: clock.elapsed(),
    busyMs: cpuMs - idleMs,
    cpuMs,
    disk: told(() => diskCounters(readFileSync("/proc/diskstats", "utf8"), new Set(readdirSync("/sys/block")))),
    network: told(() => networkCounters(readFileSync("/proc/net/dev", "utf8"))),
  };
};

const told = <T>(read: () => T): T | undefined => {
  try {
    return read();
  } catch {
    return undefined; // a system without it
  }
};

const diskInUse = (directory: string): Pick<MachineUsage, "diskBytes"> => {
  const { blocks, bfree, bsize } = statfsSync(directory);
  return { diskBytes: (blocks - bfree) * bsize };
};

/** A counter that was reset (an interface that went and came back) has not shrunk the total below nothing. */
const growth = <C extends Record<string, number>>(before: C | undefined, after: C | undefined): C | undefined =>
  before === undefined || after === undefined
    ? undefined
    : (Object.fromEntries(Object.entries(after).map(([name, value]) => [name, Math.max(0, value - before[name]!)])) as C);

/** The kernel counts in these, whatever the disk's own blocks are. */
const sectorBytes = 512;
/** What only passes on to other disks, or is none. */
const notADisk = /^(loop|ram|zram|dm-|md|sr|fd)/;

/** Of /proc/diskstats: whole disks only, because their partitions are counted in them. */
export const diskCounters = (text: string, disks: ReadonlySet<string>): DiskCounters => {
  const total: DiskCounters = { diskReadBytes: 0, diskWriteBytes: 0, diskReadOps: 0, diskWriteOps: 0 };
  for (const line of text.split("\n")) {
    const fields = line.trim().split(/\s+/);
    const name = fields[2];
    if (name === undefined || !disks.has(name) || notADisk.test(name)) continue;
    total.diskReadOps += Number(fields[3]);
    total.diskReadBytes += Number(fields[5]) * sectorBytes;
    total.diskWriteOps += Number(fields[7]);
    total.diskWriteBytes += Number(fields[9]) * sectorBytes;
  }
  return total;
};

/** Of /proc/net/dev. */
export const networkCounters = (text: string): NetworkCounters => {
  const total: NetworkCounters = { networkInBytes: 0, networkOutBytes: 0 };
  for (const line of text.split("\n").slice(2)) {
    const [name, figures] = line.split(":");
    if (figures === undefined || name!.trim() === "lo") continue;
    const fields = figures.trim().split(/\s+/);
    total.networkInBytes += Number(fields[0]);
    total.networkOutBytes += Number(fields[8]);
  }
  return total;
};
