// What a task can put in the way of the agent, and that the agent then does nothing elsewhere.
import assert from "node:assert/strict";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { type AgentWorld, anAgentWorld, aTask, sameTask } from "../../tests/support/agent-world.ts";
import type { ResourceFileOrder, TaskOrder } from "../api/agent/messages.ts";
import { isOpenedBelow, isOwnPath } from "./links.ts";

const aDirectory = (t: TestContext): string => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "quern-links-")));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

test("a path is the node's own while no part of it is a link; links above the root do not matter", (t) => {
  const directory = aDirectory(t);
  mkdirSync(join(directory, "nodes/n/a/b"), { recursive: true });
  mkdirSync(join(directory, "outside/b"), { recursive: true });
  symlinkSync(join(directory, "nodes"), join(directory, "elsewhere"));
  for (const nodes of ["nodes", "elsewhere"]) {
    const root = join(directory, nodes, "n");
    assert.equal(isOwnPath(root, root), true);
    assert.equal(isOwnPath(root, join(root, "a/b")), true);
    assert.equal(isOwnPath(root, join(root, "a/absent")), false);
  }
  const root = join(directory, "nodes/n");
  renameSync(join(root, "a"), join(root, "moved"));
  for (const target of [join(directory, "outside"), "moved"]) {
    symlinkSync(target, join(root, "a"));
    assert.equal(isOwnPath(root, join(root, "a/b")), false, target);
    rmSync(join(root, "a"));
  }
  renameSync(root, join(directory, "nodes/other"));
  symlinkSync(join(directory, "nodes/other"), root);
  assert.equal(isOwnPath(root, join(root, "moved/b")), false, "the root itself");
});

test("where an open file lies is asked of the file and not of its path", (t) => {
  const directory = aDirectory(t);
  mkdirSync(join(directory, "in"));
  mkdirSync(join(directory, "in2"));
  writeFileSync(join(directory, "in2/file"), "");
  symlinkSync(join(directory, "in2"), join(directory, "in/link"));
  const fd = openSync(join(directory, "in/link/file"), "r");
  t.after(() => closeSync(fd));
  assert.equal(isOpenedBelow(join(directory, "in"), fd), false);
  assert.equal(isOpenedBelow(join(directory, "in2"), fd), true);
});

const aWorld = async (t: TestContext): Promise<{ world: AgentWorld; outside: string; resourceFiles: ResourceFileOrder[] }> => {
  const server = createServer((_request, response) => response.end("contents")).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const outside = aDirectory(t);
  const world = await anAgentWorld(t, { welcome: { storageHosts: [host] } });
  await world.node();
  return { world, outside, resourceFiles: [{ httpUrl: `http://${host}/f`, filePath: "planted.txt" }] };
};

const run = async (world: AgentWorld, task: TaskOrder) => {
  world.start(task);
  return (await world.control.event("finished", sameTask(task))).outcome;
};

const nextAttempt = (task: TaskOrder, order: Partial<TaskOrder>): TaskOrder => ({
  ...task,
  ...order,
  ref: { ...task.ref, attempt: task.ref.attempt + 1 },
});

test("a link that an attempt left in the place of a directory is not followed by the next one", async (t) => {
  const { world, outside, resourceFiles } = await aWorld(t);
  for (const place of ["$AZ_BATCH_TASK_WORKING_DIR", "$AZ_BATCH_TASK_DIR", "$AZ_BATCH_TASK_DIR/..", "$AZ_BATCH_TASK_DIR/../.."]) {
    const jobId = `job${place.length}`;
    const line = `/bin/sh -c 'cd /; D=$(cd "${place}" && pwd -P); mv "$D" "$D.moved" && ln -s ${outside} "$D"'`;
    const first = aTask(line, { jobId });
    assert.equal((await run(world, first)).exitCode, 0, place);
    const second = nextAttempt(first, { commandLine: "/bin/sh -c 'echo x > made-by-task'", resourceFiles });
    const outcome = await run(world, second);
    assert.equal(outcome.failure?.code, "ResourceDirectoryCreateFailed", place);
    assert.equal(outcome.exitCode, undefined);
    assert.equal(existsSync(join(outside, "planted.txt")), false, place);
    assert.equal(existsSync(join(outside, "stdout.txt")), false, place);
  }
});

test("output files are not logged or looked for where a link leads that the task put in the place of its directory", async (t) => {
  const { world, outside } = await aWorld(t);
  writeFileSync(join(outside, "fileuploadout.txt"), "somebody else's");
  const line = `/bin/sh -c 'cd /; mv "$AZ_BATCH_TASK_DIR" "$AZ_BATCH_TASK_DIR.moved"; ln -s ${outside} "$AZ_BATCH_TASK_DIR"'`;
  const outputFiles = [{ filePattern: "../*.txt", containerUrl: "http://127.0.0.1:1/c", uploadCondition: "taskcompletion" as const }];
  const outcome = await run(world, aTask(line, { outputFiles }));
  assert.equal(outcome.failedIn, "fileUpload");
  assert.deepEqual(readdirSync(outside), ["fileuploadout.txt"]);
});

test("a directory to be removed is left alone behind a link, and a link in its own place goes alone", async (t) => {
  const { world, outside } = await aWorld(t);
  mkdirSync(join(outside, "job-1/task/keep"), { recursive: true });
  mkdirSync(world.inNode("workitems/job2/job-1"), { recursive: true });
  symlinkSync(outside, world.inNode("workitems/job1"));
  symlinkSync(outside, world.inNode("workitems/job2/job-1/task"));
  for (const [choreId, path] of ["workitems/job1/job-1/task", "workitems/job2/job-1/task"].entries()) {
    world.control.send({ type: "chore", nodeId: "tvmps_1_d", choreId: choreId + 1, chore: { type: "removeDirectory", path } });
    await world.control.event("choreDone", (event) => event.choreId === choreId + 1);
  }
  await world.agent.shutdown();
  assert.ok(existsSync(join(outside, "job-1/task/keep")));
  assert.deepEqual(readdirSync(world.inNode("workitems/job2/job-1")), []);
});
