// Tries an account out as its users do: a container, a blob put, read and removed. For `quern doctor`, which knows no more than a connection string.
import { text } from "node:stream/consumers";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import { createAccountBlobs } from "./account-blobs.ts";
import { exchange, storageVersion, within } from "./blobs.ts";
import { parseConnectionString } from "./connection-string.ts";
import { ownSignature } from "./shared-access.ts";

/** Leaves nothing behind. Throws ConnectionStringError, BlobError, and an Error when what was read is not what was put. */
export const tryStorage = async (connectionString: string, { clock, ids }: { clock: Clock; ids: Ids }): Promise<void> => {
  const { accountName, accountKey, sharedAccessSignature, blobEndpoint } = parseConnectionString(connectionString);
  const query = accountKey === undefined ? sharedAccessSignature! : ownSignature(accountKey, accountName, clock.now());
  const blobs = createAccountBlobs(async () => ({ endpoint: blobEndpoint, query }));
  const container = `quern-doctor-${ids.hex(8)}`;
  const content = ids.hex(16);
  await blobs.createContainer(accountName, container);
  try {
    const url = within(`${blobEndpoint}?${query}`, `${container}/blob`, {});
    const headers = { "x-ms-version": storageVersion, "x-ms-blob-type": "BlockBlob", "content-length": String(content.length) };
    const put = await exchange(
      url,
      { storageHosts: [], allowPrivateUrls: true },
      { method: "PUT", headers, body: () => Buffer.from(content) },
    );
    put.resume();
    if ((await text(await blobs.readBlob(accountName, container, "blob"))) !== content)
      throw new Error("what was read is not what was put");
    await blobs.deleteBlob(accountName, container, "blob");
  } finally {
    await blobs.deleteContainer(accountName, container);
  }
};
