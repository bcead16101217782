// Ends process groups that are not our children, and tells when they are gone. Linux (/proc); elsewhere it can only send the signal.
import { readdirSync, readFileSync } from "node:fs";
import type { Clock } from "../../lib/clock.ts";

/** /proc counts start times in these, on every Linux that Node runs on. */
const ticksPerSecond = 100;
const startToleranceMs = 2000;
const longestDeathMs = 2000;

const statOf = (pid: string): { state: string; group: number; startMs: number } | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0]!, group: Number(fields[2]), startMs: (Number(fields[19]) * 1000) / ticksPerSecond };
  } catch {
    return undefined; // it has ended, or there is no /proc
  }
};

const isAlive = (group: number): boolean =>
  readdirSync("/proc").some((entry) => {
    const stat = /^\d+$/.test(entry) ? statOf(entry) : undefined;
    return stat !== undefined && stat.group === group && stat.state !== "Z" && stat.state !== "X";
  });

/** false: nobody is there. */
const signal = (target: number, number: number): boolean => {
  try {
    process.kill(target, number);
    return true;
  } catch {
    return false;
  }
};

/** Sends a signal to a group; a process that has not become its leader yet gets it alone. false: nobody is there. */
export const signalGroup = (group: number, number: number): boolean => signal(-group, number) || signal(group, number);

/**
 * Kills the group that a process started at `uptimeMs` (since boot) leads or led, and waits until it is gone (2 s at most).
 * Does nothing when the number has come to belong to another process since.
 */
export const endGroup = async (group: number, uptimeMs: number, clock: Clock): Promise<void> => {
  const leader = statOf(String(group));
  if (group <= 1 || (leader !== undefined && Math.abs(leader.startMs - uptimeMs) > startToleranceMs)) return;
  const from = clock.elapsed();
  while (clock.elapsed() - from < longestDeathMs) {
    if (leader === undefined ? !signal(-group, 9) : !signalGroup(group, 9)) return;
    if (process.platform !== "linux" || !isAlive(group)) return;
    await new Promise((settle) => setImmediate(settle)); // dying takes a millisecond or so, and nothing tells of it
  }
};
