// What agents report of attempts: each batch of events becomes one commit (tasks, counts, dependents, node counters, job actions), then
// the loops and reconcilers concerned are rung. Results of an attempt that is not the task's current one are refused: they change nothing.
import type { AgentEvent, TaskRef } from "../api/agent/messages.ts";
import { type Job, type JobAction, takeJobAction } from "../domain/jobs.ts";
import { countFinished, type Node, type RecentTask } from "../domain/nodes.ts";
import { finishTask } from "../domain/task-results.ts";
import { isPlaced, recoverTask, startTask, type Task, withdrawTask } from "../domain/tasks.ts";
import { Conflict, type Write } from "../store/db.ts";
import { getJobByUid, saveJob } from "../store/jobs.ts";
import { saveNodes } from "../store/nodes.ts";
import { getTasks, saveTasks } from "../store/tasks.ts";
import { type PoolView, taskKey } from "./board.ts";
import type { Context } from "./context.ts";
import { paceAfter } from "./prefetch.ts";

export type TaskEvent = Extract<AgentEvent, { type: "started" | "finished" | "stopped" }>;

/** A task touched by the batch: as it was read, and as the events so far leave it. */
type Fold = { before: Task; after: Task; view: PoolView; nodeId: string };
type Ended = { view: PoolView; nodeId: string; task: Task; kind: "success" | "failure" | "retry"; durationMs: number };
type Batch = {
  folds: Map<string, Fold>;
  ended: Ended[];
  recovered: number;
  jobActions: Map<number, { accountId: number; action: JobAction }>;
  stale: TaskEvent[];
};

const attemptsAtConflict = 50;

/** Durable when it resolves. Events about tasks that are not placed with that attempt any more are dropped. */
export const applyTaskEvents = async (context: Context, events: readonly TaskEvent[]): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    const batch = await decide(context, events, attempt > 1);
    try {
      const { writes, nodes, jobs } = await writesOf(context, batch);
      if (writes.length > 0) await context.store.commit(writes);
      afterCommit(context, batch, nodes, jobs);
      return;
    } catch (error) {
      if (!(error instanceof Conflict) || attempt === attemptsAtConflict) throw error;
    }
  }
};

const refKey = (ref: TaskRef): string => `${ref.accountId}.${ref.jobUid}.${ref.seq}`;

/** Folds the events over the tasks. With `fresh` everything is read from the store, because the board was out of date. */
const decide = async (context: Context, events: readonly TaskEvent[], fresh: boolean): Promise<Batch> => {
  const batch: Batch = { folds: new Map(), ended: [], recovered: 0, jobActions: new Map(), stale: [] };
  const views = await viewsOf(context, events, fresh);
  const missing: TaskEvent[] = [];
  for (const event of events) {
    const key = refKey(event.ref);
    const view = views.get(event.nodeId);
    if (view === undefined || batch.folds.has(key)) continue;
    const held = fresh ? undefined : view.nodes.get(event.nodeId)?.placed.get(taskKey(event.ref));
    if (held?.attempt === event.ref.attempt) batch.folds.set(key, { before: held, after: held, view, nodeId: event.nodeId });
    else missing.push(event);
  }
  await readMissing(context, batch, views, missing);
  const now = context.clock.now();
  for (const event of events) {
    const fold = batch.folds.get(refKey(event.ref));
    if (fold === undefined || !isPlaced(fold.after) || fold.after.nodeId !== event.nodeId || fold.after.attempt !== event.ref.attempt)
      batch.stale.push(event);
    else await applyEvent(context, batch, fold, event, now);
  }
  return batch;
};

const viewsOf = async (context: Context, events: readonly TaskEvent[], fresh: boolean): Promise<Map<string, PoolView>> => {
  const views = new Map<string, PoolView>();
  for (const nodeId of new Set(events.map((event) => event.nodeId))) {
    const view = await context.board.viewOfNode(context.store, nodeId);
    if (view === undefined) continue;
    views.set(nodeId, view);
    if (fresh) view.stale = true;
  }
  for (const view of new Set(views.values())) if (fresh) await context.board.refresh(context.store, view);
  return views;
};

const readMissing = async (
  context: Context,
  batch: Batch,
  views: ReadonlyMap<string, PoolView>,
  missing: readonly TaskEvent[],
): Promise<void> => {
  if (missing.length === 0) return;
  const tasks = await getTasks(
    context.store,
    missing.map((event) => event.ref),
  );
  tasks.forEach((task, index) => {
    const event = missing[index]!;
    const view = views.get(event.nodeId);
    if (task !== undefined && view !== undefined)
      batch.folds.set(refKey(event.ref), { before: task, after: task, view, nodeId: event.nodeId });
  });
};

const applyEvent = async (context: Context, batch: Batch, fold: Fold, event: TaskEvent, now: number): Promise<void> => {
  if (event.type === "started") {
    fold.after = started(fold.after, event.startedAt, batch);
    return;
  }
  if (event.type === "stopped") {
    if (event.reason !== "withdrawn") batch.recovered += 1;
    fold.after = event.reason === "withdrawn" ? withdrawTask(fold.after, now) : recoverTask(fold.after, now);
    return;
  }
  const job = await jobOf(context, fold);
  // Its job is gone: so will the task be, and nobody will ask for its result.
  if (job === undefined) return;
  const verdict = finishTask(fold.after, job, event.outcome, now);
  fold.after = verdict.after;
  const durationMs = event.outcome.endedAt - event.outcome.startedAt;
  batch.ended.push({ view: fold.view, nodeId: event.nodeId, task: verdict.after, kind: verdict.kind, durationMs });
  if (verdict.jobAction !== "none" && batch.jobActions.get(job.uid)?.action !== "terminate") {
    batch.jobActions.set(job.uid, { accountId: job.accountId, action: verdict.jobAction });
  }
};

/** A second start of the same attempt means that its first process was lost with the agent and never reported. */
const started = (task: Task, startedAt: number, batch: Batch): Task => {
  if (task.state !== "running") return startTask(task, startedAt);
  if (task.execution.startTime === startedAt) return task;
  batch.recovered += 1;
  const again = startTask(task, startedAt);
  return { ...again, execution: { ...again.execution, recoveryCount: (again.execution.recoveryCount ?? 0) + 1 } };
};

const jobOf = async (context: Context, fold: Fold): Promise<Job | undefined> =>
  fold.view.jobs.get(fold.before.jobUid)?.job ?? (await getJobByUid(context.store, fold.before.accountId, fold.before.jobUid));

type Changes = { writes: Write[]; nodes: { view: PoolView; node: Node }[]; jobs: Job[] };

const writesOf = async (context: Context, batch: Batch): Promise<Changes> => {
  const changed = [...batch.folds.values()].filter(({ before, after }) => before !== after);
  if (changed.length === 0) return { writes: [], nodes: [], jobs: [] };
  const nodes = await countedNodes(context, batch);
  const jobs = await actedJobs(context, batch);
  const writes = [...saveTasks(changed), ...(nodes.length === 0 ? [] : saveNodes(nodes.map(({ node }) => node))), ...jobs.flatMap(saveJob)];
  return { writes, nodes, jobs };
};

/** Nodes with their counters moved on, once a node whatever the number of its tasks. */
const countedNodes = async (context: Context, batch: Batch): Promise<{ view: PoolView; node: Node }[]> => {
  const counted: { view: PoolView; node: Node }[] = [];
  const completed = batch.ended.filter((one) => one.kind !== "retry");
  for (const [nodeId, some] of Map.groupBy(completed, (one) => one.nodeId)) {
    const { view } = some[0]!;
    const node = view.nodes.get(nodeId)?.node;
    if (node === undefined) continue;
    const finished: { task: RecentTask; succeeded: boolean }[] = [];
    for (const { task, kind } of some) {
      const job = view.jobs.get(task.jobUid)?.job ?? (await getJobByUid(context.store, task.accountId, task.jobUid));
      if (job === undefined) continue;
      finished.push({ task: { jobUid: task.jobUid, jobId: job.id, seq: task.seq, taskId: task.id }, succeeded: kind === "success" });
    }
    counted.push({ view, node: countFinished(node, finished) });
  }
  return counted;
};

const actedJobs = async (context: Context, batch: Batch): Promise<Job[]> => {
  const jobs: Job[] = [];
  for (const [uid, { accountId, action }] of batch.jobActions) {
    const job = await getJobByUid(context.store, accountId, uid);
    if (job === undefined) continue;
    const after = takeJobAction(job, action, context.clock.now());
    if (after !== job) jobs.push(after);
  }
  return jobs;
};

const afterCommit = (context: Context, batch: Batch, nodes: Changes["nodes"], jobs: readonly Job[]): void => {
  const { board } = context;
  for (const { node, view } of nodes) board.noteNode(view, { ...node, generation: node.generation + 1 });
  const jobsOfViews = new Map<PoolView, Set<number>>();
  const touch = (view: PoolView, jobUid: number): void => {
    const uids = jobsOfViews.get(view);
    if (uids === undefined) jobsOfViews.set(view, new Set([jobUid]));
    else uids.add(jobUid);
  };
  for (const { before, after, view } of batch.folds.values()) {
    const saved = after === before ? after : { ...after, generation: before.generation + 1 };
    if (before.nodeId !== undefined && before.nodeId !== saved.nodeId) board.drop(before.nodeId, before);
    board.note(view, saved);
    noteReady(view, before, saved);
    touch(view, saved.jobUid);
  }
  for (const event of batch.stale) {
    const view = board.drop(event.nodeId, event.ref);
    if (view !== undefined) touch(view, event.ref.jobUid);
  }
  learn(context, batch);
  for (const [view, uids] of jobsOfViews) {
    for (const job of jobs) markStale(view, job);
    ringPool(context, view, batch);
    for (const uid of uids) ringJob(context, view, uid);
  }
  for (const job of jobs) context.bells.job({ accountId: job.accountId, jobKey: job.key });
};

const markStale = (view: PoolView, job: Job): void => {
  if (view.poolKey === job.poolKey && view.accountId === job.accountId) view.stale = true;
};

/** A task that has left its node may be one to place again, or have released others. */
const noteReady = (view: PoolView, before: Task, after: Task): void => {
  const job = view.jobs.get(after.jobUid);
  if (job !== undefined && !isPlaced(after) && (after.state === "active" || after.satisfied !== before.satisfied)) job.exhausted = false;
};

/**
 * Rings the reconciler of a job once nothing of it is placed any more: before that it can neither be complete nor have been emptied. That
 * spares reading the job with every report.
 */
const ringJob = (context: Context, view: PoolView, jobUid: number): void => {
  for (const { placed } of view.nodes.values()) for (const task of placed.values()) if (task.jobUid === jobUid) return;
  const job = view.jobs.get(jobUid)?.job;
  if (job !== undefined) context.bells.job({ accountId: job.accountId, jobKey: job.key });
  else void ringByUid(context, { accountId: view.accountId, jobUid });
};

const ringByUid = async (context: Context, task: { accountId: number; jobUid: number }): Promise<void> => {
  try {
    const job = await getJobByUid(context.store, task.accountId, task.jobUid);
    if (job !== undefined) context.bells.job({ accountId: job.accountId, jobKey: job.key });
  } catch (error) {
    context.log.error({ err: error, jobUid: task.jobUid }, "a job could not be read after its task had ended");
  }
};

const learn = (context: Context, batch: Batch): void => {
  for (const { view, nodeId, task, kind, durationMs } of batch.ended) {
    const node = view.nodes.get(nodeId);
    const job = view.jobs.get(task.jobUid);
    if (node !== undefined) {
      node.pace = paceAfter(node.pace, durationMs);
      node.freedAt = context.clock.now();
    }
    if (job !== undefined) job.pace = paceAfter(job.pace, durationMs);
    context.metrics.taskEnded(kind);
  }
  for (let count = 0; count < batch.recovered; count++) context.metrics.taskEnded("recovery");
};

const ringPool = (context: Context, view: PoolView, batch: Batch): void => {
  context.bells.loop(view);
  const nodeIds = new Set([...batch.folds.values()].map((fold) => fold.nodeId));
  if ([...nodeIds].some((id) => view.nodes.get(id)?.node.leaving !== undefined)) context.bells.pool(view);
};
