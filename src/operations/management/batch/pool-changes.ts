// What a PUT or a PATCH of ARM makes of a pool that is there. The rules are those of the data plane's operations that do the same: patch, resize,
// switching automatic scaling; here is only which of them a request means.
import { isDeepStrictEqual } from "node:util";
import { disableAutoScale, enableAutoScale, isScaled } from "../../../domain/autoscale.ts";
import { checkEvaluationInterval } from "../../../domain/pool-checks.ts";
import { type DeallocationOption, type Pool, type PoolSpec, resizePool } from "../../../domain/pools.ts";
import type { Instant } from "../../../lib/clock.ts";
import { durationMs } from "../../../lib/duration.ts";
import type { Reader } from "../../../store/db.ts";
import { allowed } from "../../batch/load.ts";
import { patchedPool, refuseDeleting, refuseWithNodes } from "../../batch/pools.ts";
import type { Services } from "../../handler.ts";
import type { PoolPatch, ScaleChange } from "./pool-parameters.ts";

const scale = ["enableAutoScale", "autoScaleFormula", "autoScaleEvaluationInterval", "resizeTimeout"] as const;
/** What may change while there are nodes; everything else is what nodes are made of (refused as the data plane's patch refuses it; unverified). */
const always = [
  "startTask",
  "certificateReferences",
  "applicationPackageReferences",
  "metadata",
  "targetNodeCommunicationMode",
  "identity",
  "tags",
] as const;

const pick = (spec: PoolSpec, names: readonly (keyof PoolSpec)[]): Partial<PoolSpec> =>
  Object.fromEntries(names.flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]]])));

const without = (spec: PoolSpec, names: readonly (keyof PoolSpec)[]): Partial<PoolSpec> =>
  Object.fromEntries(Object.entries(spec).filter(([name, value]) => value !== undefined && !names.includes(name as keyof PoolSpec)));

/** As it would come back from the database: without what is undefined. */
const same = (a: unknown, b: unknown): boolean => isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));

/** The pool with everything as in `fresh`, which the request would make of nothing; the very pool where nothing is different. */
export const replacedPool = async (
  before: Pool,
  fresh: Pool,
  { read, now, option }: { read: Reader; now: Instant; option: string | undefined },
): Promise<Pool> => {
  refuseDeleting(before);
  const named = { ...fresh.spec, id: before.id };
  if (!same(without(before.spec, [...scale, ...always]), without(named, [...scale, ...always]))) await refuseWithNodes(before, read);
  const spec = { ...without(named, scale), ...pick(before.spec, scale) } as PoolSpec;
  const after = rescaled({ ...before, spec }, fresh, now, option);
  return same(after, before) ? before : after;
};

const rescaled = (pool: Pool, fresh: Pool, now: Instant, option: string | undefined): Pool => {
  const { enableAutoScale: isAuto, autoScaleFormula: formula, autoScaleEvaluationInterval: interval } = fresh.spec;
  if (isAuto === true) {
    return autoScaled(pool, { formula, interval }, now);
  }
  const { targetDedicated, targetLowPriority } = fresh;
  const { resizeTimeout } = fresh.spec;
  const fixed = isScaled(pool) ? allowed(disableAutoScale(pool, now)) : pool;
  const withTimeout = { ...fixed, spec: { ...fixed.spec, ...definedOnly({ resizeTimeout }) } };
  if (pool.targetDedicated === targetDedicated && pool.targetLowPriority === targetLowPriority) return withTimeout;
  return allowed(resizePool(withTimeout, { targetDedicated, targetLowPriority, ...resizeSettings({ resizeTimeout, option }) }, now));
};

/** What is so already begins nothing anew: a request that is sent again is not one too many. */
const autoScaled = (pool: Pool, settings: { formula: string | undefined; interval: string | undefined }, now: Instant): Pool => {
  const { enableAutoScale: isOn, autoScaleFormula, autoScaleEvaluationInterval } = pool.spec;
  const { formula = autoScaleFormula, interval = autoScaleEvaluationInterval } = settings;
  const unchanged = isOn === true && autoScaleFormula === formula && autoScaleEvaluationInterval === interval;
  return unchanged ? pool : allowed(enableAutoScale(pool, definedOnly(settings), now));
};

/** The pool with what a PATCH gives; where that is nothing, the very pool. */
export const patchedByManagement = async (
  before: Pool,
  { patch, removesStartTask, scale: wanted }: { patch: PoolPatch; removesStartTask: boolean; scale: ScaleChange | undefined },
  { read, now, services }: { read: Reader; now: Instant; services: Services },
): Promise<Pool> => {
  const { identity, tags, ...settings } = patch;
  const patched = await patchedPool(before, settings, read, services);
  const spec: PoolSpec = { ...patched.spec, ...definedOnly({ identity, tags }) };
  if (removesStartTask) delete spec.startTask;
  const changed = { ...patched, spec };
  const after = wanted === undefined ? changed : scaled(changed, wanted, now, services);
  return same(after, before) ? before : after;
};

const scaled = (pool: Pool, wanted: ScaleChange, now: Instant, services: Services): Pool => {
  if (wanted.kind === "auto") {
    const { autoScaleFormula: formula, autoScaleEvaluationInterval: interval } = wanted.scaling;
    checkEvaluationInterval(interval, services);
    return autoScaled(pool, { formula, interval }, now);
  }
  const { targetDedicatedNodes, targetLowPriorityNodes, resizeTimeout, nodeDeallocationOption: option } = wanted.resize;
  const fixed = isScaled(pool) ? allowed(disableAutoScale(pool, now)) : pool;
  const targets = definedOnly({ targetDedicated: targetDedicatedNodes, targetLowPriority: targetLowPriorityNodes });
  const resized = allowed(resizePool(fixed, { ...targets, ...resizeSettings({ resizeTimeout, option }) }, now));
  return { ...resized, spec: { ...resized.spec, ...definedOnly({ resizeTimeout }) } };
};

const resizeSettings = ({ resizeTimeout, option }: { resizeTimeout: string | undefined; option: string | undefined }) => ({
  ...(resizeTimeout === undefined ? {} : { timeoutMs: durationMs(resizeTimeout) }),
  ...(option === undefined ? {} : { option: option.toLowerCase() as DeallocationOption }),
});

const definedOnly = <T extends object>(properties: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: NonNullable<T[K]> };
