// Agents that go away and come back, reports that come late or twice, and the control plane dying in the middle of work.
import assert from "node:assert/strict";
import { test } from "node:test";
import { aJob, aPool, aTask, aWorld, seconds, tasksOf } from "./world.ts";

test("an agent away for less than its lease keeps its tasks, and its reports come later", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 2 }) });
  await world.submit(aJob({ tasks: tasksOf(2, "for 5000") }));
  await world.advance(seconds(1));
  world.agent().disconnect();
  await world.advance(seconds(20));
  assert.equal((await world.counts()).running, 2, "nobody has heard of their end");
  await world.agent().connect();
  await world.advance(seconds(1));
  assert.equal((await world.counts()).succeeded, 2);
  const [task] = await world.tasks();
  assert.deepEqual([task!.attempt, task!.execution.endTime! - task!.execution.startTime!], [1, 5000]);
  await world.close();
});

test("an agent away for longer loses its tasks to others, and what it says of them later is refused", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 4 }), agents: 2, seed: 3 });
  await world.submit(aJob({ tasks: tasksOf(4, "for 100000") }));
  await world.advance(seconds(1));
  const lost = world.agent(0);
  const nodesOfLost = new Set(lost.nodes.keys());
  assert.ok(nodesOfLost.size > 0 && nodesOfLost.size < 4);
  lost.disconnect();
  await world.advance(seconds(40));
  for (const node of await world.nodes()) assert.equal(node.state, nodesOfLost.has(node.id) ? "unknown" : "idle");
  assert.equal((await world.counts()).active, nodesOfLost.size, "they wait for a free node");
  await world.advance(seconds(500));
  assert.equal((await world.counts()).succeeded, 4);
  await lost.connect();
  await world.advance(seconds(1));
  assert.ok((await world.nodes()).every((node) => node.state === "idle"));
  const again = (await world.tasks()).filter((task) => task.attempt === 2);
  assert.equal(again.length, nodesOfLost.size);
  for (const task of again)
    assert.deepEqual([task.execution.retryCount, task.execution.requeueCount, task.execution.recoveryCount], [0, 0, 1]);
  await world.close();
});

test("orders that never reached the agent are sent again, and lost processes run again", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 1, slots: 2 }) });
  await world.submit(aJob({ tasks: [aTask("for 5000", {}, "a"), aTask("for 5000", {}, "b")] }));
  await world.advance(seconds(1));
  world.agent().disconnect();
  world.agent().loseProcesses();
  await world.agent().connect();
  await world.advance(seconds(10));
  assert.equal((await world.counts()).succeeded, 2);
  for (const task of await world.tasks()) assert.deepEqual([task.execution.recoveryCount, task.execution.retryCount], [1, 0]);
  await world.close();
});

test("a report that comes twice changes nothing", async () => {
  const world = await aWorld({ pool: aPool() });
  await world.submit(aJob({ tasks: [aTask("for 1000 exit 1", { constraints: { maxTaskRetryCount: 5 } }, "a")] }));
  await world.advance(1500);
  world.agent().repeatLastReport();
  await world.settle();
  assert.equal((await world.task("a")).execution.retryCount, 1);
  await world.advance(seconds(20));
  world.agent().repeatLastReport();
  await world.settle();
  assert.deepEqual(
    [(await world.task("a")).execution.retryCount, (await world.counts()).failed, (await world.nodes())[0]!.tasksRun],
    [5, 1, 1],
  );
  await world.close();
});

test("the control plane restarts in the middle and nothing is lost or run twice", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 2, slots: 2 }) });
  await world.submit(aJob({ tasks: tasksOf(40, "for 700") }));
  for (let n = 0; n < 8; n++) {
    await world.advance(300);
    await world.restart();
  }
  await world.advance(seconds(20));
  assert.equal((await world.counts()).succeeded, 40);
  assert.equal(world.agent().starts.length, 40);
  assert.ok((await world.tasks()).every((task) => task.attempt === 1));
  await world.close();
});

test("a stop that was not delivered is told when the agent comes back", async () => {
  const world = await aWorld({ pool: aPool() });
  await world.submit(aJob({ tasks: [aTask("for 600000", {}, "a")] }));
  await world.advance(seconds(1));
  world.agent().disconnect();
  await world.terminateTask("a");
  await world.agent().connect();
  await world.advance(seconds(1));
  assert.ok([...world.agent().nodes.values()].every((node) => node.running.size === 0));
  assert.equal((await world.task("a")).execution.failureInfo?.code, "TaskEnded");
  await world.close();
});

test("a restart takes up a resize, a disable and a delete that were under way", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 2 }) });
  await world.submit(aJob({ id: "waits", tasks: tasksOf(1, "for 20000") }));
  await world.submit(aJob({ id: "goes", tasks: tasksOf(1, "for 20000") }));
  await world.disableJob("wait", "waits");
  await world.resize({ targetDedicated: 0, option: "taskcompletion" });
  await world.restart();
  await world.advance(seconds(25));
  assert.equal((await world.job("waits")).state, "disabled");
  assert.deepEqual([(await world.pool("pool1")).allocationState, (await world.nodes()).length], ["steady", 0]);
  await world.close();
});

test("an agent that has lost its nodes boots them again and runs their tasks again", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 2 }), bootMs: seconds(1) });
  await world.advance(seconds(2));
  await world.submit(aJob({ tasks: tasksOf(4, "for 5000") }));
  await world.advance(seconds(1));
  world.agent().disconnect();
  world.agent().forgetEverything();
  await world.agent().connect();
  await world.settle();
  assert.deepEqual(
    (await world.nodes()).map((node) => node.state),
    ["starting", "starting"],
  );
  await world.advance(seconds(20));
  assert.equal((await world.counts()).succeeded, 4);
  assert.ok(world.agent().starts.length <= 8);
  await world.close();
});
