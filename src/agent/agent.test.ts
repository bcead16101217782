// Tasks through an agent with real launchers and processes: environment, failures, wall clock, stopping, retries.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import test from "node:test";
import { anAgentWorld, aTask, sameTask } from "../../tests/support/agent-world.ts";

test("a node becomes idle and runs a task with the service's environment and nothing of the agent's own", async (t) => {
  process.env.QUERN_TEST_SECRET = "leaks";
  const world = await anAgentWorld(t);
  const node = await world.node();
  const task = aTask(`/bin/sh -c "env; pwd; echo problem >&2; exit 3"`, {
    environment: [
      { name: "GREETING", value: 'it\'s "fine" ü' },
      { name: "AZ_BATCH_POOL_ID", value: "mine" },
    ],
  });
  world.start(task);
  const { startedAt } = await world.control.event("started", sameTask(task));
  const { outcome } = await world.control.event("finished", sameTask(task));
  assert.equal(outcome.exitCode, 3);
  assert.equal(outcome.failure, undefined);
  assert.equal(outcome.startedAt, startedAt);
  assert.ok(outcome.endedAt >= startedAt);
  const directory = world.inNode(`workitems/job1/job-1/${task.taskId}`);
  const lines = readFileSync(`${directory}/stdout.txt`, "utf8").trim().split("\n");
  const has = (line: string) => assert.ok(lines.includes(line), `${line} in\n${lines.join("\n")}`);
  has(`AZ_BATCH_TASK_ID=${task.taskId}`);
  has("AZ_BATCH_JOB_ID=job1");
  has("AZ_BATCH_POOL_ID=pool1");
  has(`AZ_BATCH_NODE_ID=${node.nodeId}`);
  has("AZ_BATCH_NODE_IS_DEDICATED=true");
  has(`AZ_BATCH_NODE_ROOT_DIR=${world.inNode("")}`.replace(/\/$/, ""));
  has(`AZ_BATCH_TASK_WORKING_DIR=${directory}/wd`);
  has(`GREETING=it's "fine" ü`);
  has(`${directory}/wd`);
  assert.ok(!lines.some((line) => line.startsWith("QUERN_TEST_SECRET") || line.startsWith("npm_")));
  assert.equal(readFileSync(`${directory}/stderr.txt`, "utf8"), "problem\n");
});

test("a task that was given a token has it in its environment, and no task can give itself one", async (t) => {
  const world = await anAgentWorld(t);
  await world.node();
  const environment = [{ name: "AZ_BATCH_AUTHENTICATION_TOKEN", value: "forged" }];
  const given = aTask("/usr/bin/env", { authenticationToken: "of-the-service", environment });
  const without = aTask("/usr/bin/env", { environment });
  world.start(given, without);
  for (const task of [given, without]) await world.control.event("finished", sameTask(task));
  const tokenOf = ({ taskId }: typeof given) =>
    /^AZ_BATCH_AUTHENTICATION_TOKEN=(.*)$/m.exec(readFileSync(world.inNode(`workitems/job1/job-1/${taskId}/stdout.txt`), "utf8"))?.[1];
  assert.equal(tokenOf(given), "of-the-service");
  assert.equal(tokenOf(without), undefined);
});

test("a program that does not exist is a failure before the run, without an exit code", async (t) => {
  const world = await anAgentWorld(t);
  await world.node();
  const tasks = [aTask("cmd /c echo hello"), aTask("/no/such/program x"), aTask("./absent"), aTask(`/bin/echo "open`)];
  world.start(...tasks);
  const outcomes = await Promise.all(tasks.map(async (task) => (await world.control.event("finished", sameTask(task))).outcome));
  assert.deepEqual(
    outcomes.map(({ failure, failedIn, exitCode }) => [failure?.category, failure?.code, failedIn, exitCode]),
    [
      ["usererror", "CommandProgramNotFound", "preProcessing", undefined],
      ["usererror", "CommandProgramNotFound", "preProcessing", undefined],
      ["usererror", "CommandProgramNotFound", "preProcessing", undefined],
      ["usererror", "CommandLaunchFailed", "preProcessing", undefined],
    ],
  );
  assert.deepEqual(
    outcomes[0]!.failure!.details!.map(({ name }) => name),
    ["CommandLine", "Message"],
  );
  assert.equal(outcomes[0]!.failure!.details![0]!.value, "cmd /c echo hello");
});

test("a task that runs longer than its wall clock is killed and fails", async (t) => {
  const world = await anAgentWorld(t);
  await world.node();
  const task = aTask("/bin/sleep 1000", { maxWallClockMs: 100 });
  world.start(task);
  const { outcome } = await world.control.event("finished", sameTask(task));
  assert.equal(outcome.exitCode, 137);
  assert.equal(outcome.failure?.code, "TaskEnded");
  assert.equal(outcome.failure?.category, "servererror");
  assert.equal(outcome.failedIn, "run");
});

test("stopping kills what runs and drops what is queued; withdrawing gives back only what has not started", async (t) => {
  const world = await anAgentWorld(t);
  await world.node({ slots: 1 });
  const [running, queued, later] = [aTask("/bin/sleep 1000"), aTask("/bin/sleep 1000"), aTask("/bin/sleep 1000")];
  world.start(running, queued, later);
  await world.control.event("started", sameTask(running));
  world.control.send({ type: "withdrawTasks", tasks: [running.ref, later.ref] });
  assert.equal((await world.control.event("stopped", sameTask(later))).reason, "withdrawn");
  assert.ok(!existsSync(world.inNode(`workitems/job1/job-1/${later.taskId}`)));
  world.control.send({ type: "stopTasks", tasks: [queued.ref, running.ref] });
  const stopped = await Promise.all([running, queued].map((task) => world.control.event("stopped", sameTask(task))));
  assert.deepEqual(
    stopped.map(({ reason, exitCode }) => [reason, exitCode]),
    [
      ["asked", 137],
      ["asked", undefined],
    ],
  );
  assert.equal(world.control.events.filter((event) => event.type === "finished").length, 0);
});

test("an attempt that comes twice runs once, a retry reuses the directory", async (t) => {
  const world = await anAgentWorld(t);
  await world.node();
  const first = aTask(`/bin/sh -c "echo x >> count; cat count; exit 1"`);
  world.start(first);
  world.start(first);
  await world.control.event("finished", sameTask(first));
  const second = { ...first, ref: { ...first.ref, attempt: 2 } };
  world.start(second);
  await world.control.event("finished", sameTask(second));
  assert.equal(readFileSync(world.inNode(`workitems/job1/job-1/${first.taskId}/stdout.txt`), "utf8"), "x\nx\n");
  assert.equal(world.control.events.filter((event) => event.type === "finished").length, 2);
});
