// What the operations on compute nodes do. Carrying out a reboot or a disable is the node reconciler's business.
import type * as api from "../../api/batch/nodes.ts";
import {
  type Node,
  type NodeRefusal,
  requestDeallocate,
  requestDisableScheduling,
  requestEnableScheduling,
  requestReboot,
  requestReimage,
  requestStart,
} from "../../domain/nodes.ts";
import type { Pool } from "../../domain/pools.ts";
import type { Task } from "../../domain/tasks.ts";
import type { Reader } from "../../store/db.ts";
import { getJobByUid } from "../../store/jobs.ts";
import * as store from "../../store/nodes.ts";
import { allPlacedTasks, getTasks } from "../../store/tasks.ts";
import type { Handler, Services } from "../handler.ts";
import { allowed, cutPage, loadNode, loadPool } from "./load.ts";
import { onlyCloudServices } from "./node-access.ts";
import { nodeView, type RunningTask } from "./views/nodes.ts";

export const listNodes: Handler<typeof api.listNodes> = async ({ principal, params, page, filter, baseUrl }, services) => {
  const { accountId } = principal;
  const pool = await loadPool(services.store, accountId, params.poolId);
  const found = await store.listNodes(services.store, { accountId, poolKey: pool.key, ...page, limit: page.limit + 1, filter });
  const { elements, next } = cutPage(found, page.limit, (node) => node.id);
  return { items: await views(elements, pool, services, baseUrl), next };
};

export const getNode: Handler<typeof api.getNode> = async ({ principal, params, baseUrl }, services) => {
  const { pool, node } = await loadNode(services.store, principal.accountId, params.poolId, params.nodeId);
  const [body] = await views([node], pool, services, baseUrl);
  return { body };
};

const views = async (nodes: readonly Node[], pool: Pool, services: Services, baseUrl: string) => {
  const running = await runningOn(services.store, nodes);
  const recent = await recentOf(services.store, nodes);
  const { images, version } = services;
  return nodes.map((node) => nodeView(node, { pool, images, version, baseUrl, recent, running: running.get(node.id) ?? [] }));
};

/** What runs on each node, oldest first: tasks that wait there for their turn are still active and do not count. */
const runningOn = async (read: Reader, nodes: readonly Node[]): Promise<Map<string, RunningTask[]>> => {
  const tasks = (await allPlacedTasks(read, nodes)).filter(({ state }) => state !== "active");
  const jobIds = new Map<number, string>();
  const running = new Map<string, RunningTask[]>();
  for (const task of tasks) {
    const { accountId, jobUid } = task;
    const jobId = jobIds.get(jobUid) ?? (await getJobByUid(read, accountId, jobUid))?.id;
    // Between two questions its job may have gone, and the task with it.
    if (jobId === undefined) continue;
    jobIds.set(jobUid, jobId);
    running.set(task.nodeId!, [...(running.get(task.nodeId!) ?? []), { task, jobId }]);
  }
  return running;
};

/** The recent tasks of all the nodes that still exist, by seq. */
const recentOf = async (read: Reader, nodes: readonly Node[]): Promise<Map<number, Task>> => {
  const refs = nodes.flatMap((node) => node.recentTasks.map(({ jobUid, seq }) => ({ accountId: node.accountId, jobUid, seq })));
  const tasks = await getTasks(read, refs);
  return new Map(tasks.flatMap((task) => (task === undefined ? [] : [[task.seq, task] as const])));
};

export const rebootNode: Handler<typeof api.rebootNode> = (request, services) =>
  changeNode(request, services, (node) => requestReboot(node, request.body?.nodeRebootOption ?? "requeue", request.now));

export const reimageNode: Handler<typeof api.reimageNode> = (request, services) =>
  changeNode(request, services, (node, pool) => {
    if (request.traits.has("cloudServicesOnly") && pool.spec.cloudServiceConfiguration === undefined) throw onlyCloudServices("reimage");
    return requestReimage(node, request.body?.nodeReimageOption ?? "requeue", request.now);
  });

export const deallocateNode: Handler<typeof api.deallocateNode> = (request, services) =>
  changeNode(request, services, (node) => requestDeallocate(node, request.body?.nodeDeallocateOption ?? "requeue", request.now));

export const startNode: Handler<typeof api.startNode> = (request, services) =>
  changeNode(request, services, (node) => requestStart(node, request.now));

export const disableNodeScheduling: Handler<typeof api.disableNodeScheduling> = (request, services) =>
  changeNode(request, services, (node) =>
    requestDisableScheduling(node, request.body?.nodeDisableSchedulingOption ?? "requeue", request.now),
  );

export const enableNodeScheduling: Handler<typeof api.enableNodeScheduling> = (request, services) =>
  changeNode(request, services, (node) => requestEnableScheduling(node, request.now));

/** Loads, lets `change` decide, saves, rings. Node operations take no conditions and give no ETag. */
const changeNode = async (
  { principal, params }: { principal: { accountId: number }; params: { poolId: string; nodeId: string } },
  services: Services,
  change: (node: Node, pool: Pool) => { after: Node } | NodeRefusal,
): Promise<Record<never, never>> => {
  const after = await services.store.decide(async (read) => {
    const { pool, node } = await loadNode(read, principal.accountId, params.poolId, params.nodeId);
    const changed = allowed(change(node, pool));
    return { writes: store.saveNode(changed), result: changed };
  });
  services.wake.resize(after.accountId, after.poolKey);
  services.wake.pool(after.accountId, after.poolKey);
  return {};
};
