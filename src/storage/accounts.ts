// The storage accounts that this server has: what the ARM plane shows as Microsoft.Storage/storageAccounts, where clients reach their
// blobs, and the server's own access to them (packages). Says nothing of ARM: groups, locations and tags are the ARM plane's.
import type { Readable } from "node:stream";
import type { Instant } from "../lib/clock.ts";

/** `key1` is the one that signs what this server gives out. */
export type StorageKeyName = "key1" | "key2";

export type StorageAccount = {
  /** 3 to 24 lower-case letters and digits. */
  name: string;
  kind: "embedded" | "external";
  /** Base64. Two of an embedded account, one of an external one, none of one that was given by a shared access signature. */
  keys: readonly { keyName: StorageKeyName; value: string }[];
};

export type BlobUrlOptions = {
  /** `r` to download, `rcw` to upload. */
  permissions: "r" | "rcw";
  expiresAt: Instant;
  /** Quern's own address as the client called it, e.g. https://127.0.0.1:10020. */
  baseUrl: string;
  /** `path` for nodes, which may resolve no names and trust no CA; otherwise the form that clients can use (see blobEndpoint). */
  form?: "path";
};

export interface StorageAccounts {
  all(): readonly StorageAccount[];
  /** Without regard to case. */
  find(name: string): StorageAccount | undefined;
  /**
   * Makes an account of the embedded storage with two fresh keys, or finds it: may be called twice. Kept and served when it resolves.
   * Throws StorageNotEmbedded and StorageNameRefused.
   */
  create(name: string): Promise<StorageAccount>;
  /** The old key is refused when it resolves. Throws StorageNotEmbedded and StorageAccountMissing. */
  regenerateKey(name: string, keyName: StorageKeyName): Promise<StorageAccount>;
  /** With its blobs. Does nothing when there is none; throws StorageNameRefused for devstoreaccount1, which always is. */
  remove(name: string): Promise<void>;
  /**
   * For clients, without a slash at the end: `https://name.blob.domain:port` where that name leads here, else `{baseUrl}/name`.
   * An external account's own, whatever the base URL.
   */
  blobEndpoint(name: string, baseUrl: string): string;
  /** A blob's URL with a signature for it alone; without one where the account has no key. Throws StorageAccountMissing. */
  signedBlobUrl(account: string, container: string, blob: string, options: BlobUrlOptions): string;
  /** Of a container, to list and to read it, in the form for nodes. Throws StorageAccountMissing. */
  signedContainerUrl(account: string, container: string, options: Pick<BlobUrlOptions, "expiresAt" | "baseUrl">): string;

  // The server's own access, not through its public port. All of them throw StorageAccountMissing, and BlobError of blobs.ts when the
  // storage service refuses or does not answer.
  /** Fine when it exists. */
  createContainer(account: string, container: string): Promise<void>;
  /** Undefined when there is no such blob or container. `etag` without quotes. */
  blobProperties(account: string, container: string, blob: string): Promise<{ length: number; etag: string } | undefined>;
  readBlob(account: string, container: string, blob: string): Promise<Readable>;
  /** Fine when it is absent. */
  deleteBlob(account: string, container: string, blob: string): Promise<void>;
  /** Fine when it is absent. */
  deleteContainer(account: string, container: string): Promise<void>;
}

/** Accounts are made and changed in the embedded storage only. */
export class StorageNotEmbedded extends Error {
  override readonly name = "StorageNotEmbedded";
}

/** The name is malformed, means something else in a URL of this server, or may not be used so; the message says which. */
export class StorageNameRefused extends Error {
  override readonly name = "StorageNameRefused";
}

export class StorageAccountMissing extends Error {
  override readonly name = "StorageAccountMissing";
}
