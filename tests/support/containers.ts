// Containers in the storage of a running Quern, as its users make them: with blobs, and with SAS URLs of the permissions they choose.
import { BlobServiceClient, type ContainerClient, ContainerSASPermissions } from "@azure/storage-blob";
import type { Quern } from "./quern.ts";

export type Container = {
  client: ContainerClient;
  /** A container SAS URL with these permissions; it may have expired already. */
  url(permissions: string, minutes?: number): Promise<string>;
  /** A SAS URL of one blob, readable. */
  blobUrl(name: string): Promise<string>;
  names(): Promise<string[]>;
  text(name: string): Promise<string>;
};

export const newContainer = async (quern: Quern, name: string, blobs: Record<string, string> = {}): Promise<Container> => {
  const client = BlobServiceClient.fromConnectionString(quern.ready.storage!.connectionString).getContainerClient(name);
  await client.create();
  for (const [blob, text] of Object.entries(blobs)) await client.getBlockBlobClient(blob).upload(text, Buffer.byteLength(text));
  const url = (permissions: string, minutes = 60): Promise<string> =>
    client.generateSasUrl({
      permissions: ContainerSASPermissions.parse(permissions),
      startsOn: new Date(Date.now() - 7_200_000),
      expiresOn: new Date(Date.now() + minutes * 60_000),
    });
  return {
    client,
    url,
    blobUrl: async (blob) => {
      const { search } = new URL(await url("r"));
      return client.getBlobClient(blob).url + search;
    },
    names: async () => {
      const found: string[] = [];
      for await (const item of client.listBlobsFlat()) found.push(item.name);
      return found.sort();
    },
    text: async (blob) => String(await client.getBlobClient(blob).downloadToBuffer()),
  };
};
