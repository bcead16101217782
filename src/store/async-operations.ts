// Long-running operations of the management plane in the database: what a client that was answered 201 or 202 asks for. The work itself is
// derived from the resource's own row; here is only what became of it.
import type { Instant } from "../lib/clock.ts";
import { type Reader, sql, type Write, write } from "./db.ts";
import { jsonOrNull } from "./lists.ts";

export type AsyncOperation = {
  /** Opaque: what stands in the URL. */
  id: string;
  /** The operation that began it, e.g. BatchAccount_Delete. */
  kind: string;
  resourceId: string;
  status: "InProgress" | "Succeeded" | "Failed" | "Canceled";
  error?: { code: string; message: string };
  startedAt: Instant;
  endedAt?: Instant;
};

type Row = {
  id: string;
  kind: string;
  resource_id: string;
  status: AsyncOperation["status"];
  error: string | null;
  started_at: number;
  ended_at: number | null;
};

export const getAsyncOperation = async (read: Reader, id: string): Promise<AsyncOperation | undefined> => {
  const row = await read.get<Row>(sql`SELECT * FROM async_operations WHERE id = ${id}`);
  if (row === undefined) return undefined;
  return {
    id: row.id,
    kind: row.kind,
    resourceId: row.resource_id,
    status: row.status,
    ...(row.error === null ? {} : { error: JSON.parse(row.error) }),
    startedAt: row.started_at,
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
  };
};

const keptForMs = 86_400_000;

/** Also forgets those that ended more than a day ago. */
export const insertAsyncOperation = (operation: AsyncOperation): Write[] => [
  write(sql`DELETE FROM async_operations WHERE ended_at < ${operation.startedAt - keptForMs}`),
  write(
    sql`INSERT INTO async_operations (id, kind, resource_id, status, error, started_at, ended_at)
        VALUES (${operation.id}, ${operation.kind}, ${operation.resourceId.toLowerCase()}, ${operation.status}, ${jsonOrNull(operation.error)},
        ${operation.startedAt}, ${operation.endedAt ?? null})`,
    1,
  ),
];

/** Ends all that are under way for a resource: its row has reached an end. Changes nothing when there are none, so it can run twice. */
export const endAsyncOperations = (
  resourceId: string,
  end: { status: "Succeeded" | "Failed" | "Canceled"; error?: { code: string; message: string }; at: Instant },
): Write[] => [
  write(
    sql`UPDATE async_operations SET status = ${end.status}, error = ${jsonOrNull(end.error)}, ended_at = ${end.at}
        WHERE resource_id = ${resourceId.toLowerCase()} AND status = 'InProgress'`,
  ),
];
