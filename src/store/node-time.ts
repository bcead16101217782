// How long nodes were part of their pools, for statistics of pools and usage metrics: of those that are there it follows from their rows,
// of those that are gone it is written down in the commit that deletes them. Cores are not known here, only VM sizes.
import type { Node } from "../domain/nodes.ts";
import type { Instant } from "../lib/clock.ts";
import { oneOf, type Reader, sql, type Write } from "./db.ts";
import { slices } from "./lists.ts";

/** Usage metrics reach back so far; totals reach back for ever. */
export const pastNodesKeptMs = 90 * 24 * 3_600_000;

const ofNode = `FROM nodes AS n JOIN pools AS p ON p.account_id = n.account_id AND p.key = n.pool_key
  WHERE n.account_id = ? AND n.pool_key = ? AND n.id = ?`;
const vmSize = "coalesce(json_extract(p.spec, '$.vmSize'), '')";

/** Put it before the deletion of the nodes and of their pool, in the same commit. `at` is when they are gone. */
export const keepNodeTime = (nodes: readonly Node[], at: Instant): Write[] => [
  {
    text: `INSERT INTO past_nodes (account_id, gone_at, node_id, pool_id, vm_size, allocated_at)
      SELECT n.account_id, max(?, n.allocated_at), n.id, p.id, ${vmSize}, n.allocated_at ${ofNode}`,
    rows: nodes.map((node) => [at, node.accountId, node.poolKey, node.id]),
  },
  {
    text: `INSERT INTO past_node_time (account_id, scope, vm_size, is_dedicated, ms)
      SELECT n.account_id, ?, ${vmSize}, n.is_dedicated, max(0, ? - n.allocated_at) ${ofNode} ON CONFLICT (account_id, scope, vm_size, is_dedicated) DO UPDATE SET ms = past_node_time.ms + excluded.ms`,
    rows: nodes.flatMap((node) => ["", node.poolKey].map((scope) => [scope, at, node.accountId, node.poolKey, node.id])),
  },
  {
    text: "DELETE FROM past_nodes WHERE account_id = ? AND gone_at < ?",
    rows: [...new Set(nodes.map((node) => node.accountId))].map((accountId) => [accountId, at - pastNodesKeptMs]),
  },
];

/** With the pool: another of the same id begins anew. */
export const forgetNodeTime = (accountId: number, poolKey: string): Write => ({
  text: "DELETE FROM past_node_time WHERE account_id = ? AND scope = ?",
  rows: [[accountId, poolKey]],
});

export type NodeTime = { poolKey: string; vmSize: string; ms: number };
type TimeRow = { scope: string; vm_size: string; ms: number };
const timeFromRow = (row: TimeRow): NodeTime => ({ poolKey: row.scope, vmSize: row.vm_size, ms: row.ms });

/** How long the dedicated nodes of each pool were part of it up to `now`, those that left included, by VM size. */
export const dedicatedTime = async (read: Reader, accountId: number, poolKeys: readonly string[], now: Instant): Promise<NodeTime[]> => {
  const times: NodeTime[] = [];
  for (const keys of slices(poolKeys)) {
    const rows = await read.all<TimeRow>(
      sql`SELECT scope, vm_size, ms FROM past_node_time WHERE account_id = ${accountId} AND scope IN (${oneOf(keys)}) AND is_dedicated = 1
          UNION ALL SELECT n.pool_key, coalesce(json_extract(p.spec, '$.vmSize'), ''), sum(max(0, ${now} - n.allocated_at)) FROM nodes AS n
          JOIN pools AS p ON p.account_id = n.account_id AND p.key = n.pool_key
          WHERE n.account_id = ${accountId} AND n.pool_key IN (${oneOf(keys)}) AND n.is_dedicated = 1 GROUP BY n.pool_key`,
    );
    times.push(...rows.map(timeFromRow));
  }
  return times;
};

/** The same of all pools that the account has or had; `poolKey` says nothing. */
export const dedicatedTimeOfAccount = async (read: Reader, accountId: number, now: Instant): Promise<NodeTime[]> =>
  (
    await read.all<TimeRow>(
      sql`SELECT '' AS scope, vm_size, ms FROM past_node_time WHERE account_id = ${accountId} AND scope = '' AND is_dedicated = 1
          UNION ALL SELECT '', coalesce(json_extract(p.spec, '$.vmSize'), '') AS size, sum(max(0, ${now} - n.allocated_at)) FROM nodes AS n
          JOIN pools AS p ON p.account_id = n.account_id AND p.key = n.pool_key
          WHERE n.account_id = ${accountId} AND n.is_dedicated = 1 GROUP BY size`,
    )
  ).map(timeFromRow);

export type NodeLife = { poolId: string; vmSize: string; from: Instant; to: Instant };

/** Nodes of both kinds that were there at any time between the two, gone or not; what is still there ends at `end`. Oldest first. */
export const nodeLives = async (read: Reader, accountId: number, start: Instant, end: Instant): Promise<NodeLife[]> => {
  type Row = { pool_id: string; vm_size: string; allocated_at: number; gone_at: number };
  const rows = await read.all<Row>(
    sql`SELECT pool_id, vm_size, allocated_at, gone_at FROM past_nodes
        WHERE account_id = ${accountId} AND gone_at > ${start} AND allocated_at < ${end}
        UNION ALL SELECT p.id, coalesce(json_extract(p.spec, '$.vmSize'), ''), n.allocated_at, ${end} FROM nodes AS n
        JOIN pools AS p ON p.account_id = n.account_id AND p.key = n.pool_key
        WHERE n.account_id = ${accountId} AND n.allocated_at < ${end} ORDER BY allocated_at`,
  );
  return rows.map((row) => ({ poolId: row.pool_id, vmSize: row.vm_size, from: row.allocated_at, to: row.gone_at }));
};
