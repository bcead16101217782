// The hub against fake agents over real sockets.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { WebSocket } from "ws";
import { type AgentEvent, protocolVersion, type ToAgent } from "../api/agent/messages.ts";
import { type Clock, ManualClock, systemClock } from "../lib/clock.ts";
import { seededIds } from "../lib/ids.ts";
import { type Log, silentLog } from "../lib/log.ts";
import type { AgentListener } from "./channel.ts";
import { createHub, type Hub } from "./hub.ts";

const token = "secret-token";

type World = { hub: Hub; url: string; calls: string[]; listener: AgentListener };

const aHub = async (t: TestContext, overrides: { clock?: Clock; log?: Log; listener?: Partial<AgentListener> } = {}): Promise<World> => {
  const calls: string[] = [];
  const listener: AgentListener = {
    onHello: async (hello) => {
      calls.push(`hello ${hello.agentId}`);
      return { unwanted: [], unwantedNodes: [] };
    },
    onConnected: (agentId) => void calls.push(`connected ${agentId}`),
    onEvents: async (_agentId, events) => void calls.push(`events ${events.map(nodeOf).join()}`),
    onDisconnected: (agentId) => void calls.push(`disconnected ${agentId}`),
    ...overrides.listener,
  };
  const settings = { leaseMs: 60_000, heartbeatMs: 5_000, storageHosts: ["127.0.0.1:1"], allowPrivateUrls: false };
  const hub = createHub({
    clock: overrides.clock ?? systemClock(),
    ids: seededIds(1),
    log: overrides.log ?? silentLog,
    token,
    listener,
    settings,
  });
  const server = createServer((request, response) => {
    if (!hub.handleTransfer(request, response)) response.writeHead(418).end();
  });
  server.on("upgrade", (request, socket, head) => hub.handleUpgrade(request, socket, head) || socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    await hub.close();
    server.closeAllConnections();
    server.close();
  });
  return { hub, url: `127.0.0.1:${(server.address() as AddressInfo).port}`, calls, listener };
};

const nodeOf = (event: AgentEvent): string => ("nodeId" in event ? event.nodeId : "");
const removed = (nodeId: string): AgentEvent => ({ type: "nodeRemoved", nodeId });

type FakeAgent = { socket: WebSocket; say(message: unknown): void; next(): Promise<ToAgent>; closed: Promise<number> };

const anAgent = async (url: string, authorization = `Bearer ${token}`): Promise<FakeAgent> => {
  const socket = new WebSocket(`ws://${url}/_quern/agent`, { headers: { authorization } });
  const inbox: ToAgent[] = [];
  const readers: ((message: ToAgent) => void)[] = [];
  socket.on("message", (data) => {
    const message = JSON.parse(String(data)) as ToAgent;
    const reader = readers.shift();
    if (reader === undefined) inbox.push(message);
    else reader(message);
  });
  const closed = once(socket, "close").then(([code]) => code as number);
  closed.catch(() => {});
  await once(socket, "open");
  return {
    socket,
    say: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    next: () => (inbox.length > 0 ? Promise.resolve(inbox.shift()!) : new Promise((resolve) => readers.push(resolve))),
    closed,
  };
};

const hello = {
  type: "hello",
  protocol: protocolVersion,
  agentId: "a1",
  pid: 1,
  version: "0",
  launcher: "portable",
  nodes: [],
  attempts: [],
};

const aConnectedAgent = async (world: World): Promise<FakeAgent> => {
  const agent = await anAgent(world.url);
  agent.say(hello);
  assert.equal((await agent.next()).type, "welcome");
  return agent;
};

test("hello is answered by welcome with what is not wanted, then the agent counts as connected", async (t) => {
  const ref = { accountId: 1, jobUid: 2, seq: 3, attempt: 4 };
  const world = await aHub(t, { listener: { onHello: async () => ({ unwanted: [ref], unwantedNodes: ["n9"] }) } });
  const agent = await anAgent(world.url);
  assert.equal(world.hub.isConnected("a1"), false);
  agent.say({ ...hello, attempts: [{ ref, nodeId: "n9", state: "running" }] });
  assert.deepEqual(await agent.next(), {
    type: "welcome",
    leaseMs: 60_000,
    heartbeatMs: 5_000,
    storageHosts: ["127.0.0.1:1"],
    allowPrivateUrls: false,
    unwanted: [ref],
    unwantedNodes: ["n9"],
  });
  assert.equal(world.hub.isConnected("a1"), true);
});

test("a wrong token, no token and another path are not let in", async (t) => {
  const world = await aHub(t);
  for (const authorization of ["Bearer wrong", "", `Bearer ${token}x`]) {
    await assert.rejects(anAgent(world.url, authorization), /401/);
  }
  await assert.rejects(once(new WebSocket(`ws://${world.url}/_quern/other`), "open"));
});

test("another protocol version, a second hello, events before hello, garbage: the connection ends and nothing of it is logged", async (t) => {
  const lines: string[] = [];
  const write = (fields: object, message: string): void => void lines.push(JSON.stringify(fields) + message);
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  const world = await aHub(t, { log });
  const messages = [
    [{ type: "hello", protocol: 99, whatever: "private" }],
    [hello, hello],
    [{ type: "report", n: 1, events: [] }],
    ["{private"],
    ["null"],
    [{ type: "constructor" }],
    [hello, { type: "report", n: 1, events: [{ type: "finished", nodeId: "n", ref: { accountId: "private" } }] }],
    [hello, { type: "report", n: -1, events: [] }],
  ];
  for (const sequence of messages) {
    const agent = await anAgent(world.url);
    for (const message of sequence) agent.say(message);
    assert.equal(await agent.closed, 1008, JSON.stringify(sequence));
  }
  assert.equal(lines.filter((line) => line.includes("refused")).length, messages.length);
  assert.equal(lines.filter((line) => line.includes("private")).length, 0);
});

test("reports reach the listener in order, one at a time, and are acknowledged only once it is done", async (t) => {
  const gates: (() => void)[] = [];
  const seen: string[] = [];
  const started = Promise.withResolvers<void>();
  const world = await aHub(t, {
    listener: {
      onEvents: async (_agentId, events) => {
        seen.push(nodeOf(events[0]!));
        started.resolve();
        await new Promise<void>((resolve) => gates.push(resolve));
      },
    },
  });
  const agent = await aConnectedAgent(world);
  agent.say({ type: "report", n: 1, events: [removed("one")] });
  agent.say({ type: "report", n: 2, events: [removed("two")] });
  await started.promise;
  agent.socket.ping();
  await once(agent.socket, "pong"); // By now the second one has arrived as well.
  assert.deepEqual(seen, ["one"]);
  gates.shift()!();
  assert.deepEqual(await agent.next(), { type: "acknowledge", n: 1 });
  assert.deepEqual(seen, ["one", "two"]);
  gates.shift()!();
  assert.deepEqual(await agent.next(), { type: "acknowledge", n: 2 });
});

test("a report that cannot be made durable is kept, tried again, and acknowledged when it succeeds", async (t) => {
  let failures = 2;
  const seen: string[] = [];
  const world = await aHub(t, {
    listener: {
      onEvents: async (_agentId, events) => {
        if (failures-- > 0) throw new Error("disk full");
        seen.push(nodeOf(events[0]!));
      },
    },
  });
  const agent = await aConnectedAgent(world);
  agent.say({ type: "report", n: 7, events: [removed("one")] });
  assert.deepEqual(await agent.next(), { type: "acknowledge", n: 7 });
  assert.deepEqual(seen, ["one"]);
  agent.say({ type: "report", n: 7, events: [removed("one")] });
  assert.deepEqual(await agent.next(), { type: "acknowledge", n: 7 });
  assert.deepEqual(seen, ["one"], "a report that comes twice on one connection is taken once");
});

test("the newest connection of an agent replaces the older, whose calls end first", async (t) => {
  const world = await aHub(t);
  const older = await aConnectedAgent(world);
  const newer = await aConnectedAgent(world);
  assert.equal(await older.closed, 4000);
  assert.deepEqual(world.calls, ["hello a1", "connected a1", "disconnected a1", "hello a1", "connected a1"]);
  world.hub.send("a1", { type: "removeNode", nodeId: "n" });
  assert.deepEqual(await newer.next(), { type: "removeNode", nodeId: "n" });
  newer.socket.terminate();
  await newer.closed;
});

test("an agent that goes is reported; messages to it are dropped; what it was asked about files fails", async (t) => {
  const gone = Promise.withResolvers<string>();
  const world = await aHub(t, { listener: { onDisconnected: (agentId) => gone.resolve(agentId) } });
  const agent = await aConnectedAgent(world);
  const answer = world.hub.file("a1", "n", { type: "stat", path: "x" });
  assert.equal((await agent.next()).type, "fileRequest");
  agent.socket.terminate();
  await assert.rejects(answer, { name: "NodeUnreachable" });
  assert.equal(await gone.promise, "a1");
  assert.equal(world.hub.isConnected("a1"), false);
  world.hub.send("a1", { type: "shutdown" });
  await assert.rejects(world.hub.file("a1", "n", { type: "stat", path: "x" }), { name: "NodeUnreachable" });
});

test("an agent that falls silent is cut off; one that answers pings is not", async (t) => {
  const clock = new ManualClock();
  const world = await aHub(t, { clock });
  const agent = await aConnectedAgent(world);
  for (let beat = 0; beat < 10; beat++) {
    const pinged = once(agent.socket, "ping");
    clock.advance(5_000);
    await pinged;
    agent.say({ type: "report", n: beat + 1, events: [] });
    assert.equal((await agent.next()).type, "acknowledge");
  }
  assert.equal(world.hub.isConnected("a1"), true);
  agent.socket.pause();
  clock.advance(20_000);
  assert.equal(world.hub.isConnected("a1"), false);
});

test("a connection without hello does not stay", async (t) => {
  const clock = new ManualClock();
  const world = await aHub(t, { clock });
  const agent = await anAgent(world.url);
  clock.advance(10_000);
  assert.equal(await agent.closed, 1006);
});

test("messages of one turn keep their order, and neighbours of a kind are joined", async (t) => {
  const world = await aHub(t);
  const agent = await aConnectedAgent(world);
  const ref = (seq: number) => ({ accountId: 1, jobUid: 1, seq, attempt: 1 });
  world.hub.send("a1", { type: "stopTasks", tasks: [ref(1)] });
  world.hub.send("a1", { type: "stopTasks", tasks: [ref(2)] });
  world.hub.send("a1", { type: "removeNode", nodeId: "n" });
  world.hub.send("a1", { type: "stopTasks", tasks: [ref(3)] });
  assert.deepEqual(await agent.next(), { type: "stopTasks", tasks: [ref(1), ref(2)] });
  assert.deepEqual(await agent.next(), { type: "removeNode", nodeId: "n" });
  assert.deepEqual(await agent.next(), { type: "stopTasks", tasks: [ref(3)] });
});

test("an agent that does not answer about a file in time counts as unreachable", async (t) => {
  const clock = new ManualClock();
  const world = await aHub(t, { clock });
  const agent = await aConnectedAgent(world);
  const answer = world.hub.file("a1", "n", { type: "delete", path: "x", recursive: true });
  const asked = await agent.next();
  assert.equal(asked.type, "fileRequest");
  const failed = assert.rejects(answer, { name: "NodeUnreachable" });
  for (let i = 0; i < 8; i++) {
    agent.socket.ping();
    await once(agent.socket, "pong");
    clock.advance(4_000);
  }
  await failed;
});

const entry = { name: "f", isDirectory: false, size: 1_000_000, modifiedAt: 1, mode: "0o100644" };

const post = (url: string, id: string, headers: Record<string, string | number> = {}) =>
  httpRequest(`http://${url}/_quern/agent/transfers/${id}`, { method: "POST", headers: { authorization: `Bearer ${token}`, ...headers } });

test("the bytes of a read are piped from the agent's request, whichever of answer and request comes first", async (t) => {
  const world = await aHub(t);
  const agent = await aConnectedAgent(world);
  for (const answerFirst of [true, false]) {
    const reading = world.hub.read("a1", "n", { type: "read", path: "f" });
    const asked = await agent.next();
    assert.ok(asked.type === "fileRequest");
    const answer = { type: "fileAnswer", requestId: asked.requestId, answer: { type: "entry", entry } };
    if (answerFirst) agent.say(answer);
    const upload = post(world.url, asked.requestId, { "content-length": 1_000_000 });
    const uploaded = once(upload, "response");
    upload.end(Buffer.alloc(1_000_000, "x"));
    if (!answerFirst) agent.say(answer);
    const { stream, length, answer: got } = await reading;
    assert.deepEqual(got, { type: "entry", entry });
    assert.equal(length, 1_000_000);
    let size = 0;
    for await (const chunk of stream!) size += (chunk as Buffer).length;
    assert.equal(size, 1_000_000);
    const [response] = await uploaded;
    assert.equal(response.statusCode, 204);
    response.resume();
  }
});

test("a refused read has no stream", async (t) => {
  const world = await aHub(t);
  const agent = await aConnectedAgent(world);
  const reading = world.hub.read("a1", "n", { type: "read", path: "f" });
  const asked = await agent.next();
  assert.ok(asked.type === "fileRequest");
  agent.say({ type: "fileAnswer", requestId: asked.requestId, answer: { type: "refused", reason: "notFound", message: "no" } });
  assert.deepEqual(await reading, { answer: { type: "refused", reason: "notFound", message: "no" } });
});

test("when the reader leaves the agent's request ends; when the agent breaks off the stream fails", async (t) => {
  const world = await aHub(t);
  const agent = await aConnectedAgent(world);
  const begin = async () => {
    const reading = world.hub.read("a1", "n", { type: "read", path: "f" });
    const asked = await agent.next();
    assert.ok(asked.type === "fileRequest");
    agent.say({ type: "fileAnswer", requestId: asked.requestId, answer: { type: "entry", entry } });
    const upload = post(world.url, asked.requestId, { "content-length": 1_000_000 });
    upload.on("error", () => {});
    upload.write("begin");
    return { upload, stream: (await reading).stream! };
  };
  const first = await begin();
  const closed = new Promise((resolve) => first.upload.once("close", resolve));
  first.stream.destroy();
  await closed;
  const second = await begin();
  const reading = (async () => {
    for await (const _ of second.stream) second.upload.destroy();
  })();
  await assert.rejects(reading, { code: "ECONNRESET" });
});

test("uploads that nobody asked for, without token or by another method are refused", async (t) => {
  const world = await aHub(t);
  const statusOf = async (upload: ReturnType<typeof post>): Promise<number> => {
    const responded = once(upload.end("x"), "response");
    const [response] = await responded;
    response.resume();
    return response.statusCode;
  };
  assert.equal(await statusOf(post(world.url, "unknown")), 404);
  assert.equal(await statusOf(post(world.url, "unknown", { authorization: "Bearer no" })), 401);
  assert.equal(
    await statusOf(
      httpRequest(`http://${world.url}/_quern/agent/transfers/x`, { method: "PUT", headers: { authorization: `Bearer ${token}` } }),
    ),
    405,
  );
  assert.equal(await statusOf(httpRequest(`http://${world.url}/elsewhere`, { method: "POST" })), 418);
});

test("an agent's machine is told to the listener; figures that cannot be end the connection", async (t) => {
  const told: unknown[] = [];
  const heard = Promise.withResolvers<void>();
  const world = await aHub(t, {
    listener: {
      onMachine: (agentId, usage) => {
        told.push([agentId, usage]);
        heard.resolve();
      },
    },
  });
  const agent = await aConnectedAgent(world);
  world.hub.send("a1", { type: "sampleMachine" });
  assert.deepEqual(await agent.next(), { type: "sampleMachine" });
  agent.say({ type: "machine", usage: { overMs: 30_000, cpu: 0.5, memoryBytes: 7 } });
  await heard.promise;
  agent.say({ type: "machine", usage: { overMs: 0, cpu: 0.5 } });
  await agent.closed;
  const other = await aConnectedAgent(world);
  other.say({ type: "machine", usage: { overMs: 1, cpu: 1.5 } });
  await other.closed;
  assert.deepEqual(told, [["a1", { overMs: 30_000, cpu: 0.5, memoryBytes: 7 }]]);
});
