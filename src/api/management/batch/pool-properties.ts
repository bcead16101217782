// What ARM Microsoft.Batch says of a pool: one model for what clients send and what they get. Data only; limits are the data plane's.
import { recorded } from "../../batch/recorded.ts";
import { f, model, required } from "../../fields.ts";
import { DeploymentConfiguration } from "./pool-machines.ts";
import { NetworkConfiguration } from "./pool-network.ts";
import { MountConfiguration, StartTask, UserAccount } from "./pool-tasks.ts";

const deallocationOption = f.enum(["Requeue", "Terminate", "TaskCompletion", "RetainedData"]);

export const FixedScaleSettings = model("FixedScaleSettings", {
  resizeTimeout: f.duration(),
  targetDedicatedNodes: f.int32(),
  targetLowPriorityNodes: f.int32(),
  /** Of the resize that it begins; never answered (the document lets it be created and updated, not read). */
  nodeDeallocationOption: deallocationOption,
});

export const AutoScaleSettings = model("AutoScaleSettings", {
  formula: required(f.string()),
  evaluationInterval: f.duration(),
});

export const ScaleSettings = model("ScaleSettings", {
  fixedScale: f.object(FixedScaleSettings),
  autoScale: f.object(AutoScaleSettings),
});

const AutoScaleRunErrorDetail = model("AutoScaleRunError", { code: required(f.string()), message: required(f.string()) });
export const AutoScaleRunError = model("AutoScaleRunError", {
  code: required(f.string()),
  message: required(f.string()),
  details: f.array(f.object(AutoScaleRunErrorDetail)),
});

export const AutoScaleRun = model("AutoScaleRun", {
  evaluationTime: required(f.dateTime()),
  results: f.string(),
  error: f.object(AutoScaleRunError),
});

const ResizeErrorDetail = model("ResizeError", { code: required(f.string()), message: required(f.string()) });
export const ResizeError = model("ResizeError", {
  code: required(f.string()),
  message: required(f.string()),
  details: f.array(f.object(ResizeErrorDetail)),
});

/** Of the resize under way, or of the last one. */
export const ResizeOperationStatus = model("ResizeOperationStatus", {
  targetDedicatedNodes: f.int32(),
  targetLowPriorityNodes: f.int32(),
  resizeTimeout: f.duration(),
  nodeDeallocationOption: deallocationOption,
  startTime: f.dateTime(),
  errors: f.array(f.object(ResizeError)),
});

export const TaskSchedulingPolicy = model("TaskSchedulingPolicy", {
  nodeFillType: required(f.enum(["Spread", "Pack"])),
  jobDefaultOrder: f.enum(["None", "CreationTime"], {
    since: "2025-06-01",
    recorded: "Jobs of one priority go in the order of their creation.",
  }),
});

export const MetadataItem = model("MetadataItem", { name: required(f.string()), value: required(f.string()) });

export const CertificateReference = model("CertificateReference", {
  id: required(f.string()),
  storeLocation: f.enum(["CurrentUser", "LocalMachine"]),
  storeName: f.string(),
  visibility: f.array(f.enum(["StartTask", "Task", "RemoteUser"])),
});

export const ApplicationPackageReference = model("ApplicationPackageReference", { id: required(f.string()), version: f.string() });

export const AutomaticOSUpgradePolicy = model("AutomaticOSUpgradePolicy", {
  disableAutomaticRollback: f.boolean(),
  enableAutomaticOSUpgrade: f.boolean(),
  useRollingUpgradePolicy: f.boolean(),
  osRollingUpgradeDeferral: f.boolean(),
});

export const RollingUpgradePolicy = model("RollingUpgradePolicy", {
  enableCrossZoneUpgrade: f.boolean(),
  maxBatchInstancePercent: f.int32(),
  maxUnhealthyInstancePercent: f.int32(),
  maxUnhealthyUpgradedInstancePercent: f.int32(),
  /** The document does not say that it is a duration; its description does, and the data plane takes nothing else. */
  pauseTimeBetweenBatches: f.string(),
  prioritizeUnhealthyInstances: f.boolean(),
  rollbackFailedInstancesOnPolicyBreach: f.boolean(),
});

export const UpgradePolicy = model("UpgradePolicy", {
  mode: required(f.enum(["automatic", "manual", "rolling"])),
  automaticOSUpgradePolicy: f.object(AutomaticOSUpgradePolicy),
  rollingUpgradePolicy: f.object(RollingUpgradePolicy),
});

/** Gone from 2025-06-01 as on the data plane (unverified for this one), as are certificates and resource tags. */
const communicationMode = { since: "2022-10-01", until: "2024-07-01" } as const;
const nodeCommunicationMode = ["Default", "Classic", "Simplified"] as const;

export const PoolProperties = model("PoolProperties", {
  displayName: f.string(),
  lastModified: f.dateTime({ readOnly: true }),
  creationTime: f.dateTime({ readOnly: true }),
  provisioningState: f.enum(["Succeeded", "Deleting"], { readOnly: true }),
  provisioningStateTransitionTime: f.dateTime({ readOnly: true }),
  allocationState: f.enum(["Steady", "Resizing", "Stopping"], { readOnly: true }),
  allocationStateTransitionTime: f.dateTime({ readOnly: true }),
  vmSize: f.string(),
  deploymentConfiguration: f.object(DeploymentConfiguration),
  currentDedicatedNodes: f.int32({ readOnly: true }),
  currentLowPriorityNodes: f.int32({ readOnly: true }),
  scaleSettings: f.object(ScaleSettings),
  autoScaleRun: f.object(AutoScaleRun, { readOnly: true }),
  interNodeCommunication: f.enum(["Enabled", "Disabled"], { recorded: recorded.interNode }),
  networkConfiguration: f.object(NetworkConfiguration, { recorded: recorded.azureNetwork }),
  taskSlotsPerNode: f.int32({ renamed: [{ until: "2020-05-01", as: "maxTasksPerNode" }] }),
  taskSchedulingPolicy: f.object(TaskSchedulingPolicy),
  userAccounts: f.array(f.object(UserAccount), { recorded: recorded.users }),
  metadata: f.array(f.object(MetadataItem), { omitEmpty: true }),
  startTask: f.object(StartTask),
  certificates: f.array(f.object(CertificateReference), { until: "2024-07-01", omitEmpty: true, recorded: recorded.certificates }),
  applicationPackages: f.array(f.object(ApplicationPackageReference), { omitEmpty: true }),
  applicationLicenses: f.array(f.string(), { recorded: recorded.azureOnly }),
  resizeOperationStatus: f.object(ResizeOperationStatus, { readOnly: true }),
  mountConfiguration: f.array(f.object(MountConfiguration), { since: "2019-08-01", recorded: recorded.mounts }),
  targetNodeCommunicationMode: f.enum(nodeCommunicationMode, {
    ...communicationMode,
    recorded: "Agents always call the server (as `Simplified` does).",
  }),
  currentNodeCommunicationMode: f.enum(nodeCommunicationMode, { ...communicationMode, readOnly: true }),
  upgradePolicy: f.object(UpgradePolicy, { since: "2024-02-01", recorded: recorded.azureUpgrades }),
  resourceTags: f.map(f.string(), { since: "2023-11-01", until: "2024-07-01", recorded: recorded.azureOnly }),
});

export const UserAssignedIdentities = model("UserAssignedIdentities", {
  principalId: f.string({ readOnly: true }),
  clientId: f.string({ readOnly: true }),
});

export const BatchPoolIdentity = model("BatchPoolIdentity", {
  type: required(f.enum(["UserAssigned", "None"])),
  userAssignedIdentities: f.map(f.object(UserAssignedIdentities)),
});
