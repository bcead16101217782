// Takes the samples of pools that a formula sizes: tasks and nodes from the store, the machines' figures from what their agents said last.
import type { MachineUsage } from "../api/agent/messages.ts";
import { nodeFigures, samplePeriodMs } from "../domain/autoscale.ts";
import type { Node } from "../domain/nodes.ts";
import type { Instant } from "../lib/clock.ts";
import type { Reader } from "../store/db.ts";
import { type Sample, workOfPool } from "../store/samples.ts";
import type { PoolKey } from "./context.ts";

/** What one machine said lately, and how many of the pool's nodes it hosts. */
export type HostUsage = { usage: MachineUsage; nodes: number };

export const takeSample = async (
  read: Reader,
  key: PoolKey,
  nodes: readonly Node[],
  { at, machines }: { at: Instant; machines: readonly HostUsage[] },
): Promise<Sample> => {
  const work = await workOfPool(read, key);
  return {
    at,
    metrics: {
      ActiveTasks: work.active,
      RunningTasks: work.running,
      PendingTasks: work.active + work.running,
      SucceededTasks: work.succeeded,
      FailedTasks: work.failed,
      ...nodeFigures(nodes),
      ...machineFigures(machines),
    },
  };
};

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

/**
 * Nodes on one machine share it: each has its load, so that averages are over nodes, and what was read, written, sent and received in a
 * period is counted once a machine. Nothing of what no machine of the pool told: then a formula that asks has insufficient data. That the
 * wall clock is that of all nodes together, and the exact sizes of the units: unverified.
 */
export const machineFigures = (machines: readonly HostUsage[]): Sample["metrics"] => {
  const nodes = machines.reduce((sum, machine) => sum + machine.nodes, 0);
  const average = (of: (usage: MachineUsage) => number | undefined): number | undefined => {
    const told = machines.filter(({ usage }) => of(usage) !== undefined);
    const count = told.reduce((sum, machine) => sum + machine.nodes, 0);
    return count === 0 ? undefined : told.reduce((sum, machine) => sum + of(machine.usage)! * machine.nodes, 0) / count;
  };
  /** As much as it would have been in exactly one period. */
  const flow = (of: (usage: MachineUsage) => number | undefined): number | undefined => {
    const told = machines.filter(({ usage }) => of(usage) !== undefined);
    if (told.length === 0) return undefined;
    return Math.round(told.reduce((sum, { usage }) => sum + (of(usage)! * samplePeriodMs) / usage.overMs, 0));
  };
  const scaled = (value: number | undefined, unit: number): number | undefined => (value === undefined ? undefined : value / unit);
  const figures: Sample["metrics"] = {
    SampleNodeCount: nodes,
    WallClockSeconds: (nodes * samplePeriodMs) / 1000,
    CPUPercent: average((usage) => usage.cpu),
    MemoryBytes: scaled(
      average((usage) => usage.memoryBytes),
      mebibyte,
    ),
    DiskBytes: scaled(
      average((usage) => usage.diskBytes),
      gibibyte,
    ),
    DiskReadBytes: flow((usage) => usage.diskReadBytes),
    DiskWriteBytes: flow((usage) => usage.diskWriteBytes),
    DiskReadOps: flow((usage) => usage.diskReadOps),
    DiskWriteOps: flow((usage) => usage.diskWriteOps),
    NetworkInBytes: flow((usage) => usage.networkInBytes),
    NetworkOutBytes: flow((usage) => usage.networkOutBytes),
  };
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined));
};
