// Every operation of what stands around Batch with what it does. An operation without a handler does not compile.
import type { SurroundingOperations } from "../../../api/management/resources/index.ts";
import type { Filterable } from "../../../domain/filter.ts";
import type { ManagementHandler } from "../handler.ts";
import * as deployments from "./deployments.ts";
import * as groups from "./groups.ts";
import * as identities from "./identities.ts";
import * as privateEndpoints from "./private-endpoints.ts";
import * as registrations from "./provider-registrations.ts";
import * as lists from "./resource-lists.ts";
import * as storage from "./storage-accounts.ts";
import * as subscriptions from "./subscriptions.ts";
import * as tags from "./tags.ts";

type Handlers = { readonly [Id in keyof SurroundingOperations]: ManagementHandler<SurroundingOperations[Id]> };

export const handlers: Handlers = {
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

  Deployments_CreateOrUpdate: deployments.createDeployment,
  Deployments_Get: deployments.getDeploymentByName,
  Deployments_CheckExistence: deployments.deploymentExists,
  Deployments_Delete: deployments.removeDeployment,
  Deployments_Cancel: deployments.cancelDeployment,
  Deployments_Validate: deployments.validateDeployment,
  Deployments_WhatIf: deployments.whatIfDeployment,
  Deployments_ExportTemplate: deployments.exportDeployedTemplate,
  Deployments_ListByResourceGroup: deployments.listAllDeployments,
  Deployments_GetOperationStatus: deployments.getDeploymentStatus,
  DeploymentOperations_List: deployments.listDeploymentSteps,
  DeploymentOperations_Get: deployments.getDeploymentStep,
  DeploymentOperations_ListAtScope: deployments.listDeploymentSteps,
  DeploymentOperations_GetAtScope: deployments.getDeploymentStep,

  Deployments_CreateOrUpdateAtSubscriptionScope: deployments.createDeployment,
  Deployments_GetAtSubscriptionScope: deployments.getDeploymentByName,
  Deployments_CheckExistenceAtSubscriptionScope: deployments.deploymentExists,
  Deployments_DeleteAtSubscriptionScope: deployments.removeDeployment,
  Deployments_CancelAtSubscriptionScope: deployments.cancelDeployment,
  Deployments_ValidateAtSubscriptionScope: deployments.validateDeployment,
  Deployments_WhatIfAtSubscriptionScope: deployments.whatIfDeployment,
  Deployments_ExportTemplateAtSubscriptionScope: deployments.exportDeployedTemplate,
  Deployments_ListAtSubscriptionScope: deployments.listAllDeployments,
  Deployments_GetOperationStatusAtSubscriptionScope: deployments.getDeploymentStatus,
  DeploymentOperations_ListAtSubscriptionScope: deployments.listDeploymentSteps,
  DeploymentOperations_GetAtSubscriptionScope: deployments.getDeploymentStep,

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
};

/** What $filter of each list offers; a list that is not here takes none. */
export const filterables: { readonly [Id in keyof SurroundingOperations]?: Filterable } = {};
