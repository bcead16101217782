// Every operation of ARM Microsoft.Batch with what it does. An operation without a handler does not compile.
import type { BatchManagementOperations } from "../../../api/management/batch/index.ts";
import type { Filterable } from "../../../domain/filter.ts";
import type { ManagementHandler } from "../handler.ts";
import * as accountKeys from "./account-keys.ts";
import * as accounts from "./accounts.ts";
import * as applications from "./applications.ts";
import * as certificates from "./certificates.ts";
import * as detectors from "./detectors.ts";
import { certificateFilterable, poolFilterable } from "./filters.ts";
import * as locations from "./locations.ts";
import * as operationsList from "./operations-list.ts";
import * as outbound from "./outbound.ts";
import * as perimeters from "./perimeters.ts";
import * as pools from "./pools.ts";
import * as privateLinks from "./private-links.ts";

type Handlers = { readonly [Id in keyof BatchManagementOperations]: ManagementHandler<BatchManagementOperations[Id]> };

export const handlers: Handlers = {
  BatchAccount_Create: accounts.createAccount,
  BatchAccount_Update: accounts.updateAccount,
  BatchAccount_Delete: accounts.deleteAccount,
  BatchAccount_Get: accounts.getAccount,
  BatchAccount_List: accounts.listAccounts,
  BatchAccount_ListByResourceGroup: accounts.listAccountsOfGroup,
  BatchAccount_GetOperationResult: accounts.getAccountOperationResult,
  BatchAccount_GetDeletionResult: accounts.getAccountDeletionResult,
  BatchAccount_GetKeys: accountKeys.getKeys,
  BatchAccount_RegenerateKey: accountKeys.regenerateKey,
  BatchAccount_SynchronizeAutoStorageKeys: accountKeys.synchronizeAutoStorageKeys,
  BatchAccount_ListDetectors: detectors.listDetectors,
  BatchAccount_GetDetector: detectors.getDetector,
  BatchAccount_ListOutboundNetworkDependenciesEndpoints: outbound.listOutboundEndpoints,
  PrivateLinkResource_ListByBatchAccount: privateLinks.listPrivateLinkResources,
  PrivateLinkResource_Get: privateLinks.getPrivateLinkResource,
  PrivateEndpointConnection_ListByBatchAccount: privateLinks.listPrivateEndpointConnections,
  PrivateEndpointConnection_Get: privateLinks.getPrivateEndpointConnection,
  PrivateEndpointConnection_Update: privateLinks.updatePrivateEndpointConnection,
  PrivateEndpointConnection_Delete: privateLinks.deletePrivateEndpointConnection,
  PrivateEndpointConnection_GetOperationResult: privateLinks.getPrivateEndpointConnectionResult,
  NetworkSecurityPerimeter_ListConfigurations: perimeters.listPerimeterConfigurations,
  NetworkSecurityPerimeter_GetConfiguration: perimeters.getPerimeterConfiguration,
  NetworkSecurityPerimeter_ReconcileConfiguration: perimeters.reconcilePerimeterConfiguration,
  NetworkSecurityPerimeter_GetOperationResult: perimeters.getPerimeterResult,
  Location_CheckNameAvailability: locations.checkNameAvailability,
  Location_GetQuotas: locations.getQuotas,
  Location_ListSupportedVirtualMachineSkus: locations.listVirtualMachineSkus,
  Location_ListSupportedCloudServiceSkus: locations.listCloudServiceSkus,
  Operations_List: operationsList.listOperations,
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
  Pool_Create: pools.createPool,
  Pool_Update: pools.updatePool,
  Pool_Get: pools.getPool,
  Pool_ListByBatchAccount: pools.listPools,
  Pool_Delete: pools.deletePool,
  Pool_DisableAutoScale: pools.disablePoolAutoScale,
  Pool_StopResize: pools.stopPoolResize,
  Pool_GetOperationResult: pools.getPoolOperationResult,
  Certificate_Create: certificates.createCertificate,
  Certificate_Update: certificates.updateCertificate,
  Certificate_Get: certificates.getCertificate,
  Certificate_ListByBatchAccount: certificates.listCertificates,
  Certificate_Delete: certificates.deleteCertificate,
  Certificate_CancelDeletion: certificates.cancelCertificateDeletion,
  Certificate_GetOperationResult: certificates.getCertificateOperationResult,
};

/** What $filter of each list offers; a list that is not here takes none. */
export const filterables: { readonly [Id in keyof BatchManagementOperations]?: Filterable } = {
  Location_ListSupportedVirtualMachineSkus: locations.skuFilterable,
  Pool_ListByBatchAccount: poolFilterable,
  Certificate_ListByBatchAccount: certificateFilterable,
};
