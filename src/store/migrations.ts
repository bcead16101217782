// Brings the schema of a database up to date by the numbered SQL files in migrations/. A migration that was released is never
// changed; data of a newer Quern is refused before anything is touched.
import { readdirSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../lib/clock.ts";

/** The database was written by a newer Quern; the message says what to do. */
export class LocationTooNew extends Error {
  override readonly name = "LocationTooNew";
  /** The highest schema number found, and the highest that this Quern knows. */
  readonly found: number;
  readonly known: number;

  constructor(found: number, known: number) {
    super(
      `the database has schema ${found}, this Quern knows schemas up to ${known}: start it with the newer Quern that wrote it, or choose another location`,
    );
    this.found = found;
    this.known = known;
  }
}

export type Migration = { number: number; name: string; text: string };

const folder = new URL("./migrations/", import.meta.url);

/** All migrations of this release in order. The SQL files lie beside this file in the checkout and in the package alike. */
export const readMigrations = (): Migration[] =>
  readdirSync(folder)
    .filter((name) => /^\d{4}-.+\.sql$/.test(name))
    .sort()
    .map((name) => ({ number: Number(name.slice(0, 4)), name: name.slice(5, -4), text: readFileSync(new URL(name, folder), "utf8") }));

const lastNumber = (migrations: readonly Migration[]): number => migrations.at(-1)?.number ?? 0;

/** Throws LocationTooNew for a file that a newer Quern wrote. Reads only. */
export const refuseNewer = (file: string, migrations = readMigrations()): void => {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    refuse(database, migrations);
  } finally {
    database.close();
  }
};

const refuse = (database: DatabaseSync, migrations: readonly Migration[]): void => {
  const found = appliedNumbers(database).at(-1) ?? 0;
  if (found > lastNumber(migrations)) throw new LocationTooNew(found, lastNumber(migrations));
};

/** Applies what is missing, each migration in one transaction, so that a crash in between leaves a whole schema. */
export const migrate = (database: DatabaseSync, clock: Pick<Clock, "now">, migrations = readMigrations()): void => {
  refuse(database, migrations);
  database.exec("CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)");
  const applied = new Set(appliedNumbers(database));
  for (const { number, name, text } of migrations) {
    if (applied.has(number)) continue;
    database.exec("BEGIN IMMEDIATE");
    try {
      database.exec(text);
      database.prepare("INSERT INTO migrations (number, name, applied_at) VALUES (?, ?, ?)").run(number, name, clock.now());
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }
};

const appliedNumbers = (database: DatabaseSync): number[] => {
  const exists = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'").get() !== undefined;
  return exists
    ? database
        .prepare("SELECT number FROM migrations ORDER BY number")
        .all()
        .map((row) => Number(row.number))
    : [];
};
