// The embedded storage as a whole: Azurite, its accounts, its way in through Quern's own port, and the server's own way in beside it.
// Constructs and connects; each part's rules are its own.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { childEnvironment } from "../lib/child-environment.ts";
import { accountKey, type Ids } from "../lib/ids.ts";
import { writeFileAtomically } from "../lib/processes.ts";
import { createAccountBlobs } from "./account-blobs.ts";
import { startAzurite } from "./azurite.ts";
import { embeddedAccount } from "./connection-string.ts";
import { createEmbeddedAccounts, type EmbeddedAccounts } from "./embedded-accounts.ts";
import { createEndpoints, hostAndPort, pathEndpoint } from "./endpoints.ts";
import { joinAccounts } from "./join-accounts.ts";
import { createPassThrough } from "./pass-through.ts";
import { ownSignature } from "./shared-access.ts";
import type { StorageOptions, StorageService } from "./storage.ts";

/** Made on the first start that needs it and kept, so that connection strings stay good. */
const keptKey = (file: string, ids: Ids): string => {
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const key = accountKey(ids);
  writeFileAtomically(file, `${key}\n`);
  return key;
};

/** Throws AccountsUnreadable. */
export const startEmbedded = (options: StorageOptions): StorageService => {
  const { inMemory, clock, ids, log, environment, domain = "localhost", isDomainGiven = false, addressesOf } = options;
  const folder = join(options.directory, "azurite");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const endpoints = createEndpoints({ domain, isDomainGiven, clock, ...(addressesOf && { addressesOf }) });
  const list: EmbeddedAccounts = createEmbeddedAccounts({
    file: join(folder, "accounts.json"),
    firstKey: options.ownKey ? keptKey(join(folder, "account-key"), ids) : embeddedAccount.key,
    ids,
    serve: () => child.refreshAccounts(),
    empty: (account) => blobs.empty(account),
  });
  const child = startAzurite({
    directory: folder,
    inMemory,
    clock,
    log: log.child({ part: "azurite" }),
    environment: childEnvironment(environment),
    accounts: list.setting,
  });
  // Not by way of Quern's own port, which may be closed or not open yet.
  const blobs = createAccountBlobs(async (account) => ({
    endpoint: `http://127.0.0.1:${await child.port()}/${account}`,
    query: ownSignature(list.keyOf(account)!, account, clock.now()),
  }));
  const passThrough = createPassThrough({
    port: child.port,
    isAccount: list.has,
    domain,
    clock,
    ids,
    log: log.child({ part: "pass-through" }),
  });
  const create = async (name: string) => {
    const account = await list.create(name);
    await endpoints.check([account.name]);
    return account;
  };
  void endpoints.check(list.all().map(({ name }) => name));
  // A child that did not start is told by whoever waits for `ready`; a start that is refused for another reason ends it on purpose.
  child.ready
    .then(list.resume, () => {})
    .catch((error: unknown) => log.error({ err: error }, "the removal of a storage account was not finished"));
  return {
    kind: "embedded",
    accounts: joinAccounts({ list: { ...list, create }, blobs, clientEndpoint: endpoints.clientEndpoint, pathEndpoint }),
    ready: child.ready,
    blobEndpoint: (baseUrl) => pathEndpoint(embeddedAccount.name, baseUrl),
    connectionString: (baseUrl) =>
      [
        `DefaultEndpointsProtocol=${new URL(baseUrl).protocol.slice(0, -1)}`,
        `AccountName=${embeddedAccount.name}`,
        `AccountKey=${list.keyOf(embeddedAccount.name)}`,
        `BlobEndpoint=${pathEndpoint(embeddedAccount.name, baseUrl)}`,
        "",
      ].join(";"),
    hosts: (baseUrls) => {
      const aliases = ["127.0.0.1", "[::1]", "localhost", "*.blob.localhost", `*.blob.${domain}`];
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
