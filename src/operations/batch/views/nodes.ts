// A node as clients see it, in the newest spelling.
import type { ComputeNode } from "../../../api/batch/nodes.ts";
import type { Infer } from "../../../api/fields.ts";
import type { ImageCatalogue } from "../../../domain/images.ts";
import { type Node, shownState } from "../../../domain/nodes.ts";
import type { Pool } from "../../../domain/pools.ts";
import type { Task } from "../../../domain/tasks.ts";
import { isoTime } from "../../../lib/clock.ts";
import { failureView, optionalTime } from "./failures.ts";
import { poolUrl } from "./pools.ts";
import { affinityIdOf, executionView, taskUrl } from "./tasks.ts";

/** A task that knows its job's id, which its own row does not. */
export type RunningTask = { task: Task; jobId: string };

/** What a node's view needs beside the node. */
export type NodeSurroundings = {
  pool: Pool;
  images: ImageCatalogue;
  /** Tasks that run on it now. */
  running: readonly RunningTask[];
  /** Those of its recentTasks that still exist, by seq. */
  recent: ReadonlyMap<number, Task>;
  /** Shown as the version of the node agent, which is this program. */
  version: string;
  baseUrl: string;
};

export const nodeUrl = (baseUrl: string, poolId: string, nodeId: string): string => `${poolUrl(baseUrl, poolId)}/nodes/${nodeId}`;

export const nodeView = (node: Node, around: NodeSurroundings): Infer<typeof ComputeNode> => {
  const { pool, baseUrl, running } = around;
  return {
    id: node.id,
    url: nodeUrl(baseUrl, pool.id, node.id),
    state: shownState(node, running.length),
    schedulingState: node.schedulingState,
    stateTransitionTime: isoTime(node.stateChangedAt),
    lastBootTime: optionalTime(node.bootedAt),
    allocationTime: isoTime(node.allocatedAt),
    ipAddress: node.address,
    affinityId: affinityIdOf(node.id),
    vmSize: pool.spec.vmSize,
    totalTasksRun: node.tasksRun,
    totalTasksSucceeded: node.tasksSucceeded,
    runningTasksCount: running.length,
    runningTaskSlotsCount: running.reduce((slots, { task }) => slots + task.slots, 0),
    recentTasks: recentView(node, around),
    startTask: pool.spec.startTask,
    startTaskInfo: startTaskView(node),
    certificateReferences: node.bootedAt === undefined ? undefined : (pool.spec.certificateReferences ?? []),
    errors: node.errors,
    isDedicated: node.isDedicated,
    endpointConfiguration: { inboundEndpoints: endpointsView(node, pool, baseUrl) },
    nodeAgentInfo: node.bootedAt === undefined ? undefined : { version: around.version, lastUpdateTime: isoTime(node.bootedAt) },
    virtualMachineInfo: machineView(around),
  };
};

/** What runs now, the latest started first, then what ended last: so many together. A task that runs again is shown once. */
const recentShown = 10;

const recentView = (node: Node, { recent, running, baseUrl }: NodeSurroundings): Infer<typeof ComputeNode>["recentTasks"] => {
  const startedAt = ({ task }: RunningTask): number => task.execution.startTime ?? Number.POSITIVE_INFINITY;
  const now = running.toSorted((a, b) => startedAt(b) - startedAt(a));
  const finished = node.recentTasks.flatMap(({ seq, jobId }): RunningTask[] => {
    const task = recent.get(seq);
    return task === undefined || running.some((other) => other.task.seq === seq) ? [] : [{ task, jobId }];
  });
  const views = [...now, ...finished].slice(0, recentShown).map(({ task, jobId }) => ({
    taskUrl: taskUrl(baseUrl, jobId, task.id),
    jobId,
    taskId: task.id,
    taskState: task.state,
    executionInfo: executionView(task.execution),
  }));
  return views.length === 0 ? undefined : views;
};

const startTaskView = ({ startTask }: Node): Infer<typeof ComputeNode>["startTaskInfo"] =>
  startTask === undefined
    ? undefined
    : {
        state: startTask.state,
        startTime: isoTime(startTask.startedAt),
        endTime: optionalTime(startTask.endedAt),
        exitCode: startTask.exitCode,
        failureInfo: failureView(startTask.failure),
        retryCount: startTask.retryCount,
        lastRetryTime: optionalTime(startTask.lastRetryAt),
        result: startTask.result,
      };

/** The node's place in the address range of its pool, whose first address is 10.0.0.4. */
export const addressIndex = ({ address }: Pick<Node, "address">): number => {
  const [, b, c, d] = address.split(".").map(Number);
  return Math.max(0, ((b ?? 0) * 256 + (c ?? 0)) * 256 + (d ?? 0) - 4);
};

/** One endpoint for each NAT pool of the pool. There are none beside: the service's own for SSH belongs to logging in, which comes later. */
export const endpointsView = (node: Node, pool: Pool, baseUrl: string) => {
  const index = addressIndex(node);
  const host = new URL(baseUrl).hostname;
  return (pool.spec.networkConfiguration?.endpointConfiguration?.inboundNATPools ?? []).map((natPool) => ({
    name: `${natPool.name}.${index}`,
    protocol: natPool.protocol,
    publicIPAddress: node.address,
    publicFQDN: host,
    frontendPort: natPool.frontendPortRangeStart + index,
    backendPort: natPool.backendPort,
  }));
};

const machineView = ({ pool, images }: NodeSurroundings): Infer<typeof ComputeNode>["virtualMachineInfo"] => {
  const reference = pool.spec.virtualMachineConfiguration?.imageReference;
  if (reference === undefined) return undefined;
  const exactVersion = reference.version === "latest" ? images.find(reference)?.exactVersion : reference.version;
  return { imageReference: { ...reference, exactVersion } };
};
