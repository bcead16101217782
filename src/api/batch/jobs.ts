// Jobs: what clients say of them, what they are, and the operations on them. Data only.
import { unlimitedDuration } from "../../lib/duration.ts";
import { f, legacy, model, required } from "../fields.ts";
import { noQuery, operation } from "../operation.ts";
import { chosenId, displayName, EnvironmentSetting, MetadataItem, referencedId, retries } from "./common.ts";
import { JobSchedulingError } from "./failures.ts";
import { JobManagerTask, JobPreparationTask, JobReleaseTask } from "./job-tasks.ts";
import { JobNetworkConfiguration } from "./network.ts";
import { PoolSpecification } from "./pool-settings.ts";
import { expandableListQuery, expandableQuery, forceQuery } from "./queries.ts";
import { recorded } from "./recorded.ts";
import { JobStatistics } from "./statistics.ts";

export const AutoPoolSpecification = model("AutoPoolSpecification", {
  autoPoolIdPrefix: f.string({ maxLength: 20, pattern: /^[A-Za-z0-9_-]*$/, what: "letters, digits, hyphens and underscores" }),
  poolLifetimeOption: required(f.enum(["jobschedule", "job"])),
  keepAlive: f.boolean({ default: false }),
  pool: f.object(PoolSpecification),
});

export const PoolInformation = model(
  "PoolInformation",
  {
    poolId: f.string(referencedId),
    autoPoolSpecification: f.object(AutoPoolSpecification),
  },
  { rules: [{ rule: "exactlyOne", of: ["poolId", "autoPoolSpecification"] }] },
);

/** Replaced as a whole: what is left out goes back to its default. */
export const JobConstraints = model("JobConstraints", {
  maxWallClockTime: f.duration({ minMs: 0, default: unlimitedDuration }),
  maxTaskRetryCount: f.int32({ ...retries, default: 0 }),
});

export const jobState = ["active", "disabling", "disabled", "enabling", "terminating", "completed", "deleting"] as const;

export const JobExecutionInformation = model("JobExecutionInformation", {
  startTime: required(f.dateTime()),
  endTime: f.dateTime(),
  poolId: f.string(),
  schedulingError: f.object(JobSchedulingError),
  terminateReason: f.string(),
});

const priority = { min: -1000, max: 1000 } as const;
/** -1 is "as many as fit". */
const maxParallelTasks = { min: -1, not: 0 } as const;
const onAllTasksComplete = ["noaction", "terminatejob"] as const;
const onTaskFailure = ["noaction", "performexitoptionsjobaction"] as const;
const metadata = f.array(f.object(MetadataItem), { omitEmpty: true });

/** What a job and the jobs of a schedule are made of, less the id. */
export const jobSettings = {
  displayName: f.string(displayName),
  priority: f.int32({ ...priority, default: 0 }),
  maxParallelTasks: f.int32({ ...maxParallelTasks, since: "2021-06-01.14.0", default: -1 }),
  allowTaskPreemption: f.boolean({ since: "2022-01-01.15.0", default: false, recorded: recorded.preemption }),
  usesTaskDependencies: f.boolean({ default: false }),
  constraints: f.object(JobConstraints, { default: {} }),
  jobManagerTask: f.object(JobManagerTask, { recorded: recorded.manager }),
  jobPreparationTask: f.object(JobPreparationTask, { recorded: recorded.preparation }),
  jobReleaseTask: f.object(JobReleaseTask, { recorded: recorded.release }),
  commonEnvironmentSettings: f.array(f.object(EnvironmentSetting), { omitEmpty: true }),
  poolInfo: required(f.object(PoolInformation)),
  onAllTasksComplete: f.enum(onAllTasksComplete, { since: "2016-07-01.3.1", default: "noaction" }),
  onTaskFailure: f.enum(onTaskFailure, { since: "2016-07-01.3.1", default: "noaction" }),
  networkConfiguration: f.object(JobNetworkConfiguration, { since: "2018-12-01.8.0", recorded: recorded.azureNetwork }),
  metadata,
};

export const JobAddParameter = model("JobAddParameter", { id: required(f.string(chosenId)), ...jobSettings });

export const CloudJob = model("CloudJob", {
  id: f.string(),
  url: f.string(),
  eTag: f.string(),
  lastModified: f.dateTime(),
  creationTime: f.dateTime(),
  state: f.enum(jobState),
  stateTransitionTime: f.dateTime(),
  previousState: f.enum(jobState),
  previousStateTransitionTime: f.dateTime(),
  ...jobSettings,
  poolInfo: f.object(PoolInformation),
  executionInfo: f.object(JobExecutionInformation),
  stats: f.object(JobStatistics),
});

/** What is present replaces what the job has. */
export const JobPatchParameter = model("JobPatchParameter", {
  priority: f.int32(priority),
  maxParallelTasks: f.int32({ ...maxParallelTasks, since: "2021-06-01.14.0" }),
  allowTaskPreemption: f.boolean({ since: "2022-01-01.15.0", recorded: recorded.preemption }),
  onAllTasksComplete: f.enum(onAllTasksComplete, { since: "2016-07-01.3.1" }),
  constraints: f.object(JobConstraints),
  poolInfo: f.object(PoolInformation),
  networkConfiguration: f.object(JobNetworkConfiguration, { since: "2024-07-01.20.0", recorded: recorded.azureNetwork }),
  metadata,
});

/** Replaces all of it: what is left out goes back to its default, metadata is removed. */
export const JobUpdateParameter = model("JobUpdateParameter", {
  priority: f.int32({ ...priority, default: 0 }),
  maxParallelTasks: f.int32({ ...maxParallelTasks, since: "2022-01-01.15.0", default: -1 }),
  allowTaskPreemption: f.boolean({ since: "2022-01-01.15.0", default: false, recorded: recorded.preemption }),
  constraints: f.object(JobConstraints, { default: {} }),
  poolInfo: required(f.object(PoolInformation)),
  metadata,
  onAllTasksComplete: f.enum(onAllTasksComplete, { since: "2016-07-01.3.1", default: "noaction" }),
});

export const JobDisableParameter = model("JobDisableParameter", {
  disableTasks: required(f.enum(["requeue", "terminate", "wait"])),
});

export const JobTerminateParameter = model("JobTerminateParameter", {
  terminateReason: f.string({ default: "UserTerminate" }),
});

const counts = {
  active: required(f.int32()),
  running: required(f.int32()),
  completed: required(f.int32()),
  succeeded: required(f.int32()),
  failed: required(f.int32()),
};

export const TaskCounts = model("TaskCounts", counts);
export const TaskSlotCounts = model("TaskSlotCounts", counts);

const flat = legacy(f.int32({ until: "2020-03-01.11.0", requiredIn: { until: "2020-03-01.11.0" } }));

/** Counts of tasks and of slots; older versions have those of tasks alone, flat, and the oldest say that they are exact. */
export const TaskCountsResult = model(
  "TaskCountsResult",
  {
    taskCounts: required(f.object(TaskCounts, { since: "2020-09-01.12.0" })),
    taskSlotCounts: required(f.object(TaskSlotCounts, { since: "2020-09-01.12.0" })),
    active: flat,
    running: flat,
    completed: flat,
    succeeded: flat,
    failed: flat,
    validationStatus: legacy(f.string({ until: "2018-03-01.6.1", requiredIn: { until: "2018-03-01.6.1" } })),
  },
  {
    conversions: [
      {
        until: "2020-03-01.11.0",
        down: (value) => {
          Object.assign(value, value.taskCounts, { validationStatus: "validated" });
        },
      },
    ],
  },
);

const oneJob = "/jobs/{jobId}";
const changed = { etag: true, dataServiceId: true } as const;
const ending = ["JobNotFound", "JobBeingDeleted", "JobBeingTerminated", "JobCompleted"] as const;

export const addJob = operation("Job_Add", {
  method: "POST",
  path: "/jobs",
  summary: "Adds a job to the account.",
  query: noQuery,
  body: JobAddParameter,
  conditions: "none",
  answer: { status: 201, ...changed, location: true },
  errors: [
    "JobExists",
    "JobBeingDeleted",
    "JobScheduleWithSameIdExists",
    "ActiveJobAndScheduleQuotaReached",
    "JobPreparationTaskNotSpecified",
    "TaskIdSameAsJobPreparationTask",
    "TaskIdSameAsJobReleaseTask",
  ],
});

export const listJobs = operation("Job_List", {
  method: "GET",
  path: "/jobs",
  summary: "Lists the jobs of the account.",
  query: expandableListQuery,
  conditions: "none",
  answer: { status: 200, item: CloudJob, metadata: "jobs" },
  errors: [],
});

export const getJob = operation("Job_Get", {
  method: "GET",
  path: oneJob,
  summary: "Reads a job.",
  query: expandableQuery,
  conditions: "all",
  answer: { status: 200, body: CloudJob, metadata: "jobs/@Element", etag: true },
  errors: ["JobNotFound"],
});

export const patchJob = operation("Job_Patch", {
  method: "PATCH",
  path: oneJob,
  summary: "Changes the properties of a job that are given.",
  query: noQuery,
  body: JobPatchParameter,
  conditions: "all",
  answer: { status: 200, ...changed },
  errors: [...ending, "OperationInvalidForCurrentState"],
});

export const updateJob = operation("Job_Update", {
  method: "PUT",
  path: oneJob,
  summary: "Replaces the updatable properties of a job, resetting what is left out.",
  query: noQuery,
  body: JobUpdateParameter,
  conditions: "all",
  answer: { status: 200, ...changed },
  errors: [...ending, "OperationInvalidForCurrentState"],
});

export const deleteJob = operation("Job_Delete", {
  method: "DELETE",
  path: oneJob,
  summary: "Deletes a job with its tasks and their files.",
  query: forceQuery,
  conditions: "all",
  answer: { status: 202 },
  errors: ["JobNotFound", "JobBeingDeleted"],
});

export const disableJob = operation("Job_Disable", {
  method: "POST",
  path: `${oneJob}/disable`,
  summary: "Keeps a job's tasks from running.",
  query: noQuery,
  body: JobDisableParameter,
  conditions: "all",
  answer: { status: 202, ...changed },
  errors: [...ending, "JobNotActive"],
});

export const enableJob = operation("Job_Enable", {
  method: "POST",
  path: `${oneJob}/enable`,
  summary: "Lets a disabled job's tasks run again.",
  query: noQuery,
  conditions: "all",
  answer: { status: 202, ...changed },
  errors: [...ending, "JobNotActive", "JobDisabled", "OperationInvalidForCurrentState"],
});

export const terminateJob = operation("Job_Terminate", {
  method: "POST",
  path: `${oneJob}/terminate`,
  summary: "Ends a job: running tasks are stopped, then it is completed.",
  query: forceQuery,
  body: JobTerminateParameter,
  bodyOptional: true,
  conditions: "all",
  answer: { status: 202, ...changed },
  errors: ending,
});

export const getJobTaskCounts = operation("Job_GetTaskCounts", {
  since: "2017-06-01.5.1",
  method: "GET",
  path: `${oneJob}/taskcounts`,
  summary: "Counts the tasks of a job by state.",
  query: noQuery,
  conditions: "none",
  answer: { status: 200, body: TaskCountsResult, metadata: "taskcountsresult/@Element" },
  errors: ["JobNotFound"],
});
