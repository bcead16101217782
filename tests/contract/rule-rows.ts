// Bodies with one wrong thing that no declaration can say: rules between properties, formats, limits of the reference. For pools, tasks and
// jobs, wherever a request has one.
import type { BatchErrorCode } from "../../src/api/errors.ts";

/** `property` is the PropertyName of the error's values; null where the code says all. `status` is 400 unless given. */
export type Row = { what: string; body: object; code: BatchErrorCode; property: string | null; status?: number };

export const row = (
  what: string,
  body: object,
  property: string | null,
  code: BatchErrorCode = "InvalidPropertyValue",
  status = 400,
): Row => ({
  what,
  body,
  code,
  property,
  status,
});

const image = { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" };
const agent = "batch.node.ubuntu 22.04";
const machine = (changes: object): object => ({
  virtualMachineConfiguration: { imageReference: image, nodeAgentSKUId: agent, ...changes },
});
export const gallery = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Compute/galleries/g/images/i";
const nat = (changes: object = {}): object => ({
  name: "a",
  protocol: "tcp",
  backendPort: 80,
  frontendPortRangeStart: 1000,
  frontendPortRangeEnd: 1099,
  ...changes,
});
const endpoints = (inboundNATPools: object[], network: object = {}): object => ({
  networkConfiguration: { endpointConfiguration: { inboundNATPools }, ...network },
});
const rule = (changes: object = {}): object => ({ priority: 150, access: "allow", sourceAddressPrefix: "*", ...changes });
const account = (changes: object = {}): object => ({ name: "u", password: "p", ...changes });
const blobMount = (changes: object): object => ({
  mountConfiguration: [
    { azureBlobFileSystemConfiguration: { accountName: "a", containerName: "c", relativeMountPath: "m", sasKey: "s", ...changes } },
  ],
});
const nfs = (path: string): object => ({ nfsMountConfiguration: { source: "s", relativeMountPath: path } });

/** Of a pool, wherever it is said: added, or automatic. */
export const ofPools: Row[] = [
  row("a size that is not known", { vmSize: "enormous" }, "vmSize"),
  row("more slots than four a core", { taskSlotsPerNode: 9 }, "taskSlotsPerNode"),
  row("an image that is not known", machine({ imageReference: { publisher: "a", offer: "b", sku: "c" } }), "imageReference"),
  row("an agent that does not fit the image", machine({ nodeAgentSKUId: "batch.node.debian 11" }), "nodeAgentSKUId"),
  row("a gallery image with a malformed id", machine({ imageReference: { virtualMachineImageId: "/x" } }), "virtualMachineImageId"),
  row("a gallery image by name and id", machine({ imageReference: { virtualMachineImageId: gallery, offer: "o" } }), "offer"),
  row(
    "a gallery image with an unknown agent",
    machine({ imageReference: { virtualMachineImageId: gallery }, nodeAgentSKUId: "x" }),
    "nodeAgentSKUId",
  ),
  row("a shared image by name and id", machine({ imageReference: { sharedGalleryImageId: "x", sku: "s" } }), "sku"),
  row("a community image by name and id", machine({ imageReference: { communityGalleryImageId: "x", offer: "o" } }), "offer"),
  row("Windows settings for Linux", machine({ windowsConfiguration: { enableAutomaticUpdates: false } }), "windowsConfiguration"),
  row(
    "two disks of one number",
    machine({
      dataDisks: [
        { lun: 1, diskSizeGB: 1 },
        { lun: 1, diskSizeGB: 1 },
      ],
    }),
    "lun",
  ),
  row("a formula without scaling", { autoScaleFormula: "$TargetDedicatedNodes=0;" }, "autoScaleFormula"),
  row("an interval without scaling", { autoScaleEvaluationInterval: "PT5M" }, "autoScaleEvaluationInterval"),
  row("scaling without a formula", { enableAutoScale: true }, "autoScaleFormula", "MissingRequiredProperty"),
  row(
    "scaling with a target",
    { enableAutoScale: true, autoScaleFormula: "$TargetDedicatedNodes=0;", targetDedicatedNodes: 1 },
    "targetDedicatedNodes",
  ),
  row(
    "scaling with a Spot target",
    { enableAutoScale: true, autoScaleFormula: "$TargetDedicatedNodes=0;", targetLowPriorityNodes: 1 },
    "targetLowPriorityNodes",
  ),
  row(
    "scaling every four minutes",
    { enableAutoScale: true, autoScaleFormula: "$TargetDedicatedNodes=0;", autoScaleEvaluationInterval: "PT4M59S" },
    "autoScaleEvaluationInterval",
  ),
  row("a malformed subnet", { networkConfiguration: { subnetId: "/subnets/x" } }, "subnetId"),
  row(
    "addresses of one's own, none given",
    { networkConfiguration: { publicIPAddressConfiguration: { provision: "usermanaged" } } },
    "ipAddressIds",
  ),
  row(
    "addresses given, managed by the service",
    { networkConfiguration: { publicIPAddressConfiguration: { provision: "batchmanaged", ipAddressIds: ["x"] } } },
    "ipAddressIds",
  ),
  row(
    "endpoints without public addresses",
    endpoints([nat()], { publicIPAddressConfiguration: { provision: "nopublicipaddresses" } }),
    "inboundNATPools",
  ),
  row(
    "six NAT pools",
    endpoints(
      Array.from({ length: 6 }, (_, n) =>
        nat({ name: `n${n}`, backendPort: 80 + n, frontendPortRangeStart: 1000 + 100 * n, frontendPortRangeEnd: 1099 + 100 * n }),
      ),
    ),
    "inboundNATPools",
  ),
  row(
    "two NAT pools of one name",
    endpoints([nat(), nat({ name: "A", backendPort: 81, frontendPortRangeStart: 2000, frontendPortRangeEnd: 2099 })]),
    "name",
  ),
  row(
    "two NAT pools of one port",
    endpoints([nat(), nat({ name: "b", frontendPortRangeStart: 2000, frontendPortRangeEnd: 2099 })]),
    "backendPort",
  ),
  row(
    "ranges that overlap",
    endpoints([nat(), nat({ name: "b", backendPort: 81, frontendPortRangeStart: 1099, frontendPortRangeEnd: 1199 })]),
    "frontendPortRangeStart",
  ),
  row("thirty-nine ports", endpoints([nat({ frontendPortRangeEnd: 1038 })]), "frontendPortRangeEnd"),
  row("a range backwards", endpoints([nat({ frontendPortRangeEnd: 900 })]), "frontendPortRangeEnd"),
  row("reserved public ports", endpoints([nat({ frontendPortRangeStart: 49990, frontendPortRangeEnd: 50040 })]), "frontendPortRangeStart"),
  row("the agent's port", endpoints([nat({ backendPort: 29876 })]), "backendPort"),
  row("the agent's other port", endpoints([nat({ backendPort: 29877 })]), "backendPort"),
  row("a NAT pool's name that ends in a dot", endpoints([nat({ name: "a." })]), "name"),
  row("a NAT pool's name that begins with a hyphen", endpoints([nat({ name: "-a" })]), "name"),
  row(
    "26 security rules",
    endpoints([nat({ networkSecurityGroupRules: Array.from({ length: 26 }, (_, n) => rule({ priority: 150 + n })) })]),
    "networkSecurityGroupRules",
  ),
  row("two rules of one priority", endpoints([nat({ networkSecurityGroupRules: [rule(), rule()] })]), "priority"),
  row(
    "a rule with a port that is none",
    endpoints([nat({ networkSecurityGroupRules: [rule({ sourcePortRanges: ["70000"] })] })]),
    "sourcePortRanges",
  ),
  row(
    "a rule with ports that overlap",
    endpoints([nat({ networkSecurityGroupRules: [rule({ sourcePortRanges: ["1-5", "5"] })] })]),
    "sourcePortRanges",
  ),
  row(
    "two who upgrade Windows",
    {
      ...machine({
        imageReference: { virtualMachineImageId: gallery },
        nodeAgentSKUId: "batch.node.windows amd64",
        windowsConfiguration: { enableAutomaticUpdates: true },
      }),
      upgradePolicy: { mode: "automatic", automaticOSUpgradePolicy: { enableAutomaticOSUpgrade: true } },
    },
    "enableAutomaticUpdates",
  ),
  row("two users of one name", { userAccounts: [account(), account({ name: "U" })] }, "userAccounts"),
  row("a uid without a gid", { userAccounts: [account({ linuxUserConfiguration: { uid: 1 } })] }, "gid"),
  row("a gid without a uid", { userAccounts: [account({ linuxUserConfiguration: { gid: 1 } })] }, "uid"),
  row("a mount outside", { mountConfiguration: [nfs("../x")] }, "relativeMountPath"),
  row("a mount at the root", { mountConfiguration: [nfs("/x")] }, "relativeMountPath"),
  row("a blob mount with two keys", blobMount({ accountKey: "a2V5" }), "sasKey"),
  row("a blob mount without a key", blobMount({ sasKey: undefined }), "accountKey", "MissingRequiredProperty"),
  row(
    "an upgrade policy that contradicts itself",
    { upgradePolicy: { mode: "rolling", rollingUpgradePolicy: { maxBatchInstancePercent: 50, maxUnhealthyInstancePercent: 20 } } },
    "maxUnhealthyInstancePercent",
  ),
  row("a start task that is too large", { startTask: { commandLine: "x".repeat(33_000) } }, "startTask", "RequestBodyTooLarge", 413),
  row(
    "a start task's file outside",
    { startTask: { commandLine: "x", resourceFiles: [{ httpUrl: "https://a.example/b", filePath: "../x" }] } },
    "filePath",
  ),
  row("a user account's name of 21", { userAccounts: [account({ name: "u".repeat(21) })] }, "name"),
];

const file = (changes: object): object => ({ resourceFiles: [{ httpUrl: "https://a.example/b", filePath: "f", ...changes }] });
const output = (containerUrl: string): object => ({
  outputFiles: [{ filePattern: "*", destination: { container: { containerUrl } }, uploadOptions: { uploadCondition: "tasksuccess" } }],
});

/** Of what every task has, a job's special ones as well. */
const ofAllTasks: Row[] = [
  row("a file's path outside", file({ filePath: "a/../../b" }), "filePath"),
  row("an absolute path", file({ filePath: "/etc/x" }), "filePath"),
  row("an absolute Windows path", file({ filePath: "C:\\x" }), "filePath"),
  row("a mode that is not octal", file({ fileMode: "0999" }), "fileMode"),
  row("a file from elsewhere", file({ httpUrl: "ftp://a.example/b" }), "httpUrl"),
  row("a container from elsewhere", { resourceFiles: [{ storageContainerUrl: "x" }] }, "storageContainerUrl"),
];
const ofOutputs: Row[] = [
  row("an output to nowhere", output("x"), "containerUrl"),
  row(
    "an output without a container",
    { outputFiles: [{ filePattern: "*", destination: {}, uploadOptions: { uploadCondition: "tasksuccess" } }] },
    "container",
    "MissingRequiredProperty",
  ),
];

const action = { jobAction: "terminate" };
export const ofTasks: Row[] = [
  ...ofAllTasks,
  ...ofOutputs,
  row("dependencies of a job without", { dependsOn: { taskIds: ["a"] } }, null, "TaskDependenciesNotSpecifiedOnJob"),
  row("the id of the preparation task", { id: "JobPreparation" }, null, "TaskIdSameAsJobPreparationTask", 409),
  row("an action that the job has not", { exitConditions: { default: action } }, "jobAction"),
  row("an action for a code", { exitConditions: { exitCodes: [{ code: 1, exitOptions: action }] } }, "jobAction"),
  row("an action for a range", { exitConditions: { exitCodeRanges: [{ start: 1, end: 2, exitOptions: action }] } }, "jobAction"),
  row("an action for failed uploads", { exitConditions: { fileUploadError: action } }, "jobAction"),
  row("codes backwards", { exitConditions: { exitCodeRanges: [{ start: 2, end: 1, exitOptions: {} }] } }, "exitCodeRanges"),
  row("slots of many instances", { requiredSlots: 2, multiInstanceSettings: { coordinationCommandLine: "x" } }, "requiredSlots"),
];

export const auto = (pool: object, changes: object = {}): object => ({
  poolInfo: {
    autoPoolSpecification: { poolLifetimeOption: "job", pool: { vmSize: "standard_d2_v3", ...machine({}), ...pool }, ...changes },
  },
});

const special =
  (name: string, needed: object, beside: object = {}) =>
  (one: Row): Row => ({
    ...one,
    what: `${name}: ${one.what}`,
    body: { [name]: { ...needed, ...one.body }, ...beside },
  });
const command = { commandLine: "x" };

export const ofJobs: Row[] = [
  row("a malformed subnet", { networkConfiguration: { subnetId: "/subnets/x" } }, "subnetId"),
  ...ofPools.map((one): Row => ({ ...one, what: `automatic pool: ${one.what}`, body: auto(one.body) })),
  ...[...ofAllTasks, ...ofOutputs].map(special("jobManagerTask", { id: "m", ...command })),
  ...ofAllTasks.map(special("jobPreparationTask", command)),
  ...ofAllTasks.map(special("jobReleaseTask", command, { jobPreparationTask: command })),
  row(
    "an automatic pool of nothing",
    { poolInfo: { autoPoolSpecification: { poolLifetimeOption: "job" } } },
    "pool",
    "MissingRequiredProperty",
  ),
  row("a release task without a preparation task", { jobReleaseTask: command }, null, "JobPreparationTaskNotSpecified", 409),
  row(
    "a manager with the preparation task's id",
    { jobManagerTask: { id: "JOBPREPARATION", ...command }, jobPreparationTask: command },
    null,
    "TaskIdSameAsJobPreparationTask",
    409,
  ),
  row(
    "a manager with the release task's id",
    { jobManagerTask: { id: "jobrelease", ...command }, jobPreparationTask: command, jobReleaseTask: command },
    null,
    "TaskIdSameAsJobReleaseTask",
    409,
  ),
  row("special tasks of one id", { jobPreparationTask: { id: "a", ...command }, jobReleaseTask: { id: "A", ...command } }, "id"),
];
