// What the owner of an account may decide of a private endpoint connection.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConnectionStatus, connectionStatuses, decideConnection, newConnection } from "./private-endpoint-connections.ts";

const connection = newConnection({
  accountId: 1,
  endpointName: "Pe",
  guid: "g",
  privateEndpointId: "/x",
  groupId: "batchAccount",
  isManual: true,
  modified: 1,
});

/** From each status the ones that it can be given. */
const allowed: Record<ConnectionStatus, ConnectionStatus[]> = {
  Pending: ["Approved", "Pending", "Rejected", "Disconnected"],
  Approved: ["Approved", "Rejected", "Disconnected"],
  Rejected: ["Approved", "Rejected", "Disconnected"],
  Disconnected: ["Disconnected"],
};

for (const from of connectionStatuses)
  test(`what is ${from} becomes ${allowed[from].join(", ")} and nothing else`, () => {
    const verdicts = connectionStatuses.filter((status) => "after" in decideConnection({ ...connection, status: from }, { status }, 2));
    assert.deepEqual(new Set(verdicts), new Set(allowed[from]));
  });

test("a description stays unless another is given", () => {
  const verdict = decideConnection(connection, { status: "Approved" }, 2);
  assert.ok("after" in verdict);
  assert.deepEqual([verdict.after.description, verdict.after.modified], [connection.description, 2]);
});
