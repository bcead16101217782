// One live server per location: a file that says who it is. The lock of a process that is gone is replaced; one that lives makes a
// second start fail with its pid and address. It guards against accidents, not against somebody who deletes the file.
import { unlinkSync } from "node:fs";
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
 * that died with that right is itself a dead holder, whose right is claimed in the same way. Returns the files to remove afterwards.
 */
const claimReplacement = (path: string, dead: Holder | undefined, text: string): string[] => {
  const claim = `${path}.after-${dead === undefined ? "nobody" : `${dead.pid}-${dead.startTime.replace(/\W/g, "")}`}`;
  if (createFileAtomically(claim, text)) return [claim];
  const claimant = holderOf(claim);
  refuseLive(path, claimant);
  return [claim, ...claimReplacement(path, claimant, text)];
};

const same = (one: Holder | undefined, other: Holder | undefined): boolean =>
  one?.pid === other?.pid && one?.startTime === other?.startTime;

/** Throws LocationInUse. `identity` is this process, except in tests. */
export const lockLocation = (path: string, identity: ProcessIdentity = identifyProcess(process.pid)!): LocationLock => {
  const text = (url?: string): string => `${JSON.stringify({ ...identity, url })}\n`;
  if (!createFileAtomically(path, text())) {
    const holder = holderOf(path);
    refuseLive(path, holder);
    const claims = claimReplacement(path, holder, text());
    try {
      // Another contender may have replaced the dead holder between our look and our claim.
      const now = holderOf(path);
      if (!same(now, holder)) refuseLive(path, now);
      writeFileAtomically(path, text());
    } finally {
      for (const claim of claims) unlinkSync(claim);
    }
  }
  let released = false;
  const isOurs = (): boolean => !released && same(holderOf(path), identity);
  return {
    setUrl: (url) => {
      if (isOurs()) writeFileAtomically(path, text(url));
    },
    release: () => {
      if (isOurs()) unlinkSync(path);
      released = true;
    },
  };
};
