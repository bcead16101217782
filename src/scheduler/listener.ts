// The scheduler's side of the node channel: what an agent that connects still has to do or to drop, and its reports in their order.
import type { AgentEvent, TaskRef } from "../api/agent/messages.ts";
import type { Job } from "../domain/jobs.ts";
import type { Node } from "../domain/nodes.ts";
import { isPlaced, type Task } from "../domain/tasks.ts";
import type { AgentListener, HelloView } from "../node-management/channel.ts";
import { choresOfNode } from "../store/chores.ts";
import { getJobByUid } from "../store/jobs.ts";
import { getNodeById, nodesOfAgent } from "../store/nodes.ts";
import { getPool } from "../store/pools.ts";
import { getTasks } from "../store/tasks.ts";
import { taskKey } from "./board.ts";
import type { Context } from "./context.ts";
import type { Leases } from "./leases.ts";
import { orderNodes } from "./node-orders.ts";
import { applyNodeEvent, bootAgain, resumeNode } from "./node-reports.ts";
import { refOf, taskOrder } from "./orders.ts";
import { findPackages, hasPackages } from "./packages.ts";
import { createUnhosted } from "./reconcilers/resize.ts";
import { applyTaskEvents, type TaskEvent } from "./reports.ts";
import { signTokens } from "./task-tokens.ts";

export const makeListener = (context: Context, leases: Leases): AgentListener => {
  /** By agent: what it said it holds, until it has been sent the rest. */
  const hellos = new Map<string, HelloView>();
  return {
    onHello: async (hello) => {
      leases.renewed(hello.agentId);
      hellos.set(hello.agentId, hello);
      return { unwanted: await unwantedAttempts(context, hello), unwantedNodes: await adoptNodes(context, hello) };
    },
    onConnected: (agentId) => {
      leases.renewed(agentId);
      const hello = hellos.get(agentId);
      hellos.delete(agentId);
      catchUp(context, agentId, hello).catch((error: unknown) =>
        context.log.error({ err: error, agentId }, "an agent could not be brought up to date"),
      );
    },
    onEvents: (_agentId, events) => applyEvents(context, _agentId, events),
    onMachine: (agentId, usage) => context.machines.noted(agentId, usage),
    onDisconnected: (agentId) => {
      context.machines.left(agentId);
      leases.lost(agentId);
    },
  };
};

/** Runs of task events become one commit each; what is between them keeps its place. */
const applyEvents = async (context: Context, agentId: string, events: readonly AgentEvent[]): Promise<void> => {
  let run: TaskEvent[] = [];
  const flush = async (): Promise<void> => {
    if (run.length > 0) await applyTaskEvents(context, run);
    run = [];
  };
  for (const event of events) {
    if (event.type === "started" || event.type === "finished" || event.type === "stopped") {
      run.push(event);
      continue;
    }
    await flush();
    await applyNodeEvent(context, agentId, event);
  }
  await flush();
};

const unwantedAttempts = async (context: Context, hello: HelloView): Promise<TaskRef[]> => {
  const tasks = await getTasks(
    context.store,
    hello.attempts.map((one) => one.ref),
  );
  return hello.attempts
    .filter(({ ref, nodeId }, index) => {
      const task = tasks[index];
      return task === undefined || !isPlaced(task) || task.nodeId !== nodeId || task.attempt !== ref.attempt;
    })
    .map((one) => one.ref);
};

/** Takes note of the agent's nodes and returns those that no pool has. */
const adoptNodes = async (context: Context, hello: HelloView): Promise<string[]> => {
  const unwanted: string[] = [];
  for (const { nodeId, boot, state } of hello.nodes) {
    const node = await getNodeById(context.store, nodeId);
    if (node === undefined || isForsaken(node, boot)) unwanted.push(nodeId);
    else await resumeNode(context, hello.agentId, { node, boot, state });
  }
  const hosted = new Set(hello.nodes.map((node) => node.nodeId));
  for (const node of await nodesOfAgent(context.store, hello.agentId)) if (!hosted.has(node.id)) await bootAgain(context, node);
  return unwanted;
};

/** Deallocated while its agent was away: even if it was started since, that is another node to whoever provides it. */
const isForsaken = (node: Node, boot: number): boolean =>
  node.state === "deallocated" || (node.agentId === undefined && boot < node.wipedBoot);

/** Sends what the agent has missed or lost: nodes to host or boot, orders that never reached it, removals, chores. */
const catchUp = async (context: Context, agentId: string, hello: HelloView | undefined): Promise<void> => {
  const { board, store } = context;
  // A provider that hosts nodes in an agent may have had none to tell when they were created.
  await createUnhosted(context);
  const seen = new Map((hello?.nodes ?? []).map((node) => [node.nodeId, node]));
  const known = new Set((hello?.attempts ?? []).map(({ ref }) => `${taskKey(ref)}.${ref.attempt}`));
  const views = new Set<ReturnType<typeof board.view>>();
  for (const node of await nodesOfAgent(store, agentId)) {
    const view = board.view(node);
    views.add(view);
    // While it was away a handler or a message lost on the way may have changed what is placed.
    view.unsure = true;
    await bootNode(context, agentId, node, seen.get(node.id));
    for (const { id, chore } of await choresOfNode(store, node.accountId, node.id)) {
      context.channel.send(agentId, { type: "chore", nodeId: node.id, choreId: id, chore });
    }
  }
  for (const view of views) {
    await board.refresh(store, view);
    for (const [nodeId, { node }] of view.nodes) if (node.agentId === agentId) await resend(context, agentId, nodeId, known);
    context.bells.loop(view);
    context.bells.pool(view);
  }
};

/** Also one that is at its boot and may lack packages because we were away: the order has fresh URLs of them. */
const bootNode = async (context: Context, agentId: string, node: Node, seen: HelloView["nodes"][number] | undefined): Promise<void> => {
  const goes = node.leaving?.kind === "remove" || node.leaving?.kind === "deallocate";
  const mayLackPackages = seen?.state === "starting" || seen?.state === "unusable";
  if ((seen?.boot === node.boot && !mayLackPackages) || (goes && seen === undefined)) return;
  const pool = await getPool(context.store, node.accountId, node.poolKey);
  if (pool === undefined || (seen?.boot === node.boot && !hasPackages(pool))) return;
  for (const order of await orderNodes(context, pool, [node])) context.channel.send(agentId, { type: "startNode", node: order });
};

/**
 * Orders again what the store has placed there and the agent did not name: an order lost on the way, or an attempt that has ended and
 * whose report follows (the agent knows those and ignores the order), or a process that is gone (it runs again).
 */
const resend = async (context: Context, agentId: string, nodeId: string, known: ReadonlySet<string>): Promise<void> => {
  const view = await context.board.viewOfNode(context.store, nodeId);
  const placed = (): ReadonlyMap<string, Task> => view?.nodes.get(nodeId)?.placed ?? new Map();
  const missing = [...placed().values()].filter((task) => !known.has(`${taskKey(task)}.${refOf(task).attempt}`));
  const packagesOf = view && (await findPackages(context, view.accountId, missing));
  const withJobs: { task: Task; job: Job }[] = [];
  for (const task of missing) {
    const job = view?.jobs.get(task.jobUid)?.job ?? (await getJobByUid(context.store, task.accountId, task.jobUid));
    if (job !== undefined) withJobs.push({ task, job });
  }
  const tokenOf = await signTokens(context, withJobs);
  const orders = withJobs
    .filter(({ task }) => placed().get(taskKey(task))?.attempt === task.attempt) // not stopped or ended in the meantime
    .map(({ task, job }) => taskOrder(task, job, context.containerUrl, { packagesOf, tokenOf }));
  if (orders.length > 0) context.channel.send(agentId, { type: "startTasks", tasks: orders });
};
