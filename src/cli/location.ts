// The directory that a server keeps everything in: made private, ignored by git, and for --in-memory a temporary one that goes with it.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { UserError } from "./usage-error.ts";

export type Location = {
  directory: string;
  database: string;
  tls: string;
  agent: string;
  lock: string;
  launcherCache: string;
  /** Removes a temporary location; leaves any other. */
  discard(): void;
};

export const openLocation = (path: string, inMemory: boolean): Location => {
  const directory = inMemory ? mkdtempSync(join(memoryDirectory(), "quern-")) : resolve(path);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
    const ignore = join(directory, ".gitignore");
    if (!existsSync(ignore)) writeFileSync(ignore, "*\n");
  } catch (error) {
    throw new UserError(`The location ${directory} cannot be used (${(error as Error).message}). Choose another with --location.`);
  }
  return {
    directory,
    database: join(directory, "quern.db"),
    tls: join(directory, "tls"),
    agent: join(directory, "agent"),
    lock: join(directory, "lock"),
    launcherCache: join(directory, "launcher"),
    discard: () => {
      if (inMemory) rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
};

/** Linux has a file system in memory; elsewhere the temporary directory is the nearest there is. */
const memoryDirectory = (): string => (existsSync("/dev/shm") ? "/dev/shm" : tmpdir());
