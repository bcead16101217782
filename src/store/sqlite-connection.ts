// A connection to the SQLite file and the running of one group of batches on it. Knows node:sqlite and its error codes; knows
// nothing of threads (sqlite.ts, sqlite-writer.ts) and nothing of tables.
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { SqlValue, Write } from "./db.ts";

/** "off" gives up durability for speed: for tests and for `--in-memory` only. */
export type Synchronous = "full" | "off";

export type Connection = {
  readonly database: DatabaseSync;
  prepare(text: string): StatementSync;
  close(): void;
};

/** Filters and lists of different lengths make new texts; the oldest go first. */
const cachedStatements = 1000;

export const connect = (file: string, synchronous: Synchronous): Connection => {
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    database.exec("PRAGMA busy_timeout = 5000");
    // 32 MB: 1,000 tasks in order of id may lie on 1,000 pages, which the default of 2 MB reads anew for every page of a list.
    database.exec("PRAGMA cache_size = -32768");
    database.exec("PRAGMA journal_mode = WAL");
    database.exec(`PRAGMA synchronous = ${synchronous === "full" ? "FULL" : "OFF"}`);
  } catch (error) {
    database.close();
    throw error;
  }
  const statements = new Map<string, StatementSync>();
  const prepare = (text: string): StatementSync => {
    const known = statements.get(text);
    if (known !== undefined) return known;
    const statement = database.prepare(text);
    if (statements.size >= cachedStatements) statements.delete(statements.keys().next().value!);
    statements.set(text, statement);
    return statement;
  };
  const close = (): void => {
    statements.clear();
    database.close();
  };
  return { database, prepare, close };
};

/** What became of one batch; plain data, because it crosses a thread. */
export type Answer =
  | { outcome: "committed" }
  | { outcome: "conflict"; writeIndex: number; rowIndex: number }
  /** The database could not write; the batch may be tried again later. */
  | { outcome: "unavailable"; message: string }
  /** A statement that SQLite refuses whatever the data: our mistake. */
  | { outcome: "refused"; message: string };

export type GroupResult = {
  answers: Answer[];
  rows: number /** The connection should be replaced before the next group. */;
  broken: boolean;
};

/**
 * Runs each batch in a savepoint and commits once. A batch that fails leaves the others untouched; when the commit itself
 * fails none of them was written, and all are answered `unavailable`.
 */
export const commitGroup = (connection: Connection, batches: readonly (readonly Write[])[]): GroupResult => {
  try {
    connection.prepare("BEGIN IMMEDIATE").run();
    const results = batches.map((batch) => runBatch(connection, batch));
    connection.prepare("COMMIT").run();
    return { answers: results.map((result) => result.answer), rows: results.reduce((sum, result) => sum + result.rows, 0), broken: false };
  } catch (error) {
    const broken = !abandon(connection) || !isFull(error);
    const message = error instanceof Error ? error.message : String(error);
    const outcome = sqliteCode(error) === undefined ? "refused" : "unavailable";
    return { answers: batches.map(() => ({ outcome, message })), rows: 0, broken };
  }
};

const runBatch = (connection: Connection, batch: readonly Write[]): { answer: Answer; rows: number } => {
  connection.prepare("SAVEPOINT batch").run();
  const { answer, rows } = runWrites(connection, batch);
  if (answer.outcome !== "committed") connection.prepare("ROLLBACK TO batch").run();
  connection.prepare("RELEASE batch").run();
  return { answer, rows };
};

const runWrites = (connection: Connection, batch: readonly Write[]): { answer: Answer; rows: number } => {
  let rows = 0;
  for (const [writeIndex, { text, rows: parameters, guard }] of batch.entries()) {
    for (const [rowIndex, values] of parameters.entries()) {
      const run = runStatement(connection, text, values);
      if (run.refused !== undefined) return { answer: { outcome: "refused", message: `${run.refused} in: ${text}` }, rows: 0 };
      if (run.changes === undefined || (guard !== undefined && run.changes !== guard)) {
        return { answer: { outcome: "conflict", writeIndex, rowIndex }, rows: 0 };
      }
      rows += run.changes;
    }
  }
  return { answer: { outcome: "committed" }, rows };
};

/** No `changes` when a unique key is taken already, which is a guard like any other. Throws when the database cannot be written. */
const runStatement = (connection: Connection, text: string, values: readonly SqlValue[]): { changes?: number; refused?: string } => {
  try {
    return { changes: Number(connection.prepare(text).run(...values).changes) };
  } catch (error) {
    const code = sqliteCode(error);
    if (code === constraintUnique || code === constraintPrimaryKey) return {};
    if (code !== undefined && unavailableCodes.has(code & 0xff)) throw error;
    return { refused: error instanceof Error ? error.message : String(error) };
  }
};

/** True when no transaction is left open. */
const abandon = (connection: Connection): boolean => {
  try {
    if (connection.database.isTransaction) connection.database.exec("ROLLBACK");
    return true;
  } catch {
    return false;
  }
};

const constraintUnique = 2067;
const constraintPrimaryKey = 1555;
const full = 13;
/** BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, AUTH, NOTADB (https://sqlite.org/rescode.html). */
const unavailableCodes = new Set([5, 6, 7, 8, 9, 10, 11, full, 14, 15, 23, 26]);

const isFull = (error: unknown): boolean => (sqliteCode(error) ?? 0) % 256 === full;

/** The extended result code of an error of node:sqlite. */
export const sqliteCode = (error: unknown): number | undefined =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode : undefined;
