// All that can be in a resource group, in the order in which it goes with the group: what leans on others before these. How each kind goes when
// it is deleted by itself is where its operations are; this only asks for it.

import { ApiError } from "../../api/errors.ts";
import { galleryImageType, marketplaceImageType, storageContainerType } from "../../domain/stack-hci.ts";
import type { Remaining, ResourceKind } from "../../scheduler/resource-kinds.ts";
import { nothingLeft } from "../../scheduler/resource-kinds.ts";
import { getAccount, listAccountsOfGroup } from "../../store/accounts.ts";
import type { Write } from "../../store/db.ts";
import { deleteDeployment, deploymentsIn } from "../../store/deployments.ts";
import { connectionsOfPrivateEndpoint, deletePrivateEndpointConnection } from "../../store/private-endpoint-connections.ts";
import { deleteResource, getResource, listAllResources, listResourcesOfGroup, type Resource } from "../../store/resources.ts";
import { deploymentType } from "../../templates/resources.ts";
import { accountLeaves, leavingAccount } from "./batch/accounts.ts";
import type { ManagementServices } from "./handler.ts";
import { batchAccountType } from "./resources/all-resources.ts";
import { idOf } from "./resources/common.ts";
import { privateEndpointType } from "./resources/private-endpoints.ts";
import { storageAccountType } from "./resources/storage-account-rows.ts";
import { removeFromStorage } from "./resources/storage-accounts.ts";
import { beginDeletion } from "./stack-hci/deletion.ts";

export const resourceKinds = (services: ManagementServices): ResourceKind[] => [
  batchAccounts(services),
  privateEndpoints(services),
  ...[galleryImageType, marketplaceImageType, storageContainerType].map((type) => images(services, type)),
  storageAccounts(services),
  deploymentsOf(services),
  everythingElse(services),
];

/** Its end rings the group (scheduler/reconcilers/accounts.ts). */
const batchAccounts = (services: ManagementServices): ResourceKind => ({
  type: batchAccountType,
  removeFrom: async (group) => {
    const accounts = await listAccountsOfGroup(services.store, group);
    for (const { id } of accounts) {
      const account = await services.store.decide(async (read) => {
        const found = await getAccount(read, id);
        return { writes: found === undefined ? [] : leavingAccount(found, services.clock), result: found };
      });
      if (account !== undefined) await accountLeaves(account, services);
    }
    return { left: accounts.length };
  },
});

const privateEndpoints = ({ store, settings }: ManagementServices): ResourceKind => ({
  type: privateEndpointType,
  removeFrom: (group) =>
    store.decide(async (read) => {
      const writes: Write[] = [];
      for (const endpoint of await listResourcesOfGroup(read, { type: privateEndpointType, resourceGroup: group, limit: all })) {
        const connections = await connectionsOfPrivateEndpoint(read, idOf(settings, endpoint));
        writes.push(...connections.flatMap(deletePrivateEndpointConnection), ...deleteResource(endpoint));
      }
      return { writes, result: nothingLeft };
    }),
});

/** An image that a pool of another group names, or a container with images of another, stays, and with it the group. */
const images = ({ store, settings, clock, imageWork, images: catalogue }: ManagementServices, type: string): ResourceKind => ({
  type,
  removeFrom: async (group, { bells }): Promise<Remaining> => {
    const rows = await listResourcesOfGroup(store, { type, resourceGroup: group, limit: all });
    for (const { name } of rows) {
      const key = { type, resourceGroup: group, name };
      try {
        await store.decide(async (read) => {
          const resource = await getResource(read, key);
          if (resource === undefined || resource.provisioningState === "Deleting") return { writes: [], result: undefined };
          const change = { type, resource, modified: clock.stamp(), modifiedBy: resource.modifiedBy };
          return { writes: await beginDeletion(read, { settings, images: catalogue }, change), result: undefined };
        });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return { left: rows.length, blocked: { code: "ResourceGroupDeletionBlocked", message: blockedBy(group, error) } };
      }
      imageWork.gone(key).then(
        () => bells.resourceGroup(group),
        () => {},
      );
      imageWork.ring(key);
    }
    return { left: rows.length };
  },
});

const blockedBy = (group: string, { message }: ApiError): string =>
  `Deletion of resource group '${group}' did not finish: resources in it could not be deleted. ${message}`;

const storageAccounts = ({ store, storage }: ManagementServices): ResourceKind => ({
  type: storageAccountType,
  removeFrom: async (group): Promise<Remaining> => {
    const rows = await listResourcesOfGroup(store, { type: storageAccountType, resourceGroup: group, limit: all });
    for (const row of rows) {
      try {
        await removeFromStorage(storage, row.name);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return { left: rows.length, blocked: { code: "ResourceGroupDeletionBlocked", message: blockedBy(group, error) } };
      }
      await removeRow(store, row);
    }
    return nothingLeft;
  },
});

/** One that is under way ends there: what it would deploy is refused in a group that goes. */
const deploymentsOf = ({ store }: ManagementServices): ResourceKind => ({
  type: deploymentType,
  removeFrom: (group) =>
    store.decide(async (read) => ({
      writes: (await deploymentsIn(read, group.toLowerCase())).flatMap(deleteDeployment),
      result: nothingLeft,
    })),
});

/** What is nothing but a row: identities. */
const everythingElse = ({ store }: ManagementServices): ResourceKind => ({
  type: "*",
  removeFrom: async (group) => {
    for (const row of await listAllResources(store, group)) await removeRow(store, row);
    return nothingLeft;
  },
});

const removeRow = (store: ManagementServices["store"], key: Resource<object>): Promise<void> =>
  store.decide(async (read) => {
    const row = await getResource(read, key);
    return { writes: row === undefined ? [] : deleteResource(row), result: undefined };
  });

const all = 1_000_000;
