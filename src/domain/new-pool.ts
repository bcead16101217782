// Makes a pool of what a client asked for, or of what a job's automatic pool says. Pure; the rows are the store's.
import type { PoolAddParameter } from "../api/batch/pools.ts";
import type { Infer } from "../api/fields.ts";
import { instantOf, type Stamp } from "../lib/clock.ts";
import { durationMs } from "../lib/duration.ts";
import { defaultEvaluationInterval } from "./autoscale.ts";
import { beginAllocation, type Pool, type PoolSpec } from "./pools.ts";

/** Ids keep their case and are compared without it. */
export const keyOf = (id: string): string => id.toLowerCase();

export const newPool = (parameter: Infer<typeof PoolAddParameter>, at: { accountId: number; stamp: Stamp; autoPoolJob?: string }): Pool => {
  const now = instantOf(at.stamp);
  const { targetDedicatedNodes, targetLowPriorityNodes, ...settings } = parameter;
  const spec: PoolSpec = {
    ...settings,
    ...(settings.enableAutoScale === true
      ? { autoScaleEvaluationInterval: settings.autoScaleEvaluationInterval ?? defaultEvaluationInterval }
      : {}),
    ...(settings.userAccounts === undefined ? {} : { userAccounts: settings.userAccounts.map(withLoginMode) }),
  };
  const pool: Pool = {
    accountId: at.accountId,
    key: keyOf(spec.id),
    id: spec.id,
    state: "active",
    stateChangedAt: now,
    allocationState: "steady",
    allocationStateChangedAt: now,
    targetDedicated: targetDedicatedNodes ?? 0,
    targetLowPriority: targetLowPriorityNodes ?? 0,
    spec,
    ...(spec.enableAutoScale === true ? { autoScale: { nextAt: now } } : {}),
    ...(at.autoPoolJob === undefined ? {} : { autoPoolJob: at.autoPoolJob }),
    createdAt: now,
    modified: at.stamp,
    generation: 0,
  };
  return beginAllocation(pool, spec.resizeTimeout === undefined ? undefined : durationMs(spec.resizeTimeout), now);
};

type UserAccount = NonNullable<PoolSpec["userAccounts"]>[number];

/**
 * The service fills in how a user logs in on Windows when the account says nothing of any system (seen in cli-2021-pools-and-nodes,
 * a Windows pool; whether it does so for a pool of a Linux image too: unverified, and without effect there).
 */
const withLoginMode = (account: UserAccount): UserAccount =>
  account.linuxUserConfiguration === undefined && account.windowsUserConfiguration === undefined
    ? { ...account, windowsUserConfiguration: { loginMode: "interactive" } }
    : account;

/** The id of an automatic pool: the prefix if there is one, and an upper-case GUID (without a prefix: seen; the joint: unverified). */
export const autoPoolId = (prefix: string | undefined, guid: string): string =>
  prefix === undefined || prefix === "" ? guid.toUpperCase() : `${prefix}_${guid.toUpperCase()}`;
