// What goes wrong in an account, for its detectors. Reads all of an account's nodes and unfinished or failed jobs: for people, never for the hot path.
import { type Reader, sql } from "./db.ts";

export type TroubledPool = {
  id: string;
  resizeErrors: { code: string; message: string }[];
  scaleError?: { code: string; message: string };
};

/** Pools whose last resize or evaluation did not end well, in order of id. */
export const troubledPools = async (read: Reader, accountId: number, limit: number): Promise<TroubledPool[]> => {
  const rows = await read.all<{ id: string; resize_errors: string | null; scale_error: string | null }>(
    sql`SELECT id, resize_errors, json_extract(auto_scale, '$.run.error') AS scale_error FROM pools WHERE account_id = ${accountId}
        AND (resize_errors IS NOT NULL OR json_extract(auto_scale, '$.run.error') IS NOT NULL) ORDER BY key LIMIT ${limit}`,
  );
  return rows.map(({ id, resize_errors: resizeErrors, scale_error: scaleError }) => ({
    id,
    resizeErrors: resizeErrors === null ? [] : JSON.parse(resizeErrors),
    ...(scaleError === null ? {} : { scaleError: JSON.parse(scaleError) }),
  }));
};

/** Nodes that take no tasks because something went wrong, by pool. */
export const troubledNodes = (
  read: Reader,
  accountId: number,
  limit: number,
): Promise<{ pool_key: string; id: string; state: string; errors: string | null }[]> =>
  read.all(
    sql`SELECT pool_key, id, state, errors FROM nodes WHERE account_id = ${accountId}
        AND state IN ('unusable', 'starttaskfailed', 'unknown') ORDER BY pool_key, id LIMIT ${limit}`,
  );

/** Jobs that could not be scheduled, or whose tasks wait for what this release does not do. */
export const troubledJobs = (
  read: Reader,
  accountId: number,
  limit: number,
): Promise<{ id: string; held: string | null; code: string | null; message: string | null; failed: number }[]> =>
  read.all(
    sql`SELECT j.id, j.held, json_extract(j.execution, '$.schedulingError.code') AS code,
          json_extract(j.execution, '$.schedulingError.message') AS message, c.failed
        FROM jobs AS j JOIN job_counts AS c ON c.account_id = j.account_id AND c.job_uid = j.uid
        WHERE j.account_id = ${accountId} AND (j.held IS NOT NULL OR json_extract(j.execution, '$.schedulingError') IS NOT NULL OR c.failed > 0)
        ORDER BY j.key LIMIT ${limit}`,
  );
