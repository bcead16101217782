// Carries jobs on: disabling, enabling, terminating, deleting, ending when all tasks are complete or the wall clock runs out, and auto pools
// that go with their job. Works in bounded slices. Without input but the store; may run at any time and twice.
import type { TaskRef } from "../../api/agent/messages.ts";
import { scheduleKeyOf } from "../../domain/job-schedules.ts";
import { allTasksComplete, type Job, jobDirectory, settleJob, terminateJob, wallClockEnd } from "../../domain/jobs.ts";
import { deletePool } from "../../domain/pools.ts";
import { isPlaced, requeueTask, type Task, terminateTask, withdrawTask } from "../../domain/tasks.ts";
import { addChores, type NodeChore } from "../../store/chores.ts";
import type { Reader, Write } from "../../store/db.ts";
import { getJobSchedule } from "../../store/job-schedules.ts";
import { checkCounts, deleteJob, getJob, jobCounts, saveJob } from "../../store/jobs.ts";
import { getPool, savePool } from "../../store/pools.ts";
import { deleteTasksOfJob, nodesOfJob, placedTasksOfJob, saveTasks } from "../../store/tasks.ts";
import type { Context, JobKey } from "../context.ts";
import { refOf } from "../orders.ts";

/** Tasks dealt with in one commit. */
const slice = 500;

type Step = {
  writes: Write[];
  job?: Job;
  /** Not the job's any more: their processes end. */
  stopped: Task[];
  /** Not begun, and not to begin. */
  waiting: Task[];
  chores: NodeChore[];
  /** Something was done, and more may be left. */
  again: boolean;
  /** The job's pool is to go as well; its reconciler finds that only once it is committed. */
  ringPool?: boolean;
  /** The job's row is gone. */
  gone?: true;
};
const still = (job?: Job): Step => ({ writes: [], job, stopped: [], waiting: [], chores: [], again: false });

export const reconcileJob = async (context: Context, key: JobKey): Promise<void> => {
  const step = await context.store.decide(async (read) => {
    const job = await getJob(read, key.accountId, key.jobKey);
    const step = job === undefined ? still() : await nextStep(context, read, job);
    return { writes: step.writes, result: step };
  });
  if (step.job === undefined) return;
  await tell(context, step.job, step);
  if (step.ringPool === true) context.bells.pool({ accountId: step.job.accountId, poolKey: step.job.poolKey });
  if (step.again) context.bells.job(key);
  // Its end, or that it is gone, may be what a schedule waits for.
  const scheduleKey = scheduleKeyOf(key.jobKey);
  if (step.gone === true) context.bells.lessIn(key.accountId);
  if (scheduleKey !== undefined && step.writes.length > 0) context.bells.jobSchedule({ accountId: key.accountId, scheduleKey });
};

const nextStep = async (context: Context, read: Reader, job: Job): Promise<Step> => {
  const now = context.clock.now();
  const ends = wallClockEnd(job);
  if (
    Number.isFinite(ends) &&
    (job.state === "active" || job.state === "disabled" || job.state === "disabling" || job.state === "enabling")
  ) {
    if (ends <= now) return ending(job, "MaxWallClockTimeExpiry", now);
    context.bells.jobAfter({ accountId: job.accountId, jobKey: job.key }, ends - now);
  }
  switch (job.state) {
    case "active":
      return whenComplete(read, job, now);
    case "enabling":
      return { ...still(job), writes: saveJob(settleJob(job, now)), again: true };
    case "disabling":
      return disabling(read, job, now);
    case "terminating":
      return terminating(read, job, now);
    case "deleting":
      return deleting(context, read, job, now);
    default:
      return still(job);
  }
};

const ending = (job: Job, reason: string, now: number, guards: Write[] = []): Step => {
  const next = terminateJob(job, reason, now);
  return "after" in next ? { ...still(job), writes: [...guards, ...saveJob(next.after)], again: true } : still(job);
};

const whenComplete = async (read: Reader, job: Job, now: number): Promise<Step> => {
  const counts = await jobCounts(read, job.accountId, job.uid);
  if (counts === undefined || !allTasksComplete(job, counts)) return still(job);
  // The guard: a task that is added at this moment keeps the job going.
  return ending(job, "AllTasksComplete", now, [checkCounts(job.accountId, job.uid, counts)]);
};

const disabling = async (read: Reader, job: Job, now: number): Promise<Step> => {
  const mode = job.pending?.kind === "disable" ? job.pending.tasks : "requeue";
  const placed = await placedTasksOfJob(read, job, slice);
  if (placed.length === 0) return { ...still(job), writes: saveJob(settleJob(job, now)), again: true };
  if (mode === "wait") return { ...still(job), waiting: placed.filter((task) => task.state === "active") };
  const after = (task: Task): Task => (mode === "terminate" ? ended(task, now) : requeueTask(task, now));
  return { ...still(job), writes: saveTasks(placed.map((task) => ({ before: task, after: after(task) }))), stopped: placed, again: true };
};

const terminating = async (read: Reader, job: Job, now: number): Promise<Step> => {
  const placed = await placedTasksOfJob(read, job, slice);
  if (placed.length > 0) {
    return {
      ...still(job),
      writes: saveTasks(placed.map((task) => ({ before: task, after: ended(task, now) }))),
      stopped: placed,
      again: true,
    };
  }
  const poolGone = await autoPoolGone(read, job, now);
  return { ...still(job), writes: [...saveJob(settleJob(job, now)), ...poolGone], ringPool: poolGone.length > 0 };
};

/** Running tasks are ended; one that had not begun is, to its user, still active and stays so. */
const ended = (task: Task, now: number): Task => {
  if (task.state === "active") return withdrawTask(task, now);
  const { after } = terminateTask(task, now) as { after: Task };
  return after;
};

/** Ends what runs, asks the nodes for the removal of the job's directories, then removes the rows slice by slice, the job's own last. */
const deleting = async (context: Context, read: Reader, job: Job, now: number): Promise<Step> => {
  const placed = await placedTasksOfJob(read, job, slice);
  if (placed.length > 0) {
    const changes = placed.map((task) => ({ before: task, after: withdrawTask(task, now) }));
    return { ...still(job), writes: saveTasks(changes), stopped: placed, again: true };
  }
  const chores = await directoryChores(context, read, job);
  const { writes, deleted } = await deleteTasksOfJob(read, { accountId: job.accountId, jobUid: job.uid, limit: slice });
  const added = chores.length === 0 ? [] : addChores(chores);
  if (deleted > 0) return { ...still(job), writes: [...added, ...writes], chores, again: true };
  const poolGone = await autoPoolGone(read, job, now);
  return { ...still(job), writes: [...poolGone, ...deleteJob(job)], ringPool: poolGone.length > 0, gone: true };
};

/** One a node for the whole job directory, written with every slice that names the node: doing it twice does no harm. */
const directoryChores = async (context: Context, read: Reader, job: Job): Promise<NodeChore[]> => {
  const nodes = await nodesOfJob(read, job, slice);
  const path = await directoryOf(read, job);
  return nodes.map((nodeId) => ({ accountId: job.accountId, nodeId, id: context.clock.stamp(), chore: { type: "removeDirectory", path } }));
};

/** A schedule's directory has those of all of its jobs: it goes with them when the schedule does. */
const directoryOf = async (read: Reader, job: Job): Promise<string> => {
  const scheduleKey = scheduleKeyOf(job.key);
  if (scheduleKey === undefined) return `workitems/${job.id}`;
  const schedule = await getJobSchedule(read, job.accountId, scheduleKey);
  return schedule?.state === "deleting" ? `workitems/${schedule.id}` : jobDirectory(job.id);
};

/** The pool that was made for the job goes with it, unless it is to stay. */
const autoPoolGone = async (read: Reader, job: Job, now: number): Promise<Write[]> => {
  const specification = job.spec.poolInfo.autoPoolSpecification;
  if (specification === undefined || specification.keepAlive === true) return [];
  return ownPoolGone(read, { accountId: job.accountId, poolKey: job.poolKey, owner: job.key }, now);
};

/** The automatic pool begins to go, if it is the owner's: a job's, or that of a schedule. */
export const ownPoolGone = async (
  read: Reader,
  { accountId, poolKey, owner }: { accountId: number; poolKey: string; owner: string },
  now: number,
): Promise<Write[]> => {
  const pool = await getPool(read, accountId, poolKey);
  if (pool === undefined || pool.autoPoolJob !== owner) return [];
  const next = deletePool(pool, now);
  return "after" in next ? savePool(next.after) : [];
};

const tell = async (context: Context, job: Job, step: Step): Promise<void> => {
  const view = context.board.view({ accountId: job.accountId, poolKey: job.poolKey });
  const agentOf = (nodeId: string): string | undefined => view.nodes.get(nodeId)?.node.agentId;
  for (const [type, tasks] of [["stopTasks", step.stopped] as const, ["withdrawTasks", step.waiting] as const]) {
    const byAgent = Map.groupBy(tasks.filter(isPlaced), (task) => agentOf(task.nodeId!));
    for (const [agentId, some] of byAgent)
      if (agentId !== undefined) context.channel.send(agentId, { type, tasks: some.map((task): TaskRef => refOf(task)) });
  }
  for (const task of step.stopped) context.board.drop(task.nodeId!, task);
  for (const { nodeId, id, chore } of step.chores) {
    const agentId = agentOf(nodeId);
    if (agentId !== undefined) context.channel.send(agentId, { type: "chore", nodeId, choreId: id, chore });
  }
  if (step.writes.length === 0) return;
  view.stale = true;
  context.bells.loop(view);
};
