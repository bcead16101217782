// One attempt at a task, as the agent knows it, and the plain decisions about it: what to start, and what its end means. No effects here.
import { attemptKey, type Failure, type ResourceUsage, type TaskOrder, type TaskOutcome } from "../api/agent/messages.ts";
import type { Timer } from "../lib/clock.ts";
import { findProgram, splitCommandLine } from "./command-line.ts";
import { environmentProblem, taskEnvironment } from "./environment.ts";
import { launchFailed, programNotFound, wallClockExceeded } from "./failures.ts";
import type { ExitRecord, LaunchOrder, ProcessUsage } from "./launcher/launcher.ts";
import { taskDirectory } from "./layout.ts";

/**
 * waiting: for a slot, because it has something to stage (or is behind one that has). staging: its files come. launched: in the launcher's hands,
 * queued there. running. uploading: the process has ended.
 */
export type Phase = "waiting" | "staging" | "launched" | "running" | "uploading";

/** asked: the control plane said stop. lost: the node stops under it. withdrawn: taken back unstarted. forget: nobody wants to hear of it any more. */
export type Ending = "asked" | "lost" | "withdrawn" | "forget";

export type Attempt = {
  order: TaskOrder;
  key: string;
  /** Relative to the node's root. */
  directory: string;
  phase: Phase;
  /** Set and reported from the moment it counts as running. */
  startedAt?: number;
  /** Why it is being ended, once it is. */
  ending?: Ending;
  /** Interrupts staging or uploading. */
  interrupt: AbortController;
  wallClock?: Timer;
  /** The wall clock has run out and it was killed for it. */
  overran?: boolean;
  exit?: ExitRecord;
};

/** Not running yet in the control plane's words. */
export const isQueued = (phase: Phase): boolean => phase === "waiting" || phase === "launched";

/** Throws UnsafeName for a job or task id that cannot be a directory. */
export const newAttempt = (order: TaskOrder): Attempt => ({
  order,
  key: attemptKey(order.ref),
  directory: taskDirectory(order.jobId, order.taskId),
  phase: "waiting",
  interrupt: new AbortController(),
});

/** Launchers hold start tasks too; the letter tells them apart. */
export const launchIdOf = (attempt: Attempt): string => `t.${attempt.key}`;

export const keyOfLaunchId = (id: string): string | undefined => (id.startsWith("t.") ? id.slice(2) : undefined);

type Runnable = { commandLine: string; environment: { name: string; value: string }[] };

/** `directory` is absolute and exists, with its wd. */
export const launchOrder = (
  task: Runnable,
  launch: {
    id: string;
    slots: number;
    hold: boolean;
    directory: string;
    base: Record<string, string>;
    names?: { jobId: string; taskId: string; authenticationToken?: string };
  },
): LaunchOrder | Failure => {
  const split = splitCommandLine(task.commandLine);
  if ("problem" in split) return launchFailed(task.commandLine, split.problem);
  const problem = environmentProblem(task.environment);
  if (problem !== undefined) return launchFailed(task.commandLine, problem);
  const cwd = `${launch.directory}/wd`;
  const program = findProgram(split.argv[0] ?? "", cwd);
  if (program === undefined) return programNotFound(task.commandLine);
  return {
    id: launch.id,
    slots: launch.slots,
    argv: [program, ...split.argv.slice(1)],
    env: taskEnvironment(launch.base, launch.directory, task.environment, launch.names),
    cwd,
    stdoutPath: `${launch.directory}/stdout.txt`,
    stderrPath: `${launch.directory}/stderr.txt`,
    hold: launch.hold,
  };
};

export const isFailure = (value: LaunchOrder | Failure): value is Failure => "category" in value;

const noSuchFile = 2;
const notADirectory = 20;

/** Of a record whose process never ran. */
export const launchFailure = (commandLine: string, error: NonNullable<ExitRecord["error"]>): Failure => {
  const missing = error.stage === "exec" && (error.errno === noSuchFile || error.errno === notADirectory);
  return missing
    ? programNotFound(commandLine)
    : launchFailed(commandLine, `The step "${error.stage}" failed with system error ${error.errno}.`);
};

/** 128 + signal when a signal ended it, as shells tell it. */
export const exitCodeOf = (record: ExitRecord): number | undefined =>
  record.exitCode ?? (record.signal === null || record.pid === 0 ? undefined : 128 + record.signal);

const usageOf = (usage: ProcessUsage): ResourceUsage | undefined => {
  const { userMs, systemMs, maxRssKiB, readBlocks, writeBlocks } = usage;
  if (userMs === null || systemMs === null) return undefined;
  return { userMs, systemMs, maxRssKiB: maxRssKiB ?? 0, readBlocks: readBlocks ?? 0, writeBlocks: writeBlocks ?? 0 };
};

const killed = 9;

/** What the process's end alone says; uploads may still turn success into failure. */
export const outcomeOf = (attempt: Attempt, record: ExitRecord): TaskOutcome => {
  const { order } = attempt;
  const startedAt = attempt.startedAt ?? (record.startedAt || record.endedAt);
  if (record.error !== undefined) {
    const failure = launchFailure(order.commandLine, record.error);
    return { startedAt, endedAt: record.endedAt, failure, failedIn: "preProcessing" };
  }
  const exitCode = exitCodeOf(record);
  const usage = usageOf(record.usage);
  const outcome: TaskOutcome = { startedAt, endedAt: record.endedAt, ...(exitCode !== undefined && { exitCode }), ...(usage && { usage }) };
  // A new agent tells it from the times, since the one that killed it took the memory of that along.
  const limit = order.maxWallClockMs;
  const ranTooLong = attempt.overran === true || record.endedAt - record.startedAt >= (limit ?? 0);
  if (limit !== undefined && record.signal === killed && ranTooLong) {
    return { ...outcome, failure: wallClockExceeded(limit), failedIn: "run" };
  }
  return outcome;
};
