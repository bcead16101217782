// Files of tasks and of nodes: their description and the operations on them. Data only.
// Before 2017 the last part of their paths was called fileName; only the name of the parameter changed.
import { f, model, required } from "../fields.ts";
import { noQuery, operation } from "../operation.ts";
import { fileListQuery, recursiveQuery } from "./queries.ts";

export const FileProperties = model("FileProperties", {
  creationTime: f.dateTime(),
  lastModified: required(f.dateTime()),
  contentLength: required(f.int64String()),
  contentType: f.string(),
  fileMode: f.string({ since: "2016-02-01.3.0" }),
});

/** A directory has no properties. */
export const NodeFile = model("NodeFile", {
  name: f.string(),
  url: f.string(),
  isDirectory: f.boolean(),
  properties: f.object(FileProperties),
});

const ofTask = "/jobs/{jobId}/tasks/{taskId}/files";
const ofNode = "/pools/{poolId}/nodes/{nodeId}/files";
const taskFileErrors = [
  "JobNotFound",
  "TaskNotFound",
  "FileNotFound",
  "IOError",
  "TaskFilesUnavailable",
  "TaskFilesCleanedup",
  "OperationInvalidForCurrentState",
] as const;
const nodeFileErrors = [
  "PoolNotFound",
  "NodeNotFound",
  "FileNotFound",
  "IOError",
  "NodeBeingCreated",
  "NodeBeingStarted",
  "NodeBeingRebooted",
  "NodeBeingReimaged",
  "NodeStateUnusable",
  "NodeNotReady",
  "OperationInvalidForCurrentState",
] as const;
const list = {
  method: "GET",
  query: fileListQuery,
  conditions: "none",
  answer: { status: 200, item: NodeFile, metadata: "files" },
} as const;
const read = { method: "GET", query: noQuery, conditions: "dates", answer: { status: 200, file: true } } as const;
const look = { ...read, method: "HEAD" } as const;
const remove = { method: "DELETE", query: recursiveQuery, conditions: "none", answer: { status: 200 } } as const;

export const listTaskFiles = operation("File_ListFromTask", {
  ...list,
  path: ofTask,
  summary: "Lists the files in a task's directory.",
  errors: taskFileErrors,
});

export const getTaskFile = operation("File_GetFromTask", {
  ...read,
  path: `${ofTask}/{+filePath}`,
  summary: "Reads a file of a task.",
  errors: [...taskFileErrors, "InvalidRange", "ResourceTypeMismatch"],
});

export const getTaskFileProperties = operation("File_GetPropertiesFromTask", {
  ...look,
  path: `${ofTask}/{+filePath}`,
  summary: "Tells size, time and kind of a file of a task.",
  errors: taskFileErrors,
});

export const deleteTaskFile = operation("File_DeleteFromTask", {
  ...remove,
  path: `${ofTask}/{+filePath}`,
  summary: "Deletes a file or directory of a task.",
  errors: taskFileErrors,
});

export const listNodeFiles = operation("File_ListFromComputeNode", {
  ...list,
  path: ofNode,
  summary: "Lists the files below a node's root directory.",
  errors: nodeFileErrors,
});

export const getNodeFile = operation("File_GetFromComputeNode", {
  ...read,
  path: `${ofNode}/{+filePath}`,
  summary: "Reads a file of a node.",
  errors: [...nodeFileErrors, "InvalidRange", "ResourceTypeMismatch"],
});

export const getNodeFileProperties = operation("File_GetPropertiesFromComputeNode", {
  ...look,
  path: `${ofNode}/{+filePath}`,
  summary: "Tells size, time and kind of a file of a node.",
  errors: nodeFileErrors,
});

export const deleteNodeFile = operation("File_DeleteFromComputeNode", {
  ...remove,
  path: `${ofNode}/{+filePath}`,
  summary: "Deletes a file or directory of a node.",
  errors: nodeFileErrors,
});
