// What the operations on nodes answer: the view in each state, reboot and scheduling, and every refusal with its code.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Node, type NodeState, nodeStates } from "../../src/domain/nodes.ts";
import { explain } from "../../src/operations/waiting.ts";
import { insertJob } from "../../src/store/jobs.ts";
import { getNode, insertNodes } from "../../src/store/nodes.ts";
import { insertTasks } from "../../src/store/tasks.ts";
import { aPoolBody, aService, refuses, type Service, ubuntu } from "./operations-fixtures.ts";
import { aJob, aNode, aTask, completed, running } from "./store-fixtures.ts";

const node1 = { params: { poolId: "pool1", nodeId: "tvmps_1_d" } };
const booted = Date.UTC(2026, 0, 1);

const withNodes = async (service: Service, nodes: readonly Node[], pool: Record<string, unknown> = {}): Promise<void> => {
  await service.call("Pool_Add", { body: aPoolBody(pool) });
  await service.store.commit(insertNodes(nodes));
  service.rung.length = 0;
};

test("a node that runs tasks shows them, and what it is made of", async (t) => {
  const service = await aService(t);
  const job = aJob();
  const done = completed(aTask(1));
  const recentTasks = [
    { jobUid: job.uid, jobId: job.id, seq: 1, taskId: done.id },
    { jobUid: job.uid, jobId: job.id, seq: 99, taskId: "deleted" },
  ];
  const startTask = {
    state: "completed",
    startedAt: booted,
    endedAt: booted + 1500,
    exitCode: 0,
    retryCount: 0,
    result: "success",
  } as const;
  const inboundNATPools = [{ name: "web", protocol: "tcp", backendPort: 80, frontendPortRangeStart: 1000, frontendPortRangeEnd: 1099 }];
  await withNodes(service, [aNode({ bootedAt: booted, recentTasks, startTask, tasksRun: 5, tasksSucceeded: 4, address: "10.0.0.6" })], {
    startTask: { commandLine: "s" },
    networkConfiguration: { endpointConfiguration: { inboundNATPools } },
  });
  const tasks = [done, running(aTask(2, { slots: 2 })), { ...running(aTask(3)), state: "active" as const }];
  await service.store.commit([...insertJob(job), ...insertTasks(tasks, [])]);
  const { body } = await service.call("ComputeNode_Get", node1);
  const { startTask: shownStart, recentTasks: shownRecent, virtualMachineInfo, endpointConfiguration, ...rest } = body;
  assert.deepEqual(rest, {
    id: "tvmps_1_d",
    url: "https://account.example:10020/pools/Pool1/nodes/tvmps_1_d",
    state: "running",
    schedulingState: "enabled",
    stateTransitionTime: "2026-01-01T00:00:00Z",
    lastBootTime: "2026-01-01T00:00:00Z",
    allocationTime: "2026-01-01T00:00:00Z",
    ipAddress: "10.0.0.6",
    affinityId: "TVM:tvmps_1_d",
    vmSize: "standard_d2_v3",
    totalTasksRun: 5,
    totalTasksSucceeded: 4,
    runningTasksCount: 1,
    runningTaskSlotsCount: 2,
    startTaskInfo: {
      state: "completed",
      startTime: "2026-01-01T00:00:00Z",
      endTime: "2026-01-01T00:00:01.5Z",
      exitCode: 0,
      retryCount: 0,
      result: "success",
    },
    certificateReferences: [],
    isDedicated: true,
    nodeAgentInfo: { version: "0.1.0", lastUpdateTime: "2026-01-01T00:00:00Z" },
  });
  assert.equal(shownStart.commandLine, "s");
  assert.deepEqual(
    shownRecent.map((each: any) => [each.taskUrl, each.taskState, each.executionInfo.exitCode]),
    [
      ["https://account.example:10020/jobs/Job1/tasks/Task2", "running", undefined],
      ["https://account.example:10020/jobs/Job1/tasks/Task1", "completed", 0],
    ],
  );
  assert.deepEqual(virtualMachineInfo.imageReference, { ...ubuntu.imageReference, version: "latest", exactVersion: "12.0.0" });
  assert.deepEqual(endpointConfiguration.inboundEndpoints, [
    { name: "web.2", protocol: "tcp", publicIPAddress: "10.0.0.6", publicFQDN: "account.example", frontendPort: 1002, backendPort: 80 },
  ]);
});

test("recentTasks are what runs, the latest first, then what ended: ten together, none twice", async (t) => {
  const service = await aService(t);
  const job = aJob();
  const startedAt = (seq: number) => {
    const task = running(aTask(seq));
    return { ...task, execution: { ...task.execution, startTime: booted + seq } };
  };
  const again = startedAt(3);
  const ended = Array.from({ length: 9 }, (_, index) => completed(aTask(10 + index)));
  const recentTasks = [again, ...ended].map(({ seq, id }) => ({ jobUid: job.uid, jobId: job.id, seq, taskId: id }));
  await withNodes(service, [aNode({ bootedAt: booted, recentTasks })]);
  await service.store.commit([...insertJob(job), ...insertTasks([startedAt(1), startedAt(2), again, ...ended], [])]);
  const { body } = await service.call("ComputeNode_Get", node1);
  const shown = body.recentTasks.map(({ taskId, jobId, taskState }: any) => `${jobId}/${taskId} ${taskState}`);
  assert.deepEqual(shown, [
    ...[3, 2, 1].map((seq) => `Job1/Task${seq} running`),
    ...ended.slice(0, 7).map(({ id }) => `Job1/${id} completed`),
  ]);
});

test("a node that has not booted says nothing of an agent", async (t) => {
  const service = await aService(t);
  await withNodes(service, [aNode({ state: "creating" })]);
  const { body } = await service.call("ComputeNode_Get", node1);
  assert.deepEqual([body.state, body.lastBootTime, body.nodeAgentInfo, body.recentTasks], ["creating", undefined, undefined, undefined]);
});

test("nodes are listed in the order of their ids", async (t) => {
  const service = await aService(t);
  await withNodes(
    service,
    ["c", "a", "b"].map((id) => aNode({ id })),
  );
  const { items, reply } = await service.call("ComputeNode_List", { params: { poolId: "POOL1" }, page: { limit: 2 } });
  assert.deepEqual([items.map(({ id }) => id), reply.next], [["a", "b"], "b"]);
  await refuses(t, service, "ComputeNode_List", [{ name: "of no pool", call: { params: { poolId: "x" } }, code: "PoolNotFound" }]);
  await refuses(t, service, "ComputeNode_Get", [
    { name: "no node", call: { params: { poolId: "pool1", nodeId: "x" } }, code: "NodeNotFound" },
  ]);
});

test("a reboot shows at once", async (t) => {
  const service = await aService(t);
  await withNodes(service, [aNode()]);
  await service.call("ComputeNode_Reboot", { ...node1, body: { nodeRebootOption: "taskcompletion" } });
  assert.deepEqual(service.rung, ["resize pool1", "pool pool1"]);
  assert.equal((await service.call("ComputeNode_Get", node1)).body.state, "rebooting");
  assert.equal((await getNode(service.store, 1, "pool1", "tvmps_1_d"))!.leaving!.option, "taskcompletion");
  const { reasons } = await explain(service.services, 1, { poolId: "pool1", nodeId: "tvmps_1_d" });
  assert.equal(reasons[0]!.code, "NodeLeaving");
  await refuses(t, service, "ComputeNode_Reboot", [{ name: "again", call: node1, code: "NodeBeingRebooted" }]);
});

test("scheduling is disabled and enabled once each", async (t) => {
  const service = await aService(t);
  await withNodes(service, [aNode()]);
  await refuses(t, service, "ComputeNode_EnableScheduling", [
    { name: "an enabled node", call: node1, code: "NodeAlreadyInTargetSchedulingState" },
  ]);
  await service.call("ComputeNode_DisableScheduling", node1);
  assert.equal((await service.call("ComputeNode_Get", node1)).body.schedulingState, "disabled");
  await refuses(t, service, "ComputeNode_DisableScheduling", [
    { name: "a disabled node", call: node1, code: "NodeAlreadyInTargetSchedulingState" },
  ]);
  await service.call("ComputeNode_EnableScheduling", node1);
  const { body } = await service.call("ComputeNode_Get", node1);
  assert.deepEqual([body.schedulingState, body.state], ["enabled", "idle"]);
});

const busy: readonly [NodeState, string | undefined][] = [
  ["creating", "NodeBeingCreated"],
  ["starting", "NodeBeingStarted"],
  ["waitingforstarttask", "NodeBeingStarted"],
  ["rebooting", "NodeBeingRebooted"],
  ["leavingpool", "OperationNotValidOnNode"],
  ["unusable", undefined],
  ["starttaskfailed", undefined],
  ["running", undefined],
  ["offline", undefined],
];

test("which nodes can be rebooted", async (t) => {
  for (const [state, code] of busy) {
    await t.test(`${state}: ${code ?? "done"}`, async (t) => {
      const service = await aService(t);
      await withNodes(service, [aNode({ state })]);
      if (code === undefined) await service.call("ComputeNode_Reboot", node1);
      else assert.equal((await service.refusal("ComputeNode_Reboot", node1)).code, code);
    });
  }
});

test("lists filtered by state, and counts, agree with the states that nodes show", async (t) => {
  const service = await aService(t);
  const leavings = [undefined, "remove", "reboot", "disable"] as const;
  const nodes = nodeStates.states.flatMap((state) =>
    leavings.flatMap((kind) =>
      (["enabled", "disabled"] as const).flatMap((schedulingState) =>
        ["free", "waiting", "busy"].map((load) =>
          aNode({
            id: `${state}-${kind ?? "stays"}-${schedulingState}-${load}`,
            state,
            schedulingState,
            ...(kind === undefined ? {} : { leaving: { kind, option: "requeue", since: booted } }),
          }),
        ),
      ),
    ),
  );
  await withNodes(service, nodes);
  const tasks = nodes.flatMap(({ id }, index) => {
    const task = running(aTask(index + 1), id);
    if (id.endsWith("busy")) return [task];
    return id.endsWith("waiting") ? [{ ...task, state: "active" as const }] : [];
  });
  await service.store.commit([...insertJob(aJob()), ...insertTasks(tasks, [])]);
  const { items } = await service.call("ComputeNode_List", { params: { poolId: "pool1" } });
  const shown = Map.groupBy(items, ({ state }) => state as NodeState);
  for (const state of nodeStates.states) {
    const value = { kind: "string", value: state } as const;
    const filter = { type: "compare", operator: "eq", property: "state", value } as const;
    const found = await service.call("ComputeNode_List", { params: { poolId: "pool1" }, filter });
    assert.deepEqual(
      found.items.map(({ id }) => id),
      (shown.get(state) ?? []).map(({ id }) => id),
      state,
    );
  }
  const { items: counts } = await service.call("Account_ListPoolNodeCounts", { page: { limit: 10 } });
  const { dedicated } = counts[0];
  assert.deepEqual(
    [dedicated.total, dedicated.leavingPool, dedicated.rebooting, dedicated.running, dedicated.offline, dedicated.idle],
    [nodes.length, ...(["leavingpool", "rebooting", "running", "offline", "idle"] as const).map((state) => shown.get(state)!.length)],
  );
});
