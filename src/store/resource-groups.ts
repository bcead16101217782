// Resource groups in the database.
import type { Instant } from "../lib/clock.ts";
import { type Reader, type SqlValue, sql, type Write } from "./db.ts";

export type ResourceGroup = {
  key: string;
  name: string;
  location: string;
  tags: Readonly<Record<string, string>>;
  managedBy?: string;
  provisioningState: "Succeeded" | "Deleting";
  createdAt: Instant;
  generation: number;
};

type Row = {
  key: string;
  name: string;
  location: string;
  tags: string;
  managed_by: string | null;
  provisioning_state: ResourceGroup["provisioningState"];
  created_at: number;
  generation: number;
};

const fromRow = (row: Row): ResourceGroup => ({
  key: row.key,
  name: row.name,
  location: row.location,
  tags: JSON.parse(row.tags),
  ...(row.managed_by === null ? {} : { managedBy: row.managed_by }),
  provisioningState: row.provisioning_state,
  createdAt: row.created_at,
  generation: row.generation,
});

export const getResourceGroup = async (read: Reader, name: string): Promise<ResourceGroup | undefined> => {
  const row = await read.get<Row>(sql`SELECT * FROM resource_groups WHERE key = ${name.toLowerCase()}`);
  return row && fromRow(row);
};

/** In order of name. */
export const listResourceGroups = async (read: Reader): Promise<ResourceGroup[]> =>
  (await read.all<Row>(sql`SELECT * FROM resource_groups ORDER BY key`)).map(fromRow);

const changingValues = (group: ResourceGroup): SqlValue[] => [
  group.location,
  JSON.stringify(group.tags),
  group.managedBy ?? null,
  group.provisioningState,
];

/** Conflict when the name is taken. */
export const insertResourceGroup = (group: ResourceGroup): Write[] => [
  {
    text: `INSERT OR IGNORE INTO resource_groups (location, tags, managed_by, provisioning_state, key, name, created_at, generation)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    rows: [[...changingValues(group), group.key, group.name, group.createdAt, group.generation]],
    guard: 1,
  },
];

/** Guarded by the generation that `group` was read with; the row's is then one higher. */
export const saveResourceGroup = (group: ResourceGroup): Write[] => [
  {
    text: `UPDATE resource_groups SET location = ?, tags = ?, managed_by = ?, provisioning_state = ?, generation = generation + 1
      WHERE key = ? AND generation = ?`,
    rows: [[...changingValues(group), group.key, group.generation]],
    guard: 1,
  },
];

/** What is in it must be gone already. */
export const deleteResourceGroup = (group: ResourceGroup): Write[] => [
  { text: "DELETE FROM resource_groups WHERE key = ? AND generation = ?", rows: [[group.key, group.generation]], guard: 1 },
];

/** Goes into the commit that creates something in the group: Conflict when the group has gone meanwhile, or is going. */
export const guardResourceGroup = (name: string): Write => ({
  text: "UPDATE resource_groups SET key = key WHERE key = ? AND provisioning_state = 'Succeeded'",
  rows: [[name.toLowerCase()]],
  guard: 1,
});
