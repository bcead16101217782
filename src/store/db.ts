// What the rest of the program knows of the database: reading, and committing guarded writes. SQLite and PostgreSQL are behind it.
// It holds no SQL of its own: the queries live in one file per table family beside this one.

export type SqlValue = string | number | null;

/** A statement with `?` for its parameters. Use the `sql` tag; text is never built from user input. */
export type Sql = { readonly text: string; readonly values: readonly SqlValue[] };

/** Parameters become `?`; an interpolated Sql is spliced in, so that conditions can be composed. */
export const sql = (parts: TemplateStringsArray, ...values: (SqlValue | Sql)[]): Sql => {
  let text = parts[0]!;
  const flat: SqlValue[] = [];
  values.forEach((value, index) => {
    if (value !== null && typeof value === "object") {
      text += value.text;
      flat.push(...value.values);
    } else {
      text += "?";
      flat.push(value);
    }
    text += parts[index + 1]!;
  });
  return { text, values: flat };
};

/** `?, ?, ...` for IN. Padded to a power of two by repeating the last value, so that few different texts need preparing. */
export const oneOf = (values: readonly SqlValue[]): Sql => {
  const length = values.length === 0 ? 0 : 2 ** Math.ceil(Math.log2(values.length));
  const padded = Array.from({ length }, (_, index) => values[Math.min(index, values.length - 1)]!);
  return { text: padded.map(() => "?").join(", "), values: padded };
};

export interface Reader {
  /** The first row, if any. Sees everything committed before the call. */
  get<Row>(query: Sql): Promise<Row | undefined>;
  all<Row>(query: Sql): Promise<Row[]>;
}

/**
 * One statement run for one or many parameter rows. `guard` is the number of rows that each run must change: when it is
 * given and the database changes another number, the whole batch that the write belongs to is rolled back with a Conflict.
 */
export type Write = { readonly text: string; readonly rows: readonly (readonly SqlValue[])[]; readonly guard?: number };

/** A single-row write from a tagged statement. */
export const write = (statement: Sql, guard?: number): Write =>
  guard === undefined ? { text: statement.text, rows: [statement.values] } : { text: statement.text, rows: [statement.values], guard };

/** A guard failed: what the decision was made on has changed. Nothing of the batch was written. */
export class Conflict extends Error {
  override readonly name = "Conflict";
  /** Which write of the batch, and which of its rows, met other data than expected. */
  readonly writeIndex: number;
  readonly rowIndex: number;

  constructor(writeIndex: number, rowIndex: number) {
    super(`guard of write ${writeIndex}, row ${rowIndex} failed`);
    this.writeIndex = writeIndex;
    this.rowIndex = rowIndex;
  }
}

/** The disk is full or the database cannot be written; the caller's request was not done. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

export type Decision<T> = { readonly writes: readonly Write[]; readonly result: T };

export interface Store extends Reader {
  /**
   * Commits the batch durably, or throws Conflict and writes nothing. Batches that arrive while a commit runs share the
   * next one (group commit); each is still all or nothing on its own.
   */
  commit(writes: readonly Write[]): Promise<void>;
  /**
   * Load, decide, save: calls `decide`, commits its writes, and on a Conflict calls it again on fresh data (at most 50 times,
   * then a Bug). `decide` must have no effects of its own. An error it throws passes through and nothing is written.
   */
  decide<T>(decide: (read: Reader) => Promise<Decision<T>>): Promise<T>;
  /** Figures for /metrics. */
  onCommit(listener: (figures: { batches: number; rows: number; durationMs: number }) => void): void;
  /** Waits for commits under way, then closes. */
  close(): Promise<void>;
}
