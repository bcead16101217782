// Why a task, job, pool or node is not making progress: gathers from the store what domain/waiting.ts judges.
import { jobWaiting, nodeWaiting, poolWaiting, taskWaiting, type Waiting } from "../domain/waiting.ts";
import type { Reader } from "../store/db.ts";
import { getJob } from "../store/jobs.ts";
import { getNode, nodesOfPool } from "../store/nodes.ts";
import { getPool } from "../store/pools.ts";
import { getTask, placedTasksOfJob } from "../store/tasks.ts";

/** Each answers undefined when there is no such thing or when nothing keeps it waiting. */
export type Explain = {
  task(accountId: number, jobKey: string, taskKey: string): Promise<Waiting | undefined>;
  job(accountId: number, jobKey: string): Promise<Waiting | undefined>;
  pool(accountId: number, poolKey: string): Promise<Waiting | undefined>;
  node(accountId: number, poolKey: string, nodeId: string): Promise<Waiting | undefined>;
};

/** More than any `maxParallelTasks` that is worth explaining. */
const countedAtMost = 10_000;

export const makeExplain = (read: Reader): Explain => ({
  task: async (accountId, jobKey, taskKey) => {
    const job = await getJob(read, accountId, jobKey);
    const task = job && (await getTask(read, accountId, job.uid, taskKey));
    if (job === undefined || task === undefined) return undefined;
    const pool = await getPool(read, accountId, job.poolKey);
    const nodes = await nodesOfPool(read, accountId, job.poolKey);
    const placedOfJob = (await placedTasksOfJob(read, job, countedAtMost)).length;
    return taskWaiting(task, { job, pool, nodes, placedOfJob });
  },
  job: async (accountId, jobKey) => {
    const job = await getJob(read, accountId, jobKey);
    if (job === undefined) return undefined;
    const pool = await getPool(read, accountId, job.poolKey);
    return jobWaiting({ job, pool, nodes: await nodesOfPool(read, accountId, job.poolKey) });
  },
  pool: async (accountId, poolKey) => {
    const pool = await getPool(read, accountId, poolKey);
    return pool && poolWaiting(pool, await nodesOfPool(read, accountId, poolKey));
  },
  node: async (accountId, poolKey, nodeId) => {
    const node = await getNode(read, accountId, poolKey, nodeId);
    return node && nodeWaiting(node);
  },
});
