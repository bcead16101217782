// One agent per directory: two would take each other's launchers away. The lock is a pid file (lib/processes.ts), so that one left by a
// crash, or by a process whose number was given away again, does not count. Whoever starts agents (providers/agent-process.ts) reads it too.
import { rmSync } from "node:fs";
import { identifyProcess, isAlive, readPidFile, writePidFile } from "../lib/processes.ts";

/** Throws when a live process holds it. Gives what undoes it. */
export const takeLock = (path: string): (() => void) => {
  const holder = readPidFile(path);
  if (holder !== undefined && holder.pid !== process.pid && isAlive(holder)) {
    throw new Error(`another agent (process ${holder.pid}) already serves this directory; stop it first`);
  }
  writePidFile(path, identifyProcess(process.pid) ?? { pid: process.pid, startTime: "" });
  return () => rmSync(path, { force: true });
};
