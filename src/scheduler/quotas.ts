// Quotas where something is made: whether there is room, and the guards that hold it until the commit. Also that the account is there at all: who was
// let in before it began to go may not put anything into it any more.
import { ApiError } from "../api/errors.ts";
import type { Pool, Shortfall } from "../domain/pools.ts";
import { coresUsed, limitsCores, noQuotas, type QuotaError, type Quotas, withinQuotas } from "../domain/quotas.ts";
import { getAccount, guardAccount } from "../store/accounts.ts";
import type { Reader, Write } from "../store/db.ts";
import { countPools, countUnfinished, growthOf, guardGrowth, guardPools, guardUnfinished, nodeGroups } from "../store/quota-usage.ts";

/** Goes into every commit that puts something into the account. Throws AccountIsDisabled. */
export const accountGuard = async (read: Reader, accountId: number): Promise<Write> => {
  const account = await getAccount(read, accountId);
  if (account?.provisioningState !== "Succeeded") throw new ApiError("AccountIsDisabled");
  return guardAccount(accountId);
};

export const hasRoomForPool = async (read: Reader, accountId: number, { pools }: Quotas = noQuotas): Promise<boolean> =>
  pools === undefined || (await countPools(read, accountId)) < pools;

/** Throws PoolQuotaReached. */
export const poolGuards = async (read: Reader, accountId: number, quotas: Quotas = noQuotas): Promise<Write[]> => {
  if (!(await hasRoomForPool(read, accountId, quotas))) throw new ApiError("PoolQuotaReached");
  return [await accountGuard(read, accountId), ...(quotas.pools === undefined ? [] : [guardPools(accountId, quotas.pools)])];
};

/** For a job or a job schedule. Throws ActiveJobAndScheduleQuotaReached. */
export const jobGuards = async (read: Reader, accountId: number, { jobs }: Quotas = noQuotas): Promise<Write[]> => {
  const account = await accountGuard(read, accountId);
  if (jobs === undefined) return [account];
  if ((await countUnfinished(read, accountId, jobs)) >= jobs) throw new ApiError("ActiveJobAndScheduleQuotaReached");
  return [account, guardUnfinished(accountId, jobs)];
};

/** What of the nodes that a pool wants it may have. Those of an account of the user's subscription are not this quota's. */
export const nodesGranted = async (
  read: Reader,
  { accountId, spec }: Pool,
  wanted: Shortfall,
  quotas: Quotas = noQuotas,
): Promise<{ granted: Shortfall; errors: QuotaError[]; guards: Write[] }> => {
  const everything = { granted: wanted, errors: [], guards: [] };
  if (!limitsCores(quotas) || wanted.dedicated + wanted.lowPriority === 0) return everything;
  if ((await getAccount(read, accountId))?.settings.poolAllocationMode === "UserSubscription") return everything;
  const growth = await growthOf(read, accountId);
  const groups = await nodeGroups(read, accountId);
  const verdict = withinQuotas(wanted, spec.vmSize, coresUsed(groups, spec.vmSize), quotas);
  return { ...verdict, guards: [guardGrowth(accountId, growth)] };
};
