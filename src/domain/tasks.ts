// Tasks: their values, their state machine and what becomes of a finished attempt. Pure.
import type { TaskAddParameter } from "../api/batch/tasks.ts";
import type { Infer } from "../api/fields.ts";
import type { Failure, ResourceUsage } from "../api/agent/messages.ts";
import type { Instant, Stamp } from "../lib/clock.ts";

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
