// The accounts of the embedded storage: kept in a file first, then told to Azurite, then promised to the caller, one change after the other.
// What is in an account is not its business, except that it goes when the account goes.
import { accountKey, type Ids } from "../lib/ids.ts";
import { type KeptAccount, readAccounts, writeAccounts, writeFirstAccounts } from "./account-file.ts";
import { checkAccountName } from "./account-names.ts";
import { type StorageAccount, StorageAccountMissing, type StorageKeyName, StorageNameRefused } from "./accounts.ts";
import { embeddedAccount } from "./connection-string.ts";

export type EmbeddedAccountsOptions = {
  file: string;
  /** The first key of devstoreaccount1 until it is regenerated: Azurite's published one, or one of this location's own. */
  firstKey: string;
  ids: Ids;
  /** Resolves when the storage goes by the list of `setting()`. */
  serve(): Promise<void>;
  /** Removes all that the account holds. May be called twice. */
  empty(account: string): Promise<void>;
};

export interface EmbeddedAccounts {
  /** Without those that are leaving. */
  all(): readonly StorageAccount[];
  find(name: string): StorageAccount | undefined;
  /** The same question of an exact name, for each request that arrives. */
  has(name: string): boolean;
  /** The first key of any account, one that is leaving too: for the server's own access. */
  keyOf(name: string): string | undefined;
  create(name: string): Promise<StorageAccount>;
  regenerateKey(name: string, keyName: StorageKeyName): Promise<StorageAccount>;
  remove(name: string): Promise<void>;
  /** Ends removals that an earlier server began. To be called once the storage is there. */
  resume(): Promise<void>;
  /** All of them, as Azurite's environment variable AZURITE_ACCOUNTS has them. */
  setting(): string;
}

/** Throws AccountsUnreadable. */
export const createEmbeddedAccounts = ({ file, firstKey, ids, serve, empty }: EmbeddedAccountsOptions): EmbeddedAccounts => {
  let kept = readAccounts(file) ?? [];
  if (!kept.some(({ name }) => name === embeddedAccount.name)) {
    kept = [{ name: embeddedAccount.name, key2: accountKey(ids) }, ...kept];
    writeFirstAccounts(file, kept);
  }
  const firstKeyOf = ({ key1 }: KeptAccount): string => key1 ?? firstKey;
  const shown = (account: KeptAccount): StorageAccount => ({
    name: account.name,
    kind: "embedded",
    keys: [
      { keyName: "key1", value: firstKeyOf(account) },
      { keyName: "key2", value: account.key2 },
    ],
  });
  const keptOf = (name: string): KeptAccount | undefined => kept.find((account) => account.name === name.toLowerCase());
  const find = (name: string): StorageAccount | undefined => {
    const account = keptOf(name);
    return account === undefined || account.isLeaving ? undefined : shown(account);
  };

  const namesOf = (accounts: KeptAccount[]): Set<string> => new Set(accounts.filter(({ isLeaving }) => !isLeaving).map(({ name }) => name));
  let names = namesOf(kept);
  /** On the disk before anybody acts by it. */
  const keep = async (next: KeptAccount[]): Promise<void> => {
    await writeAccounts(file, next);
    kept = next;
    names = namesOf(next);
  };
  const replace = (name: string, by: (account: KeptAccount) => KeptAccount): Promise<void> =>
    keep(kept.map((account) => (account.name === name ? by(account) : account)));

  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(change: () => Promise<T>): Promise<T> => {
    const done = last.then(change);
    last = done.catch(() => {});
    return done;
  };

  const finishRemoval = async (name: string): Promise<void> => {
    await empty(name);
    await keep(kept.filter((account) => account.name !== name));
    await serve();
  };

  return {
    all: () => kept.filter(({ isLeaving }) => !isLeaving).map(shown),
    find,
    has: (name) => names.has(name),
    keyOf: (name) => {
      const account = keptOf(name);
      return account && firstKeyOf(account);
    },
    create: (name) =>
      inTurn(async () => {
        const found = find(name);
        if (found !== undefined) return found;
        checkAccountName(name);
        // One of the name whose removal was interrupted must not give the new one its blobs.
        if (keptOf(name) !== undefined) await finishRemoval(name);
        await keep([...kept, { name, key1: accountKey(ids), key2: accountKey(ids) }]);
        await serve();
        return find(name)!;
      }),
    regenerateKey: (name, keyName) =>
      inTurn(async () => {
        const account = find(name);
        if (account === undefined) throw new StorageAccountMissing(`There is no storage account ${name}.`);
        const key = accountKey(ids);
        await replace(account.name, (before) => ({ ...before, [keyName]: key }));
        await serve();
        return find(account.name)!;
      }),
    remove: (name) =>
      inTurn(async () => {
        const account = find(name);
        if (account === undefined) return;
        if (account.name === embeddedAccount.name)
          throw new StorageNameRefused(`${account.name} is the embedded storage's own account and stays.`);
        await replace(account.name, (before) => ({ ...before, isLeaving: true }));
        await finishRemoval(account.name);
      }),
    resume: () =>
      inTurn(async () => {
        for (const { name } of kept.filter(({ isLeaving }) => isLeaving)) await finishRemoval(name);
      }),
    setting: () => kept.map((account) => `${account.name}:${firstKeyOf(account)}:${account.key2}`).join(";"),
  };
};
