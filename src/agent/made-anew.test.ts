// Nodes that are made anew, and their logs: through an agent with real launchers.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { aNode, anAgentWorld, aTask, sameTask } from "../../tests/support/agent-world.ts";

test("a node is emptied once for the boot that asks for it, also when the agent missed that boot", async (t) => {
  const world = await anAgentWorld(t);
  const isIdle = (boot: number) => world.control.event("node", (event) => event.boot === boot && event.state === "idle");
  const mark = (): void => writeFileSync(world.inNode("shared/mark"), "x");
  await world.node();
  const task = aTask("/bin/sleep 60");
  world.start(task);
  await world.control.event("started", sameTask(task));
  mark();
  world.control.send({ type: "startNode", node: aNode({ boot: 2 }) });
  await world.control.event("stopped", sameTask(task));
  await isIdle(2);
  assert.ok(existsSync(world.inNode("shared/mark")), "a reboot keeps files");
  world.control.send({ type: "startNode", node: aNode({ boot: 4, wipeBefore: 3 }) });
  await isIdle(4);
  assert.deepEqual([existsSync(world.inNode("shared/mark")), readdirSync(world.inNode("workitems"))], [false, []]);
  mark();
  world.control.send({ type: "startNode", node: aNode({ boot: 5, wipeBefore: 3 }) });
  await isIdle(5);
  assert.ok(existsSync(world.inNode("shared/mark")), "a wipe is for the boots before it");
  const next = aTask("/bin/true", { taskId: task.taskId });
  world.start(next);
  assert.equal((await world.control.event("finished", sameTask(next))).outcome.exitCode, 0);
});

test("an agent that was replaced before a wipe wipes when it is told again", async (t) => {
  const world = await anAgentWorld(t);
  await world.node();
  writeFileSync(world.inNode("shared/mark"), "x");
  await world.agent.detach();
  await world.restart();
  await world.control.connected(2);
  world.control.send({ type: "startNode", node: aNode({ boot: 2, wipeBefore: 2 }) });
  await world.control.event("node", (event) => event.boot === 2 && event.state === "idle");
  assert.ok(!existsSync(world.inNode("shared/mark")));
});

test("a removal says of which boot it was, and a second one of none", async (t) => {
  const world = await anAgentWorld(t);
  await world.node({ boot: 3 });
  world.control.send({ type: "removeNode", nodeId: "tvmps_1_d" });
  world.control.send({ type: "removeNode", nodeId: "tvmps_1_d" });
  await world.control.event("nodeRemoved", ({ boot }) => boot === 3);
  await world.control.event("nodeRemoved", ({ boot }) => boot === undefined);
});

/** A storage service that keeps what is put into it; `refuse` answers instead. */
const aStorage = async (t: TestContext, refuse?: number) => {
  const blobs = new Map<string, string>();
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", () => {
      blobs.set(new URL(request.url!, "http://x").pathname, text);
      response.writeHead(refuse ?? 201).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { blobs, host: `127.0.0.1:${(server.address() as AddressInfo).port}` };
};

const lineOf = (fields: object): string => JSON.stringify({ level: 30, time: "2026-01-02T00:00:00.000Z", ...fields });

test("logs are uploaded as far as they are of the node and of the time, and without what is secret", async (t) => {
  const { blobs, host } = await aStorage(t);
  const world = await anAgentWorld(t, { welcome: { storageHosts: [host] } });
  await world.node();
  const task = aTask("/bin/echo hidden-argument", { environment: [{ name: "TOKEN", value: "hidden-value" }] });
  world.start(task);
  await world.control.event("finished", sameTask(task));
  const { directory } = world.options;
  const lines = [
    lineOf({ msg: "agent runs" }),
    lineOf({ nodeId: "tvmps_1_d", msg: "mine", url: "http://s/c?sp=w&sig=hidden-signature" }),
    lineOf({ nodeId: "tvmps_2_d", msg: "not-mine" }),
    lineOf({ msg: `of tvmps_${"a".repeat(64)}_d, not-mine` }),
    "Error: not-mine, from a program that broke",
  ];
  writeFileSync(join(directory, "agent.log"), `${lines.join("\n")}\n`);
  const old = join(directory, "agent.log.1");
  writeFileSync(old, `${lineOf({ msg: "long ago" })}\n`);
  utimesSync(old, new Date("2020-01-01"), new Date("2020-01-01"));
  const containerUrl = `http://${host}/c?sig=x`;
  const upload = { containerUrl, directory: "acc-1/pool1/tvmps_1_d/r", from: Date.parse("2026-01-01") };
  world.control.send({ type: "chore", nodeId: "tvmps_1_d", choreId: 7, chore: { type: "uploadLogs", ...upload } });
  await world.control.event("choreDone", ({ choreId }) => choreId === 7);
  const names = [...blobs.keys()].map((name) => name.replace("/c/acc-1/pool1/tvmps_1_d/r/", "")).sort();
  assert.deepEqual(
    names.filter((name) => name !== "launcher.txt"),
    ["agent.log", "attempts.jsonl", "node.json"],
  );
  const all = [...blobs.values()].join("\n");
  for (const wanted of ["agent runs", "mine", "sig=REDACTED", `"taskId":"${task.taskId}"`, '"boot": 1'])
    assert.ok(all.includes(wanted), wanted);
  for (const secret of ["hidden-", "not-mine", "long ago"]) assert.ok(!all.includes(secret), secret);
  assert.deepEqual(readdirSync(join(directory, "uploads")), []);
});

test("an upload that cannot be made is over as well, and one whose container may not be reached is none", async (t) => {
  const { blobs, host } = await aStorage(t, 403);
  const world = await anAgentWorld(t, { welcome: { storageHosts: [host] } });
  await world.node();
  const to = (containerUrl: string, choreId: number): void =>
    world.control.send({
      type: "chore",
      nodeId: "tvmps_1_d",
      choreId,
      chore: { type: "uploadLogs", containerUrl, directory: "d", from: 0 },
    });
  to(`http://${host}/c?sig=x`, 1);
  await world.control.event("choreDone", ({ choreId }) => choreId === 1);
  const asked = blobs.size;
  assert.equal(asked, 1, "a refusal is not tried again");
  to("http://127.0.0.1:1/c?sig=x", 2);
  await world.control.event("choreDone", ({ choreId }) => choreId === 2);
  assert.equal(blobs.size, asked);
});
