// Carries job schedules on: makes the jobs that are due, completes what has made its last, ends and removes the jobs of those that are
// terminated or deleted. When a job is due is domain/job-schedules.ts's rule. Without input but the store; may run at any time and twice:
// the job and what the schedule knows of it are written in one commit.
import { changeState, type JobSchedule, nextStep, recentJobId } from "../../domain/job-schedules.ts";
import { deleteJob, type Job, terminateJob } from "../../domain/jobs.ts";
import { type NewJob, newScheduledJob } from "../../domain/new-job.ts";
import { keyOf } from "../../domain/new-pool.ts";
import type { Pool } from "../../domain/pools.ts";
import type { Reader, Write } from "../../store/db.ts";
import { deleteJobSchedule, getJobSchedule, jobsLeft, saveJobSchedule } from "../../store/job-schedules.ts";
import { forgetScheduleStatistics } from "../../store/job-statistics.ts";
import { getJob, saveJob } from "../../store/jobs.ts";
import { getPool } from "../../store/pools.ts";
import { rowsOfNewJob } from "../auto-pools.ts";
import type { Context, JobScheduleKey } from "../context.ts";
import { ownPoolGone } from "./job-progress.ts";

/** Jobs marked for deletion in one commit. */
const slice = 100;

type Step = {
  writes: Write[];
  /** Jobs that the commit changes, and pools that it makes or begins to delete. */
  jobs: Pick<Job, "key" | "poolKey">[];
  pools: string[];
  again: boolean;
};
const still: Step = { writes: [], jobs: [], pools: [], again: false };

export const reconcileJobSchedule = async (context: Context, key: JobScheduleKey): Promise<void> => {
  const { jobs, pools, again } = await context.store.decide(async (read) => {
    const schedule = await getJobSchedule(read, key.accountId, key.scheduleKey);
    const step = schedule === undefined ? still : await stepOf(context, read, schedule);
    return { writes: step.writes, result: step };
  });
  const { accountId } = key;
  for (const poolKey of pools) context.bells.pool({ accountId, poolKey });
  for (const { key: jobKey, poolKey } of jobs) {
    context.bells.job({ accountId, jobKey });
    context.board.view({ accountId, poolKey }).stale = true;
    context.bells.loop({ accountId, poolKey });
  }
  if (again) context.bells.jobSchedule(key);
  context.bells.lessIn(accountId);
};

const stepOf = (context: Context, read: Reader, schedule: JobSchedule): Promise<Step> => {
  switch (schedule.state) {
    case "active":
      return active(context, read, schedule);
    case "terminating":
      return terminating(read, schedule, context.clock.now());
    case "deleting":
      return deleting(read, schedule, context.clock.now());
    default:
      return Promise.resolve(still);
  }
};

/** Only the latest job can be active: none is made before it has ended. */
const recentJob = async (read: Reader, schedule: JobSchedule): Promise<Job | undefined> => {
  const id = recentJobId(schedule);
  return id === undefined ? undefined : getJob(read, schedule.accountId, keyOf(id));
};

const active = async (context: Context, read: Reader, schedule: JobSchedule): Promise<Step> => {
  const now = context.clock.now();
  const recent = await recentJob(read, schedule);
  const next = nextStep(schedule, recent !== undefined && recent.state !== "completed", now);
  switch (next.do) {
    case "complete":
      return completed(read, schedule, now);
    case "make": {
      const made = await makeScheduledJob(context, read, schedule, next.dueAt);
      const writes = [saveJobSchedule(made.schedule), ...made.writes];
      return { writes, jobs: [made.job], pools: made.pool === undefined ? [] : [made.pool.key], again: true };
    }
    case "wait": {
      const key = { accountId: schedule.accountId, scheduleKey: schedule.key };
      if (next.until !== undefined && Number.isFinite(next.until)) context.bells.jobScheduleAfter(key, next.until - now);
      return still;
    }
  }
};

/** The rows of the next job, and of its pool where it brings one. The schedule's own is the caller's to write, in the same commit. */
export const makeScheduledJob = async (
  { clock, ids, quotas }: Pick<Context, "clock" | "ids" | "quotas">,
  read: Reader,
  schedule: JobSchedule,
  dueAt: number,
): Promise<NewJob & { schedule: JobSchedule; writes: Write[] }> => {
  const { accountId } = schedule;
  const sharedPool = await livingPool(read, schedule);
  const made = newScheduledJob(schedule, dueAt, {
    accountId,
    stamp: clock.stamp(),
    ids,
    ...(sharedPool === undefined ? {} : { sharedPool }),
  });
  return { schedule: made.schedule, ...(await rowsOfNewJob(read, made, clock.now(), quotas)) };
};

/** The automatic pool of the schedule, unless somebody has deleted it: then the next job brings another. */
const livingPool = async (read: Reader, { accountId, autoPoolId }: JobSchedule): Promise<Pool | undefined> => {
  const pool = autoPoolId === undefined ? undefined : await getPool(read, accountId, keyOf(autoPoolId));
  return pool?.state === "active" ? pool : undefined;
};

const completed = async (read: Reader, schedule: JobSchedule, now: number): Promise<Step> => {
  const next = changeState(schedule, "complete", now);
  if (!("after" in next)) return still;
  const poolGone = await sharedPoolGone(read, schedule, now);
  return { ...still, writes: [saveJobSchedule(next.after), ...poolGone.writes], pools: poolGone.pools };
};

/** The pool that the jobs shared goes with the schedule, unless it is to stay. */
const sharedPoolGone = async (read: Reader, schedule: JobSchedule, now: number): Promise<Pick<Step, "writes" | "pools">> => {
  const keepAlive = schedule.spec.jobSpecification.poolInfo.autoPoolSpecification?.keepAlive === true;
  if (schedule.autoPoolId === undefined || keepAlive) return { writes: [], pools: [] };
  const poolKey = keyOf(schedule.autoPoolId);
  const writes = await ownPoolGone(read, { accountId: schedule.accountId, poolKey, owner: schedule.key }, now);
  return { writes, pools: writes.length === 0 ? [] : [poolKey] };
};

const terminating = async (read: Reader, schedule: JobSchedule, now: number): Promise<Step> => {
  const recent = await recentJob(read, schedule);
  if (recent === undefined || recent.state === "completed") return completed(read, schedule, now);
  const next = terminateJob(recent, "TerminateJobSchedule", now);
  return "after" in next ? { ...still, writes: saveJob(next.after), jobs: [recent] } : still;
};

const deleting = async (read: Reader, schedule: JobSchedule, now: number): Promise<Step> => {
  const left = await jobsLeft(read, schedule, slice);
  const changes = left.flatMap((job) => {
    const next = deleteJob(job, now);
    return "after" in next ? [next.after] : [];
  });
  if (changes.length > 0) return { ...still, writes: changes.flatMap(saveJob), jobs: changes, again: true };
  // What is left is on its way out; the last one to go rings.
  if (left.length > 0) return still;
  const poolGone = await sharedPoolGone(read, schedule, now);
  const forgotten = forgetScheduleStatistics(schedule.accountId, schedule.key);
  return { ...still, writes: [...poolGone.writes, ...forgotten, deleteJobSchedule(schedule)], pools: poolGone.pools };
};
