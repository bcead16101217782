// Carries out what nodes were asked to do: leave the pool, stop, boot again, be made anew, take no more tasks. First what becomes of their
// tasks, as the option says, then the act itself. Without input but the store; may run at any time and twice.
import type { TaskRef } from "../../api/agent/messages.ts";
import { deallocateNode, moveNode, type Node, rebootNode, reimageNode } from "../../domain/nodes.ts";
import { requeueTask, type Task, terminateTask, withdrawTask } from "../../domain/tasks.ts";
import type { Reader, Write } from "../../store/db.ts";
import { getJobByUid } from "../../store/jobs.ts";
import { deleteUsersOf } from "../../store/node-users.ts";
import { deleteNodes, getNode, nodesOfPool, saveNode, saveNodes } from "../../store/nodes.ts";
import { getPool } from "../../store/pools.ts";
import { placedTasks, retainedUntil, saveTasks } from "../../store/tasks.ts";
import type { Context, PoolKey } from "../context.ts";
import { orderNodes } from "../node-orders.ts";
import { refOf } from "../orders.ts";

/** How often a removal, or a node that was started, is asked for again while nobody has answered. */
const retryMs = 5_000;

/** True when it changed something. */
export const actOnNodes = async (context: Context, key: PoolKey): Promise<boolean> => {
  const nodes = await nodesOfPool(context.store, key.accountId, key.poolKey);
  const leaving = nodes.filter((node) => node.leaving !== undefined);
  let changed = false;
  const empty: Node[] = [];
  for (const node of leaving) {
    const outcome = await actOnNode(context, node);
    if (outcome.changed) changed = true;
    if (outcome.removable !== undefined) empty.push(outcome.removable);
  }
  await hostAgain(context, key, nodes);
  return (await remove(context, key, empty)) || changed;
};

/**
 * Nodes that were started after they had been deallocated: asked for, as at first, until an agent speaks of them. That they cannot be had
 * now is no reason to lose them, so unlike new ones they wait.
 */
const hostAgain = async (context: Context, key: PoolKey, nodes: readonly Node[]): Promise<void> => {
  const started = nodes.filter((node) => node.state === "starting" && node.agentId === undefined && node.leaving === undefined);
  const unhosted = started.filter((node) => mayAsk(context, node, "host"));
  const pool = unhosted.length === 0 ? undefined : await getPool(context.store, key.accountId, key.poolKey);
  if (pool === undefined) return;
  try {
    await context.provider.create(await orderNodes(context, pool, unhosted));
  } catch (error) {
    context.log.error({ err: error, pool: pool.id }, "deallocated nodes could not be started; they are asked for again");
  }
  context.bells.poolAfter(key, retryMs);
};

/** Every answer about one node makes us look at all: without a pause between two questions, each answer would lead to several. */
const mayAsk = ({ board, clock }: Context, node: Node, what: "remove" | "host"): boolean => {
  const view = board.view(node).nodes.get(node.id);
  if (view === undefined) return true;
  const { asked } = view;
  const at = clock.now();
  if (asked?.what === what && asked.boot === node.boot && Math.abs(at - asked.at) < retryMs) return false;
  view.asked = { what, boot: node.boot, at };
  return true;
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
  if (kind === "remove" || kind === "deallocate") return { ...step, removable: node };
  if (kind === "disable") return { ...step, writes: [...writes, ...saveNode(offline(node, now))] };
  const rebooted = kind === "reboot" ? rebootNode(node, now) : reimageNode(node, now);
  const users = kind === "reboot" ? [] : deleteUsersOf([node]);
  return { ...step, writes: [...writes, ...saveNode(rebooted), ...users], rebooted };
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
  for (const order of await orderNodes(context, pool, [node])) context.channel.send(agentId, { type: "startNode", node: order });
};

/**
 * Rows go, or say that the node is deallocated, when the nodes are gone: reported by their agent, known to the provider, or with no agent
 * to ask. One that is only deallocated may be started soon, so for it the provider's word is not enough. True when some went.
 */
const remove = async (context: Context, key: PoolKey, nodes: readonly Node[]): Promise<boolean> => {
  if (nodes.length === 0) return false;
  const ids = nodes.map((node) => node.id);
  const asked = nodes.filter((node) => node.leaving?.kind === "remove" || mayAsk(context, node, "remove"));
  if (asked.length > 0) await context.provider.remove(asked.map((node) => node.id));
  for (const node of asked) if (node.agentId !== undefined) context.channel.send(node.agentId, { type: "removeNode", nodeId: node.id });
  const statuses = await context.provider.statuses(ids);
  const isGone = (node: Node): boolean =>
    (node.leaving?.kind === "remove" && statuses.get(node.id)?.status === "gone") ||
    node.agentId === undefined ||
    !context.channel.isConnected(node.agentId);
  const gone = nodes.filter(isGone).map((node) => node.id);
  if (gone.length < nodes.length) context.bells.poolAfter(key, retryMs);
  if (gone.length === 0) return false;
  return context.store.decide(async (read) => {
    const rows = (await nodesOfPool(read, key.accountId, key.poolKey)).filter((node) => gone.includes(node.id));
    const left = rows.filter((node) => node.leaving?.kind === "remove");
    const stopped = rows.filter((node) => node.leaving?.kind === "deallocate");
    const now = context.clock.now();
    const writes = [
      ...(left.length === 0 ? [] : deleteNodes(left, now)),
      ...(stopped.length === 0 ? [] : [...saveNodes(stopped.map((node) => deallocateNode(node, now))), ...deleteUsersOf(stopped)]),
    ];
    return { writes, result: writes.length > 0 };
  });
};
