// Tokens in orders: which attempts get one, and that every order of an attempt has it, by the real scheduler and the real store.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskOrder } from "../../src/api/agent/messages.ts";
import type { TaskSpec } from "../../src/domain/tasks.ts";
import { aJob, aTask, aWorld, seconds, type World } from "./world.ts";

const access = (...scopes: string[]): Partial<TaskSpec> => ({
  authenticationTokenSettings: { access: scopes } as TaskSpec["authenticationTokenSettings"],
});

/** Every order that the agent was sent from now on. */
const listen = (world: World): TaskOrder[] => {
  const agent = world.agent();
  const orders: TaskOrder[] = [];
  const receive = agent.receive.bind(agent);
  agent.receive = (message) => {
    if (message.type === "startTasks") orders.push(...message.tasks);
    receive(message);
  };
  return orders;
};
const briefly = (orders: readonly TaskOrder[]): (string | undefined)[][] =>
  orders.map(({ taskId, authenticationToken }) => [taskId, authenticationToken]);

test("who asks for a token gets one, another with each attempt; nobody else does", async () => {
  const world = await aWorld({ pool: { nodes: 1, slots: 8 } });
  const orders = listen(world);
  const retried = { constraints: { maxTaskRetryCount: 1, maxWallClockTime: "PT1H", retentionTime: "P7D" } };
  const tasks = [
    aTask("for 10", {}, "plain"),
    aTask("for 10", { authenticationTokenSettings: {} }, "unsettled"),
    aTask("for 10", access(), "nothing"),
    aTask("for 10 exit 1", { ...access("Job"), ...retried }, "asks"),
  ];
  await world.submit(aJob({ tasks }));
  await world.advance(seconds(1));
  assert.deepEqual(briefly(orders), [
    ["plain", undefined],
    ["unsettled", undefined],
    ["nothing", undefined],
    ["asks", "token of devbatchaccount1 job1 asks 1"],
    ["asks", "token of devbatchaccount1 job1 asks 2"],
  ]);
  assert.ok(orders.every((order) => "authenticationToken" in order === (order.taskId === "asks")));
  await world.close();
});

test("an attempt that is ordered again after a restart has its token again", async () => {
  const world = await aWorld({ pool: { nodes: 1, slots: 2 } });
  await world.submit(aJob({ tasks: [aTask("for 60000", access("job"), "asks"), aTask("for 60000", {}, "plain")] }));
  await world.advance(seconds(1));
  const orders = listen(world);
  world.agent().loseProcesses();
  await world.restart();
  await world.advance(seconds(1));
  assert.deepEqual(briefly(orders), [
    ["asks", "token of devbatchaccount1 job1 asks 1"],
    ["plain", undefined],
  ]);
  await world.close();
});
