// Nodes that are made anew, deallocated and started in the middle of work, with their agent there and away, and through restarts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { aJob, aPool, aTask, aWorld, minutes, seconds, tasksOf, type World } from "./world.ts";

const node = async (world: World) => (await world.nodes())[0]!;
const state = async (world: World): Promise<string> => (await node(world)).state;

/** A pool of one node in which "a" runs for 10 s and "b" waits behind it. */
const busyWorld = async (): Promise<World> => {
  const world = await aWorld({ pool: aPool({ nodes: 1 }), bootMs: seconds(3) });
  await world.advance(seconds(5));
  await world.submit(aJob({ tasks: [aTask("for 10000", {}, "a"), aTask("for 10", {}, "b")] }));
  await world.advance(seconds(1));
  assert.equal((await world.task("a")).state, "running");
  return world;
};

test("a reimage requeues the tasks, empties the node once and boots it again", async () => {
  const world = await busyWorld();
  await world.reimage(await node(world));
  assert.deepEqual([(await world.task("a")).execution.requeueCount, (await node(world)).boot], [1, 2]);
  await world.advance(seconds(20));
  assert.deepEqual([await state(world), (await world.counts()).succeeded], ["idle", 2]);
  assert.deepEqual(
    world.agent().wipes.map(({ boot }) => boot),
    [2],
  );
  await world.reboot(await node(world));
  await world.advance(seconds(5));
  assert.deepEqual([await state(world), (await node(world)).boot, world.agent().wipes.length], ["idle", 3, 1]);
  await world.close();
});

test("a reimage with taskcompletion waits, shows at once and takes no new task", async () => {
  const world = await busyWorld();
  await world.reimage(await node(world), "taskcompletion");
  assert.equal(await state(world), "reimaging");
  await world.advance(seconds(5));
  assert.deepEqual([await state(world), (await world.task("a")).state, (await world.task("b")).state], ["reimaging", "running", "active"]);
  await world.advance(seconds(10));
  assert.deepEqual([await state(world), (await world.task("a")).attempt, (await world.task("b")).state], ["idle", 1, "completed"]);
  assert.equal(world.agent().wipes.length, 1);
  await world.close();
});

test("a node that is reimaged while its agent is away is emptied when it returns", async () => {
  const world = await busyWorld();
  world.agent().disconnect();
  await world.reimage(await node(world));
  assert.deepEqual([await state(world), (await world.task("a")).state], ["reimaging", "active"]);
  await world.advance(seconds(2));
  await world.agent().connect();
  await world.advance(seconds(20));
  assert.deepEqual([await state(world), (await world.counts()).succeeded, world.agent().wipes.length], ["idle", 2, 1]);
  assert.equal((await world.task("a")).attempt, 2);
  await world.close();
});

test("a deallocated node has no tasks, stays in the pool, and comes back when it is started", async () => {
  const world = await busyWorld();
  const before = await node(world);
  await world.deallocate(before);
  await world.advance(seconds(1));
  const stopped = await node(world);
  assert.deepEqual([stopped.id, stopped.state, stopped.agentId, stopped.bootedAt], [before.id, "deallocated", undefined, undefined]);
  assert.deepEqual([world.agent().nodes.size, (await world.task("a")).execution.requeueCount], [0, 1]);
  assert.equal((await world.pool("pool1")).allocationState, "steady");
  await world.advance(minutes(10));
  assert.deepEqual([await state(world), (await world.counts()).active], ["deallocated", 2]);
  assert.equal(await world.why({ poolId: "pool1", nodeId: before.id }), "NodeDeallocated");
  await world.startNode(await node(world));
  assert.equal(await state(world), "starting");
  await world.advance(seconds(20));
  assert.deepEqual([await state(world), (await node(world)).boot, (await world.counts()).succeeded], ["idle", 2, 2]);
  await world.close();
});

test("deallocating ends tasks with terminate and waits for them with taskcompletion", async () => {
  const ended = await busyWorld();
  await ended.deallocate(await node(ended), "terminate");
  await ended.advance(seconds(1));
  const task = await ended.task("a");
  assert.deepEqual([await state(ended), task.state, task.execution.failureInfo?.code], ["deallocated", "completed", "TaskEnded"]);
  assert.equal((await ended.task("b")).state, "active");
  await ended.close();
  const patient = await busyWorld();
  await patient.deallocate(await node(patient), "taskcompletion");
  await patient.advance(seconds(2));
  assert.deepEqual([await state(patient), (await patient.task("a")).state], ["deallocating", "running"]);
  await patient.advance(seconds(10));
  assert.deepEqual([await state(patient), (await patient.task("a")).state], ["deallocated", "completed"]);
  await patient.close();
});

test("a node deallocated while its agent is away is removed when the agent returns, also when it was started again before", async () => {
  for (const startedBefore of [false, true]) {
    const world = await busyWorld();
    world.agent().disconnect();
    await world.deallocate(await node(world));
    await world.advance(seconds(1));
    assert.deepEqual([await state(world), (await world.task("a")).state], ["deallocated", "active"]);
    if (startedBefore) await world.startNode(await node(world));
    await world.agent().connect();
    await world.advance(seconds(20));
    if (!startedBefore) {
      assert.deepEqual([await state(world), world.agent().nodes.size], ["deallocated", 0]);
      await world.startNode(await node(world));
      await world.advance(seconds(20));
    }
    assert.deepEqual([await state(world), (await world.counts()).succeeded, (await node(world)).boot], ["idle", 2, 2]);
    assert.equal((await world.task("a")).attempt, 2);
    await world.close();
  }
});

test("the control plane dies while a node is being deallocated, while it is deallocated, and right after it was started", async () => {
  const world = await busyWorld();
  await world.deallocate(await node(world), "taskcompletion");
  await world.restart();
  assert.equal(await state(world), "deallocating");
  await world.advance(seconds(15));
  assert.equal(await state(world), "deallocated");
  await world.restart();
  await world.advance(minutes(1));
  assert.deepEqual([await state(world), world.agent().nodes.size], ["deallocated", 0]);
  await world.startNode(await node(world));
  await world.restart();
  await world.advance(seconds(20));
  assert.deepEqual([await state(world), (await world.counts()).succeeded], ["idle", 2]);
  await world.close();
});

test("a deallocated node leaves with a resize, whatever its option, and with its pool", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 2 }) });
  await world.submit(aJob({ tasks: tasksOf(2) }));
  await world.advance(seconds(5));
  const [first] = await world.nodes();
  await world.deallocate(first!);
  await world.advance(seconds(1));
  await world.removeNodes([(await world.nodes()).find(({ id }) => id === first!.id)!], "retaineddata");
  await world.advance(seconds(1));
  assert.deepEqual([(await world.nodes()).map(({ id }) => id).includes(first!.id), (await world.nodes()).length], [false, 1]);
  await world.deallocate(await node(world));
  await world.advance(seconds(1));
  await world.deletePool();
  await world.advance(seconds(1));
  assert.equal(await world.poolIfAny("pool1"), undefined);
  await world.close();
});
