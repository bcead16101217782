// One request per operation that succeeds in the world of exact-world.ts: pool `p` (node `n`), job `j` (task `t`), schedule `s`.
// The rows of the tests of exactness are these with one thing changed.
import type { OperationId } from "../../src/api/batch/index.ts";

export type ValidRequest = { path: string; body?: any; headers?: Record<string, string> };

const machine = {
  imageReference: { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" },
  nodeAgentSKUId: "batch.node.ubuntu 22.04",
};
const poolInfo = { poolId: "p" };
const pool = "/pools/p";
const node = `${pool}/nodes/n`;
const job = "/jobs/j";
const task = `${job}/tasks/t`;
const schedule = "/jobschedules/s";
const formula = { autoScaleFormula: "$TargetDedicatedNodes = 0;" };

const certificate = "/certificates(thumbprintAlgorithm=sha1,thumbprint=ab)";
/** The outer form of a PFX with nothing in it. */
const emptyPfx = Buffer.from("30050201033000", "hex").toString("base64");

/** What the world's own pool and job have besides, so that the operations on it can succeed. */
export const worldBodies: Readonly<Partial<Record<OperationId, object>>> = {
  Pool_Add: {
    networkConfiguration: {
      endpointConfiguration: {
        inboundNATPools: [{ name: "ssh", protocol: "tcp", backendPort: 22, frontendPortRangeStart: 1000, frontendPortRangeEnd: 1099 }],
      },
    },
    virtualMachineConfiguration: { ...machine, extensions: [{ name: "e", publisher: "x", type: "y" }] },
  },
  Job_Add: { jobPreparationTask: { commandLine: "true" } },
};

/** Another id, where the world has one of these already. */
export const otherIds: Readonly<Partial<Record<OperationId, object>>> = {
  Pool_Add: { id: "x" },
  Job_Add: { id: "x" },
  JobSchedule_Add: { id: "x" },
  Task_Add: { id: "x" },
  Certificate_Add: { thumbprint: "cd" },
};

export const validRequests: Readonly<Partial<Record<OperationId, ValidRequest>>> = {
  Account_ListSupportedImages: { path: "/supportedimages" },
  Account_ListPoolNodeCounts: { path: "/nodecounts" },
  Account_ListNodeAgentSkus: { path: "/nodeagentskus" },
  Application_List: { path: "/applications" },
  Application_Get: { path: "/applications/a" },
  Certificate_Add: {
    path: "/certificates",
    body: { thumbprint: "ab", thumbprintAlgorithm: "sha1", data: emptyPfx, certificateFormat: "pfx", password: "p" },
  },
  Certificate_List: { path: "/certificates" },
  Certificate_Get: { path: certificate },
  Certificate_Delete: { path: certificate },
  Certificate_CancelDeletion: { path: `${certificate}/canceldelete` },
  Pool_UpgradeOS: { path: `${pool}/upgradeos`, body: { targetOSVersion: "*" } },
  Pool_ListUsageMetrics: { path: "/poolusagemetrics" },
  Pool_GetAllLifetimeStatistics: { path: "/lifetimepoolstats" },
  Job_GetAllLifetimeStatistics: { path: "/lifetimejobstats" },
  Pool_Add: { path: "/pools", body: { id: "p", vmSize: "standard_d2_v3", virtualMachineConfiguration: machine } },
  Pool_Get: { path: pool },
  Pool_List: { path: "/pools" },
  Pool_Exists: { path: pool },
  Pool_Delete: { path: pool },
  Pool_Patch: { path: pool, body: { metadata: [{ name: "a", value: "b" }] } },
  Pool_UpdateProperties: {
    path: `${pool}/updateproperties`,
    body: { metadata: [], applicationPackageReferences: [], certificateReferences: [] },
  },
  Pool_Resize: { path: `${pool}/resize`, body: { targetDedicatedNodes: 1 } },
  Pool_StopResize: { path: `${pool}/stopresize` },
  Pool_RemoveNodes: { path: `${pool}/removenodes`, body: { nodeList: ["n"] } },
  Pool_EnableAutoScale: { path: `${pool}/enableautoscale`, body: formula },
  Pool_DisableAutoScale: { path: `${pool}/disableautoscale` },
  Pool_EvaluateAutoScale: { path: `${pool}/evaluateautoscale`, body: formula },
  ComputeNode_List: { path: `${pool}/nodes` },
  ComputeNode_Get: { path: node },
  ComputeNode_Reboot: { path: `${node}/reboot`, body: {} },
  ComputeNode_Reimage: { path: `${node}/reimage`, body: {} },
  ComputeNode_Start: { path: `${node}/start` },
  ComputeNode_Deallocate: { path: `${node}/deallocate`, body: {} },
  ComputeNode_AddUser: { path: `${node}/users`, body: { name: "u" } },
  ComputeNode_UpdateUser: { path: `${node}/users/u`, body: {} },
  ComputeNode_DeleteUser: { path: `${node}/users/u` },
  ComputeNode_GetRemoteLoginSettings: { path: `${node}/remoteloginsettings` },
  ComputeNode_GetRemoteDesktop: { path: `${node}/rdp` },
  ComputeNode_UploadBatchServiceLogs: {
    path: `${node}/uploadbatchservicelogs`,
    body: { containerUrl: "https://a.example/c?sig=x", startTime: "2026-01-01T00:00:00Z" },
  },
  ComputeNodeExtension_List: { path: `${node}/extensions` },
  ComputeNodeExtension_Get: { path: `${node}/extensions/e` },
  ComputeNode_DisableScheduling: { path: `${node}/disablescheduling`, body: {} },
  ComputeNode_EnableScheduling: { path: `${node}/enablescheduling` },
  Job_Add: { path: "/jobs", body: { id: "j", poolInfo } },
  Job_Get: { path: job },
  Job_List: { path: "/jobs" },
  Job_Patch: { path: job, body: { priority: 1 } },
  Job_Update: { path: job, body: { poolInfo } },
  Job_Delete: { path: job },
  Job_Disable: { path: `${job}/disable`, body: { disableTasks: "requeue" } },
  Job_Enable: { path: `${job}/enable` },
  Job_Terminate: { path: `${job}/terminate`, body: {} },
  Job_GetTaskCounts: { path: `${job}/taskcounts` },
  Job_ListFromJobSchedule: { path: `${schedule}/jobs` },
  Job_ListPreparationAndReleaseTaskStatus: { path: `${job}/jobpreparationandreleasetaskstatus` },
  JobSchedule_Add: { path: "/jobschedules", body: { id: "s", schedule: {}, jobSpecification: { poolInfo } } },
  JobSchedule_Get: { path: schedule },
  JobSchedule_List: { path: "/jobschedules" },
  JobSchedule_Exists: { path: schedule },
  JobSchedule_Patch: { path: schedule, body: { metadata: [{ name: "a", value: "b" }] } },
  JobSchedule_Update: { path: schedule, body: { schedule: {}, jobSpecification: { poolInfo } } },
  JobSchedule_Delete: { path: schedule },
  JobSchedule_Disable: { path: `${schedule}/disable` },
  JobSchedule_Enable: { path: `${schedule}/enable` },
  JobSchedule_Terminate: { path: `${schedule}/terminate` },
  Task_Add: { path: `${job}/tasks`, body: { id: "t", commandLine: "true" } },
  Task_AddCollection: { path: `${job}/addtaskcollection`, body: { value: [{ id: "t2", commandLine: "true" }] } },
  Task_List: { path: `${job}/tasks` },
  Task_Get: { path: task },
  Task_Update: { path: task, body: { constraints: {} } },
  Task_Delete: { path: task },
  Task_Terminate: { path: `${task}/terminate` },
  Task_Reactivate: { path: `${task}/reactivate` },
  Task_ListSubtasks: { path: `${task}/subtasksinfo` },
  File_ListFromTask: { path: `${task}/files` },
  File_GetFromTask: { path: `${task}/files/stdout.txt` },
  File_GetPropertiesFromTask: { path: `${task}/files/stdout.txt` },
  File_DeleteFromTask: { path: `${task}/files/stdout.txt` },
  File_ListFromComputeNode: { path: `${node}/files` },
  File_GetFromComputeNode: { path: `${node}/files/shared/f.txt` },
  File_GetPropertiesFromComputeNode: { path: `${node}/files/shared/f.txt` },
  File_DeleteFromComputeNode: { path: `${node}/files/shared/f.txt` },
};
