// Jobs from their creation to their end: disabling in all ways, enabling, terminating, deleting, ending by themselves, priorities.
import assert from "node:assert/strict";
import { test } from "node:test";
import { aJob, aPool, aTask, aWorld, seconds, tasksOf } from "./world.ts";

test("terminating a job stops its running tasks, then completes it", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 2 }) });
  await world.submit(aJob({ tasks: tasksOf(5, "for 600000") }));
  await world.advance(seconds(60));
  await world.terminateJob("enough");
  const job = await world.job("job1");
  assert.deepEqual([job.state, job.previousState, job.execution.terminateReason], ["completed", "terminating", "enough"]);
  assert.equal(job.execution.endTime, world.clock.now());
  assert.deepEqual([(await world.counts()).failed, (await world.counts()).active], [2, 3], "what was active stays so");
  await world.advance(seconds(1));
  assert.ok([...world.agent().nodes.values()].every((node) => node.running.size === 0));
  await world.close();
});

for (const [mode, expected] of [
  ["requeue", { active: 4, running: 0, failed: 0 }],
  ["terminate", { active: 2, running: 0, failed: 2 }],
] as const) {
  test(`disabling a job with ${mode}, then enabling it`, async () => {
    const world = await aWorld({ pool: aPool({ nodes: 2 }) });
    await world.submit(aJob({ tasks: tasksOf(4, "for 10000") }));
    await world.disableJob(mode);
    const { active, running, failed } = await world.counts();
    assert.deepEqual({ active, running, failed }, expected);
    assert.equal((await world.job("job1")).state, "disabled");
    await world.advance(seconds(60));
    assert.equal((await world.counts()).active, expected.active, "nothing runs while it is disabled");
    await world.enableJob();
    assert.equal((await world.job("job1")).state, "active");
    await world.advance(seconds(60));
    assert.deepEqual([(await world.counts()).succeeded, (await world.counts()).failed], [4 - expected.failed, expected.failed]);
    await world.close();
  });
}

test("disabling a job with wait lets its tasks finish first", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 2 }) });
  await world.submit(aJob({ tasks: tasksOf(4, "for 10000") }));
  await world.disableJob("wait");
  assert.equal((await world.job("job1")).state, "disabling");
  await world.advance(seconds(11));
  assert.deepEqual([(await world.job("job1")).state, (await world.counts()).succeeded, (await world.counts()).active], ["disabled", 2, 2]);
  await world.close();
});

test("deleting a job ends its tasks, removes every row and its directories", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 2, slots: 4 }) });
  await world.submit(aJob({ tasks: [...tasksOf(1300, "for 10"), aTask("for 600000", {}, "long")] }));
  await world.advance(seconds(3));
  await world.deleteJob();
  await world.advance(seconds(1));
  assert.equal(await world.jobIfAny("job1"), undefined);
  assert.deepEqual(
    new Set(world.agent().chores.map(({ chore }) => chore.type === "removeDirectory" && chore.path)),
    new Set(["workitems/job1"]),
  );
  assert.equal(new Set(world.agent().chores.map(({ nodeId }) => nodeId)).size, 2);
  assert.ok([...world.agent().nodes.values()].every((node) => node.running.size === 0 && node.queue.length === 0));
  await world.submit(aJob({ tasks: tasksOf(1) }));
  await world.advance(seconds(1));
  assert.equal((await world.counts()).succeeded, 1, "its id can be taken again");
  await world.close();
});

test("onAllTasksComplete ends a job when its tasks are complete, and an empty one at once", async () => {
  const world = await aWorld({ pool: aPool() });
  const spec = { onAllTasksComplete: "terminatejob" as const };
  await world.submit(aJob({ id: "empty", spec }));
  assert.deepEqual(
    [(await world.job("empty")).state, (await world.job("empty")).execution.terminateReason],
    ["completed", "AllTasksComplete"],
  );
  await world.submit(aJob({ id: "later", tasks: tasksOf(2, "for 1000") }));
  await world.advance(seconds(1));
  await world.patchJob(spec, "later");
  assert.equal((await world.job("later")).state, "active");
  await world.advance(seconds(2));
  assert.equal((await world.job("later")).state, "completed");
  assert.equal((await world.counts("later")).succeeded, 2);
  await world.close();
});

test("the job of higher priority goes first, also when it changes", async () => {
  const world = await aWorld({ pool: aPool() });
  await world.submit(aJob({ id: "low", spec: { priority: 1 }, tasks: ["l1", "l2", "l3"].map((id) => aTask("for 2000", {}, id)) }));
  await world.submit(aJob({ id: "high", spec: { priority: 5 }, tasks: ["h1", "h2"].map((id) => aTask("for 2000", {}, id)) }));
  await world.advance(seconds(3));
  await world.patchJob({ priority: 9 }, "low");
  await world.advance(seconds(20));
  assert.deepEqual(
    world.agent().starts.map((start) => start.taskId),
    ["l1", "h1", "l2", "l3", "h2"],
  );
  await world.close();
});

test("an auto pool goes with its job", async () => {
  const world = await aWorld({ pool: aPool({ id: "auto1" }) });
  const pool = await world.pool("auto1");
  const { savePool } = await import("../../src/store/pools.ts");
  await world.store.commit(savePool({ ...pool, autoPoolJob: "job1" }));
  await world.submit(
    aJob({
      pool: "auto1",
      spec: { poolInfo: { autoPoolSpecification: { poolLifetimeOption: "job", keepAlive: false } }, onAllTasksComplete: "noaction" },
      tasks: tasksOf(1),
    }),
  );
  await world.advance(seconds(2));
  assert.equal((await world.counts()).succeeded, 1);
  await world.terminateJob();
  await world.advance(seconds(2));
  assert.equal(await world.poolIfAny("auto1"), undefined);
  await world.close();
});
