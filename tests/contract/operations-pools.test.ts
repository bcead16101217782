// What the operations on pools and on the account answer: defaults, updates, resizing, and every refusal with its code.
import assert from "node:assert/strict";
import { test } from "node:test";
import { settlePool } from "../../src/domain/pools.ts";
import { placeTask, startTask } from "../../src/domain/tasks.ts";
import { etagOf } from "../../src/lib/clock.ts";
import { getJob } from "../../src/store/jobs.ts";
import { getNode, insertNodes } from "../../src/store/nodes.ts";
import { getPool, savePool } from "../../src/store/pools.ts";
import { getTask, saveTasks } from "../../src/store/tasks.ts";
import { aPoolBody, aService, refuses, type Service, ubuntu } from "./operations-fixtures.ts";
import { aNode } from "./store-fixtures.ts";

const pool1 = { params: { poolId: "pool1" } };

/** As the resize reconciler does once the nodes are there. */
const settle = async ({ store, clock }: Service): Promise<void> => {
  const pool = (await getPool(store, 1, "pool1"))!;
  await store.commit(savePool(settlePool(pool, [], clock.now())));
};

test("a new pool shows what the service fills in", async (t) => {
  const service = await aService(t);
  const { reply } = await service.call("Pool_Add", { body: aPoolBody({ targetDedicatedNodes: 2, metadata: [] }) });
  assert.equal(reply.created, "Pool1");
  assert.deepEqual(service.rung, ["resize pool1", "pool pool1"]);
  const { body, reply: read } = await service.call("Pool_Get", { params: { poolId: "POOL1" } });
  assert.equal(read.modified, reply.modified);
  assert.deepEqual(body, {
    id: "Pool1",
    url: "https://account.example:10020/pools/Pool1",
    eTag: etagOf(reply.modified!),
    lastModified: "2026-01-01T00:00:00Z",
    creationTime: "2026-01-01T00:00:00Z",
    state: "active",
    stateTransitionTime: "2026-01-01T00:00:00Z",
    allocationState: "resizing",
    allocationStateTransitionTime: "2026-01-01T00:00:00Z",
    vmSize: "standard_d2_v3",
    virtualMachineConfiguration: { ...ubuntu, imageReference: { ...ubuntu.imageReference, version: "latest" } },
    resizeTimeout: "PT15M",
    currentDedicatedNodes: 0,
    currentLowPriorityNodes: 0,
    targetDedicatedNodes: 2,
    targetLowPriorityNodes: 0,
    enableAutoScale: false,
    enableInterNodeCommunication: false,
    taskSlotsPerNode: 1,
    taskSchedulingPolicy: { nodeFillType: "Spread" },
  });
});

test("an autoscaled pool is stored with its formula and interval, and an old client's Cloud Services pool with what it said", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody({ enableAutoScale: true, autoScaleFormula: "$TargetDedicatedNodes=1" }) });
  const { body } = await service.call("Pool_Get", pool1);
  assert.equal(body.autoScaleEvaluationInterval, "PT15M");
  assert.equal(body.autoScaleFormula, "$TargetDedicatedNodes=1");
  const old = { id: "old", vmSize: "small", cloudServiceConfiguration: { osFamily: "4" } };
  await service.call("Pool_Add", { body: old, version: "2020-09-01.12.0" });
  const { body: shown } = await service.call("Pool_Get", { params: { poolId: "old" }, version: "2020-09-01.12.0" });
  assert.deepEqual(shown.cloudServiceConfiguration, { osFamily: "4", osVersion: "*" });
});

const machine = (imageReference: object, nodeAgentSKUId = "batch.node.ubuntu 22.04") => ({
  virtualMachineConfiguration: { imageReference, nodeAgentSKUId },
});
const natPool = (changes: object = {}) => ({
  name: "ssh",
  protocol: "tcp",
  backendPort: 22,
  frontendPortRangeStart: 1000,
  frontendPortRangeEnd: 1099,
  ...changes,
});
const network = (...inboundNATPools: object[]) => ({ networkConfiguration: { endpointConfiguration: { inboundNATPools } } });
const rule = (priority: number) => ({ priority, access: "allow", sourceAddressPrefix: "*" });
const imageId = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/custom_image";
const subnetId = (subscription: string) =>
  `/subscriptions/${subscription}/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s`;

test("pools that are refused", async (t) => {
  const service = await aService(t, { subscriptionId: "11111111-1111-1111-1111-111111111111" });
  await service.call("Pool_Add", { body: aPoolBody({ id: "taken" }) });
  const row = (name: string, changes: Record<string, unknown>, code: any, values?: Record<string, string>) => ({
    name,
    call: { body: aPoolBody(changes) },
    code,
    ...(values === undefined ? {} : { values }),
  });
  await refuses(t, service, "Pool_Add", [
    row("the id in another case", { id: "TAKEN" }, "PoolExists"),
    row("an id with a slash", { id: "a/b" }, "InvalidPropertyValue", { PropertyName: "id" }),
    row("a size that cannot be", { vmSize: "standard_nothing" }, "InvalidPropertyValue", { PropertyName: "vmSize" }),
    row("more slots than four a core", { taskSlotsPerNode: 9 }, "InvalidPropertyValue", {
      PropertyName: "taskSlotsPerNode",
      PropertyValue: "9",
    }),
    row("an unknown image", machine({ publisher: "a", offer: "b", sku: "c" }), "InvalidPropertyValue", {
      PropertyName: "imageReference",
      Reason: "The specified imageReference with publisher a offer b sku c is not supported.",
    }),
    row("a managed image", machine({ virtualMachineImageId: imageId }), "InvalidPropertyValue", {
      PropertyName: "virtualMachineImageId",
      PropertyValue: imageId,
    }),
    row("an agent of another system", machine(ubuntu.imageReference, "batch.node.debian 12"), "InvalidPropertyValue", {
      PropertyName: "nodeAgentSKUId",
    }),
    row("an application package", { applicationPackageReferences: [{ applicationId: "app" }] }, "InvalidApplicationPackageReferences", {
      app: "The specified application package does not exist.",
    }),
    row("targets with a formula", { enableAutoScale: true, autoScaleFormula: "x", targetDedicatedNodes: 1 }, "InvalidPropertyValue", {
      PropertyName: "targetDedicatedNodes",
    }),
    row("autoscale without a formula", { enableAutoScale: true }, "MissingRequiredProperty"),
    row("a formula without autoscale", { autoScaleFormula: "x" }, "InvalidPropertyValue", { PropertyName: "autoScaleFormula" }),
    row("a resize timeout under five minutes", { resizeTimeout: "PT4M" }, "InvalidPropertyValue", { PropertyName: "resizeTimeout" }),
    row("metadata without a name", { metadata: [{ name: "", value: "x" }] }, "EmptyMetadataKey"),
    row("a start task of more than 32,768 characters", { startTask: { commandLine: "x".repeat(32_768) } }, "RequestBodyTooLarge"),
    row(
      "a start task's file that climbs",
      { startTask: { commandLine: "x", resourceFiles: [{ httpUrl: "http://h/x", filePath: "../x" }] } },
      "InvalidPropertyValue",
      {
        PropertyName: "filePath",
      },
    ),
    row("a reserved backend port", network(natPool({ backendPort: 29876 })), "InvalidPropertyValue", { PropertyName: "backendPort" }),
    row("fewer than 40 frontend ports", network(natPool({ frontendPortRangeEnd: 1038 })), "InvalidPropertyValue"),
    row(
      "reserved frontend ports",
      network(natPool({ frontendPortRangeStart: 49_990, frontendPortRangeEnd: 50_100 })),
      "InvalidPropertyValue",
    ),
    row(
      "NAT pools that overlap",
      network(natPool(), natPool({ name: "b", frontendPortRangeStart: 1099, frontendPortRangeEnd: 1200 })),
      "InvalidPropertyValue",
    ),
    row(
      "NAT pools of one name",
      network(natPool(), natPool({ name: "SSH", frontendPortRangeStart: 2000, frontendPortRangeEnd: 2100 })),
      "InvalidPropertyValue",
    ),
    row("a priority twice", network(natPool({ networkSecurityGroupRules: [rule(150), rule(150)] })), "InvalidPropertyValue", {
      PropertyName: "priority",
    }),
    row("another subscription's subnet", { networkConfiguration: { subnetId: subnetId("other") } }, "InvalidPropertyValue", {
      PropertyName: "subnetId",
    }),
    row("something else than a subnet", { networkConfiguration: { subnetId: "subnet" } }, "InvalidPropertyValue", {
      PropertyName: "subnetId",
    }),
    row(
      "a user twice",
      {
        userAccounts: [
          { name: "a", password: "p" },
          { name: "A", password: "p" },
        ],
      },
      "InvalidPropertyValue",
      { PropertyName: "userAccounts" },
    ),
    row("a uid alone", { userAccounts: [{ name: "a", password: "p", linuxUserConfiguration: { uid: 5 } }] }, "InvalidPropertyValue", {
      PropertyName: "gid",
    }),
    row(
      "a mount that climbs",
      { mountConfiguration: [{ nfsMountConfiguration: { source: "x", relativeMountPath: "../x" } }] },
      "InvalidPropertyValue",
    ),
  ]);
  const pools = await service.call("Pool_List");
  assert.deepEqual(
    pools.items.map(({ id }) => id),
    ["taken"],
  );
});

test("a refusal never repeats a secret", async (t) => {
  const service = await aService(t);
  const resourceFiles = [{ httpUrl: "ftp://h/x?sig=secret", filePath: "x" }];
  const error = await service.refusal("Pool_Add", { body: aPoolBody({ startTask: { commandLine: "x", resourceFiles } }) });
  assert.equal(error.code, "InvalidPropertyValue");
  assert.doesNotMatch(JSON.stringify(error.values), /secret/);
});

test("a subnet of the own subscription, a gallery image and an unlisted size are accepted", async (t) => {
  const service = await aService(t, { subscriptionId: "abc" });
  const gallery = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/g/images/i/versions/1.0.0";
  await service.call("Pool_Add", { body: aPoolBody({ id: "a", networkConfiguration: { subnetId: subnetId("ABC") } }) });
  await service.call("Pool_Add", { body: aPoolBody({ id: "b", ...machine({ virtualMachineImageId: gallery }) }) });
  await service.call("Pool_Add", { body: aPoolBody({ id: "c", vmSize: "Standard_Q96-24ads_v9", taskSlotsPerNode: 96 }) });
  assert.deepEqual(
    (await service.call("Pool_List")).items.map(({ id }) => id),
    ["a", "b", "c"],
  );
});

test("lists go page by page in the order of ids", async (t) => {
  const service = await aService(t);
  for (const id of ["b", "A", "c"]) await service.call("Pool_Add", { body: aPoolBody({ id }) });
  const first = await service.call("Pool_List", { page: { limit: 2 } });
  assert.deepEqual([first.items.map(({ id }) => id), first.reply.next], [["A", "b"], "b"]);
  const second = await service.call("Pool_List", { page: { limit: 2, after: "b" } });
  assert.deepEqual([second.items.map(({ id }) => id), second.reply.next], [["c"], undefined]);
  const other = await service.call("Pool_List", { accountId: 2 });
  assert.deepEqual(other.items, []);
});

test("a patch replaces what it names, updateproperties everything", async (t) => {
  const service = await aService(t);
  const startTask = { commandLine: "a", maxTaskRetryCount: 3, userIdentity: { username: "u" } };
  const added = await service.call("Pool_Add", { body: aPoolBody({ startTask, metadata: [{ name: "a", value: "b" }] }) });
  await service.call("Pool_Patch", { ...pool1, body: { startTask: { commandLine: "b" } } });
  const patched = (await service.call("Pool_Get", pool1)).body;
  assert.deepEqual(patched.startTask, {
    commandLine: "b",
    userIdentity: { autoUser: { scope: "pool", elevationLevel: "nonadmin" } },
    maxTaskRetryCount: 0,
    waitForSuccess: true,
  });
  assert.deepEqual(patched.metadata, [{ name: "a", value: "b" }]);
  assert.notEqual(patched.eTag, etagOf(added.reply.modified!));
  await service.call("Pool_UpdateProperties", {
    ...pool1,
    body: { certificateReferences: [], applicationPackageReferences: [], metadata: [] },
  });
  const updated = (await service.call("Pool_Get", pool1)).body;
  assert.deepEqual([updated.startTask, updated.metadata, updated.certificateReferences], [undefined, undefined, []]);
});

test("what nodes are made of can be changed while there are none", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody() });
  await service.call("Pool_Patch", { ...pool1, body: { vmSize: "standard_d4_v3", taskSlotsPerNode: 16, displayName: "x" } });
  const { body } = await service.call("Pool_Get", pool1);
  assert.deepEqual([body.vmSize, body.taskSlotsPerNode, body.displayName], ["standard_d4_v3", 16, "x"]);
  await refuses(t, service, "Pool_Patch", [
    { name: "slots that do not fit the size it has", call: { ...pool1, body: { taskSlotsPerNode: 17 } }, code: "InvalidPropertyValue" },
    {
      name: "a package",
      call: { ...pool1, body: { applicationPackageReferences: [{ applicationId: "x" }] } },
      code: "InvalidApplicationPackageReferences",
    },
  ]);
  await service.store.commit(insertNodes([aNode()]));
  await refuses(t, service, "Pool_Patch", [
    {
      name: "the size of a pool with nodes",
      call: { ...pool1, body: { vmSize: "standard_d2_v3" } },
      code: "OperationInvalidForCurrentState",
    },
  ]);
  await service.call("Pool_Patch", { ...pool1, body: { metadata: [{ name: "a", value: "b" }] } });
});

test("resizing shows at once, and only one resize goes on at a time", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody() });
  await service.call("Pool_Resize", { ...pool1, body: { targetLowPriorityNodes: 3, resizeTimeout: "PT6M" } });
  const { body } = await service.call("Pool_Get", pool1);
  assert.deepEqual(
    [body.allocationState, body.targetDedicatedNodes, body.targetLowPriorityNodes, body.resizeTimeout],
    ["resizing", 0, 3, "PT6M"],
  );
  await refuses(t, service, "Pool_Resize", [
    { name: "while resizing", call: { ...pool1, body: { targetDedicatedNodes: 1 } }, code: "PoolBeingResized" },
    { name: "without a target", call: { ...pool1, body: {} }, code: "MissingRequiredProperty" },
    {
      name: "a timeout under five minutes",
      call: { ...pool1, body: { targetDedicatedNodes: 1, resizeTimeout: "PT1M" } },
      code: "InvalidPropertyValue",
    },
    { name: "a pool that is not there", call: { params: { poolId: "x" }, body: { targetDedicatedNodes: 1 } }, code: "PoolNotFound" },
    {
      name: "another ETag",
      call: { ...pool1, body: { targetDedicatedNodes: 1 }, preconditions: { ifMatch: ["0x8000000000000000"] } },
      code: "ConditionNotMet",
    },
  ]);
});

test("stopping a resize keeps the ETag; with nothing to stop it does nothing", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody({ targetDedicatedNodes: 5 }) });
  const before = (await service.call("Pool_Get", pool1)).body;
  const { reply } = await service.call("Pool_StopResize", pool1);
  const stopping = (await service.call("Pool_Get", pool1)).body;
  assert.deepEqual([stopping.allocationState, stopping.eTag, etagOf(reply.modified!)], ["stopping", before.eTag, before.eTag]);
  await settle(service);
  await service.call("Pool_StopResize", pool1);
  const steady = (await service.call("Pool_Get", pool1)).body;
  assert.deepEqual([steady.allocationState, steady.targetDedicatedNodes], ["steady", 5]);
});

test("nodes are taken out by id", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody({ targetDedicatedNodes: 2 }) });
  await settle(service);
  await service.store.commit(insertNodes([aNode({ id: "tvmps_a_d" }), aNode({ id: "tvmps_b_d" })]));
  await refuses(t, service, "Pool_RemoveNodes", [
    { name: "a node that is not there", call: { ...pool1, body: { nodeList: ["tvmps_a_d", "tvmps_c_d"] } }, code: "NodeNotFound" },
    { name: "no node", call: { ...pool1, body: { nodeList: [] } }, code: "InvalidPropertyValue" },
  ]);
  await service.call("Pool_RemoveNodes", { ...pool1, body: { nodeList: ["TVMPS_A_d", "tvmps_a_d"] } });
  const { body } = await service.call("Pool_Get", pool1);
  assert.deepEqual([body.allocationState, body.targetDedicatedNodes, body.currentDedicatedNodes], ["resizing", 1, 2]);
  assert.deepEqual((await getPool(service.store, 1, "pool1"))!.resize!.nodeIds, ["tvmps_a_d"]);
});

/** A node with a task placed on it, so that a deletion has something to wait for. */
const busyNode = async ({ call, store, clock }: Service): Promise<void> => {
  await call("Job_Add", { body: { id: "Job1", poolInfo: { poolId: "Pool1" } } });
  await call("Task_Add", { params: { jobId: "job1" }, body: { id: "Task1", commandLine: "c" } });
  const job = (await getJob(store, 1, "job1"))!;
  const before = (await getTask(store, 1, job.uid, "task1"))!;
  const after = startTask(placeTask(before, { poolId: "Pool1", nodeId: "tvmps_1_d" }), clock.now());
  await store.commit([...insertNodes([aNode()]), ...saveTasks([{ before, after }])]);
};

test("a pool without tasks goes at once, and its nodes with it", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody({ targetDedicatedNodes: 1 }) });
  await service.store.commit(insertNodes([aNode()]));
  service.rung.length = 0;
  await service.call("Pool_Delete", pool1);
  assert.ok(service.rung.includes("removed tvmps_1_d"));
  await refuses(t, service, "Pool_Get", [{ name: "gone", call: pool1, code: "PoolNotFound" }]);
  assert.equal(await getNode(service.store, 1, "pool1", "tvmps_1_d"), undefined);
  await service.call("Pool_Add", { body: aPoolBody() });
});

test("a pool that is being deleted takes nothing more", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody({ targetDedicatedNodes: 1 }) });
  await busyNode(service);
  await service.call("Pool_Delete", pool1);
  assert.equal((await service.call("Pool_Get", pool1)).body.state, "deleting");
  assert.equal((await getNode(service.store, 1, "pool1", "tvmps_1_d"))!.leaving?.kind, "remove");
  await service.call("Pool_Exists", pool1);
  const code = "PoolBeingDeleted";
  await refuses(t, service, "Pool_Delete", [{ name: "again", call: pool1, code }]);
  await refuses(t, service, "Pool_Add", [{ name: "again", call: { body: aPoolBody() }, code }]);
  await refuses(t, service, "Pool_Patch", [{ name: "metadata", call: { ...pool1, body: { metadata: [] } }, code }]);
  await refuses(t, service, "Pool_Resize", [{ name: "a target", call: { ...pool1, body: { targetDedicatedNodes: 1 } }, code }]);
  await refuses(t, service, "Pool_StopResize", [{ name: "its last resize", call: pool1, code }]);
  await refuses(t, service, "Pool_RemoveNodes", [{ name: "a node", call: { ...pool1, body: { nodeList: ["x"] } }, code }]);
  const properties = { certificateReferences: [], applicationPackageReferences: [], metadata: [] };
  await refuses(t, service, "Pool_UpdateProperties", [{ name: "properties", call: { ...pool1, body: properties }, code }]);
  await refuses(t, service, "Pool_Exists", [{ name: "one that never was", call: { params: { poolId: "x" } }, code: "PoolNotFound" }]);
});

test("node counts have every pool and every state", async (t) => {
  const service = await aService(t);
  for (const id of ["Pool1", "empty"]) await service.call("Pool_Add", { body: aPoolBody({ id }) });
  await service.store.commit(
    insertNodes([aNode({ id: "a" }), aNode({ id: "b", state: "starting" }), aNode({ id: "c", isDedicated: false, state: "unusable" })]),
  );
  const { items } = await service.call("Account_ListPoolNodeCounts", { page: { limit: 10 } });
  assert.deepEqual(
    items.map(({ poolId }) => poolId),
    ["empty", "Pool1"],
  );
  assert.deepEqual([items[0].dedicated.total, items[0].lowPriority.total, Object.keys(items[0].dedicated).length], [0, 0, 17]);
  const { dedicated, lowPriority } = items[1];
  assert.deepEqual([dedicated.idle, dedicated.starting, dedicated.total, lowPriority.unusable, lowPriority.total], [1, 1, 2, 1, 1]);
  const filter = { type: "compare", operator: "eq", property: "poolId", value: { kind: "string", value: "POOL1" } } as const;
  const one = await service.call("Account_ListPoolNodeCounts", { page: { limit: 10 }, filter });
  assert.deepEqual(
    one.items.map(({ poolId }) => poolId),
    ["Pool1"],
  );
});

test("the host's own image is the verified one, and the lists go page by page", async (t) => {
  const service = await aService(t);
  const { items } = await service.call("Account_ListSupportedImages");
  const verified = items.filter((image) => image.verificationType === "verified");
  assert.deepEqual(
    verified.map(({ nodeAgentSKUId }) => nodeAgentSKUId),
    ["batch.node.debian 12"],
  );
  assert.ok(items.some(({ osType }) => osType === "windows"));
  const first = await service.call("Account_ListSupportedImages", { page: { limit: 5 } });
  const rest = await service.call("Account_ListSupportedImages", { page: { limit: 1000, after: first.reply.next } });
  assert.deepEqual([...first.items, ...rest.items], items);
  const filter = { type: "compare", operator: "eq", property: "osType", value: { kind: "string", value: "Windows" } } as const;
  const filtered = await service.call("Account_ListSupportedImages", { filter });
  assert.deepEqual([...new Set(filtered.items.map(({ osType }) => osType))], ["windows"]);
});
