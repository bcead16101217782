// Compute nodes in the database. Whether a node shows as idle, running or offline follows from the tasks that run on it
// (domain/nodes.ts); where a query must know, it asks the index tasks_placed.
import type { Node, NodeState } from "../domain/nodes.ts";
import type { Instant } from "../lib/clock.ts";
import { oneOf, type Reader, type SqlValue, sql, type Write } from "./db.ts";
import { comparisons, equality, type FilterColumns } from "./filter.ts";
import { jsonOrNull, type ListPage, pageOf, slices } from "./lists.ts";
import { keepNodeTime } from "./node-time.ts";
import { deleteUsersOf } from "./node-users.ts";

type NodeRow = {
  account_id: number;
  pool_key: string;
  id: string;
  agent_id: string | null;
  state: NodeState;
  state_changed_at: number;
  scheduling_state: Node["schedulingState"];
  is_dedicated: number;
  address: string;
  boot: number;
  wiped_boot: number;
  booted_at: number | null;
  allocated_at: number;
  leaving: string | null;
  start_task: string | null;
  errors: string | null;
  tasks_run: number;
  tasks_succeeded: number;
  recent_tasks: string;
  generation: number;
};

const nodeFromRow = (row: NodeRow): Node => {
  const node: Node = {
    accountId: row.account_id,
    poolKey: row.pool_key,
    id: row.id,
    state: row.state,
    stateChangedAt: row.state_changed_at,
    schedulingState: row.scheduling_state,
    isDedicated: row.is_dedicated === 1,
    address: row.address,
    boot: row.boot,
    wipedBoot: row.wiped_boot,
    allocatedAt: row.allocated_at,
    tasksRun: row.tasks_run,
    tasksSucceeded: row.tasks_succeeded,
    recentTasks: JSON.parse(row.recent_tasks),
    generation: row.generation,
  };
  if (row.agent_id !== null) node.agentId = row.agent_id;
  if (row.booted_at !== null) node.bootedAt = row.booted_at;
  if (row.leaving !== null) node.leaving = JSON.parse(row.leaving);
  if (row.start_task !== null) node.startTask = JSON.parse(row.start_task);
  if (row.errors !== null) node.errors = JSON.parse(row.errors);
  return node;
};

/** In the order of the SET list of `saveNodes`; `insertNodes` uses the same. */
const changingValues = (node: Node): SqlValue[] => [
  node.agentId ?? null,
  node.state,
  node.stateChangedAt,
  node.schedulingState,
  node.address,
  node.boot,
  node.wipedBoot,
  node.bootedAt ?? null,
  jsonOrNull(node.leaving),
  jsonOrNull(node.startTask),
  jsonOrNull(node.errors),
  node.tasksRun,
  node.tasksSucceeded,
  JSON.stringify(node.recentTasks),
];

const nodesFrom = async (rows: Promise<NodeRow[]>): Promise<Node[]> => (await rows).map(nodeFromRow);

export const getNode = async (read: Reader, accountId: number, poolKey: string, nodeId: string): Promise<Node | undefined> => {
  const row = await read.get<NodeRow>(
    sql`SELECT * FROM nodes WHERE account_id = ${accountId} AND pool_key = ${poolKey} AND id = ${nodeId}`,
  );
  return row && nodeFromRow(row);
};

/** Node ids are unique among all pools of all accounts. */
export const getNodeById = async (read: Reader, nodeId: string): Promise<Node | undefined> => {
  const row = await read.get<NodeRow>(sql`SELECT * FROM nodes WHERE id = ${nodeId}`);
  return row && nodeFromRow(row);
};

/** In order of id. */
export const nodesOfPool = (read: Reader, accountId: number, poolKey: string): Promise<Node[]> =>
  nodesFrom(read.all(sql`SELECT * FROM nodes WHERE account_id = ${accountId} AND pool_key = ${poolKey} ORDER BY id`));

/** Of all accounts. */
export const nodesOfAgent = (read: Reader, agentId: string): Promise<Node[]> =>
  nodesFrom(read.all(sql`SELECT * FROM nodes WHERE agent_id = ${agentId} ORDER BY id`));

/** In order of id. */
export const listNodes = (read: Reader, page: ListPage & { accountId: number; poolKey: string }): Promise<Node[]> =>
  nodesFrom(
    read.all(
      sql`SELECT * FROM nodes WHERE account_id = ${page.accountId} AND pool_key = ${page.poolKey}${pageOf("id", page, nodeFilterColumns)}`,
    ),
  );

/** The rule of `shownState` in domain/nodes.ts for lists and counts of nodes; a test holds the two together. */
const shownState = `CASE WHEN state NOT IN ('idle', 'running', 'offline') THEN state WHEN EXISTS (SELECT 1 FROM tasks
  WHERE tasks.account_id = nodes.account_id AND tasks.node_id = nodes.id AND tasks.node_id IS NOT NULL AND tasks.state <> 'completed'
  AND tasks.state IN ('preparing', 'running')) THEN 'running' WHEN scheduling_state = 'disabled' AND leaving IS NULL THEN 'offline'
  ELSE 'idle' END`;

export type NodeCount = { poolKey: string; isDedicated: boolean; state: NodeState; count: number };

/** How many nodes of each kind are in each state, by the states that the API shows. Pools without nodes have no element. */
export const nodeCounts = async (read: Reader, accountId: number, poolKeys: readonly string[]): Promise<NodeCount[]> => {
  type Row = { pool_key: string; is_dedicated: number; shown: NodeState; count: number };
  const counts: NodeCount[] = [];
  for (const keys of slices(poolKeys)) {
    const rows = await read.all<Row>(
      sql`SELECT pool_key, is_dedicated, ${{ text: shownState, values: [] }} AS shown, count(*) AS count FROM nodes
          WHERE account_id = ${accountId} AND pool_key IN (${oneOf(keys)}) GROUP BY pool_key, is_dedicated, shown`,
    );
    for (const row of rows) counts.push({ poolKey: row.pool_key, isDedicated: row.is_dedicated === 1, state: row.shown, count: row.count });
  }
  return counts;
};

export const insertNodes = (nodes: readonly Node[]): Write[] => [
  {
    text: `INSERT INTO nodes (agent_id, state, state_changed_at, scheduling_state, address, boot, wiped_boot, booted_at, leaving, start_task,
      errors, tasks_run, tasks_succeeded, recent_tasks, account_id, pool_key, id, is_dedicated, allocated_at, generation)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    rows: nodes.map((node) => [
      ...changingValues(node),
      node.accountId,
      node.poolKey,
      node.id,
      Number(node.isDedicated),
      node.allocatedAt,
      node.generation,
    ]),
    guard: 1,
  },
];

/** Each guarded by the generation that it was read with; the row's is then one higher. */
export const saveNodes = (nodes: readonly Node[]): Write[] => [
  {
    text: `UPDATE nodes SET agent_id = ?, state = ?, state_changed_at = ?, scheduling_state = ?, address = ?, boot = ?, wiped_boot = ?,
      booted_at = ?, leaving = ?, start_task = ?, errors = ?, tasks_run = ?, tasks_succeeded = ?, recent_tasks = ?, generation = generation + 1
      WHERE account_id = ? AND pool_key = ? AND id = ? AND generation = ?`,
    rows: nodes.map((node) => [...changingValues(node), node.accountId, node.poolKey, node.id, node.generation]),
    guard: 1,
  },
];

export const saveNode = (node: Node): Write[] => saveNodes([node]);

/** Changes nothing, but the batch it is in fails with a Conflict unless tasks may be placed on each of the nodes (domain/nodes.ts takesTasks). */
export const checkNodesTakeTasks = (nodes: readonly Pick<Node, "accountId" | "poolKey" | "id" | "boot">[]): Write => ({
  text: `UPDATE nodes SET generation = generation WHERE account_id = ? AND pool_key = ? AND id = ? AND boot = ?
    AND state IN ('idle', 'running') AND scheduling_state = 'enabled' AND leaving IS NULL`,
  rows: nodes.map((node) => [node.accountId, node.poolKey, node.id, node.boot]),
  guard: 1,
});

/** Changes nothing, but the batch it is in fails with a Conflict where a task is placed on one of the nodes. */
export const checkNothingPlaced = (nodes: readonly Node[]): Write => ({
  text: `UPDATE nodes SET generation = generation WHERE account_id = ? AND pool_key = ? AND id = ? AND NOT EXISTS
    (SELECT 1 FROM tasks WHERE tasks.account_id = nodes.account_id AND node_id = nodes.id AND tasks.state <> 'completed')`,
  rows: nodes.map((node) => [node.accountId, node.poolKey, node.id]),
  guard: 1,
});

/** Changes nothing, but the batch it is in fails with a Conflict when the node has changed since it was read. */
export const checkNode = (node: Node): Write => ({
  text: "UPDATE nodes SET generation = generation WHERE account_id = ? AND pool_key = ? AND id = ? AND generation = ?",
  rows: [[node.accountId, node.poolKey, node.id, node.generation]],
  guard: 1,
});

/** With the chores and the users on them. */
export const deleteNodes = (nodes: readonly Node[], at: Instant): Write[] => [
  // How long they were there is written down before they go, and before their pool goes where that goes too.
  ...keepNodeTime(nodes, at),
  {
    text: "DELETE FROM nodes WHERE account_id = ? AND pool_key = ? AND id = ? AND generation = ?",
    rows: nodes.map((node) => [node.accountId, node.poolKey, node.id, node.generation]),
    guard: 1,
  },
  { text: "DELETE FROM chores WHERE account_id = ? AND node_id = ?", rows: nodes.map((node) => [node.accountId, node.id]) },
  ...deleteUsersOf(nodes),
];

const startTaskPart = (path: string): string => `json_extract(start_task, '$.${path}')`;

/** What $filter of ComputeNode_List offers (reference: errors-and-http section 4). */
export const nodeFilterColumns = {
  state: { type: "string", operators: equality, expression: `(${shownState})`, stored: "lower" },
  stateTransitionTime: { type: "time", operators: comparisons, expression: "state_changed_at", stored: "time" },
  lastBootTime: { type: "time", operators: comparisons, expression: "booted_at", stored: "time", nullable: true },
  allocationTime: { type: "time", operators: comparisons, expression: "allocated_at", stored: "time" },
  "startTaskInfo/state": { type: "string", operators: ["eq"], expression: startTaskPart("state"), stored: "lower", nullable: true },
  "startTaskInfo/result": { type: "string", operators: equality, expression: startTaskPart("result"), stored: "lower", nullable: true },
  "startTaskInfo/exitCode": {
    type: "number",
    operators: comparisons,
    expression: startTaskPart("exitCode"),
    stored: "number",
    nullable: true,
  },
  "startTaskInfo/startTime": {
    type: "time",
    operators: comparisons,
    expression: startTaskPart("startedAt"),
    stored: "time",
    nullable: true,
  },
  "startTaskInfo/endTime": { type: "time", operators: comparisons, expression: startTaskPart("endedAt"), stored: "time", nullable: true },
} as const satisfies FilterColumns;
