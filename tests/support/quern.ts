// Starts the real `quern start` for a test, as a process of its own on a free port and a temporary location, and gives it back when
// it is ready. Everything that a test started is stopped by `stop()`, which node:test calls after the test that asked for it.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, watch } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { TestContext } from "node:test";
import { BatchServiceClient, BatchSharedKeyCredentials } from "@azure/batch";
import { type Answer, type RawRequest, signedRequest } from "./signed.ts";

export const repository = resolve(import.meta.dirname, "../..");

export type Ready = {
  batchUrl: string;
  batchUrlHttps: string;
  account: string;
  key: string;
  location: string;
  caFile: string;
  storage: { connectionString: string; blobEndpoint: string } | null;
  metricsUrl: string;
  armUrl: string;
  authorityUrl: string;
  subscriptionId: string;
  resourceGroup: string;
  tenantId: string;
  clientId: string;
  clientSecret: string;
  pid: number;
  [other: string]: unknown;
};

export type Quern = {
  ready: Ready;
  location: string;
  /** The unmodified client of npm, 2022-10-01.16.0. */
  client(): BatchServiceClient;
  /** One signed request, exactly as given. */
  raw(request: RawRequest): Promise<Answer>;
  /** SIGTERM, and wait until it has ended. */
  stop(): Promise<number | null>;
  /** SIGKILL of the control plane alone. */
  kill(): Promise<void>;
  /** What it wrote to its standard error so far. */
  errors(): string;
};

export type StartRequest = { args?: string[]; location?: string; env?: Record<string, string> };

/** What runs on each location: it is removed only after that has ended, in whatever order a test asked for either. */
const running = new Map<string, Set<() => Promise<unknown>>>();

const removeLocation = async (location: string): Promise<void> => {
  await Promise.all([...(running.get(location) ?? [])].map((stop) => stop()));
  running.delete(location);
  await rm(location, { recursive: true, force: true });
};

/** A directory for several servers one after the other; removed after the test. */
export const newLocation = async (t: TestContext): Promise<string> => {
  const location = await mkdtemp(join(tmpdir(), "quern-test-"));
  t.after(() => removeLocation(location));
  return location;
};

export const startQuern = async (t: TestContext | undefined, request: StartRequest = {}): Promise<Quern> => {
  const location = request.location ?? (await mkdtemp(join(tmpdir(), "quern-test-")));
  const readyFile = join(location, "..", `${location.split("/").at(-1)}.ready.json`);
  await rm(readyFile, { force: true });
  const args = ["start", "--location", location, "--port", "0", "--silent", "--ready-file", readyFile, ...(request.args ?? [])];
  const child = spawn(process.execPath, [join(repository, "bin/quern.js"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...request.env },
  });
  let stderr = "";
  child.stderr!.on("data", (chunk) => (stderr += chunk));
  child.stdout!.resume();
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  const stop = async (): Promise<number | null> => {
    if (isRunning(child)) child.kill("SIGTERM");
    return ended;
  };
  running.set(location, (running.get(location) ?? new Set()).add(stop));
  t?.after(async () => {
    await stop();
    await rm(readyFile, { force: true });
    if (request.location === undefined) await removeLocation(location);
  });
  await appears(readyFile, child, () => stderr);
  const ready: Ready = JSON.parse(await readFile(readyFile, "utf8"));
  return {
    ready,
    location,
    client: () => new BatchServiceClient(new BatchSharedKeyCredentials(ready.account, ready.key), ready.batchUrl),
    raw: (raw) => signedRequest(ready, raw),
    stop,
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
    errors: () => stderr,
  };
};

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

/** Resolves when the file is there (it appears by rename, complete), rejects when the process ends before. */
const appears = async (file: string, child: ChildProcess, said: () => string): Promise<void> => {
  const watcher = watch(dirname(file));
  try {
    await new Promise<void>((done, fail) => {
      const look = (): void => void (existsSync(file) && done());
      watcher.on("change", look);
      child.once("exit", (code, signal) => fail(new Error(`quern start ended with ${code ?? signal}:\n${said()}`)));
      look();
    });
  } finally {
    watcher.close();
  }
};

/** Runs `quern start` with arguments that must make it fail, and gives back how it ended. */
export const startRefused = async (args: string[]): Promise<{ code: number | null; stderr: string }> => {
  const child = spawn(process.execPath, [join(repository, "bin/quern.js"), "start", ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr!.on("data", (chunk) => (stderr += chunk));
  const code = await new Promise<number | null>((done) => child.once("close", done));
  return { code, stderr };
};

/**
 * Asks again until `done` says so: for what only polling clients can see. Bounded by the test's own time limit; each question waits
 * for its answer, and between two questions the event loop turns once, so nothing sleeps.
 */
export const until = async <T>(ask: () => Promise<T>, done: (value: T) => boolean): Promise<T> => {
  for (;;) {
    const value = await ask();
    if (done(value)) return value;
    await new Promise((turn) => setImmediate(turn));
  }
};
