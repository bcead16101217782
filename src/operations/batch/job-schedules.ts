// What the operations on job schedules do. Making jobs in time, and what becomes of them at the end, is the reconciler's business; only a
// job that is due at once comes with its schedule in one commit, because clients look for it in their very next request.
import type * as api from "../../api/batch/job-schedules.ts";
import { ApiError } from "../../api/errors.ts";
import { checkConditions } from "../../domain/conditions.ts";
import { checkJobSpecification, inheritRetries } from "../../domain/job-checks.ts";
import {
  changeState,
  type JobSchedule,
  type JobScheduleChange,
  type JobScheduleEvent,
  type JobScheduleRefusal,
  type JobScheduleSpec,
  nextStep,
  updateSchedule,
} from "../../domain/job-schedules.ts";
import { keyOf } from "../../domain/new-pool.ts";
import { instantOf, type Stamp } from "../../lib/clock.ts";
import { jobGuards } from "../../scheduler/quotas.ts";
import { makeScheduledJob } from "../../scheduler/reconcilers/job-schedules.ts";
import type { Reader } from "../../store/db.ts";
import * as store from "../../store/job-schedules.ts";
import { getJob } from "../../store/jobs.ts";
import type { Handler, Preconditions, Services } from "../handler.ts";
import { allowed, cutPage } from "./load.ts";
import { statisticsOfJobs, statisticsOfSchedule } from "./statistics.ts";
import { jobScheduleView } from "./views/job-schedules.ts";
import { jobView } from "./views/jobs.ts";

export const addJobSchedule: Handler<typeof api.addJobSchedule> = async ({ principal: { accountId }, body }, services) => {
  checkJobSpecification(body.jobSpecification, services);
  const schedule = newSchedule(body, accountId, services.clock.stamp());
  const first = await services.store.decide(async (read) => {
    await refuseTakenId(read, schedule);
    const guards = await jobGuards(read, accountId, services.quotas);
    const next = nextStep(schedule, false, instantOf(schedule.createdAt));
    if (next.do !== "make") return { writes: [...guards, store.insertJobSchedule(schedule)], result: undefined };
    const made = await makeScheduledJob(services, read, schedule, next.dueAt);
    return { writes: [...guards, store.insertJobSchedule(made.schedule), ...made.writes], result: made };
  });
  const { wake } = services;
  wake.jobSchedule(accountId, schedule.key);
  if (first?.pool !== undefined) wake.resize(accountId, first.pool.key);
  if (first !== undefined) {
    wake.job(accountId, first.job.key);
    wake.pool(accountId, first.job.poolKey);
  }
  return { created: schedule.id, modified: schedule.modified };
};

const newSchedule = (body: JobScheduleSpec, accountId: number, stamp: Stamp): JobSchedule => ({
  accountId,
  key: keyOf(body.id),
  id: body.id,
  createdAt: stamp,
  state: "active",
  stateChangedAt: instantOf(stamp),
  spec: { ...body, jobSpecification: inheritRetries(body.jobSpecification) },
  jobsMade: 0,
  modified: stamp,
  generation: 0,
});

/** Jobs and schedules share their ids. */
const refuseTakenId = async (read: Reader, { accountId, key }: JobSchedule): Promise<void> => {
  const existing = await store.getJobSchedule(read, accountId, key);
  if (existing !== undefined) throw new ApiError(existing.state === "deleting" ? "JobScheduleBeingDeleted" : "JobScheduleExists");
  if ((await getJob(read, accountId, key)) !== undefined) throw new ApiError("JobWithSameIdExists");
};

const loadSchedule = async (read: Reader, accountId: number, id: string): Promise<JobSchedule> => {
  const schedule = await store.getJobSchedule(read, accountId, keyOf(id));
  if (schedule === undefined) throw new ApiError("JobScheduleNotFound");
  return schedule;
};

export const getJobSchedule: Handler<typeof api.getJobSchedule> = async (request, { store: read }) => {
  const { principal, params, preconditions, baseUrl, now } = request;
  const schedule = await loadSchedule(read, principal.accountId, params.jobScheduleId);
  checkConditions(preconditions, schedule.modified, "read");
  const stats = await statisticsOfSchedule(read, schedule, request);
  return { body: { ...jobScheduleView(schedule, now, baseUrl), stats }, modified: schedule.modified };
};

export const jobScheduleExists: Handler<typeof api.jobScheduleExists> = async ({ principal, params, preconditions }, { store: read }) => {
  const schedule = await loadSchedule(read, principal.accountId, params.jobScheduleId);
  checkConditions(preconditions, schedule.modified, "read");
  return { modified: schedule.modified };
};

export const listJobSchedules: Handler<typeof api.listJobSchedules> = async (request, { store: read }) => {
  const { principal, page, filter, baseUrl, now } = request;
  const { elements, next } = cutPage(
    await store.listJobSchedules(read, { accountId: principal.accountId, ...page, limit: page.limit + 1, filter }),
    page.limit,
    (schedule) => schedule.key,
  );
  const items = elements.map(async (schedule) => ({
    ...jobScheduleView(schedule, now, baseUrl),
    stats: await statisticsOfSchedule(read, schedule, request),
  }));
  return { items: await Promise.all(items), next };
};

export const listJobsFromJobSchedule: Handler<typeof api.listJobsFromJobSchedule> = async (request, { store: read }) => {
  const { principal, params, page, filter, baseUrl } = request;
  const { accountId, key } = await loadSchedule(read, principal.accountId, params.jobScheduleId);
  const { elements, next } = cutPage(
    await store.listJobsOfSchedule(read, { accountId, scheduleKey: key, ...page, limit: page.limit + 1, filter }),
    page.limit,
    (job) => job.key,
  );
  const stats = await statisticsOfJobs(read, elements, request);
  return { items: elements.map((job) => ({ ...jobView(job, baseUrl), stats: stats(job) })), next };
};

/** Each part that is given replaces the one before as a whole. */
export const patchJobSchedule: Handler<typeof api.patchJobSchedule> = (request, services) => updateWith(request, services, request.body);

/** Metadata that is left out is removed. */
export const updateJobSchedule: Handler<typeof api.updateJobSchedule> = (request, services) =>
  updateWith(request, services, { ...request.body, metadata: request.body.metadata ?? [] });

const updateWith = (request: ScheduleRequest, services: Services, change: JobScheduleChange): Promise<{ modified: Stamp }> =>
  changeSchedule(request, services, (schedule) => {
    const { jobSpecification } = change;
    const verdict = updateSchedule(
      schedule,
      jobSpecification === undefined ? change : { ...change, jobSpecification: inheritRetries(jobSpecification) },
    );
    if ("after" in verdict && jobSpecification !== undefined) checkJobSpecification(jobSpecification, services);
    return verdict;
  });

/** The 204 or 202 is answered with the state already changed; clients poll for what follows. */
const changeTo =
  (event: JobScheduleEvent) =>
  (request: ScheduleRequest & { now: number }, services: Services): Promise<{ modified: Stamp }> =>
    changeSchedule(request, services, (schedule) => changeState(schedule, event, request.now));

export const disableJobSchedule: Handler<typeof api.disableJobSchedule> = changeTo("disable");
export const enableJobSchedule: Handler<typeof api.enableJobSchedule> = changeTo("enable");

/** `force` is taken and changes nothing: nobody waits for nodes here. */
export const terminateJobSchedule: Handler<typeof api.terminateJobSchedule> = changeTo("terminate");

export const deleteJobSchedule: Handler<typeof api.deleteJobSchedule> = async (request, services) => {
  await changeTo("delete")(request, services);
  return {};
};

type ScheduleRequest = { principal: { accountId: number }; params: { jobScheduleId: string }; preconditions: Preconditions };

/** Loads, lets `change` decide, saves under a new ETag, rings. */
const changeSchedule = async (
  request: ScheduleRequest,
  services: Services,
  change: (schedule: JobSchedule) => { after: JobSchedule } | JobScheduleRefusal,
): Promise<{ modified: Stamp }> => {
  const after = await services.store.decide(async (read) => {
    const before = await loadSchedule(read, request.principal.accountId, request.params.jobScheduleId);
    checkConditions(request.preconditions, before.modified, "write");
    const after = { ...allowed(change(before)), modified: services.clock.stamp() };
    return { writes: [store.saveJobSchedule(after)], result: after };
  });
  services.wake.jobSchedule(after.accountId, after.key);
  return { modified: after.modified };
};
