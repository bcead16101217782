// Why something does not make progress: a code for programs and a sentence for people. Pure. The `held` of jobs and tasks is set from here
// when they are created: what needs a part of the service that this release does not have never silently runs without it.
import type { Job, JobSpec } from "./jobs.ts";
import { type Node, takesTasks } from "./nodes.ts";
import type { Pool, PoolSpec } from "./pools.ts";
import type { Task, TaskSpec } from "./tasks.ts";

const sentences = {
  JobManagerTaskNotSupported: "The job has a job manager task, which this release cannot run yet.",
  JobPreparationTaskNotSupported: "The job has a preparation task, which this release cannot run yet.",
  JobReleaseTaskNotSupported: "The job has a release task, which this release cannot run yet.",
  MultiInstanceNotSupported: "The task runs on several nodes at once, which this release cannot do yet.",
  ContainerSettingsNotSupported: "It runs in a container, which this release cannot do yet.",
  AutoStorageNotSupported: "It takes or leaves files with a managed identity, which this release cannot do yet.",
  MountsNotSupported: "The pool mounts file systems on its nodes, which this release cannot do yet.",
  ImageNotAvailable: "The image cannot be run on this machine.",
  ImageNotBootable:
    "The image is a root file system that was imported; nodes cannot be started from one yet, and it is never run on the host.",
  AllocationFailed: "Nodes for the pool could not be had.",
  FormulaFailed: "The formula that gives the pool its size could not be evaluated.",
  PoolNotFound: "The job's pool does not exist.",
  PoolBeingDeleted: "The pool is being deleted.",
  PoolResizing: "The pool is being resized.",
  NoNodes: "The pool has no nodes.",
  NodesStarting: "The nodes of the pool are starting.",
  NoUsableNodes: "No node of the pool can take tasks.",
  NotEnoughSlots: "The task needs more task slots than a node of the pool has.",
  DependenciesNotSatisfied: "Tasks that it depends on have not completed as they should.",
  JobDisabled: "The job is disabled.",
  JobEnded: "The job has ended; tasks that were active stay so.",
  SlotsBusy: "All task slots of the pool are taken.",
  MaxParallelTasksReached: "As many tasks of the job are running as its maxParallelTasks allows.",
  Queued: "It is about to be placed on a node.",
  Placed: "It has a place on a node and waits for its turn there.",
  StartTaskFailed: "The start task of the node failed.",
  NodeUnusable: "The node is unusable; its errors say why.",
  NodeUnreachable: "The agent that hosts the node is not connected.",
  NodeOffline: "Scheduling is disabled on the node.",
  NodeLeaving: "The node waits for its tasks before it leaves the pool, stops or boots again.",
  NodeDeallocated: "The node is deallocated; it takes tasks again once it is started.",
} as const;

export type WaitingCode = keyof typeof sentences;
export type Waiting = { code: WaitingCode; message: string };
export const waiting = (code: WaitingCode): Waiting => ({ code, message: sentences[code] });

/** Codes are stored with jobs and tasks; one of a later release may be found after a step back. */
export const waitingFromCode = (code: string): Waiting =>
  code in sentences ? waiting(code as WaitingCode) : { code: code as WaitingCode, message: `Held: ${code}.` };

const present = (list: readonly unknown[] | undefined): boolean => list !== undefined && list.length > 0;

/** What keeps all tasks of such a job from running in this release. */
export const jobHeldBecause = (spec: JobSpec): WaitingCode | undefined => {
  if (spec.jobManagerTask !== undefined) return "JobManagerTaskNotSupported";
  if (spec.jobPreparationTask !== undefined) return "JobPreparationTaskNotSupported";
  if (spec.jobReleaseTask !== undefined) return "JobReleaseTaskNotSupported";
  return undefined;
};

/** What keeps such a task from running in this release. */
export const taskHeldBecause = (spec: TaskSpec): WaitingCode | undefined => {
  if (spec.multiInstanceSettings !== undefined) return "MultiInstanceNotSupported";
  if (spec.containerSettings !== undefined) return "ContainerSettingsNotSupported";
  return needsIdentity(spec) ? "AutoStorageNotSupported" : undefined;
};

const needsIdentity = (spec: Pick<TaskSpec, "resourceFiles" | "outputFiles">): boolean =>
  (spec.resourceFiles ?? []).some((file) => file.identityReference !== undefined) ||
  (spec.outputFiles ?? []).some((file) => file.destination.container?.identityReference !== undefined);

/** What keeps a pool of such a specification without nodes in this release. */
export const poolHeldBecause = (spec: PoolSpec): WaitingCode | undefined => {
  if (spec.virtualMachineConfiguration?.containerConfiguration !== undefined) return "ContainerSettingsNotSupported";
  if (present(spec.mountConfiguration)) return "MountsNotSupported";
  const start = spec.startTask;
  if (start?.containerSettings !== undefined) return "ContainerSettingsNotSupported";
  return start !== undefined && needsIdentity({ resourceFiles: start.resourceFiles }) ? "AutoStorageNotSupported" : undefined;
};

export type Surroundings = { job: Job; pool?: Pool; nodes: readonly Node[] /** Tasks of the job that are placed. */; placedOfJob: number };

/** Why a task is not running; undefined when it is running or completed. */
export const taskWaiting = (task: Task, around: Surroundings): Waiting | undefined => {
  if (task.state === "completed" || task.state === "running") return undefined;
  if (task.held !== undefined) return waitingFromCode(task.held);
  const ofJob = jobWaiting(around);
  if (ofJob !== undefined) return ofJob;
  if (task.blocked > 0) return waiting("DependenciesNotSatisfied");
  if (task.slots > (around.pool?.spec.taskSlotsPerNode ?? 1)) return waiting("NotEnoughSlots");
  if (task.nodeId !== undefined) return waiting("Placed");
  const limit = around.job.spec.maxParallelTasks ?? -1;
  if (limit > 0 && around.placedOfJob >= limit) return waiting("MaxParallelTasksReached");
  return waiting("SlotsBusy");
};

/** Why nothing of a job can run now. */
export const jobWaiting = (around: Omit<Surroundings, "placedOfJob">): Waiting | undefined => {
  const { job, pool, nodes } = around;
  if (job.state === "terminating" || job.state === "completed" || job.state === "deleting") return waiting("JobEnded");
  if (job.held !== undefined) return waitingFromCode(job.held);
  if (job.state !== "active") return waiting("JobDisabled");
  return pool === undefined ? waiting("PoolNotFound") : poolWaiting(pool, nodes);
};

/** Why a pool takes no tasks. */
export const poolWaiting = (pool: Pool, nodes: readonly Node[]): Waiting | undefined => {
  if (pool.state === "deleting") return waiting("PoolBeingDeleted");
  if (nodes.some(takesTasks)) return undefined;
  const held = poolHeldBecause(pool.spec);
  if (held !== undefined) return waiting(held);
  if (nodes.length === 0) return allocationFailure(pool) ?? formulaFailure(pool) ?? waiting("NoNodes");
  return waiting(
    nodes.some((node) => node.state === "creating" || node.state === "starting" || node.state === "waitingforstarttask")
      ? "NodesStarting"
      : "NoUsableNodes",
  );
};

/** In the words of the resize that failed. */
const allocationFailure = (pool: Pool): Waiting | undefined => {
  const error = pool.resizeErrors?.find(({ code }) => code === "AllocationFailed" || code.endsWith("QuotaReached"));
  if (error === undefined) return undefined;
  if (error.code !== "AllocationFailed") return { code: "AllocationFailed", message: `${error.message}.` };
  const reason = error.values?.find(({ name }) => name === "Reason")?.value;
  const ofImage = (["ImageNotAvailable", "ImageNotBootable"] as const).find((code) => reason === sentences[code]);
  if (ofImage !== undefined) return waiting(ofImage);
  return reason === undefined ? waiting("AllocationFailed") : { code: "AllocationFailed", message: reason };
};

/** In the words of the evaluation that failed. */
const formulaFailure = (pool: Pool): Waiting | undefined => {
  const error = pool.autoScale?.run?.error;
  if (error === undefined) return undefined;
  const detail = error.values?.find(({ name }) => name === "Message")?.value;
  return { code: "FormulaFailed", message: detail === undefined ? error.message : `${error.message} (${detail})` };
};

/** Why a node takes no tasks. */
export const nodeWaiting = (node: Node): Waiting | undefined => {
  if (takesTasks(node)) return undefined;
  if (node.leaving !== undefined && node.leaving.kind !== "disable") return waiting("NodeLeaving");
  if (node.state === "starttaskfailed") return waiting("StartTaskFailed");
  if (node.state === "unusable") return waiting("NodeUnusable");
  if (node.state === "unknown") return waiting("NodeUnreachable");
  if (node.state === "deallocated") return waiting("NodeDeallocated");
  return waiting(node.schedulingState === "disabled" ? "NodeOffline" : "NodesStarting");
};
