// The operations of what stands around Batch by operationId: subscriptions, groups and providers (Microsoft.Resources), storage accounts, identities,
// private endpoints. Each as far as the clients of Batch need it.
import * as deployments from "./deployments.ts";
import * as groups from "./groups.ts";
import * as identities from "./identities.ts";
import * as privateEndpoints from "./private-endpoints.ts";
import * as registrations from "./provider-registrations.ts";
import * as lists from "./resource-lists.ts";
import * as storage from "./storage-accounts.ts";
import * as subscriptions from "./subscriptions.ts";
import * as tags from "./tags.ts";

export const surroundingOperations = {
  Subscriptions_List: subscriptions.listSubscriptions,
  Subscriptions_Get: subscriptions.getSubscription,
  Subscriptions_ListLocations: subscriptions.listLocations,
  Tenants_List: subscriptions.listTenants,

  ResourceGroups_CreateOrUpdate: groups.createGroup,
  ResourceGroups_Get: groups.getGroup,
  ResourceGroups_CheckExistence: groups.groupExists,
  ResourceGroups_Update: groups.updateGroup,
  ResourceGroups_Delete: groups.deleteGroup,
  ResourceGroups_List: groups.listGroups,
  OperationResults_Get: groups.getOperationResult,

  Resources_List: lists.listResources,
  Resources_ListByResourceGroup: lists.listResourcesOfGroup,

  Providers_List: registrations.listProviders,
  Providers_Get: registrations.getProvider,
  Providers_Register: registrations.registerProvider,
  Providers_Unregister: registrations.unregisterProvider,
  Providers_ListAtTenantScope: registrations.listTenantProviders,
  Providers_GetAtTenantScope: registrations.getTenantProvider,

  Deployments_CreateOrUpdate: deployments.inGroup.create,
  Deployments_Get: deployments.inGroup.get,
  Deployments_CheckExistence: deployments.inGroup.exists,
  Deployments_Delete: deployments.inGroup.remove,
  Deployments_Cancel: deployments.inGroup.cancel,
  Deployments_Validate: deployments.inGroup.validate,
  Deployments_WhatIf: deployments.inGroup.whatIf,
  Deployments_ExportTemplate: deployments.inGroup.exportTemplate,
  Deployments_ListByResourceGroup: deployments.inGroup.list,
  Deployments_GetOperationStatus: deployments.inGroup.status,
  DeploymentOperations_List: deployments.stepsInGroup.listSteps,
  DeploymentOperations_Get: deployments.stepsInGroup.getStep,
  DeploymentOperations_ListAtScope: deployments.inGroup.listSteps,
  DeploymentOperations_GetAtScope: deployments.inGroup.getStep,

  Deployments_CreateOrUpdateAtSubscriptionScope: deployments.inSubscription.create,
  Deployments_GetAtSubscriptionScope: deployments.inSubscription.get,
  Deployments_CheckExistenceAtSubscriptionScope: deployments.inSubscription.exists,
  Deployments_DeleteAtSubscriptionScope: deployments.inSubscription.remove,
  Deployments_CancelAtSubscriptionScope: deployments.inSubscription.cancel,
  Deployments_ValidateAtSubscriptionScope: deployments.inSubscription.validate,
  Deployments_WhatIfAtSubscriptionScope: deployments.inSubscription.whatIf,
  Deployments_ExportTemplateAtSubscriptionScope: deployments.inSubscription.exportTemplate,
  Deployments_ListAtSubscriptionScope: deployments.inSubscription.list,
  Deployments_GetOperationStatusAtSubscriptionScope: deployments.inSubscription.status,
  DeploymentOperations_ListAtSubscriptionScope: deployments.inSubscription.listSteps,
  DeploymentOperations_GetAtSubscriptionScope: deployments.inSubscription.getStep,

  Tags_List: tags.listTags,
  Tags_GetAtScope: tags.getTags,
  Tags_CreateOrUpdateAtScope: tags.putTags,
  Tags_UpdateAtScope: tags.patchTags,
  Tags_DeleteAtScope: tags.deleteTags,

  StorageAccounts_Create: storage.createStorageAccount,
  StorageAccounts_GetProperties: storage.getStorageAccount,
  StorageAccounts_Update: storage.updateStorageAccount,
  StorageAccounts_Delete: storage.deleteStorageAccount,
  StorageAccounts_List: storage.listStorageAccounts,
  StorageAccounts_ListByResourceGroup: storage.listStorageAccountsOfGroup,
  StorageAccounts_ListKeys: storage.listStorageKeys,
  StorageAccounts_RegenerateKey: storage.regenerateStorageKey,
  StorageAccounts_CheckNameAvailability: storage.checkStorageName,

  UserAssignedIdentities_CreateOrUpdate: identities.createIdentity,
  UserAssignedIdentities_Get: identities.getIdentity,
  UserAssignedIdentities_Update: identities.updateIdentity,
  UserAssignedIdentities_Delete: identities.deleteIdentity,
  UserAssignedIdentities_ListBySubscription: identities.listIdentities,
  UserAssignedIdentities_ListByResourceGroup: identities.listIdentitiesOfGroup,

  PrivateEndpoints_CreateOrUpdate: privateEndpoints.createPrivateEndpoint,
  PrivateEndpoints_Get: privateEndpoints.getPrivateEndpoint,
  PrivateEndpoints_Delete: privateEndpoints.deletePrivateEndpoint,
  PrivateEndpoints_List: privateEndpoints.listPrivateEndpointsOfGroup,
  PrivateEndpoints_ListBySubscription: privateEndpoints.listPrivateEndpoints,
} as const;

export type SurroundingOperations = typeof surroundingOperations;
