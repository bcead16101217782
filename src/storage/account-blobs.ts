// The server's own access to the blobs of its accounts: straight to the storage service, signed with the account's key for a few minutes.
// For single blobs and containers of the management plane; what nodes do with users' URLs is blobs.ts.
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { BlobError, exchange, isTransient, type Send, storageVersion, textOf, unescapeXml, within } from "./blobs.ts";

/** Where an account is reached from here, without a slash at the end, and the query that lets everything be done there. */
export type Access = { endpoint: string; query: string };

export type AccountBlobs = {
  createContainer(account: string, container: string): Promise<void>;
  blobProperties(account: string, container: string, blob: string): Promise<{ length: number; etag: string } | undefined>;
  readBlob(account: string, container: string, blob: string): Promise<Readable>;
  deleteBlob(account: string, container: string, blob: string): Promise<void>;
  deleteContainer(account: string, container: string): Promise<void>;
  /** Removes every container of the account. */
  empty(account: string): Promise<void>;
};

type Ask = Omit<Send, "headers"> & { container?: string; blob?: string; query?: Record<string, string>; headers?: Record<string, string> };

/** The operator's own storage, wherever it is. */
const policy = { storageHosts: [], allowPrivateUrls: true };
const longestPage = 8 * 2 ** 20;

/** `access` is asked for before each attempt: Azurite has another port after it was restarted. It throws StorageAccountMissing. */
export const createAccountBlobs = (access: (account: string) => Promise<Access>): AccountBlobs => {
  const attempt = async (account: string, { container, blob, query, headers, ...send }: Ask): Promise<IncomingMessage> => {
    const { endpoint, query: signature } = await access(account);
    const path = [container, blob].filter((part) => part !== undefined).join("/");
    refuseClimbing(path);
    const url = new URL(within(`${endpoint}?${signature}`, path, query ?? {}));
    return exchange(url.href, policy, { ...send, headers: { "x-ms-version": storageVersion, ...headers } });
  };
  /** Once more when there was no answer: all that is asked here can be asked twice. */
  const ask = async (account: string, what: Ask): Promise<IncomingMessage> => {
    try {
      return await attempt(account, what);
    } catch (error) {
      if (!isTransient(error)) throw error;
      return attempt(account, what);
    }
  };
  const done = async (account: string, what: Ask): Promise<void> => void (await ask(account, what)).resume();

  const deleteContainer = async (account: string, container: string): Promise<void> => {
    const query = { restype: "container" };
    try {
      await done(account, { method: "DELETE", container, query });
    } catch (error) {
      if (isStatus(error, 404) || (error as BlobError).code === "ContainerBeingDeleted") return;
      if (!isStatus(error, 412)) throw error;
      // Somebody holds a lease on it, which ends with the account.
      const headers = { "x-ms-lease-action": "break", "x-ms-lease-break-period": "0", "content-length": "0" };
      await done(account, { method: "PUT", container, query: { ...query, comp: "lease" }, headers });
      await done(account, { method: "DELETE", container, query });
    }
  };

  return {
    deleteContainer,
    createContainer: (account, container) =>
      done(account, { method: "PUT", container, query: { restype: "container" }, headers: { "content-length": "0" } }).catch(
        unless((error) => error.code === "ContainerAlreadyExists"),
      ),
    blobProperties: async (account, container, blob) => {
      try {
        const { headers } = await ask(account, { method: "HEAD", container, blob });
        return { length: Number(headers["content-length"]), etag: String(headers.etag).replace(/^"(.*)"$/, "$1") };
      } catch (error) {
        if (isStatus(error, 404)) return undefined;
        throw error;
      }
    },
    readBlob: (account, container, blob) => ask(account, { method: "GET", container, blob }),
    deleteBlob: (account, container, blob) =>
      done(account, { method: "DELETE", container, blob, headers: { "x-ms-delete-snapshots": "include" } }).catch(
        unless((error) => error.status === 404),
      ),
    empty: async (account) => {
      for (;;) {
        const page = await textOf(await ask(account, { method: "GET", query: { comp: "list" } }), longestPage);
        const names = [...page.matchAll(/<Container>\s*<Name>([^<]*)<\/Name>/g)].map(([, name]) => unescapeXml(name!));
        // From the front again after each page: what was listed is gone then.
        if (names.length === 0) return;
        for (const name of names) await deleteContainer(account, name);
      }
    },
  };
};

/** Written in a URL, such a part would lead to another blob or container than the one that was named. */
export const refuseClimbing = (path: string): void => {
  if (path.split("/").some((part) => part === "." || part === "..")) throw new BlobError("the name has a part that is . or ..", 400);
};

const isStatus = (error: unknown, status: number): boolean => error instanceof BlobError && error.status === status;

const unless =
  (isFine: (error: BlobError) => boolean) =>
  (error: unknown): void => {
    if (!(error instanceof BlobError && isFine(error))) throw error;
  };
