// One scheduler loop a pool: woken, it looks at free slots and ready tasks, asks plan() what goes where, commits that and tells the
// agents. It never polls. It does not hear what becomes of the tasks: that is reports.ts, which rings the loop again.
import type { ToAgent } from "../api/agent/messages.ts";
import { takesTasks } from "../domain/nodes.ts";
import { placeTask, type Task } from "../domain/tasks.ts";
import { Conflict } from "../store/db.ts";
import { checkJob } from "../store/jobs.ts";
import { checkNodesTakeTasks } from "../store/nodes.ts";
import { placeTasks, readyTasks } from "../store/tasks.ts";
import { type JobView, type NodeView, type PoolView, taskKey } from "./board.ts";
import type { Context, PoolKey } from "./context.ts";
import { refOf, slotsPerNode, taskOrder } from "./orders.ts";
import { findPackages, type PackagesOf } from "./packages.ts";
import { type Placement, type PlanJob, type PlanNode, plan, type Snapshot } from "./plan.ts";
import { depthFor, depthToFill } from "./prefetch.ts";
import { signTokens, type TokenOf } from "./task-tokens.ts";

/** One look at the pool; rings itself when there may be more to do. */
export const schedule = async (context: Context, key: PoolKey): Promise<void> => {
  const { board, store } = context;
  const view = board.view(key);
  await board.refresh(store, view);
  if (view.pool === undefined) {
    if (view.nodes.size === 0) board.forget(view);
    return;
  }
  for (const { node } of view.nodes.values()) if (node.leaving !== undefined) context.bells.pool(key);
  if (view.pool.state !== "active") return;
  const nodes = usableNodes(context, view);
  const room = nodes.reduce((sum, node) => sum + Math.max(0, node.slots + node.depth - node.used), 0);
  if (room === 0) return;
  const largest = Math.max(...nodes.map((node) => node.slots + node.depth - node.used));
  await fillWindows(context, view, { room, largest });
  const snapshot = { fill: fillOf(view), nodes, jobs: planJobs(context, view) };
  const { placements, withdrawals } = plan(snapshot);
  if (placements.length > 0 && (await place(context, view, placements))) context.bells.loop(key);
  if (withdrawals.length > 0) withdraw(context, view, withdrawals);
};

/** Read together and placed together at most: bounds what one commit and one message carry. */
const windowSize = 512;
const smallestRead = 128;
/** How long a task of several slots lets smaller ones go first. */
const patienceMs = 60_000;

const fillOf = (view: PoolView): Snapshot["fill"] =>
  view.pool?.spec.taskSchedulingPolicy?.nodeFillType?.toLowerCase() === "pack" ? "pack" : "spread";

const usableNodes = (context: Context, view: PoolView): PlanNode[] => {
  const slots = slotsPerNode(view.pool!);
  const usable: PlanNode[] = [];
  for (const { node, placed, pace } of view.nodes.values()) {
    if (!takesTasks(node) || node.agentId === undefined || !context.channel.isConnected(node.agentId)) continue;
    let used = 0;
    const unstarted: { key: string; slots: number }[] = [];
    for (const [key, task] of placed) {
      used += task.slots;
      if (task.state === "active") unstarted.push({ key, slots: task.slots });
    }
    usable.push({ id: node.id, slots, used, depth: depthToFill(depthFor(pace, slots), used, slots), unstarted });
  }
  return usable;
};

/**
 * Reads ready tasks of the jobs, the most important first, until there are enough for the room there is. Tasks that fit nowhere now do not
 * count: smaller ones of other jobs may.
 */
const fillWindows = async (context: Context, view: PoolView, { room, largest }: { room: number; largest: number }): Promise<void> => {
  const wanted = Math.min(room, windowSize);
  let found = 0;
  for (const job of byImportance(view)) {
    if (found >= wanted) return;
    if (job.ready.length < wanted && !job.exhausted) await fillWindow(context, view, job, wanted);
    const fitting = job.ready.reduce((count, task) => count + (task.slots <= largest ? 1 : 0), 0);
    found += Math.min(fitting, allowance(view, job));
  }
};

const byImportance = (view: PoolView): JobView[] =>
  [...view.jobs.values()]
    .filter(({ job }) => job.held === undefined)
    .sort((a, b) => b.job.priority - a.job.priority || a.job.uid - b.job.uid);

/** From the oldest on each time: what was placed has left the index, what came back to the queue is in its old place. */
const fillWindow = async (context: Context, view: PoolView, job: JobView, wanted: number): Promise<void> => {
  const slots = slotsPerNode(view.pool!);
  const limit = Math.min(windowSize, Math.max(smallestRead, wanted * 2));
  const ready: Task[] = [];
  let after: number | undefined;
  // Set before reading, so that what becomes ready meanwhile is not overlooked.
  job.exhausted = true;
  for (;;) {
    const page = await readyTasks(context.store, {
      accountId: view.accountId,
      jobUid: job.job.uid,
      limit,
      ...(after === undefined ? {} : { after }),
    });
    // Tasks that need more slots than any node has stay where they are and must not stop the others.
    ready.push(...page.filter((task) => task.slots <= slots));
    if (page.length < limit) break;
    if (ready.length >= wanted) {
      job.exhausted = false;
      break;
    }
    after = page.at(-1)!.seq;
  }
  job.ready = ready;
};

const placedOf = (view: PoolView, jobUid: number): number => {
  let count = 0;
  for (const { placed } of view.nodes.values()) for (const task of placed.values()) if (task.jobUid === jobUid) count += 1;
  return count;
};

const maxParallel = (job: JobView): number => {
  const limit = job.job.spec.maxParallelTasks ?? -1;
  return limit === -1 ? Number.POSITIVE_INFINITY : limit;
};

const allowance = (view: PoolView, job: JobView): number => {
  const limit = maxParallel(job);
  return limit === Number.POSITIVE_INFINITY ? limit : Math.max(0, limit - placedOf(view, job.job.uid));
};

const planJobs = (context: Context, view: PoolView): PlanJob[] => {
  const overdueBefore = context.clock.now() - patienceMs;
  const slots = slotsPerNode(view.pool!);
  return byImportance(view)
    .filter((job) => job.ready.length > 0)
    .map((job) => ({
      uid: job.job.uid,
      priority: job.job.priority,
      placed: maxParallel(job) === Number.POSITIVE_INFINITY ? 0 : placedOf(view, job.job.uid),
      maxParallel: maxParallel(job),
      depth: depthFor(job.pace, slots),
      ready: job.ready.map((task) => ({
        seq: task.seq,
        slots: task.slots,
        overdue: task.slots > 1 && task.stateChangedAt < overdueBefore,
        ...affinityOf(task),
      })),
    }));
};

const affinityPrefix = "TVM:";
const affinityOf = (task: Task): { affinityNode?: string } => {
  const id = task.spec.affinityInfo?.affinityId;
  return id?.startsWith(affinityPrefix) === true ? { affinityNode: id.slice(affinityPrefix.length) } : {};
};

/** Commits the placements and tells the agents; false when nothing was placed because the board was out of date. */
const place = async (context: Context, view: PoolView, placements: readonly Placement[]): Promise<boolean> => {
  const { store, board } = context;
  const bySeq = new Map([...view.jobs].map(([uid, job]) => [uid, new Map(job.ready.map((task) => [task.seq, task]))]));
  const chosen = placements.slice(0, windowSize).map(({ jobUid, seq, nodeId, ahead }) => {
    const job = view.jobs.get(jobUid)!;
    const task = bySeq.get(jobUid)!.get(seq)!;
    return { job, task, node: view.nodes.get(nodeId)!, ahead, after: placeTask(task, { poolId: view.pool!.id, nodeId }) };
  });
  // Before the commit, so that nothing comes between it and the orders: what is stopped in between is stopped after it was started.
  const wanted = findPackages(
    context,
    view.accountId,
    chosen.map((one) => one.task),
  );
  const packagesOf = wanted && (await wanted);
  const signing = signTokens(
    context,
    chosen.map(({ after, job }) => ({ task: after, job: job.job })),
  );
  const tokenOf = signing && (await signing);
  const jobs = new Set(chosen.map((one) => one.job));
  const nodes = new Set(chosen.map((one) => one.node));
  try {
    await store.commit([
      ...[...jobs].map(({ job }) => checkJob(job, ["active"])),
      checkNodesTakeTasks([...nodes].map(({ node }) => node)),
      ...placeTasks(chosen.map(({ task, after }) => ({ task, nodeId: after.nodeId!, attempt: after.attempt, execution: after.execution }))),
    ]);
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    for (const job of jobs) job.ready = [];
    view.stale = true;
    return true;
  }
  const placed = new Map(chosen.map((one) => [one, { ...one.after, generation: one.task.generation + 1 }]));
  for (const job of jobs) {
    const gone = new Set(chosen.filter((one) => one.job === job).map((one) => one.task.seq));
    job.ready = job.ready.filter((task) => !gone.has(task.seq));
  }
  for (const task of placed.values()) board.note(view, task);
  sendOrders(
    context,
    chosen.map((one) => ({ node: one.node, job: one.job, task: placed.get(one)! })),
    { packagesOf, tokenOf },
  );
  measure(context, chosen);
  return true;
};

const sendOrders = (
  context: Context,
  placed: readonly { node: NodeView; job: JobView; task: Task }[],
  extras: { packagesOf?: PackagesOf; tokenOf?: TokenOf },
): void => {
  for (const [agentId, some] of Map.groupBy(placed, (one) => one.node.node.agentId!)) {
    context.channel.send(agentId, {
      type: "startTasks",
      tasks: some.map(({ task, job }) => taskOrder(task, job.job, context.containerUrl, extras)),
    });
  }
};

/** From when both the task and a place for it were there. */
const measure = (context: Context, chosen: readonly { task: Task; node: NodeView; ahead: boolean }[]): void => {
  const now = context.clock.now();
  for (const { task, node, ahead } of chosen) {
    const possibleSince = Math.max(task.stateChangedAt, node.freedAt, node.node.stateChangedAt);
    if (!ahead) context.metrics.dispatched(Math.max(0, now - possibleSince));
  }
};

/** Asks for them back; those that have not started come as `withdrawn`, and the loop is rung by that report. */
const withdraw = (context: Context, view: PoolView, keys: readonly string[]): void => {
  const wanted = new Set(keys);
  for (const { node, placed } of view.nodes.values()) {
    const tasks = [...placed.values()].filter((task) => task.state === "active" && wanted.has(taskKey(task)));
    if (tasks.length === 0 || node.agentId === undefined) continue;
    const message: ToAgent = { type: "withdrawTasks", tasks: tasks.map(refOf) };
    context.channel.send(node.agentId, message);
  }
};
