// The operations of ARM Microsoft.Batch by operationId.
import * as accounts from "./accounts.ts";
import * as applications from "./applications.ts";
import * as certificates from "./certificates.ts";
import * as diagnostics from "./diagnostics.ts";
import * as locations from "./locations.ts";
import * as perimeters from "./perimeters.ts";
import * as pools from "./pools.ts";
import * as privateLinks from "./private-links.ts";

export const batchManagementOperations = {
  BatchAccount_Create: accounts.createAccount,
  BatchAccount_Update: accounts.updateAccount,
  BatchAccount_Delete: accounts.deleteAccount,
  BatchAccount_Get: accounts.getAccount,
  BatchAccount_List: accounts.listAccounts,
  BatchAccount_ListByResourceGroup: accounts.listAccountsOfGroup,
  BatchAccount_GetOperationResult: accounts.getAccountOperationResult,
  BatchAccount_GetDeletionResult: accounts.getAccountDeletionResult,
  BatchAccount_GetKeys: accounts.getKeys,
  BatchAccount_RegenerateKey: accounts.regenerateKey,
  BatchAccount_SynchronizeAutoStorageKeys: accounts.synchronizeAutoStorageKeys,
  BatchAccount_ListDetectors: diagnostics.listDetectors,
  BatchAccount_GetDetector: diagnostics.getDetector,
  BatchAccount_ListOutboundNetworkDependenciesEndpoints: diagnostics.listOutboundEndpoints,
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
  Operations_List: locations.listOperations,
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
} as const;

export type BatchManagementOperations = typeof batchManagementOperations;
