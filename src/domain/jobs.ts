// Jobs: their values, their state machine and what ends them. Pure.
import type { JobAddParameter } from "../api/batch/jobs.ts";
import type { Infer } from "../api/fields.ts";
import type { Failure } from "../api/agent/messages.ts";
import type { Instant, Stamp } from "../lib/clock.ts";

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
