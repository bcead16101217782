// Batch accounts: the name clients sign with, the keys, and the number that every other table carries.
import type { Instant } from "../lib/clock.ts";
import { type Reader, sql, type Write, write } from "./db.ts";

export type Account = {
  id: number;
  name: string;
  /** Base64. */
  keys: string[];
  createdAt: Instant;
};

type AccountRow = { id: number; name: string; keys: string; created_at: number };

const accountFromRow = (row: AccountRow): Account => ({
  id: row.id,
  name: row.name,
  keys: JSON.parse(row.keys),
  createdAt: row.created_at,
});

export const getAccountByName = async (read: Reader, name: string): Promise<Account | undefined> => {
  const row = await read.get<AccountRow>(sql`SELECT * FROM accounts WHERE name = ${name}`);
  return row && accountFromRow(row);
};

/** In order of name. */
export const listAccounts = async (read: Reader): Promise<Account[]> =>
  (await read.all<AccountRow>(sql`SELECT * FROM accounts ORDER BY name`)).map(accountFromRow);

/** Makes the account, or gives the one of this name new keys. The store assigns the id. */
export const putAccount = ({ name, keys, createdAt }: Omit<Account, "id">): Write[] => [
  write(
    sql`INSERT INTO accounts (name, keys, created_at) VALUES (${name}, ${JSON.stringify(keys)}, ${createdAt})
        ON CONFLICT (name) DO UPDATE SET keys = excluded.keys`,
    1,
  ),
];

export const getAccount = async (read: Reader, id: number): Promise<Account | undefined> => {
  const row = await read.get<AccountRow>(sql`SELECT * FROM accounts WHERE id = ${id}`);
  return row && accountFromRow(row);
};
