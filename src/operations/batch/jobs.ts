// What the operations on jobs do. What a disable, terminate or delete under way does with running tasks is the job reconciler's business.
import type * as api from "../../api/batch/jobs.ts";
import { ApiError } from "../../api/errors.ts";
import { checkConditions } from "../../domain/conditions.ts";
import { changedSpec, checkJob, checkJobChange, type JobChange } from "../../domain/job-checks.ts";
import {
  defaultTerminateReason,
  deleteJob as deletedJob,
  disableJob as disabledJob,
  enableJob as enabledJob,
  type Job,
  type JobRefusal,
  jobStates,
  terminateJob as terminatedJob,
} from "../../domain/jobs.ts";
import { newJob } from "../../domain/new-job.ts";
import { keyOf } from "../../domain/new-pool.ts";
import type { Stamp } from "../../lib/clock.ts";
import { rowsOfNewJob } from "../../scheduler/auto-pools.ts";
import { jobGuards } from "../../scheduler/quotas.ts";
import { getJobSchedule } from "../../store/job-schedules.ts";
import * as store from "../../store/jobs.ts";
import type { Handler, Preconditions, Services } from "../handler.ts";
import { allowed, cutPage, loadJob } from "./load.ts";
import { statisticsOfJobs } from "./statistics.ts";
import { countsView, jobView } from "./views/jobs.ts";

export const addJob: Handler<typeof api.addJob> = async ({ principal: { accountId }, body }, services) => {
  checkJob(body, services);
  const made = newJob(body, { accountId, stamp: services.clock.stamp(), ids: services.ids });
  const { job, pool } = await services.store.decide(async (read) => {
    const existing = await store.getJob(read, accountId, made.job.key);
    if (existing !== undefined) throw new ApiError(existing.state === "deleting" ? "JobBeingDeleted" : "JobExists");
    if ((await getJobSchedule(read, accountId, made.job.key)) !== undefined) throw new ApiError("JobScheduleWithSameIdExists");
    const guards = await jobGuards(read, accountId, services.quotas);
    const rows = await rowsOfNewJob(read, made, services.clock.now(), services.quotas);
    return { writes: [...guards, ...rows.writes], result: rows };
  });
  if (pool !== undefined) services.wake.resize(accountId, pool.key);
  ring(services, job);
  return { created: job.id, modified: job.modified };
};

export const getJob: Handler<typeof api.getJob> = async (request, { store: read }) => {
  const job = await loadJob(read, request.principal.accountId, request.params.jobId);
  checkConditions(request.preconditions, job.modified, "read");
  const stats = await statisticsOfJobs(read, [job], request);
  return { body: { ...jobView(job, request.baseUrl), stats: stats(job) }, modified: job.modified };
};

export const listJobs: Handler<typeof api.listJobs> = async (request, { store: read }) => {
  const { page, filter, baseUrl } = request;
  const { accountId } = request.principal;
  const { elements, next } = cutPage(
    await store.listJobs(read, { accountId, ...page, limit: page.limit + 1, filter }),
    page.limit,
    (job) => job.key,
  );
  const stats = await statisticsOfJobs(read, elements, request);
  return { items: elements.map((job) => ({ ...jobView(job, baseUrl), stats: stats(job) })), next };
};

export const getJobTaskCounts: Handler<typeof api.getJobTaskCounts> = async ({ principal, params }, { store: read }) => {
  const job = await loadJob(read, principal.accountId, params.jobId);
  const counts = await store.jobCounts(read, principal.accountId, job.uid);
  if (counts === undefined) throw new ApiError("JobNotFound");
  return { body: countsView(counts) };
};

/** Each part that is given replaces the one before as a whole. */
export const patchJob: Handler<typeof api.patchJob> = (request, services) => updateWith(request, services, request.body);

/** What is left out goes back to its default, which the declaration filled in; metadata has none and is removed. */
export const updateJob: Handler<typeof api.updateJob> = (request, services) =>
  updateWith(request, services, { ...request.body, metadata: request.body.metadata ?? [] });

const updateWith = (request: JobRequest, services: Services, change: JobChange): Promise<{ modified: Stamp }> =>
  changeJob(request, services, (job) => {
    const move = jobStates.next(job.state, "update");
    if (move.refused !== undefined) return { refused: move.refused };
    checkJobChange(job, change, services);
    const spec = changedSpec(job.spec, change);
    const poolId = spec.poolInfo.poolId ?? job.execution.poolId;
    const poolKey = poolId === undefined ? job.poolKey : keyOf(poolId);
    return { after: { ...job, spec, priority: spec.priority ?? 0, poolKey, execution: { ...job.execution, poolId } } };
  });

export const disableJob: Handler<typeof api.disableJob> = (request, services) =>
  changeJob(request, services, (job) => disabledJob(job, request.body.disableTasks, request.now));

export const enableJob: Handler<typeof api.enableJob> = (request, services) =>
  changeJob(request, services, (job) => enabledJob(job, request.now));

export const terminateJob: Handler<typeof api.terminateJob> = (request, services) => {
  const reason = request.body?.terminateReason ?? defaultTerminateReason;
  return changeJob(request, services, (job) => terminatedJob(job, reason, request.now));
};

export const deleteJob: Handler<typeof api.deleteJob> = async (request, services) => {
  await changeJob(request, services, (job) => deletedJob(job, request.now));
  return {};
};

type JobRequest = { principal: { accountId: number }; params: { jobId: string }; preconditions: Preconditions };

/** Loads, lets `change` decide, saves under a new ETag, rings. */
const changeJob = async (
  request: JobRequest,
  services: Services,
  change: (job: Job) => { after: Job } | JobRefusal,
): Promise<{ modified: Stamp }> => {
  const { before, after } = await services.store.decide(async (read) => {
    const before = await loadJob(read, request.principal.accountId, request.params.jobId);
    checkConditions(request.preconditions, before.modified, "write");
    const after = { ...allowed(change(before)), modified: services.clock.stamp() };
    return { writes: store.saveJob(after), result: { before, after } };
  });
  if (before.poolKey !== after.poolKey) services.wake.pool(before.accountId, before.poolKey);
  ring(services, after);
  return { modified: after.modified };
};

const ring = ({ wake }: Services, job: Job): void => {
  wake.job(job.accountId, job.key);
  wake.pool(job.accountId, job.poolKey);
};
