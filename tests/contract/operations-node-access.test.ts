// The operations around nodes, one thing at a time: what users may be, where one logs in by version and pool, and what is refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, NodeState } from "../../src/domain/nodes.ts";
import { nodeStates } from "../../src/domain/nodes.ts";
import { choresOfNode } from "../../src/store/chores.ts";
import { sql } from "../../src/store/db.ts";
import { getNodeUser } from "../../src/store/node-users.ts";
import { deleteNodes, getNode, insertNodes } from "../../src/store/nodes.ts";
import { aPoolBody, aService, refuses, type Service } from "./operations-fixtures.ts";
import { aNode } from "./store-fixtures.ts";

const params = { poolId: "pool1", nodeId: "tvmps_1_d" };
const ofUser = (userName: string) => ({ params: { ...params, userName } });
const windows = {
  virtualMachineConfiguration: {
    imageReference: { publisher: "microsoftwindowsserver", offer: "windowsserver", sku: "2022-datacenter" },
    nodeAgentSKUId: "batch.node.windows amd64",
  },
};
const day = 24 * 3_600_000;

const withNode = async (service: Service, node: Partial<Node> = {}, pool: Record<string, unknown> = {}): Promise<void> => {
  await service.call("Pool_Add", { body: aPoolBody(pool) });
  await service.store.commit(insertNodes([aNode({ agentId: "agent1", ...node })]));
  service.rung.length = 0;
};

test("a user is kept with what was given, and a change keeps nothing that it leaves out", async (t) => {
  const service = await aService(t);
  await withNode(service);
  const { reply } = await service.call("ComputeNode_AddUser", { params, body: { name: "Ann", password: "s3cret" } });
  assert.equal(reply.created, "Ann");
  const added = (await getNodeUser(service.store, 1, "tvmps_1_d", "ann"))!;
  assert.deepEqual([added.name, added.isAdmin, added.expiresAt - service.clock.now()], ["Ann", false, day]);
  assert.match(added.password!, /^scrypt:[0-9a-f]{32}:/);
  const stored = await service.store.all<Record<string, unknown>>(sql`SELECT * FROM node_users`);
  assert.ok(!JSON.stringify(stored).includes("s3cret"));
  const body = { sshPublicKey: "ssh-rsa AAAA ann@host\n", expiryTime: "2026-03-01T00:00:00Z" };
  await service.call("ComputeNode_UpdateUser", { ...ofUser("ANN"), body });
  const changed = (await getNodeUser(service.store, 1, "tvmps_1_d", "ann"))!;
  assert.deepEqual(
    [changed.password, changed.sshPublicKey, changed.expiresAt, changed.name],
    [undefined, "ssh-rsa AAAA ann@host", Date.UTC(2026, 2, 1), "Ann"],
  );
  await service.call("ComputeNode_UpdateUser", { ...ofUser("ann"), body: {} });
  const bare = (await getNodeUser(service.store, 1, "tvmps_1_d", "ann"))!;
  assert.deepEqual([bare.sshPublicKey, bare.expiresAt], [undefined, service.clock.now() + day]);
  await service.store.commit(deleteNodes([(await getNode(service.store, 1, "pool1", "tvmps_1_d"))!], service.clock.now()));
  assert.deepEqual(await service.store.all(sql`SELECT * FROM node_users`), []);
});

test("what is wrong with a user", async (t) => {
  const service = await aService(t);
  await withNode(service);
  await service.call("ComputeNode_AddUser", { params, body: { name: "ann" } });
  await refuses(t, service, "ComputeNode_AddUser", [
    { name: "a name that is taken, in other case", call: { params, body: { name: "ANN" } }, code: "NodeUserExists" },
    { name: "no name", call: { params, body: {} }, code: "MissingRequiredProperty" },
    ...["", "-rf", "a/b", "a:b", "a\nb", "x".repeat(65)].map((name) => ({
      name: `the name ${JSON.stringify(name).slice(0, 20)}`,
      call: { params, body: { name } },
      code: "InvalidPropertyValue" as const,
    })),
    ...["", "a\nb", "ü"].map((sshPublicKey) => ({
      name: `the key ${JSON.stringify(sshPublicKey)}`,
      call: { params, body: { name: "bob", sshPublicKey } },
      code: "InvalidPropertyValue" as const,
    })),
    { name: "no such node", call: { params: { ...params, nodeId: "x" }, body: { name: "bob" } }, code: "NodeNotFound" },
  ]);
  await refuses(t, service, "ComputeNode_UpdateUser", [{ name: "nobody", call: { ...ofUser("bob"), body: {} }, code: "NodeUserNotFound" }]);
  await refuses(t, service, "ComputeNode_DeleteUser", [{ name: "nobody", call: ofUser("bob"), code: "NodeUserNotFound" }]);
});

test("a Windows node wants a password and no key", async (t) => {
  const service = await aService(t);
  await withNode(service, {}, windows);
  await refuses(t, service, "ComputeNode_AddUser", [
    { name: "no password", call: { params, body: { name: "ann" } }, code: "MissingRequiredProperty" },
    {
      name: "a key",
      call: { params, body: { name: "ann", password: "x", sshPublicKey: "ssh-rsa A" } },
      code: "InvalidPropertyValue",
      values: { PropertyName: "sshPublicKey" },
    },
  ]);
  await service.call("ComputeNode_AddUser", { params, body: { name: "ann", password: "x" } });
});

test("users are refused as soon as the node has something under way", async (t) => {
  for (const [action, code] of [
    ["ComputeNode_Reboot", "NodeBeingRebooted"],
    ["ComputeNode_Reimage", "NodeBeingReimaged"],
    ["ComputeNode_Deallocate", "OperationNotValidOnNode"],
  ] as const) {
    const service = await aService(t);
    await withNode(service);
    await service.call(action, { params });
    assert.deepEqual(service.rung, ["resize pool1", "pool pool1"]);
    for (const again of ["ComputeNode_Reboot", "ComputeNode_Reimage", "ComputeNode_Deallocate"] as const)
      assert.equal((await service.refusal(again, { params })).code, code);
    assert.equal((await service.refusal("ComputeNode_AddUser", { params, body: { name: "a" } })).code, code);
  }
});

test("start is for deallocated nodes, and shows at once", async (t) => {
  for (const state of nodeStates.states as readonly NodeState[]) {
    const service = await aService(t);
    await withNode(service, { state, boot: 3, wipedBoot: 4 });
    if (state !== "deallocated") {
      assert.equal((await service.refusal("ComputeNode_Start", { params })).status, 409);
      continue;
    }
    await service.call("ComputeNode_Start", { params });
    const { state: now, boot } = (await getNode(service.store, 1, "pool1", "tvmps_1_d"))!;
    assert.deepEqual([now, boot], ["starting", 4]);
  }
});

test("where one logs in, by pool and version", async (t) => {
  const natPool = { name: "login", protocol: "tcp", backendPort: 22, frontendPortRangeStart: 15000, frontendPortRangeEnd: 15100 };
  const nat = (changes: object) => ({
    networkConfiguration: { endpointConfiguration: { inboundNATPools: [{ ...natPool, ...changes }] } },
  });
  const rows = [
    ["a NAT pool for SSH", nat({}), "2024-07-01.20.0", 15002],
    ["the same in an older version", nat({}), "2022-10-01.16.0", 15002],
    ["a NAT pool for something else", nat({ backendPort: 80 }), "2024-07-01.20.0", "OperationNotValidOnNode"],
    ["one of UDP", nat({ protocol: "udp" }), "2024-07-01.20.0", "OperationNotValidOnNode"],
    ["none", {}, "2025-06-01", "OperationNotValidOnNode"],
    ["none in an older version", {}, "2024-02-01.19.0", 50002],
    ["none, on Windows", windows, "2024-07-01.20.0", "OperationNotValidOnNode"],
    ["a NAT pool for RDP, on Windows", { ...windows, ...nat({ backendPort: 3389 }) }, "2024-07-01.20.0", 15002],
  ] as const;
  for (const [name, pool, version, expected] of rows) {
    await t.test(name, async (t) => {
      const service = await aService(t);
      await withNode(service, { address: "10.0.0.6" }, pool);
      const call = { params, version };
      if (typeof expected === "string") {
        assert.equal((await service.refusal("ComputeNode_GetRemoteLoginSettings", call)).code, expected);
        return;
      }
      const { body } = await service.call("ComputeNode_GetRemoteLoginSettings", call);
      assert.deepEqual([body.remoteLoginIPAddress, body.remoteLoginPort], ["10.0.0.6", expected]);
    });
  }
});

test("reimage and RDP files belong to Cloud Services in the versions that had them", async (t) => {
  const service = await aService(t);
  await withNode(service);
  const version = "2020-03-01.11.0";
  const reimage = await service.refusal("ComputeNode_Reimage", { params, version });
  assert.deepEqual(reimage.values, [
    { key: "Reason", value: "Operation reimage can be invoked only on pools created with cloudServiceConfiguration" },
  ]);
  assert.equal((await service.refusal("ComputeNode_GetRemoteDesktop", { params, version })).code, "OperationNotValidOnNode");
  const missing = { params: { ...params, nodeId: "x" }, version } as const;
  assert.equal((await service.refusal("ComputeNode_GetRemoteDesktop", missing)).code, "NodeNotFound");
});

test("an upload of logs becomes a chore of the node, unless there is nothing to upload", async (t) => {
  const service = await aService(t);
  await withNode(service);
  service.files.set("tvmps_1_d", new Map());
  const body = { containerUrl: "https://s.example/logs?sig=x", startTime: "2026-01-01T00:00:00Z", endTime: "2026-01-02T00:00:00Z" };
  const none = await service.call("ComputeNode_UploadBatchServiceLogs", { params, body });
  assert.deepEqual([none.body.numberOfFilesUploaded, service.rung], [0, []]);
  service.files.get("tvmps_1_d")!.set("a", "").set("b", "");
  const some = await service.call("ComputeNode_UploadBatchServiceLogs", { params, body });
  assert.equal(some.body.numberOfFilesUploaded, 2);
  assert.deepEqual(service.rung, ["chores tvmps_1_d"]);
  const [added] = await choresOfNode(service.store, 1, "tvmps_1_d");
  assert.deepEqual(added?.chore, {
    type: "uploadLogs",
    directory: some.body.virtualDirectoryName,
    containerUrl: body.containerUrl,
    from: Date.UTC(2026, 0, 1),
    to: Date.UTC(2026, 0, 2),
  });
  assert.match(some.body.virtualDirectoryName, /^account-[0-9A-F]{16}\/Pool1\/tvmps_1_d\/[0-9a-f-]{36}$/);
  service.files.clear();
  await refuses(t, service, "ComputeNode_UploadBatchServiceLogs", [
    { name: "an agent that is away", call: { params, body }, code: "NodeNotReady" },
    { name: "no container", call: { params, body: { startTime: body.startTime } }, code: "MissingRequiredProperty" },
    { name: "a container that is no URL", call: { params, body: { ...body, containerUrl: "logs" } }, code: "InvalidPropertyValue" },
    { name: "an end before the start", call: { params, body: { ...body, endTime: "2025-01-01T00:00:00Z" } }, code: "InvalidPropertyValue" },
    {
      name: "an identity instead of a signature",
      call: { params, body: { ...body, identityReference: { resourceId: "/i" } } },
      code: "InvalidPropertyValue",
      values: { PropertyName: "identityReference" },
    },
  ]);
});
