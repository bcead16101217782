// Nodes on this machine: one agent process beside the control plane hosts them all. Creating a node is a message to it. Where tasks run and
// what isolates them is the agent's business.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { childEnvironment } from "../lib/child-environment.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import { signalProcess, writeFileAtomically } from "../lib/processes.ts";
import type { NodeChannel } from "../node-management/channel.ts";
import { createAgentProcess } from "./agent-process.ts";
import { endLeftovers } from "./leftovers.ts";
import type { NodeProvider, ProviderNodeStatus } from "./provider.ts";

export type LocalProviderOptions = {
  /** The agent's own directory: nodes, launchers, its records. */
  directory: string;
  /** Where the agent reads the control plane's address and token. */
  controlFile: string;
  logFile: string;
  /** How `quern agent` is started: the runtime and its arguments, the directory and the control file among them. */
  command: { file: string; args: readonly string[] };
  /** The operator's environment; little of it is passed on. */
  environment: Record<string, string | undefined>;
  /** Passed on besides. */
  extraEnvironment?: Record<string, string>;
  channel: NodeChannel;
  clock: Clock;
  ids: Ids;
  log: Log;
  /** How long the agent may take to end its tasks and itself before it is killed. Usually it takes much less. */
  stopWithinMs?: number;
};

export interface LocalProvider extends NodeProvider {
  /** The id under which the agent says hello. */
  readonly agentId: string;
  /** Adopts the agent that survived a crash, or starts one: early, because it takes as long to come up as the rest of the control plane. */
  start(): void;
  /** Once the control plane listens: tells the agent where. It waits for this, or finds that an older address changed. */
  announce(control: { url: string; token: string }): void;
}

const usualStopWithinMs = 10_000;

/** The agent keeps its id in this file (agent/agent.ts) and makes it when it is missing; made here, it is known before the first hello. */
const agentIdIn = (directory: string, ids: Ids): string => {
  const file = join(directory, "agent-id");
  try {
    const id = readFileSync(file, "utf8").trim();
    if (id !== "") return id;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const id = ids.guid();
  writeFileAtomically(file, `${id}\n`);
  return id;
};

export const createLocalProvider = (options: LocalProviderOptions): LocalProvider => {
  const { controlFile, channel, clock, log } = options;
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const agentId = agentIdIn(directory, options.ids);
  const removed = new Set<string>();
  const agent = createAgentProcess({
    directory,
    logFile: options.logFile,
    command: options.command,
    environment: { ...childEnvironment(options.environment), ...options.extraEnvironment },
    isConnected: () => channel.isConnected(agentId),
    clock,
    log,
  });

  /** Nodes of an earlier life of the server are the agent's still: its hello, not this, says which it really has. */
  const statusOf = (nodeId: string): { status: ProviderNodeStatus; reason?: string } => {
    if (removed.has(nodeId)) return { status: "gone" };
    if (channel.isConnected(agentId)) return { status: "hosted" };
    const failure = agent.failure();
    if (failure === undefined) return { status: "pending" };
    return { status: "failed", reason: `The agent of this machine does not start (${failure}); ${options.logFile} says why.` };
  };

  return {
    name: "local",
    agentId,
    start: () => agent.start(),
    announce: (control) => writeFileAtomically(controlFile, `${JSON.stringify(control)}\n`),
    create: async (nodes) => {
      for (const node of nodes) {
        removed.delete(node.nodeId);
        channel.send(agentId, { type: "startNode", node });
      }
    },
    statuses: async (nodeIds) => new Map(nodeIds.map((nodeId) => [nodeId, statusOf(nodeId)])),
    remove: async (nodeIds) => {
      for (const nodeId of nodeIds) {
        removed.add(nodeId);
        channel.send(agentId, { type: "removeNode", nodeId });
      }
    },
    close: async ({ keepTasks = false } = {}) => {
      if (keepTasks) {
        agent.letGo();
        return;
      }
      const ask = (): void => {
        const running = agent.identity();
        if (channel.isConnected(agentId)) channel.send(agentId, { type: "shutdown" });
        else if (running !== undefined) signalProcess(running, "SIGTERM");
      };
      await agent.stop(ask, options.stopWithinMs ?? usualStopWithinMs);
      const { ended, left } = await endLeftovers(directory, clock);
      if (ended > 0) log.warn({ ended }, "launchers or tasks that the agent had not ended were killed");
      if (left.length > 0) log.error({ pids: left.map(({ pid }) => pid) }, "processes of the nodes could not be ended");
      rmSync(controlFile, { force: true });
    },
  };
};
