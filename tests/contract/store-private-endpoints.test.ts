// Private endpoint connections in the store: they come back as written, changes are guarded, an account's and an endpoint's are found.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newConnection } from "../../src/domain/private-endpoint-connections.ts";
import * as connections from "../../src/store/private-endpoint-connections.ts";
import { isConflict, openedStore } from "./store-fixtures.ts";

const aConnection = (changes: Partial<Parameters<typeof newConnection>[0]> = {}) =>
  newConnection({
    accountId: 1,
    endpointName: "Endpoint",
    guid: "11111111-2222-4333-8444-555555555555",
    privateEndpointId: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateEndpoints/Endpoint",
    groupId: "batchAccount",
    isManual: false,
    modified: 1_000,
    ...changes,
  });

test("connections come back as they were written", async (t) => {
  const store = await openedStore(t);
  const [one, two] = [aConnection(), aConnection({ endpointName: "another", isManual: true, groupId: "nodeManagement" })];
  await store.commit([...connections.insertPrivateEndpointConnection(one), ...connections.insertPrivateEndpointConnection(two)]);
  await store.commit(connections.insertPrivateEndpointConnection(aConnection({ accountId: 2 })));
  await assert.rejects(store.commit(connections.insertPrivateEndpointConnection(one)), isConflict);
  assert.deepEqual(await connections.getPrivateEndpointConnection(store, 1, one.name.toUpperCase()), one);
  assert.deepEqual(await connections.listPrivateEndpointConnections(store, 1), [two, one]);
  assert.deepEqual(await connections.listPrivateEndpointConnections(store, 1, { limit: 1 }), [two]);
  assert.deepEqual(await connections.listPrivateEndpointConnections(store, 1, { after: two.key, limit: 9 }), [one]);
  assert.equal((await connections.connectionsOfPrivateEndpoint(store, one.privateEndpointId.toUpperCase())).length, 3);
});

test("changes are guarded, and an account takes its own with it", async (t) => {
  const store = await openedStore(t);
  const one = aConnection();
  await store.commit(connections.insertPrivateEndpointConnection(one));
  await store.commit(connections.savePrivateEndpointConnection({ ...one, status: "Rejected", description: "no", tags: { a: "b" } }));
  const changed = (await connections.getPrivateEndpointConnection(store, 1, one.name))!;
  assert.deepEqual([changed.status, changed.description, changed.tags, changed.generation], ["Rejected", "no", { a: "b" }, 1]);
  await assert.rejects(store.commit(connections.deletePrivateEndpointConnection(one)), isConflict);
  await store.commit(connections.insertPrivateEndpointConnection(aConnection({ accountId: 2 })));
  await store.commit(connections.deletePrivateEndpointConnectionsOf(2));
  await store.commit(connections.deletePrivateEndpointConnection(changed));
  assert.deepEqual(await connections.connectionsOfPrivateEndpoint(store, one.privateEndpointId), []);
});
