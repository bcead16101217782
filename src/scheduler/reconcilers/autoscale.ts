// Pools that a formula sizes: takes a sample every 30 seconds and evaluates the formula when it is due. What comes out becomes the pool's
// targets; making and removing nodes is resize.ts. Without input but the store; may run at any time and twice, and sleeps between.
import { applyVerdict, isScaled, sampleHistoryMs, samplePeriodMs } from "../../domain/autoscale.ts";
import type { Pool } from "../../domain/pools.ts";
import type { Instant } from "../../lib/clock.ts";
import type { Reader } from "../../store/db.ts";
import { nodesOfPool, saveNodes } from "../../store/nodes.ts";
import { getPool, savePool } from "../../store/pools.ts";
import { deleteSamplesBefore, insertSample, lastSampleAt } from "../../store/samples.ts";
import { allPlacedTasks } from "../../store/tasks.ts";
import type { Context, PoolKey } from "../context.ts";
import { evaluateOnPool } from "../formula.ts";
import { takeSample } from "../samples.ts";

export const scalePools = async (context: Context, key: PoolKey): Promise<void> => {
  const pool = await getPool(context.store, key.accountId, key.poolKey);
  if (pool === undefined || !isScaled(pool)) return;
  const sampledAt = await sample(context, key);
  const due = dueAt(pool) <= context.clock.now();
  const after = due ? await evaluate(context, key) : pool;
  if (after === undefined) return;
  const nextAt = Math.min(dueAt(after), sampledAt + samplePeriodMs);
  context.bells.autoScaleAfter(key, nextAt - context.clock.now());
};

/** At once where a pool's row does not say: it is older than automatic scaling is here. */
const dueAt = (pool: Pool): Instant => pool.autoScale?.nextAt ?? 0;

/** Takes the sample that is due, if one is, and returns the moment of the latest: moments are a period apart from the first one on. */
const sample = async (context: Context, key: PoolKey): Promise<Instant> => {
  const { store, machines, clock } = context;
  const now = clock.now();
  const last = await lastSampleAt(store, key);
  // A clock that was set back must not keep a pool without samples until it has caught up.
  if (last !== undefined && last <= now && now - last < samplePeriodMs) return last;
  const at = last === undefined || last > now ? now : last + Math.floor((now - last) / samplePeriodMs) * samplePeriodMs;
  const nodes = await nodesOfPool(store, key.accountId, key.poolKey);
  const taken = await takeSample(store, key, nodes, { at, machines: machines.of(nodes) });
  machines.ask(nodes);
  await store.commit([insertSample(key, taken), deleteSamplesBefore(key, at - sampleHistoryMs)]);
  return at;
};

/** The pool as the evaluation left it; undefined when it is not to be evaluated any more. */
const evaluate = async (context: Context, key: PoolKey): Promise<Pool | undefined> => {
  const { store, log } = context;
  const step = await store.decide(async (read) => {
    const step = await nextStep(context, read, key);
    const writes = step === undefined ? [] : [...savePool(step.pool), ...(step.kept.length === 0 ? [] : saveNodes(step.kept))];
    return { writes, result: step };
  });
  if (step === undefined) return undefined;
  const { results, error } = step.pool.autoScale!.run!;
  log.info({ pool: step.pool.id, results, ...(error === undefined ? {} : { error: error.code }) }, "formula evaluated");
  if (step.resized) {
    context.board.view(key).stale = true;
    context.bells.pool(key);
    context.bells.loop(key);
  }
  return step.pool;
};

const nextStep = async (context: Context, read: Reader, key: PoolKey) => {
  const before = await getPool(read, key.accountId, key.poolKey);
  const now = context.clock.now();
  if (before === undefined || !isScaled(before)) return undefined;
  const nodes = await nodesOfPool(read, key.accountId, key.poolKey);
  const formula = before.spec.autoScaleFormula ?? "";
  const outcome = await evaluateOnPool(read, { pool: before, nodes, formula }, { now, ids: context.ids });
  const busy = new Set((await allPlacedTasks(read, nodes)).map((task) => task.nodeId));
  const verdict = {
    at: now,
    results: outcome.results,
    ...(outcome.error === undefined ? {} : { error: outcome.error }),
    targetDedicated: outcome.targetDedicatedNodes,
    targetLowPriority: outcome.targetLowPriorityNodes,
    option: outcome.nodeDeallocationOption,
  };
  const { pool, kept } = applyVerdict(before, nodes, verdict, (node) => busy.has(node.id));
  return { pool, kept, resized: pool.resize !== before.resize };
};
