// The accounts that the data plane lets in, kept in memory so that no request waits for the database. The rows are the truth: whoever changes
// one says so here before he answers, so that a new key works at once and an old one no longer does.
import type { OpenAccount, OpenAccounts } from "../auth/account-door.ts";
import type { AccountSettings, BatchAccount } from "../domain/accounts.ts";
import { parseResourceId } from "../domain/resource-ids.ts";
import { getAccountByName, listAccounts } from "../store/accounts.ts";
import type { Reader } from "../store/db.ts";

export interface AccountRegistry extends OpenAccounts {
  /** Reads the row of an account again; one that is gone or going is forgotten. */
  reload(name: string): Promise<void>;
  /** In order of name. */
  names(): readonly string[];
  /** The name of the storage account that is the auto storage of a Batch account; undefined when it has none, or is not there. */
  autoStorageOf(accountId: number): string | undefined;
  /** Told after each change of who is there: certificates and names follow the accounts. `reload` waits for it. */
  onChange(listener: () => Promise<void>): void;
}

const storageName = ({ autoStorage }: AccountSettings): string | undefined =>
  autoStorage === undefined ? undefined : parseResourceId(autoStorage.storageAccountId)?.names[0];

/** `first` is the account that the server's bare address belongs to. */
export const openAccountRegistry = async (read: Reader, first: string): Promise<AccountRegistry> => {
  const byName = new Map<string, OpenAccount>();
  const listeners: (() => Promise<void>)[] = [];
  const put = (account: BatchAccount): void => {
    if (account.provisioningState === "Deleting") byName.delete(account.name);
    else byName.set(account.name, account);
  };
  for (const account of await listAccounts(read)) put(account);
  return {
    find: (name) => byName.get(name),
    first: () => byName.get(first),
    names: () => [...byName.keys()].sort(),
    autoStorageOf: (accountId) => {
      for (const { id, settings } of byName.values()) if (id === accountId) return storageName(settings);
      return undefined;
    },
    onChange: (listener) => void listeners.push(listener),
    reload: async (name) => {
      const account = await getAccountByName(read, name);
      if (account === undefined) byName.delete(name);
      else put(account);
      await Promise.all(listeners.map((listener) => listener()));
    },
  };
};
