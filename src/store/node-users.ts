// User accounts on nodes in the database. Rows go with their node, and when it is made anew.
import type { NodeUser } from "../domain/node-users.ts";
import { type Reader, sql, type Write } from "./db.ts";

type UserRow = {
  account_id: number;
  node_id: string;
  key: string;
  name: string;
  is_admin: number;
  expires_at: number;
  password: string | null;
  ssh_public_key: string | null;
  generation: number;
};

/** `key` as domain/node-users.ts makes it of a name. */
export const getNodeUser = async (read: Reader, accountId: number, nodeId: string, key: string): Promise<NodeUser | undefined> => {
  const row = await read.get<UserRow>(
    sql`SELECT * FROM node_users WHERE account_id = ${accountId} AND node_id = ${nodeId} AND key = ${key}`,
  );
  if (row === undefined) return undefined;
  return {
    accountId: row.account_id,
    nodeId: row.node_id,
    key: row.key,
    name: row.name,
    isAdmin: row.is_admin === 1,
    expiresAt: row.expires_at,
    password: row.password ?? undefined,
    sshPublicKey: row.ssh_public_key ?? undefined,
    generation: row.generation,
  };
};

/** One whose name is taken is a Conflict. */
export const insertNodeUser = (user: NodeUser): Write[] => [
  {
    text: `INSERT INTO node_users (account_id, node_id, key, name, is_admin, expires_at, password, ssh_public_key, generation)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    rows: [
      [
        user.accountId,
        user.nodeId,
        user.key,
        user.name,
        Number(user.isAdmin),
        user.expiresAt,
        user.password ?? null,
        user.sshPublicKey ?? null,
        user.generation,
      ],
    ],
    guard: 1,
  },
];

/** Guarded by the generation that it was read with; the row's is then one higher. */
export const saveNodeUser = (user: NodeUser): Write[] => [
  {
    text: `UPDATE node_users SET expires_at = ?, password = ?, ssh_public_key = ?, generation = generation + 1
      WHERE account_id = ? AND node_id = ? AND key = ? AND generation = ?`,
    rows: [[user.expiresAt, user.password ?? null, user.sshPublicKey ?? null, user.accountId, user.nodeId, user.key, user.generation]],
    guard: 1,
  },
];

export const deleteNodeUser = (user: NodeUser): Write[] => [
  {
    text: "DELETE FROM node_users WHERE account_id = ? AND node_id = ? AND key = ? AND generation = ?",
    rows: [[user.accountId, user.nodeId, user.key, user.generation]],
    guard: 1,
  },
];

/** All users of these nodes. */
export const deleteUsersOf = (nodes: readonly { accountId: number; id: string }[]): Write[] => [
  { text: "DELETE FROM node_users WHERE account_id = ? AND node_id = ?", rows: nodes.map((node) => [node.accountId, node.id]) },
];
