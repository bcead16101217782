// Every operation of the data plane by its id. `Record<OperationId, Handler>` over it does not compile while a handler is missing.
import * as account from "./account.ts";
import * as applications from "./applications.ts";
import * as certificates from "./certificates.ts";
import * as files from "./files.ts";
import * as jobSchedules from "./job-schedules.ts";
import * as jobs from "./jobs.ts";
import * as nodeAccess from "./node-access.ts";
import * as nodeRuns from "./node-runs.ts";
import * as nodes from "./nodes.ts";
import * as pools from "./pools.ts";
import * as retired from "./retired.ts";
import * as tasks from "./tasks.ts";
import * as usage from "./usage.ts";

export const batchOperations = {
  Account_ListSupportedImages: account.listSupportedImages,
  Account_ListPoolNodeCounts: account.listPoolNodeCounts,
  Account_ListNodeAgentSkus: retired.listNodeAgentSkus,
  Application_List: applications.listApplications,
  Application_Get: applications.getApplication,
  Pool_UpgradeOS: retired.upgradePoolOS,
  Certificate_Add: certificates.addCertificate,
  Certificate_List: certificates.listCertificates,
  Certificate_Get: certificates.getCertificate,
  Certificate_Delete: certificates.deleteCertificate,
  Certificate_CancelDeletion: certificates.cancelCertificateDeletion,
  Pool_ListUsageMetrics: usage.listPoolUsageMetrics,
  Pool_GetAllLifetimeStatistics: usage.getAllPoolStatistics,
  Job_GetAllLifetimeStatistics: usage.getAllJobStatistics,
  Pool_Add: pools.addPool,
  Pool_Get: pools.getPool,
  Pool_List: pools.listPools,
  Pool_Exists: pools.poolExists,
  Pool_Delete: pools.deletePool,
  Pool_Patch: pools.patchPool,
  Pool_UpdateProperties: pools.updatePoolProperties,
  Pool_Resize: pools.resizePool,
  Pool_StopResize: pools.stopPoolResize,
  Pool_RemoveNodes: pools.removePoolNodes,
  Pool_EnableAutoScale: pools.enablePoolAutoScale,
  Pool_DisableAutoScale: pools.disablePoolAutoScale,
  Pool_EvaluateAutoScale: pools.evaluatePoolAutoScale,
  ComputeNode_List: nodes.listNodes,
  ComputeNode_Get: nodes.getNode,
  ComputeNode_Reboot: nodes.rebootNode,
  ComputeNode_Reimage: nodes.reimageNode,
  ComputeNode_Start: nodes.startNode,
  ComputeNode_Deallocate: nodes.deallocateNode,
  ComputeNode_AddUser: nodeAccess.addNodeUser,
  ComputeNode_UpdateUser: nodeAccess.updateNodeUser,
  ComputeNode_DeleteUser: nodeAccess.deleteNodeUser,
  ComputeNode_GetRemoteLoginSettings: nodeAccess.getNodeRemoteLoginSettings,
  ComputeNode_GetRemoteDesktop: nodeAccess.getNodeRemoteDesktop,
  ComputeNode_UploadBatchServiceLogs: nodeAccess.uploadBatchServiceLogs,
  ComputeNodeExtension_List: nodeAccess.listNodeExtensions,
  ComputeNodeExtension_Get: nodeAccess.getNodeExtension,
  ComputeNode_DisableScheduling: nodes.disableNodeScheduling,
  ComputeNode_EnableScheduling: nodes.enableNodeScheduling,
  Job_Add: jobs.addJob,
  Job_Get: jobs.getJob,
  Job_List: jobs.listJobs,
  Job_Patch: jobs.patchJob,
  Job_Update: jobs.updateJob,
  Job_Delete: jobs.deleteJob,
  Job_Disable: jobs.disableJob,
  Job_Enable: jobs.enableJob,
  Job_Terminate: jobs.terminateJob,
  Job_GetTaskCounts: jobs.getJobTaskCounts,
  Job_ListFromJobSchedule: jobSchedules.listJobsFromJobSchedule,
  Job_ListPreparationAndReleaseTaskStatus: nodeRuns.listPreparationAndReleaseTaskStatus,
  JobSchedule_Add: jobSchedules.addJobSchedule,
  JobSchedule_Get: jobSchedules.getJobSchedule,
  JobSchedule_List: jobSchedules.listJobSchedules,
  JobSchedule_Exists: jobSchedules.jobScheduleExists,
  JobSchedule_Patch: jobSchedules.patchJobSchedule,
  JobSchedule_Update: jobSchedules.updateJobSchedule,
  JobSchedule_Delete: jobSchedules.deleteJobSchedule,
  JobSchedule_Disable: jobSchedules.disableJobSchedule,
  JobSchedule_Enable: jobSchedules.enableJobSchedule,
  JobSchedule_Terminate: jobSchedules.terminateJobSchedule,
  Task_Add: tasks.addTask,
  Task_AddCollection: tasks.addTaskCollection,
  Task_List: tasks.listTasks,
  Task_Get: tasks.getTask,
  Task_Update: tasks.updateTask,
  Task_Delete: tasks.deleteTask,
  Task_Terminate: tasks.terminateTask,
  Task_Reactivate: tasks.reactivateTask,
  Task_ListSubtasks: nodeRuns.listSubtasks,
  File_ListFromTask: files.listTaskFiles,
  File_GetFromTask: files.getTaskFile,
  File_GetPropertiesFromTask: files.getTaskFileProperties,
  File_DeleteFromTask: files.deleteTaskFile,
  File_ListFromComputeNode: files.listNodeFiles,
  File_GetFromComputeNode: files.getNodeFile,
  File_GetPropertiesFromComputeNode: files.getNodeFileProperties,
  File_DeleteFromComputeNode: files.deleteNodeFile,
};

export type BatchOperations = typeof batchOperations;
export type OperationId = keyof BatchOperations;
