// Where nodes read the containers of an account's auto storage: a URL with a signature that lists and reads one container. Asks no storage service.
import type { Clock, Instant } from "../lib/clock.ts";
import { StorageAccountMissing, type StorageAccounts } from "./accounts.ts";
import { BlobError } from "./blobs.ts";

/** As of packages (package-urls.ts): an order may wait on its node for long. */
const validForMs = 24 * 60 * 60_000;
/** A URL is given to many tasks, as long as that much of its life is left. */
const leastLeftMs = 12 * 60 * 60_000;
const mostKept = 1000;

export type ContainerUrls = {
  accounts: Pick<StorageAccounts, "find" | "signedContainerUrl">;
  clock: Pick<Clock, "now">;
  /** Quern's own as agents reach it, known once the server listens. */
  baseUrl: () => string;
  /** The name of the Batch account's auto storage account; undefined when it has none. */
  autoStorageOf: (accountId: number) => string | undefined;
};

/** Undefined when the Batch account has no auto storage, when that is gone, and for what is no name of a container. */
export const containerUrls = ({ accounts, clock, baseUrl, autoStorageOf }: ContainerUrls) => {
  const kept = new Map<string, { url: string; madeAt: Instant; key: string | undefined }>();
  return (accountId: number, container: string): string | undefined => {
    const account = autoStorageOf(accountId);
    if (account === undefined) return undefined;
    const name = `${account}/${container}`;
    const now = clock.now();
    const known = kept.get(name);
    // A key that was regenerated, or is that of another account of the name, takes every signature with it.
    const key = accounts.find(account)?.keys[0]?.value;
    if (known !== undefined && known.key === key && known.madeAt + validForMs - leastLeftMs > now) return known.url;
    if (kept.size >= mostKept) kept.clear();
    try {
      const url = accounts.signedContainerUrl(account, container, { expiresAt: now + validForMs, baseUrl: baseUrl() });
      kept.set(name, { url, madeAt: now, key });
      return url;
    } catch (error) {
      if (error instanceof StorageAccountMissing || error instanceof BlobError) return undefined;
      throw error;
    }
  };
};
