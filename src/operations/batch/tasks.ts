// What the operations on tasks do. Placing them on nodes is the scheduler's business: a handler commits what is wanted and rings.
// Adding a collection is the hottest request of all: one question for the ids that are taken, one commit, and little work a task.

import type * as api from "../../api/batch/tasks.ts";
import type { TaskAddResult } from "../../api/batch/tasks.ts";
import { ApiError } from "../../api/errors.ts";
import type { Infer } from "../../api/fields.ts";
import { checkConditions } from "../../domain/conditions.ts";
import { type Job, type JobState, jobStates } from "../../domain/jobs.ts";
import { inheritTaskRetries, newTask } from "../../domain/new-task.ts";
import { checkTask } from "../../domain/task-checks.ts";
import {
  isPlaced,
  reactivateTask as reactivatedTask,
  type Task,
  type TaskRefusal,
  type TaskSpec,
  taskStates,
  terminateTask as terminatedTask,
} from "../../domain/tasks.ts";
import { etagOf, type Instant, isoStamp, isoTime, type Stamp } from "../../lib/clock.ts";
import { addChores } from "../../store/chores.ts";
import type { Reader, Write } from "../../store/db.ts";
import { checkJob } from "../../store/jobs.ts";
import { getNode } from "../../store/nodes.ts";
import * as store from "../../store/tasks.ts";
import type { Handler, Preconditions, Services } from "../handler.ts";
import { allowed, cutPage, loadJob, loadTask } from "./load.ts";
import { statisticsOfTask } from "./statistics.ts";
import { taskRoot, taskUrl, taskView } from "./views/tasks.ts";

/** While a job is in one of these, tasks can be added to it and changed. */
const openStates: readonly JobState[] = jobStates.states.filter((state) => jobStates.next(state, "addTask").refused === undefined);

const refuseClosed = (job: Job): void => {
  const { refused } = jobStates.next(job.state, "addTask");
  if (refused !== undefined) throw new ApiError(refused);
};

/** What became of each task of a request: the task, or why it is not one. */
type Added = { job: Job; results: (Task | ApiError)[] };

const addTasks = async (
  { principal: { accountId }, jobId }: { principal: { accountId: number }; jobId: string },
  specs: readonly TaskSpec[],
  services: Services,
): Promise<Added> => {
  const added = await services.store.decide(async (read) => {
    const job = await loadJob(read, accountId, jobId);
    refuseClosed(job);
    const taken = await store.existingKeys(
      read,
      accountId,
      job.uid,
      specs.map((spec) => spec.id.toLowerCase()),
    );
    const results = specs.map((spec) => addTo(job, spec, taken, services.clock.stamp()));
    const tasks = results.filter((result): result is Task => !(result instanceof ApiError));
    const writes = tasks.length === 0 ? [] : [checkJob(job, openStates), ...store.insertTasks(tasks, tasks.flatMap(store.dependenciesOf))];
    return { writes, result: { job, results } };
  });
  services.wake.pool(accountId, added.job.poolKey);
  return added;
};

/** Of two tasks with one id in a request, the second finds it taken. */
const addTo = (job: Job, spec: TaskSpec, taken: Set<string>, stamp: Stamp): Task | ApiError => {
  const task = newTask(job, spec, stamp);
  if (taken.has(task.key)) return new ApiError("TaskExists");
  try {
    checkTask(spec, job.spec);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  taken.add(task.key);
  return task;
};

export const addTask: Handler<typeof api.addTask> = async ({ principal, params, body }, services) => {
  const { results } = await addTasks({ principal, jobId: params.jobId }, [body], services);
  const result = results[0]!;
  if (result instanceof ApiError) throw result;
  return { created: result.id, modified: result.modified };
};

export const addTaskCollection: Handler<typeof api.addTaskCollection> = async (request, services) => {
  const { principal, params, body, baseUrl } = request;
  const { job, results } = await addTasks({ principal, jobId: params.jobId }, body.value, services);
  const value = results.map((result, index): Infer<typeof TaskAddResult> => {
    if (result instanceof ApiError) return { status: "ClientError", taskId: body.value[index]!.id, error: errorView(result, request) };
    return {
      status: "Success",
      taskId: result.id,
      eTag: etagOf(result.modified),
      lastModified: isoStamp(result.modified),
      location: taskUrl(baseUrl, job.id, result.id),
    };
  });
  return { body: { value } };
};

/** As the pipeline writes the error of a request. */
const errorView = (error: ApiError, { requestId, now }: { requestId: string; now: Instant }): Infer<typeof TaskAddResult>["error"] => ({
  code: error.code,
  message: { lang: "en-US", value: `${error.message}\nRequestId:${requestId}\nTime:${isoTime(now)}` },
  values: error.values.length === 0 ? undefined : [...error.values],
});

export const getTask: Handler<typeof api.getTask> = async (request, { store: read }) => {
  const { principal, params, baseUrl } = request;
  const { job, task } = await loadTask(read, principal.accountId, params.jobId, params.taskId);
  checkConditions(request.preconditions, task.modified, "read");
  return { body: { ...taskView(task, job.id, baseUrl), stats: statisticsOfTask(task, job.id, request) }, modified: task.modified };
};

export const listTasks: Handler<typeof api.listTasks> = async (request, { store: read }) => {
  const { page, filter, baseUrl } = request;
  const job = await loadJob(read, request.principal.accountId, request.params.jobId);
  const found = await store.listTasks(read, { accountId: job.accountId, jobUid: job.uid, ...page, limit: page.limit + 1, filter });
  const { elements, next } = cutPage(found, page.limit, (task) => task.key);
  const items = elements.map((task) => ({ ...taskView(task, job.id, baseUrl), stats: statisticsOfTask(task, job.id, request) }));
  return { items, next };
};

/** Constraints that are left out go back to their defaults; the ETag changes, because this is what the client wrote. */
export const updateTask: Handler<typeof api.updateTask> = async (request, services) => {
  const { after } = await changeTask(request, services, (task, job) => {
    const move = taskStates.next(task.state, "update");
    if (move.refused !== undefined) return { refused: move.refused };
    const spec = inheritTaskRetries({ ...task.spec, constraints: request.body.constraints }, job);
    return { after: { ...task, spec, modified: services.clock.stamp() } };
  });
  return { modified: after.modified };
};

/** The ETag stays: it does not change with the state (real-behaviours.md section 3). */
export const terminateTask: Handler<typeof api.terminateTask> = async (request, services) => {
  const { before, after, job } = await changeTask(request, services, (task) => terminatedTask(task, request.now));
  stop(services, before);
  services.wake.job(job.accountId, job.key);
  services.wake.pool(job.accountId, job.poolKey);
  return { modified: after.modified };
};

export const reactivateTask: Handler<typeof api.reactivateTask> = async (request, services) => {
  const { after, job } = await changeTask(request, services, (task) => reactivatedTask(task, request.now));
  services.wake.pool(job.accountId, job.poolKey);
  return { modified: after.modified };
};

type TaskRequest = { principal: { accountId: number }; params: { jobId: string; taskId: string }; preconditions: Preconditions };

/** Loads, lets `change` decide, saves. Only tasks of a job that has not ended change. */
const changeTask = (
  { principal, params, preconditions }: TaskRequest,
  services: Services,
  change: (task: Task, job: Job) => { after: Task } | TaskRefusal,
): Promise<{ job: Job; before: Task; after: Task }> =>
  services.store.decide(async (read) => {
    const { job, task: before } = await loadTask(read, principal.accountId, params.jobId, params.taskId);
    checkConditions(preconditions, before.modified, "write");
    refuseClosed(job);
    const after = allowed(change(before, job));
    return { writes: [checkJob(job, openStates), ...store.saveTasks([{ before, after }])], result: { job, before, after } };
  });

/** The row goes at once, in whatever state; the process is stopped and the directory removed by what is rung for. */
export const deleteTask: Handler<typeof api.deleteTask> = async ({ principal, params, preconditions }, services) => {
  const { job, task, nodeId } = await services.store.decide(async (read) => {
    const { job, task } = await loadTask(read, principal.accountId, params.jobId, params.taskId);
    checkConditions(preconditions, task.modified, "write");
    if (job.state === "deleting") throw new ApiError("JobBeingDeleted");
    const chore = await removalOf(read, job, task, services.clock.stamp());
    return { writes: [...store.deleteTasks([task]), ...chore.writes], result: { job, task, nodeId: chore.nodeId } };
  });
  stop(services, task);
  if (nodeId !== undefined) services.wake.chores([{ accountId: task.accountId, nodeId }]);
  services.wake.job(job.accountId, job.key);
  services.wake.pool(job.accountId, job.poolKey);
  return {};
};

/** What is left of a task on the node where it ran, if that node is still there. */
const removalOf = async (read: Reader, job: Job, task: Task, id: Stamp): Promise<{ writes: Write[]; nodeId?: string }> => {
  const place = task.execution.node;
  if (place === undefined) return { writes: [] };
  const node = await getNode(read, task.accountId, place.poolId.toLowerCase(), place.nodeId);
  if (node === undefined) return { writes: [] };
  const chore = { type: "removeDirectory", path: taskRoot(job.id, task.id) } as const;
  return { writes: addChores([{ accountId: task.accountId, nodeId: node.id, id, chore }]), nodeId: node.id };
};

const stop = ({ wake }: Services, task: Task): void => {
  if (!isPlaced(task)) return;
  wake.stop([{ accountId: task.accountId, jobUid: task.jobUid, seq: task.seq, attempt: task.attempt, nodeId: task.nodeId! }]);
};
