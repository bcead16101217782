// How much room there is, before and while something is written.
import { statfs } from "node:fs/promises";
import type { Clock } from "../lib/clock.ts";
import { insufficientStorage } from "./failures.ts";

/** Free for this process, in the file system that the directory is in. */
export const freeBytesOf = async (directory: string): Promise<number> => {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
};

const lookMs = 1000;

/**
 * Runs `action` with a signal that is aborted when the room that is to stay free is used up, or when `signal` is. Rejects with
 * InsufficientStorage in the first case.
 */
export const withinSpace = async <T>(
  {
    clock,
    directory,
    freeBytes,
    reserveBytes,
  }: { clock: Clock; directory: string; freeBytes(d: string): Promise<number>; reserveBytes: number },
  signal: AbortSignal,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  const full = new AbortController();
  let timer = clock.after(lookMs, () => look());
  const look = async (): Promise<void> => {
    const free = await freeBytes(directory).catch(() => Number.POSITIVE_INFINITY);
    if (free < reserveBytes / 2) full.abort(insufficientStorage());
    else if (!isDone) timer = clock.after(lookMs, () => look());
  };
  let isDone = false;
  try {
    return await action(AbortSignal.any([signal, full.signal]));
  } catch (error) {
    throw full.signal.aborted && !signal.aborted ? full.signal.reason : error;
  } finally {
    isDone = true;
    timer.cancel();
  }
};
