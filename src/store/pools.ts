// Pools in the database. What a change means is decided in domain/pools.ts.
import type { Pool } from "../domain/pools.ts";
import { type Reader, type Sql, type SqlValue, sql, type Write } from "./db.ts";
import { comparisons, equality, type FilterColumns, idOperators } from "./filter.ts";
import { jsonOrNull, type ListPage, pageOf } from "./lists.ts";
import { forgetNodeTime } from "./node-time.ts";
import { deleteSamples } from "./samples.ts";

type PoolRow = {
  account_id: number;
  key: string;
  id: string;
  state: Pool["state"];
  state_changed_at: number;
  allocation_state: Pool["allocationState"];
  allocation_state_changed_at: number;
  target_dedicated: number;
  target_low_priority: number;
  spec: string;
  resize: string | null;
  resize_errors: string | null;
  auto_pool_job: string | null;
  auto_scale: string | null;
  created_at: number;
  modified: number;
  generation: number;
};

const poolFromRow = (row: PoolRow): Pool => {
  const pool: Pool = {
    accountId: row.account_id,
    key: row.key,
    id: row.id,
    state: row.state,
    stateChangedAt: row.state_changed_at,
    allocationState: row.allocation_state,
    allocationStateChangedAt: row.allocation_state_changed_at,
    targetDedicated: row.target_dedicated,
    targetLowPriority: row.target_low_priority,
    spec: JSON.parse(row.spec),
    createdAt: row.created_at,
    modified: row.modified,
    generation: row.generation,
  };
  // One column for the resize under way and for the last one, which are never both there.
  if (row.resize !== null) pool[row.allocation_state === "steady" ? "lastResize" : "resize"] = JSON.parse(row.resize);
  if (row.resize_errors !== null) pool.resizeErrors = JSON.parse(row.resize_errors);
  if (row.auto_pool_job !== null) pool.autoPoolJob = row.auto_pool_job;
  if (row.auto_scale !== null) pool.autoScale = JSON.parse(row.auto_scale);
  return pool;
};

/** In the order of the SET list of `savePool`; `insertPool` uses the same. */
const changingValues = (pool: Pool): SqlValue[] => [
  pool.state,
  pool.stateChangedAt,
  pool.allocationState,
  pool.allocationStateChangedAt,
  pool.targetDedicated,
  pool.targetLowPriority,
  JSON.stringify(pool.spec),
  jsonOrNull(pool.resize ?? pool.lastResize),
  jsonOrNull(pool.resizeErrors),
  pool.autoPoolJob ?? null,
  jsonOrNull(pool.autoScale),
  pool.modified,
];

const poolsFrom = async (rows: Promise<PoolRow[]>): Promise<Pool[]> => (await rows).map(poolFromRow);

export const getPool = async (read: Reader, accountId: number, key: string): Promise<Pool | undefined> => {
  const row = await read.get<PoolRow>(sql`SELECT * FROM pools WHERE account_id = ${accountId} AND key = ${key}`);
  return row && poolFromRow(row);
};

/** In order of key. */
export const listPools = (read: Reader, page: ListPage & { accountId: number }): Promise<Pool[]> =>
  poolsFrom(read.all(sql`SELECT * FROM pools WHERE account_id = ${page.accountId}${pageOf("key", page, poolFilterColumns)}`));

/** Those that a condition, and the order and limit after it, select. */
export const poolsWhere = (read: Reader, condition: Sql): Promise<Pool[]> =>
  poolsFrom(read.all(sql`SELECT * FROM pools WHERE ${condition}`));

/** Those that a reconciler has work with, of all accounts. */
export const listBusyPools = (read: Reader): Promise<Pool[]> =>
  poolsFrom(read.all(sql`SELECT * FROM pools WHERE allocation_state <> 'steady' OR state = 'deleting' ORDER BY account_id, key`));

/** Of all accounts. */
export const allPools = (read: Reader): Promise<Pool[]> => poolsFrom(read.all(sql`SELECT * FROM pools ORDER BY account_id, key`));

/** Conflict when the id is taken. */
export const insertPool = (pool: Pool): Write[] => [
  {
    text: `INSERT INTO pools (state, state_changed_at, allocation_state, allocation_state_changed_at, target_dedicated, target_low_priority,
      spec, resize, resize_errors, auto_pool_job, auto_scale, modified, account_id, key, id, created_at, generation)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    rows: [[...changingValues(pool), pool.accountId, pool.key, pool.id, pool.createdAt, pool.generation]],
    guard: 1,
  },
];

/** Guarded by the generation that `pool` was read with; the row's is then one higher. */
export const savePool = (pool: Pool): Write[] => [
  {
    text: `UPDATE pools SET state = ?, state_changed_at = ?, allocation_state = ?, allocation_state_changed_at = ?, target_dedicated = ?,
      target_low_priority = ?, spec = ?, resize = ?, resize_errors = ?, auto_pool_job = ?, auto_scale = ?,
      modified = ?, generation = generation + 1
      WHERE account_id = ? AND key = ? AND generation = ?`,
    rows: [[...changingValues(pool), pool.accountId, pool.key, pool.generation]],
    guard: 1,
  },
];

/** Those whose size a formula gives, of all accounts. */
export const scaledPools = (read: Reader): Promise<Pool[]> =>
  poolsFrom(
    read.all(sql`SELECT * FROM pools WHERE json_extract(spec, '$.enableAutoScale') = 1 AND state = 'active' ORDER BY account_id, key`),
  );

/** With its samples; its nodes must be gone already. */
export const deletePool = (pool: Pool): Write[] => [
  {
    text: "DELETE FROM pools WHERE account_id = ? AND key = ? AND generation = ?",
    rows: [[pool.accountId, pool.key, pool.generation]],
    guard: 1,
  },
  forgetNodeTime(pool.accountId, pool.key),
  deleteSamples({ accountId: pool.accountId, poolKey: pool.key }),
];

/** What $filter of Pool_List offers (reference: errors-and-http section 4). */
export const poolFilterColumns = {
  id: { type: "string", operators: idOperators, expression: "key", stored: "lower" },
  state: { type: "string", operators: equality, expression: "state", stored: "lower" },
  stateTransitionTime: { type: "time", operators: comparisons, expression: "state_changed_at", stored: "time" },
  allocationState: { type: "string", operators: equality, expression: "allocation_state", stored: "lower" },
  allocationStateTransitionTime: { type: "time", operators: comparisons, expression: "allocation_state_changed_at", stored: "time" },
  creationTime: { type: "time", operators: comparisons, expression: "created_at", stored: "time" },
  lastModified: { type: "time", operators: comparisons, expression: "modified", stored: "stamp" },
  enableAutoScale: {
    type: "boolean",
    operators: equality,
    expression: "coalesce(json_extract(spec, '$.enableAutoScale'), 0)",
    stored: "boolean",
  },
  vmSize: { type: "string", operators: equality, expression: "json_extract(spec, '$.vmSize')", stored: "text", nullable: true },
  enableInterNodeCommunication: {
    type: "boolean",
    operators: equality,
    expression: "coalesce(json_extract(spec, '$.enableInterNodeCommunication'), 0)",
    stored: "boolean",
  },
} as const satisfies FilterColumns;
