// Resources of the management plane that have no table of their own: images and their containers, storage accounts, identities, private
// endpoints. What their properties mean is known where the type is served.
import type { Instant, Stamp } from "../lib/clock.ts";
import { type Reader, type SqlValue, sql, type Write } from "./db.ts";
import { jsonOrNull, type ListPage } from "./lists.ts";

export type Resource<Properties extends object = Record<string, unknown>> = {
  /** With the namespace, in the service's spelling, e.g. Microsoft.AzureStackHCI/galleryImages. */
  type: string;
  name: string;
  /** As given at creation. */
  resourceGroup: string;
  location: string;
  tags: Readonly<Record<string, string>>;
  extendedLocation?: { name?: string; type?: string };
  properties: Properties;
  provisioningState: string;
  createdAt: Instant;
  /** Client ids of the callers. */
  createdBy: string;
  modified: Stamp;
  modifiedBy: string;
  generation: number;
};

type Row = {
  name: string;
  resource_group: string;
  location: string;
  tags: string;
  extended_location: string | null;
  properties: string;
  provisioning_state: string;
  created_at: number;
  created_by: string;
  modified: number;
  modified_by: string;
  generation: number;
};

const fromRow = <P extends object>(type: string, row: Row): Resource<P> => ({
  type,
  name: row.name,
  resourceGroup: row.resource_group,
  location: row.location,
  tags: JSON.parse(row.tags),
  ...(row.extended_location === null ? {} : { extendedLocation: JSON.parse(row.extended_location) }),
  properties: JSON.parse(row.properties),
  provisioningState: row.provisioning_state,
  createdAt: row.created_at,
  createdBy: row.created_by,
  modified: row.modified,
  modifiedBy: row.modified_by,
  generation: row.generation,
});

/** Where a resource is, compared without regard to case. */
export type ResourceKey = { type: string; resourceGroup: string; name: string };

export const getResource = async <P extends object>(
  read: Reader,
  { type, resourceGroup, name }: ResourceKey,
): Promise<Resource<P> | undefined> => {
  const row = await read.get<Row>(
    sql`SELECT * FROM resources WHERE type = ${type.toLowerCase()} AND group_key = ${resourceGroup.toLowerCase()} AND key = ${name.toLowerCase()}`,
  );
  return row && fromRow<P>(type, row);
};

/** In order of name. */
export const listResourcesOfGroup = async <P extends object>(
  read: Reader,
  { type, resourceGroup, after = "", limit }: { type: string; resourceGroup: string } & Pick<ListPage, "after" | "limit">,
): Promise<Resource<P>[]> =>
  (
    await read.all<Row>(
      sql`SELECT * FROM resources WHERE type = ${type.toLowerCase()} AND group_key = ${resourceGroup.toLowerCase()} AND key > ${after}
          ORDER BY key LIMIT ${limit}`,
    )
  ).map((row) => fromRow<P>(type, row));

/** Of all groups, in order of group and name. `after` is `group/name` in lower case. */
export const listResources = async <P extends object>(
  read: Reader,
  { type, after = "/", limit }: { type: string } & Pick<ListPage, "after" | "limit">,
): Promise<Resource<P>[]> => {
  const [group = "", key = ""] = after.split("/");
  return (
    await read.all<Row>(
      sql`SELECT * FROM resources WHERE type = ${type.toLowerCase()} AND (group_key, key) > (${group}, ${key})
          ORDER BY group_key, key LIMIT ${limit}`,
    )
  ).map((row) => fromRow<P>(type, row));
};

/** Of all types, in order of type and name; the types are in lower case then. */
export const listAllResources = async (read: Reader, resourceGroup?: string): Promise<Resource[]> => {
  const rows = await read.all<Row & { type: string }>(
    resourceGroup === undefined
      ? sql`SELECT * FROM resources ORDER BY group_key, type, key`
      : sql`SELECT * FROM resources WHERE group_key = ${resourceGroup.toLowerCase()} ORDER BY type, key`,
  );
  return rows.map((row) => fromRow(row.type, row));
};

/** A place in the order of group, type and name, each in lower case. */
export type ResourcePlace = readonly [group: string, type: string, key: string];

/** Of all types, of one group or of all, in the order of their places; the types are in lower case. */
export const listResourcesAfter = async (
  read: Reader,
  { resourceGroup, after: [group, type, key], limit }: { resourceGroup?: string; after: ResourcePlace; limit: number },
): Promise<Resource[]> => {
  const rows = await read.all<Row & { type: string }>(
    resourceGroup === undefined
      ? sql`SELECT * FROM resources WHERE (group_key, type, key) > (${group}, ${type}, ${key}) ORDER BY group_key, type, key LIMIT ${limit}`
      : sql`SELECT * FROM resources WHERE group_key = ${resourceGroup.toLowerCase()} AND (type, key) > (${type}, ${key})
          ORDER BY type, key LIMIT ${limit}`,
  );
  return rows.map((row) => fromRow(row.type, row));
};

/** Those of a type whose creation or deletion is still going on. */
export const listBusyResources = async <P extends object>(read: Reader, type: string): Promise<Resource<P>[]> =>
  (
    await read.all<Row>(
      sql`SELECT * FROM resources WHERE type = ${type.toLowerCase()} AND provisioning_state NOT IN ('Succeeded', 'Failed', 'Canceled')
          ORDER BY group_key, key`,
    )
  ).map((row) => fromRow<P>(type, row));

const changingValues = (resource: Resource<object>): SqlValue[] => [
  resource.location,
  JSON.stringify(resource.tags),
  jsonOrNull(resource.extendedLocation),
  JSON.stringify(resource.properties),
  resource.provisioningState,
  resource.modified,
  resource.modifiedBy,
];

const keyValues = ({ type, resourceGroup, name }: ResourceKey): SqlValue[] => [
  type.toLowerCase(),
  resourceGroup.toLowerCase(),
  name.toLowerCase(),
];

/** Conflict when the name is taken. */
export const insertResource = (resource: Resource<object>): Write[] => [
  {
    text: `INSERT OR IGNORE INTO resources (location, tags, extended_location, properties, provisioning_state, modified, modified_by,
      type, group_key, key, name, resource_group, created_at, created_by, generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    rows: [
      [
        ...changingValues(resource),
        ...keyValues(resource),
        resource.name,
        resource.resourceGroup,
        resource.createdAt,
        resource.createdBy,
        resource.generation,
      ],
    ],
    guard: 1,
  },
];

/** Guarded by the generation that `resource` was read with; the row's is then one higher. */
export const saveResource = (resource: Resource<object>): Write[] => [
  {
    text: `UPDATE resources SET location = ?, tags = ?, extended_location = ?, properties = ?, provisioning_state = ?, modified = ?, modified_by = ?,
      generation = generation + 1 WHERE type = ? AND group_key = ? AND key = ? AND generation = ?`,
    rows: [[...changingValues(resource), ...keyValues(resource), resource.generation]],
    guard: 1,
  },
];

export const deleteResource = (resource: Resource<object>): Write[] => [
  {
    text: "DELETE FROM resources WHERE type = ? AND group_key = ? AND key = ? AND generation = ?",
    rows: [[...keyValues(resource), resource.generation]],
    guard: 1,
  },
];

/** Goes into a commit that makes a resource whose name must be its own on the whole server: Conflict when another group has one, or the group is going. */
export const guardUniqueName = ({ type, resourceGroup, name }: ResourceKey): Write => ({
  text: `UPDATE resource_groups SET key = key WHERE key = ? AND provisioning_state = 'Succeeded'
    AND NOT EXISTS (SELECT 1 FROM resources WHERE type = ? AND key = ? AND group_key <> ?)`,
  rows: [[resourceGroup.toLowerCase(), type.toLowerCase(), name.toLowerCase(), resourceGroup.toLowerCase()]],
  guard: 1,
});
