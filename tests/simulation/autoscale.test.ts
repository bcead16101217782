// Pools that a formula sizes, in virtual time: what the formula says of the queue, of the machines and of nothing becomes nodes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { disableAutoScale, enableAutoScale } from "../../src/domain/autoscale.ts";
import type { Pool, PoolSpec } from "../../src/domain/pools.ts";
import { getPool, savePool } from "../../src/store/pools.ts";
import { deleteSamples, insertSample, samplesOfPool } from "../../src/store/samples.ts";
import { aJob, aPool, aTask, aWorld, minutes, seconds, tasksOf, type World } from "./world.ts";

const key = { accountId: 1, poolKey: "pool1" };

/** As many nodes as tasks wait or run, four at most. */
const followsQueue =
  "$tasks = max($PendingTasks.GetSample(1)); $TargetDedicatedNodes = min(4, $tasks); $NodeDeallocationOption = taskcompletion";

const scaled = (autoScaleFormula: string, autoScaleEvaluationInterval = "PT5M") =>
  aPool({ nodes: 0, spec: { enableAutoScale: true, autoScaleFormula, autoScaleEvaluationInterval } as Partial<PoolSpec> });

/** As the handlers do it. */
const change = async (world: World, rule: (pool: Pool) => { after: Pool } | { refused: string }): Promise<string | undefined> => {
  const refused = await world.store.decide(async (read) => {
    const verdict = rule((await getPool(read, 1, "pool1"))!);
    if ("refused" in verdict) return { writes: [], result: verdict.refused };
    const forgotten = verdict.after.spec.enableAutoScale === true ? [] : [deleteSamples(key)];
    return { writes: [...savePool(verdict.after), ...forgotten], result: undefined };
  });
  world.scheduler().wake.resize(1, "pool1");
  await world.settle();
  return refused;
};

const targets = async (world: World): Promise<[target: number, nodes: number]> => [
  (await world.pool("pool1")).targetDedicated,
  (await world.nodes()).filter((node) => node.leaving === undefined).length,
];
const run = async (world: World) => (await world.pool("pool1")).autoScale?.run;
const samples = (world: World) => samplesOfPool(world.store, key, 0);

test("a pool follows its queue up and down", async () => {
  const world = await aWorld();
  await world.addPool(scaled(followsQueue));
  assert.equal(
    (await run(world))?.results,
    "$TargetDedicatedNodes=0;$TargetLowPriorityNodes=0;$NodeDeallocationOption=taskcompletion;$tasks=0",
  );
  assert.equal(await world.why({ poolId: "pool1" }), "NoNodes");
  await world.submit(aJob({ tasks: tasksOf(6, "for 60000") }));
  await world.advance(minutes(4.9));
  assert.deepEqual(await targets(world), [0, 0]);
  await world.advance(seconds(10));
  assert.deepEqual(await targets(world), [4, 4]);
  assert.equal(
    (await run(world))?.results,
    "$TargetDedicatedNodes=4;$TargetLowPriorityNodes=0;$NodeDeallocationOption=taskcompletion;$tasks=6",
  );
  await world.advance(minutes(4));
  assert.equal((await world.counts()).succeeded, 6);
  assert.deepEqual(await targets(world), [4, 4]);
  await world.advance(minutes(1));
  assert.deepEqual(await targets(world), [0, 0]);
  assert.equal((await world.pool("pool1")).allocationState, "steady");
  await world.close();
});

test("every half minute has a sample, a day of them is kept, and a restart goes on with them", async () => {
  const world = await aWorld();
  await world.addPool(scaled("$TargetDedicatedNodes = 1"));
  const start = world.clock.now();
  await world.store.commit([insertSample(key, { at: start - minutes(60 * 24), metrics: { RunningTasks: 1 } })]);
  await world.advance(minutes(2));
  await world.restart();
  await world.advance(minutes(1));
  const kept = await samples(world);
  assert.deepEqual(
    kept.map(({ at }) => (at - start) / 1000),
    [0, 30, 60, 90, 120, 150, 180],
  );
  assert.deepEqual(
    kept.map(({ metrics }) => metrics.CurrentDedicatedNodes),
    [0, 1, 1, 1, 1, 1, 1],
  );
  // Agents are asked with a sample and have answered by the next one.
  assert.deepEqual(
    kept.map(({ metrics }) => metrics.SampleNodeCount),
    [0, 0, 1, 1, 1, 0, 1],
  );
  const { CPUPercent, MemoryBytes, NetworkInBytes, DiskReadBytes, WallClockSeconds } = kept[3]!.metrics;
  assert.deepEqual([CPUPercent, MemoryBytes, NetworkInBytes, DiskReadBytes, WallClockSeconds], [0.9, 1024, 300, undefined, 30]);
  await world.close();
});

test("evaluations keep to their schedule over a restart, and those missed are made up for by one", async () => {
  const world = await aWorld();
  await world.addPool(scaled(followsQueue));
  const start = world.clock.now();
  await world.submit(aJob({ tasks: tasksOf(2, "for 600000") }));
  await world.advance(minutes(3));
  await world.restart();
  await world.advance(minutes(1.9));
  assert.deepEqual(await targets(world), [0, 0]);
  await world.advance(seconds(10));
  assert.deepEqual(await targets(world), [2, 2]);
  await world.scheduler().stop();
  world.clock.advance(minutes(12));
  await world.restart();
  assert.equal((await run(world))!.at, world.clock.now());
  assert.equal((await world.pool("pool1")).autoScale?.nextAt, start + minutes(20));
  await world.advance(seconds(1));
  const [first] = await world.nodes();
  assert.ok(first !== undefined);
  await world.close();
});

test("a formula that fails is noted and resizes nothing", async () => {
  const world = await aWorld();
  await world.addPool(scaled("$TargetDedicatedNodes = 2"));
  assert.deepEqual(await targets(world), [2, 2]);
  await world.advance(minutes(1));
  const failing = "$TargetDedicatedNodes = 5; $something_useless";
  assert.equal(await change(world, (pool) => enableAutoScale(pool, { formula: failing }, world.clock.now())), undefined);
  assert.equal((await run(world))?.error, undefined, "a new formula waits for its turn");
  await world.advance(minutes(4));
  const failed = await run(world);
  assert.equal(failed?.error?.code, "AutoScalingFormulaEvaluationError");
  assert.match(failed!.results, /^\$TargetDedicatedNodes=\d;\$TargetLowPriorityNodes=0;\$NodeDeallocationOption=requeue$/);
  assert.deepEqual(await targets(world), [2, 2]);
  await world.advance(minutes(5));
  assert.deepEqual(await targets(world), [2, 2]);
  await world.close();
});

test("a new interval starts a new schedule; enabling it again too soon, or while a resize goes on, is refused", async () => {
  const world = await aWorld();
  await world.addPool(scaled("$TargetDedicatedNodes = 1", "PT1H"));
  await world.advance(minutes(10));
  const at = world.clock.now();
  assert.equal(await change(world, (pool) => enableAutoScale(pool, { interval: "PT10M" }, at)), undefined);
  assert.equal((await run(world))?.at, at);
  assert.equal((await world.pool("pool1")).spec.autoScaleFormula, "$TargetDedicatedNodes = 1");
  assert.equal((await world.pool("pool1")).autoScale?.nextAt, at + minutes(10));
  await world.advance(seconds(29));
  const again = (pool: Pool) => enableAutoScale(pool, { formula: "$TargetDedicatedNodes = 3" }, world.clock.now());
  assert.equal(await change(world, again), "TooManyEnableAutoScaleRequests");
  await world.advance(seconds(1));
  assert.equal(await change(world, again), undefined);
  await world.advance(minutes(10));
  assert.deepEqual(await targets(world), [3, 3]);
  assert.equal((await run(world))?.at, at + minutes(10));
  const resizing: Pool = { ...(await world.pool("pool1")), allocationState: "resizing" };
  assert.ok("after" in again(resizing), "a formula may change while its own resize goes on");
  const manual: Pool = { ...resizing, spec: { ...resizing.spec, enableAutoScale: false } };
  assert.deepEqual(again(manual), { refused: "PoolBeingResized" });
  await world.close();
});

test("disabling keeps the targets, forgets the samples and ends the evaluations", async () => {
  const world = await aWorld();
  await world.addPool(scaled("$TargetDedicatedNodes = 2"));
  await assert.rejects(world.resize({ targetDedicated: 1 }), /OperationInvalidForCurrentState/);
  assert.equal(await change(world, (pool) => disableAutoScale(pool, world.clock.now())), undefined);
  const { spec, autoScale } = await world.pool("pool1");
  assert.deepEqual(
    [spec.enableAutoScale, spec.autoScaleFormula, spec.autoScaleEvaluationInterval, autoScale],
    [false, undefined, undefined, undefined],
  );
  await world.advance(minutes(20));
  assert.deepEqual(await samples(world), []);
  assert.deepEqual(await targets(world), [2, 2]);
  await world.resize({ targetDedicated: 1 });
  assert.deepEqual(await targets(world), [1, 1]);
  await world.close();
});

test("taskcompletion waits for the tasks without an end, and a pool that grows again keeps the nodes it was to lose", async () => {
  const world = await aWorld();
  await world.addPool(scaled("$TargetDedicatedNodes = 2"));
  await world.submit(aJob({ tasks: tasksOf(2, "for 3600000") }));
  const before = (await world.nodes()).map(({ id }) => id);
  await world.advance(minutes(1));
  const shrink = "$TargetDedicatedNodes = 0; $NodeDeallocationOption = taskcompletion";
  await change(world, (pool) => enableAutoScale(pool, { formula: shrink, interval: "PT5M" }, world.clock.now()));
  await world.advance(minutes(20));
  assert.deepEqual([(await world.pool("pool1")).allocationState, (await targets(world))[1]], ["resizing", 0]);
  assert.equal((await world.counts()).running, 2);
  await change(world, (pool) => enableAutoScale(pool, { formula: "$TargetDedicatedNodes = 2", interval: "PT5M" }, world.clock.now()));
  await world.advance(seconds(5));
  assert.deepEqual(
    (await world.nodes()).map(({ id }) => id),
    before,
  );
  assert.deepEqual([(await world.pool("pool1")).allocationState, await targets(world)], ["steady", [2, 2]]);
  await world.close();
});

test("tasks that wait for others, that are held, or whose job is disabled do not count as active", async () => {
  const world = await aWorld();
  await world.addPool(scaled("$TargetDedicatedNodes = 0"));
  const first = aTask("for 10", {}, "first");
  const waits = aTask("for 10", { dependsOn: { taskIds: ["first"] } }, "waits");
  const held = aTask("for 10", { multiInstanceSettings: { coordinationCommandLine: "x", numberOfInstances: 2 } }, "held");
  await world.submit(aJob({ spec: { usesTaskDependencies: true }, tasks: [first, waits, held] }));
  await world.submit(aJob({ id: "off", tasks: tasksOf(3) }));
  await world.submit(aJob({ id: "elsewhere", pool: "other", tasks: tasksOf(3) }));
  await world.disableJob("requeue", "off");
  await world.advance(seconds(30));
  const { ActiveTasks, PendingTasks, RunningTasks } = (await samples(world)).at(-1)!.metrics;
  assert.deepEqual([ActiveTasks, PendingTasks, RunningTasks], [1, 1, 0]);
  await world.close();
});

test("a pool that is deleted takes its samples along", async () => {
  const world = await aWorld();
  await world.addPool(scaled("$TargetDedicatedNodes = 1"));
  await world.advance(minutes(1));
  await world.deletePool();
  await world.advance(minutes(6));
  assert.deepEqual([await world.poolIfAny("pool1"), await samples(world)], [undefined, []]);
  await world.close();
});
