// One agent per directory: two would take each other's launchers away. The lock is a file with the process's number and start time, so that
// one left by a crash, or by a process whose number was given away again, does not count.
import { readFileSync, rmSync, writeFileSync } from "node:fs";

type Holder = { pid: number; startedAt: string };

/** Field 22 of /proc/PID/stat, in clock ticks since boot; empty where there is no /proc. Undefined when there is no such process (or only its corpse). */
const startTimeOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    if (process.platform === "linux") return undefined;
    try {
      process.kill(pid, 0);
      return "";
    } catch {
      return undefined;
    }
  }
};

/** Throws when a live process holds it. Gives what undoes it. */
export const takeLock = (path: string): (() => void) => {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as Holder;
    if (holder.pid !== process.pid && startTimeOf(holder.pid) === holder.startedAt) {
      throw new Error(`another agent (process ${holder.pid}) already serves this directory; stop it first`);
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT" && !(error instanceof SyntaxError)) throw error;
  }
  const mine: Holder = { pid: process.pid, startedAt: startTimeOf(process.pid) ?? "" };
  writeFileSync(path, JSON.stringify(mine), { mode: 0o600 });
  return () => rmSync(path, { force: true });
};
