// What agents still have to do on nodes, late and perhaps twice. A row goes once its agent reports it done, or with its node.
import type { Chore } from "../api/agent/messages.ts";
import type { Stamp } from "../lib/clock.ts";
import { type Reader, sql, type Write, write } from "./db.ts";

export type NodeChore = { accountId: number; nodeId: string; id: Stamp; chore: Chore };

export const addChores = (chores: readonly NodeChore[]): Write[] => [
  {
    text: "INSERT INTO chores (account_id, node_id, id, chore) VALUES (?, ?, ?, ?)",
    rows: chores.map(({ accountId, nodeId, id, chore }) => [accountId, nodeId, id, JSON.stringify(chore)]),
  },
];

/** Oldest first. */
export const choresOfNode = async (read: Reader, accountId: number, nodeId: string, limit = 1000): Promise<NodeChore[]> =>
  (
    await read.all<{ id: number; chore: string }>(
      sql`SELECT id, chore FROM chores WHERE account_id = ${accountId} AND node_id = ${nodeId} ORDER BY id LIMIT ${limit}`,
    )
  ).map((row) => ({ accountId, nodeId, id: row.id, chore: JSON.parse(row.chore) }));

/** Without effect when it is gone already. */
export const deleteChore = (accountId: number, nodeId: string, id: Stamp): Write[] => [
  write(sql`DELETE FROM chores WHERE account_id = ${accountId} AND node_id = ${nodeId} AND id = ${id}`),
];
