// What survives: kill -9 of the agent, a control plane that goes away, a launcher that dies.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { agentOptions, aNode, anAgentWorld, aTask, sameTask } from "../../tests/support/agent-world.ts";
import { fakeControlPlane, type Welcome } from "../../tests/support/fake-control-plane.ts";
import type { AgentOptions } from "./agent.ts";
import type { NodeRecord } from "./journal.ts";

const program = fileURLToPath(new URL("../../tests/support/agent-child.ts", import.meta.url));

/** Resolves when it runs; rejects with what it said when it ends before. */
const startChild = (options: AgentOptions): Promise<ChildProcess> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said += String(chunk);
    });
    child.stdout.once("data", () => resolve(child));
    child.once("close", () => reject(new Error(said)));
  });

const kill = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
};

const childWorld = async (t: TestContext, welcome: Partial<Welcome> = {}) => {
  const directory = mkdtempSync(join(tmpdir(), "quern-agent-"));
  const options = agentOptions(directory);
  const control = await fakeControlPlane(options.controlFile, welcome);
  const world = { options, control, child: await startChild(options) };
  t.after(async () => {
    control.send({ type: "shutdown" });
    if (world.child.exitCode === null) await once(world.child, "exit");
    await control.close();
    rmSync(directory, { recursive: true, force: true });
  });
  await control.connected();
  control.send({ type: "startNode", node: aNode() });
  await control.event("node", ({ state }) => state === "idle");
  return world;
};

test("kill -9 of the agent loses no task: the next agent reports what ran, what ended meanwhile and what was queued", async (t) => {
  const world = await childWorld(t);
  const { control, options } = world;
  const gate = join(options.directory, "..", "gate");
  const waits = `/bin/sh -c 'while [ ! -e ${gate} ]; do sleep 0.02; done; exit 4'`;
  const [runs, ends, queued] = [aTask("/bin/sleep 1000"), aTask(waits), aTask("/bin/sh -c 'exit 5'")];
  control.send({ type: "startTasks", tasks: [runs, ends, queued] });
  await Promise.all([runs, ends].map((task) => control.event("started", sameTask(task))));
  await kill(world.child);
  writeFileSync(gate, "");
  world.child = await startChild(options);
  await control.connected(2);
  assert.deepEqual(control.hellos[1]!.nodes, [{ nodeId: "tvmps_1_d", boot: 1, state: "idle" }]);
  assert.equal(control.hellos[1]!.agentId, control.hellos[0]!.agentId);
  assert.ok(control.hellos[1]!.attempts.some(({ ref, state }) => ref.seq === runs.ref.seq && state === "running"));
  assert.equal((await control.event("finished", sameTask(ends))).outcome.exitCode, 4);
  assert.equal((await control.event("finished", sameTask(queued))).outcome.exitCode, 5);
  control.send({ type: "stopTasks", tasks: [runs.ref] });
  assert.equal((await control.event("stopped", sameTask(runs))).exitCode, 137);
});

test("an end that was reported and not acknowledged is reported again by the next agent", async (t) => {
  const world = await childWorld(t);
  world.control.acknowledges = false;
  const task = aTask("/bin/sh -c 'exit 6'");
  world.control.send({ type: "startTasks", tasks: [task] });
  const first = await world.control.event("finished", sameTask(task));
  await kill(world.child);
  world.control.events.length = 0;
  world.control.acknowledges = true;
  world.child = await startChild(world.options);
  assert.deepEqual((await world.control.event("finished", sameTask(task))).outcome, first.outcome);
});

test("tasks run once each although the agent is killed again and again and orders are repeated after each", async (t) => {
  const world = await childWorld(t);
  const { control, options } = world;
  const ran = join(options.directory, "..", "ran");
  const tasks = Array.from({ length: 150 }, (_, i) => aTask(`/bin/sh -c 'echo $AZ_BATCH_TASK_ID >> ${ran}; exit ${i % 3}'`));
  control.send({ type: "startTasks", tasks });
  for (let kills = 1; kills <= 4; kills++) {
    await control.event("finished", sameTask(tasks[kills * 25]!));
    await kill(world.child);
    world.child = await startChild(options);
    await control.connected(kills + 1);
    // As the control plane does: what it has placed, the agent did not name, and no report has told of yet.
    const named = control.hellos[kills]!.attempts;
    const told = control.events.flatMap((event) => (event.type === "finished" ? [event] : []));
    const missing = tasks.filter((task) => ![...named, ...told].some(sameTask(task)));
    control.send({ type: "startTasks", tasks: missing });
  }
  const ends = await Promise.all(tasks.map((task) => control.event("finished", sameTask(task))));
  assert.deepEqual(
    ends.map(({ outcome }) => outcome.exitCode),
    tasks.map((_, i) => i % 3),
  );
  assert.deepEqual(readFileSync(ran, "utf8").trim().split("\n").sort(), tasks.map(({ taskId }) => taskId).sort());
});

test("kill -9 while files come or go: the next agent stages again, uploads again, and keeps the time of the start", async (t) => {
  const requests: { method: string; answer: () => void }[] = [];
  const watchers = new Set<() => void>();
  const server = createServer((request, response) => {
    request.resume();
    const answer = () => void response.writeHead(request.method === "PUT" ? 201 : 200).end("staged");
    requests.push({ method: request.method!, answer });
    for (const watcher of [...watchers]) watcher();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const asked = (count: number, method: string): Promise<() => void> =>
    new Promise((resolve) => {
      const look = () => {
        const fitting = requests.filter((request) => request.method === method);
        if (fitting.length >= count) resolve(fitting[count - 1]!.answer);
      };
      watchers.add(look);
      look();
    });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = await childWorld(t, { storageHosts: [host] });
  const { control, options } = world;
  const containerUrl = `http://${host}/c`;
  const task = aTask("/bin/sh -c 'cat in.txt; echo x >> runs; wc -l < runs'", {
    resourceFiles: [{ httpUrl: `http://${host}/in.txt`, filePath: "in.txt" }],
    outputFiles: [{ containerUrl, filePattern: "../stdout.txt", uploadCondition: "taskcompletion" }],
  });
  control.send({ type: "startTasks", tasks: [task] });
  const { startedAt } = await control.event("started", sameTask(task));
  await asked(1, "GET");
  await kill(world.child);
  world.child = await startChild(options);
  (await asked(2, "GET"))();
  await asked(1, "PUT");
  await kill(world.child);
  world.child = await startChild(options);
  (await asked(2, "PUT"))();
  const { outcome } = await control.event("finished", sameTask(task));
  assert.equal(outcome.exitCode, 0);
  assert.equal(outcome.failure, undefined);
  assert.equal(outcome.startedAt, startedAt);
  const stdout = readFileSync(join(options.directory, "nodes/tvmps_1_d/workitems/job1/job-1", task.taskId, "stdout.txt"), "utf8");
  assert.match(stdout, /^staged\s*1\n$/); // ran once
});

test("an attempt that is not wanted any more is killed without a word", async (t) => {
  const world = await childWorld(t);
  const task = aTask("/bin/sleep 1000");
  world.control.send({ type: "startTasks", tasks: [task] });
  await world.control.event("started", sameTask(task));
  await kill(world.child);
  world.control.unwanted = [task.ref];
  world.child = await startChild(world.options);
  const after = aTask("/bin/true", { slots: 2 });
  await world.control.connected(2);
  world.control.send({ type: "startTasks", tasks: [after] });
  await world.control.event("finished", sameTask(after)); // needs both slots, so the other one is gone
  assert.equal(
    world.control.events.some((event) => event.type === "stopped" && sameTask(task)(event)),
    false,
  );
});

test("a control plane that comes back elsewhere is found through the control file, and gets what it missed once", async (t) => {
  const world = await anAgentWorld(t);
  await world.node();
  world.control.acknowledges = false;
  const task = aTask("/bin/true");
  world.start(task);
  await world.control.event("finished", sameTask(task));
  await world.control.close();
  const next = await fakeControlPlane(world.options.controlFile);
  world.control = next;
  t.after(() => next.close());
  assert.equal((await next.event("finished", sameTask(task))).outcome.exitCode, 0);
  assert.deepEqual(next.hellos[0]!.attempts, []);
});

test("an agent cut off longer than its lease ends its tasks and keeps its nodes", async (t) => {
  const world = await anAgentWorld(t, { welcome: { leaseMs: 800, heartbeatMs: 100 } });
  await world.node();
  // The other end of the pipe closes when the task's last process is gone.
  const pipe = join(world.directory, "pipe");
  execFileSync("mkfifo", [pipe]);
  const task = aTask(`/bin/sh -c 'exec 3>${pipe}; sleep 1000'`);
  world.start(task);
  await world.control.event("started", sameTask(task));
  const end = once(createReadStream(pipe).resume(), "end");
  await world.control.close();
  await end;
  const next = await fakeControlPlane(world.options.controlFile);
  world.control = next;
  assert.equal((await next.event("stopped", sameTask(task))).reason, "lost");
  assert.deepEqual(next.hellos[0]!.nodes, [{ nodeId: "tvmps_1_d", boot: 1, state: "idle" }]);
  const after = aTask("/bin/true", { slots: 2 });
  world.start(after);
  assert.equal((await next.event("finished", sameTask(after))).outcome.exitCode, 0);
});

test("an agent that is cut off for good ends itself and its tasks", async (t) => {
  const world = await anAgentWorld(t, { options: { exitWhenOrphanedMs: 1500 } });
  await world.node();
  const pipe = join(world.directory, "pipe");
  execFileSync("mkfifo", [pipe]);
  const task = aTask(`/bin/sh -c 'exec 3>${pipe}; sleep 1000'`);
  world.start(task);
  await world.control.event("started", sameTask(task));
  const end = once(createReadStream(pipe).resume(), "end");
  await world.control.close();
  await end;
  await world.agent.ended;
  world.control = await fakeControlPlane(world.options.controlFile);
  await world.restart();
  // Nobody heard how it ended, and its exit record says 137: it was not its own end.
  assert.equal((await world.control.event("stopped", sameTask(task))).reason, "lost");
  assert.ok(!world.control.events.some((event) => event.type === "finished"));
});

test("a second agent is refused a directory that one serves", async (t) => {
  const world = await anAgentWorld(t);
  await assert.rejects(startChild(world.options), /already serves this directory/);
});

test("a launcher that is killed takes its tasks along; they are reported as lost and the node goes on", async (t) => {
  const world = await anAgentWorld(t, { options: { launcherKind: "compiled" } });
  await world.node();
  const task = aTask("/bin/sleep 1000");
  world.start(task);
  await world.control.event("started", sameTask(task));
  const record = JSON.parse(readFileSync(join(world.options.directory, "state", "tvmps_1_d", "node.json"), "utf8")) as NodeRecord;
  process.kill(record.launcherPids[0]!, "SIGKILL");
  assert.equal((await world.control.event("stopped", sameTask(task))).reason, "lost");
  const after = aTask("/bin/true");
  world.start(after);
  assert.equal((await world.control.event("finished", sameTask(after))).outcome.exitCode, 0);
});
