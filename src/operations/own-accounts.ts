// The accounts that the command line names, as resources in the default resource group. One that was deleted comes back at the next start. Those
// of an earlier start that are not named now stay with their pools, jobs and keys, but for a published key, which only its own account may have.
import { createHash } from "node:crypto";
import { type AccountSettings, type BatchAccount, defaultSettings, nameOfRemains } from "../domain/accounts.ts";
import { resourceIdOf } from "../domain/resource-ids.ts";
import type { Clock } from "../lib/clock.ts";
import { accountKey, type Ids } from "../lib/ids.ts";
import { getAccountByName, hasSettings, insertAccount, listAccounts, renameAccount, saveAccount } from "../store/accounts.ts";
import type { Reader, Store, Write } from "../store/db.ts";
import { getResourceGroup, insertResourceGroup } from "../store/resource-groups.ts";
import { getSetting, putSetting } from "../store/settings.ts";

export type OwnAccounts = {
  /** Base64 primary keys. */
  readonly accounts: readonly { readonly name: string; readonly key: string }[];
  /** Known to everybody: good for nobody unless one of the accounts is given it. */
  readonly publishedKey: string;
  readonly resourceGroup: string;
  readonly region: string;
  /** Of the ids of storage accounts. */
  readonly subscription: string;
  /** The storage account that they have as auto storage unless they were given another or lost it; none when absent. */
  readonly autoStorage?: string;
};

/**
 * Run at every start: makes what is missing, and a key that is given for the first time the primary one. A key that was given before is not
 * set again: the management plane may have made another since, and that answer holds.
 */
export const keepOwnAccounts = (store: Store, own: OwnAccounts, clock: Clock, ids: Ids): Promise<void> =>
  store.decide(async (read) => {
    const group = await getResourceGroup(read, own.resourceGroup);
    const writes: Write[] = group === undefined ? insertResourceGroup(newGroup(own, clock)) : [];
    const given: Record<string, string> = JSON.parse((await getSetting(read, givenKeys)) ?? "{}");
    for (const { name, key } of own.accounts) {
      const isNew = given[name] !== fingerprint(key);
      writes.push(...(await keepAccount(read, own, { name, key, isNew }, clock, ids)));
      given[name] = fingerprint(key);
    }
    for (const account of await withPublishedKey(read, own)) {
      const [primary, secondary] = account.keys.map((key) => (key === own.publishedKey ? accountKey(ids) : key));
      writes.push(...saveAccount({ ...account, keys: [primary!, secondary!], modified: clock.stamp() }));
      delete given[account.name];
    }
    writes.push(...putSetting(givenKeys, JSON.stringify(given)));
    return { writes, result: undefined };
  });

/** By account the fingerprint of the key that the command line last gave it. */
const givenKeys = "givenAccountKeys";
const fingerprint = (key: string): string => createHash("sha256").update(key).digest("base64url");

/** Another start may have been on loopback with the published account; on this one its key would let everybody in. */
const withPublishedKey = async (read: Reader, own: OwnAccounts): Promise<BatchAccount[]> => {
  if (own.accounts.some(({ key }) => key === own.publishedKey)) return [];
  const named = new Set(own.accounts.map(({ name }) => name));
  return (await listAccounts(read)).filter(({ name, keys }) => !named.has(name) && keys.includes(own.publishedKey));
};

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
  { name, key, isNew }: { name: string; key: string; isNew: boolean },
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
      keys: [key, accountKey(ids)],
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
    keys: [isNew ? key : primary, secondary === "" ? accountKey(ids) : secondary] as const,
    nodeManagementId: existing.nodeManagementId || ids.guid(),
    modified: existing.modified || clock.stamp(),
    ...(isWhole ? {} : { settings: firstSettings(own, clock) }),
  };
  const same = (primary === key || !isNew) && secondary !== "" && existing.nodeManagementId !== "" && isWhole;
  return same ? [] : saveAccount(whole);
};
