// One live server per location: a file that says who it is. The lock of a process that is gone is replaced; one that lives makes a
// second start fail with its pid and address. It guards against accidents, not against somebody who deletes the file.
import { existsSync, rmSync } from "node:fs";
import { createFileAtomically, identifyProcess, isAlive, type ProcessIdentity, readPidFile, writeFileAtomically } from "./processes.ts";

export class LocationInUse extends Error {
  override readonly name = "LocationInUse";
  readonly pid: number;
  readonly url: string | undefined;

  constructor(path: string, pid: number, url: string | undefined) {
    super(
      `the location is in use by process ${pid}${url === undefined ? " (which is still starting)" : ` at ${url}`} (${path}); ` +
        "stop that one first, or choose another location",
    );
    this.pid = pid;
    this.url = url;
  }
}

export interface LocationLock {
  /** Says where the holder can be reached, for the message that a second start shows. */
  setUrl(url: string): void;
  /** Removes the file if it is still ours. May be called twice. */
  release(): void;
}

type Holder = ProcessIdentity & { url?: string };

const holderOf = (path: string): Holder | undefined => {
  const content = readPidFile(path);
  return content && { pid: content.pid, startTime: content.startTime, ...(typeof content.url === "string" ? { url: content.url } : {}) };
};

const refuseLive = (path: string, holder: Holder | undefined): void => {
  if (holder !== undefined && isAlive(holder)) throw new LocationInUse(path, holder.pid, holder.url);
};

/**
 * The right to replace the lock of one particular dead holder: a file named after it, which one contender can create. A contender
 * that died with that right is itself a dead holder, whose right is claimed in the same way. Gives the files to remove afterwards, or
 * undefined when the right was given up meanwhile, so that everything may be different now.
 */
const claimReplacement = (path: string, dead: Holder | undefined, text: string): string[] | undefined => {
  const claim = `${path}.after-${dead === undefined ? "nobody" : `${dead.pid}-${dead.startTime.replace(/\W/g, "")}`}`;
  if (createFileAtomically(claim, text)) return [claim];
  const claimant = holderOf(claim);
  if (claimant === undefined) return undefined;
  refuseLive(path, claimant);
  const further = claimReplacement(path, claimant, text);
  return further && [claim, ...further];
};

const same = (one: Holder | undefined, other: Holder | undefined): boolean =>
  one?.pid === other?.pid && one?.startTime === other?.startTime;

/** False when the holder was not the one that was found dead any more: look again. */
const replaceDead = (path: string, dead: Holder | undefined, text: string): boolean => {
  const claims = claimReplacement(path, dead, text);
  if (claims === undefined) return false;
  const isStillThere = existsSync(path) && same(holderOf(path), dead);
  if (isStillThere) writeFileAtomically(path, text);
  for (const claim of claims) rmSync(claim, { force: true });
  return isStillThere;
};

/** Each failed attempt means that another contender got further; so many mean a file that power loss has left empty. */
const mostAttempts = 1_000;

const acquire = (path: string, text: string): void => {
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    if (createFileAtomically(path, text)) return;
    const holder = holderOf(path);
    refuseLive(path, holder);
    if (existsSync(path) && replaceDead(path, holder, text)) return;
  }
  throw new Error(`the lock ${path} cannot be replaced; if no server runs there, remove it and the files ${path}.after-*`);
};

/** Throws LocationInUse. `identity` is this process, except in tests. */
export const lockLocation = (path: string, identity: ProcessIdentity = identifyProcess(process.pid)!): LocationLock => {
  const text = (url?: string): string => `${JSON.stringify({ ...identity, url })}\n`;
  acquire(path, text());
  let released = false;
  const isOurs = (): boolean => !released && same(holderOf(path), identity);
  return {
    setUrl: (url) => {
      if (isOurs()) writeFileAtomically(path, text(url));
    },
    release: () => {
      if (isOurs()) rmSync(path, { force: true });
      released = true;
    },
  };
};
