// Compute nodes: what they are and the operations on them. Data only.
import { f, model, required } from "../fields.ts";
import { noQuery, operation } from "../operation.ts";
import { computeNodeDeallocationOption } from "./common.ts";
import { ComputeNodeError } from "./failures.ts";
import { ComputeNodeEndpointConfiguration } from "./network.ts";
import { certificateReferences } from "./pool-settings.ts";
import { selectListQuery, selectQuery } from "./queries.ts";
import { recorded } from "./recorded.ts";
import { StartTask, StartTaskInformation } from "./start-tasks.ts";
import { TaskExecutionInformation, taskState } from "./tasks.ts";
import { VirtualMachineInfo } from "./virtual-machines.ts";

export const nodeState = [
  "idle",
  "rebooting",
  "reimaging",
  "running",
  "unusable",
  "creating",
  "starting",
  "waitingforstarttask",
  "starttaskfailed",
  "unknown",
  "leavingpool",
  "offline",
  "preempted",
  "upgradingos",
  "deallocated",
  "deallocating",
] as const;

export const NodeAgentInformation = model("NodeAgentInformation", {
  version: required(f.string()),
  lastUpdateTime: required(f.dateTime()),
});

/** One of the tasks that a node ran lately. */
export const TaskInformation = model("TaskInformation", {
  taskUrl: f.string(),
  jobId: f.string(),
  taskId: f.string(),
  subtaskId: f.int32(),
  taskState: required(f.enum(taskState)),
  executionInfo: f.object(TaskExecutionInformation),
});

/** What a client that does not know a state is told instead: the nearest that takes no tasks. Our own choice; Azure's is not known. */
const olderState: Record<string, string> = {
  deallocated: "offline",
  deallocating: "offline",
  upgradingos: "reimaging",
  preempted: "unknown",
};
const tellAsOlder = (states: readonly string[]) => (value: Record<string, unknown>) => {
  if (states.includes(value.state as string)) value.state = olderState[value.state as string];
};

export const ComputeNode = model(
  "ComputeNode",
  {
    id: f.string(),
    url: f.string(),
    state: f.enum(nodeState, {
      lives: {
        preempted: { since: "2017-05-01.5.0" },
        upgradingos: { since: "2024-02-01.19.0" },
        deallocated: { since: "2024-07-01.20.0" },
        deallocating: { since: "2024-07-01.20.0" },
      },
    }),
    schedulingState: f.enum(["enabled", "disabled"]),
    stateTransitionTime: f.dateTime(),
    lastBootTime: f.dateTime(),
    allocationTime: f.dateTime(),
    ipAddress: f.string(),
    ipv6Address: f.string({ since: "2025-06-01", recorded: recorded.neverSent }),
    affinityId: f.string(),
    vmSize: f.string(),
    totalTasksRun: f.int32(),
    runningTasksCount: f.int32({ since: "2016-02-01.3.0" }),
    runningTaskSlotsCount: f.int32({ since: "2020-09-01.12.0" }),
    totalTasksSucceeded: f.int32({ since: "2016-02-01.3.0" }),
    recentTasks: f.array(f.object(TaskInformation)),
    startTask: f.object(StartTask),
    startTaskInfo: f.object(StartTaskInformation),
    certificateReferences,
    errors: f.array(f.object(ComputeNodeError), { omitEmpty: true }),
    isDedicated: f.boolean({ since: "2017-05-01.5.0" }),
    endpointConfiguration: f.object(ComputeNodeEndpointConfiguration, { since: "2017-06-01.5.1" }),
    nodeAgentInfo: f.object(NodeAgentInformation, { since: "2018-08-01.7.0" }),
    virtualMachineInfo: f.object(VirtualMachineInfo, { since: "2021-06-01.14.0" }),
  },
  {
    conversions: [
      { until: "2024-02-01.19.0", down: tellAsOlder(["deallocated", "deallocating"]) },
      { until: "2023-11-01.18.0", down: tellAsOlder(["upgradingos"]) },
      { until: "2017-01-01.4.0", down: tellAsOlder(["preempted"]) },
    ],
  },
);

export const NodeRebootParameter = model("NodeRebootParameter", {
  nodeRebootOption: f.enum(computeNodeDeallocationOption, { default: "requeue" }),
});

export const NodeReimageParameter = model("NodeReimageParameter", {
  nodeReimageOption: f.enum(computeNodeDeallocationOption, { default: "requeue" }),
});

export const NodeDeallocateParameter = model("NodeDeallocateParameter", {
  nodeDeallocateOption: f.enum(computeNodeDeallocationOption, { default: "requeue" }),
});

export const NodeDisableSchedulingParameter = model("NodeDisableSchedulingParameter", {
  nodeDisableSchedulingOption: f.enum(["requeue", "terminate", "taskcompletion"], { default: "requeue" }),
});

export const oneNode = "/pools/{poolId}/nodes/{nodeId}";
export const busy = [
  "PoolNotFound",
  "NodeNotFound",
  "NodeBeingCreated",
  "NodeBeingStarted",
  "NodeBeingRebooted",
  "NodeBeingReimaged",
  "NodeStateUnusable",
  "OperationNotValidOnNode",
] as const;

export const listNodes = operation("ComputeNode_List", {
  method: "GET",
  path: "/pools/{poolId}/nodes",
  summary: "Lists the nodes of a pool.",
  query: selectListQuery,
  conditions: "none",
  answer: { status: 200, item: ComputeNode, metadata: "nodes" },
  errors: ["PoolNotFound"],
});

export const getNode = operation("ComputeNode_Get", {
  method: "GET",
  path: oneNode,
  summary: "Reads a node.",
  query: selectQuery,
  conditions: "none",
  answer: { status: 200, body: ComputeNode, metadata: "nodes/@Element" },
  errors: ["PoolNotFound", "NodeNotFound"],
});

export const rebootNode = operation("ComputeNode_Reboot", {
  method: "POST",
  path: `${oneNode}/reboot`,
  summary: "Restarts a node: its tasks are dealt with as asked, its start task runs again.",
  query: noQuery,
  body: NodeRebootParameter,
  bodyOptional: true,
  conditions: "none",
  answer: { status: 202, dataServiceId: true },
  errors: busy,
});

/** Versions that still had Cloud Services refuse it for pools of virtual machines (seen in 2020); later ones say no such thing. */
export const reimageNode = operation("ComputeNode_Reimage", {
  method: "POST",
  path: `${oneNode}/reimage`,
  summary: "Makes a node anew: its tasks are dealt with as asked, everything on it is removed, its start task runs again.",
  query: noQuery,
  body: NodeReimageParameter,
  bodyOptional: true,
  conditions: "none",
  traits: { cloudServicesOnly: { until: "2024-02-01.19.0" } },
  answer: { status: 202, dataServiceId: true },
  errors: busy,
});

export const deallocateNode = operation("ComputeNode_Deallocate", {
  since: "2024-07-01.20.0",
  method: "POST",
  path: `${oneNode}/deallocate`,
  summary: "Stops a node, which stays in the pool and takes no tasks: those it has are dealt with as asked, everything on it is removed.",
  query: noQuery,
  body: NodeDeallocateParameter,
  bodyOptional: true,
  conditions: "none",
  answer: { status: 202, dataServiceId: true },
  errors: busy,
});

export const startNode = operation("ComputeNode_Start", {
  since: "2024-07-01.20.0",
  method: "POST",
  path: `${oneNode}/start`,
  summary: "Boots a deallocated node.",
  query: noQuery,
  conditions: "none",
  answer: { status: 202, dataServiceId: true },
  errors: busy,
});

export const disableNodeScheduling = operation("ComputeNode_DisableScheduling", {
  method: "POST",
  path: `${oneNode}/disablescheduling`,
  summary: "Keeps new tasks from a node.",
  query: noQuery,
  body: NodeDisableSchedulingParameter,
  bodyOptional: true,
  conditions: "none",
  answer: { status: 200, dataServiceId: true },
  errors: [...busy, "NodeAlreadyInTargetSchedulingState"],
});

export const enableNodeScheduling = operation("ComputeNode_EnableScheduling", {
  method: "POST",
  path: `${oneNode}/enablescheduling`,
  summary: "Lets a node take tasks again.",
  query: noQuery,
  conditions: "none",
  answer: { status: 200, dataServiceId: true },
  errors: [...busy, "NodeAlreadyInTargetSchedulingState"],
});
