// All resources of this server in the one shape that lists and tags need: Batch accounts, which have a table of their own, and the rows of the
// others.
import { type AccountIdentity, type BatchAccount, nameBefore } from "../../../domain/accounts.ts";
import type { Filtered } from "../../../domain/resource-filter.ts";
import { isoTime } from "../../../lib/clock.ts";
import { listAccounts, listAccountsOfGroup } from "../../../store/accounts.ts";
import type { Reader } from "../../../store/db.ts";
import { listAllResources, type Resource } from "../../../store/resources.ts";
import type { ManagementServices, ManagementSettings } from "../handler.ts";
import { idOf } from "./common.ts";
import { spelledType } from "./provider-types.ts";
import { storageAccountType } from "./storage-account-rows.ts";

export const batchAccountType = "Microsoft.Batch/batchAccounts";

/** As GenericResource of api/management/resources/resource-lists.ts has it, and what filters ask for. */
export type ShownResource = Filtered & {
  id: string;
  provisioningState: string;
  createdTime: string;
  changedTime: string;
  kind?: string;
  sku?: unknown;
  identity?: unknown;
  extendedLocation?: unknown;
};

/** In order of id. */
export const allResources = async (
  read: Reader,
  { settings, storage }: Pick<ManagementServices, "settings" | "storage">,
  resourceGroup?: string,
): Promise<ShownResource[]> => {
  const accounts = resourceGroup === undefined ? await listAccounts(read) : await listAccountsOfGroup(read, resourceGroup);
  const rows = await listAllResources(read, resourceGroup);
  // What is left of a deleted account whose name another has now is nobody's resource any more.
  const isNamed = ({ name }: BatchAccount): boolean => name === nameBefore(name);
  const isServed = ({ type, name }: Resource): boolean => type !== storageAccountType.toLowerCase() || storage.find(name) !== undefined;
  return [
    ...accounts.filter(isNamed).map((account) => accountShown(settings, account)),
    ...rows.filter(isServed).map((row) => rowShown(settings, row)),
  ].sort((a, b) => (keyOfId(a.id) < keyOfId(b.id) ? -1 : 1));
};

export const keyOfId = (id: string): string => id.toLowerCase();

const accountShown = (settings: ManagementSettings, account: BatchAccount): ShownResource => ({
  id: idOf(settings, { type: batchAccountType, resourceGroup: account.resourceGroup, name: account.name }),
  name: account.name,
  type: batchAccountType,
  resourceGroup: account.resourceGroup,
  location: account.location,
  tags: account.tags,
  identityType: account.identity.type,
  identity: identityShown(account.identity, settings),
  provisioningState: account.provisioningState,
  createdTime: isoTime(account.createdAt),
  changedTime: isoTime(Math.floor(account.modified / 1000)),
});

const identityShown = ({ type, principalId, userAssignedIdentities }: AccountIdentity, { tenantId }: ManagementSettings) => ({
  type,
  ...(principalId === undefined ? {} : { principalId, tenantId }),
  ...(userAssignedIdentities === undefined
    ? {}
    : { userAssignedIdentities: Object.fromEntries(userAssignedIdentities.map((id) => [id, {}])) }),
});

const rowShown = (settings: ManagementSettings, row: Resource): ShownResource => {
  const type = spelledType(row.type);
  const { kind, sku } = row.properties;
  return {
    id: idOf(settings, { ...row, type }),
    name: row.name,
    type,
    resourceGroup: row.resourceGroup,
    location: row.location,
    tags: row.tags,
    ...(typeof kind === "string" && type === storageAccountType ? { kind, sku } : {}),
    ...(row.extendedLocation === undefined ? {} : { extendedLocation: row.extendedLocation }),
    provisioningState: row.provisioningState,
    createdTime: isoTime(row.createdAt),
    changedTime: isoTime(Math.floor(row.modified / 1000)),
  };
};
