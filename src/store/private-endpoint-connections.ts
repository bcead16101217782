// Private endpoint connections of Batch accounts in the database. Who may decide what of them is domain/private-endpoint-connections.ts.
import type { PrivateEndpointConnection } from "../domain/private-endpoint-connections.ts";
import { type Reader, type SqlValue, sql, type Write, write } from "./db.ts";

type Row = {
  account_id: number;
  name: string;
  private_endpoint_id: string;
  group_id: PrivateEndpointConnection["groupId"];
  status: PrivateEndpointConnection["status"];
  description: string;
  actions_required: string;
  provisioning_state: PrivateEndpointConnection["provisioningState"];
  tags: string;
  modified: number;
  generation: number;
};

const fromRow = (row: Row): PrivateEndpointConnection => ({
  accountId: row.account_id,
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

/** By its name in any case. */
export const getConnection = async (read: Reader, accountId: number, name: string): Promise<PrivateEndpointConnection | undefined> => {
  const row = await read.get<Row>(
    sql`SELECT * FROM private_endpoint_connections WHERE account_id = ${accountId} AND key = ${name.toLowerCase()}`,
  );
  return row && fromRow(row);
};

/** In order of name. `after` is a name in lower case. */
export const listConnections = async (
  read: Reader,
  { accountId, after = "", limit }: { accountId: number; after?: string; limit: number },
): Promise<PrivateEndpointConnection[]> =>
  (
    await read.all<Row>(
      sql`SELECT * FROM private_endpoint_connections WHERE account_id = ${accountId} AND key > ${after} ORDER BY key LIMIT ${limit}`,
    )
  ).map(fromRow);

/** Those that a private endpoint has made, of all accounts; reads all there are. Ids are compared without regard to case. */
export const connectionsOfEndpoint = async (read: Reader, privateEndpointId: string): Promise<PrivateEndpointConnection[]> =>
  (
    await read.all<Row>(
      sql`SELECT * FROM private_endpoint_connections WHERE lower(private_endpoint_id) = ${privateEndpointId.toLowerCase()} ORDER BY account_id, key`,
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
export const insertConnection = (connection: PrivateEndpointConnection): Write[] => [
  {
    text: `INSERT OR IGNORE INTO private_endpoint_connections (status, description, actions_required, provisioning_state, tags, modified,
      account_id, key, name, private_endpoint_id, group_id, generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    rows: [
      [
        ...changingValues(connection),
        connection.accountId,
        connection.name.toLowerCase(),
        connection.name,
        connection.privateEndpointId,
        connection.groupId,
        connection.generation,
      ],
    ],
    guard: 1,
  },
];

/** Guarded by the generation that it was read with; the row's is then one higher. */
export const saveConnection = (connection: PrivateEndpointConnection): Write[] => [
  {
    text: `UPDATE private_endpoint_connections SET status = ?, description = ?, actions_required = ?, provisioning_state = ?, tags = ?, modified = ?,
      generation = generation + 1 WHERE account_id = ? AND key = ? AND generation = ?`,
    rows: [[...changingValues(connection), connection.accountId, connection.name.toLowerCase(), connection.generation]],
    guard: 1,
  },
];

export const deleteConnection = ({ accountId, name, generation }: PrivateEndpointConnection): Write[] => [
  write(
    sql`DELETE FROM private_endpoint_connections WHERE account_id = ${accountId} AND key = ${name.toLowerCase()} AND generation = ${generation}`,
    1,
  ),
];
