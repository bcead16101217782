// Every operation of ARM Microsoft.Batch with what it does. An operation without a handler does not compile.
import type { BatchManagementOperations } from "../../../api/management/batch/index.ts";
import type { Filterable } from "../../../domain/filter.ts";
import type { ManagementHandler } from "../handler.ts";
import * as applications from "./applications.ts";

type Handlers = { readonly [Id in keyof BatchManagementOperations]: ManagementHandler<BatchManagementOperations[Id]> };

export const handlers: Handlers = {
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
};

/** What $filter of each list offers; a list that is not here takes none. */
export const filterables: { readonly [Id in keyof BatchManagementOperations]?: Filterable } = {};
