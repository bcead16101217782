// Reads what the shells of the portable launcher write down. One file series per slot, one line per event; no decisions here.
//   W pid | S seq pid uptime | F seq errno stage | X seq status uptime, then `times` (two lines) | N (goes on in the next file) | Q (left in order)
import { closeSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LaunchStage } from "./launcher.ts";

export type JournalEvent =
  | { kind: "worker"; pid: number }
  | { kind: "started"; seq: number; pid: number; uptimeMs: number }
  | { kind: "failed"; seq: number; errno: number; stage: LaunchStage }
  /** Times are null when the shell died before it wrote them. */
  | { kind: "exited"; seq: number; status: number; uptimeMs: number; userMs: number | null; systemMs: number | null }
  | { kind: "left" };

/** `1m2.345678s` in milliseconds. */
const timeMs = (text: string): number => {
  const [minutes, seconds] = text.split("m") as [string, string];
  return Math.round(Number(minutes) * 60_000 + Number.parseFloat(seconds) * 1000);
};

export interface JournalReader {
  /** All events since the last call. Each names the file (number in the series) that it stood in. */
  read(): Array<{ file: number; event: JournalEvent }>;
  /** An exit whose times the shell did not live to write. */
  unfinished(): JournalEvent | undefined;
  close(): void;
  /** The file that is being written now; all before it are complete. */
  file(): number;
}

/** Reads the series `<directory>/<slot>.<n>` from file `first` on. */
export const journalReader = (directory: string, slot: number, first: number): JournalReader => {
  let file = first;
  let fd = -1;
  let rest = "";
  let ended: Extract<JournalEvent, { kind: "exited" }> | undefined;
  let children: [number, number] | undefined;
  let ownTimesRead = false;

  const take = (line: string): JournalEvent | undefined => {
    const [kind, ...words] = line.split(" ");
    if (kind === "W") return { kind: "worker", pid: Number(words[0]) };
    if (kind === "S")
      return { kind: "started", seq: Number(words[0]), pid: Number(words[1]), uptimeMs: Math.round(Number(words[2]) * 1000) };
    if (kind === "F") return { kind: "failed", seq: Number(words[0]), errno: Number(words[1]), stage: words[2] as LaunchStage };
    if (kind === "Q") return { kind: "left" };
    if (kind === "X") {
      ended = {
        kind: "exited",
        seq: Number(words[0]),
        status: Number(words[1]),
        uptimeMs: Math.round(Number(words[2]) * 1000),
        userMs: null,
        systemMs: null,
      };
      return undefined;
    }
    if (!/^\d+m/.test(line)) return undefined;
    ownTimesRead = !ownTimesRead;
    if (ownTimesRead) return undefined;
    const before = children;
    children = [timeMs(kind!), timeMs(words[0]!)];
    const event = ended;
    ended = undefined;
    return event === undefined || before === undefined
      ? event
      : { ...event, userMs: children[0] - before[0], systemMs: children[1] - before[1] };
  };

  const buffer = Buffer.alloc(16 * 1024);
  const openFile = (): boolean => {
    if (fd >= 0) return true;
    try {
      fd = openSync(join(directory, `${slot}.${file}`), "r");
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  };
  const closeFile = (): void => {
    if (fd >= 0) closeSync(fd);
    fd = -1;
  };
  /** What came since the last call, "" at the end. */
  const readOn = (): string => (openFile() ? buffer.toString("latin1", 0, readSync(fd, buffer)) : "");

  return {
    file: () => file,
    unfinished: () => ended,
    close: closeFile,
    read: () => {
      const events: Array<{ file: number; event: JournalEvent }> = [];
      for (let text = readOn(); text !== ""; text = readOn()) {
        const lines = (rest + text).split("\n");
        rest = lines.pop()!;
        for (const line of lines) {
          const event = take(line);
          if (event !== undefined) events.push({ file, event });
        }
        if (lines.at(-1) !== "N") continue;
        closeFile();
        file += 1;
      }
      return events;
    },
  };
};

/** Remembers which orders the journal files speak of, so that a file goes when none of them matters any more. */
export const journalUses = (directory: string) => {
  /** Order numbers by `<slot>.<file>`. */
  const uses = new Map<string, Set<number>>();
  return {
    clear: (): void => uses.clear(),
    add: (slot: number, file: number, seq?: number): void => {
      const key = `${slot}.${file}`;
      const use = uses.get(key) ?? new Set();
      uses.set(key, use);
      if (seq !== undefined) use.add(seq);
    },
    forget: (seq: number): void => {
      for (const use of uses.values()) use.delete(seq);
    },
    /** `current` is the file that a shell writes, undefined for a shell that is no more. */
    sweep: (current: (slot: number) => number | undefined): void => {
      for (const [key, use] of uses) {
        const [slot, file] = key.split(".").map(Number) as [number, number];
        if (use.size > 0 || (current(slot) ?? Number.POSITIVE_INFINITY) <= file) continue;
        uses.delete(key);
        rmSync(join(directory, key), { force: true });
      }
    },
  };
};
