// Carries out what nodes were asked to do: leave the pool, boot again, take no more tasks. First what becomes of their tasks, as the option
// says, then the act itself. Without input but the store; may run at any time and twice.
import type { TaskRef } from "../../api/agent/messages.ts";
import { moveNode, type Node, rebootNode } from "../../domain/nodes.ts";
import { requeueTask, type Task, terminateTask, withdrawTask } from "../../domain/tasks.ts";
import type { Reader, Write } from "../../store/db.ts";
import { getJobByUid } from "../../store/jobs.ts";
import { deleteNodes, getNode, nodesOfPool, saveNode } from "../../store/nodes.ts";
import { getPool } from "../../store/pools.ts";
import { placedTasks, retainedUntil, saveTasks } from "../../store/tasks.ts";
import type { Context, PoolKey } from "../context.ts";
import { nodeOrder, refOf } from "../orders.ts";

/** How often a removal is asked for again while its agent has not answered. */
const removalRetryMs = 5_000;

/** True when it changed something. */
export const actOnNodes = async (context: Context, key: PoolKey): Promise<boolean> => {
  const leaving = (await nodesOfPool(context.store, key.accountId, key.poolKey)).filter((node) => node.leaving !== undefined);
  let changed = false;
  const empty: Node[] = [];
  for (const node of leaving) {
    const outcome = await actOnNode(context, node);
    if (outcome.changed) changed = true;
    if (outcome.removable !== undefined) empty.push(outcome.removable);
  }
  return (await remove(context, key, empty)) || changed;
};

type Step = {
  writes: Write[];
  /** Killed on the node, because they are not its any more. */
  stopped: Task[];
  /** Not begun: the agent is asked to give them back. */
  waiting: Task[];
  rebooted?: Node;
  removable?: Node;
};

const actOnNode = async (context: Context, { accountId, poolKey, id }: Node): Promise<{ changed: boolean; removable?: Node }> => {
  const step = await context.store.decide(async (read) => {
    const node = await getNode(read, accountId, poolKey, id);
    const step = node?.leaving === undefined ? undefined : await nextStep(context, read, node);
    return { writes: step?.writes ?? [], result: step };
  });
  if (step === undefined) return { changed: false };
  await tell(context, { accountId, poolKey, id }, step);
  return { changed: step.writes.length > 0, removable: step.removable };
};

const nextStep = async (context: Context, read: Reader, node: Node): Promise<Step> => {
  const now = context.clock.now();
  const { kind, option } = node.leaving!;
  const placed = await placedTasks(read, { accountId: node.accountId, nodeId: node.id });
  const patient = option === "taskcompletion" || option === "retaineddata";
  if (patient && placed.length > 0) return { writes: [], stopped: [], waiting: placed.filter((task) => task.state === "active") };
  if (option === "retaineddata") {
    const until = await retainedUntil(read, node.accountId, node.id);
    if (until > now) {
      if (Number.isFinite(until)) context.bells.poolAfter(node, until - now);
      return { writes: [], stopped: [], waiting: [] };
    }
  }
  const changes = placed.map((task) => ({ before: task, after: option === "terminate" ? ended(task, now) : requeueTask(task, now) }));
  const writes = changes.length === 0 ? [] : saveTasks(changes);
  const step: Step = { writes, stopped: placed, waiting: [] };
  if (kind === "remove") return { ...step, removable: node };
  const after = kind === "reboot" ? rebootNode(node, now) : offline(node, now);
  return { ...step, writes: [...writes, ...saveNode(after)], ...(kind === "reboot" ? { rebooted: after } : {}) };
};

const offline = (node: Node, now: number): Node => ({
  ...(node.state === "idle" || node.state === "running" ? moveNode(node, "offline", now) : node),
  leaving: undefined,
});

/** Running tasks are ended; one that had not begun is, to its user, still waiting and stays so. */
const ended = (task: Task, now: number): Task => {
  if (task.state === "active") return withdrawTask(task, now);
  const { after } = terminateTask(task, now) as { after: Task };
  return after;
};

const tell = async (context: Context, key: { accountId: number; poolKey: string; id: string }, step: Step): Promise<void> => {
  const view = context.board.view(key);
  const agentId = step.rebooted?.agentId ?? view.nodes.get(key.id)?.node.agentId;
  for (const task of step.stopped) context.board.drop(key.id, task);
  if (agentId !== undefined) {
    const refs = (tasks: readonly Task[]): TaskRef[] => tasks.map(refOf);
    if (step.stopped.length > 0) context.channel.send(agentId, { type: "stopTasks", tasks: refs(step.stopped) });
    if (step.waiting.length > 0) context.channel.send(agentId, { type: "withdrawTasks", tasks: refs(step.waiting) });
    if (step.rebooted !== undefined) await boot(context, agentId, step.rebooted);
  }
  for (const uid of new Set(step.stopped.map((task) => task.jobUid))) {
    const job = await getJobByUid(context.store, key.accountId, uid);
    if (job !== undefined) context.bells.job({ accountId: key.accountId, jobKey: job.key });
  }
};

const boot = async (context: Context, agentId: string, node: Node): Promise<void> => {
  const pool = await getPool(context.store, node.accountId, node.poolKey);
  if (pool === undefined) return;
  const name = await context.accountName(node.accountId);
  context.channel.send(agentId, { type: "startNode", node: nodeOrder(node, pool, { name, url: context.accountUrl(name) }) });
};

/** Rows go when the nodes are gone: reported by their agent, known to the provider, or with no agent to ask. True when some went. */
const remove = async (context: Context, key: PoolKey, nodes: readonly Node[]): Promise<boolean> => {
  if (nodes.length === 0) return false;
  const ids = nodes.map((node) => node.id);
  await context.provider.remove(ids);
  for (const node of nodes) if (node.agentId !== undefined) context.channel.send(node.agentId, { type: "removeNode", nodeId: node.id });
  const statuses = await context.provider.statuses(ids);
  const isGone = (node: Node): boolean =>
    statuses.get(node.id)?.status === "gone" || node.agentId === undefined || !context.channel.isConnected(node.agentId);
  const gone = nodes.filter(isGone).map((node) => node.id);
  if (gone.length < nodes.length) context.bells.poolAfter(key, removalRetryMs);
  if (gone.length === 0) return false;
  return context.store.decide(async (read) => {
    const rows = (await nodesOfPool(read, key.accountId, key.poolKey)).filter(
      (node) => gone.includes(node.id) && node.leaving?.kind === "remove",
    );
    return { writes: rows.length === 0 ? [] : deleteNodes(rows, context.clock.now()), result: rows.length > 0 };
  });
};
