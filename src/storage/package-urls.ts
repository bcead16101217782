// Where nodes read application packages: a URL with a signature for one blob, made when an order is sent. Asks no storage service.
import type { Clock } from "../lib/clock.ts";
import { StorageAccountMissing, type StorageAccounts } from "./accounts.ts";

/**
 * An order may wait on its node behind a task that takes long, or for an agent that was away: the signature outlives that. It lets its holder read
 * one package and nothing else.
 */
const validForMs = 24 * 60 * 60_000;

type Blob = { account: string; container: string; name: string };

/** `baseUrl` is asked for each time: it is Quern's own as agents reach it, known once the server listens. Undefined when the account is gone. */
export const packageUrls =
  ({ accounts, clock, baseUrl }: { accounts: Pick<StorageAccounts, "signedBlobUrl">; clock: Pick<Clock, "now">; baseUrl: () => string }) =>
  ({ account, container, name }: Blob): string | undefined => {
    const options = { permissions: "r", expiresAt: clock.now() + validForMs, baseUrl: baseUrl(), form: "path" } as const;
    try {
      return accounts.signedBlobUrl(account, container, name, options);
    } catch (error) {
      if (error instanceof StorageAccountMissing) return undefined;
      throw error;
    }
  };
