// Azurite, the blob storage of the embedded default, as a child process: started, watched, restarted with the same data, stopped. It ends by
// itself when the control plane is gone; one that did not yet is ended before another starts, because two must not share their files. Its port is for pass-through.ts alone.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { endProcess, identifyProcess, isAlive, type ProcessIdentity, readPidFile, writePidFile } from "../lib/processes.ts";

export type AzuriteOptions = {
  /** Its own: data and pid file. Created with mode 0700. */
  directory: string;
  inMemory: boolean;
  clock: Clock;
  log: Log;
  /** All that it inherits (lib/child-environment.ts). */
  environment: Record<string, string>;
  /** The accounts it serves, as its variable AZURITE_ACCOUNTS has them: asked for at each start and at each `refreshAccounts`. */
  accounts(): string;
};

export interface Azurite {
  /** When it first listens; rejects when it cannot start. */
  readonly ready: Promise<void>;
  /** Where it listens on 127.0.0.1; while it is being restarted, when it listens again. */
  port(): Promise<number>;
  pid(): number | undefined;
  /** Resolves when it goes by the accounts there are now; rejects when it is being stopped. */
  refreshAccounts(): Promise<void>;
  /** Resolves when it is gone, with everything written. */
  close(): Promise<void>;
}

/** It needs some 25 ms; a busy machine, more. Killed before it has written its index it loses up to 5 s of changes. */
const stopWithinMs = 15_000;
const firstRetryMs = 100;
const longestRetryMs = 10_000;
const keptErrorText = 2_000;

const azuriteMain = createRequire(import.meta.url).resolve("azurite/dist/src/blob/main.js");

/** What Azurite says for each list of accounts that it took, on a line of its own. */
const accountsTaken = "quern: accounts taken";

/**
 * Runs inside Azurite before it does. Its telemetry library is left out: telemetry is off, and loading it takes half of the start-up
 * time and 65 MB (measured: 770 ms and 173 MB with, 350 ms and 106 MB without). And Express believes the forwarded scheme of a request
 * that comes from this machine, that is from pass-through.ts: a signature made for https only is then accepted over https.
 *
 * Each line of its standard input is a list of accounts, the first one that which it starts with. Azurite reads them from a variable, once a
 * minute; here it reads them at once, and says so. Written there by itself, they are in no environment that others can look at.
 */
const preload = `
  import { createRequire, registerHooks } from "node:module";
  import { createInterface } from "node:readline";
  process.title = "quern azurite";
  // The other end is the control plane's. When it is gone, killed or crashed, this ends too, and writes what it has.
  process.stdin.on("end", () => process.kill(process.pid, "SIGTERM")).on("error", () => process.kill(process.pid, "SIGTERM"));
  registerHooks({
    load: (url, context, next) =>
      url.includes("/node_modules/applicationinsights/") ? { format: "commonjs", source: "module.exports = {};", shortCircuit: true } : next(url, context),
  });
  const require = createRequire(${JSON.stringify(azuriteMain)});
  const { application } = require("express");
  const { defaultConfiguration } = application;
  application.defaultConfiguration = function () {
    defaultConfiguration.call(this);
    this.set("trust proxy", "loopback");
  };
  const { default: AccountDataStore } = require("../common/AccountDataStore.js");
  const stores = new Set();
  const { init } = AccountDataStore.prototype;
  AccountDataStore.prototype.init = function () {
    stores.add(this);
    return init.call(this);
  };
  const first = Promise.withResolvers();
  const { env } = process;
  createInterface({ input: process.stdin }).on("line", (line) => {
    env.AZURITE_ACCOUNTS = line;
    for (const store of stores) store.refresh();
    process.stdout.write("${accountsTaken}\\n");
    first.resolve();
  });
  await first.promise;
  // Listening must not keep Azurite from ending by itself once it is told to.
  process.stdin.unref();`;

/** `--loose`: headers that Azurite does not know are ignored, as a newer client may send some, instead of failing its request. */
const argumentsOf = ({ directory, inMemory }: AzuriteOptions): string[] => {
  const place = inMemory ? ["--inMemoryPersistence"] : ["--location", join(directory, "data")];
  const manner = ["--silent", "--loose", "--skipApiVersionCheck", "--disableTelemetry"];
  return [
    "--import",
    `data:text/javascript,${encodeURIComponent(preload)}`,
    azuriteMain,
    "--blobHost",
    "127.0.0.1",
    "--blobPort",
    "0",
    ...place,
    ...manner,
  ];
};

/** A session of its own: the operator's Ctrl-C is for the control plane, which stops Azurite when it no longer needs it. */
const spawnAzurite = (options: AzuriteOptions): ChildProcess =>
  spawn(process.execPath, argumentsOf(options), {
    cwd: options.directory,
    env: options.environment,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });

/** Tells it the accounts; resolves when it took them, or with false when it ended without. */
const teller = (child: ChildProcess): ((accounts: string) => Promise<boolean>) => {
  const waiting: ((taken: boolean) => void)[] = [];
  let hasEnded = false;
  const give = (taken: boolean): void => waiting.shift()?.(taken);
  createInterface({ input: child.stdout! }).on("line", (line) => line === accountsTaken && give(true));
  child.stdin!.on("error", () => {}); // It ended; the event below says so.
  child.once("exit", () => {
    hasEnded = true;
    while (waiting.length > 0) give(false);
  });
  return (accounts) =>
    new Promise((resolve) => {
      if (hasEnded) return resolve(false);
      waiting.push(resolve);
      child.stdin!.write(`${accounts}\n`);
    });
};

/** Resolves with the port that it announces; rejects when it ends before. */
const listening = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    let errorText = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      errorText = (errorText + text).slice(-keptErrorText);
    });
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const port = /successfully listens on http:\/\/[^ ]*:(\d+)\s*$/.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    child.once("error", (error) => reject(new Error("the blob storage (Azurite) could not be started", { cause: error })));
    child.once("close", (code, signal) => {
      reject(new Error(`the blob storage (Azurite) ended while starting (${signal ?? `exit code ${code}`}): ${errorText.trim()}`));
    });
  });

/** From here on it must not keep the control plane from ending. */
const letGo = (child: ChildProcess): void => {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Socket | null)?.unref();
};

type Running = { port: number; tell(accounts: string): Promise<boolean> };

export const startAzurite = (options: AzuriteOptions): Azurite => {
  const { clock, log } = options;
  const pidFile = join(options.directory, "azurite.pid");
  const closing = Promise.withResolvers<undefined>();
  let isClosing = false;
  let identity: ProcessIdentity | undefined;

  const end = async (whom: ProcessIdentity): Promise<void> => {
    if (await endProcess(whom, clock, stopWithinMs)) return;
    log.error({ pid: whom.pid }, "the blob storage did not end when asked and was killed; its last changes may be lost");
  };

  const endStale = async (): Promise<void> => {
    const stale = readPidFile(pidFile);
    if (stale === undefined || !isAlive(stale)) return;
    log.warn({ pid: stale.pid }, "ending the blob storage that an earlier server left");
    await end(stale);
  };

  const start = async (): Promise<Running> => {
    if (isClosing) throw new Error("the blob storage is being stopped");
    const begunAt = clock.elapsed();
    const child = spawnAzurite(options);
    const tell = teller(child);
    void tell(options.accounts());
    identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (identity !== undefined) writePidFile(pidFile, identity);
    const port = await listening(child);
    log.info({ pid: child.pid, port, tookMs: Math.round(clock.elapsed() - begunAt) }, "blob storage listens");
    letGo(child);
    child.once("exit", (code, signal) => {
      if (isClosing) return;
      log.error({ pid: child.pid, code, signal, dataKept: !options.inMemory }, "the blob storage ended by itself and is started again");
      current = restart();
      current.catch(() => {});
    });
    return { port, tell };
  };

  const restart = async (): Promise<Running> => {
    for (let pauseMs = firstRetryMs; ; pauseMs = Math.min(pauseMs * 2, longestRetryMs)) {
      try {
        return await start();
      } catch (error) {
        if (isClosing) throw error;
        log.error({ err: error }, "the blob storage does not start; trying again");
        await Promise.race([new Promise<void>((resolve) => clock.after(pauseMs, resolve)), closing.promise]);
      }
    }
  };

  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  let current: Promise<Running> = endStale().then(start);
  const ready = current.then(() => {});
  ready.catch(() => {});

  return {
    ready,
    port: async () => (await current).port,
    refreshAccounts: async () => {
      // One that ended meanwhile is followed by another, which may have been started before the accounts changed.
      while (!(await (await current).tell(options.accounts()))) if (isClosing) throw new Error("the blob storage is being stopped");
    },
    pid: () => identity?.pid,
    close: async () => {
      isClosing = true;
      closing.resolve(undefined);
      if (identity !== undefined) await end(identity);
      await current.catch(() => {});
      rmSync(pidFile, { force: true });
    },
  };
};
