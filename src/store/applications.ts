// Applications and their packages in the database, as far as the data plane shows them. Writing them is the management plane's.
import { oneOf, type Reader, sql } from "./db.ts";
import { slices } from "./lists.ts";

/** What nodes can get: only activated versions count. */
export type Application = { accountId: number; key: string; id: string; displayName?: string; versions: string[] };

type Row = { account_id: number; key: string; id: string; display_name: string | null };

const withVersions = async (read: Reader, accountId: number, rows: readonly Row[]): Promise<Application[]> => {
  const versions = new Map<string, string[]>();
  for (const keys of slices(rows.map((row) => row.key))) {
    const found = await read.all<{ application_key: string; version: string }>(
      sql`SELECT application_key, version FROM application_packages
          WHERE account_id = ${accountId} AND application_key IN (${oneOf(keys)}) AND state = 'active' ORDER BY application_key, version`,
    );
    for (const { application_key: key, version } of found) versions.set(key, [...(versions.get(key) ?? []), version]);
  }
  return rows.map((row) => ({
    accountId: row.account_id,
    key: row.key,
    id: row.id,
    ...(row.display_name === null ? {} : { displayName: row.display_name }),
    versions: versions.get(row.key) ?? [],
  }));
};

export const getApplication = async (read: Reader, accountId: number, key: string): Promise<Application | undefined> => {
  const row = await read.get<Row>(sql`SELECT * FROM applications WHERE account_id = ${accountId} AND key = ${key}`);
  return row && (await withVersions(read, accountId, [row]))[0];
};

/** In order of key. */
export const listApplications = async (
  read: Reader,
  { accountId, after = "", limit }: { accountId: number; after?: string; limit: number },
): Promise<Application[]> => {
  const rows = await read.all<Row>(
    sql`SELECT * FROM applications WHERE account_id = ${accountId} AND key > ${after} ORDER BY key LIMIT ${limit}`,
  );
  return withVersions(read, accountId, rows);
};
