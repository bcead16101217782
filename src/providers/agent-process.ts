// The one agent process beside the control plane: found again after a crash of the server, started, watched, started again, stopped.
// Only the process: what it does for nodes and tasks goes through the channel.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { identifyProcess, isAlive, type ProcessIdentity, readPidFile, signalProcess, waitForEnd, writePidFile } from "../lib/processes.ts";

export type AgentProcessOptions = {
  /** The agent's own; absolute. */
  directory: string;
  /** What it writes on its standard output and error; the previous one is kept as `.1` once this is large. */
  logFile: string;
  command: { file: string; args: readonly string[] };
  /** All that it inherits. */
  environment: Record<string, string>;
  isConnected(): boolean;
  clock: Clock;
  log: Log;
};

export interface AgentProcess {
  /** Adopts the one that survived, or starts one. */
  start(): void;
  identity(): ProcessIdentity | undefined;
  /** Why it does not run, after several attempts in vain. */
  failure(): string | undefined;
  /** Not watched any more; it goes on. */
  letGo(): void;
  /** `ask` asks it in the agent's own way; it has `withinMs` before it is killed. Resolves when it is gone. */
  stop(ask: () => void, withinMs: number): Promise<void>;
}

const firstPauseMs = 200;
const longestPauseMs = 10_000;
/** A run of this length was no failure to start. */
const goodRunMs = 30_000;
const failuresToReport = 4;
/** Nobody wakes us when a process dies that is not our child. */
const lookAtAdoptedMs = 1_000;
const lookAtOwnMs = 10_000;
/** Alive but without a connection for so long it hangs, or is of a version that the hub refuses. Its tasks survive in their launchers. */
const mayBeSilentMs = 30_000;
const longestLogBytes = 16 * 1024 * 1024;

/** The agent's own lock (agent/lock.ts) names it too: between its start and our pid file a crash of the server could come. */
const survivor = (directory: string, pidFile: string): ProcessIdentity | undefined =>
  [pidFile, join(directory, "agent.lock")].map(readPidFile).find((identity) => identity !== undefined && isAlive(identity));

const openLog = (path: string): number => {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > longestLogBytes) renameSync(path, `${path}.1`);
  return openSync(path, "a", 0o600);
};

/** A session of its own: neither the operator's Ctrl-C nor a crash of the control plane is meant for it. */
const launch = ({ command, environment, directory, logFile }: AgentProcessOptions): ChildProcess => {
  const output = openLog(logFile);
  try {
    return spawn(command.file, command.args, { cwd: directory, env: environment, detached: true, stdio: ["ignore", output, output] });
  } finally {
    closeSync(output);
  }
};

export const createAgentProcess = (options: AgentProcessOptions): AgentProcess => {
  const { directory, clock, log } = options;
  const pidFile = join(directory, "agent.pid");
  let identity: ProcessIdentity | undefined;
  let stopped = false;
  let startedAt = 0;
  let connectedAt = 0;
  let failures = 0;
  let lastFailure = "";
  let timer: Timer | undefined;

  const later = (delayMs: number, action: () => void): void => {
    timer?.cancel();
    timer = stopped ? undefined : clock.after(delayMs, action);
  };

  const begin = (found: ProcessIdentity | undefined): void => {
    identity = found;
    startedAt = connectedAt = clock.elapsed();
    if (found !== undefined) writePidFile(pidFile, found);
  };

  const startOwn = (): void => {
    if (stopped) return;
    const child = launch(options);
    child.unref();
    begin(child.pid === undefined ? undefined : identifyProcess(child.pid));
    child.once("error", (error) => ended(error.message));
    child.once("exit", (code, signal) => ended(signal ?? `exit code ${code}`));
    log.info({ pid: child.pid }, "agent started");
    look(lookAtOwnMs);
  };

  const ended = (how: string): void => {
    if (stopped) return;
    failures = clock.elapsed() - startedAt >= goodRunMs ? 1 : failures + 1;
    lastFailure = how;
    identity = undefined;
    const pauseMs = Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs);
    log.error({ how, failures, pauseMs, logFile: options.logFile }, "the agent ended by itself and is started again; its log may say why");
    later(pauseMs, startOwn);
  };

  const look = (everyMs: number): void => {
    later(everyMs, () => {
      if (options.isConnected()) {
        connectedAt = clock.elapsed();
        failures = 0;
      }
      const alive = identity !== undefined && isAlive(identity);
      const isAdopted = everyMs === lookAtAdoptedMs;
      if (!alive && isAdopted) return ended("it is gone");
      if (alive && clock.elapsed() - connectedAt >= mayBeSilentMs) {
        log.error({ pid: identity!.pid }, "the agent runs but does not connect; it is killed, and its tasks are taken up by the next");
        signalProcess(identity!, "SIGKILL");
      }
      look(everyMs);
      return undefined;
    });
  };

  return {
    start: () => {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const found = survivor(directory, pidFile);
      if (found === undefined) {
        startOwn();
        return;
      }
      log.info({ pid: found.pid }, "the agent survived an earlier server and is adopted");
      begin(found);
      look(lookAtAdoptedMs);
    },
    identity: () => identity,
    failure: () => (failures >= failuresToReport ? lastFailure : undefined),
    letGo: () => {
      stopped = true;
      timer?.cancel();
    },
    stop: async (ask, withinMs) => {
      stopped = true;
      timer?.cancel();
      const last = identity;
      if (last !== undefined && isAlive(last)) {
        ask();
        if (!(await waitForEnd(last, clock, withinMs))) {
          log.warn({ pid: last.pid }, "the agent did not end when asked and is killed");
          signalProcess(last, "SIGKILL");
          await waitForEnd(last, clock, withinMs);
        }
      }
      rmSync(pidFile, { force: true });
    },
  };
};
