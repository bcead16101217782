// The directory that a server keeps everything in: made private, ignored by git, and for --in-memory a temporary one that goes with it.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readyFileName } from "./env.ts";
import { UserError } from "./usage-error.ts";

export type Location = {
  directory: string;
  database: string;
  tls: string;
  agent: string;
  lock: string;
  launcherCache: string;
  /** What the running server tells clients. */
  ready: string;
  /** The key that tokens are signed with, and this location's own client. */
  identity: string;
  /** Removes a temporary location; leaves any other. */
  discard(): void;
};

export const openLocation = (path: string, inMemory: boolean): Location => {
  const directory = inMemory ? mkdtempSync(join(memoryDirectory(), "quern-")) : resolve(path);
  refuseForeign(directory);
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
    ready: join(directory, readyFileName),
    identity: join(directory, "identity"),
    discard: () => {
      if (inMemory) rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
};

const ours = /^(\.gitignore|quern\.db.*|lock.*|tls|azurite|launcher|agent|identity|images|ready\.json)$/;

/** A directory with other things in it is somebody's: it must not become private and ignored by git because of a slip in a flag. */
const refuseForeign = (directory: string): void => {
  if (!existsSync(directory)) return;
  const foreign = readdirSync(directory).find((name) => !ours.test(name));
  if (foreign === undefined) return;
  throw new UserError(
    `The location ${directory} holds other things (${foreign}, for instance). Name a new or empty directory with --location.`,
  );
};

/** Linux has a file system in memory; elsewhere the temporary directory is the nearest there is. */
const memoryDirectory = (): string => (existsSync("/dev/shm") ? "/dev/shm" : tmpdir());
