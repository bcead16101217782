// What the operations on pools of ARM do. They are the data plane's pools: rules, checks and reconcilers are shared with operations/batch/pools.ts;
// here is only how ARM asks for what they do.
import { ApiError } from "../../../api/errors.ts";
import type * as api from "../../../api/management/batch/pools.ts";
import { checkConditions } from "../../../domain/conditions.ts";
import { keyOf, newPool } from "../../../domain/new-pool.ts";
import { checkPool, checkPoolReferences } from "../../../domain/pool-checks.ts";
import type { DeallocationOption, Pool, PoolSpec } from "../../../domain/pools.ts";
import { refuseBadFormula } from "../../../scheduler/formula.ts";
import type { Reader, Write } from "../../../store/db.ts";
import * as store from "../../../store/pools.ts";
import { deleteSamples } from "../../../store/samples.ts";
import { disableScalingOf } from "../../batch/autoscale.ts";
import { cutPage, loadPool } from "../../batch/load.ts";
import { changedPool, currentNodes, newPoolWrites, removePool, ring, stopResizeOf } from "../../batch/pools.ts";
import type { Reply } from "../../handler.ts";
import type { ManagementHandler, ManagementServices } from "../handler.ts";
import { assignedIdentities } from "./assigned-identities.ts";
import { poolFilter } from "./filters.ts";
import { type AccountParameters, childId, loadAccount, noResource } from "./load.ts";
import { resultUrl, retryAfter } from "./long-running.ts";
import { patchedByManagement, replacedPool } from "./pool-changes.ts";
import { inManagementNames, inManagementNamesLater } from "./pool-errors.ts";
import { newPoolParameter, poolPatch, scaleChange } from "./pool-parameters.ts";
import { poolResource } from "./pool-view.ts";

type PoolParameters = AccountParameters & { readonly poolName: string };

export const createPool: ManagementHandler<typeof api.createPool> = async (request, services) => {
  const { params, body, preconditions, now } = request;
  const parameter = newPoolParameter(params.poolName, body);
  inManagementNames(body, () => {
    checkPool(parameter, services);
    refuseBadFormula(parameter.autoScaleFormula);
  });
  const option = body.properties?.scaleSettings?.fixedScale?.nodeDeallocationOption;
  const pool = await inManagementNamesLater(body, () =>
    services.store.decide(async (read) => {
      const account = await loadAccount(read, params);
      const known = { ...parameter, ...(await knownIdentity(read, parameter.identity)) };
      const made = beginningWith(option, newPool(known, { accountId: account.id, stamp: services.clock.stamp() }));
      const existing = await store.getPool(read, account.id, made.key);
      if (existing === undefined) {
        if (preconditions.ifMatch !== undefined) throw new ApiError("ConditionNotMet");
        return { writes: await newPoolWrites(read, made, services), result: made };
      }
      checkConditions(preconditions, existing.modified, "write");
      const changed = await changedPool(read, existing, services, () => replacedPool(existing, made, { read, now, option }));
      return { writes: [...changed.writes, ...samplesGone(existing, changed.pool)], result: changed.pool };
    }),
  );
  ring(services, pool);
  return poolReply(pool, params, services);
};

export const updatePool: ManagementHandler<typeof api.updatePool> = async (request, services) => {
  const { params, body, preconditions, now } = request;
  const change = { ...poolPatch(body), scale: scaleChange(body) };
  inManagementNames(body, () => {
    checkPoolReferences(change.patch);
    if (change.scale?.kind === "auto") refuseBadFormula(change.scale.scaling.autoScaleFormula);
  });
  const pool = await inManagementNamesLater(body, () =>
    services.store.decide(async (read) => {
      const account = await loadAccount(read, params);
      const before = await loadPool(read, account.id, params.poolName);
      checkConditions(preconditions, before.modified, "write");
      const patch = { ...change.patch, ...(await knownIdentity(read, change.patch.identity)) };
      const known = { ...change, patch };
      const changed = await changedPool(read, before, services, () => patchedByManagement(before, known, { read, now, services }));
      return { writes: [...changed.writes, ...samplesGone(before, changed.pool)], result: changed.pool };
    }),
  );
  ring(services, pool);
  return poolReply(pool, params, services);
};

/** The first sizing takes nobody's tasks; the option is told of it all the same. */
const beginningWith = (option: string | undefined, pool: Pool): Pool =>
  option === undefined || pool.resize === undefined
    ? pool
    : { ...pool, resize: { ...pool.resize, option: option.toLowerCase() as DeallocationOption } };

/** With what is known of the identities as the pool gets them: both planes show it. */
const knownIdentity = async (read: Reader, identity: PoolSpec["identity"]): Promise<Pick<PoolSpec, "identity">> => {
  if (identity?.userAssignedIdentities === undefined) return {};
  const known = await assignedIdentities(
    read,
    identity.userAssignedIdentities.map(({ resourceId }) => resourceId),
  );
  const userAssignedIdentities = identity.userAssignedIdentities.map((one) => ({ ...one, ...known.get(one.resourceId.toLowerCase()) }));
  return { identity: { ...identity, userAssignedIdentities } };
};

/** A formula that a pool no longer has needs no samples. */
const samplesGone = (before: Pool, after: Pool): Write[] =>
  before.spec.enableAutoScale === true && after.spec.enableAutoScale !== true
    ? [deleteSamples({ accountId: before.accountId, poolKey: before.key })]
    : [];

export const getPool: ManagementHandler<typeof api.getPool> = async ({ params }, services) => {
  const account = await loadAccount(services.store, params);
  return poolReply(await loadPool(services.store, account.id, params.poolName), params, services);
};

/** What a page holds at most, whatever the client asks for. */
const largestPage = 1000;

export const listPools: ManagementHandler<typeof api.listPools> = async ({ params, page, filter }, services) => {
  const read = services.store;
  const account = await loadAccount(read, params);
  const limit = Math.min(page.limit, largestPage);
  const found = await store.listPools(read, { accountId: account.id, ...page, limit: limit + 1, filter: poolFilter(filter) });
  const { elements, next } = cutPage(found, limit, (pool) => pool.key);
  return { items: await poolViews(elements, params, services), next };
};

/** Answers 202 even where the pool is gone at once, and to one that is going already: clients then follow its URL. */
export const deletePool: ManagementHandler<typeof api.deletePool> = async (request, services) => {
  const { params, now } = request;
  const account = await loadAccount(services.store, params);
  const pool = await store.getPool(services.store, account.id, keyOf(params.poolName));
  if (pool === undefined) return { status: 204 };
  if (pool.state !== "deleting") {
    try {
      await removePool({ principal: { accountId: account.id }, params: { poolId: params.poolName }, preconditions: {} }, services, now);
    } catch (error) {
      // Somebody else's deletion was faster.
      if (!(error instanceof ApiError) || (error.code !== "PoolNotFound" && error.code !== "PoolBeingDeleted")) throw error;
    }
  }
  const path = childId(services.settings, account, "poolOperationResults", `delete-${pool.id}`);
  return { status: 202, headers: { Location: resultUrl(request, path), ...retryAfter } };
};

/** 202 as long as the pool is going. One that was made anew since is another. */
export const getPoolOperationResult: ManagementHandler<typeof api.getPoolOperationResult> = async (request, services) => {
  const { params } = request;
  const account = await loadAccount(services.store, params);
  const name = /^delete-(.+)$/i.exec(params.operationId)?.[1];
  if (name === undefined) {
    throw noResource("Microsoft.Batch/batchAccounts/poolOperationResults", `${account.name}/${params.operationId}`, account.resourceGroup);
  }
  const pool = await store.getPool(services.store, account.id, keyOf(name));
  if (pool?.state !== "deleting") return { status: 200 };
  const path = childId(services.settings, account, "poolOperationResults", `delete-${pool.id}`);
  return { status: 202, headers: { Location: resultUrl(request, path), ...retryAfter } };
};

export const disablePoolAutoScale: ManagementHandler<typeof api.disablePoolAutoScale> = async ({ params, now }, services) => {
  const account = await loadAccount(services.store, params);
  const named = { principal: { accountId: account.id }, params: { poolId: params.poolName }, now };
  return poolReply(await disableScalingOf(named, services), params, services);
};

export const stopPoolResize: ManagementHandler<typeof api.stopPoolResize> = async ({ params, now }, services) => {
  const account = await loadAccount(services.store, params);
  const named = { principal: { accountId: account.id }, params: { poolId: params.poolName }, preconditions: {} };
  return poolReply(await stopResizeOf(named, services, now), params, services);
};

const poolReply = async (pool: Pool, params: PoolParameters, services: ManagementServices): Promise<Reply> => {
  const [body] = await poolViews([pool], params, services);
  return { body, modified: pool.modified };
};

const poolViews = async (pools: readonly Pool[], params: AccountParameters, services: ManagementServices) => {
  const read: Reader = services.store;
  const account = await loadAccount(read, params);
  const current = await currentNodes(read, account.id, pools);
  const place = { settings: services.settings, account };
  return pools.map((pool) => poolResource(pool, current(pool), place));
};
