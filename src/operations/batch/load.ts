// What handlers begin and end with: finding what a request names, or its refusal; checking conditions; a page of a list.
import { ApiError, type ErrorCode } from "../../api/errors.ts";
import type { Job } from "../../domain/jobs.ts";
import { keyOf } from "../../domain/new-pool.ts";
import type { Node } from "../../domain/nodes.ts";
import type { Pool } from "../../domain/pools.ts";
import type { Task } from "../../domain/tasks.ts";
import type { Reader } from "../../store/db.ts";
import { getJob } from "../../store/jobs.ts";
import { getNode } from "../../store/nodes.ts";
import { getPool } from "../../store/pools.ts";
import { getTask } from "../../store/tasks.ts";

export const loadPool = async (read: Reader, accountId: number, poolId: string): Promise<Pool> => {
  const pool = await getPool(read, accountId, keyOf(poolId));
  if (pool === undefined) throw new ApiError("PoolNotFound");
  return pool;
};

/** With its pool, because each says what the other does not. */
export const loadNode = async (read: Reader, accountId: number, poolId: string, nodeId: string): Promise<{ pool: Pool; node: Node }> => {
  const pool = await loadPool(read, accountId, poolId);
  const node = await getNode(read, accountId, pool.key, nodeId.toLowerCase());
  if (node === undefined) throw new ApiError("NodeNotFound");
  return { pool, node };
};

export const loadJob = async (read: Reader, accountId: number, jobId: string): Promise<Job> => {
  const job = await getJob(read, accountId, keyOf(jobId));
  if (job === undefined) throw new ApiError("JobNotFound");
  return job;
};

export const loadTask = async (read: Reader, accountId: number, jobId: string, taskId: string): Promise<{ job: Job; task: Task }> => {
  const job = await loadJob(read, accountId, jobId);
  const task = await getTask(read, accountId, job.uid, keyOf(taskId));
  if (task === undefined) throw new ApiError("TaskNotFound");
  return { job, task };
};

/** What a rule of the domain made of a resource, or the error that it refuses with. */
export const allowed = <T>(verdict: { readonly after: T } | { readonly refused: ErrorCode }): T => {
  if ("refused" in verdict) throw new ApiError(verdict.refused);
  return verdict.after;
};

/** Cuts what was read with one element more than the page holds, and says where the next page starts. */
export const cutPage = <T>(
  elements: readonly T[],
  limit: number,
  key: (element: T) => string,
): { elements: readonly T[]; next?: string } => {
  if (elements.length <= limit) return { elements };
  const shown = elements.slice(0, limit);
  return { elements: shown, next: key(shown[shown.length - 1]!) };
};
