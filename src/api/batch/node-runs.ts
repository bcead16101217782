// What ran on single nodes for a job or a task: its preparation and release task on each node, and the subtasks of a multi-instance
// task. Data only.
import { f, model, required } from "../fields.ts";
import { operation } from "../operation.ts";
import { TaskContainerExecutionInformation } from "./containers.ts";
import { TaskFailureInformation } from "./failures.ts";
import { selectListQuery, selectQuery } from "./queries.ts";
import { recorded } from "./recorded.ts";
import { taskExecutionResult } from "./start-tasks.ts";
import { ComputeNodeInformation } from "./tasks.ts";

const containerInfo = f.object(TaskContainerExecutionInformation, { since: "2017-09-01.6.0" });
const failureInfo = f.object(TaskFailureInformation, { renamed: [{ until: "2017-01-01.4.0", as: "schedulingError" }] });
const result = f.enum(taskExecutionResult, { since: "2017-05-01.5.0" });

/** What preparation and release have in common; only the former is retried. */
const execution = {
  startTime: required(f.dateTime()),
  endTime: f.dateTime(),
  state: required(f.enum(["running", "completed"])),
  taskRootDirectory: f.string(),
  taskRootDirectoryUrl: f.string(),
  exitCode: f.int32(),
  containerInfo,
  failureInfo,
  result,
};

export const JobPreparationTaskExecutionInformation = model("JobPreparationTaskExecutionInformation", {
  ...execution,
  retryCount: required(f.int32()),
  lastRetryTime: f.dateTime(),
});

export const JobReleaseTaskExecutionInformation = model("JobReleaseTaskExecutionInformation", execution);

export const JobPreparationAndReleaseTaskExecutionInformation = model("JobPreparationAndReleaseTaskExecutionInformation", {
  poolId: f.string(),
  nodeId: f.string(),
  nodeUrl: f.string(),
  jobPreparationTaskExecutionInfo: f.object(JobPreparationTaskExecutionInformation),
  jobReleaseTaskExecutionInfo: f.object(JobReleaseTaskExecutionInformation),
});

const subtaskState = ["preparing", "running", "completed"] as const;

export const SubtaskInformation = model("SubtaskInformation", {
  id: f.int32(),
  nodeInfo: f.object(ComputeNodeInformation),
  startTime: f.dateTime(),
  endTime: f.dateTime(),
  exitCode: f.int32(),
  containerInfo,
  failureInfo,
  state: f.enum(subtaskState),
  stateTransitionTime: f.dateTime(),
  previousState: f.enum(subtaskState),
  previousStateTransitionTime: f.dateTime(),
  result,
});

export const listPreparationAndReleaseTaskStatus = operation("Job_ListPreparationAndReleaseTaskStatus", {
  method: "GET",
  path: "/jobs/{jobId}/jobpreparationandreleasetaskstatus",
  recorded: recorded.noRuns,
  summary: "Lists how a job's preparation and release tasks went on each node that they ran on.",
  query: selectListQuery,
  conditions: "none",
  answer: {
    status: 200,
    item: JobPreparationAndReleaseTaskExecutionInformation,
    metadata: "jobpreparationandreleasetaskstatuslist",
  },
  errors: ["JobNotFound", "JobPreparationTaskOrReleaseTaskNotSpecified"],
});

/** All of them in one answer: it has no pages. */
export const listSubtasks = operation("Task_ListSubtasks", {
  method: "GET",
  path: "/jobs/{jobId}/tasks/{taskId}/subtasksinfo",
  recorded: recorded.noRuns,
  summary: "Lists the subtasks of a multi-instance task; a task of one node has none.",
  query: selectQuery,
  conditions: "none",
  // What follows $metadata#: unverified.
  answer: { status: 200, item: SubtaskInformation, metadata: "subtasks" },
  errors: ["JobNotFound", "TaskNotFound"],
});
