// The orders that the portable launcher has on disk: one file per order, named by a number, gone when acknowledged. This keeps them in
// memory too, and applies what the shells' journals say. Which shell lives, and what is sent to it, is portable.ts.
import { closeSync, openSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExitRecord, LauncherState, LaunchOrder, ProcessUsage, RunningTask } from "./launcher.ts";
import type { JournalEvent } from "./portable-journal.ts";
import { orderEnd } from "./portable-worker.ts";

export interface Known {
  seq: number;
  id: string;
  slots: number;
  hold: boolean;
  state: "queued" | "running" | "exited" | "gone";
  /** The shell that runs it. */
  slot: number | undefined;
  pid: number;
  uptimeMs: number;
  error: ExitRecord["error"];
  record: ExitRecord | undefined;
  /** A signal for an order that a shell has taken but not started yet. */
  killWith: number | undefined;
  released: boolean;
  acknowledged: boolean;
}

const unknownUsage: ProcessUsage = {
  userMs: null,
  systemMs: null,
  maxRssKiB: null,
  readBlocks: null,
  writeBlocks: null,
  voluntarySwitches: null,
  involuntarySwitches: null,
};

export const taskOf = (known: Known, bootMs: number): RunningTask => ({ id: known.id, pid: known.pid, startedAt: bootMs + known.uptimeMs });

const newKnown = (seq: number, id: string, slots: number, hold: boolean): Known => ({
  seq,
  id,
  slots,
  hold,
  state: "queued",
  slot: undefined,
  pid: 0,
  uptimeMs: 0,
  error: undefined,
  record: undefined,
  killWith: undefined,
  released: false,
  acknowledged: false,
});

/** rmSync with `force` costs four times as much, and this is done for every task. */
const remove = (file: string): void => {
  try {
    unlinkSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
};

/** Shells say 128 + n for a signal; a task that exits with such a code looks the same. */
const firstSignalStatus = 129;
const lastSignalStatus = 128 + 64;

const exitOf = (known: Known, event: Extract<JournalEvent, { kind: "exited" }>, bootMs: number): ExitRecord => {
  const signalled = event.status >= firstSignalStatus && event.status <= lastSignalStatus;
  const failed = known.error !== undefined;
  return {
    id: known.id,
    pid: known.pid,
    startedAt: known.state === "running" ? bootMs + known.uptimeMs : 0,
    endedAt: bootMs + event.uptimeMs,
    exitCode: failed || signalled ? null : event.status,
    signal: !failed && signalled ? event.status - 128 : null,
    ...(known.error === undefined ? {} : { error: known.error }),
    usage: { ...unknownUsage, userMs: event.userMs, systemMs: event.systemMs },
  };
};

export const orderBook = (directory: string) => {
  const bySeq = new Map<number, Known>();
  const byId = new Map<string, Known>();
  let nextSeq = 1;
  const orderFile = (known: Known, suffix = ""): string => join(directory, "orders", `${known.seq}${suffix}`);
  const claimFile = (known: Known): string => join(directory, "claims", String(known.seq));
  const agentJournal = join(directory, "journal", "agent");

  const remember = (known: Known): Known => {
    bySeq.set(known.seq, known);
    byId.set(known.id, known);
    nextSeq = Math.max(nextSeq, known.seq + 1);
    return known;
  };
  const forget = (known: Known): void => {
    bySeq.delete(known.seq);
    byId.delete(known.id);
    // The order first: without it a shell passes over the claim.
    const files = [orderFile(known), claimFile(known)];
    if (known.hold) files.push(orderFile(known, ".released"), orderFile(known, ".acknowledged"));
    for (const file of files) remove(file);
  };
  const note = (line: string): void => writeFileSync(agentJournal, `${line}\n`, { flag: "a" });
  const dropped = (known: Known, signal: number, endedAt: number): void => {
    known.state = "exited";
    known.released = true;
    known.record = { id: known.id, pid: 0, startedAt: 0, endedAt, exitCode: null, signal, usage: unknownUsage };
  };

  return {
    bySeq,
    byId,
    forget,
    /** Reads the order files; what became of them is still to be applied. */
    load: (): void => {
      bySeq.clear();
      byId.clear();
      const names = readdirSync(join(directory, "orders"));
      for (const name of names.filter((each) => /^\d+$/.test(each)).sort((a, b) => Number(a) - Number(b))) {
        const text = readFileSync(join(directory, "orders", name), "utf8");
        const head = text.endsWith(orderEnd) ? /^# (\d+) ([01]) ([^\n]*)/.exec(text) : null;
        // An agent died while it wrote this one: nobody was told of it.
        if (head === null) rmSync(join(directory, "orders", name));
        else remember(newKnown(Number(name), head[3]!, Number(head[1]), head[2] === "1"));
      }
      for (const known of bySeq.values()) {
        known.released = !known.hold || names.includes(`${known.seq}.released`);
        known.acknowledged = names.includes(`${known.seq}.acknowledged`);
      }
    },
    /** After the shells' journals: what the agents themselves decided. */
    loadDecisions: (): void => {
      if (bySeq.size === 0) rmSync(agentJournal, { force: true });
      const text = bySeq.size === 0 ? "" : readFileSync(agentJournal, { encoding: "utf8", flag: "a+" });
      for (const line of text.split("\n")) {
        const [kind, seq, ...words] = line.split(" ");
        const known = bySeq.get(Number(seq));
        if (known !== undefined && kind === "G") known.state = "gone";
        if (known !== undefined && kind === "D") dropped(known, Number(words[0]), Number(words[1]));
      }
    },
    /** Writes the order's file, or says that the id is known. */
    add: (order: LaunchOrder, script: string): Known | undefined => {
      if (byId.has(order.id)) return undefined;
      const known = remember(newKnown(nextSeq, order.id, order.slots, order.hold));
      known.released = !order.hold;
      writeFileSync(orderFile(known), script, { mode: 0o600 });
      return known;
    },
    /** Takes a queued order before a shell does: whoever creates the claim file has it. */
    claim: (known: Known): boolean => {
      if (known.state !== "queued") return false;
      try {
        closeSync(openSync(claimFile(known), "wx", 0o600));
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        return false;
      }
    },
    drop: (known: Known, signal: number, at: number): void => {
      dropped(known, signal, at);
      note(`D ${known.seq} ${signal} ${at}`);
    },
    lose: (known: Known): void => {
      known.state = "gone";
      note(`G ${known.seq}`);
    },
    markReleased: (known: Known): void => {
      known.released = true;
      writeFileSync(orderFile(known, ".released"), "");
    },
    /** true: forgotten. A held one stays until its slot is released. */
    acknowledge: (known: Known): boolean => {
      if (known.state !== "exited" && known.state !== "gone") return false;
      known.acknowledged = true;
      if (known.state === "exited" && !known.released) {
        writeFileSync(orderFile(known, ".acknowledged"), "");
        return false;
      }
      forget(known);
      return true;
    },
    /** The order that an event is about, brought up to date; undefined when it is not known (any more), or nothing is to be told. */
    apply: (slot: number, event: JournalEvent, bootMs: number): Known | undefined => {
      if (event.kind === "worker" || event.kind === "left") return undefined;
      nextSeq = Math.max(nextSeq, event.seq + 1);
      const known = bySeq.get(event.seq);
      if (known === undefined || known.state === "gone" || known.state === "exited") return undefined;
      known.slot = slot;
      if (event.kind === "failed") {
        known.error = { errno: event.errno, stage: event.stage };
        return undefined;
      }
      if (event.kind === "started") {
        known.state = "running";
        known.pid = event.pid;
        known.uptimeMs = event.uptimeMs;
        return known;
      }
      known.record = exitOf(known, event, bootMs);
      known.state = "exited";
      return known;
    },
    state: (bootMs: number, launcherPids: number[]): LauncherState => {
      const all = [...bySeq.values()].filter((known) => !known.acknowledged);
      const tasks = (state: Known["state"]): RunningTask[] =>
        all.filter((known) => known.state === state).map((known) => taskOf(known, bootMs));
      return {
        running: tasks("running"),
        queued: all.filter((known) => known.state === "queued").map((known) => known.id),
        exited: all.filter((known) => known.state === "exited").map((known) => known.record!),
        gone: tasks("gone"),
        launcherPids,
      };
    },
  };
};

export type OrderBook = ReturnType<typeof orderBook>;
