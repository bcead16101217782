// Application packages in a running Quern, for tests of what nodes do with them: rows and blob are put in place as the management plane does it,
// through its rules and its tables, without its requests.
import { join } from "node:path";
import { BlobServiceClient } from "@azure/storage-blob";
import { activatePackage, deletePackage, newApplication, newPackage } from "../../src/domain/applications.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { systemIds } from "../../src/lib/ids.ts";
import { getAccountByName } from "../../src/store/accounts.ts";
import * as store from "../../src/store/applications.ts";
import type { Store } from "../../src/store/db.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { Quern } from "./quern.ts";

export type Shelf = {
  /** Uploads and activates; a version that is there is replaced. */
  add(application: string, version: string, archive: Buffer, options?: { isDefault?: boolean; isActive?: boolean }): Promise<void>;
  setDefault(application: string, version: string): Promise<void>;
  remove(application: string, version: string): Promise<void>;
};

export const packageShelf = (quern: Quern): Shelf => {
  const clock = systemClock();
  const ids = systemIds();
  const service = BlobServiceClient.fromConnectionString(quern.ready.storage!.connectionString);

  const inStore = async <T>(work: (store: Store, account: { id: number; name: string }) => Promise<T>): Promise<T> => {
    const database = await openSqlite({ file: join(quern.location, "quern.db"), clock });
    try {
      return await work(database, (await getAccountByName(database, quern.ready.account))!);
    } finally {
      await database.close();
    }
  };

  const setDefault = (application: string, defaultVersion: string): Promise<void> =>
    inStore(async (database, { id }) => {
      const before = (await store.getApplication(database, id, application.toLowerCase()))!;
      await database.commit(store.saveApplication({ ...before, defaultVersion, modified: clock.stamp() }));
    });

  return {
    add: async (id, version, archive, { isDefault = false, isActive = true } = {}) => {
      await inStore(async (database, account) => {
        const at = { accountId: account.id, stamp: clock.stamp() };
        const known = await store.getApplication(database, account.id, id.toLowerCase());
        const application = known ?? newApplication(id, at);
        const made = newPackage(application, version, {
          accountName: account.name,
          storageAccount: service.accountName,
          guid: ids.guid(),
          stamp: clock.stamp(),
        });
        const before = await store.getPackage(database, made);
        const pending = before ?? made;
        const container = service.getContainerClient(pending.blob.container);
        await container.createIfNotExists();
        const { etag } = await container.getBlockBlobClient(pending.blob.name).uploadData(archive);
        const activated = activatePackage(pending, { format: "zip", etag: etag!, now: clock.now(), stamp: clock.stamp() });
        const after = isActive ? activated : pending;
        await database.commit([
          ...(known === undefined ? store.insertApplication(application) : []),
          ...(before === undefined ? store.insertPackage(after) : store.savePackage(after)),
        ]);
      });
      if (isDefault) await setDefault(id, version);
    },
    setDefault,
    remove: (id, version) =>
      inStore(async (database, account) => {
        const application = (await store.getApplication(database, account.id, id.toLowerCase()))!;
        const gone = (await store.getPackage(database, {
          accountId: account.id,
          applicationKey: application.key,
          key: version.toLowerCase(),
        }))!;
        const verdict = deletePackage(application, gone, clock.stamp());
        const after = "after" in verdict && verdict.after !== application ? store.saveApplication(verdict.after) : [];
        await database.commit([...after, ...store.deletePackage(gone)]);
        await service.getContainerClient(gone.blob.container).deleteBlob(gone.blob.name);
      }),
  };
};
