// What agents report of the nodes themselves: states of a boot, removals, chores done. Small and rare beside the reports of tasks.
import type { AgentEvent } from "../api/agent/messages.ts";
import { deallocateNode, moveNode, type Node, nodeStates, reportNode } from "../domain/nodes.ts";
import { recoverTask } from "../domain/tasks.ts";
import { deleteChore } from "../store/chores.ts";
import type { Reader, Write } from "../store/db.ts";
import { pendingJobs } from "../store/jobs.ts";
import { deleteUsersOf } from "../store/node-users.ts";
import { deleteNodes, getNode, getNodeById, saveNode } from "../store/nodes.ts";
import { placedTasks, saveTasks } from "../store/tasks.ts";
import type { Context } from "./context.ts";

export type NodeEvent = Extract<AgentEvent, { type: "node" | "nodeRemoved" | "choreDone" }>;

type Told = { before: Node; after: Node } | "stale" | undefined;

/** Durable when it resolves. */
export const applyNodeEvent = async (context: Context, agentId: string, event: NodeEvent): Promise<void> => {
  if (event.type === "choreDone") return choreDone(context, event);
  const done = await context.store.decide<Told>(async (read) => {
    const node = await getNodeById(read, event.nodeId);
    if (node === undefined) return { writes: [], result: undefined };
    const { writes, after } =
      event.type === "node" ? reported(context, node, agentId, event) : await removed(context, read, node, event.boot);
    // Of an earlier boot, or said twice: nothing follows from it.
    if (event.type === "nodeRemoved" && writes.length === 0) return { writes, result: "stale" };
    return { writes, result: { before: node, after } };
  });
  if (done === "stale") return;
  if (done === undefined) {
    // A node that nobody wants: of a pool deleted while its agent was away.
    if (event.type === "node") context.channel.send(agentId, { type: "removeNode", nodeId: event.nodeId });
    return;
  }
  const view = context.board.view(done.before);
  view.stale = true;
  if (event.type === "nodeRemoved") view.unsure = true;
  context.bells.loop(view);
  if (event.type === "nodeRemoved" || done.before.leaving !== undefined) context.bells.pool(view);
  // A job that waits for the end of its tasks may have had the last of them there.
  if (event.type === "nodeRemoved")
    for (const job of await pendingJobs(context.store)) context.bells.job({ accountId: job.accountId, jobKey: job.key });
};

const reported = (
  context: Context,
  node: Node,
  agentId: string,
  event: Extract<NodeEvent, { type: "node" }>,
): { writes: Write[]; after: Node } => {
  const after = reportNode(node, agentId, event, context.clock.now());
  return after === node ? { writes: [], after } : { writes: saveNode(after), after };
};

/**
 * A node that was to go is gone, from the pool or from the machine; any other is lost, and what it ran goes back to the queue. What is
 * said of an earlier boot, or of nothing at all by an agent that was told twice, changes nothing.
 */
const removed = async (context: Context, read: Reader, node: Node, boot: number | undefined): Promise<{ writes: Write[]; after: Node }> => {
  const { kind } = node.leaving ?? {};
  const wanted = kind === "remove" || kind === "deallocate";
  if (boot === undefined ? !wanted : boot < node.boot) return { writes: [], after: node };
  const now = context.clock.now();
  const placed = await placedTasks(read, { accountId: node.accountId, nodeId: node.id });
  const back = placed.length === 0 ? [] : saveTasks(placed.map((task) => ({ before: task, after: recoverTask(task, now) })));
  if (kind === "deallocate") return { writes: [...back, ...saveNode(deallocateNode(node, now)), ...deleteUsersOf([node])], after: node };
  if (kind === "remove") return { writes: [...back, ...deleteNodes([node], now)], after: node };
  const move = nodeStates.next(node.state, "lost");
  const after = move.to === undefined ? node : moveNode(node, move.to, now);
  return { writes: [...back, ...saveNode(after)], after };
};

const choreDone = async (context: Context, event: Extract<NodeEvent, { type: "choreDone" }>): Promise<void> => {
  const node = await getNodeById(context.store, event.nodeId);
  if (node !== undefined) await context.store.commit(deleteChore(node.accountId, event.nodeId, event.choreId));
};

/** The node as an agent's hello describes it: it is in contact again. */
export const resumeNode = async (context: Context, agentId: string, seen: { node: Node; boot: number; state: string }): Promise<void> => {
  const { node, boot } = seen;
  const state = seen.state as Extract<AgentEvent, { type: "node" }>["state"];
  const resumed = await context.store.decide(async (read) => {
    const now = await getNode(read, node.accountId, node.poolKey, node.id);
    if (now === undefined) return { writes: [], result: false };
    const after = reportNode(
      now,
      agentId,
      { type: "node", nodeId: node.id, boot, state, startTask: now.startTask, errors: now.errors },
      context.clock.now(),
    );
    const same = after.state === now.state && after.agentId === now.agentId;
    return { writes: same ? [] : saveNode(after), result: !same };
  });
  if (!resumed) return;
  const view = context.board.view(node);
  view.stale = true;
  context.bells.loop(view);
};

/** An agent in contact that does not host a node which it should: the node boots anew, and takes no tasks until it has. */
export const bootAgain = async (context: Context, node: Node): Promise<void> => {
  const changed = await context.store.decide(async (read) => {
    const now = await getNode(read, node.accountId, node.poolKey, node.id);
    const move =
      now === undefined || now.leaving !== undefined || now.state === "creating" ? undefined : nodeStates.next(now.state, "starting").to;
    if (now === undefined || move === undefined || move === now.state) return { writes: [], result: false };
    return { writes: saveNode(moveNode(now, move, context.clock.now())), result: true };
  });
  if (changed) context.board.view(node).stale = true;
};
