// What the operations on pools do. How many nodes a pool gets and when is the reconcilers' business: a handler says what is wanted and rings.
import type * as api from "../../api/batch/pools.ts";
import { ApiError, missingProperty } from "../../api/errors.ts";
import type { Infer } from "../../api/fields.ts";
import { isScaled } from "../../domain/autoscale.ts";
import { checkConditions } from "../../domain/conditions.ts";
import { newPool } from "../../domain/new-pool.ts";
import { requestLeave } from "../../domain/nodes.ts";
import { checkPool, checkPoolReferences, type PoolSurroundings } from "../../domain/pool-checks.ts";
import { deletePool as deletedPool, type Pool, removeNodes, resizePool as resizedPool, stopResize } from "../../domain/pools.ts";
import type { Instant } from "../../lib/clock.ts";
import { durationMs } from "../../lib/duration.ts";
import { certificateGuards } from "../../scheduler/certificate-references.ts";
import { refuseBadFormula } from "../../scheduler/formula.ts";
import { imageGuards } from "../../scheduler/image-references.ts";
import { packageGuards } from "../../scheduler/package-references.ts";
import { poolGuards } from "../../scheduler/quotas.ts";
import type { Reader, Write } from "../../store/db.ts";
import { checkNothingPlaced, deleteNodes, nodeCounts, nodesOfPool, saveNodes } from "../../store/nodes.ts";
import * as store from "../../store/pools.ts";
import { allPlacedTasks } from "../../store/tasks.ts";
import type { Handler, Preconditions, Services } from "../handler.ts";
import { allowed, cutPage, loadPool } from "./load.ts";
import { statisticsOfPools } from "./statistics.ts";
import { type CurrentNodes, poolView } from "./views/pools.ts";

export const addPool: Handler<typeof api.addPool> = async ({ principal, body }, services) => {
  checkPool(body, services);
  refuseBadFormula(body.autoScaleFormula);
  const pool = newPool(body, { accountId: principal.accountId, stamp: services.clock.stamp() });
  await services.store.decide(async (read) => {
    const existing = await store.getPool(read, pool.accountId, pool.key);
    if (existing !== undefined) throw new ApiError(existing.state === "deleting" ? "PoolBeingDeleted" : "PoolExists");
    return { writes: await newPoolWrites(read, pool, services), result: undefined };
  });
  ring(services, pool);
  return { created: pool.id, modified: pool.modified };
};

/** The row of a new pool, and what must be so when it is written. Throws for a quota, and for certificates and packages that it cannot have. */
export const newPoolWrites = async (read: Reader, pool: Pool, { quotas }: Pick<Services, "quotas">): Promise<Write[]> => [
  ...(await poolGuards(read, pool.accountId, quotas)),
  ...(await certificateGuards(read, pool.accountId, pool.spec.certificateReferences)),
  ...(await packageGuards(read, pool.accountId, pool.spec.applicationPackageReferences)),
  ...(await imageGuards(read, pool.spec.virtualMachineConfiguration?.imageReference)),
  ...store.insertPool(pool),
];

export const getPool: Handler<typeof api.getPool> = async (request, { store: read }) => {
  const { principal, params, preconditions, baseUrl } = request;
  const pool = await loadPool(read, principal.accountId, params.poolId);
  checkConditions(preconditions, pool.modified, "read");
  const current = await currentNodes(read, principal.accountId, [pool]);
  const stats = await statisticsOfPools(read, [pool], request);
  return { body: { ...poolView(pool, current(pool), baseUrl), stats: stats(pool) }, modified: pool.modified };
};

export const poolExists: Handler<typeof api.poolExists> = async ({ principal, params, preconditions }, { store: read }) => {
  const pool = await loadPool(read, principal.accountId, params.poolId);
  checkConditions(preconditions, pool.modified, "read");
  return { modified: pool.modified };
};

export const listPools: Handler<typeof api.listPools> = async (request, { store: read }) => {
  const { page, filter, baseUrl } = request;
  const { accountId } = request.principal;
  const { elements, next } = cutPage(
    await store.listPools(read, { accountId, ...page, limit: page.limit + 1, filter }),
    page.limit,
    (pool) => pool.key,
  );
  const current = await currentNodes(read, accountId, elements);
  const stats = await statisticsOfPools(read, elements, request);
  return { items: elements.map((pool) => ({ ...poolView(pool, current(pool), baseUrl), stats: stats(pool) })), next };
};

export const patchPool: Handler<typeof api.patchPool> = async (request, services) => {
  checkPoolReferences(request.body);
  return changePool(request, services, (pool, read) => patchedPool(pool, request.body, read, services));
};

/** The pool with what is given of `patch`. Throws where it is being deleted, or has nodes that the change would make unlike it. */
export const patchedPool = async (
  pool: Pool,
  patch: Infer<typeof api.PoolPatchParameter>,
  read: Reader,
  surroundings: PoolSurroundings,
): Promise<Pool> => {
  const { startTask, certificateReferences, applicationPackageReferences, metadata, targetNodeCommunicationMode, ...structure } = patch;
  const always = given({ startTask, certificateReferences, applicationPackageReferences, metadata, targetNodeCommunicationMode });
  const onlyEmpty = given(structure);
  refuseDeleting(pool);
  const spec = { ...pool.spec, ...always, ...onlyEmpty };
  if (Object.keys(onlyEmpty).length > 0) {
    await refuseWithNodes(pool, read);
    const targets = { targetDedicatedNodes: pool.targetDedicated, targetLowPriorityNodes: pool.targetLowPriority };
    // The targets of a pool that a formula sizes are nobody's to give.
    checkPool({ ...spec, ...(isScaled(pool) ? {} : targets) }, surroundings);
  }
  return { ...pool, spec };
};

export const updatePoolProperties: Handler<typeof api.updatePoolProperties> = async (request, services) => {
  const { startTask, certificateReferences, applicationPackageReferences, metadata, targetNodeCommunicationMode } = request.body;
  checkPoolReferences(request.body);
  return changePool(request, services, async (pool) => {
    refuseDeleting(pool);
    const properties = { startTask, certificateReferences, applicationPackageReferences, metadata, targetNodeCommunicationMode };
    return { ...pool, spec: { ...pool.spec, ...properties } };
  });
};

export const resizePool: Handler<typeof api.resizePool> = async (request, services) => {
  const {
    targetDedicatedNodes: targetDedicated,
    targetLowPriorityNodes: targetLowPriority,
    resizeTimeout,
    nodeDeallocationOption: option,
  } = request.body;
  if (targetDedicated === undefined && targetLowPriority === undefined) throw missingProperty("targetDedicatedNodes");
  return changePool(request, services, async (pool) => {
    const resize = { targetDedicated, targetLowPriority, option, timeoutMs: timeoutOf(resizeTimeout) };
    return withTimeout(allowed(resizedPool(pool, resize, request.now)), resizeTimeout);
  });
};

export const removePoolNodes: Handler<typeof api.removePoolNodes> = async (request, services) => {
  const { nodeList, resizeTimeout, nodeDeallocationOption: option } = request.body;
  const wanted = new Set(nodeList.map((id) => id.toLowerCase()));
  return changePool(request, services, async (pool, read) => {
    const nodes = (await nodesOfPool(read, pool.accountId, pool.key)).filter((node) => wanted.has(node.id));
    const after = allowed(removeNodes(pool, nodes, { option, timeoutMs: timeoutOf(resizeTimeout) }, request.now));
    if (nodes.length < wanted.size) throw new ApiError("NodeNotFound");
    return withTimeout(after, resizeTimeout);
  });
};

/**
 * Changes no ETag (real-behaviours.md section 3). A pool that is steady stays so: a resize that ended just before the request is not
 * the caller's mistake, and the management plane was seen to take it the same way (section 5).
 */
export const stopPoolResize: Handler<typeof api.stopPoolResize> = async (request, services) => {
  const { modified } = await stopResizeOf(request, services, request.now);
  return { modified };
};

export const stopResizeOf = async ({ principal, params, preconditions }: Named, services: Services, now: Instant): Promise<Pool> => {
  const pool = await services.store.decide(async (read) => {
    const before = await loadPool(read, principal.accountId, params.poolId);
    checkConditions(preconditions, before.modified, "write");
    if (before.state === "active" && before.allocationState === "steady") return { writes: [], result: before };
    const after = allowed(stopResize(before, now));
    return { writes: store.savePool(after), result: after };
  });
  services.wake.resize(pool.accountId, pool.key);
  return pool;
};

/**
 * A pool without tasks on its nodes goes at once, rows and all: nothing has to be waited for. Otherwise its nodes leave in the same commit,
 * so that no task is placed on them any more, and the reconciler ends what is there.
 */
export const deletePool: Handler<typeof api.deletePool> = async (request, services) => {
  await removePool(request, services, request.now);
  return {};
};

export const removePool = async ({ principal, params, preconditions }: Named, services: Services, now: Instant): Promise<void> => {
  const { pool, gone } = await services.store.decide(async (read) => {
    const pool = await loadPool(read, principal.accountId, params.poolId);
    checkConditions(preconditions, pool.modified, "write");
    const deleted = allowed(deletedPool(pool, now));
    const nodes = await nodesOfPool(read, pool.accountId, pool.key);
    if ((await allPlacedTasks(read, nodes)).length === 0) {
      return {
        writes: [checkNothingPlaced(nodes), ...deleteNodes(nodes, now), ...store.deletePool(pool)],
        result: { pool, gone: nodes },
      };
    }
    const leaving = nodes.map((node) => requestLeave(node, "requeue", now));
    const saved = store.savePool({ ...deleted, modified: services.clock.stamp() });
    return { writes: [...saved, ...saveNodes(leaving)], result: { pool, gone: [] } };
  });
  if (gone.length > 0) services.wake.removed(gone);
  ring(services, pool);
};

type Named = { principal: { accountId: number }; params: { poolId: string }; preconditions: Preconditions };
type Change = (pool: Pool, read: Reader) => Promise<Pool>;

/** Loads, lets `change` decide, saves under a new ETag, rings. */
export const changePool = async (request: Named, services: Services, change: Change): Promise<{ modified: number }> => {
  const { pool } = await services.store.decide(async (read) => {
    const before = await loadPool(read, request.principal.accountId, request.params.poolId);
    checkConditions(request.preconditions, before.modified, "write");
    const changed = await changedPool(read, before, services, change);
    return { writes: changed.writes, result: changed };
  });
  ring(services, pool);
  return { modified: pool.modified };
};

/** What `change` makes of a pool, with its writes. Where it gives back the very pool that it was given, nothing is written. */
export const changedPool = async (
  read: Reader,
  before: Pool,
  { clock }: Pick<Services, "clock">,
  change: Change,
): Promise<{ pool: Pool; writes: Write[] }> => {
  const made = await change(before, read);
  if (made === before) return { pool: before, writes: [] };
  const pool = { ...made, modified: clock.stamp() };
  return { pool, writes: [...(await referenceGuards(read, before, pool)), ...store.savePool(pool)] };
};

/** What a pool named before is not looked at again: certificates and packages may have gone since. */
const referenceGuards = async (read: Reader, before: Pool, { accountId, spec }: Pool): Promise<Write[]> => {
  const { certificateReferences: certificates, applicationPackageReferences: packages, virtualMachineConfiguration: machine } = spec;
  return [
    ...(certificates === before.spec.certificateReferences ? [] : await certificateGuards(read, accountId, certificates)),
    ...(packages === before.spec.applicationPackageReferences ? [] : await packageGuards(read, accountId, packages)),
    ...(machine === before.spec.virtualMachineConfiguration ? [] : await imageGuards(read, machine?.imageReference)),
  ];
};

export const ring = ({ wake }: Services, pool: Pool): void => {
  wake.resize(pool.accountId, pool.key);
  wake.pool(pool.accountId, pool.key);
};

/** Without the properties that the client left out. */
const given = <T extends object>(properties: T): { [K in keyof T]: T[K] } =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as T;

export const refuseDeleting = (pool: Pool): void => {
  if (pool.state === "deleting") throw new ApiError("PoolBeingDeleted");
};

/** Nodes of a pool are alike, so what they are made of is changed while there are none (the code of the refusal: unverified). */
export const refuseWithNodes = async (pool: Pool, read: Reader): Promise<void> => {
  const counts = await nodeCounts(read, pool.accountId, [pool.key]);
  if (counts.length === 0 && pool.allocationState === "steady") return;
  throw new ApiError("OperationInvalidForCurrentState", [
    { key: "Reason", value: "The specified properties can be changed only while the pool has no nodes." },
  ]);
};

const timeoutOf = (resizeTimeout: string | undefined): number | undefined =>
  resizeTimeout === undefined ? undefined : durationMs(resizeTimeout);

/** A pool shows the timeout of its latest resize. */
const withTimeout = (pool: Pool, resizeTimeout: string | undefined): Pool =>
  resizeTimeout === undefined ? pool : { ...pool, spec: { ...pool.spec, resizeTimeout } };

/** How many nodes each of the pools has, in one question to the store. */
export const currentNodes = async (read: Reader, accountId: number, pools: readonly Pool[]): Promise<(pool: Pool) => CurrentNodes> => {
  const current = new Map<string, CurrentNodes>();
  for (const { poolKey, isDedicated, count } of await nodeCounts(
    read,
    accountId,
    pools.map((pool) => pool.key),
  )) {
    const nodes = current.get(poolKey) ?? { dedicated: 0, lowPriority: 0 };
    nodes[isDedicated ? "dedicated" : "lowPriority"] += count;
    current.set(poolKey, nodes);
  }
  return (pool) => current.get(pool.key) ?? { dedicated: 0, lowPriority: 0 };
};
