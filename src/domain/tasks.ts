// Tasks: their values, their state machine and what becomes of a finished attempt. Pure.

import type { Failure, ResourceUsage } from "../api/agent/messages.ts";
import type { TaskAddParameter } from "../api/batch/tasks.ts";
import type { Infer } from "../api/fields.ts";
import type { Instant, Stamp } from "../lib/clock.ts";
import { type Refusal, stateMachine } from "./state-machine.ts";

export type TaskSpec = Infer<typeof TaskAddParameter>;
export type TaskState = "active" | "preparing" | "running" | "completed";

export type Execution = {
  startTime?: Instant;
  endTime?: Instant;
  exitCode?: number;
  result?: "success" | "failure";
  failureInfo?: Failure;
  retryCount: number;
  lastRetryTime?: Instant;
  requeueCount: number;
  lastRequeueTime?: Instant;
  /** How often it ran again because its node or process was lost: shown nowhere in the API, never counted as retry or requeue. */
  recoveryCount?: number;
  /** Where it is or last was placed. */
  node?: { poolId: string; nodeId: string };
  /** Of all runs together. */
  usage?: ResourceUsage;
  /** How long the runs before the present or last one took, in ms. */
  ranMs?: number;
};

export type Task = {
  accountId: number;
  jobUid: number;
  seq: Stamp;
  id: string;
  key: string;
  state: TaskState;
  stateChangedAt: Instant;
  previousState?: TaskState;
  previousStateChangedAt?: Instant;
  slots: number;
  blocked: number;
  held?: string;
  spec: TaskSpec;
  execution: Execution;
  /** Set while placed and after completion; absent while it waits in the queue. A placed task whose process has not started is still `active`. */
  nodeId?: string;
  attempt: number;
  satisfied: boolean;
  number?: number;
  modified: Stamp;
  generation: number;
};

/** One attempt by numbers, which decide, and by names, for people and for requests: what the token that it is given says. */
export type TaskAttempt = {
  accountId: number;
  accountName: string;
  jobUid: number;
  jobId: string;
  seq: Stamp;
  taskId: string;
  attempt: number;
};

export const taskStates = stateMachine({
  states: ["active", "preparing", "running", "completed"],
  events: {
    //           from                                to
    start: [[["active", "preparing"], "running"]],
    finish: [[["active", "preparing", "running"], "completed"]],
    // Retry, requeue, recovery and withdrawal: back to the queue.
    giveBack: [[["active", "preparing", "running"], "active"]],
    terminate: [[["active", "preparing", "running"], "completed"]],
    reactivate: [[["completed"], "active"]],
    update: [[["active", "preparing", "running"], "stay"]],
  },
  refuse: { active: "TaskNotCompleted", preparing: "TaskNotCompleted", running: "TaskNotCompleted", completed: "TaskCompleted" },
});

/** Whether it is given a token for its job. One that names no access would open nothing, so there is none then (unverified upstream). */
export const isGivenToken = ({ authenticationTokenSettings }: Pick<TaskSpec, "authenticationTokenSettings">): boolean =>
  authenticationTokenSettings?.access?.some((scope) => scope.toLowerCase() === "job") === true;

export type TaskRefusal = Refusal<"TaskCompleted" | "TaskNotCompleted" | "TaskSucceeded">;

/** It has a node that runs it or soon will: only such an attempt may report. */
export const isPlaced = (task: Pick<Task, "nodeId" | "state">): boolean => task.nodeId !== undefined && task.state !== "completed";

const moved = (task: Task, to: TaskState, at: Instant): Task =>
  to === task.state
    ? { ...task }
    : { ...task, state: to, stateChangedAt: at, previousState: task.state, previousStateChangedAt: task.stateChangedAt };

/** Puts it on a node: still `active`, with a new attempt number that fences what an earlier attempt may yet report. */
export const placeTask = (task: Task, node: { poolId: string; nodeId: string }): Task => ({
  ...task,
  nodeId: node.nodeId,
  attempt: task.attempt + 1,
  execution: { ...task.execution, node },
});

/** Its process (or the staging before it) has begun. */
export const startTask = (task: Task, startedAt: Instant): Task => {
  const after = moved(task, "running", startedAt);
  const { endTime: _endTime, exitCode: _exitCode, failureInfo: _failureInfo, result: _result, ...kept } = task.execution;
  return { ...after, execution: { ...kept, startTime: startedAt } };
};

const backToQueue = (task: Task, now: Instant, execution: Execution): Task => {
  const { startTime: _startTime, endTime: _endTime, exitCode: _exitCode, failureInfo: _failureInfo, result: _result, ...kept } = execution;
  return { ...moved(task, "active", now), nodeId: undefined, execution: { ...kept, ...ranUntil(task, now) } };
};

/** The wall clock time with the run that ends now, or has ended; nothing when there was none. */
export const ranUntil = ({ state, execution }: Task, now: Instant): Pick<Execution, "ranMs"> => {
  const { startTime, endTime, ranMs = 0 } = execution;
  return state === "active" || startTime === undefined ? {} : { ranMs: ranMs + Math.max(0, (endTime ?? now) - startTime) };
};

/** The user's doing (disable, resize, reboot with `requeue`): counted in requeueCount, limited by nothing. */
export const requeueTask = (task: Task, now: Instant): Task =>
  task.state === "active"
    ? withdrawTask(task, now)
    : backToQueue(task, now, { ...task.execution, requeueCount: task.execution.requeueCount + 1, lastRequeueTime: now });

/** Its node or process was lost: neither a retry nor a requeue. */
export const recoverTask = (task: Task, now: Instant): Task =>
  task.state === "active"
    ? withdrawTask(task, now)
    : backToQueue(task, now, { ...task.execution, recoveryCount: (task.execution.recoveryCount ?? 0) + 1 });

/** It was placed ahead of its turn and never ran: as if it had stayed in the queue. */
export const withdrawTask = (task: Task, now: Instant): Task => backToQueue(task, now, task.execution);

const endedByUser: Failure = { category: "usererror", code: "TaskEnded", message: "Task Was Ended by User Request" };

/** The terminate request, and what disable, resize and job termination with `terminate` do. Its dependents stay blocked. */
export const terminateTask = (task: Task, now: Instant): { after: Task } | TaskRefusal => {
  const move = taskStates.next(task.state, "terminate");
  if (move.refused !== undefined) return { refused: move.refused };
  const execution: Execution = { ...task.execution, endTime: now, result: "failure", failureInfo: endedByUser };
  return { after: { ...moved(task, move.to, now), execution } };
};

/** Back to the queue with its retries reset; only for tasks that completed without success. */
export const reactivateTask = (task: Task, now: Instant): { after: Task } | TaskRefusal => {
  const move = taskStates.next(task.state, "reactivate");
  if (move.refused !== undefined) return { refused: move.refused };
  if (task.execution.result === "success") return { refused: "TaskSucceeded" };
  const { lastRetryTime: _lastRetryTime, ...execution } = task.execution;
  return { after: { ...backToQueue(task, now, { ...execution, retryCount: 0 }), satisfied: false } };
};
