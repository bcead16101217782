// One agent per directory: two would take each other's launchers away. The lock is a file with the process's number and start time, so that
// one left by a crash, or by a process whose number was given away again, does not count.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { identifyProcess, isAlive } from "../lib/processes.ts";

/** Whoever starts agents (providers/agent-process.ts) reads it too. */
type Holder = { pid: number; startedAt: string };

/** Throws when a live process holds it. Gives what undoes it. */
export const takeLock = (path: string): (() => void) => {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as Holder;
    if (holder.pid !== process.pid && isAlive({ pid: holder.pid, startTime: holder.startedAt })) {
      throw new Error(`another agent (process ${holder.pid}) already serves this directory; stop it first`);
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT" && !(error instanceof SyntaxError)) throw error;
  }
  const mine: Holder = { pid: process.pid, startedAt: identifyProcess(process.pid)?.startTime ?? "" };
  writeFileSync(path, JSON.stringify(mine), { mode: 0o600 });
  return () => rmSync(path, { force: true });
};
