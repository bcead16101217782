// Job schedules: what clients say of them, what they are, and the operations on them and on the list of their jobs. Data only.
import { f, model, required } from "../fields.ts";
import { noQuery, operation } from "../operation.ts";
import { chosenId, displayName, MetadataItem, minuteMs } from "./common.ts";
import { CloudJob, jobSettings } from "./jobs.ts";
import { expandableListQuery, expandableQuery, forceQuery } from "./queries.ts";
import { JobScheduleStatistics } from "./statistics.ts";

export const jobScheduleState = ["active", "completed", "disabled", "terminating", "deleting"] as const;

/** Without an interval there is one job; without a window a job that is due can be made at any time before the next one is. */
export const Schedule = model("Schedule", {
  doNotRunUntil: f.dateTime(),
  doNotRunAfter: f.dateTime(),
  startWindow: f.duration({ minMs: minuteMs }),
  recurrenceInterval: f.duration({ minMs: minuteMs }),
});

/** A job less its id, with the defaults of a job. */
export const JobSpecification = model("JobSpecification", jobSettings);

export const RecentJob = model("RecentJob", {
  id: f.string(),
  url: f.string(),
});

export const JobScheduleExecutionInformation = model("JobScheduleExecutionInformation", {
  nextRunTime: f.dateTime(),
  recentJob: f.object(RecentJob),
  endTime: f.dateTime(),
});

const metadata = f.array(f.object(MetadataItem), { omitEmpty: true });

export const JobScheduleAddParameter = model("JobScheduleAddParameter", {
  id: required(f.string(chosenId)),
  displayName: f.string(displayName),
  schedule: required(f.object(Schedule)),
  jobSpecification: required(f.object(JobSpecification)),
  metadata,
});

export const CloudJobSchedule = model("CloudJobSchedule", {
  id: f.string(),
  displayName: f.string(displayName),
  url: f.string(),
  eTag: f.string(),
  lastModified: f.dateTime(),
  creationTime: f.dateTime(),
  state: f.enum(jobScheduleState),
  stateTransitionTime: f.dateTime(),
  previousState: f.enum(jobScheduleState),
  previousStateTransitionTime: f.dateTime(),
  schedule: f.object(Schedule),
  jobSpecification: f.object(JobSpecification),
  executionInfo: f.object(JobScheduleExecutionInformation),
  metadata,
  stats: f.object(JobScheduleStatistics),
});

/** What is present replaces what the schedule has, each as a whole. */
export const JobSchedulePatchParameter = model("JobSchedulePatchParameter", {
  schedule: f.object(Schedule),
  jobSpecification: f.object(JobSpecification),
  metadata,
});

/** Replaces all of it; metadata that is left out is removed. */
export const JobScheduleUpdateParameter = model("JobScheduleUpdateParameter", {
  schedule: required(f.object(Schedule)),
  jobSpecification: required(f.object(JobSpecification)),
  metadata,
});

const oneSchedule = "/jobschedules/{jobScheduleId}";
const changed = { etag: true, dataServiceId: true } as const;
const ending = ["JobScheduleNotFound", "JobScheduleBeingDeleted", "JobScheduleBeingTerminated", "JobScheduleCompleted"] as const;
/** Of the jobs that it would make: refused like those of Job_Add. */
const ofSpecification = ["JobPreparationTaskNotSpecified", "TaskIdSameAsJobPreparationTask", "TaskIdSameAsJobReleaseTask"] as const;

export const addJobSchedule = operation("JobSchedule_Add", {
  method: "POST",
  path: "/jobschedules",
  summary: "Adds a job schedule to the account.",
  query: noQuery,
  body: JobScheduleAddParameter,
  conditions: "none",
  answer: { status: 201, ...changed, location: true },
  errors: ["JobScheduleExists", "JobScheduleBeingDeleted", "JobWithSameIdExists", "ActiveJobAndScheduleQuotaReached", ...ofSpecification],
});

export const listJobSchedules = operation("JobSchedule_List", {
  method: "GET",
  path: "/jobschedules",
  summary: "Lists the job schedules of the account.",
  query: expandableListQuery,
  conditions: "none",
  answer: { status: 200, item: CloudJobSchedule, metadata: "jobschedules" },
  errors: [],
});

export const getJobSchedule = operation("JobSchedule_Get", {
  method: "GET",
  path: oneSchedule,
  summary: "Reads a job schedule.",
  query: expandableQuery,
  conditions: "all",
  answer: { status: 200, body: CloudJobSchedule, metadata: "jobschedules/@Element", etag: true },
  errors: ["JobScheduleNotFound"],
});

export const jobScheduleExists = operation("JobSchedule_Exists", {
  method: "HEAD",
  path: oneSchedule,
  summary: "Tells whether a job schedule is there.",
  query: noQuery,
  conditions: "all",
  answer: { status: 200, etag: true },
  errors: ["JobScheduleNotFound"],
});

export const patchJobSchedule = operation("JobSchedule_Patch", {
  method: "PATCH",
  path: oneSchedule,
  summary: "Changes the parts of a job schedule that are given, for the jobs that it makes from then on.",
  query: noQuery,
  body: JobSchedulePatchParameter,
  conditions: "all",
  answer: { status: 200, ...changed },
  errors: [...ending, "JobScheduleDisabled", ...ofSpecification],
});

export const updateJobSchedule = operation("JobSchedule_Update", {
  method: "PUT",
  path: oneSchedule,
  summary: "Replaces the schedule and the job specification of a job schedule, for the jobs that it makes from then on.",
  query: noQuery,
  body: JobScheduleUpdateParameter,
  conditions: "all",
  answer: { status: 200, ...changed },
  errors: [...ending, "JobScheduleDisabled", ...ofSpecification],
});

export const deleteJobSchedule = operation("JobSchedule_Delete", {
  method: "DELETE",
  path: oneSchedule,
  summary: "Deletes a job schedule with all of its jobs.",
  query: forceQuery,
  conditions: "all",
  answer: { status: 202 },
  errors: ["JobScheduleNotFound", "JobScheduleBeingDeleted"],
});

export const disableJobSchedule = operation("JobSchedule_Disable", {
  method: "POST",
  path: `${oneSchedule}/disable`,
  summary: "Keeps a job schedule from making jobs; a job that runs goes on.",
  query: noQuery,
  conditions: "all",
  answer: { status: 204, ...changed },
  errors: ending,
});

export const enableJobSchedule = operation("JobSchedule_Enable", {
  method: "POST",
  path: `${oneSchedule}/enable`,
  summary: "Lets a disabled job schedule make jobs again.",
  query: noQuery,
  conditions: "all",
  answer: { status: 204, ...changed },
  errors: ending,
});

export const terminateJobSchedule = operation("JobSchedule_Terminate", {
  method: "POST",
  path: `${oneSchedule}/terminate`,
  summary: "Ends a job schedule and the job of it that is active.",
  query: forceQuery,
  conditions: "all",
  answer: { status: 202, ...changed },
  errors: ending,
});

export const listJobsFromJobSchedule = operation("Job_ListFromJobSchedule", {
  method: "GET",
  path: `${oneSchedule}/jobs`,
  summary: "Lists the jobs that a job schedule has made.",
  query: expandableListQuery,
  conditions: "none",
  answer: { status: 200, item: CloudJob, metadata: "jobs" },
  errors: ["JobScheduleNotFound"],
});
