// The portable launcher: one long-lived /bin/sh per slot, for machines without a C compiler. Same interface and same contract suite as
// compiled.ts; slower, and with the limitations listed below. Everything it must not forget is in files that the shells write.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import type { Socket } from "node:net";
import { join, resolve } from "node:path";
import { assert } from "../../lib/bug.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ExitRecord, Launcher, LauncherOptions, RunningTask } from "./launcher.ts";
import { type JournalReader, journalReader, journalUses } from "./portable-journal.ts";
import { type Known, orderBook, taskOf } from "./portable-orders.ts";
import { errorCode, hangBell, holdPipe, makePipes, openAlive, queuePipe, tell, watchAlive } from "./portable-pipes.ts";
import { orderScript, workerScript } from "./portable-worker.ts";
import { endGroup, signalGroup } from "./process-groups.ts";
import { checkOrder } from "./protocol.ts";

export interface PortableLauncherOptions extends LauncherOptions {
  clock: Clock;
  /** Programs by path; the defaults are where Linux has them. */
  shell?: string;
  setsid?: string;
  env?: string;
}

const limitations = [
  "an exit code from 129 to 192 is reported as a signal: a shell cannot tell them apart",
  "a failed start is found by checks beforehand: the errno may differ, and a program that vanishes in between ends with code 126 or 127",
  "tasks go on when a shell of the launcher is killed, until the next connect ends them and reports them as gone",
  "tasks cannot run as another user",
  "usage is the processor time only",
  "a file above number 9 that whoever started the agent left open stays open in tasks",
  "times are in steps of 10 ms",
  "the shells do not notice that their directory was removed",
  "a task that leaves its process group (setsid, a daemon) is not reached by kill",
];

interface Shell {
  slot: number;
  pid: number;
  journal: JournalReader;
  /** Ends when the shell dies. */
  alive: Socket | undefined;
  left: boolean;
}

export const portableLauncher = (options: PortableLauncherOptions): Launcher => {
  const { clock, events, shell = "/bin/sh", setsid = "/usr/bin/setsid", env = "/usr/bin/env" } = options;
  const directory = resolve(options.directory);
  const at = (...names: string[]): string => join(directory, ...names);
  const book = orderBook(directory);
  const shells = new Map<number, Shell>();
  const uses = journalUses(at("journal"));
  const queue = queuePipe();
  let slots = options.slots;
  let lock = -1;
  let bell: Socket | undefined;
  let bootMs = 0;
  let nextSlot = 1;
  let retiring = 0;
  let emitting = false;
  let ending: "no" | "drain" | "kill" = "no";
  let watchers: Array<() => void> = [];

  const until = (condition: () => boolean): Promise<void> =>
    new Promise((settle) => {
      const look = (): void => {
        if (!condition()) return;
        watchers = watchers.filter((each) => each !== look);
        settle();
      };
      watchers.push(look);
      look();
    });

  // --- what the shells report ---------------------------------------------------------------------------------------------------
  const sweepJournals = (): void => uses.sweep((slot) => shells.get(slot)?.journal.file());
  const freeOf = (known: Known): void => {
    if (known.slot !== undefined) tell(at("slot", String(known.slot)), String(known.seq));
  };
  const readShell = (from: Shell, started: RunningTask[], exited: ExitRecord[]): void => {
    for (const { file, event } of from.journal.read()) {
      if (event.kind === "worker") from.pid = event.pid;
      if (event.kind === "left") from.left = true;
      uses.add(from.slot, file, "seq" in event && book.bySeq.has(event.seq) ? event.seq : undefined);
      const known = book.apply(from.slot, event, bootMs);
      if (known?.state === "exited") exited.push(known.record!);
      else if (known !== undefined) {
        started.push(taskOf(known, bootMs));
        if (ending === "kill") known.killWith = 9;
        if (known.killWith !== undefined) signalGroup(known.pid, known.killWith);
        if (known.hold && known.released) freeOf(known);
      }
    }
  };

  const heed = (lines: string[]): void => {
    const started: RunningTask[] = [];
    const exited: ExitRecord[] = [];
    for (const slot of new Set(lines)) {
      const from = shells.get(Number(slot));
      if (from !== undefined) readShell(from, started, exited);
    }
    for (const each of [...shells.values()].filter((one) => one.left)) {
      each.alive?.destroy();
      each.journal.close();
      shells.delete(each.slot);
      retiring = Math.max(0, retiring - 1);
    }
    queue.send();
    if (emitting && started.length > 0) events.started(started);
    if (emitting && exited.length > 0) events.exited(exited);
    for (const look of [...watchers]) look();
    if (lines.includes("bye")) disconnect("a newer agent took over");
  };

  const disconnect = (reason: string): void => {
    const tellAgent = emitting && ending === "no";
    close();
    if (tellAgent) events.disconnected(reason);
  };

  const watchShell = (one: Shell, fd: number): void => {
    one.alive = watchAlive(fd, () => {
      if (shells.get(one.slot) !== one) return;
      heed([String(one.slot)]);
      if (shells.get(one.slot) === one) disconnect("a shell of the launcher died");
    });
  };

  // --- what the shells are told ---------------------------------------------------------------------------------------------------
  const enqueue = (known: Known): void => {
    for (let part = 1; part < known.slots; part++) queue.push(`part ${known.seq}`);
    queue.push(`run ${known.seq} ${known.hold ? 1 : 0}`);
  };
  const ask = (line: string, times = 1): void => {
    for (let each = 0; each < times; each++) queue.push(line);
    queue.send();
  };

  const startShells = (count: number): Shell[] => {
    const fresh = Array.from({ length: count }, () => nextSlot++);
    if (count > 0) makePipes(fresh.flatMap((slot) => [at("slot", String(slot)), at("alive", String(slot))]));
    return fresh.map((slot) => {
      const one: Shell = { slot, pid: 0, journal: journalReader(at("journal"), slot, 0), alive: undefined, left: false };
      shells.set(slot, one);
      const child = spawn(shell, [at("worker"), String(slot), directory], { detached: true, stdio: "ignore", env: {} });
      child.on("error", (error) => disconnect(`cannot start ${shell}: ${error.message}`));
      child.unref();
      return one;
    });
  };
  const reportedFor = (fresh: Shell[]): Promise<void> =>
    until(() => fresh.every((one) => one.pid > 0 || !shells.has(one.slot))).then(() => {
      for (const one of fresh.filter((each) => shells.has(each.slot))) {
        const fd = openAlive(at("alive", String(one.slot)));
        if (fd === undefined) disconnect("a shell of the launcher died");
        else watchShell(one, fd);
      }
    });

  const retire = (count: number): void => {
    mkdirSync(at("retire"), { recursive: true });
    for (let each = 0; each < count; each++) writeFileSync(at("retire", `${nextSlot++}`), "");
    retiring += count;
    ask("look");
  };
  /** Takes back retirements that no shell has followed yet. */
  const cancelRetirement = (most: number): void => {
    let names: string[] = [];
    try {
      names = readdirSync(at("retire")).slice(0, most);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
    for (const name of names) {
      try {
        rmSync(at("retire", name));
        retiring--;
      } catch (error) {
        if (errorCode(error) !== "ENOENT") throw error;
      }
    }
  };
  const fitSlots = (): Shell[] => {
    const have = shells.size - retiring;
    if (slots < have) retire(have - slots);
    if (slots > have) cancelRetirement(slots - have);
    return startShells(Math.max(0, slots - (shells.size - retiring)));
  };

  // --- connecting -----------------------------------------------------------------------------------------------------------------
  const makeDirectories = (): void => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if ((statSync(directory).mode & 0o077) !== 0) throw new Error(`${directory} must be ours alone (mode 0700)`);
    for (const name of ["orders", "claims", "journal", "slot", "alive"]) mkdirSync(at(name), { recursive: true });
  };

  const bootId = (): string => {
    try {
      return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    } catch {
      return "unknown";
    }
  };
  /** false: the machine has booted since, and no pid means what it did. */
  const readBoot = (): boolean => {
    const [id, since] = readFileSync(at("boot"), { encoding: "latin1", flag: "a+" }).split(" ");
    if (id === bootId() && since !== undefined) {
      bootMs = Number(since);
      return true;
    }
    bootMs = Math.round(clock.now() - Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]) * 1000);
    return false;
  };

  /** Reads all files. The shells that live, with the open end that proves it; and whether all do that should. */
  const loadAll = (): { alive: Array<[Shell, number]>; whole: boolean } => {
    book.load();
    shells.clear();
    uses.clear();
    const files = new Map<number, number[]>();
    for (const name of readdirSync(at("journal"))) {
      const [slot, file] = name.split(".").map(Number) as [number, number];
      if (Number.isInteger(slot)) files.set(slot, [...(files.get(slot) ?? []), file]);
    }
    const alive: Array<[Shell, number]> = [];
    const present = new Set(readdirSync(at("alive")).map(Number));
    let whole = true;
    for (const slot of new Set([...files.keys(), ...present])) {
      nextSlot = Math.max(nextSlot, slot + 1);
      const kept = (files.get(slot) ?? [0]).sort((a, b) => a - b);
      for (const file of kept) uses.add(slot, file);
      const one: Shell = { slot, pid: 0, journal: journalReader(at("journal"), slot, kept[0]!), alive: undefined, left: false };
      const fd = present.has(slot) ? openAlive(at("alive", String(slot))) : undefined;
      readShell(one, [], []);
      const last = one.journal.unfinished();
      if (fd === undefined && last !== undefined) book.apply(slot, last, bootMs);
      if (fd !== undefined) alive.push([one, fd]);
      else {
        one.journal.close();
        if (present.has(slot) && !one.left) whole = false;
      }
    }
    book.loadDecisions();
    return { alive, whole };
  };

  /** After a shell's death or a reboot: ends what is left, and makes the pipes anew. Without a first start there is nothing to end. */
  const startAfresh = async (alive: Array<[Shell, number]>, sameBoot: boolean): Promise<void> => {
    for (const [one, fd] of alive) {
      closeSync(fd);
      one.journal.close();
      if (one.pid > 1) signalGroup(one.pid, 9);
    }
    for (const known of [...book.bySeq.values()]) {
      if (known.state === "queued" || known.acknowledged) book.forget(known);
      else if (known.state === "running") {
        if (sameBoot) await endGroup(known.pid, known.uptimeMs, clock);
        book.lose(known);
      }
      known.released = true;
    }
    for (const name of ["queue", "lock", "retire", "slot", "alive"]) rmSync(at(name), { recursive: true, force: true });
    for (const name of readdirSync(at("orders")).filter((each) => each.endsWith(".parts"))) rmSync(at("orders", name), { force: true });
    for (const name of ["slot", "alive"]) mkdirSync(at(name));
    makePipes([at("queue"), at("lock")]);
    writeFileSync(at("boot"), `${bootId()} ${bootMs}`);
    writeFileSync(at("worker"), workerScript, { mode: 0o600 });
  };

  const connect = async (): ReturnType<Launcher["connect"]> => {
    close();
    ending = "no";
    makeDirectories();
    bell = hangBell(directory, (lines, from) => {
      if (bell === from) heed(lines);
    });
    const sameBoot = readBoot();
    const { alive, whole } = loadAll();
    const adopted = whole && alive.length > 0;
    if (!adopted) await startAfresh(alive, sameBoot);
    queue.open(at("queue"));
    lock = holdPipe(at("lock"));
    retiring = 0;
    if (adopted) {
      for (const [one, fd] of alive) {
        shells.set(one.slot, one);
        watchShell(one, fd);
      }
      heed(alive.map(([one]) => String(one.slot)));
      try {
        retiring = readdirSync(at("retire")).length;
      } catch {} // none is
      // The last agent may have died between an order's file and its queue line; a second line does no harm.
      for (const known of book.bySeq.values()) if (known.state === "queued") enqueue(known);
      queue.send();
    } else writeSync(lock, "\n");
    await reportedFor(fitSlots());
    sweepJournals();
    const state = book.state(
      bootMs,
      [...shells.values()].map((one) => one.pid),
    );
    emitting = true;
    return state;
  };

  const close = (): void => {
    emitting = false;
    bell?.destroy();
    bell = undefined;
    for (const one of [...shells.values()]) {
      shells.delete(one.slot);
      one.alive?.destroy();
      one.journal.close();
    }
    if (lock >= 0) closeSync(lock);
    lock = -1;
    queue.close();
    for (const look of [...watchers]) look();
  };

  const takeBack = (known: Known | undefined): boolean => {
    if (known === undefined || !book.claim(known)) return false;
    book.forget(known);
    return true;
  };
  const release = (known: Known): void => {
    if (known.released) return;
    book.markReleased(known);
    freeOf(known);
    if (known.acknowledged) {
      book.forget(known);
      uses.forget(known.seq);
    }
  };

  return {
    kind: "portable",
    limitations,
    connect,
    close,
    spawn: (orders) => {
      for (const order of orders) checkOrder(order);
      if (bell === undefined || ending !== "no") return;
      for (const order of orders) {
        const known = book.add(order, orderScript(order, setsid, env));
        if (known !== undefined) enqueue(known);
      }
      queue.send();
    },
    kill: (id, signal) => {
      assert(Number.isInteger(signal) && signal >= 1 && signal <= 64, `no such signal: ${signal}`);
      const known = book.byId.get(id);
      if (bell === undefined || known === undefined) return;
      if (known.state === "running") signalGroup(known.pid, signal);
      else if (book.claim(known)) {
        book.drop(known, signal, clock.now());
        setImmediate(() => emitting && known.record !== undefined && events.exited([known.record]));
      } else if (known.state === "queued") known.killWith = signal;
    },
    withdraw: (ids) => Promise.resolve(bell === undefined ? [] : ids.filter((id) => takeBack(book.byId.get(id)))),
    release: (id) => {
      const known = book.byId.get(id);
      if (bell !== undefined && known !== undefined) release(known);
    },
    acknowledge: (ids) => {
      if (bell === undefined) return;
      for (const id of ids) {
        const known = book.byId.get(id);
        if (known !== undefined && book.acknowledge(known)) uses.forget(known.seq);
      }
      sweepJournals();
    },
    setSlots: (count) => {
      assert(Number.isInteger(count) && count >= 0, `not a number of slots: ${count}`);
      slots = count;
      if (bell !== undefined) void reportedFor(fitSlots());
    },
    shutdown: async ({ killTasks }) => {
      if (bell === undefined) await connect();
      ending = killTasks ? "kill" : "drain";
      if (killTasks) {
        for (const known of [...book.bySeq.values()]) {
          if (takeBack(known)) continue;
          if (known.state === "running") signalGroup(known.pid, 9);
          release(known);
        }
        retire(shells.size);
      } else ask("end", shells.size);
      await until(() => shells.size === 0);
      close();
    },
  };
};
