// Pools and nodes: resizing both ways with every option, errors, deletion, reboot, scheduling switched off, start tasks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { aJob, aPool, aTask, aWorld, minutes, seconds, tasksOf } from "./world.ts";

test("a pool grows, is steady once its nodes are allocated, and they become idle", async () => {
  const world = await aWorld({ bootMs: seconds(2) });
  await world.addPool(aPool({ nodes: 2, lowPriority: 1 }));
  const pool = await world.pool("pool1");
  assert.equal(pool.allocationState, "steady");
  const creating = await world.nodes();
  assert.equal(creating.length, 3);
  assert.ok(creating.every((node) => node.state === "starting" && /^tvmps_[0-9a-f]{64}_[dp]$/.test(node.id)));
  assert.deepEqual(creating.map((node) => node.address).sort(), ["10.0.0.4", "10.0.0.5", "10.0.0.6"]);
  assert.deepEqual(
    creating.map((node) => node.id.endsWith("_d") === node.isDedicated),
    [true, true, true],
  );
  assert.equal(await world.why({ poolId: "pool1" }), "NodesStarting");
  await world.advance(seconds(3));
  assert.ok((await world.nodes()).every((node) => node.state === "idle" && node.bootedAt !== undefined));
  await world.close();
});

test("shrinking takes idle nodes first and requeues the tasks of the others", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 3 }) });
  await world.submit(aJob({ tasks: tasksOf(2, "for 60000") }));
  const busy = (await world.tasks()).map((task) => task.nodeId!);
  await world.resize({ targetDedicated: 2 });
  assert.deepEqual((await world.nodes()).map((node) => node.id).sort(), [...busy].sort());
  assert.equal((await world.pool("pool1")).allocationState, "steady");
  await world.resize({ targetDedicated: 1 });
  await world.advance(seconds(1));
  const tasks = await world.tasks();
  assert.deepEqual(tasks.map((task) => task.state).sort(), ["active", "running"]);
  const requeued = tasks.find((task) => task.state === "active")!;
  assert.deepEqual([requeued.execution.requeueCount, requeued.execution.retryCount, requeued.nodeId], [1, 0, undefined]);
  await world.advance(seconds(120));
  assert.equal((await world.counts()).succeeded, 2);
  await world.close();
});

test("shrinking with terminate ends the tasks", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 1 }) });
  await world.submit(aJob({ tasks: [aTask("for 60000", {}, "a"), aTask("for 10", {}, "b")] }));
  await world.resize({ targetDedicated: 0, option: "terminate" });
  assert.equal((await world.nodes()).length, 0);
  assert.deepEqual([(await world.task("a")).execution.failureInfo?.code, (await world.task("b")).state], ["TaskEnded", "active"]);
  assert.equal(await world.why({ jobId: "job1", taskId: "b" }), "NoNodes");
  await world.close();
});

test("shrinking with taskcompletion waits for the tasks and gives no new ones", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 1 }) });
  await world.submit(aJob({ tasks: [aTask("for 60000", {}, "a"), aTask("for 10", {}, "b")] }));
  await world.resize({ targetDedicated: 0, option: "taskcompletion" });
  await world.advance(seconds(30));
  assert.deepEqual([(await world.pool("pool1")).allocationState, (await world.nodes())[0]?.state], ["resizing", "leavingpool"]);
  assert.equal((await world.task("a")).state, "running");
  await world.advance(seconds(31));
  assert.deepEqual([(await world.pool("pool1")).allocationState, (await world.nodes()).length], ["steady", 0]);
  assert.deepEqual([(await world.task("a")).execution.result, (await world.task("b")).state], ["success", "active"]);
  await world.close();
});

test("shrinking with retaineddata waits for the retention time of what ran there", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 1 }) });
  await world.submit(aJob({ tasks: [aTask("for 1000", { constraints: { retentionTime: "PT5M" } })] }));
  await world.advance(seconds(2));
  await world.resize({ targetDedicated: 0, option: "retaineddata" });
  await world.advance(minutes(4));
  assert.equal((await world.nodes()).length, 1);
  await world.advance(minutes(1));
  assert.equal((await world.nodes()).length, 0);
  assert.equal((await world.pool("pool1")).allocationState, "steady");
  await world.close();
});

test("a shrink that takes too long times out and keeps its nodes", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 1 }) });
  await world.submit(aJob({ tasks: [aTask("for 36000000")] }));
  await world.resize({ targetDedicated: 0, option: "taskcompletion", timeoutMs: minutes(5) });
  await world.advance(minutes(6));
  const pool = await world.pool("pool1");
  assert.equal(pool.allocationState, "steady");
  assert.deepEqual(pool.resizeErrors, [
    { code: "AllocationTimedout", message: "Desired number of dedicated nodes could not be allocated as the resize timeout was reached" },
  ]);
  assert.deepEqual(
    (await world.nodes()).map((node) => [node.state, node.leaving]),
    [["idle", undefined]],
  );
  await world.addTasks("job1", [aTask("for 10", {}, "later")]);
  await world.close();
});

test("stopping a resize keeps what there is and says so", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 0, lowPriority: 1 }) });
  await world.submit(aJob({ tasks: [aTask("for 36000000")] }));
  await world.resize({ targetLowPriority: 0, option: "taskcompletion" });
  await world.stopResize();
  const pool = await world.pool("pool1");
  assert.deepEqual([pool.allocationState, pool.targetLowPriority, (await world.nodes()).length], ["steady", 0, 1]);
  assert.deepEqual(pool.resizeErrors, [
    { code: "ResizeStopped", message: "Desired number of low priority nodes could not be allocated due to a stop resize operation" },
  ]);
  await world.close();
});

test("removenodes takes the named ones and lowers the targets", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 3 }) });
  const [first, , last] = await world.nodes();
  await world.removeNodes([first!, last!]);
  const pool = await world.pool("pool1");
  assert.deepEqual([pool.targetDedicated, pool.allocationState, (await world.nodes()).length], [1, "steady", 1]);
  await world.close();
});

test("a pool of an image that cannot run here stays without nodes and says why", async () => {
  const world = await aWorld({});
  const virtualMachineConfiguration = {
    imageReference: { publisher: "microsoftwindowsserver", offer: "windowsserver", sku: "2022-datacenter" },
    nodeAgentSKUId: "batch.node.windows amd64",
  };
  await world.addPool(aPool({ nodes: 2, spec: { virtualMachineConfiguration } }));
  const pool = await world.pool("pool1");
  assert.deepEqual([pool.allocationState, (await world.nodes()).length], ["steady", 0]);
  assert.equal(pool.resizeErrors?.[0]?.code, "AllocationFailed");
  assert.equal(pool.resizeErrors?.[0]?.message, "Desired number of dedicated nodes could not be allocated");
  await world.close();
});

test("a target beyond any machine is an error of the resize, not a machine that runs out of memory", async () => {
  const world = await aWorld({});
  await world.addPool(aPool({ nodes: 2_147_483_647 }));
  const pool = await world.pool("pool1");
  assert.deepEqual([pool.allocationState, pool.targetDedicated, (await world.nodes()).length], ["steady", 2_147_483_647, 0]);
  assert.deepEqual(pool.resizeErrors?.[0]?.values, [{ name: "Reason", value: "A pool can have at most 1000 nodes here." }]);
  await world.close();
});

test("nodes that the provider cannot make become an error of the resize", async () => {
  const world = await aWorld({});
  world.provider.refuse("no room on this machine");
  await world.addPool(aPool({ nodes: 2 }));
  const pool = await world.pool("pool1");
  assert.deepEqual([pool.allocationState, (await world.nodes()).length], ["steady", 0]);
  assert.deepEqual(pool.resizeErrors?.[0]?.values, [{ name: "Reason", value: "no room on this machine" }]);
  world.provider.refuse(undefined);
  await world.resize({ targetDedicated: 1 });
  await world.advance(seconds(1));
  assert.equal((await world.nodes())[0]?.state, "idle");
  assert.equal((await world.pool("pool1")).resizeErrors, undefined);
  await world.close();
});

test("deleting a pool requeues its tasks, removes its nodes, then itself", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 2 }) });
  await world.submit(aJob({ tasks: tasksOf(3, "for 60000") }));
  await world.deletePool();
  await world.advance(seconds(1));
  assert.equal(await world.poolIfAny("pool1"), undefined);
  assert.equal(world.agent().nodes.size, 0);
  assert.deepEqual(
    (await world.tasks()).map((task) => task.state),
    ["active", "active", "active"],
  );
  assert.deepEqual((await world.tasks()).map((task) => task.execution.requeueCount).sort(), [0, 1, 1]);
  assert.equal(await world.why({ jobId: "job1" }), "PoolNotFound");
  await world.addPool(aPool({ nodes: 3 }));
  await world.advance(minutes(3));
  assert.equal((await world.counts()).succeeded, 3);
  await world.close();
});

test("rebooting a node requeues its tasks and boots it again", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 1 }), bootMs: seconds(3) });
  await world.advance(seconds(5));
  await world.submit(aJob({ tasks: [aTask("for 10000", {}, "a")] }));
  const [node] = await world.nodes();
  await world.reboot(node!);
  await world.advance(seconds(1));
  const [booting] = await world.nodes();
  assert.deepEqual([booting!.state, booting!.boot], ["starting", 2]);
  assert.equal((await world.task("a")).execution.requeueCount, 1);
  await world.advance(seconds(15));
  assert.deepEqual(
    [(await world.nodes())[0]!.state, (await world.task("a")).state, (await world.task("a")).attempt],
    ["idle", "completed", 2],
  );
  await world.close();
});

test("a node whose scheduling is disabled finishes its tasks, is offline, and comes back", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 1 }) });
  await world.submit(aJob({ tasks: [aTask("for 10000", {}, "a"), aTask("for 10", {}, "b")] }));
  const [node] = await world.nodes();
  await world.disableNode(node!, "taskcompletion");
  await world.advance(seconds(5));
  assert.equal((await world.nodes())[0]!.state, "idle");
  await world.advance(seconds(10));
  assert.deepEqual([(await world.nodes())[0]!.state, (await world.task("b")).state], ["offline", "active"]);
  assert.equal(await world.why({ poolId: "pool1", nodeId: node!.id }), "NodeOffline");
  await world.enableNode(node!);
  await world.advance(seconds(1));
  assert.equal((await world.task("b")).state, "completed");
  await world.close();
});

test("a node whose start task failed takes no tasks until it is rebooted", async () => {
  let broken = true;
  const world = await aWorld({ pool: aPool(), startTask: () => (broken ? "starttaskfailed" : "idle") });
  await world.submit(aJob({ tasks: tasksOf(1) }));
  await world.advance(seconds(5));
  const [node] = await world.nodes();
  assert.deepEqual([node!.state, (await world.counts()).active], ["starttaskfailed", 1]);
  broken = false;
  await world.reboot(node!);
  await world.advance(seconds(5));
  assert.equal((await world.counts()).succeeded, 1);
  await world.close();
});
