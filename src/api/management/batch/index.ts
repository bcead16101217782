// The operations of ARM Microsoft.Batch by operationId.
import * as applications from "./applications.ts";

export const batchManagementOperations = {
  Application_Create: applications.createApplication,
  Application_Update: applications.updateApplication,
  Application_Get: applications.getApplication,
  Application_List: applications.listApplications,
  Application_Delete: applications.deleteApplication,
  ApplicationPackage_Create: applications.createApplicationPackage,
  ApplicationPackage_Activate: applications.activateApplicationPackage,
  ApplicationPackage_Get: applications.getApplicationPackage,
  ApplicationPackage_List: applications.listApplicationPackages,
  ApplicationPackage_Delete: applications.deleteApplicationPackage,
} as const;

export type BatchManagementOperations = typeof batchManagementOperations;
