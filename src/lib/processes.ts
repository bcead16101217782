// Other processes of this machine: who they are, whether they live, how they end. A pid alone names nobody, because numbers are used
// again; a pid with its start time does. Does not start processes.
import { execFileSync } from "node:child_process";
import { linkSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { MessageChannel } from "node:worker_threads";
import type { Clock } from "./clock.ts";

/** `startTime` is only ever compared for equality: its form depends on the platform. */
export type ProcessIdentity = { pid: number; startTime: string };

const hasProc = process.platform === "linux";
const pollMs = 20;

/** Field 22 of /proc/<pid>/stat (clock ticks since boot). The second field is a name in brackets that may hold anything, brackets included. */
const startTimeFromProc = (pid: number): string | undefined => {
  const text = readOrUndefined(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ended = fields[0] === "Z" || fields[0] === "X";
  return ended ? undefined : fields[19];
};

const startTimeFromPs = (pid: number): string | undefined => {
  try {
    const line = execFileSync("ps", ["-o", "state=", "-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    return line === "" || line.startsWith("Z") ? undefined : line.slice(line.indexOf(" ")).trim();
  } catch {
    return undefined;
  }
};

const readOrUndefined = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

/** Undefined when there is no such process or only its zombie: whoever should collect it may never do so (a careless pid 1). */
export const identifyProcess = (pid: number): ProcessIdentity | undefined => {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const startTime = hasProc ? startTimeFromProc(pid) : startTimeFromPs(pid);
  return startTime === undefined ? undefined : { pid, startTime };
};

export const isAlive = (identity: ProcessIdentity): boolean => identifyProcess(identity.pid)?.startTime === identity.startTime;

/** False when that process is gone (or is not ours to signal); another one that has its number now is never hit. */
export const signalProcess = (identity: ProcessIdentity, signal: NodeJS.Signals): boolean =>
  isAlive(identity) && kill(identity.pid, signal);

/** The same for the process group that it leads. */
export const signalGroup = (identity: ProcessIdentity, signal: NodeJS.Signals): boolean => isAlive(identity) && kill(-identity.pid, signal);

const kill = (pid: number, signal: NodeJS.Signals): boolean => {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
};

/**
 * Waits for the end of a process that need not be our child, so nothing can wake us: it is looked at every 20 ms. Resolves false
 * when it still lives after `boundMs`. Keeps our own process alive meanwhile.
 */
export const waitForEnd = (identity: ProcessIdentity, clock: Clock, boundMs: number): Promise<boolean> => {
  const { port1, port2 } = new MessageChannel();
  port1.on("message", () => {}); // An open port keeps the process alive; the clock's timers do not.
  const deadline = clock.elapsed() + boundMs;
  return new Promise((resolve) => {
    const look = (): void => {
      const alive = isAlive(identity);
      if (alive && clock.elapsed() < deadline) return void clock.after(pollMs, look);
      port1.close();
      port2.close();
      resolve(!alive);
    };
    look();
  });
};

/** Asks it to end (SIGTERM), and after `graceMs` ends it. Resolves when it is gone: true when asking was enough. */
export const endProcess = async (identity: ProcessIdentity, clock: Clock, graceMs: number): Promise<boolean> => {
  if (!signalProcess(identity, "SIGTERM") || (await waitForEnd(identity, clock, graceMs))) return true;
  signalProcess(identity, "SIGKILL");
  await waitForEnd(identity, clock, graceMs);
  return false;
};

/** What a pid file says, or undefined when it is missing or is not one. */
export const readPidFile = (path: string): (ProcessIdentity & Record<string, unknown>) | undefined => {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    const { pid, startTime } = value as Partial<ProcessIdentity>;
    if (!Number.isSafeInteger(pid) || pid! <= 0 || typeof startTime !== "string") return undefined;
    return value as ProcessIdentity & Record<string, unknown>;
  } catch {
    return undefined;
  }
};

/** The directory may be one that others write in too: what lies under the draft's name, a link perhaps, is removed and not written through. */
const writeDraft = (path: string, text: string): string => {
  const draft = `${path}.${process.pid}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
  return draft;
};

/** Replaces the file as a whole (mode 0600): a reader sees the old or the new content, never half of it. */
export const writeFileAtomically = (path: string, text: string): void => {
  renameSync(writeDraft(path, text), path);
};

/** Creates the file as a whole (mode 0600); false when it exists. Of several who try at once one succeeds. */
export const createFileAtomically = (path: string, text: string): boolean => {
  const draft = writeDraft(path, text);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
};

export const writePidFile = (path: string, identity: ProcessIdentity): void => writeFileAtomically(path, `${JSON.stringify(identity)}\n`);

/** What can be seen of a process of this user: its initial environment (`NAME=VALUE`), its arguments and where it is. */
export type ProcessView = { environment: string[]; arguments: string[]; directory: string | undefined };

const viewOf = (pid: string): ProcessView | undefined => {
  const list = (name: string): string[] | undefined =>
    readOrUndefined(`/proc/${pid}/${name}`)
      ?.split("\0")
      .filter((entry) => entry !== "");
  const [environment, words] = [list("environ"), list("cmdline")];
  return environment && words && { environment, arguments: words, directory: currentDirectoryOf(pid) };
};

const currentDirectoryOf = (pid: string): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
};

/** Live processes of this user, this one excepted, that `isWanted`. Linux only; elsewhere none is found. */
export const findProcesses = (isWanted: (view: ProcessView) => boolean): ProcessIdentity[] => {
  if (!hasProc) return [];
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
    const view = viewOf(pid);
    const identity = view && isWanted(view) ? identifyProcess(Number(pid)) : undefined;
    return identity === undefined ? [] : [identity];
  });
};
