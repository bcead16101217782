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

/** What a node's view needs beside the node. */
export type NodeSurroundings = {
  pool: Pool;
  images: ImageCatalogue;
  /** Tasks that run on it now, and their slots together. */
  running: { tasks: number; slots: number };
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
    state: shownState(node, running.tasks),
    schedulingState: node.schedulingState,
    stateTransitionTime: isoTime(node.stateChangedAt),
    lastBootTime: optionalTime(node.bootedAt),
    allocationTime: isoTime(node.allocatedAt),
    ipAddress: node.address,
    affinityId: affinityIdOf(node.id),
    vmSize: pool.spec.vmSize,
    totalTasksRun: node.tasksRun,
    totalTasksSucceeded: node.tasksSucceeded,
    runningTasksCount: running.tasks,
    runningTaskSlotsCount: running.slots,
    recentTasks: recentView(node, around),
    startTask: pool.spec.startTask,
    startTaskInfo: startTaskView(node),
    certificateReferences: node.bootedAt === undefined ? undefined : (pool.spec.certificateReferences ?? []),
    errors: node.errors,
    isDedicated: node.isDedicated,
    endpointConfiguration: { inboundEndpoints: endpointsView(node, around) },
    nodeAgentInfo: node.bootedAt === undefined ? undefined : { version: around.version, lastUpdateTime: isoTime(node.bootedAt) },
    virtualMachineInfo: machineView(around),
  };
};

const recentView = (node: Node, { recent, baseUrl }: NodeSurroundings): Infer<typeof ComputeNode>["recentTasks"] => {
  const views = node.recentTasks.flatMap(({ seq, jobId, taskId }) => {
    const task = recent.get(seq);
    if (task === undefined) return [];
    return [
      { taskUrl: taskUrl(baseUrl, jobId, taskId), jobId, taskId, taskState: task.state, executionInfo: executionView(task.execution) },
    ];
  });
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

/**
 * One endpoint for each NAT pool of the pool: its index is the node's place in the address range, whose first address is 10.0.0.4.
 * There are none beside: the service's own for SSH belongs to logging in, which comes later.
 */
const endpointsView = (node: Node, { pool, baseUrl }: NodeSurroundings) => {
  const [, b, c, d] = node.address.split(".").map(Number);
  const index = Math.max(0, ((b ?? 0) * 256 + (c ?? 0)) * 256 + (d ?? 0) - 4);
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
