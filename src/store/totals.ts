// Figures over all accounts, for /metrics. Rows are read, not tasks counted: the counts of jobs are kept with every change.
import { type Reader, sql } from "./db.ts";

/** Tasks in state active, of all jobs. */
export const waitingTasks = async (read: Reader): Promise<number> =>
  (await read.get<{ total: number }>(sql`SELECT coalesce(sum(active), 0) AS total FROM job_counts`))!.total;

/** Nodes by their stored state. */
export const totalsByState = (read: Reader): Promise<{ state: string; count: number }[]> =>
  read.all(sql`SELECT state, count(*) AS count FROM nodes GROUP BY state ORDER BY state`);
