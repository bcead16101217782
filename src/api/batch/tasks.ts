// Tasks: what clients say of them, what they are, and the operations on them. Data only.
import { f, model, required } from "../fields.ts";
import { noQuery, operation } from "../operation.ts";
import { chosenId, displayName } from "./common.ts";
import { TaskContainerExecutionInformation } from "./containers.ts";
import { BatchError, TaskFailureInformation } from "./failures.ts";
import { elevation } from "./identities.ts";
import { TaskConstraints, taskFields, workFields } from "./job-tasks.ts";
import { expandableListQuery, expandableQuery } from "./queries.ts";
import { recorded } from "./recorded.ts";
import { ResourceFile } from "./staging.ts";
import { taskExecutionResult } from "./start-tasks.ts";
import { TaskStatistics } from "./statistics.ts";

export const taskState = ["active", "preparing", "running", "completed"] as const;

export const AffinityInformation = model("AffinityInformation", {
  affinityId: required(f.string({ minLength: 1 })),
});

/** No defaults here: they depend on how the task ended (domain). */
export const ExitOptions = model("ExitOptions", {
  jobAction: f.enum(["none", "disable", "terminate"]),
  dependencyAction: f.enum(["satisfy", "block"], { since: "2017-01-01.4.0" }),
});

export const ExitCodeMapping = model("ExitCodeMapping", {
  code: required(f.int32()),
  exitOptions: required(f.object(ExitOptions)),
});

/** Both ends belong to the range. */
export const ExitCodeRangeMapping = model("ExitCodeRangeMapping", {
  start: required(f.int32()),
  end: required(f.int32()),
  exitOptions: required(f.object(ExitOptions)),
});

export const ExitConditions = model("ExitConditions", {
  exitCodes: f.array(f.object(ExitCodeMapping)),
  exitCodeRanges: f.array(f.object(ExitCodeRangeMapping)),
  preProcessingError: f.object(ExitOptions, { renamed: [{ until: "2017-01-01.4.0", as: "schedulingError" }] }),
  fileUploadError: f.object(ExitOptions, { since: "2017-05-01.5.0" }),
  default: f.object(ExitOptions),
});

export const MultiInstanceSettings = model("MultiInstanceSettings", {
  numberOfInstances: f.int32({ min: 1, requiredIn: { until: "2017-06-01.5.1" }, default: 1 }),
  coordinationCommandLine: f.string({ minLength: 1, requiredIn: { since: "2017-09-01.6.0" } }),
  commonResourceFiles: f.array(f.object(ResourceFile)),
});

export const TaskIdRange = model("TaskIdRange", {
  start: required(f.int32()),
  end: required(f.int32()),
});

/** The total length of `taskIds` (64,000 characters) is checked where the task is added: it has a code of its own. */
export const TaskDependencies = model("TaskDependencies", {
  taskIds: f.array(f.string({ minLength: 1 })),
  taskIdRanges: f.array(f.object(TaskIdRange)),
});

export const ComputeNodeInformation = model("ComputeNodeInformation", {
  affinityId: f.string(),
  nodeUrl: f.string(),
  poolId: f.string(),
  nodeId: f.string(),
  taskRootDirectory: f.string(),
  taskRootDirectoryUrl: f.string(),
});

export const TaskExecutionInformation = model("TaskExecutionInformation", {
  startTime: f.dateTime(),
  endTime: f.dateTime(),
  exitCode: f.int32(),
  containerInfo: f.object(TaskContainerExecutionInformation, { since: "2017-09-01.6.0", recorded: recorded.neverSent }),
  failureInfo: f.object(TaskFailureInformation, { renamed: [{ until: "2017-01-01.4.0", as: "schedulingError" }] }),
  retryCount: required(f.int32()),
  lastRetryTime: f.dateTime(),
  requeueCount: required(f.int32()),
  lastRequeueTime: f.dateTime(),
  result: f.enum(taskExecutionResult, { since: "2017-05-01.5.0" }),
});

const settings = {
  displayName: f.string(displayName),
  ...taskFields,
  ...workFields,
  exitConditions: f.object(ExitConditions, { since: "2016-07-01.3.1" }),
  affinityInfo: f.object(AffinityInformation),
  multiInstanceSettings: f.object(MultiInstanceSettings, { recorded: recorded.multiInstance }),
  dependsOn: f.object(TaskDependencies),
};

export const TaskAddParameter = model("TaskAddParameter", { id: required(f.string(chosenId)), ...settings }, { conversions: [elevation] });

export const CloudTask = model(
  "CloudTask",
  {
    id: f.string(),
    url: f.string(),
    eTag: f.string(),
    lastModified: f.dateTime(),
    creationTime: f.dateTime(),
    state: f.enum(taskState),
    stateTransitionTime: f.dateTime(),
    previousState: f.enum(taskState),
    previousStateTransitionTime: f.dateTime(),
    ...settings,
    commandLine: f.string(),
    executionInfo: f.object(TaskExecutionInformation),
    nodeInfo: f.object(ComputeNodeInformation),
    stats: f.object(TaskStatistics),
  },
  { conversions: [elevation] },
);

/** Constraints that are left out go back to their defaults. */
export const TaskUpdateParameter = model("TaskUpdateParameter", {
  constraints: f.object(TaskConstraints, { default: {} }),
});

export const TaskAddCollectionParameter = model("TaskAddCollectionParameter", {
  value: required(f.array(f.object(TaskAddParameter), { minItems: 1, maxItems: 100 })),
});

/** One task's fate; the status is answered capitalised (reference/real-behaviours.md section 3). */
export const TaskAddResult = model("TaskAddResult", {
  status: required(f.enum(["Success", "ClientError", "ServerError"])),
  taskId: required(f.string()),
  eTag: f.string(),
  lastModified: f.dateTime(),
  location: f.string(),
  error: f.object(BatchError),
});

export const TaskAddCollectionResult = model("TaskAddCollectionResult", {
  value: f.array(f.object(TaskAddResult)),
});

const tasks = "/jobs/{jobId}/tasks";
const oneTask = "/jobs/{jobId}/tasks/{taskId}";
const changed = { etag: true, dataServiceId: true } as const;
const closedJob = ["JobNotFound", "JobCompleted", "JobBeingTerminated", "JobBeingDeleted"] as const;
const refusedTask = [
  "TaskExists",
  "TaskDependenciesNotSpecifiedOnJob",
  "TaskDependencyListTooLong",
  "TaskDependencyRangesTooLong",
  "TaskIdSameAsJobPreparationTask",
  "TaskIdSameAsJobReleaseTask",
] as const;

export const addTask = operation("Task_Add", {
  method: "POST",
  path: tasks,
  summary: "Adds a task to a job.",
  query: noQuery,
  body: TaskAddParameter,
  conditions: "none",
  answer: { status: 201, ...changed, location: true },
  errors: [...closedJob, ...refusedTask],
});

export const addTaskCollection = operation("Task_AddCollection", {
  since: "2016-02-01.3.0",
  method: "POST",
  path: "/jobs/{jobId}/addtaskcollection",
  summary: "Adds up to 100 tasks to a job, each with a result of its own.",
  query: noQuery,
  body: TaskAddCollectionParameter,
  conditions: "none",
  answer: { status: 200, body: TaskAddCollectionResult, metadata: "taskaddresult" },
  errors: [...closedJob, ...refusedTask],
});

export const listTasks = operation("Task_List", {
  method: "GET",
  path: tasks,
  summary: "Lists the tasks of a job.",
  query: expandableListQuery,
  conditions: "none",
  answer: { status: 200, item: CloudTask, metadata: "tasks" },
  errors: ["JobNotFound"],
});

export const getTask = operation("Task_Get", {
  method: "GET",
  path: oneTask,
  summary: "Reads a task.",
  query: expandableQuery,
  conditions: "all",
  answer: { status: 200, body: CloudTask, metadata: "tasks/@Element", etag: true },
  errors: ["JobNotFound", "TaskNotFound"],
});

export const updateTask = operation("Task_Update", {
  method: "PUT",
  path: oneTask,
  summary: "Replaces the constraints of a task.",
  query: noQuery,
  body: TaskUpdateParameter,
  conditions: "all",
  answer: { status: 200, ...changed },
  errors: [...closedJob, "TaskNotFound", "TaskCompleted"],
});

export const deleteTask = operation("Task_Delete", {
  method: "DELETE",
  path: oneTask,
  summary: "Deletes a task with its files, stopping it first if it runs.",
  query: noQuery,
  conditions: "all",
  answer: { status: 200 },
  errors: ["JobNotFound", "JobBeingDeleted", "TaskNotFound"],
});

export const terminateTask = operation("Task_Terminate", {
  method: "POST",
  path: `${oneTask}/terminate`,
  summary: "Ends a task, which then counts as failed.",
  query: noQuery,
  conditions: "all",
  answer: { status: 204, ...changed },
  errors: [...closedJob, "TaskNotFound", "TaskCompleted"],
});

export const reactivateTask = operation("Task_Reactivate", {
  since: "2016-07-01.3.1",
  method: "POST",
  path: `${oneTask}/reactivate`,
  summary: "Lets a failed task run again.",
  query: noQuery,
  conditions: "all",
  answer: { status: 204, etag: true },
  errors: [...closedJob, "TaskNotFound", "TaskNotCompleted", "TaskSucceeded"],
});
