// Pools: what clients say of them, what they are, and the operations on them. Data only.
import { f, legacy, model, required, requiredIn } from "../fields.ts";
import { noQuery, operation } from "../operation.ts";
import { chosenId, computeNodeDeallocationOption, displayName } from "./common.ts";
import { AutoScaleRunError, ResizeError } from "./failures.ts";
import { BatchPoolIdentity, UserAccount } from "./identities.ts";
import { MountConfiguration } from "./mounts.ts";
import { NetworkConfiguration } from "./network.ts";
import {
  certificateReferences,
  communicationMode,
  evaluationInterval,
  firstVersionSystem,
  formula,
  metadata,
  packageReferences,
  poolMeaning,
  poolSettings,
  resizeTimeout,
  TaskSchedulingPolicy,
  targetDedicatedNodes,
  targetLowPriorityNodes,
  taskSlotsPerNode,
  UpgradePolicy,
} from "./pool-settings.ts";
import { expandableListQuery, expandableQuery } from "./queries.ts";
import { recorded } from "./recorded.ts";
import { StartTask } from "./start-tasks.ts";
import { PoolStatistics } from "./statistics.ts";
import { VirtualMachineConfiguration } from "./virtual-machines.ts";

export const PoolAddParameter = model("PoolAddParameter", { id: required(f.string(chosenId)), ...poolSettings }, poolMeaning);

export const AutoScaleRun = model("AutoScaleRun", {
  timestamp: required(f.dateTime()),
  results: f.string(),
  error: f.object(AutoScaleRunError),
});

export const CloudPool = model(
  "CloudPool",
  {
    id: f.string(),
    url: f.string(),
    eTag: f.string(),
    lastModified: f.dateTime(),
    creationTime: f.dateTime(),
    state: f.enum(["active", "deleting"]),
    stateTransitionTime: f.dateTime(),
    allocationState: f.enum(["steady", "resizing", "stopping"]),
    allocationStateTransitionTime: f.dateTime(),
    ...poolSettings,
    vmSize: f.string(),
    currentDedicatedNodes: f.int32({ renamed: [{ until: "2017-01-01.4.0", as: "currentDedicated" }] }),
    currentLowPriorityNodes: f.int32({ since: "2017-05-01.5.0" }),
    resizeErrors: f.array(f.object(ResizeError), { since: "2017-05-01.5.0", omitEmpty: true }),
    autoScaleRun: f.object(AutoScaleRun),
    currentNodeCommunicationMode: communicationMode,
    identity: f.object(BatchPoolIdentity, { since: "2021-06-01.14.0", recorded: recorded.identities }),
    stats: f.object(PoolStatistics),
    resizeError: legacy(f.object(ResizeError, { until: "2017-01-01.4.0" })),
    osFamily: legacy(f.string({ until: "2015-12-01.2.2", recorded: recorded.cloudServices })),
    currentOSVersion: legacy(f.string({ until: "2015-12-01.2.2", recorded: recorded.cloudServices })),
  },
  {
    conversions: [
      firstVersionSystem,
      {
        until: "2017-01-01.4.0",
        down: (value) => {
          value.resizeError = (value.resizeErrors as unknown[] | undefined)?.[0];
          value.currentOSVersion = value.targetOSVersion;
        },
      },
    ],
  },
);

/** What is present replaces what the pool has. From displayName on: only while the pool has no nodes. */
export const PoolPatchParameter = model("PoolPatchParameter", {
  startTask: f.object(StartTask),
  certificateReferences,
  applicationPackageReferences: packageReferences,
  metadata,
  targetNodeCommunicationMode: communicationMode,
  displayName: f.string({ ...displayName, since: "2024-07-01.20.0" }),
  vmSize: f.string({ minLength: 1, lowerCase: true, since: "2024-07-01.20.0" }),
  taskSlotsPerNode,
  taskSchedulingPolicy: f.object(TaskSchedulingPolicy, { since: "2024-07-01.20.0" }),
  enableInterNodeCommunication: f.boolean({ since: "2024-07-01.20.0", recorded: recorded.interNode }),
  virtualMachineConfiguration: f.object(VirtualMachineConfiguration, { since: "2024-07-01.20.0" }),
  networkConfiguration: f.object(NetworkConfiguration, { since: "2024-07-01.20.0", recorded: recorded.azureNetwork }),
  userAccounts: f.array(f.object(UserAccount), { since: "2024-07-01.20.0", recorded: recorded.users }),
  mountConfiguration: f.array(f.object(MountConfiguration), { since: "2024-07-01.20.0", maxItems: 10, recorded: recorded.mounts }),
  upgradePolicy: f.object(UpgradePolicy, { since: "2024-07-01.20.0", recorded: recorded.azureUpgrades }),
  resourceTags: f.map(f.string(), { since: "2024-07-01.20.0", until: "2024-07-01.20.0", recorded: recorded.azureOnly }),
});

/** Replaces all of it: a start task that is left out is removed. */
export const PoolUpdatePropertiesParameter = model("PoolUpdatePropertiesParameter", {
  startTask: f.object(StartTask),
  // Of the two documents of 2024-07 one requires it, the other (which newer clients are made from) does not.
  certificateReferences: requiredIn(certificateReferences, { until: "2024-02-01.19.0" }),
  applicationPackageReferences: required(packageReferences),
  metadata: required(metadata),
  targetNodeCommunicationMode: communicationMode,
});

const nodeDeallocationOption = f.enum(computeNodeDeallocationOption, { default: "requeue" });

export const PoolResizeParameter = model("PoolResizeParameter", {
  targetDedicatedNodes: requiredIn(targetDedicatedNodes, { until: "2017-01-01.4.0" }),
  targetLowPriorityNodes,
  resizeTimeout,
  nodeDeallocationOption,
});

export const NodeRemoveParameter = model("NodeRemoveParameter", {
  nodeList: required(f.array(f.string({ minLength: 1 }), { minItems: 1, maxItems: 100 })),
  resizeTimeout,
  nodeDeallocationOption,
});

/** What is left out stays as it is; a pool that a formula does not size yet needs one. */
export const PoolEnableAutoScaleParameter = model("PoolEnableAutoScaleParameter", {
  autoScaleFormula: f.string(formula),
  autoScaleEvaluationInterval: f.duration(evaluationInterval),
});

export const PoolEvaluateAutoScaleParameter = model("PoolEvaluateAutoScaleParameter", { autoScaleFormula: required(f.string(formula)) });

const onePool = "/pools/{poolId}";
const changed = { etag: true, dataServiceId: true } as const;

export const addPool = operation("Pool_Add", {
  method: "POST",
  path: "/pools",
  summary: "Adds a pool of nodes.",
  query: noQuery,
  body: PoolAddParameter,
  conditions: "none",
  answer: { status: 201, ...changed, location: true },
  errors: [
    "PoolExists",
    "PoolBeingDeleted",
    "PoolQuotaReached",
    "InvalidApplicationPackageReferences",
    "InvalidCertificateReferences",
    "NodeAgentSKUNotFound",
    "InvalidAutoScalingSettings",
    "AutoScalingFormulaSyntaxError",
  ],
});

export const listPools = operation("Pool_List", {
  method: "GET",
  path: "/pools",
  summary: "Lists the pools of the account.",
  query: expandableListQuery,
  conditions: "none",
  answer: { status: 200, item: CloudPool, metadata: "pools" },
  errors: [],
});

export const getPool = operation("Pool_Get", {
  method: "GET",
  path: onePool,
  summary: "Reads a pool.",
  query: expandableQuery,
  conditions: "all",
  answer: { status: 200, body: CloudPool, metadata: "pools/@Element", etag: true },
  errors: ["PoolNotFound"],
});

export const poolExists = operation("Pool_Exists", {
  method: "HEAD",
  path: onePool,
  summary: "Tells whether a pool is there.",
  query: noQuery,
  conditions: "all",
  answer: { status: 200, etag: true },
  errors: ["PoolNotFound"],
});

export const deletePool = operation("Pool_Delete", {
  method: "DELETE",
  path: onePool,
  summary: "Deletes a pool and its nodes; tasks that run there go back to the queue.",
  query: noQuery,
  conditions: "all",
  answer: { status: 202 },
  errors: ["PoolNotFound", "PoolBeingDeleted"],
});

export const patchPool = operation("Pool_Patch", {
  method: "PATCH",
  path: onePool,
  summary: "Changes the properties of a pool that are given.",
  query: noQuery,
  body: PoolPatchParameter,
  conditions: "all",
  answer: { status: 200, ...changed },
  errors: [
    "PoolNotFound",
    "PoolBeingDeleted",
    "OperationInvalidForCurrentState",
    "InvalidApplicationPackageReferences",
    "InvalidCertificateReferences",
  ],
});

export const updatePoolProperties = operation("Pool_UpdateProperties", {
  method: "POST",
  path: `${onePool}/updateproperties`,
  summary: "Replaces the updatable properties of a pool, removing what is left out.",
  query: noQuery,
  body: PoolUpdatePropertiesParameter,
  conditions: "none",
  answer: { status: 204, ...changed },
  errors: ["PoolNotFound", "PoolBeingDeleted", "InvalidApplicationPackageReferences", "InvalidCertificateReferences"],
});

export const resizePool = operation("Pool_Resize", {
  method: "POST",
  path: `${onePool}/resize`,
  summary: "Sets how many nodes a pool should have.",
  query: noQuery,
  body: PoolResizeParameter,
  conditions: "all",
  answer: { status: 202, ...changed },
  errors: ["PoolNotFound", "PoolBeingDeleted", "PoolBeingResized", "OperationInvalidForCurrentState"],
});

export const stopPoolResize = operation("Pool_StopResize", {
  method: "POST",
  path: `${onePool}/stopresize`,
  summary: "Stops a resize, keeping the nodes that are there.",
  query: noQuery,
  conditions: "all",
  answer: { status: 202, ...changed },
  errors: ["PoolNotFound", "PoolBeingDeleted", "OperationInvalidForCurrentState"],
});

export const removePoolNodes = operation("Pool_RemoveNodes", {
  method: "POST",
  path: `${onePool}/removenodes`,
  summary: "Takes named nodes out of a pool.",
  query: noQuery,
  body: NodeRemoveParameter,
  conditions: "all",
  answer: { status: 202, ...changed },
  errors: ["PoolNotFound", "PoolBeingDeleted", "PoolBeingResized", "NodeNotFound", "OperationInvalidForCurrentState"],
});

export const enablePoolAutoScale = operation("Pool_EnableAutoScale", {
  method: "POST",
  path: `${onePool}/enableautoscale`,
  summary: "Lets a formula set how many nodes a pool has, or changes the formula or how often it is evaluated.",
  query: noQuery,
  body: PoolEnableAutoScaleParameter,
  conditions: "all",
  answer: { status: 200, ...changed },
  errors: [
    "PoolNotFound",
    "PoolBeingDeleted",
    "PoolBeingResized",
    "AutoScalingFormulaSyntaxError",
    "AutoScalingFormulaTooLong",
    "InvalidAutoScalingSettings",
    "TooManyEnableAutoScaleRequests",
  ],
});

export const disablePoolAutoScale = operation("Pool_DisableAutoScale", {
  method: "POST",
  path: `${onePool}/disableautoscale`,
  summary: "Leaves a pool at the size that its formula gave it last.",
  query: noQuery,
  conditions: "none",
  answer: { status: 200, ...changed },
  errors: ["PoolNotFound", "PoolBeingDeleted"],
});

/** What is wrong with the formula is in the answer, which is 200 all the same. */
export const evaluatePoolAutoScale = operation("Pool_EvaluateAutoScale", {
  method: "POST",
  path: `${onePool}/evaluateautoscale`,
  summary: "Tells what a formula would make of a pool now, and changes nothing.",
  query: noQuery,
  body: PoolEvaluateAutoScaleParameter,
  conditions: "none",
  answer: {
    status: 200,
    body: AutoScaleRun,
    metadata: "Microsoft.Azure.Batch.Protocol.Entities.AutoScaleRun",
    dataServiceId: true,
  },
  errors: ["PoolNotFound", "PoolBeingDeleted", "OperationInvalidForCurrentState", "AutoScalingFormulaTooLong"],
});
