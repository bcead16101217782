// Applications and their packages in the database. What may be changed when is decided in domain/applications.ts.
import type { Application, ApplicationPackage, KnownPackages } from "../domain/applications.ts";
import { packageKey } from "../domain/applications.ts";
import { oneOf, type Reader, type SqlValue, sql, type Write, write } from "./db.ts";
import { slices } from "./lists.ts";

type ApplicationRow = {
  account_id: number;
  key: string;
  id: string;
  display_name: string | null;
  allow_updates: number;
  default_version: string | null;
  modified: number;
  generation: number;
};

const applicationFromRow = (row: ApplicationRow): Application => {
  const application: Application = {
    accountId: row.account_id,
    key: row.key,
    id: row.id,
    allowUpdates: row.allow_updates === 1,
    modified: row.modified,
    generation: row.generation,
  };
  if (row.display_name !== null) application.displayName = row.display_name;
  if (row.default_version !== null) application.defaultVersion = row.default_version;
  return application;
};

type PackageRow = {
  account_id: number;
  application_key: string;
  key: string;
  version: string;
  state: ApplicationPackage["state"];
  format: string | null;
  last_activated_at: number | null;
  storage_account: string;
  container: string;
  blob: string;
  etag: string | null;
  modified: number;
  generation: number;
};

const packageFromRow = (row: PackageRow): ApplicationPackage => {
  const found: ApplicationPackage = {
    accountId: row.account_id,
    applicationKey: row.application_key,
    key: row.key,
    version: row.version,
    state: row.state,
    blob: { account: row.storage_account, container: row.container, name: row.blob },
    modified: row.modified,
    generation: row.generation,
  };
  if (row.format !== null) found.format = row.format;
  if (row.last_activated_at !== null) found.lastActivatedAt = row.last_activated_at;
  if (row.etag !== null) found.etag = row.etag;
  return found;
};

export type ApplicationName = { accountId: number; key: string };
export type PackageName = { accountId: number; applicationKey: string; key: string };
/** Where a list continues: after this key. */
type KeyPage = { after?: string; limit: number };

export const getApplication = async (read: Reader, accountId: number, key: string): Promise<Application | undefined> => {
  const row = await read.get<ApplicationRow>(sql`SELECT * FROM applications WHERE account_id = ${accountId} AND key = ${key}`);
  return row && applicationFromRow(row);
};

/** In order of key. */
export const listApplications = async (
  read: Reader,
  { accountId, after = "", limit }: KeyPage & { accountId: number },
): Promise<Application[]> =>
  (
    await read.all<ApplicationRow>(
      sql`SELECT * FROM applications WHERE account_id = ${accountId} AND key > ${after} ORDER BY key LIMIT ${limit}`,
    )
  ).map(applicationFromRow);

export const countApplications = async (read: Reader, accountId: number): Promise<number> =>
  (await read.get<{ n: number }>(sql`SELECT count(*) AS n FROM applications WHERE account_id = ${accountId}`))!.n;

/** The versions that nodes can get, by application key, in order of version key. */
export const activeVersionsOf = async (read: Reader, accountId: number, keys: readonly string[]): Promise<Map<string, string[]>> => {
  const versions = new Map<string, string[]>();
  for (const some of slices(keys)) {
    const found = await read.all<{ application_key: string; version: string }>(
      sql`SELECT application_key, version FROM application_packages
          WHERE account_id = ${accountId} AND application_key IN (${oneOf(some)}) AND state = 'active' ORDER BY application_key, key`,
    );
    for (const { application_key: key, version } of found) versions.set(key, [...(versions.get(key) ?? []), version]);
  }
  return versions;
};

/** In the order of the SET list of `saveApplication`; `insertApplication` uses the same. */
const applicationValues = (application: Application): SqlValue[] => [
  application.displayName ?? null,
  application.allowUpdates ? 1 : 0,
  application.defaultVersion ?? null,
  application.modified,
];

/** Conflict when the id is taken. */
export const insertApplication = (application: Application): Write[] => [
  {
    text: `INSERT INTO applications (display_name, allow_updates, default_version, modified, account_id, key, id, generation)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    rows: [[...applicationValues(application), application.accountId, application.key, application.id, application.generation]],
    guard: 1,
  },
];

/** Guarded by the generation that it was read with; the row's is then one higher. */
export const saveApplication = (application: Application): Write[] => [
  {
    text: `UPDATE applications SET display_name = ?, allow_updates = ?, default_version = ?, modified = ?, generation = generation + 1
      WHERE account_id = ? AND key = ? AND generation = ?`,
    rows: [[...applicationValues(application), application.accountId, application.key, application.generation]],
    guard: 1,
  },
];

/** Conflict also when it has packages. */
export const deleteApplication = ({ accountId, key, generation }: Application): Write[] => [
  write(
    sql`DELETE FROM applications WHERE account_id = ${accountId} AND key = ${key} AND generation = ${generation} AND NOT EXISTS
        (SELECT 1 FROM application_packages WHERE account_id = ${accountId} AND application_key = ${key})`,
    1,
  ),
];

/** Changes nothing, but the batch that it is in fails with a Conflict when the application has changed or gone. */
export const checkApplications = (applications: readonly Application[]): Write[] =>
  applications.length === 0
    ? []
    : [
        {
          text: "UPDATE applications SET generation = generation WHERE account_id = ? AND key = ? AND generation = ?",
          rows: applications.map(({ accountId, key, generation }) => [accountId, key, generation]),
          guard: 1,
        },
      ];

export const getPackage = async (
  read: Reader,
  { accountId, applicationKey, key }: PackageName,
): Promise<ApplicationPackage | undefined> => {
  const row = await read.get<PackageRow>(
    sql`SELECT * FROM application_packages WHERE account_id = ${accountId} AND application_key = ${applicationKey} AND key = ${key}`,
  );
  return row && packageFromRow(row);
};

/** Of one application, in order of key. */
export const listPackages = async (
  read: Reader,
  { accountId, applicationKey, after = "", limit }: KeyPage & { accountId: number; applicationKey: string },
): Promise<ApplicationPackage[]> =>
  (
    await read.all<PackageRow>(
      sql`SELECT * FROM application_packages WHERE account_id = ${accountId} AND application_key = ${applicationKey} AND key > ${after}
          ORDER BY key LIMIT ${limit}`,
    )
  ).map(packageFromRow);

export const countPackages = async (read: Reader, { accountId, key }: ApplicationName): Promise<number> =>
  (await read.get<{ n: number }>(
    sql`SELECT count(*) AS n FROM application_packages WHERE account_id = ${accountId} AND application_key = ${key}`,
  ))!.n;

/** In the order of the SET list of `savePackage`; `insertPackage` uses the same. */
const packageValues = (one: ApplicationPackage): SqlValue[] => [
  one.state,
  one.format ?? null,
  one.lastActivatedAt ?? null,
  one.blob.account,
  one.blob.container,
  one.blob.name,
  one.etag ?? null,
  one.modified,
];

/** Conflict when the version is there. Commit it with `checkApplications`, so that the application is. */
export const insertPackage = (one: ApplicationPackage): Write[] => [
  {
    text: `INSERT INTO application_packages (state, format, last_activated_at, storage_account, container, blob, etag, modified, account_id,
      application_key, key, version, generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    rows: [[...packageValues(one), one.accountId, one.applicationKey, one.key, one.version, one.generation]],
    guard: 1,
  },
];

/** Guarded by the generation that it was read with; the row's is then one higher. */
export const savePackage = (one: ApplicationPackage): Write[] => [
  {
    text: `UPDATE application_packages SET state = ?, format = ?, last_activated_at = ?, storage_account = ?, container = ?, blob = ?, etag = ?,
      modified = ?, generation = generation + 1 WHERE account_id = ? AND application_key = ? AND key = ? AND generation = ?`,
    rows: [[...packageValues(one), one.accountId, one.applicationKey, one.key, one.generation]],
    guard: 1,
  },
];

export const deletePackage = (one: ApplicationPackage): Write[] => [
  write(
    sql`DELETE FROM application_packages WHERE account_id = ${one.accountId} AND application_key = ${one.applicationKey}
        AND key = ${one.key} AND generation = ${one.generation}`,
    1,
  ),
];

/** Changes nothing, but the batch that it is in fails with a Conflict when the package has changed or gone. */
export const checkPackage = ({ accountId, applicationKey, key, generation }: ApplicationPackage): Write[] => [
  write(
    sql`UPDATE application_packages SET generation = generation WHERE account_id = ${accountId} AND application_key = ${applicationKey}
        AND key = ${key} AND generation = ${generation}`,
    1,
  ),
];

/** Changes nothing, but the batch that it is in fails with a Conflict unless all of these packages are there and active. */
export const checkPackagesActive = (names: readonly PackageName[]): Write[] =>
  names.length === 0
    ? []
    : [
        {
          text: `UPDATE application_packages SET generation = generation
            WHERE account_id = ? AND application_key = ? AND key = ? AND state = 'active'`,
          rows: names.map(({ accountId, applicationKey, key }) => [accountId, applicationKey, key]),
          guard: 1,
        },
      ];

/** What references can mean: these applications as far as they exist, with all of their packages. */
export const knownPackages = async (read: Reader, accountId: number, applicationKeys: readonly string[]): Promise<KnownPackages> => {
  const applications = new Map<string, Application>();
  const packages = new Map<string, ApplicationPackage>();
  for (const some of slices([...new Set(applicationKeys)])) {
    const rows = await read.all<ApplicationRow>(
      sql`SELECT * FROM applications WHERE account_id = ${accountId} AND key IN (${oneOf(some)})`,
    );
    for (const row of rows) applications.set(row.key, applicationFromRow(row));
    const found = await read.all<PackageRow>(
      sql`SELECT * FROM application_packages WHERE account_id = ${accountId} AND application_key IN (${oneOf(some)})`,
    );
    for (const row of found) packages.set(packageKey(row.application_key, row.version), packageFromRow(row));
  }
  return { applications, packages };
};
