// The accounts that the command line names, as resources in the default resource group. Those of an earlier start that are not named now stay with
// their pools and jobs; their keys are no longer what the command line says, but what the management plane gave them.
import { type BatchAccount, defaultSettings } from "../domain/accounts.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import { getAccountByName, insertAccount, saveAccount } from "../store/accounts.ts";
import type { Reader, Store, Write } from "../store/db.ts";
import { getResourceGroup, insertResourceGroup } from "../store/resource-groups.ts";

export type OwnAccounts = {
  /** Base64 primary keys. */
  readonly accounts: readonly { readonly name: string; readonly key: string }[];
  readonly resourceGroup: string;
  readonly region: string;
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

const keepAccount = async (
  read: Reader,
  { resourceGroup, region }: OwnAccounts,
  { name, key }: { name: string; key: string },
  clock: Clock,
  ids: Ids,
): Promise<Write[]> => {
  const existing = await getAccountByName(read, name);
  if (existing === undefined) {
    const account: Omit<BatchAccount, "id"> = {
      name,
      keys: [key, newAccountKey(ids)],
      resourceGroup,
      location: region,
      tags: {},
      identity: { type: "None" },
      settings: defaultSettings,
      provisioningState: "Succeeded",
      nodeManagementId: ids.guid(),
      createdAt: clock.now(),
      modified: clock.stamp(),
      generation: 0,
    };
    return insertAccount(account);
  }
  // Of an earlier release's row, what the management plane asks for is missing.
  const [primary, secondary] = existing.keys;
  const whole = {
    ...existing,
    keys: [key, secondary === "" ? newAccountKey(ids) : secondary] as const,
    nodeManagementId: existing.nodeManagementId || ids.guid(),
    modified: existing.modified || clock.stamp(),
    provisioningState: "Succeeded" as const,
  };
  const same = primary === key && secondary !== "" && existing.nodeManagementId !== "" && existing.provisioningState === "Succeeded";
  return same ? [] : saveAccount(whole);
};
