// Application packages on a node: of its pool before the start task, of tasks before they run, downloaded once, whole or not at all.
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type AgentWorld, aNode, anAgentWorld, aTask, sameTask } from "../../tests/support/agent-world.ts";
import { aScript, aZip } from "../../tests/support/zip.ts";
import type { NodeOrder, PackageOrder, StartTaskOrder, TaskOrder } from "../api/agent/messages.ts";
import { packageEnvironment } from "./package-variables.ts";

/** Serves packages by name and remembers who asked; while it is held, nobody gets any. */
const aShelf = async (t: TestContext, contents: Record<string, Buffer>) => {
  const asked: string[] = [];
  const waiting: (() => void)[] = [];
  const watchers: (() => void)[] = [];
  const shelf = { asked, contents, held: false, statuses: {} as Record<string, number[]> };
  const answer = (name: string, response: ServerResponse): void => {
    const status = shelf.statuses[name]?.shift() ?? (shelf.contents[name] === undefined ? 404 : 200);
    response.writeHead(status).end(status === 200 ? shelf.contents[name] : "");
  };
  const server = createServer((request, response) => {
    const name = new URL(request.url!, "http://x").pathname.slice(1);
    asked.push(name);
    for (const watcher of watchers) watcher();
    if (shelf.held) waiting.push(() => answer(name, response));
    else answer(name, response);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...shelf,
    shelf,
    order: (name: string, version?: string): PackageOrder => ({
      applicationId: name,
      ...(version === undefined ? {} : { version }),
      directory: `${name}-1`,
      url: `${base}/${name}?sig=very-secret`,
    }),
    release: () => {
      shelf.held = false;
      for (const go of waiting.splice(0)) go();
    },
    askedFor: (count: number) =>
      new Promise<void>((resolve) => {
        const look = (): void => void (asked.length >= count && resolve());
        watchers.push(look);
        look();
      }),
  };
};

const tool = aZip([aScript("bin/tool", "echo tool runs"), { name: "data.txt", data: "some data", mode: 0o100644 }]);

const aStart = (commandLine: string): StartTaskOrder => ({
  commandLine,
  environment: [],
  resourceFiles: [],
  maxTaskRetryCount: 0,
  waitForSuccess: true,
});

const finished = async (world: AgentWorld, task: TaskOrder) => (await world.control.event("finished", sameTask(task))).outcome;
const run = async (world: AgentWorld, task: TaskOrder) => {
  world.start(task);
  return finished(world, task);
};
const stdout = (world: AgentWorld, { taskId }: TaskOrder): string =>
  readFileSync(world.inNode(`workitems/job1/job-1/${taskId}/stdout.txt`), "utf8");
const packagesOn = (world: AgentWorld): string[] => readdirSync(world.inNode("applications")).sort();

const startNode = async (world: AgentWorld, state: string, order: Partial<NodeOrder>) => {
  world.control.send({ type: "startNode", node: aNode(order) });
  return world.control.event("node", (event) => event.state === state && event.boot === (order.boot ?? 1));
};

/** Everything that the agent has written, as text. */
const writtenBy = (world: AgentWorld): string =>
  (readdirSync(world.options.directory, { recursive: true, withFileTypes: true }) as import("node:fs").Dirent[])
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");

test("the variables that lead to packages", () => {
  const names = (applicationId: string, version?: string): string[] =>
    Object.keys(packageEnvironment("/n", [{ applicationId, directory: "d-1", ...(version === undefined ? {} : { version }) }]));
  assert.deepEqual(names("blender"), ["AZ_BATCH_APP_PACKAGE_blender"]);
  assert.deepEqual(names("Agent-linux-x64", "1.1.46.0"), [
    "AZ_BATCH_APP_PACKAGE_Agent_linux_x64_1_1_46_0",
    "AZ_BATCH_APP_PACKAGE_agent_linux_x64_1_1_46_0",
  ]);
  assert.deepEqual(names("FOO", "1"), ["AZ_BATCH_APP_PACKAGE_FOO_1", "AZ_BATCH_APP_PACKAGE_foo_1"]);
  assert.deepEqual(packageEnvironment("/n", [{ applicationId: "a", directory: "a-1" }]), { AZ_BATCH_APP_PACKAGE_a: "/n/applications/a-1" });
  assert.deepEqual(packageEnvironment("/n", [{ applicationId: "a", problem: "gone" }]), {});
  for (const directory of ["../x", "a/b", "", ".."]) {
    assert.throws(() => packageEnvironment("/n", [{ applicationId: "a", directory }]), { name: "UnsafeName" }, directory);
  }
});

test("a pool's packages are there before the start task runs, for it and for every task", async (t) => {
  const world = await anAgentWorld(t);
  const shelf = await aShelf(t, { tool, other: aZip([{ name: "x", data: "1" }]) });
  shelf.shelf.held = true;
  const order = {
    packages: [shelf.order("tool", "1.0"), shelf.order("other")],
    startTask: aStart(`/bin/sh -c '"$AZ_BATCH_APP_PACKAGE_tool_1_0/bin/tool"; cat "$AZ_BATCH_APP_PACKAGE_other/x"'`),
  };
  const idle = startNode(world, "idle", order);
  await shelf.askedFor(2);
  assert.deepEqual(
    world.control.events.flatMap((event) => (event.type === "node" ? [event.state] : [])),
    ["starting"],
  );
  shelf.release();
  assert.equal((await idle).startTask?.exitCode, 0);
  assert.equal(readFileSync(world.inNode("startup/stdout.txt"), "utf8"), "tool runs\n1");
  const task = aTask(`/bin/sh -c 'cat "$AZ_BATCH_APP_PACKAGE_tool_1_0/data.txt"'`);
  assert.equal((await run(world, task)).exitCode, 0);
  assert.equal(stdout(world, task), "some data");
  assert.deepEqual(packagesOn(world), ["other-1", "tool-1"]);
  assert.doesNotMatch(writtenBy(world), /very-secret/, "what is there needs no URL any more");
});

test("a package that cannot be had makes the node unusable, until it boots again", async (t) => {
  const world = await anAgentWorld(t);
  const shelf = await aShelf(t, { tool, broken: tool.subarray(0, 100) });
  const packages: PackageOrder[] = [
    shelf.order("tool"),
    shelf.order("broken", "2.0"),
    shelf.order("missing", "1"),
    { applicationId: "gone", problem: "The specified application package does not exist." },
  ];
  const { errors } = await startNode(world, "unusable", { packages, startTask: aStart("/bin/true") });
  const message = "One or more application packages specified for the pool are invalid";
  const error = (reference: string, why: string) => ({
    code: "ApplicationPackageError",
    message,
    errorDetails: [
      { name: "ApplicationPackageReference", value: reference },
      { name: "Message", value: why },
    ],
  });
  assert.deepEqual(errors, [
    error(
      "broken:2.0",
      "The archive is damaged: End of central directory record signature not found. Either not a zip file, or file is truncated.",
    ),
    error("missing:1", "Resource download failed: the storage service answered 404."),
    error("gone", "The specified application package does not exist."),
  ]);
  assert.deepEqual(packagesOn(world), ["tool-1"]);
  assert.equal(existsSync(world.inNode("startup/stdout.txt")), false);
  world.control.send({ type: "startNode", node: aNode({ packages }) });
  const told = await world.control.event("node", (event) => world.control.events.lastIndexOf(event) > 1 && event.errors !== undefined);
  assert.deepEqual(told.errors, errors, "it says so again when it is asked");

  const booted = await startNode(world, "idle", { boot: 2, packages: [shelf.order("tool")] });
  assert.equal(booted.errors, undefined);
  assert.deepEqual(shelf.asked.filter((name) => name === "tool").length, 2, "a boot brings packages anew");
});

test("tasks share one download, also at the same moment, and the next finds the package there", async (t) => {
  const world = await anAgentWorld(t);
  const shelf = await aShelf(t, { tool });
  shelf.shelf.held = true;
  await world.node({ slots: 4 });
  const packages = [shelf.order("tool", "1.0")];
  const tasks = Array.from({ length: 4 }, () => aTask(`/bin/sh -c '"$AZ_BATCH_APP_PACKAGE_tool_1_0/bin/tool"'`, { packages }));
  world.start(...tasks);
  await shelf.askedFor(1);
  for (const task of tasks) await world.control.event("started", sameTask(task));
  shelf.release();
  for (const task of tasks) {
    assert.equal((await finished(world, task)).exitCode, 0);
    assert.equal(stdout(world, task), "tool runs\n");
  }
  const later = aTask(`/bin/sh -c 'ls "$AZ_BATCH_APP_PACKAGE_TOOL_1_0" "$AZ_BATCH_APP_PACKAGE_tool_1_0"'`, { packages });
  assert.notEqual((await run(world, later)).exitCode, 0, "only the names that there are");
  const without = aTask(`/bin/sh -c 'test -z "$AZ_BATCH_APP_PACKAGE_tool_1_0"'`);
  assert.equal((await run(world, without)).exitCode, 0, "a task has the packages that it refers to");
  assert.deepEqual(shelf.asked, ["tool"]);
});

test("a task whose package cannot be had fails before it runs; the next may have it", async (t) => {
  const world = await anAgentWorld(t);
  const shelf = await aShelf(t, { broken: Buffer.from("no zip") });
  await world.node();
  for (const [order, why] of [
    [shelf.order("missing", "1"), "Resource download failed: the storage service answered 404."],
    [
      { applicationId: "gone", problem: "The specified application has no default version." },
      "The specified application has no default version.",
    ],
    [{ ...shelf.order("tool"), url: undefined }, "It is not on the node any more; a reboot of the node brings it."],
  ] as const) {
    const outcome = await run(world, aTask("/bin/true", { packages: [order as PackageOrder] }));
    assert.equal(outcome.exitCode, undefined);
    assert.equal(outcome.failedIn, "preProcessing");
    assert.deepEqual([outcome.failure?.category, outcome.failure?.code], ["usererror", "ApplicationPackageError"]);
    assert.deepEqual(outcome.failure?.details?.at(-1), { name: "Message", value: why });
  }
  const broken = await run(world, aTask("/bin/true", { packages: [shelf.order("broken")] }));
  assert.match(broken.failure?.details?.at(-1)?.value ?? "", /^The archive is damaged/);
  assert.deepEqual(packagesOn(world), []);
  shelf.contents.broken = tool;
  assert.equal((await run(world, aTask("/bin/true", { packages: [shelf.order("broken")] }))).exitCode, 0);
  assert.deepEqual(readdirSync(join(world.options.directory, "state/tvmps_1_d/packages")), [], "nothing is left over");
});

test("a storage service that hiccups is asked again", async (t) => {
  const world = await anAgentWorld(t);
  const shelf = await aShelf(t, { tool });
  shelf.shelf.statuses.tool = [503];
  await world.node();
  assert.equal((await run(world, aTask("/bin/true", { packages: [shelf.order("tool")] }))).exitCode, 0);
  assert.deepEqual(shelf.asked, ["tool", "tool"]);
});

test("a task that is stopped leaves the download to the others; a node that goes ends it", async (t) => {
  const world = await anAgentWorld(t);
  const shelf = await aShelf(t, { tool });
  shelf.shelf.held = true;
  await world.node();
  const [one, other] = [0, 1].map(() => aTask("/bin/true", { packages: [shelf.order("tool")] }));
  world.start(one!, other!);
  await shelf.askedFor(1);
  await world.control.event("started", sameTask(other!));
  world.control.send({ type: "stopTasks", tasks: [one!.ref] });
  await world.control.event("stopped", sameTask(one!));
  shelf.release();
  assert.equal((await finished(world, other!)).exitCode, 0);
  assert.deepEqual(shelf.asked, ["tool"]);

  shelf.shelf.held = true;
  world.control.send({ type: "startNode", node: aNode({ boot: 2, packages: [shelf.order("tool")] }) });
  await shelf.askedFor(2);
  world.control.send({ type: "startNode", node: aNode({ boot: 3, packages: [shelf.order("tool")] }) });
  await shelf.askedFor(3);
  shelf.release();
  await world.control.event("node", (event) => event.boot === 3 && event.state === "idle");
  shelf.shelf.held = true;
  world.control.send({ type: "startNode", node: aNode({ boot: 4, packages: [shelf.order("tool")] }) });
  await shelf.askedFor(4);
  world.control.send({ type: "removeNode", nodeId: "tvmps_1_d" });
  await world.control.event("nodeRemoved");
  assert.equal(existsSync(world.inNode("applications")), false);
});

test("an agent that died over it begins again; what is there already is kept", async (t) => {
  const world = await anAgentWorld(t);
  const shelf = await aShelf(t, { tool, other: tool });
  shelf.shelf.held = true;
  const packages = [shelf.order("tool"), shelf.order("other")];
  world.control.send({ type: "startNode", node: aNode({ packages, startTask: aStart("/bin/true") }) });
  await shelf.askedFor(2);
  await world.agent.detach();
  // As after a crash: one package in its place, and half of another in the agent's own directory.
  const workshop = join(world.options.directory, "state/tvmps_1_d/packages");
  mkdirSync(join(workshop, "half/bin"), { recursive: true });
  mkdirSync(world.inNode("applications/tool-1"), { recursive: true });
  shelf.release();
  await world.restart();
  const { startTask } = await world.control.event("node", (event) => event.state === "idle");
  assert.equal(startTask?.result, "success");
  assert.deepEqual(shelf.asked.filter((name) => name === "tool").length, 1);
  assert.deepEqual([packagesOn(world), readdirSync(workshop)], [["other-1", "tool-1"], []]);

  const asked = shelf.asked.length;
  await world.agent.detach();
  await world.restart();
  await world.control.connected(3);
  const task = aTask(`/bin/sh -c '"$AZ_BATCH_APP_PACKAGE_other/bin/tool"'`);
  assert.equal((await run(world, task)).exitCode, 0);
  assert.equal(shelf.asked.length, asked, "an agent that comes back fetches nothing");
});

test("packages that could not be had are tried again when the order comes again, with its URLs", async (t) => {
  const world = await anAgentWorld(t);
  const shelf = await aShelf(t, { tool });
  const stale = { ...shelf.order("stale"), applicationId: "tool", directory: "tool-1" };
  const startTask = aStart(`/bin/sh -c '"$AZ_BATCH_APP_PACKAGE_tool/bin/tool"'`);
  await startNode(world, "unusable", { packages: [stale], startTask });
  const idle = startNode(world, "idle", { packages: [shelf.order("tool")], startTask });
  assert.deepEqual([(await idle).errors, (await idle).startTask?.exitCode], [undefined, 0]);
  assert.deepEqual(
    world.control.events.flatMap((event) => (event.type === "node" ? [event.state] : [])),
    ["starting", "unusable", "starting", "waitingforstarttask", "idle"],
  );
  // Also while the first try is still under way, and for other packages.
  shelf.shelf.held = true;
  world.control.send({ type: "startNode", node: aNode({ boot: 2, packages: [stale], startTask }) });
  await shelf.askedFor(3);
  const again = startNode(world, "idle", { boot: 2, packages: [{ ...shelf.order("tool"), directory: "tool-2" }], startTask });
  await world.control.event("node", (event) => event.boot === 2);
  shelf.release();
  assert.equal((await again).startTask?.exitCode, 0);
  assert.deepEqual([packagesOn(world), shelf.asked], [["tool-2"], ["stale", "tool", "stale", "tool"]]);
});

test("what tasks do to the directory of packages leads nowhere", async (t) => {
  const world = await anAgentWorld(t);
  const shelf = await aShelf(t, { tool });
  await world.node();
  const elsewhere = join(world.directory, "elsewhere");
  mkdirSync(elsewhere);
  symlinkSync(elsewhere, world.inNode("applications/tool-1"));
  assert.equal((await run(world, aTask("/bin/true", { packages: [shelf.order("tool")] }))).exitCode, 0);
  assert.deepEqual(readdirSync(elsewhere), []);
  assert.deepEqual(readdirSync(world.inNode("applications/tool-1")).sort(), ["bin", "data.txt"]);

  renameSync(world.inNode("applications"), world.inNode("moved"));
  symlinkSync(elsewhere, world.inNode("applications"));
  const outcome = await run(world, aTask("/bin/true", { packages: [shelf.order("tool")] }));
  assert.match(outcome.failure?.details?.at(-1)?.value ?? "", /symbolic link/);
  assert.deepEqual(readdirSync(elsewhere), []);
  rmSync(world.inNode("applications"));
  writeFileSync(world.inNode("applications"), "a file");
  chmodSync(world.inNode("applications"), 0o600);
  const second = await run(world, aTask("/bin/true", { packages: [shelf.order("tool")] }));
  assert.match(second.failure?.details?.at(-1)?.value ?? "", /EEXIST|ENOTDIR/);
});
