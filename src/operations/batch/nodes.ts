// What the operations on compute nodes do. Carrying out a reboot or a disable is the node reconciler's business.
import type * as api from "../../api/batch/nodes.ts";
import { type Node, type NodeRefusal, requestDisableScheduling, requestEnableScheduling, requestReboot } from "../../domain/nodes.ts";
import type { Pool } from "../../domain/pools.ts";
import type { Task } from "../../domain/tasks.ts";
import type { Reader } from "../../store/db.ts";
import * as store from "../../store/nodes.ts";
import { allPlacedTasks, getTasks } from "../../store/tasks.ts";
import type { Handler, Services } from "../handler.ts";
import { allowed, cutPage, loadNode, loadPool } from "./load.ts";
import { nodeView } from "./views/nodes.ts";

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
  return nodes.map((node) =>
    nodeView(node, { pool, images, version, baseUrl, recent, running: running.get(node.id) ?? { tasks: 0, slots: 0 } }),
  );
};

/** What runs on each node: tasks that wait there for their turn are still active and do not count. */
const runningOn = async (read: Reader, nodes: readonly Node[]): Promise<Map<string, { tasks: number; slots: number }>> => {
  const running = new Map(nodes.map((node) => [node.id, { tasks: 0, slots: 0 }]));
  for (const task of await allPlacedTasks(read, nodes)) {
    const node = running.get(task.nodeId!);
    if (node === undefined || task.state === "active") continue;
    node.tasks += 1;
    node.slots += task.slots;
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
  change: (node: Node) => { after: Node } | NodeRefusal,
): Promise<Record<never, never>> => {
  const after = await services.store.decide(async (read) => {
    const { node } = await loadNode(read, principal.accountId, params.poolId, params.nodeId);
    const changed = allowed(change(node));
    return { writes: store.saveNode(changed), result: changed };
  });
  services.wake.resize(after.accountId, after.poolKey);
  services.wake.pool(after.accountId, after.poolKey);
  return {};
};
