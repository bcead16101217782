// Batch accounts: the name clients sign with, the keys, the number that every other table carries, and what the management plane says of them.
import { type AccountSettings, type BatchAccount, defaultSettings } from "../domain/accounts.ts";
import { type Reader, type SqlValue, sql, type Write } from "./db.ts";

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

/** In order of name. */
export const listAccounts = async (read: Reader): Promise<BatchAccount[]> =>
  (await read.all<AccountRow>(sql`SELECT * FROM accounts ORDER BY name`)).map(accountFromRow);

/** In order of name. */
export const listAccountsOfGroup = async (read: Reader, resourceGroup: string): Promise<BatchAccount[]> =>
  (await read.all<AccountRow>(sql`SELECT * FROM accounts WHERE lower(resource_group) = ${resourceGroup.toLowerCase()} ORDER BY name`)).map(
    accountFromRow,
  );

/** The store assigns the id. Conflict when the name is taken. */
export const insertAccount = (account: Omit<BatchAccount, "id">): Write[] => [
  {
    text: `INSERT OR IGNORE INTO accounts (keys, resource_group, location, tags, identity, settings, provisioning_state, node_management_id, modified,
      name, created_at, generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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

/** Everything of it must be gone already. */
export const deleteAccount = (account: BatchAccount): Write[] => [
  { text: "DELETE FROM accounts WHERE id = ? AND generation = ?", rows: [[account.id, account.generation]], guard: 1 },
];
