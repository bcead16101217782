// Jobs: their values, their state machine and what ends them. Pure.

import type { Failure } from "../api/agent/messages.ts";
import type { JobAddParameter } from "../api/batch/jobs.ts";
import type { Infer } from "../api/fields.ts";
import type { Instant, Stamp } from "../lib/clock.ts";
import { durationMs } from "../lib/duration.ts";
import { type Refusal, stateMachine } from "./state-machine.ts";

export type JobSpec = Infer<typeof JobAddParameter>;
export type JobState = "active" | "disabling" | "disabled" | "enabling" | "terminating" | "completed" | "deleting";

export type JobExecution = { startTime: Instant; endTime?: Instant; poolId?: string; terminateReason?: string; schedulingError?: Failure };

/** What a disable, terminate or delete under way does with the running tasks; the job reconciler carries it out. */
export type Pending =
  | { kind: "disable"; tasks: "requeue" | "terminate" | "wait" }
  | { kind: "terminate"; reason: string }
  | { kind: "delete" };

export type Job = {
  accountId: number;
  key: string;
  id: string;
  uid: Stamp;
  poolKey: string;
  state: JobState;
  stateChangedAt: Instant;
  previousState?: JobState;
  previousStateChangedAt?: Instant;
  priority: number;
  spec: JobSpec;
  execution: JobExecution;
  /** Why none of its tasks can run in this release; see domain/waiting.ts. */
  held?: string;
  pending?: Pending;
  modified: Stamp;
  generation: number;
};

export type JobCounts = {
  active: number;
  running: number;
  succeeded: number;
  failed: number;
  activeSlots: number;
  runningSlots: number;
  succeededSlots: number;
  failedSlots: number;
};

const refusals = {
  active: "OperationInvalidForCurrentState",
  disabling: "JobNotActive",
  disabled: "JobDisabled",
  enabling: "JobNotActive",
  terminating: "JobBeingTerminated",
  completed: "JobCompleted",
  deleting: "JobBeingDeleted",
} as const;

export const jobStates = stateMachine({
  states: ["active", "disabling", "disabled", "enabling", "terminating", "completed", "deleting"],
  events: {
    //              from                                                                  to
    addTask: [[["active", "disabling", "disabled", "enabling"], "stay"]],
    update: [[["active", "disabling", "disabled", "enabling"], "stay"]],
    disable: [[["active", "disabling", "disabled"], "disabling"]],
    tasksStopped: [[["disabling"], "disabled"]],
    // Clients enable right after disabling and on active jobs; the service accepts the latter (SDK tests).
    enable: [
      [["disabled"], "enabling"],
      [["active", "enabling"], "stay"],
    ],
    ready: [[["enabling"], "active"]],
    terminate: [[["active", "disabling", "disabled", "enabling"], "terminating"]],
    tasksEnded: [[["terminating"], "completed"]],
    delete: [[["active", "disabling", "disabled", "enabling", "terminating", "completed"], "deleting"]],
  },
  refuse: refusals,
});

export type JobRefusal = Refusal<(typeof refusals)[JobState]>;

const moved = (job: Job, to: JobState, now: Instant): Job =>
  to === job.state ? job : { ...job, state: to, stateChangedAt: now, previousState: job.state, previousStateChangedAt: job.stateChangedAt };

/** Nothing of it is scheduled from this moment; the job reconciler does with the running tasks what `tasks` says. */
export const disableJob = (job: Job, tasks: "requeue" | "terminate" | "wait", now: Instant): { after: Job } | JobRefusal => {
  const move = jobStates.next(job.state, "disable");
  return move.refused !== undefined
    ? { refused: move.refused }
    : { after: { ...moved(job, move.to, now), pending: { kind: "disable", tasks } } };
};

export const enableJob = (job: Job, now: Instant): { after: Job } | JobRefusal => {
  const move = jobStates.next(job.state, "enable");
  return move.refused !== undefined ? { refused: move.refused } : { after: { ...moved(job, move.to, now), pending: undefined } };
};

export const defaultTerminateReason = "UserTerminate";

/** Running tasks are ended by the job reconciler; those still `active` stay so for ever. */
export const terminateJob = (job: Job, reason: string, now: Instant): { after: Job } | JobRefusal => {
  const move = jobStates.next(job.state, "terminate");
  return move.refused !== undefined
    ? { refused: move.refused }
    : { after: { ...moved(job, move.to, now), pending: { kind: "terminate", reason } } };
};

export const deleteJob = (job: Job, now: Instant): { after: Job } | JobRefusal => {
  const move = jobStates.next(job.state, "delete");
  return move.refused !== undefined ? { refused: move.refused } : { after: { ...moved(job, move.to, now), pending: { kind: "delete" } } };
};

/** What follows once nothing of the job is placed any more: the end of a disable, an enable or a terminate. */
export const settleJob = (job: Job, now: Instant): Job => {
  if (job.state === "disabling") return { ...moved(job, "disabled", now), pending: undefined };
  if (job.state === "enabling") return { ...moved(job, "active", now), pending: undefined };
  if (job.state !== "terminating") return job;
  const reason = job.pending?.kind === "terminate" ? job.pending.reason : defaultTerminateReason;
  return { ...moved(job, "completed", now), pending: undefined, execution: { ...job.execution, endTime: now, terminateReason: reason } };
};

export type JobAction = "none" | "disable" | "terminate";

/** What a task's exit condition asked of its job; a job that is already past it is left as it is. */
export const takeJobAction = (job: Job, action: JobAction, now: Instant): Job => {
  if (action === "none" || (action === "disable" && job.state !== "active")) return job;
  const next = action === "disable" ? disableJob(job, "requeue", now) : terminateJob(job, "TaskFailed", now);
  return "after" in next ? next.after : job;
};

/** `onAllTasksComplete` fires as soon as it holds: on an empty job at once. A job with a job manager waits for that task. */
export const allTasksComplete = (job: Job, counts: Pick<JobCounts, "active" | "running">): boolean =>
  job.state === "active" &&
  job.spec.onAllTasksComplete === "terminatejob" &&
  job.spec.jobManagerTask === undefined &&
  counts.active === 0 &&
  counts.running === 0;

/** When the job's wall clock, measured from its creation, runs out; Infinity when unlimited. */
export const wallClockEnd = (job: Job): Instant => {
  const limit = job.spec.constraints?.maxWallClockTime;
  return limit === undefined ? Number.POSITIVE_INFINITY : job.execution.startTime + durationMs(limit);
};

export const hasEnded = (job: Job): boolean => job.state === "completed" || job.state === "deleting" || job.state === "terminating";

/** Where the directories of a job's tasks are below a node's root: `{job}/job-1`, of the n-th job of a schedule `{schedule}/job-n`. */
export const jobDirectory = (jobId: string): string => {
  const colon = jobId.indexOf(":");
  return colon < 0 ? `workitems/${jobId}/job-1` : `workitems/${jobId.slice(0, colon)}/${jobId.slice(colon + 1)}`;
};
