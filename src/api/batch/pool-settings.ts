// What a pool is made of, in the three places that say it: adding a pool, a job's automatic pool, and the pool itself. Data only.
import { type Conversion, f, legacy, type Meaning, model, required } from "../fields.ts";
import { ApplicationPackageReference, CertificateReference, displayName, MetadataItem, minuteMs } from "./common.ts";
import { UserAccount } from "./identities.ts";
import { MountConfiguration } from "./mounts.ts";
import { NetworkConfiguration } from "./network.ts";
import { recorded } from "./recorded.ts";
import { StartTask } from "./start-tasks.ts";
import { CloudServiceConfiguration, VirtualMachineConfiguration } from "./virtual-machines.ts";

/** `Spread` is answered capitalised, unlike every other enum of its kind (reference/real-behaviours.md section 3). */
export const TaskSchedulingPolicy = model("TaskSchedulingPolicy", {
  nodeFillType: required(f.enum(["Spread", "Pack"])),
  jobDefaultOrder: f.enum(["none", "creationtime"], {
    since: "2025-06-01",
    recorded: "Jobs of one priority go in the order of their creation.",
  }),
});

export const AutomaticOSUpgradePolicy = model("AutomaticOSUpgradePolicy", {
  disableAutomaticRollback: f.boolean(),
  enableAutomaticOSUpgrade: f.boolean(),
  useRollingUpgradePolicy: f.boolean(),
  osRollingUpgradeDeferral: f.boolean(),
});

export const RollingUpgradePolicy = model("RollingUpgradePolicy", {
  enableCrossZoneUpgrade: f.boolean(),
  maxBatchInstancePercent: f.int32({ min: 5, max: 100 }),
  maxUnhealthyInstancePercent: f.int32({ min: 5, max: 100 }),
  maxUnhealthyUpgradedInstancePercent: f.int32({ min: 0, max: 100 }),
  pauseTimeBetweenBatches: f.duration({ minMs: 0 }),
  prioritizeUnhealthyInstances: f.boolean(),
  rollbackFailedInstancesOnPolicyBreach: f.boolean(),
});

export const UpgradePolicy = model("UpgradePolicy", {
  mode: required(f.enum(["automatic", "manual", "rolling"])),
  automaticOSUpgradePolicy: f.object(AutomaticOSUpgradePolicy),
  rollingUpgradePolicy: f.object(RollingUpgradePolicy),
});

const nodeCommunicationMode = ["default", "classic", "simplified"] as const;
export const communicationMode = f.enum(nodeCommunicationMode, {
  since: "2022-10-01.16.0",
  until: "2024-07-01.20.0",
  recorded: "Agents always call the server (as `simplified` does).",
});
export const certificateReferences = f.array(f.object(CertificateReference), { until: "2024-07-01.20.0", recorded: recorded.certificates });
export const packageReferences = f.array(f.object(ApplicationPackageReference), { maxItems: 10, omitEmpty: true });
export const metadata = f.array(f.object(MetadataItem), { omitEmpty: true });
/** Ten minutes in the document of 2016-02, fifteen in that of 2017-01; that the change came with the latter is unverified. */
export const resizeTimeout = f.duration({
  minMs: 5 * minuteMs,
  defaults: [
    { since: "2015-12-01.2.2", value: "PT10M" },
    { since: "2017-01-01.4.0", value: "PT15M" },
  ],
});
const targetDedicated = [{ until: "2017-01-01.4.0", as: "targetDedicated" }] as const;
export const targetDedicatedNodes = f.int32({ min: 0, renamed: targetDedicated });
export const targetLowPriorityNodes = f.int32({ min: 0, since: "2017-05-01.5.0" });
/** The upper bound is that of the largest machines; a node of fewer cores takes fewer (4 a core). */
const slots = { min: 1, max: 256 } as const;
export const taskSlotsPerNode = f.int32({ ...slots, since: "2024-07-01.20.0" });

export const formula = { maxLength: 8192, refusal: "AutoScalingFormulaTooLong" } as const;
/** The lower limit, five minutes at the service, is the operator's to set (domain/pool-checks.ts). */
export const evaluationInterval = { maxMs: 168 * 60 * minuteMs } as const;

/** Everything that a client says about a pool but its id. A pool added without any target is accepted and empty. */
export const poolSettings = {
  displayName: f.string(displayName),
  vmSize: required(f.string({ minLength: 1, lowerCase: true })),
  virtualMachineConfiguration: f.object(VirtualMachineConfiguration, { since: "2016-02-01.3.0" }),
  cloudServiceConfiguration: f.object(CloudServiceConfiguration, {
    since: "2016-02-01.3.0",
    until: "2024-02-01.19.0",
    recorded: recorded.cloudServices,
  }),
  taskSlotsPerNode: f.int32({ ...slots, default: 1, renamed: [{ until: "2020-03-01.11.0", as: "maxTasksPerNode" }] }),
  taskSchedulingPolicy: f.object(TaskSchedulingPolicy, { default: { nodeFillType: "Spread" } }),
  resizeTimeout,
  targetDedicatedNodes: f.int32({ min: 0, default: 0, renamed: targetDedicated }),
  targetLowPriorityNodes: f.int32({ min: 0, default: 0, since: "2017-05-01.5.0" }),
  enableAutoScale: f.boolean({ default: false }),
  autoScaleFormula: f.string(formula),
  autoScaleEvaluationInterval: f.duration({ ...evaluationInterval, default: "PT15M", defaultWith: "autoScaleFormula" }),
  enableInterNodeCommunication: f.boolean({ default: false, recorded: recorded.interNode }),
  networkConfiguration: f.object(NetworkConfiguration, { since: "2016-07-01.3.1", recorded: recorded.azureNetwork }),
  startTask: f.object(StartTask),
  certificateReferences,
  applicationPackageReferences: packageReferences,
  userAccounts: f.array(f.object(UserAccount), { since: "2017-01-01.4.0", recorded: recorded.users }),
  metadata,
  mountConfiguration: f.array(f.object(MountConfiguration), { since: "2019-08-01.10.0", maxItems: 10, recorded: recorded.mounts }),
  targetNodeCommunicationMode: communicationMode,
  upgradePolicy: f.object(UpgradePolicy, { since: "2024-02-01.19.0", recorded: recorded.azureUpgrades }),
  resourceTags: f.map(f.string(), { since: "2023-11-01.18.0", until: "2024-07-01.20.0", recorded: recorded.azureOnly }),
  applicationLicenses: f.array(f.string(), { since: "2017-05-01.5.0", until: "2024-02-01.19.0", recorded: recorded.azureOnly }),
  osFamily: legacy(f.string({ until: "2015-12-01.2.2", requiredIn: { until: "2015-12-01.2.2" }, recorded: recorded.cloudServices })),
  targetOSVersion: legacy(f.string({ until: "2015-12-01.2.2", recorded: recorded.cloudServices })),
};

/** The first version has the operating system of a pool in the pool itself. */
export const firstVersionSystem: Conversion = {
  until: "2015-12-01.2.2",
  up: (value) => {
    if (value.osFamily !== undefined) {
      value.cloudServiceConfiguration = { osFamily: value.osFamily, osVersion: value.targetOSVersion ?? "*" };
    }
    delete value.osFamily;
    delete value.targetOSVersion;
  },
  down: (value) => {
    const system = value.cloudServiceConfiguration as { osFamily?: string; osVersion?: string } | undefined;
    value.osFamily = system?.osFamily;
    value.targetOSVersion = system?.osVersion;
  },
};

export const poolMeaning: Meaning = {
  rules: [
    { rule: "needs", property: "enableAutoScale", is: true, others: ["autoScaleFormula"] },
    { rule: "exactlyOne", of: ["virtualMachineConfiguration", "cloudServiceConfiguration"] },
  ],
  conversions: [firstVersionSystem],
};

/** The pool that the service makes for a job or a job schedule. */
export const PoolSpecification = model("PoolSpecification", poolSettings, poolMeaning);
