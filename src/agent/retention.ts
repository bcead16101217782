// Removes task directories some time after the task's end. What is due when is on disk, one small file per span of time, and only the names of
// those files are in memory: a week of a million tasks costs nothing.
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";

export interface Retention {
  /** `directory` is relative to the node's root. */
  schedule(directory: string, endedAt: number, retentionMs: number): void;
  close(): void;
}

/** Due times are rounded up: to a second when short, to ten minutes when long. */
const roundedUp = (dueAt: number, retentionMs: number): number => {
  const step = retentionMs < 3_600_000 ? 1000 : 600_000;
  return Math.ceil(dueAt / step) * step;
};

/**
 * `expire(directory, endedAt)` is called when a directory is due; it decides whether a later attempt uses it. Entries survive a restart:
 * `directory` holds them.
 */
export const openRetention = (
  directory: string,
  { clock, log }: { clock: Clock; log: Log },
  expire: (directory: string, endedAt: number) => void,
): Retention => {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const dues = new Set(readdirSync(directory).map(Number).filter(Number.isSafeInteger));
  /** The file written last; tasks that end together are mostly due together. */
  let open: { due: number; fd: number } | undefined;
  let timer: Timer | undefined;
  let timerAt = Number.POSITIVE_INFINITY;

  const leave = (): void => {
    if (open !== undefined) closeSync(open.fd);
    open = undefined;
  };

  const runDue = (): void => {
    timerAt = Number.POSITIVE_INFINITY;
    for (const due of [...dues].sort((a, b) => a - b)) {
      if (due > clock.now()) break;
      dues.delete(due);
      if (open?.due === due) leave();
      const path = join(directory, String(due));
      try {
        for (const line of readFileSync(path, "utf8").split("\n")) {
          const space = line.indexOf(" ");
          if (space > 0) expire(line.slice(space + 1), Number(line.slice(0, space)));
        }
        unlinkSync(path);
      } catch (error) {
        log.warn({ err: error }, "task directories that are due could not be removed");
      }
    }
    arm();
  };

  const arm = (): void => {
    const next = Math.min(...dues);
    if (next >= timerAt || next === Number.POSITIVE_INFINITY) return;
    timer?.cancel();
    timerAt = next;
    timer = clock.after(next - clock.now(), runDue);
  };
  arm();

  return {
    schedule: (taskDirectory, endedAt, retentionMs) => {
      const due = roundedUp(endedAt + retentionMs, retentionMs);
      if (!Number.isSafeInteger(due) || taskDirectory.includes("\n")) return; // longer than time lasts: for ever
      try {
        if (open?.due !== due) {
          leave();
          open = { due, fd: openSync(join(directory, String(due)), "a", 0o600) };
        }
        writeSync(open.fd, `${endedAt} ${taskDirectory}\n`);
        dues.add(due);
        arm();
      } catch (error) {
        log.warn({ err: error, directory: taskDirectory }, "a task directory will stay longer than its retention time");
      }
    },
    close: () => {
      timer?.cancel();
      leave();
    },
  };
};
