// The accounts that the data plane lets in, kept in memory so that no request waits for the database. The rows are the truth: whoever changes
// one says so here before he answers, so that a new key works at once and an old one no longer does.
import type { OpenAccount, OpenAccounts } from "../auth/account-door.ts";
import type { BatchAccount } from "../domain/accounts.ts";
import { getAccountByName, listAccounts } from "../store/accounts.ts";
import type { Reader } from "../store/db.ts";

export interface AccountRegistry extends OpenAccounts {
  /** Reads the row of an account again; one that is gone or going is forgotten. */
  reload(name: string): Promise<void>;
  /** In order of name. */
  names(): readonly string[];
  /** Told after each change of who is there: certificates and names follow the accounts. `reload` waits for it. */
  onChange(listener: () => Promise<void>): void;
}

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
    onChange: (listener) => void listeners.push(listener),
    reload: async (name) => {
      const account = await getAccountByName(read, name);
      if (account === undefined) byName.delete(name);
      else put(account);
      await Promise.all(listeners.map((listener) => listener()));
    },
  };
};
