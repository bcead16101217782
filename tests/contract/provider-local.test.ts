// The local provider: the contract of providers, then what is its own: finding, watching and stopping the agent's process.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import type { AgentEvent } from "../../src/api/agent/messages.ts";
import { ManualClock, systemClock } from "../../src/lib/clock.ts";
import { seededIds, systemIds } from "../../src/lib/ids.ts";
import { type Log, silentLog } from "../../src/lib/log.ts";
import { identifyProcess, isAlive } from "../../src/lib/processes.ts";
import { createHub, type Hub } from "../../src/node-management/hub.ts";
import { createLocalProvider, type LocalProvider, type LocalProviderOptions } from "../../src/providers/local.ts";
import { providerContract } from "./provider.ts";

const clock = systemClock();
const fakeAgent = new URL("./fake-agent.ts", import.meta.url).pathname;

/** Removed when the file's tests are over: a test's own clean-up runs in the order of its registration, and the agent must end first. */
const locations: string[] = [];
after(() => {
  for (const location of locations) rmSync(location, { recursive: true, force: true });
});

const aLocation = (): string => {
  locations.push(mkdtempSync(join(tmpdir(), "quern-provider-")));
  return locations.at(-1)!;
};

type ControlPlane = { hub: Hub; url: string; connected(): Promise<string>; next(): Promise<AgentEvent>; close(): Promise<void> };

/** Values as they come, each given once, to whoever asks first. */
const aQueue = <T>(): { put(value: T): void; take(): Promise<T> } => {
  const values: T[] = [];
  const takers: ((value: T) => void)[] = [];
  return {
    put: (value) => {
      const taker = takers.shift();
      if (taker === undefined) values.push(value);
      else taker(value);
    },
    take: () => (values.length > 0 ? Promise.resolve(values.shift()!) : new Promise((resolve) => takers.push(resolve))),
  };
};

const aControlPlane = async (t: TestContext): Promise<ControlPlane> => {
  const connections = aQueue<string>();
  const events = aQueue<AgentEvent>();
  const hub = createHub({
    clock,
    ids: systemIds(),
    log: silentLog,
    token: "token",
    settings: { leaseMs: 60_000, heartbeatMs: 5_000, storageHosts: [], allowPrivateUrls: false },
    listener: {
      onHello: async () => ({ unwanted: [], unwantedNodes: [] }),
      onConnected: connections.put,
      onEvents: async (_agentId, reported) => reported.forEach(events.put),
      onDisconnected: () => {},
    },
  });
  const server = createServer().on("upgrade", (request, socket, head) => hub.handleUpgrade(request, socket, head));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async (): Promise<void> => {
    await hub.close();
    server.closeAllConnections();
    server.close();
  };
  t.after(close);
  return { hub, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connected: connections.take, next: events.take, close };
};

const aProvider = (
  t: TestContext,
  location: string,
  controlPlane: ControlPlane,
  overrides: Partial<LocalProviderOptions> & { manner?: string } = {},
): LocalProvider => {
  const { manner, ...options } = overrides;
  const [directory, controlFile] = [join(location, "agent"), join(location, "control.json")];
  const provider = createLocalProvider({
    directory,
    controlFile,
    logFile: join(location, "agent.log"),
    command: { file: process.execPath, args: [fakeAgent, directory, controlFile, ...(manner === undefined ? [] : [manner])] },
    environment: process.env,
    channel: controlPlane.hub,
    clock,
    ids: systemIds(),
    log: silentLog,
    ...options,
  });
  t.after(() => provider.close());
  return provider;
};

const running = async (
  t: TestContext,
  location = aLocation(),
  overrides = {},
): Promise<{ controlPlane: ControlPlane; provider: LocalProvider; pid: number }> => {
  const controlPlane = await aControlPlane(t);
  const provider = aProvider(t, location, controlPlane, overrides);
  provider.start();
  provider.announce({ url: controlPlane.url, token: "token" });
  assert.equal(await controlPlane.connected(), provider.agentId);
  return { controlPlane, provider, pid: pidIn(location) };
};

const pidIn = (location: string): number => JSON.parse(readFileSync(join(location, "agent", "agent.pid"), "utf8")).pid;

providerContract("local", async (t) => {
  const { controlPlane, provider } = await running(t);
  return { provider, next: controlPlane.next };
});

providerContract("local with Quern's own agent", async (t) => {
  const location = aLocation();
  const [directory, controlFile] = [join(location, "agent"), join(location, "control.json")];
  const quern = new URL("../../bin/quern.js", import.meta.url).pathname;
  const places = ["--directory", directory, "--control", controlFile, "--cache", join(location, "cache")];
  const command = { file: process.execPath, args: [quern, "agent", ...places, "--launcher", "portable"] };
  const { controlPlane, provider } = await running(t, location, { command });
  return { provider, next: controlPlane.next };
});

test("local: the control file is private, and the agent inherits little", { timeout: 30_000 }, async (t) => {
  const location = aLocation();
  const environment = {
    ...process.env,
    AWS_SECRET_ACCESS_KEY: "x",
    npm_config_cache: "x",
    NODE_OPTIONS: "--no-warnings",
    LC_ALL: "C.UTF-8",
  };
  const { controlPlane, provider } = await running(t, location, { environment, extraEnvironment: { NODE_EXTRA_CA_CERTS: "/ca.pem" } });
  const controlFile = join(location, "control.json");
  assert.equal(statSync(controlFile).mode & 0o777, 0o600);
  assert.deepEqual(JSON.parse(readFileSync(controlFile, "utf8")), { url: controlPlane.url, token: "token" });
  const seen = JSON.parse(readFileSync(join(location, "agent", "seen-environment"), "utf8"));
  assert.equal(seen.PATH, process.env.PATH);
  assert.equal(seen.NODE_EXTRA_CA_CERTS, "/ca.pem");
  assert.deepEqual(Object.keys(seen).filter((name) => /^(npm_|AWS|NODE_OPTIONS)/.test(name)), []); // biome-ignore format: one thought
  await provider.close();
  assert.equal(existsSync(controlFile), false);
});

test("local: an agent that dies is started again and connects under the same id", { timeout: 30_000 }, async (t) => {
  const location = aLocation();
  const { controlPlane, provider, pid } = await running(t, location);
  process.kill(pid, "SIGKILL");
  assert.equal(await controlPlane.connected(), provider.agentId);
  assert.notEqual(pidIn(location), pid);
});

test("local: an agent that outlived its server is adopted, told the new address, watched and stopped", { timeout: 30_000 }, async (t) => {
  const location = aLocation();
  const first = await running(t, location);
  await first.provider.close({ keepTasks: true });
  await first.controlPlane.close();
  const identity = identifyProcess(first.pid)!;
  assert.equal(isAlive(identity), true);

  const second = await running(t, location);
  assert.equal(second.pid, first.pid);
  assert.equal(second.provider.agentId, first.provider.agentId);
  process.kill(first.pid, "SIGKILL");
  assert.equal(await second.controlPlane.connected(), first.provider.agentId);
  assert.notEqual(pidIn(location), first.pid);

  const last = identifyProcess(pidIn(location))!;
  await second.provider.close();
  assert.equal(isAlive(last), false);
});

test("local: a second server's provider finds the agent by its own lock, when no pid file was written", { timeout: 30_000 }, async (t) => {
  const location = aLocation();
  const first = await running(t, location);
  const { pid, startTime } = JSON.parse(readFileSync(join(location, "agent", "agent.pid"), "utf8"));
  await first.provider.close({ keepTasks: true });
  await first.controlPlane.close();
  rmSync(join(location, "agent", "agent.pid"));
  writeFileSync(join(location, "agent", "agent.lock"), JSON.stringify({ pid, startTime }));
  assert.equal((await running(t, location)).pid, pid);
});

test("local: an agent that does not end when asked is killed", { timeout: 30_000 }, async (t) => {
  const { provider, pid } = await running(t, aLocation(), { manner: "deaf", stopWithinMs: 200 });
  const identity = identifyProcess(pid)!;
  await provider.close();
  assert.equal(isAlive(identity), false);
});

const leftoversTest = { timeout: 30_000, skip: process.platform !== "linux" && "recognising leftovers needs /proc" };

test("local: stopping ends tasks and launchers that a dead agent left, and nobody else", leftoversTest, async (t) => {
  const location = aLocation();
  const { provider, pid } = await running(t, location);
  const nodeRoot = join(location, "agent", "nodes", "n1");
  const launcherHome = join(location, "agent", "state", "n1", "launcher");
  for (const directory of [nodeRoot, launcherHome]) mkdirSync(directory, { recursive: true });
  const start = async (cwd: string, env: Record<string, string>) => {
    const child = spawn("/bin/sleep", ["60"], { cwd, env, detached: true, stdio: "ignore" });
    await once(child, "spawn");
    t.after(() => child.kill("SIGKILL"));
    return identifyProcess(child.pid!)!;
  };
  const task = await start("/", { AZ_BATCH_NODE_ROOT_DIR: nodeRoot });
  const launcher = await start(launcherHome, {});
  const operators = await start(nodeRoot, { PATH: "/bin" });
  const foreignTask = await start("/", { AZ_BATCH_NODE_ROOT_DIR: `${location}/agent-of-another/nodes/n1` });
  process.kill(pid, "SIGKILL");
  await provider.close();
  assert.deepEqual([task, launcher, operators, foreignTask].map(isAlive), [false, false, true, true]);
});

test("local: an agent that cannot start makes nodes fail with the reason, after some attempts", { timeout: 30_000 }, async (t) => {
  const location = aLocation();
  const controlPlane = await aControlPlane(t);
  const manual = new ManualClock();
  const ends = aQueue<{ pauseMs: number }>();
  const log: Log = { ...silentLog, error: (fields) => ends.put(fields as { pauseMs: number }), child: () => log };
  const command = { file: process.execPath, args: ["-e", "process.exit(7)"] };
  const provider = aProvider(t, location, controlPlane, { command, clock: manual, log, ids: seededIds(1) });
  provider.start();
  provider.announce({ url: controlPlane.url, token: "token" });
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 4; attempt++) {
    assert.equal((await provider.statuses(["n1"])).get("n1")?.status, "pending");
    const { pauseMs } = await ends.take();
    pauses.push(pauseMs);
    if (attempt < 3) manual.advance(pauseMs);
  }
  assert.deepEqual(pauses, [200, 400, 800, 1600]);
  const failed = (await provider.statuses(["n1"])).get("n1");
  assert.equal(failed?.status, "failed");
  assert.match(failed?.reason ?? "", /exit code 7.*agent\.log/);
});

test("local: an agent that runs but never connects is replaced", { timeout: 30_000 }, async (t) => {
  const location = aLocation();
  const controlPlane = await aControlPlane(t);
  const manual = new ManualClock();
  const messages = aQueue<string>();
  const log: Log = { ...silentLog, error: (_fields, message) => messages.put(message), child: () => log };
  const provider = aProvider(t, location, controlPlane, { manner: "mute", clock: manual, log });
  provider.start();
  provider.announce({ url: controlPlane.url, token: "token" });
  const identity = identifyProcess(pidIn(location))!;
  t.after(() => provider.close({ keepTasks: true }));
  for (let seconds = 0; seconds < 30; seconds += 10) manual.advance(10_000);
  assert.match(await messages.take(), /does not connect/);
  assert.match(await messages.take(), /started again/);
  assert.equal(isAlive(identity), false);
});
