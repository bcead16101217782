// What becomes of a task whose attempt has ended: success, retry or failure, what its job and its dependents have of it. Pure.
import type { Failure, ResourceUsage, TaskOutcome } from "../api/agent/messages.ts";
import type { Instant } from "../lib/clock.ts";
import type { Job, JobAction } from "./jobs.ts";
import { type Execution, ranUntil, startTask, type Task } from "./tasks.ts";

export type Verdict = {
  after: Task;
  jobAction: JobAction;
  kind: "success" | "failure" | "retry";
};

/** The exact words of the service (a stored payload; reference jobs-and-tasks 4.4). */
const exitCodeFailure: Failure = {
  category: "usererror",
  code: "FailureExitCode",
  message: "The task exited with an exit code representing a failure",
  details: [
    { name: "Message", value: "The task process exited with an unexpected exit code" },
    { name: "AdditionalErrorCode", value: "FailureExitCode" },
  ],
};

/** Decides on a placed task of which an attempt has ended. `now` is when the control plane hears of it. */
export const finishTask = (task: Task, job: Pick<Job, "spec">, outcome: TaskOutcome, now: Instant): Verdict => {
  const running = task.state === "running" ? task : startTask(task, outcome.startedAt);
  const usage = addUsage(running.execution.usage, outcome.usage);
  return mayRetry(running, job, outcome) ? retried(running, usage, outcome, now) : completed(running, job, usage, outcome);
};

const retried = (task: Task, usage: ResourceUsage | undefined, outcome: TaskOutcome, now: Instant): Verdict => {
  const { startTime: _startTime, ...execution } = task.execution;
  const after: Task = {
    ...task,
    state: "active",
    stateChangedAt: now,
    previousState: task.state,
    previousStateChangedAt: task.stateChangedAt,
    nodeId: undefined,
    execution: {
      ...execution,
      ...ranUntil(task, outcome.endedAt),
      usage,
      retryCount: execution.retryCount + 1,
      lastRetryTime: outcome.endedAt,
    },
  };
  return { after, jobAction: "none", kind: "retry" };
};

const completed = (task: Task, job: Pick<Job, "spec">, usage: ResourceUsage | undefined, outcome: TaskOutcome): Verdict => {
  const failureInfo = outcome.failure ?? (outcome.exitCode === 0 ? undefined : exitCodeFailure);
  const result = failureInfo === undefined ? "success" : "failure";
  const execution: Execution = {
    ...task.execution,
    startTime: task.execution.startTime ?? outcome.startedAt,
    endTime: outcome.endedAt,
    exitCode: outcome.exitCode,
    failureInfo,
    result,
    usage,
  };
  const { jobAction, dependencyAction } = exitAction(task, job, outcome);
  const after: Task = {
    ...task,
    state: "completed",
    stateChangedAt: outcome.endedAt,
    previousState: task.state,
    previousStateChangedAt: task.stateChangedAt,
    execution,
    satisfied: task.satisfied || dependencyAction === "satisfy",
  };
  return { after, jobAction, kind: result };
};

/** Only a program that ran and exited with another code than 0 is tried again; -1 retries are without end. */
const mayRetry = (task: Task, job: Pick<Job, "spec">, outcome: TaskOutcome): boolean => {
  if (outcome.exitCode === undefined || outcome.exitCode === 0 || outcome.failure !== undefined) return false;
  const limit = task.spec.constraints?.maxTaskRetryCount ?? job.spec.constraints?.maxTaskRetryCount ?? 0;
  return limit === -1 || task.execution.retryCount < limit;
};

type ExitOptions = { jobAction?: JobAction; dependencyAction?: "satisfy" | "block" };

/** The exit condition that applies (reference 4.5: codes, ranges, the stage that failed, default), with its defaults filled in. */
const exitAction = (task: Task, job: Pick<Job, "spec">, outcome: TaskOutcome): Required<ExitOptions> => {
  const succeeded = outcome.exitCode === 0 && outcome.failure === undefined;
  const options = exitOptions(task.spec.exitConditions, outcome);
  const heeded = job.spec.onTaskFailure === "performexitoptionsjobaction";
  return {
    jobAction: heeded ? (options?.jobAction ?? (succeeded ? "none" : "terminate")) : "none",
    dependencyAction: options?.dependencyAction ?? (succeeded ? "satisfy" : "block"),
  };
};

const exitOptions = (conditions: Task["spec"]["exitConditions"], outcome: TaskOutcome): ExitOptions | undefined => {
  if (conditions === undefined) return undefined;
  const { exitCode } = outcome;
  if (exitCode !== undefined) {
    const exact = conditions.exitCodes?.find((entry) => entry.code === exitCode);
    const range = exact ?? conditions.exitCodeRanges?.find((entry) => entry.start <= exitCode && exitCode <= entry.end);
    if (range !== undefined) return range.exitOptions;
  }
  if (outcome.failedIn === "preProcessing" && conditions.preProcessingError !== undefined) return conditions.preProcessingError;
  if (outcome.failedIn === "fileUpload" && conditions.fileUploadError !== undefined) return conditions.fileUploadError;
  return exitCode === 0 && outcome.failure === undefined ? undefined : conditions.default;
};

const addUsage = (before: ResourceUsage | undefined, more: ResourceUsage | undefined): ResourceUsage | undefined => {
  if (before === undefined || more === undefined) return more ?? before;
  return {
    userMs: before.userMs + more.userMs,
    systemMs: before.systemMs + more.systemMs,
    maxRssKiB: Math.max(before.maxRssKiB, more.maxRssKiB),
    readBlocks: before.readBlocks + more.readBlocks,
    writeBlocks: before.writeBlocks + more.writeBlocks,
  };
};
