// Makes a job, and the automatic pool that it brings, of what a client or a job schedule says. Pure; the rows are the store's.

import type { Failure } from "../api/agent/messages.ts";
import type { AutoPoolSpecification } from "../api/batch/jobs.ts";
import type { Infer } from "../api/fields.ts";
import { instantOf, type Stamp } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import { inheritRetries } from "./job-checks.ts";
import { type JobSchedule, jobNameOf } from "./job-schedules.ts";
import type { Job, JobSpec } from "./jobs.ts";
import { autoPoolId, keyOf, newPool } from "./new-pool.ts";
import type { Pool } from "./pools.ts";
import { jobHeldBecause } from "./waiting.ts";

export type Birth = {
  accountId: number;
  stamp: Stamp;
  ids: Ids;
};

export type NewJob = { job: Job; pool?: Pool };

/** A job is active at once, even if its pool does not exist; the stamp of its creation is what its tasks know it by. */
export const newJob = (spec: JobSpec, birth: Birth): NewJob => {
  const auto = spec.poolInfo.autoPoolSpecification;
  if (auto === undefined) return { job: jobOf(spec, spec.poolInfo.poolId!, birth) };
  const pool = poolOf(auto, keyOf(spec.id), birth);
  return { job: jobOf(spec, pool.id, birth), pool };
};

/**
 * The next job of a schedule, `{id}:job-{n}`, with the schedule as it is once it has it. Jobs that share an automatic pool take
 * `sharedPool` while it is there, as it was made whatever the specification says by now (unverified); the first one brings it.
 */
export const newScheduledJob = (
  schedule: JobSchedule,
  dueAt: number,
  birth: Birth & { sharedPool?: Pool },
): NewJob & { schedule: JobSchedule } => {
  const after = { ...schedule, jobsMade: schedule.jobsMade + 1, lastDueAt: dueAt };
  const spec: JobSpec = { ...schedule.spec.jobSpecification, id: `${schedule.id}:${jobNameOf(after.jobsMade)}` };
  const auto = spec.poolInfo.autoPoolSpecification;
  if (auto?.poolLifetimeOption !== "jobschedule") return { ...newJob(spec, birth), schedule: after };
  if (birth.sharedPool !== undefined) return { job: jobOf(spec, birth.sharedPool.id, birth), schedule: after };
  const pool = poolOf(auto, schedule.key, birth);
  return { job: jobOf(spec, pool.id, birth), pool, schedule: { ...after, autoPoolId: pool.id } };
};

/** `owner` is the key of the job, or of the schedule, that it goes with. */
const poolOf = (auto: Infer<typeof AutoPoolSpecification>, owner: string, { accountId, stamp, ids }: Birth): Pool =>
  newPool({ ...auto.pool!, id: autoPoolId(auto.autoPoolIdPrefix, ids.guid()) }, { accountId, stamp, autoPoolJob: owner });

const jobOf = (settings: JobSpec, poolId: string, { accountId, stamp }: Birth): Job => {
  const spec = inheritRetries(settings);
  const held = jobHeldBecause(spec);
  const now = instantOf(stamp);
  return {
    accountId,
    key: keyOf(spec.id),
    id: spec.id,
    uid: stamp,
    poolKey: keyOf(poolId),
    state: "active",
    stateChangedAt: now,
    priority: spec.priority ?? 0,
    spec,
    execution: { startTime: now, poolId },
    ...(held === undefined ? {} : { held }),
    modified: stamp,
    generation: 0,
  };
};

/** The job without its pool, which could not be made: it has ended as it began (reference: jobs-and-tasks 1.5). */
export const jobWithoutPool = ({ job }: NewJob, schedulingError: Failure, now: number): Job => ({
  ...job,
  state: "completed",
  stateChangedAt: now,
  previousState: "active",
  previousStateChangedAt: job.stateChangedAt,
  execution: { ...job.execution, endTime: now, schedulingError },
});
