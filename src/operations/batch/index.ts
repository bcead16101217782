// Every operation of the data plane with what it does. An operation without a handler does not compile.
import type { BatchOperations } from "../../api/batch/index.ts";
import type { Filterable } from "../../domain/filter.ts";
import { certificateFilterColumns } from "../../store/certificates.ts";
import { jobOfScheduleFilterColumns, jobScheduleFilterColumns } from "../../store/job-schedules.ts";
import { jobFilterColumns } from "../../store/jobs.ts";
import { nodeFilterColumns } from "../../store/nodes.ts";
import { poolFilterColumns } from "../../store/pools.ts";
import { taskFilterColumns } from "../../store/tasks.ts";
import type { Handler } from "../handler.ts";
import * as account from "./account.ts";
import * as applications from "./applications.ts";
import * as autoscale from "./autoscale.ts";
import * as certificates from "./certificates.ts";
import * as files from "./files.ts";
import * as jobSchedules from "./job-schedules.ts";
import * as jobs from "./jobs.ts";
import * as nodeAccess from "./node-access.ts";
import * as nodeRuns from "./node-runs.ts";
import * as nodeUsers from "./node-users.ts";
import * as nodes from "./nodes.ts";
import * as pools from "./pools.ts";
import * as retired from "./retired.ts";
import * as statistics from "./statistics.ts";
import * as tasks from "./tasks.ts";
import * as usage from "./usage.ts";

export type Handlers = { readonly [Id in keyof BatchOperations]: Handler<BatchOperations[Id]> };

export const handlers: Handlers = {
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
  Pool_GetAllLifetimeStatistics: statistics.getAllPoolStatistics,
  Job_GetAllLifetimeStatistics: statistics.getAllJobStatistics,
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
  Pool_EnableAutoScale: autoscale.enablePoolAutoScale,
  Pool_DisableAutoScale: autoscale.disablePoolAutoScale,
  Pool_EvaluateAutoScale: autoscale.evaluatePoolAutoScale,
  ComputeNode_List: nodes.listNodes,
  ComputeNode_Get: nodes.getNode,
  ComputeNode_Reboot: nodes.rebootNode,
  ComputeNode_Reimage: nodes.reimageNode,
  ComputeNode_Start: nodes.startNode,
  ComputeNode_Deallocate: nodes.deallocateNode,
  ComputeNode_AddUser: nodeUsers.addNodeUser,
  ComputeNode_UpdateUser: nodeUsers.updateNodeUser,
  ComputeNode_DeleteUser: nodeUsers.deleteNodeUser,
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

/** What $filter of each list offers; a list that is not here takes none. */
export const filterables: { readonly [Id in keyof BatchOperations]?: Filterable } = {
  Account_ListSupportedImages: account.imageFilterable,
  Account_ListPoolNodeCounts: account.nodeCountsFilterable,
  Account_ListNodeAgentSkus: retired.nodeAgentSkuFilterable,
  Certificate_List: certificateFilterColumns,
  Pool_List: poolFilterColumns,
  Pool_ListUsageMetrics: usage.usageFilterable,
  ComputeNode_List: nodeFilterColumns,
  Job_List: jobFilterColumns,
  Job_ListFromJobSchedule: jobOfScheduleFilterColumns,
  Job_ListPreparationAndReleaseTaskStatus: nodeRuns.preparationAndReleaseFilterable,
  JobSchedule_List: jobScheduleFilterColumns,
  Task_List: taskFilterColumns,
  File_ListFromTask: files.fileFilterable,
  File_ListFromComputeNode: files.fileFilterable,
};
