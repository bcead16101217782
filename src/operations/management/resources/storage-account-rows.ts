// Storage accounts as resources: the row beside each account of the storage, which says where it is and how it was made. An account is there when
// both are: a row whose account the storage does not have (another storage was configured, a creation was cut short) is not shown.

import type { Clock, Instant } from "../../../lib/clock.ts";
import type { StorageAccount, StorageAccounts } from "../../../storage/accounts.ts";
import type { Reader, Store, Write } from "../../../store/db.ts";
import { deleteResource, insertResource, listResources, type Resource, saveResource } from "../../../store/resources.ts";
import type { ManagementSettings } from "../handler.ts";

export const storageAccountType = "Microsoft.Storage/storageAccounts";

export type StorageProperties = {
  sku: { name: string; tier?: string };
  kind: string;
  identity?: unknown;
  extendedLocation?: unknown;
  /** What the client said of it, and what follows from nothing. */
  settings: Record<string, unknown>;
  /** When each was made. */
  keysMadeAt: { key1: Instant; key2: Instant };
};

export type StorageRow = Resource<StorageProperties>;

const all = 1_000_000;

/** In whatever group: names are unique on the server. */
export const findStorageRow = async (read: Reader, name: string): Promise<StorageRow | undefined> =>
  (await listResources<StorageProperties>(read, { type: storageAccountType, limit: all })).find(
    (row) => row.name.toLowerCase() === name.toLowerCase(),
  );

/**
 * Run at every start: the storage's own accounts (devstoreaccount1, or the one of the connection string) are resources of the default group, what
 * was cut short is finished, and what the embedded storage has no longer is forgotten.
 */
export const keepStorageRows = (
  store: Store,
  storage: StorageAccounts,
  settings: Pick<ManagementSettings, "resourceGroup" | "region">,
  clock: Clock,
): Promise<void> =>
  store.decide(async (read) => {
    const rows = await listResources<StorageProperties>(read, { type: storageAccountType, limit: all });
    const rowOf = (name: string): StorageRow | undefined => rows.find((row) => row.name.toLowerCase() === name);
    const accounts = storage.all();
    const isEmbedded = accounts.some(({ kind }) => kind === "embedded");
    const missing = accounts.filter(({ name }) => rowOf(name) === undefined);
    const writes: Write[] = missing.flatMap((account) => insertResource(ownRow(account, settings, clock)));
    for (const row of rows) {
      const isThere = storage.find(row.name) !== undefined;
      if (isThere && row.provisioningState !== "Succeeded") writes.push(...saveResource({ ...row, provisioningState: "Succeeded" }));
      // Where there is another storage now, or none, the rows are kept for when the embedded one is back.
      if (!isThere && isEmbedded) writes.push(...deleteResource(row));
    }
    return { writes, result: undefined };
  });

const ownRow = (
  { name }: StorageAccount,
  { resourceGroup, region }: Pick<ManagementSettings, "resourceGroup" | "region">,
  clock: Clock,
): StorageRow => ({
  type: storageAccountType,
  name,
  resourceGroup,
  location: region,
  tags: {},
  properties: {
    sku: { name: "Standard_LRS", tier: "Standard" },
    kind: "StorageV2",
    settings: {},
    keysMadeAt: { key1: clock.now(), key2: clock.now() },
  },
  provisioningState: "Succeeded",
  createdAt: clock.now(),
  createdBy: "",
  modified: clock.stamp(),
  modifiedBy: "",
  generation: 0,
});
