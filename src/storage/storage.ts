// The storage that Quern is started with: embedded (Azurite behind Quern's own port), an account somewhere, or none. Answers where it is;
// reading and writing blobs is blobs.ts.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { childEnvironment } from "../lib/child-environment.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import { writeFileAtomically } from "../lib/processes.ts";
import { startAzurite } from "./azurite.ts";
import { embeddedAccount, parseConnectionString } from "./connection-string.ts";
import { createPassThrough } from "./pass-through.ts";

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
};

export interface StorageService {
  readonly kind: "embedded" | "external" | "none";
  /** Rejects when the embedded storage cannot start. */
  readonly ready: Promise<void>;
  /** For clients and tasks. `baseUrl` is Quern's own, e.g. http://127.0.0.1:10020; an account elsewhere does not depend on it. */
  connectionString(baseUrl: string): string | undefined;
  /** Without a slash at the end and without a signature. */
  blobEndpoint(baseUrl: string): string | undefined;
  /** `host:port` of each address it has, given Quern's own base URLs: the hosts that tasks' URLs may name though they are private. */
  hosts(baseUrls: readonly string[]): string[];
  /** Takes requests for the embedded account; false when it is not one. Goes before everything else that reads the request. */
  passThrough?(request: IncomingMessage, response: ServerResponse): boolean;
  close(): Promise<void>;
}

/** Throws ConnectionStringError. The embedded storage starts at once and in parallel: await `ready` before using it. */
export const startStorage = (options: StorageOptions): StorageService => {
  if (options.mode === "embedded") return embedded(options);
  if (options.mode === "none") return none;
  return external(options.mode);
};

const hostAndPort = (url: string): string => {
  const { protocol, hostname, port } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
};

const none: StorageService = {
  kind: "none",
  ready: Promise.resolve(),
  connectionString: () => undefined,
  blobEndpoint: () => undefined,
  hosts: () => [],
  close: async () => {},
};

const external = (connectionString: string): StorageService => {
  const account = parseConnectionString(connectionString);
  return {
    kind: "external",
    ready: Promise.resolve(),
    connectionString: () => connectionString,
    blobEndpoint: () => account.blobEndpoint,
    hosts: () => [hostAndPort(account.blobEndpoint)],
    close: async () => {},
  };
};

/** Made on the first start that needs it and kept, so that connection strings stay good. */
const keptKey = (file: string, ids: Ids): string => {
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const key = Buffer.from(ids.hex(64), "hex").toString("base64");
  writeFileAtomically(file, `${key}\n`);
  return key;
};

const embedded = ({ directory, inMemory, clock, ids, log, environment, ownKey }: StorageOptions): StorageService => {
  const folder = join(directory, "azurite");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const key = ownKey ? keptKey(join(folder, "account-key"), ids) : embeddedAccount.key;
  const child = startAzurite({
    directory: folder,
    inMemory,
    clock,
    log: log.child({ part: "azurite" }),
    environment: { ...childEnvironment(environment), AZURITE_ACCOUNTS: `${embeddedAccount.name}:${key}` },
  });
  const passThrough = createPassThrough({ port: child.port, clock, ids, log: log.child({ part: "pass-through" }) });
  const blobEndpoint = (baseUrl: string): string => `${baseUrl.replace(/\/+$/, "")}/${embeddedAccount.name}`;
  return {
    kind: "embedded",
    ready: child.ready,
    blobEndpoint,
    connectionString: (baseUrl) =>
      [
        `DefaultEndpointsProtocol=${new URL(baseUrl).protocol.slice(0, -1)}`,
        `AccountName=${embeddedAccount.name}`,
        `AccountKey=${key}`,
        `BlobEndpoint=${blobEndpoint(baseUrl)}`,
        "",
      ].join(";"),
    hosts: (baseUrls) => {
      const aliases = ["127.0.0.1", "[::1]", "localhost", `${embeddedAccount.name}.blob.localhost`];
      const own = baseUrls.map(hostAndPort);
      const ports = new Set(own.map((address) => address.slice(address.lastIndexOf(":"))));
      return [...new Set([...own, ...[...ports].flatMap((port) => aliases.map((alias) => alias + port))])];
    },
    passThrough: passThrough.handle,
    close: async () => {
      passThrough.close();
      await child.close();
    },
  };
};
