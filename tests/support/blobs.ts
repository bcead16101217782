// A blob storage for tests: Azurite in memory, and containers with SAS URLs as users make them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BlobServiceClient, type ContainerClient, ContainerSASPermissions, StorageSharedKeyCredential } from "@azure/storage-blob";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";
import { startAzurite } from "../../src/storage/azurite.ts";

const account = "devstoreaccount1";
const key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

export interface TestBlobs {
  /** host:port */
  host: string;
  /** A new container with these blobs, and a SAS URL with the permissions (default all that tasks need). */
  container(name: string, blobs?: Record<string, string>, permissions?: string): Promise<{ client: ContainerClient; url: string }>;
  contents(client: ContainerClient): Promise<Record<string, string>>;
  close(): Promise<void>;
}

export const testBlobs = async (): Promise<TestBlobs> => {
  const directory = mkdtempSync(join(tmpdir(), "quern-blobs-"));
  const azurite = startAzurite({
    directory,
    inMemory: true,
    clock: systemClock(),
    log: silentLog,
    environment: { PATH: "/usr/bin:/bin" },
    accounts: () => `${account}:${key}`,
  });
  await azurite.ready;
  const host = `127.0.0.1:${await azurite.port()}`;
  const credential = new StorageSharedKeyCredential(account, key);
  const service = new BlobServiceClient(`http://${host}/${account}`, credential);
  return {
    host,
    container: async (name, blobs = {}, permissions = "racwl") => {
      const client = service.getContainerClient(name);
      await client.createIfNotExists();
      for (const [blob, text] of Object.entries(blobs)) await client.getBlockBlobClient(blob).upload(text, Buffer.byteLength(text));
      const expiresOn = new Date(Date.now() + 3_600_000);
      const url = await client.generateSasUrl({ permissions: ContainerSASPermissions.parse(permissions), expiresOn });
      return { client, url };
    },
    contents: async (client) => {
      const found: Record<string, string> = {};
      for await (const { name } of client.listBlobsFlat()) found[name] = String(await client.getBlobClient(name).downloadToBuffer());
      return found;
    },
    close: async () => {
      await azurite.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
