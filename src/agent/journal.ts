// The agent's own durable record of a node: what it is, and which attempts were accepted and are not yet acknowledged. It survives kill -9 of
// the agent (the page cache keeps it), not the loss of the machine, after which the tasks are gone anyway. Lies outside the node's root.
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { attemptKey, type NodeError, type NodeOrder, type StartTaskReport, type TaskOrder } from "../api/agent/messages.ts";

export type NodeState = "starting" | "waitingforstarttask" | "idle" | "starttaskfailed" | "unusable";

export type NodeRecord = {
  order: NodeOrder;
  state: NodeState;
  bootedAt?: number;
  startTask?: StartTaskReport;
  /** Why it is unusable. */
  errors?: NodeError[];
  /** Of the launcher that served this boot: a different one now means that the machine (or somebody) ended it. */
  launcherPids: number[];
};

const write = (fd: number, text: string): void => {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
};

const readLines = (path: string): string[] => {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
};

const replaceFile = (path: string, text: string): void => {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
};

export const saveNodeRecord = (state: string, record: NodeRecord): void => replaceFile(join(state, "node.json"), JSON.stringify(record));

/** Undefined when there is none or it cannot be read: the node was never completely accepted. */
export const readNodeRecord = (state: string): NodeRecord | undefined => {
  try {
    return JSON.parse(readFileSync(join(state, "node.json"), "utf8")) as NodeRecord;
  } catch {
    return undefined;
  }
};

/** How an attempt was being ended when it was last heard of. */
export type RecordedEnding = "asked" | "lost" | "forget";
export type Accepted = { order: TaskOrder; startedAt?: number; ending?: RecordedEnding };

export interface AttemptJournal {
  /** As found when it was opened, in the order in which they were accepted. */
  readonly found: Accepted[];
  /** Written when this returns. */
  add(orders: TaskOrder[]): void;
  /** The attempt counts as running from then on, although no launcher knows it yet: its files are being staged. */
  begin(key: string, startedAt: number): void;
  /** The attempt is about to be killed: whoever finds its exit record must not take that for its own end. */
  end(key: string, ending: RecordedEnding): void;
  remove(keys: string[]): void;
  close(): void;
}

/** An order that was accepted, the key of one that is over, or the key of one that began (with the time) or is being ended (with the reason). */
type Line = TaskOrder | string | [string, number | RecordedEnding];

const take = (live: Map<string, Accepted>, line: Line): void => {
  if (typeof line === "string") live.delete(line);
  else if (!Array.isArray(line)) live.set(attemptKey(line.ref), { order: line });
  else {
    const known = live.get(line[0]);
    if (known === undefined) return;
    if (typeof line[1] === "number") known.startedAt = line[1];
    else known.ending = line[1];
  }
};

const linesOf = ({ order, startedAt, ending }: Accepted): string => {
  const marks = [startedAt, ending].filter((mark) => mark !== undefined).map((mark) => [attemptKey(order.ref), mark]);
  return [order, ...marks].map((line) => `${JSON.stringify(line)}\n`).join("");
};

/** The file is emptied when nothing is left and it is longer than this. */
const longestEmpty = 1 << 20;

export const openAttemptJournal = (state: string): AttemptJournal => {
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const path = join(state, "attempts.jsonl");
  const live = new Map<string, Accepted>();
  for (const line of readLines(path)) {
    try {
      take(live, JSON.parse(line) as Line);
    } catch {
      // the empty last line, or one that was cut by a full disk: its orders were never begun
    }
  }
  replaceFile(path, [...live.values()].map(linesOf).join(""));
  const fd = openSync(path, "a", 0o600);
  let count = live.size;
  let written = 0;
  const append = (text: string): void => {
    write(fd, text);
    written += text.length;
  };
  /** Best effort: a mark that is missing (a full disk) matters only if the agent dies as well, and then costs a wrong time or reason. */
  const mark = (key: string, value: number | RecordedEnding): void => {
    try {
      append(`${JSON.stringify([key, value])}\n`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  };
  return {
    found: [...live.values()],
    add: (orders) => {
      count += orders.length;
      append(orders.map((order) => `${JSON.stringify(order)}\n`).join(""));
    },
    begin: mark,
    end: mark,
    remove: (keys) => {
      count -= keys.length;
      if (count > 0 || written < longestEmpty) return append(keys.map((key) => `"${key}"\n`).join(""));
      ftruncateSync(fd);
      written = 0;
    },
    close: () => closeSync(fd),
  };
};
