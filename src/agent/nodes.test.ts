// Nodes through an agent with real launchers: boots, start tasks, reboots, removal.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { aNode, anAgentWorld, aTask, sameTask } from "../../tests/support/agent-world.ts";
import type { StartTaskOrder } from "../api/agent/messages.ts";

const aStartTask = (order: Partial<StartTaskOrder> = {}): StartTaskOrder => ({
  commandLine: "/bin/true",
  environment: [],
  resourceFiles: [],
  maxTaskRetryCount: 0,
  waitForSuccess: true,
  ...order,
});

test("a node has the service's directories, and its root holds nothing else", async (t) => {
  const world = await anAgentWorld(t);
  await world.node();
  assert.deepEqual(readdirSync(world.inNode("")), ["applications", "fsmounts", "shared", "startup", "volatile", "workitems"]);
});

test("the start task runs before the node is idle, sees no job, and is tried again as often as it may be", async (t) => {
  const world = await anAgentWorld(t);
  const line = `/bin/sh -c 'echo "task=$AZ_BATCH_TASK_ID dir=$AZ_BATCH_NODE_STARTUP_DIR"; echo x >> runs; test $(wc -l < runs) -eq 3'`;
  await world.node({ startTask: aStartTask({ commandLine: line, maxTaskRetryCount: 5 }) });
  const reports = world.control.events.flatMap((event) => (event.type === "node" ? [event] : []));
  assert.deepEqual([...new Set(reports.map(({ state }) => state))], ["starting", "waitingforstarttask", "idle"]);
  const last = reports.at(-1)!.startTask!;
  assert.equal(last.state, "completed");
  assert.equal(last.result, "success");
  assert.equal(last.exitCode, 0);
  assert.equal(last.retryCount, 2);
  assert.ok(last.lastRetryAt! >= reports[1]!.startTask!.startedAt);
  assert.equal(readFileSync(world.inNode("startup/stdout.txt"), "utf8"), `task= dir=${world.inNode("startup")}\n`);
  assert.equal(readFileSync(world.inNode("startup/wd/runs"), "utf8"), "x\nx\nx\n");
});

test("a start task that fails for good leaves the node out, unless nobody waits for it", async (t) => {
  const world = await anAgentWorld(t);
  world.control.send({ type: "startNode", node: aNode({ startTask: aStartTask({ commandLine: "/bin/false" }) }) });
  const failed = await world.control.event("node", ({ state }) => state === "starttaskfailed");
  assert.equal(failed.startTask!.failure!.code, "FailureExitCode");
  assert.equal(failed.startTask!.exitCode, 1);
  const node = await world.node({ nodeId: "tvmps_2_d", startTask: aStartTask({ commandLine: "/no/such", waitForSuccess: false }) });
  const ended = await world.control.event("node", (event) => event.nodeId === node.nodeId && event.startTask?.state === "completed");
  assert.equal(ended.state, "idle");
  assert.equal(ended.startTask!.failure!.code, "CommandProgramNotFound");
});

test("after a stop the start task runs again, with its files, once the control plane has said what may be reached", async (t) => {
  const server = createServer((_request, response) => response.end("#!/bin/sh\necho x >> runs\n")).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = await anAgentWorld(t, { welcome: { storageHosts: [host] } });
  const startTask = aStartTask({ commandLine: "./run.sh", resourceFiles: [{ httpUrl: `http://${host}/run.sh`, filePath: "run.sh" }] });
  await world.node({ startTask });
  await world.agent.shutdown();
  world.control.events.length = 0;
  await world.restart();
  const idle = await world.control.event("node", ({ state }) => state === "idle");
  assert.equal(idle.startTask?.result, "success");
  assert.equal(readFileSync(world.inNode("startup/wd/runs"), "utf8"), "x\nx\n");
});

test("a reboot ends the node's tasks and runs the start task again", async (t) => {
  const world = await anAgentWorld(t);
  const startTask = aStartTask({ commandLine: `/bin/sh -c "echo x >> runs"` });
  await world.node({ startTask });
  const task = aTask("/bin/sleep 1000");
  world.start(task);
  await world.control.event("started", sameTask(task));
  await world.node({ startTask, boot: 2 });
  assert.equal((await world.control.event("stopped", sameTask(task))).reason, "lost");
  assert.equal(readFileSync(world.inNode("startup/wd/runs"), "utf8"), "x\nx\n");
  const after = aTask("/bin/true");
  world.start(after);
  assert.equal((await world.control.event("finished", sameTask(after))).outcome.exitCode, 0);
});

test("a removed node leaves nothing behind, and its id can be used again", async (t) => {
  const world = await anAgentWorld(t);
  await world.node();
  const task = aTask("/bin/sleep 1000");
  world.start(task);
  await world.control.event("started", sameTask(task));
  world.control.send({ type: "removeNode", nodeId: "tvmps_1_d" });
  await world.control.event("nodeRemoved");
  assert.ok(!existsSync(world.inNode("")));
  assert.deepEqual(readdirSync(join(world.options.directory, "state")), []);
  await world.node({ boot: 7 });
  assert.deepEqual(readdirSync(world.inNode("workitems")), []);
});

test("a task's directory goes when its retention time is over, the job's stays", async (t) => {
  const world = await anAgentWorld(t);
  await world.node();
  const keep = aTask("/bin/true", { jobId: "nightly:job-3", retentionMs: 3_600_000 });
  const drop = aTask("/bin/true", { jobId: "nightly:job-3", retentionMs: 0 });
  mkdirSync(world.inNode("workitems/nightly/job-3"), { recursive: true });
  const gone = Promise.withResolvers<void>();
  const watcher = watch(world.inNode("workitems/nightly/job-3"), () => {
    if (existsSync(world.inNode(`workitems/nightly/job-3/${keep.taskId}/wd`)) && !existsSync(path)) gone.resolve();
  });
  const path = world.inNode(`workitems/nightly/job-3/${drop.taskId}`);
  world.start(drop, keep);
  await Promise.all([keep, drop].map((task) => world.control.event("finished", sameTask(task))));
  await gone.promise;
  watcher.close();
  assert.deepEqual(readdirSync(world.inNode("workitems/nightly/job-3")), [keep.taskId]);
});

test("a node whose launcher cannot be started is unusable and says so", async (t) => {
  const world = await anAgentWorld(t);
  mkdirSync(join(world.options.directory, "state", "tvmps_1_d"), { recursive: true });
  writeFileSync(join(world.options.directory, "state", "tvmps_1_d", "launcher"), "in the way");
  world.control.send({ type: "startNode", node: aNode() });
  const event = await world.control.event("node", ({ state }) => state === "unusable");
  assert.equal(event.errors?.[0]?.code, "NodeLauncherFailed");
  await world.node({ nodeId: "tvmps_2_d" });
});

test("orders that come with their node wait for it; a node that cannot be hosted is unusable", async (t) => {
  const world = await anAgentWorld(t);
  const task = aTask("/bin/true");
  world.control.send({ type: "startNode", node: aNode() });
  world.start(task);
  assert.equal((await world.control.event("finished", sameTask(task))).outcome.exitCode, 0);
  world.control.send({ type: "startNode", node: aNode({ nodeId: "../evil" }) });
  const event = await world.control.event("node", ({ nodeId }) => nodeId === "../evil");
  assert.equal(event.state, "unusable");
  const stray = aTask("/bin/true", { nodeId: "../evil" });
  world.start(stray);
  assert.equal((await world.control.event("stopped", sameTask(stray))).reason, "lost");
});

test("a chore removes a directory, and says so also when there is none", async (t) => {
  const world = await anAgentWorld(t);
  await world.node();
  const task = aTask("/bin/true");
  world.start(task);
  await world.control.event("finished", sameTask(task));
  const path = `workitems/job1/job-1/${task.taskId}`;
  for (const choreId of [1, 2]) {
    world.control.send({ type: "chore", nodeId: "tvmps_1_d", choreId, chore: { type: "removeDirectory", path } });
    await world.control.event("choreDone", (event) => event.choreId === choreId);
    assert.ok(!existsSync(world.inNode(path)));
  }
  world.control.send({ type: "chore", nodeId: "tvmps_1_d", choreId: 3, chore: { type: "removeDirectory", path: "../../../control" } });
  const { answer } = await world.control.file("tvmps_1_d", { type: "list", path: "", recursive: false });
  assert.equal(answer.type, "entries");
  assert.ok(existsSync(world.options.controlFile));
});
