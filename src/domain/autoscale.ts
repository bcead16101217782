// Pools that a formula sizes: when it is evaluated, who may switch it, what becomes of the pool by what it says. Pure; the language is
// in src/autoscale, and the samples that it looks at are taken by the scheduler.
import type { Instant } from "../lib/clock.ts";
import { durationMs } from "../lib/duration.ts";
import { type Node, stayAfterAll, takesTasks } from "./nodes.ts";
import {
  type DeallocationOption,
  defaultResizeTimeoutMs,
  type Pool,
  type PoolRefusal,
  type PoolSpec,
  scalePool,
  shortfall,
} from "./pools.ts";
import type { Refusal } from "./state-machine.ts";

export type AutoScaleRun = {
  at: Instant;
  results: string;
  error?: { code: string; message: string; values?: { name: string; value: string }[] };
};

export type AutoScaleState = {
  /** The latest call of enableautoscale; kept when automatic scaling is disabled. */
  enabledAt?: Instant;
  /** When the formula is evaluated next. Absent while automatic scaling is disabled, as is `run`. */
  nextAt?: Instant;
  run?: AutoScaleRun;
};

/** How often a formula is evaluated when the client does not say. */
export const defaultEvaluationInterval = "PT15M";
/** The service's own lower limit; `--min-autoscale-interval` gives another. */
export const usualLeastIntervalMs = 5 * 60_000;
/** One sample for each of these, as at the real service. */
export const samplePeriodMs = 30_000;
export const sampleHistoryMs = 24 * 3_600_000;
/** At most one call of enableautoscale for each pool in this time. */
const enablePauseMs = 30_000;

export const isScaled = (pool: Pool): boolean => pool.state === "active" && pool.spec.enableAutoScale === true;

/**
 * Switches automatic scaling on, or changes its formula or interval. That the calling waits come last of the refusals is unverified.
 * A schedule that begins (with the request, or with a new interval) begins with an evaluation.
 */
export const enableAutoScale = (
  pool: Pool,
  settings: { formula?: string; interval?: string },
  now: Instant,
): { after: Pool } | PoolRefusal | Refusal<"TooManyEnableAutoScaleRequests"> => {
  if (pool.state === "deleting") return { refused: "PoolBeingDeleted" };
  const wasOn = isScaled(pool);
  if (!wasOn && pool.allocationState !== "steady") return { refused: "PoolBeingResized" };
  const { enabledAt } = pool.autoScale ?? {};
  if (enabledAt !== undefined && now - enabledAt < enablePauseMs) return { refused: "TooManyEnableAutoScaleRequests" };
  const spec: PoolSpec = {
    ...pool.spec,
    enableAutoScale: true,
    autoScaleFormula: settings.formula ?? pool.spec.autoScaleFormula,
    autoScaleEvaluationInterval: settings.interval ?? pool.spec.autoScaleEvaluationInterval ?? defaultEvaluationInterval,
  };
  const restarts = !wasOn || settings.interval !== undefined;
  return { after: { ...pool, spec, autoScale: { ...pool.autoScale, enabledAt: now, ...(restarts ? { nextAt: now } : {}) } } };
};

/** Keeps the targets as the formula left them; a resize under way goes on and gets its timeout back. */
export const disableAutoScale = (pool: Pool, now: Instant): { after: Pool } | PoolRefusal => {
  if (pool.state === "deleting") return { refused: "PoolBeingDeleted" };
  const { autoScaleFormula, autoScaleEvaluationInterval, ...spec } = pool.spec;
  const { enabledAt } = pool.autoScale ?? {};
  const timeoutMs = spec.resizeTimeout === undefined ? defaultResizeTimeoutMs : durationMs(spec.resizeTimeout);
  return {
    after: {
      ...pool,
      spec: { ...spec, enableAutoScale: false },
      autoScale: enabledAt === undefined ? undefined : { enabledAt },
      ...(pool.resize === undefined ? {} : { resize: { ...pool.resize, timeoutAt: pool.resize.timeoutAt ?? now + timeoutMs } }),
    },
  };
};

/** Evaluations keep to their schedule; those that were missed (the server was down) are made up for by one. */
const nextEvaluation = (pool: Pool, now: Instant): Instant => {
  const intervalMs = durationMs(pool.spec.autoScaleEvaluationInterval ?? defaultEvaluationInterval);
  const due = pool.autoScale?.nextAt ?? now;
  return due + Math.max(1, Math.floor((now - due) / intervalMs) + 1) * intervalMs;
};

export type Verdict = AutoScaleRun & { targetDedicated: number; targetLowPriority: number; option: DeallocationOption };

/**
 * What an evaluation makes of the pool and its nodes. One that failed is noted and resizes nothing. Nodes that were to leave when their
 * tasks end (`busy`: they have some) are kept instead of making new ones where the pool grows again.
 */
export const applyVerdict = (
  before: Pool,
  nodes: readonly Node[],
  { targetDedicated, targetLowPriority, option, ...run }: Verdict,
  busy: (node: Node) => boolean,
): { pool: Pool; kept: Node[] } => {
  const now = run.at;
  const pool: Pool = { ...before, autoScale: { ...before.autoScale, nextAt: nextEvaluation(before, now), run } };
  if (run.error !== undefined) return { pool, kept: [] };
  const same = targetDedicated === pool.targetDedicated && targetLowPriority === pool.targetLowPriority;
  const missing = shortfall({ ...pool, targetDedicated, targetLowPriority }, nodes);
  // What an earlier resize could not have is asked for again, as long as the formula wants it.
  if (same && (pool.allocationState !== "steady" || (missing.dedicated === 0 && missing.lowPriority === 0))) return { pool, kept: [] };
  const patient = nodes.filter(
    (node) => node.leaving?.kind === "remove" && (node.leaving.option === "taskcompletion" || node.leaving.option === "retaineddata"),
  );
  const take = (dedicated: boolean, count: number): Node[] =>
    patient.filter((node) => node.isDedicated === dedicated && busy(node)).slice(0, Math.max(0, count));
  const kept = [...take(true, missing.dedicated), ...take(false, missing.lowPriority)].map((node) => stayAfterAll(node, now));
  return { pool: scalePool(pool, { targetDedicated, targetLowPriority, option }, now), kept };
};

export type NodeFigures = {
  CurrentDedicatedNodes: number;
  CurrentLowPriorityNodes: number;
  PreemptedNodeCount: number;
  UsableNodeCount: number;
};

/** Nodes on their way in and out are current; preempted ones are, too. Usable are those that tasks may be placed on (unverified). */
export const nodeFigures = (nodes: readonly Node[]): NodeFigures => {
  const dedicated = nodes.filter((node) => node.isDedicated).length;
  return {
    CurrentDedicatedNodes: dedicated,
    CurrentLowPriorityNodes: nodes.length - dedicated,
    PreemptedNodeCount: nodes.filter((node) => node.state === "preempted").length,
    UsableNodeCount: nodes.filter(takesTasks).length,
  };
};
