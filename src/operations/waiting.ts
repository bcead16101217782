// Why something is not making progress, for an operator who asks: the answer of /_quern/why. The reasons are domain/waiting.ts's; this
// finds what they are to be decided on. It is an extension of Quern's own and no part of the Batch API.
import { ApiError } from "../api/errors.ts";
import type { Job } from "../domain/jobs.ts";
import { jobWaiting, nodeWaiting, poolHeldBecause, poolWaiting, taskWaiting, type Waiting, waiting } from "../domain/waiting.ts";
import type { Reader } from "../store/db.ts";
import { nodesOfPool } from "../store/nodes.ts";
import { getPool } from "../store/pools.ts";
import { allPlacedTasks } from "../store/tasks.ts";
import { loadJob, loadNode, loadPool, loadTask } from "./batch/load.ts";
import type { Services } from "./handler.ts";

/** A task is named with its job, a node with its pool. */
export type Subject = { poolId?: string; nodeId?: string; jobId?: string; taskId?: string };

export type Explanation = {
  subject: Subject;
  state: string;
  /** Empty when nothing keeps it: a running task, a pool that takes tasks. The first is the one to look at. */
  reasons: Waiting[];
};

/** Throws what the Batch API would answer for a subject that is not there, and MissingRequiredQueryParameter for none. */
export const explain = async (services: Pick<Services, "store" | "channel">, accountId: number, subject: Subject): Promise<Explanation> => {
  const { poolId, nodeId, jobId, taskId } = subject;
  if (jobId !== undefined && taskId !== undefined) return explainTask(services.store, accountId, jobId, taskId);
  if (jobId !== undefined) return explainJob(services.store, accountId, jobId);
  if (poolId !== undefined && nodeId !== undefined) return explainNode(services, accountId, poolId, nodeId);
  if (poolId !== undefined) return explainPool(services.store, accountId, poolId);
  throw new ApiError("MissingRequiredQueryParameter", [{ key: "QueryParameterName", value: "jobId" }]);
};

const listed = (...reasons: (Waiting | undefined)[]): Waiting[] => {
  const present = reasons.filter((reason) => reason !== undefined);
  return present.filter((reason, index) => present.findIndex((other) => other.code === reason.code) === index);
};

const poolOf = async (read: Reader, job: Job) => {
  const pool = await getPool(read, job.accountId, job.poolKey);
  return { pool, nodes: pool === undefined ? [] : await nodesOfPool(read, job.accountId, pool.key) };
};

const explainTask = async (read: Reader, accountId: number, jobId: string, taskId: string): Promise<Explanation> => {
  const { job, task } = await loadTask(read, accountId, jobId, taskId);
  const { pool, nodes } = await poolOf(read, job);
  const placedOfJob = (await allPlacedTasks(read, nodes)).filter((placed) => placed.jobUid === job.uid).length;
  const reasons = listed(taskWaiting(task, { job, pool, nodes, placedOfJob }));
  return { subject: { jobId: job.id, taskId: task.id }, state: task.state, reasons };
};

const explainJob = async (read: Reader, accountId: number, jobId: string): Promise<Explanation> => {
  const job = await loadJob(read, accountId, jobId);
  return { subject: { jobId: job.id }, state: job.state, reasons: listed(jobWaiting({ job, ...(await poolOf(read, job)) })) };
};

const explainPool = async (read: Reader, accountId: number, poolId: string): Promise<Explanation> => {
  const pool = await loadPool(read, accountId, poolId);
  const nodes = await nodesOfPool(read, accountId, pool.key);
  const held = poolHeldBecause(pool.spec);
  const resizing = pool.state === "active" && pool.allocationState !== "steady" ? waiting("PoolResizing") : undefined;
  const reasons = listed(poolWaiting(pool, nodes), held === undefined ? undefined : waiting(held), resizing);
  return { subject: { poolId: pool.id }, state: pool.state, reasons };
};

const explainNode = async (
  { store, channel }: Pick<Services, "store" | "channel">,
  accountId: number,
  poolId: string,
  nodeId: string,
): Promise<Explanation> => {
  const { pool, node } = await loadNode(store, accountId, poolId, nodeId);
  const reachable = node.agentId !== undefined && channel.isConnected(node.agentId);
  const reasons = listed(
    nodeWaiting(node),
    reachable || node.state === "creating" || node.state === "deallocated" ? undefined : waiting("NodeUnreachable"),
  );
  return { subject: { poolId: pool.id, nodeId: node.id }, state: node.state, reasons };
};
