// An agent with a fake control plane in a directory of its own, and orders with sensible defaults.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type AgentOptions, type RunningAgent, runAgent } from "../../src/agent/agent.ts";
import type { NodeOrder, TaskOrder } from "../../src/api/agent/messages.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { systemIds } from "../../src/lib/ids.ts";
import { silentLog } from "../../src/lib/log.ts";
import { type FakeControlPlane, fakeControlPlane, type Welcome } from "./fake-control-plane.ts";

export const cacheDir = join(tmpdir(), "quern-test-launcher");

export interface AgentWorld {
  control: FakeControlPlane;
  agent: RunningAgent;
  directory: string;
  options: AgentOptions;
  /** Path of a file of a node. */
  inNode(path: string, nodeId?: string): string;
  /** Starts a node and waits until it is idle. */
  node(order?: Partial<NodeOrder>): Promise<NodeOrder>;
  start(...tasks: TaskOrder[]): void;
  /** Another agent on the same directory, after the first has ended. */
  restart(): Promise<void>;
}

export const aNode = (order: Partial<NodeOrder> = {}): NodeOrder => ({
  accountId: 1,
  accountName: "acc",
  accountUrl: "http://127.0.0.1:10020",
  poolId: "pool1",
  nodeId: "tvmps_1_d",
  boot: 1,
  slots: 2,
  isDedicated: true,
  ...order,
});

let lastSeq = 0;

export const aTask = (commandLine: string, order: Partial<TaskOrder> = {}): TaskOrder => {
  const seq = ++lastSeq;
  return {
    ref: { accountId: 1, jobUid: 1, seq, attempt: 1 },
    nodeId: "tvmps_1_d",
    jobId: "job1",
    taskId: `task${seq}`,
    slots: 1,
    commandLine,
    environment: [],
    resourceFiles: [],
    outputFiles: [],
    ...order,
  };
};

export const agentOptions = (directory: string): AgentOptions => ({
  directory: join(directory, "agent"),
  controlFile: join(directory, "control", "control.json"),
  launcherKind: "auto",
  cacheDir,
  version: "0.0.0-test",
});

/** Everything ends with the test. */
export const anAgentWorld = async (
  t: TestContext,
  settings: { welcome?: Partial<Welcome>; options?: Partial<AgentOptions> } = {},
): Promise<AgentWorld> => {
  const directory = mkdtempSync(join(tmpdir(), "quern-agent-"));
  const options = { ...agentOptions(directory), ...settings.options };
  const control = await fakeControlPlane(options.controlFile, settings.welcome);
  const agent = await runAgent(options, { clock: systemClock(), ids: systemIds(), log: silentLog });
  const world: AgentWorld = {
    control,
    agent,
    directory,
    options,
    inNode: (path, nodeId = "tvmps_1_d") => join(options.directory, "nodes", nodeId, path),
    node: async (order) => {
      const node = aNode(order);
      world.control.send({ type: "startNode", node });
      await world.control.event("node", (event) => event.nodeId === node.nodeId && event.boot === node.boot && event.state === "idle");
      return node;
    },
    restart: async () => {
      world.agent = await runAgent(options, { clock: systemClock(), ids: systemIds(), log: silentLog });
    },
    start: (...tasks) => world.control.send({ type: "startTasks", tasks }),
  };
  t.after(async () => {
    await world.agent.shutdown();
    await world.control.close();
    rmSync(directory, { recursive: true, force: true });
  });
  await control.connected();
  return world;
};

export const sameTask = (task: TaskOrder) => (event: { ref: TaskOrder["ref"] }) =>
  event.ref.seq === task.ref.seq && event.ref.attempt === task.ref.attempt;
