// Batch accounts: the name clients sign with, the keys, the number that every other table carries, and what the management plane says of them.
import { type AccountSettings, type BatchAccount, defaultSettings } from "../domain/accounts.ts";
import { type Reader, type SqlValue, sql, type Write, write } from "./db.ts";

type AccountRow = {
  id: number;
  name: string;
  keys: string;
  resource_group: string;
  location: string;
  tags: string;
  identity: string;
  settings: string | null;
  provisioning_state: BatchAccount["provisioningState"];
  node_management_id: string;
  created_at: number;
  modified: number;
  generation: number;
};

const accountFromRow = (row: AccountRow): BatchAccount => {
  const keys: string[] = JSON.parse(row.keys);
  return {
    id: row.id,
    name: row.name,
    // A location of an earlier release has accounts with one key; the next start gives them their second.
    keys: [keys[0] ?? "", keys[1] ?? ""],
    resourceGroup: row.resource_group,
    location: row.location,
    tags: JSON.parse(row.tags),
    identity: JSON.parse(row.identity),
    settings: row.settings === null ? defaultSettings : (JSON.parse(row.settings) as AccountSettings),
    provisioningState: row.provisioning_state,
    nodeManagementId: row.node_management_id,
    createdAt: row.created_at,
    modified: row.modified,
    generation: row.generation,
  };
};

/** In the order of the SET list of `saveAccount`; `insertAccount` uses the same. */
const changingValues = (account: Omit<BatchAccount, "id">): SqlValue[] => [
  JSON.stringify(account.keys),
  account.resourceGroup,
  account.location,
  JSON.stringify(account.tags),
  JSON.stringify(account.identity),
  JSON.stringify(account.settings),
  account.provisioningState,
  account.nodeManagementId,
  account.modified,
];

export const getAccountByName = async (read: Reader, name: string): Promise<BatchAccount | undefined> => {
  const row = await read.get<AccountRow>(sql`SELECT * FROM accounts WHERE name = ${name}`);
  return row && accountFromRow(row);
};

export const getAccount = async (read: Reader, id: number): Promise<BatchAccount | undefined> => {
  const row = await read.get<AccountRow>(sql`SELECT * FROM accounts WHERE id = ${id}`);
  return row && accountFromRow(row);
};

const accountsFrom = async (rows: Promise<AccountRow[]>): Promise<BatchAccount[]> => (await rows).map(accountFromRow);

/** Remains (domain/accounts.ts `nameOfRemains`) are nobody's to see. */
const visible = sql`instr(name, '~') = 0`;

/** In order of name. */
export const listAccounts = (read: Reader): Promise<BatchAccount[]> =>
  accountsFrom(read.all(sql`SELECT * FROM accounts WHERE ${visible} ORDER BY name`));

/** In order of name. */
export const listAccountsOfGroup = (read: Reader, resourceGroup: string): Promise<BatchAccount[]> =>
  accountsFrom(
    read.all(sql`SELECT * FROM accounts WHERE lower(resource_group) = ${resourceGroup.toLowerCase()} AND ${visible} ORDER BY name`),
  );

/** Those whose deletion is under way, remains included. */
export const deletingAccounts = (read: Reader): Promise<BatchAccount[]> =>
  accountsFrom(read.all(sql`SELECT * FROM accounts WHERE provisioning_state = 'Deleting' ORDER BY id`));

export const countAccountsIn = async (read: Reader, location: string): Promise<number> =>
  (await read.get<{ n: number }>(sql`SELECT count(*) AS n FROM accounts WHERE location = ${location} AND ${visible}`))!.n;

/** Whether the row says anything of settings; those of releases before the management plane do not. */
export const hasSettings = async (read: Reader, id: number): Promise<boolean> =>
  (await read.get(sql`SELECT 1 FROM accounts WHERE id = ${id} AND settings IS NOT NULL`)) !== undefined;

/**
 * The store assigns the id: never one that was in use before, because what others remember of an account that is gone must not be true of another.
 * Conflict when the name is taken.
 */
export const insertAccount = (account: Omit<BatchAccount, "id">): Write[] => [
  {
    text: `INSERT OR IGNORE INTO accounts (id, keys, resource_group, location, tags, identity, settings, provisioning_state, node_management_id,
      modified, name, created_at, generation) SELECT 1 + max(coalesce((SELECT max(id) FROM accounts), 0),
      coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE settings.name = 'lastAccountId'), 0)), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?`,
    rows: [[...changingValues(account), account.name, account.createdAt, account.generation]],
    guard: 1,
  },
];

/** Guarded by the generation that `account` was read with; the row's is then one higher. */
export const saveAccount = (account: BatchAccount): Write[] => [
  {
    text: `UPDATE accounts SET keys = ?, resource_group = ?, location = ?, tags = ?, identity = ?, settings = ?, provisioning_state = ?,
      node_management_id = ?, modified = ?, generation = generation + 1 WHERE id = ? AND generation = ?`,
    rows: [[...changingValues(account), account.id, account.generation]],
    guard: 1,
  },
];

/** The name becomes that of remains, so that another account can have it. Guarded as `saveAccount`. */
export const renameAccount = (account: BatchAccount, name: string): Write[] => [
  {
    text: "UPDATE accounts SET name = ?, generation = generation + 1 WHERE id = ? AND generation = ?",
    rows: [[name, account.id, account.generation]],
    guard: 1,
  },
];

/** Conflict while anything is left in it that could not do without it. */
export const deleteAccount = (account: BatchAccount): Write[] => [
  write(
    sql`INSERT INTO settings (name, value) VALUES ('lastAccountId', ${String(account.id)}) ON CONFLICT (name)
        DO UPDATE SET value = excluded.value WHERE CAST(excluded.value AS INTEGER) > CAST(settings.value AS INTEGER)`,
  ),
  write(
    sql`DELETE FROM accounts WHERE id = ${account.id} AND generation = ${account.generation}
        AND NOT EXISTS (SELECT 1 FROM pools WHERE account_id = ${account.id})
        AND NOT EXISTS (SELECT 1 FROM jobs WHERE account_id = ${account.id})
        AND NOT EXISTS (SELECT 1 FROM job_schedules WHERE account_id = ${account.id})`,
    1,
  ),
];

/** Goes into the commit that puts something into the account: Conflict when it has gone meanwhile, or is going. */
export const guardAccount = (id: number): Write => ({
  text: "UPDATE accounts SET name = name WHERE id = ? AND provisioning_state = 'Succeeded'",
  rows: [[id]],
  guard: 1,
});
