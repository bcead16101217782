// The accounts that the command line names, as resources in the default resource group. One that was deleted comes back at the next start. Those of an earlier start that are not named now stay with
// their pools and jobs; their keys are no longer what the command line says, but what the management plane gave them.
import { type AccountSettings, type BatchAccount, defaultSettings, nameOfRemains } from "../domain/accounts.ts";
import { resourceIdOf } from "../domain/resource-ids.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import { getAccountByName, hasSettings, insertAccount, renameAccount, saveAccount } from "../store/accounts.ts";
import type { Reader, Store, Write } from "../store/db.ts";
import { getResourceGroup, insertResourceGroup } from "../store/resource-groups.ts";

export type OwnAccounts = {
  /** Base64 primary keys. */
  readonly accounts: readonly { readonly name: string; readonly key: string }[];
  readonly resourceGroup: string;
  readonly region: string;
  /** Of the ids of storage accounts. */
  readonly subscription: string;
  /** The storage account that they have as auto storage unless they were given another or lost it; none when absent. */
  readonly autoStorage?: string;
};

export const newAccountKey = (ids: Ids): string => Buffer.from(ids.hex(64), "hex").toString("base64");

/** Run at every start: makes what is missing, and the keys that were given the primary ones. */
export const keepOwnAccounts = (store: Store, own: OwnAccounts, clock: Clock, ids: Ids): Promise<void> =>
  store.decide(async (read) => {
    const group = await getResourceGroup(read, own.resourceGroup);
    const writes: Write[] = group === undefined ? insertResourceGroup(newGroup(own, clock)) : [];
    for (const { name, key } of own.accounts) writes.push(...(await keepAccount(read, own, { name, key }, clock, ids)));
    return { writes, result: undefined };
  });

const newGroup = ({ resourceGroup, region }: OwnAccounts, clock: Clock): Parameters<typeof insertResourceGroup>[0] => ({
  key: resourceGroup.toLowerCase(),
  name: resourceGroup,
  location: region,
  tags: {},
  provisioningState: "Succeeded",
  createdAt: clock.now(),
  generation: 0,
});

const firstSettings = ({ subscription: subscriptionId, resourceGroup, autoStorage }: OwnAccounts, clock: Clock): AccountSettings => {
  if (autoStorage === undefined) return defaultSettings;
  const storageAccountId = resourceIdOf({
    subscriptionId,
    resourceGroup,
    type: "Microsoft.Storage/storageAccounts",
    names: [autoStorage],
  });
  return { ...defaultSettings, autoStorage: { storageAccountId, authenticationMode: "StorageKeys", lastKeySync: clock.now() } };
};

const keepAccount = async (
  read: Reader,
  own: OwnAccounts,
  { name, key }: { name: string; key: string },
  clock: Clock,
  ids: Ids,
): Promise<Write[]> => {
  const { resourceGroup, region } = own;
  const found = await getAccountByName(read, name);
  // What is still being deleted goes on so, under another name: the new one has nothing of it.
  const remains = found?.provisioningState === "Deleting" ? renameAccount(found, nameOfRemains(found)) : [];
  const existing = remains.length > 0 ? undefined : found;
  if (existing === undefined) {
    const account: Omit<BatchAccount, "id"> = {
      name,
      keys: [key, newAccountKey(ids)],
      resourceGroup,
      location: region,
      tags: {},
      identity: { type: "None" },
      settings: firstSettings(own, clock),
      provisioningState: "Succeeded",
      nodeManagementId: ids.guid(),
      createdAt: clock.now(),
      modified: clock.stamp(),
      generation: 0,
    };
    return [...remains, ...insertAccount(account)];
  }
  // Of an earlier release's row, what the management plane asks for is missing.
  const [primary, secondary] = existing.keys;
  const isWhole = await hasSettings(read, existing.id);
  const whole = {
    ...existing,
    keys: [key, secondary === "" ? newAccountKey(ids) : secondary] as const,
    nodeManagementId: existing.nodeManagementId || ids.guid(),
    modified: existing.modified || clock.stamp(),
    ...(isWhole ? {} : { settings: firstSettings(own, clock) }),
  };
  const same = primary === key && secondary !== "" && existing.nodeManagementId !== "" && isWhole;
  return same ? [] : saveAccount(whole);
};
