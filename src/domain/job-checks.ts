// What must hold of a job that is created or changed, beyond what the declarations say of each property. Pure.

import type { JobPatchParameter, PoolInformation } from "../api/batch/jobs.ts";
import { ApiError, invalidProperty, missingProperty } from "../api/errors.ts";
import type { Infer } from "../api/fields.ts";
import type { Job, JobSpec } from "./jobs.ts";
import { checkSubnet } from "./network-checks.ts";
import { checkPool, type PoolSurroundings } from "./pool-checks.ts";
import { checkResourceFiles } from "./staging-checks.ts";
import { checkOutputFiles } from "./task-checks.ts";

type PoolInfo = Infer<typeof PoolInformation>;

/** A job as a client or a job schedule says it. */
type JobSettings = Omit<JobSpec, "id">;

/** Throws the refusal of a new job. Whether its pool exists is not asked: tasks wait until it does. */
export const checkJob = (spec: JobSettings, surroundings: PoolSurroundings): void => {
  checkPoolInfo(spec.poolInfo, surroundings);
  checkSubnet(spec.networkConfiguration?.subnetId, surroundings.subscriptionId);
  checkSpecialTasks(spec);
};

/** Throws the refusal of what a schedule's jobs are to be: as of a job, but their automatic pool may live as long as the schedule. */
export const checkJobSpecification = (spec: JobSettings, surroundings: PoolSurroundings): void => {
  checkAutoPool(spec.poolInfo, surroundings);
  checkSubnet(spec.networkConfiguration?.subnetId, surroundings.subscriptionId);
  checkSpecialTasks(spec);
};

const checkPoolInfo = (poolInfo: PoolInfo, surroundings: PoolSurroundings): void => {
  const auto = poolInfo.autoPoolSpecification;
  if (auto !== undefined && auto.poolLifetimeOption !== "job") {
    throw invalidProperty(
      "poolLifetimeOption",
      "The pool of a job that does not belong to a job schedule can only live as long as the job.",
      auto.poolLifetimeOption,
    );
  }
  checkAutoPool(poolInfo, surroundings);
};

const checkAutoPool = ({ autoPoolSpecification: auto }: PoolInfo, surroundings: PoolSurroundings): void => {
  if (auto === undefined) return;
  if (auto.pool === undefined) throw missingProperty("pool");
  checkPool(auto.pool, surroundings);
};

/** Preparation and release tasks have default ids, so the ids of a job's special tasks can meet without anyone having chosen so. */
const checkSpecialTasks = ({ jobManagerTask: manager, jobPreparationTask: preparation, jobReleaseTask: release }: JobSettings): void => {
  if (release !== undefined && preparation === undefined) throw new ApiError("JobPreparationTaskNotSpecified");
  for (const task of [manager, preparation, release]) checkResourceFiles(task?.resourceFiles);
  checkOutputFiles(manager?.outputFiles);
  if (manager !== undefined && sameId(manager.id, preparation?.id)) throw new ApiError("TaskIdSameAsJobPreparationTask");
  if (manager !== undefined && sameId(manager.id, release?.id)) throw new ApiError("TaskIdSameAsJobReleaseTask");
  if (preparation !== undefined && sameId(preparation.id ?? "", release?.id)) {
    throw invalidProperty("id", "The job preparation task and the job release task must have different ids.", release?.id);
  }
};

const sameId = (id: string, other: string | undefined): boolean => other !== undefined && id.toLowerCase() === other.toLowerCase();

/** The job manager and preparation task that do not say how often they are retried are retried as their job says. */
export const inheritRetries = <S extends JobSettings>(spec: S): S => {
  const maxTaskRetryCount = spec.constraints?.maxTaskRetryCount ?? 0;
  const { jobManagerTask: manager, jobPreparationTask: preparation } = spec;
  return {
    ...spec,
    ...(manager === undefined ? {} : { jobManagerTask: { ...manager, constraints: { maxTaskRetryCount, ...manager.constraints } } }),
    ...(preparation === undefined
      ? {}
      : { jobPreparationTask: { ...preparation, constraints: { maxTaskRetryCount, ...preparation.constraints } } }),
  };
};

export type JobChange = Pick<
  Infer<typeof JobPatchParameter>,
  | "priority"
  | "maxParallelTasks"
  | "allowTaskPreemption"
  | "onAllTasksComplete"
  | "constraints"
  | "poolInfo"
  | "networkConfiguration"
  | "metadata"
>;

/** Throws the refusal of a change; what is undefined in `change` stays as it is and is not looked at. */
export const checkJobChange = (job: Job, change: JobChange, surroundings: PoolSurroundings): void => {
  if (change.onAllTasksComplete === "noaction" && job.spec.onAllTasksComplete === "terminatejob") {
    throw invalidProperty("onAllTasksComplete", "The value cannot be changed back to noaction once it is terminatejob.", "noaction");
  }
  checkSubnet(change.networkConfiguration?.subnetId, surroundings.subscriptionId);
  if (change.poolInfo !== undefined) checkPoolChange(job, change.poolInfo, surroundings);
};

/** The same pool may be named at any time; another only while the job is disabled, and an automatic pool's job keeps it (all but keepAlive). */
const checkPoolChange = (job: Job, wanted: PoolInfo, surroundings: PoolSurroundings): void => {
  const { autoPoolSpecification: auto, poolId } = job.spec.poolInfo;
  if (auto === undefined) {
    if (sameId(poolId ?? "", wanted.poolId)) return;
    if (job.state !== "disabled") {
      throw new ApiError("OperationInvalidForCurrentState", [
        { key: "Reason", value: "The pool of a job can be changed only while the job is disabled." },
      ]);
    }
    checkPoolInfo(wanted, surroundings);
    if (wanted.poolId === undefined) throw invalidProperty("poolInfo", "A job that names its pool cannot be given an automatic one.");
    return;
  }
  if (wanted.autoPoolSpecification === undefined)
    throw invalidProperty("poolInfo", "The job has an automatic pool, of which only keepAlive can be changed.");
};

/** What the job is made of after the change: each part that is given replaces the one before as a whole. */
export const changedSpec = (spec: JobSpec, change: JobChange): JobSpec => {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined)) as JobChange;
  return { ...spec, ...given, poolInfo: changedPoolInfo(spec.poolInfo, change.poolInfo) };
};

const changedPoolInfo = (before: PoolInfo, wanted: PoolInfo | undefined): PoolInfo => {
  const auto = before.autoPoolSpecification;
  if (auto === undefined) return wanted ?? before;
  const keepAlive = wanted?.autoPoolSpecification?.keepAlive ?? auto.keepAlive;
  return { autoPoolSpecification: { ...auto, keepAlive } };
};
