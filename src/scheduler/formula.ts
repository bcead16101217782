// Evaluates a formula on a pool as it stands in the store: with its samples, its nodes and its targets. Changes nothing; the reconciler
// applies what comes out, and evaluateautoscale only tells it.
import type { Failure } from "../api/agent/messages.ts";
import { ApiError } from "../api/errors.ts";
import { checkFormula, evaluateFormula, type FormulaOutcome, type MetricName, type SampleSource } from "../autoscale/index.ts";
import { nodeFigures, sampleHistoryMs, samplePeriodMs } from "../domain/autoscale.ts";
import { jobWithoutPool, type NewJob } from "../domain/new-job.ts";
import type { Node } from "../domain/nodes.ts";
import type { Pool } from "../domain/pools.ts";
import type { Instant } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Reader } from "../store/db.ts";
import { type Sample, type SampledMetric, samplesOfPool } from "../store/samples.ts";
import { takeSample } from "./samples.ts";

/** Throws the refusal of a formula that is none, which says where. That `values` carries it under `Message` is unverified. */
export const refuseBadFormula = (formula: string | undefined): void => {
  const refusal = formula === undefined ? undefined : checkFormula(formula);
  if (refusal !== undefined) throw new ApiError(refusal.code, [{ key: "Message", value: refusal.message }]);
};

/** A job whose automatic pool has a formula that is none ends as it begins, and says so (reference: jobs-and-tasks). */
export const withoutBadPool = (made: NewJob, now: Instant): NewJob => {
  const formula = made.pool?.spec.autoScaleFormula;
  const refusal = formula === undefined ? undefined : checkFormula(formula);
  if (refusal === undefined) return made;
  const failure: Failure = {
    category: "usererror",
    code: "InvalidAutoScaleFormulaInAutoPool",
    message: "The autoscaling formula of the job's auto pool is invalid.",
    details: [{ name: "Message", value: refusal.message }],
  };
  return { job: jobWithoutPool(made, failure, now) };
};

export type Moment = { now: Instant; ids: Pick<Ids, "chance"> };

/** Never throws for what is wrong with the formula: that is in the outcome. */
export const evaluateOnPool = async (
  read: Reader,
  { pool, nodes, formula }: { pool: Pool; nodes: readonly Node[]; formula: string },
  { now, ids }: Moment,
): Promise<FormulaOutcome> => {
  const key = { accountId: pool.accountId, poolKey: pool.key };
  const kept = await samplesOfPool(read, key, now - sampleHistoryMs);
  // Asked in the moment after automatic scaling was enabled, before the first sample is stored.
  const samples = kept.length > 0 ? kept : [await takeSample(read, key, nodes, { at: now, machines: [] })];
  const current = nodeFigures(nodes);
  return evaluateFormula(formula, {
    now,
    targetDedicatedNodes: pool.targetDedicated,
    targetLowPriorityNodes: pool.targetLowPriority,
    currentDedicatedNodes: current.CurrentDedicatedNodes,
    currentLowPriorityNodes: current.CurrentLowPriorityNodes,
    taskSlotsPerNode: pool.spec.taskSlotsPerNode ?? 1,
    samples: sourceOf(samples),
    chance: () => ids.chance(),
  });
};

/** Samples by metric, made only of those that a formula asks for. */
const sourceOf = (samples: readonly Sample[]): SampleSource => {
  const byMetric = new Map<MetricName, { at: Instant; value: number }[]>();
  const of = (metric: MetricName): { at: Instant; value: number }[] => {
    let list = byMetric.get(metric);
    if (list === undefined) {
      const name = metric.slice(1) as SampledMetric;
      list = samples.flatMap(({ at, metrics }) => (metrics[name] === undefined ? [] : [{ at, value: metrics[name] }]));
      byMetric.set(metric, list);
    }
    return list;
  };
  return {
    intervalMs: samplePeriodMs,
    between: (metric, from, to) => of(metric).filter(({ at }) => at >= from && at <= to),
  };
};
