// Makes a pool of what a client asked for, or of what a job's automatic pool says. Pure; the rows are the store's.
import type { PoolAddParameter } from "../api/batch/pools.ts";
import type { Infer } from "../api/fields.ts";
import type { Instant, Stamp } from "../lib/clock.ts";
import { durationMs } from "../lib/duration.ts";
import { beginAllocation, type Pool } from "./pools.ts";

/** Ids keep their case and are compared without it. */
export const keyOf = (id: string): string => id.toLowerCase();

/** How often a formula is evaluated when the client does not say. */
const defaultEvaluationInterval = "PT15M";

export const newPool = (
  parameter: Infer<typeof PoolAddParameter>,
  at: { accountId: number; now: Instant; stamp: Stamp; autoPoolJob?: string },
): Pool => {
  const { targetDedicatedNodes, targetLowPriorityNodes, ...settings } = parameter;
  const spec = settings.enableAutoScale === true ? { autoScaleEvaluationInterval: defaultEvaluationInterval, ...settings } : settings;
  const pool: Pool = {
    accountId: at.accountId,
    key: keyOf(spec.id),
    id: spec.id,
    state: "active",
    stateChangedAt: at.now,
    allocationState: "steady",
    allocationStateChangedAt: at.now,
    targetDedicated: targetDedicatedNodes ?? 0,
    targetLowPriority: targetLowPriorityNodes ?? 0,
    spec,
    ...(at.autoPoolJob === undefined ? {} : { autoPoolJob: at.autoPoolJob }),
    createdAt: at.now,
    modified: at.stamp,
    generation: 0,
  };
  return beginAllocation(pool, spec.resizeTimeout === undefined ? undefined : durationMs(spec.resizeTimeout), at.now);
};

/** The id of an automatic pool: the prefix if there is one, and an upper-case GUID (without a prefix: seen; the joint: unverified). */
export const autoPoolId = (prefix: string | undefined, guid: string): string =>
  prefix === undefined || prefix === "" ? guid.toUpperCase() : `${prefix}_${guid.toUpperCase()}`;
