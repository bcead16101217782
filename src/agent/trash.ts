// Removes directory trees slowly. A burst of deletions makes ext4 slow to create files for minutes (it steps over recently freed inodes one by
// one), which would cost later tasks more than their processes do; so trees are renamed away at once and their files trickle.
import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { chmod, lstat, opendir, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";

/** 300 files a second. */
const batch = 30;
const pauseMs = 100;

export interface Trash {
  /** Moves the tree out of the way (its name is free when this returns) and removes it bit by bit. False when there is none. */
  discard(path: string): boolean;
  /** Resolves when all that was discarded is gone. */
  empty(): Promise<void>;
  close(): void;
}

/** `directory` must be on the same file system as what is discarded. Leftovers of an earlier agent are taken up. */
export const openTrash = (directory: string, clock: Clock, ids: Ids): Trash => {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const queue = readdirSync(directory);
  let work: Promise<void> = Promise.resolve();
  let busy = false;
  let closed = false;
  let timer: Timer | undefined;
  let resume: (() => void) | undefined;
  let budget = batch;

  const breathe = async (): Promise<void> => {
    if (--budget > 0) return;
    budget = batch;
    await new Promise<void>((resolve) => {
      resume = resolve;
      timer = clock.after(pauseMs, resolve);
    });
  };

  const removeTree = async (path: string): Promise<void> => {
    // Opening follows links, and a task may have put one in the place of its directory: the link goes, what it leads to stays.
    if (!(await lstat(path)).isDirectory()) return unlink(path);
    const entries = await opendir(path).catch(async () => {
      await chmod(path, 0o700); // a task may have closed its own directory
      return opendir(path);
    });
    for await (const entry of entries) {
      if (closed) return;
      const child = join(path, entry.name);
      if (entry.isDirectory()) await removeTree(child);
      else
        await unlink(child).catch(async () => {
          await chmod(path, 0o700);
          await unlink(child);
        });
      await breathe();
    }
    if (!closed) await rmdir(path);
  };

  const run = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined && !closed; name = queue.shift()) {
      // What cannot be removed (another user's files) stays in the trash and is tried again by the next agent.
      await removeTree(join(directory, name)).catch(() => undefined);
    }
    busy = false;
  };

  const start = (): void => {
    if (busy || closed || queue.length === 0) return;
    busy = true;
    work = run();
  };
  start();

  return {
    discard: (path) => {
      const name = ids.guid();
      try {
        renameSync(path, join(directory, name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
        throw error;
      }
      queue.push(name);
      start();
      return true;
    },
    empty: () => work,
    close: () => {
      closed = true;
      timer?.cancel();
      resume?.();
    },
  };
};
