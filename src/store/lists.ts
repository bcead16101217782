// Pieces of SQL that several table families share: the page of a list, and slices of long lists. No table's own columns.
import type { FilterNode } from "../domain/filter.ts";
import { type Sql, sql } from "./db.ts";
import { compileFilter, type FilterColumns } from "./filter.ts";

/** Where a list continues and how much of it is wanted. Ask for one more than is shown to learn whether another page follows. */
export type ListPage = {
  /** The key (nodes: the id) after which the page starts. */
  after?: string;
  limit: number;
  filter?: FilterNode;
};

/** The most values of one IN list; longer lists are asked in slices. */
export const longestList = 512;

export const slices = <T>(values: readonly T[], length = longestList): T[][] =>
  Array.from({ length: Math.ceil(values.length / length) }, (_, index) => values.slice(index * length, (index + 1) * length));

/** The end of a keyset query: ` AND key > ? AND (filter) ORDER BY key LIMIT ?`. `column` is the unique last part of an index. */
export const pageOf = (column: string, { after, limit, filter }: ListPage, columns: FilterColumns): Sql => {
  const name: Sql = { text: column, values: [] };
  const start = after === undefined ? sql`` : sql` AND ${name} > ${after}`;
  const condition = filter === undefined ? sql`` : sql` AND (${compileFilter(filter, columns)})`;
  return sql`${start}${condition} ORDER BY ${name} LIMIT ${limit}`;
};

export const jsonOrNull = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));
