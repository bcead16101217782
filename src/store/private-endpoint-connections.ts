// Private endpoint connections of Batch accounts in the database.
import type { ConnectionGroup, ConnectionStatus, PrivateEndpointConnection } from "../domain/private-endpoint-connections.ts";
import { type Reader, type SqlValue, sql, type Write, write } from "./db.ts";
import type { ListPage } from "./lists.ts";

type Row = {
  account_id: number;
  key: string;
  name: string;
  private_endpoint_id: string;
  group_id: ConnectionGroup;
  status: ConnectionStatus;
  description: string;
  actions_required: string;
  provisioning_state: PrivateEndpointConnection["provisioningState"];
  tags: string;
  modified: number;
  generation: number;
};

const fromRow = (row: Row): PrivateEndpointConnection => ({
  accountId: row.account_id,
  key: row.key,
  name: row.name,
  privateEndpointId: row.private_endpoint_id,
  groupId: row.group_id,
  status: row.status,
  description: row.description,
  actionsRequired: row.actions_required,
  provisioningState: row.provisioning_state,
  tags: JSON.parse(row.tags),
  modified: row.modified,
  generation: row.generation,
});

/** The name in any case. */
export const getPrivateEndpointConnection = async (
  read: Reader,
  accountId: number,
  name: string,
): Promise<PrivateEndpointConnection | undefined> => {
  const row = await read.get<Row>(
    sql`SELECT * FROM private_endpoint_connections WHERE account_id = ${accountId} AND key = ${name.toLowerCase()}`,
  );
  return row && fromRow(row);
};

/** In order of name. */
export const listPrivateEndpointConnections = async (
  read: Reader,
  accountId: number,
  { after = "", limit = -1 }: Partial<Pick<ListPage, "after" | "limit">> = {},
): Promise<PrivateEndpointConnection[]> =>
  (
    await read.all<Row>(
      sql`SELECT * FROM private_endpoint_connections WHERE account_id = ${accountId} AND key > ${after} ORDER BY key LIMIT ${limit}`,
    )
  ).map(fromRow);

const changingValues = (connection: PrivateEndpointConnection): SqlValue[] => [
  connection.status,
  connection.description,
  connection.actionsRequired,
  connection.provisioningState,
  JSON.stringify(connection.tags),
  connection.modified,
];

/** Conflict when the name is taken. */
export const insertPrivateEndpointConnection = (connection: PrivateEndpointConnection): Write[] => [
  {
    text: `INSERT OR IGNORE INTO private_endpoint_connections (status, description, actions_required, provisioning_state, tags, modified,
      account_id, key, name, private_endpoint_id, group_id, generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    rows: [
      [
        ...changingValues(connection),
        connection.accountId,
        connection.key,
        connection.name,
        connection.privateEndpointId,
        connection.groupId,
        connection.generation,
      ],
    ],
    guard: 1,
  },
];

/** Guarded by the generation that `connection` was read with; the row's is then one higher. */
export const savePrivateEndpointConnection = (connection: PrivateEndpointConnection): Write[] => [
  {
    text: `UPDATE private_endpoint_connections SET status = ?, description = ?, actions_required = ?, provisioning_state = ?, tags = ?, modified = ?,
      generation = generation + 1 WHERE account_id = ? AND key = ? AND generation = ?`,
    rows: [[...changingValues(connection), connection.accountId, connection.key, connection.generation]],
    guard: 1,
  },
];

export const deletePrivateEndpointConnection = ({ accountId, key, generation }: PrivateEndpointConnection): Write[] => [
  {
    text: "DELETE FROM private_endpoint_connections WHERE account_id = ? AND key = ? AND generation = ?",
    rows: [[accountId, key, generation]],
    guard: 1,
  },
];

/** Those of one private endpoint, whatever account they are of. */
export const connectionsOfPrivateEndpoint = async (read: Reader, privateEndpointId: string): Promise<PrivateEndpointConnection[]> =>
  (
    await read.all<Row>(
      sql`SELECT * FROM private_endpoint_connections WHERE lower(private_endpoint_id) = ${privateEndpointId.toLowerCase()} ORDER BY account_id, key`,
    )
  ).map(fromRow);

/** Of an account that goes. Changes nothing when there are none. */
export const deletePrivateEndpointConnectionsOf = (accountId: number): Write[] => [
  write(sql`DELETE FROM private_endpoint_connections WHERE account_id = ${accountId}`),
];
