// A task as clients see it, in the newest spelling.
import type { CloudTask, TaskExecutionInformation } from "../../../api/batch/tasks.ts";
import type { Infer } from "../../../api/fields.ts";
import { jobDirectory } from "../../../domain/jobs.ts";
import type { Execution, Task } from "../../../domain/tasks.ts";
import { etagOf, isoStamp, isoTime } from "../../../lib/clock.ts";
import { failureView, optionalTime } from "./failures.ts";
import { jobUrl } from "./jobs.ts";
import { poolUrl } from "./pools.ts";

export const taskUrl = (baseUrl: string, jobId: string, taskId: string): string => `${jobUrl(baseUrl, jobId)}/tasks/${taskId}`;

export const affinityIdOf = (nodeId: string): string => `TVM:${nodeId}`;

/** Where a task's files are below its node's root directory. */
export const taskRoot = (jobId: string, taskId: string): string => `${jobDirectory(jobId)}/${taskId}`;

export const executionView = (execution: Execution): Infer<typeof TaskExecutionInformation> => ({
  startTime: optionalTime(execution.startTime),
  endTime: optionalTime(execution.endTime),
  exitCode: execution.exitCode,
  failureInfo: failureView(execution.failureInfo),
  result: execution.result,
  retryCount: execution.retryCount,
  lastRetryTime: optionalTime(execution.lastRetryTime),
  requeueCount: execution.requeueCount,
  lastRequeueTime: optionalTime(execution.lastRequeueTime),
});

/** Kept when the task goes back to the queue or ends: it says where the task is or last was. */
const nodeView = (task: Task, jobId: string, baseUrl: string): Infer<typeof CloudTask>["nodeInfo"] => {
  const node = task.execution.node;
  if (node === undefined) return undefined;
  const nodeUrl = `${poolUrl(baseUrl, node.poolId)}/nodes/${node.nodeId}`;
  const taskRootDirectory = taskRoot(jobId, task.id);
  return {
    affinityId: affinityIdOf(node.nodeId),
    nodeUrl,
    poolId: node.poolId,
    nodeId: node.nodeId,
    taskRootDirectory,
    taskRootDirectoryUrl: `${nodeUrl}/files/${taskRootDirectory}`,
  };
};

export const taskView = (task: Task, jobId: string, baseUrl: string): Infer<typeof CloudTask> => ({
  ...task.spec,
  id: task.id,
  url: taskUrl(baseUrl, jobId, task.id),
  eTag: etagOf(task.modified),
  lastModified: isoStamp(task.modified),
  creationTime: isoStamp(task.seq),
  state: task.state,
  stateTransitionTime: isoTime(task.stateChangedAt),
  previousState: task.previousState,
  previousStateTransitionTime: optionalTime(task.previousStateChangedAt),
  executionInfo: executionView(task.execution),
  nodeInfo: nodeView(task, jobId, baseUrl),
});
