// The storage that Quern is started with: embedded (Azurite behind Quern's own port), an account somewhere, or none. Answers where it is and
// which accounts it has; what nodes read and write is blobs.ts.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import { createAccountBlobs } from "./account-blobs.ts";
import { type StorageAccount, type StorageAccounts, StorageNotEmbedded } from "./accounts.ts";
import { parseConnectionString } from "./connection-string.ts";
import { startEmbedded } from "./embedded.ts";
import { hostAndPort } from "./endpoints.ts";
import { joinAccounts } from "./join-accounts.ts";
import { ownSignature } from "./shared-access.ts";

export type StorageOptions = {
  /** `embedded`, `none`, or the connection string of an account. */
  mode: string;
  /** The location; the embedded storage keeps its files in `azurite` below it. */
  directory: string;
  inMemory: boolean;
  clock: Clock;
  ids: Ids;
  log: Log;
  /** The operator's; little of it is passed on. */
  environment: Record<string, string | undefined>;
  /** The embedded account has a key of this location's own instead of Azurite's published one: for addresses that others can reach. */
  ownKey: boolean;
  /** Embedded accounts are also reached as `{account}.blob.{domain}`; default `localhost`. */
  domain?: string;
  /** The operator named the domain, and so answers for its names. */
  isDomainGiven?: boolean;
  /** Instead of this machine's resolver: the addresses of a name. */
  addressesOf?: (name: string) => Promise<string[]>;
};

export interface StorageService {
  readonly kind: "embedded" | "external" | "none";
  readonly accounts: StorageAccounts;
  /** Rejects when the embedded storage cannot start. */
  readonly ready: Promise<void>;
  /** For clients and tasks. `baseUrl` is Quern's own, e.g. http://127.0.0.1:10020; an account elsewhere does not depend on it. */
  connectionString(baseUrl: string): string | undefined;
  /** Without a slash at the end and without a signature; by path, which needs neither names nor a CA. */
  blobEndpoint(baseUrl: string): string | undefined;
  /**
   * `host:port` of each address it has, given Quern's own base URLs: the hosts that tasks' URLs may name though they are private. `*.` stands for
   * one label, so that accounts made later are among them.
   */
  hosts(baseUrls: readonly string[]): string[];
  /** Takes requests for the embedded accounts; false when it is not one. Goes before everything else that reads the request. */
  passThrough?(request: IncomingMessage, response: ServerResponse): boolean;
  close(): Promise<void>;
}

/** Throws ConnectionStringError and AccountsUnreadable. The embedded storage starts at once and in parallel: await `ready` before using it. */
export const startStorage = (options: StorageOptions): StorageService => {
  if (options.mode === "embedded") return startEmbedded(options);
  if (options.mode === "none") return none;
  return external(options);
};

const refuse = async (): Promise<never> => {
  throw new StorageNotEmbedded(
    "Storage accounts are made and changed in the embedded storage only, and this server was started with another.",
  );
};
const fixed = { create: refuse, regenerateKey: refuse, remove: refuse };

const none: StorageService = {
  kind: "none",
  accounts: joinAccounts({
    list: { all: () => [], find: () => undefined, ...fixed },
    blobs: createAccountBlobs(refuse),
    clientEndpoint: (_name, baseUrl) => baseUrl,
    pathEndpoint: (_name, baseUrl) => baseUrl,
  }),
  ready: Promise.resolve(),
  connectionString: () => undefined,
  blobEndpoint: () => undefined,
  hosts: () => [],
  close: async () => {},
};

const external = ({ mode, clock }: StorageOptions): StorageService => {
  const { accountName, accountKey, sharedAccessSignature, blobEndpoint } = parseConnectionString(mode);
  const account: StorageAccount = {
    name: accountName,
    kind: "external",
    keys: accountKey === undefined ? [] : [{ keyName: "key1", value: accountKey }],
  };
  const query = (): string => (accountKey === undefined ? sharedAccessSignature! : ownSignature(accountKey, accountName, clock.now()));
  const find = (name: string): StorageAccount | undefined => (name.toLowerCase() === accountName ? account : undefined);
  const endpoint = (): string => blobEndpoint;
  return {
    kind: "external",
    accounts: joinAccounts({
      list: { all: () => [account], find, ...fixed },
      blobs: createAccountBlobs(async () => ({ endpoint: blobEndpoint, query: query() })),
      clientEndpoint: endpoint,
      pathEndpoint: endpoint,
    }),
    ready: Promise.resolve(),
    connectionString: () => mode,
    blobEndpoint: endpoint,
    hosts: () => [hostAndPort(blobEndpoint)],
    close: async () => {},
  };
};
