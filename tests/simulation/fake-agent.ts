// An agent for simulations: hosts nodes and "runs" tasks in virtual time, reports in batches, keeps reports until they are acknowledged,
// stops its tasks when it is cut off longer than the lease. It follows src/api/agent/messages.ts as a real agent does.
import {
  type AgentEvent,
  attemptKey,
  type Chore,
  type NodeOrder,
  type TaskOrder,
  type TaskOutcome,
  type TaskRef,
  type ToAgent,
} from "../../src/api/agent/messages.ts";
import type { Clock, Timer } from "../../src/lib/clock.ts";
import type { AgentListener, HelloView, NodeChannel } from "../../src/node-management/channel.ts";

export type Run = { order: TaskOrder; startedAt: number; timer?: Timer };
type NodeState = "starting" | "waitingforstarttask" | "idle" | "starttaskfailed" | "unusable";
type Hosted = { order: NodeOrder; state: NodeState; queue: TaskOrder[]; running: Map<string, Run>; booting?: Timer };

/** What a command line does: `for MS [exit CODE]`, `fail STAGE` (preProcessing or fileUpload); anything else ends well after 10 ms. */
export const behaviourOf = (commandLine: string): { runsForMs: number; outcome: Omit<TaskOutcome, "startedAt" | "endedAt"> } => {
  const runsForMs = Number(/for (\d+)/.exec(commandLine)?.[1] ?? 10);
  const exitCode = Number(/exit (\d+)/.exec(commandLine)?.[1] ?? 0);
  const stage = /fail (preProcessing|fileUpload)/.exec(commandLine)?.[1] as "preProcessing" | "fileUpload" | undefined;
  if (stage === undefined) return { runsForMs, outcome: { exitCode } };
  const failure = {
    category: "usererror" as const,
    code: stage === "preProcessing" ? "BlobNotFound" : "FileUploadContainerNotFound",
    message: "simulated",
  };
  return { runsForMs, outcome: { failure, failedIn: stage, ...(stage === "preProcessing" ? {} : { exitCode }) } };
};

export type FakeAgent = {
  readonly id: string;
  readonly nodes: ReadonlyMap<string, Hosted>;
  /** Every start of an attempt's process, in order. */
  readonly starts: { taskId: string; nodeId: string; attempt: number; at: number }[];
  readonly chores: { nodeId: string; chore: Chore }[];
  /** Every time that a node's directories were emptied, with the boot that came after. */
  readonly wipes: { nodeId: string; boot: number }[];
  host(orders: readonly NodeOrder[]): void;
  receive(message: ToAgent): void;
  connect(): Promise<void>;
  disconnect(): void;
  /** The machine restarts: its processes are gone and nobody knows of them. */
  loseProcesses(): void;
  /** Its directory was wiped: it does not even know its nodes. */
  forgetEverything(): void;
  /** Its last report was taken but the acknowledgement lost: it comes again. */
  repeatLastReport(): void;
  connected(): boolean;
  /** Another control plane listens from now on. */
  listenWith(listener: AgentListener): void;
  idle(): Promise<void>;
  activity(): number;
};

export const makeAgent = (parts: {
  id: string;
  clock: Clock;
  leaseMs: number;
  bootMs: number;
  listener: AgentListener;
  startTask?: (order: NodeOrder) => NodeState;
}): FakeAgent => {
  const { id, clock, leaseMs } = parts;
  let { listener } = parts;
  const nodes = new Map<string, Hosted>();
  const starts: FakeAgent["starts"] = [];
  const chores: FakeAgent["chores"] = [];
  const wipes: FakeAgent["wipes"] = [];
  let outbox: AgentEvent[] = [];
  let lastReport: AgentEvent[] = [];
  let online = false;
  let session = 0;
  let sending: Promise<void> | undefined;
  let lease: Timer | undefined;
  let activity = 0;

  const report = (event: AgentEvent): void => {
    activity += 1;
    outbox.push(event);
    flush();
  };

  const flush = (): void => {
    if (!online || sending !== undefined || outbox.length === 0) return;
    const batch = [...outbox];
    const mine = session;
    const taken = listener.onEvents(id, batch).then(
      () => {
        activity += 1;
        // Cut off meanwhile: no acknowledgement came, and the batch is sent again.
        if (mine === session && online) outbox = outbox.slice(batch.length);
        lastReport = batch;
      },
      () => disconnect(),
    );
    sending = taken.finally(() => {
      sending = undefined;
      flush();
    });
  };

  const slotsUsed = (node: Hosted): number => [...node.running.values()].reduce((sum, run) => sum + run.order.slots, 0);

  const startNext = (node: Hosted): void => {
    while (node.state === "idle" && node.queue.length > 0 && slotsUsed(node) + node.queue[0]!.slots <= node.order.slots) {
      const order = node.queue.shift()!;
      const run: Run = { order, startedAt: clock.now() };
      node.running.set(attemptKey(order.ref), run);
      starts.push({ taskId: order.taskId, nodeId: order.nodeId, attempt: order.ref.attempt, at: run.startedAt });
      report({ type: "started", ref: order.ref, nodeId: order.nodeId, startedAt: run.startedAt });
      run.timer = clock.after(behaviourOf(order.commandLine).runsForMs, () => end(node, run));
    }
  };

  const end = (node: Hosted, run: Run): void => {
    node.running.delete(attemptKey(run.order.ref));
    const { outcome } = behaviourOf(run.order.commandLine);
    report({
      type: "finished",
      ref: run.order.ref,
      nodeId: run.order.nodeId,
      outcome: { ...outcome, startedAt: run.startedAt, endedAt: clock.now() },
    });
    startNext(node);
  };

  const knows = (ref: TaskRef): boolean => {
    const key = attemptKey(ref);
    if (outbox.some((event) => event.type === "finished" && attemptKey(event.ref) === key)) return true;
    return [...nodes.values()].some((node) => node.running.has(key) || node.queue.some((order) => attemptKey(order.ref) === key));
  };

  /** Kills or drops; a process killed is told as `reason`. */
  const stop = (ref: TaskRef, reason: "asked" | "lost" | "withdrawn" | undefined): void => {
    const key = attemptKey(ref);
    for (const node of nodes.values()) {
      const run = node.running.get(key);
      const queued = node.queue.findIndex((order) => attemptKey(order.ref) === key);
      if (run === undefined && queued === -1) continue;
      if (run !== undefined && reason === "withdrawn") return;
      run?.timer?.cancel();
      node.running.delete(key);
      if (queued !== -1) node.queue.splice(queued, 1);
      if (reason !== undefined) report({ type: "stopped", ref, nodeId: node.order.nodeId, endedAt: clock.now(), reason });
      startNext(node);
      return;
    }
  };

  const stopAll = (node: Hosted, reason: "lost" | undefined): void => {
    for (const order of [...node.queue, ...[...node.running.values()].map((run) => run.order)]) stop(order.ref, reason);
  };

  const boot = (order: NodeOrder): void => {
    const before = nodes.get(order.nodeId);
    if (before !== undefined && before.order.boot >= order.boot) return;
    if (before !== undefined) stopAll(before, "lost");
    if (before !== undefined && before.order.boot < (order.wipeBefore ?? 0)) wipes.push({ nodeId: order.nodeId, boot: order.boot });
    before?.booting?.cancel();
    const node: Hosted = { order, state: "starting", queue: [], running: new Map() };
    nodes.set(order.nodeId, node);
    report({ type: "node", nodeId: order.nodeId, boot: order.boot, state: "starting" });
    node.booting = clock.after(parts.bootMs, () => {
      node.state = parts.startTask?.(order) ?? "idle";
      report({ type: "node", nodeId: order.nodeId, boot: order.boot, state: node.state, bootedAt: clock.now() });
      startNext(node);
    });
  };

  const receive = (message: ToAgent): void => {
    activity += 1;
    if (message.type === "startNode") boot(message.node);
    if (message.type === "removeNode") {
      const node = nodes.get(message.nodeId);
      if (node !== undefined) stopAll(node, undefined);
      node?.booting?.cancel();
      nodes.delete(message.nodeId);
      const boot = node?.order.boot;
      report({ type: "nodeRemoved", nodeId: message.nodeId, ...(boot === undefined ? {} : { boot }) });
    }
    if (message.type === "startTasks") {
      for (const order of message.tasks) {
        const node = nodes.get(order.nodeId);
        if (node === undefined) report({ type: "stopped", ref: order.ref, nodeId: order.nodeId, endedAt: clock.now(), reason: "lost" });
        else if (!knows(order.ref)) node.queue.push(order);
      }
      for (const node of nodes.values()) startNext(node);
    }
    if (message.type === "sampleMachine")
      listener.onMachine?.(id, { overMs: 30_000, cpu: nodes.size === 0 ? 0 : 0.9, memoryBytes: 2 ** 30, networkInBytes: 300 });
    if (message.type === "stopTasks") for (const ref of message.tasks) stop(ref, "asked");
    if (message.type === "withdrawTasks") for (const ref of message.tasks) stop(ref, "withdrawn");
    if (message.type === "chore") {
      chores.push({ nodeId: message.nodeId, chore: message.chore });
      report({ type: "choreDone", nodeId: message.nodeId, choreId: message.choreId });
    }
  };

  const connect = async (): Promise<void> => {
    await sending;
    if (online) return;
    const attempts: HelloView["attempts"] = [...nodes.values()].flatMap((node) => [
      ...node.queue.map((order) => ({ ref: order.ref, nodeId: order.nodeId, state: "queued" as const })),
      ...[...node.running.values()].map(({ order }) => ({ ref: order.ref, nodeId: order.nodeId, state: "running" as const })),
    ]);
    const seen = [...nodes.values()].map((node) => ({ nodeId: node.order.nodeId, boot: node.order.boot, state: node.state }));
    const { unwanted, unwantedNodes } = await listener.onHello({ agentId: id, launcher: "portable", nodes: seen, attempts });
    activity += 1;
    lease?.cancel();
    lease = undefined;
    for (const ref of unwanted) stop(ref, undefined);
    for (const nodeId of unwantedNodes) {
      const node = nodes.get(nodeId);
      if (node !== undefined) stopAll(node, undefined);
      nodes.delete(nodeId);
    }
    online = true;
    session += 1;
    listener.onConnected(id);
    flush();
  };

  const disconnect = (): void => {
    if (!online) return;
    online = false;
    session += 1;
    activity += 1;
    lease = clock.after(leaseMs, () => {
      for (const node of nodes.values()) stopAll(node, "lost");
    });
    listener.onDisconnected(id);
  };

  return {
    id,
    nodes,
    starts,
    chores,
    wipes,
    host: (orders) => orders.forEach(boot),
    receive: (message) => {
      if (online) receive(message);
    },
    connect,
    disconnect,
    loseProcesses: () => {
      for (const node of nodes.values()) stopAll(node, undefined);
    },
    forgetEverything: () => {
      for (const node of nodes.values()) {
        stopAll(node, undefined);
        node.booting?.cancel();
      }
      nodes.clear();
      outbox = [];
    },
    repeatLastReport: () => {
      outbox = [...lastReport, ...outbox];
      flush();
    },
    connected: () => online,
    listenWith: (next) => {
      listener = next;
    },
    idle: async () => {
      while (sending !== undefined) await sending;
    },
    activity: () => activity,
  };
};

/** The hub's place: messages reach the agents one turn later, and only those that are connected. */
export const fakeChannel = (agents: ReadonlyMap<string, FakeAgent>): NodeChannel => ({
  isConnected: (agentId) => agents.get(agentId)?.connected() === true,
  send: (agentId, message) => queueMicrotask(() => agents.get(agentId)?.receive(structuredClone(message))),
  file: async () => ({ type: "refused", reason: "notFound", message: "a simulated node has no files" }),
  logs: async () => ({ type: "logs", files: 0 }),
  read: async () => ({ answer: { type: "refused", reason: "notFound", message: "a simulated node has no files" } }),
});
