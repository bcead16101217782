// All resources of this server in the one shape that lists and tags need: Batch accounts, which have a table of their own, and the rows of the
// others.
import { type AccountIdentity, type BatchAccount, nameBefore } from "../../../domain/accounts.ts";
import type { Filtered } from "../../../domain/resource-filter.ts";
import { isoTime } from "../../../lib/clock.ts";
import { listAccounts, listAccountsOfGroup } from "../../../store/accounts.ts";
import type { Reader } from "../../../store/db.ts";
import { listAllResources, listResourcesAfter, type Resource, type ResourcePlace } from "../../../store/resources.ts";
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

type Surroundings = Pick<ManagementServices, "settings" | "storage">;

/** In order of id. */
export const allResources = async (read: Reader, services: Surroundings, resourceGroup?: string): Promise<ShownResource[]> => {
  const rows = await listAllResources(read, resourceGroup);
  return [
    ...(await accountsOf(read, resourceGroup)).map((account) => accountShown(services.settings, account)),
    ...rows.filter((row) => isServed(services, row)).map((row) => rowShown(services.settings, row)),
  ].sort((a, b) => (keyOfId(a.id) < keyOfId(b.id) ? -1 : 1));
};

const accountsOf = async (read: Reader, resourceGroup?: string): Promise<BatchAccount[]> => {
  const accounts = resourceGroup === undefined ? await listAccounts(read) : await listAccountsOfGroup(read, resourceGroup);
  // What is left of a deleted account whose name another has now is nobody's resource any more.
  return accounts.filter(({ name }) => name === nameBefore(name));
};

const isServed = ({ storage }: Surroundings, { type, name }: Resource): boolean =>
  type !== storageAccountType.toLowerCase() || storage.find(name) !== undefined;

/** Read at once. */
const slice = 1000;

const placeOf = ({ resourceGroup, type, name }: Pick<Resource, "resourceGroup" | "type" | "name">): ResourcePlace => [
  resourceGroup.toLowerCase(),
  type.toLowerCase(),
  name.toLowerCase(),
];
/** Less than what can be in any part, so that texts are in the order of the places. */
const textOf = (place: ResourcePlace): string => place.join("\0");
/** What a page ends with. No part has such a character. */
export const tokenOf = (one: ShownResource): string => placeOf(one).join("|");

/**
 * One after the other in the order of group, type and name, after what `token` names: whoever wants no more has not read the rest. Others have their turn
 * between two slices.
 */
export async function* resourcesAfter(
  read: Reader,
  services: Surroundings,
  { token = "", resourceGroup }: { token?: string; resourceGroup?: string },
): AsyncGenerator<ShownResource> {
  const { settings } = services;
  const [group = "", type = "", key = ""] = token.split("|");
  let after: ResourcePlace = [group, type, key];
  const accounts = (await accountsOf(read, resourceGroup))
    .map((account) => ({ account, at: textOf(placeOf({ ...account, type: batchAccountType })) }))
    .filter(({ at }) => at > textOf(after))
    .sort((a, b) => (a.at < b.at ? -1 : 1));
  for (;;) {
    const rows = await listResourcesAfter(read, { after, limit: slice, ...(resourceGroup === undefined ? {} : { resourceGroup }) });
    for (const row of rows) {
      while (accounts[0] !== undefined && accounts[0].at < textOf(placeOf(row))) yield accountShown(settings, accounts.shift()!.account);
      if (isServed(services, row)) yield rowShown(settings, row);
    }
    if (rows.length < slice) break;
    after = placeOf(rows.at(-1)!);
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const { account } of accounts) yield accountShown(settings, account);
}

const keyOfId = (id: string): string => id.toLowerCase();

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
