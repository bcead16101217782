// Puts together what an account is (a list of accounts), where clients reach it and how the server itself does: the StorageAccounts that the
// other rooms know. An account that there is none of is refused here, once.
import { type AccountBlobs, refuseClimbing } from "./account-blobs.ts";
import { type StorageAccount, StorageAccountMissing, type StorageAccounts } from "./accounts.ts";
import { blobSignature, containerSignature } from "./shared-access.ts";

export type AccountParts = {
  list: Pick<StorageAccounts, "all" | "find" | "create" | "regenerateKey" | "remove">;
  blobs: AccountBlobs;
  /** For clients, without a slash at the end. */
  clientEndpoint(account: string, baseUrl: string): string;
  /** For nodes. */
  pathEndpoint(account: string, baseUrl: string): string;
};

const encodedPath = (container: string, blob: string): string => [container, ...blob.split("/")].map(encodeURIComponent).join("/");

export const joinAccounts = ({ list, blobs, clientEndpoint, pathEndpoint }: AccountParts): StorageAccounts => {
  const known = (name: string): StorageAccount => {
    const account = list.find(name);
    if (account === undefined) throw new StorageAccountMissing(`There is no storage account ${name}.`);
    return account;
  };
  return {
    all: list.all,
    find: list.find,
    create: list.create,
    regenerateKey: list.regenerateKey,
    remove: list.remove,
    blobEndpoint: (name, baseUrl) => clientEndpoint(known(name).name, baseUrl),
    signedBlobUrl: (name, container, blob, { permissions, expiresAt, baseUrl, form }) => {
      refuseClimbing(`${container}/${blob}`);
      const account = known(name);
      const endpoint = (form === "path" ? pathEndpoint : clientEndpoint)(account.name, baseUrl);
      const url = `${endpoint}/${encodedPath(container, blob)}`;
      const key = account.keys[0]?.value;
      if (key === undefined) return url;
      // Creating and writing go together: an upload that is repeated overwrites what the first attempt left.
      return `${url}?${blobSignature(key, { account: account.name, container, blob, permissions, expiresAt })}`;
    },
    signedContainerUrl: (name, container, { expiresAt, baseUrl }) => {
      refuseClimbing(container);
      const account = known(name);
      const url = `${pathEndpoint(account.name, baseUrl)}/${encodeURIComponent(container)}`;
      const key = account.keys[0]?.value;
      return key === undefined
        ? url
        : `${url}?${containerSignature(key, { account: account.name, container, permissions: "rl", expiresAt })}`;
    },
    createContainer: async (name, container) => blobs.createContainer(known(name).name, container),
    blobProperties: async (name, container, blob) => blobs.blobProperties(known(name).name, container, blob),
    readBlob: async (name, container, blob) => blobs.readBlob(known(name).name, container, blob),
    deleteBlob: async (name, container, blob) => blobs.deleteBlob(known(name).name, container, blob),
    deleteContainer: async (name, container) => blobs.deleteContainer(known(name).name, container),
  };
};
