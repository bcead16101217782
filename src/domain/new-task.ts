// Makes a task of what a client asked for. Pure; the id's uniqueness and what the task waits for are the store's.
import type { TaskAddParameter } from "../api/batch/tasks.ts";
import type { Infer } from "../api/fields.ts";
import { instantOf, type Stamp } from "../lib/clock.ts";
import type { Job } from "./jobs.ts";
import type { Task, TaskSpec } from "./tasks.ts";
import { taskHeldBecause } from "./waiting.ts";

/** Dependency ranges match ids that are integers, leading zeros or not. */
const integer = /^-?\d{1,15}$/;

/** `stamp` must be the task's own: it is its creation time and its place in the queue. */
export const newTask = (job: Job, parameter: Infer<typeof TaskAddParameter>, stamp: Stamp): Task => {
  const spec = inheritTaskRetries(parameter, job);
  const held = taskHeldBecause(spec);
  return {
    accountId: job.accountId,
    jobUid: job.uid,
    seq: stamp,
    id: spec.id,
    key: spec.id.toLowerCase(),
    state: "active",
    stateChangedAt: instantOf(stamp),
    slots: spec.requiredSlots ?? 1,
    blocked: 0,
    held,
    spec,
    execution: { retryCount: 0, requeueCount: 0 },
    attempt: 0,
    satisfied: false,
    number: integer.test(spec.id) ? Number(spec.id) : undefined,
    modified: stamp,
    generation: 0,
  };
};

/** A task that does not say how often it is retried shows and keeps what its job says now (real-behaviours.md section 3). */
export const inheritTaskRetries = <T extends { constraints?: TaskSpec["constraints"] }>(spec: T, job: Pick<Job, "spec">): T =>
  spec.constraints?.maxTaskRetryCount === undefined
    ? { ...spec, constraints: { ...spec.constraints, maxTaskRetryCount: job.spec.constraints?.maxTaskRetryCount ?? 0 } }
    : spec;
