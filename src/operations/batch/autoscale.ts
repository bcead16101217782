// What the operations on pools that a formula sizes do. When a formula is evaluated and what becomes of its result is the scheduler's.
import type * as api from "../../api/batch/pools.ts";
import { ApiError, missingProperty } from "../../api/errors.ts";
import { disableAutoScale, enableAutoScale, isScaled } from "../../domain/autoscale.ts";
import { checkEvaluationInterval } from "../../domain/pool-checks.ts";
import type { Pool } from "../../domain/pools.ts";
import type { Instant } from "../../lib/clock.ts";
import { evaluateOnPool, refuseBadFormula } from "../../scheduler/formula.ts";
import { nodesOfPool } from "../../store/nodes.ts";
import * as store from "../../store/pools.ts";
import { deleteSamples } from "../../store/samples.ts";
import type { Handler, Services } from "../handler.ts";
import { allowed, loadPool } from "./load.ts";
import { changePool } from "./pools.ts";
import { autoScaleRunView } from "./views/pools.ts";

export const enablePoolAutoScale: Handler<typeof api.enablePoolAutoScale> = async (request, services) => {
  const { autoScaleFormula: formula, autoScaleEvaluationInterval: interval } = request.body;
  refuseBadFormula(formula);
  checkEvaluationInterval(interval, services);
  return changePool(request, services, async (pool) => {
    if (formula === undefined && (interval === undefined || !isScaled(pool)) && pool.state === "active")
      throw missingProperty("autoScaleFormula");
    return allowed(enableAutoScale(pool, { formula, interval }, request.now));
  });
};

/** Changes no ETag (seen in cli-2021-pools-and-nodes). Of a pool that no formula sizes nothing is changed (unverified). */
export const disablePoolAutoScale: Handler<typeof api.disablePoolAutoScale> = async (request, services) => {
  const { modified } = await disableScalingOf(request, services);
  return { modified };
};

export const disableScalingOf = async (
  { principal, params, now }: { principal: { accountId: number }; params: { poolId: string }; now: Instant },
  services: Services,
): Promise<Pool> => {
  const pool = await services.store.decide(async (read) => {
    const before = await loadPool(read, principal.accountId, params.poolId);
    const after = allowed(disableAutoScale(before, now));
    if (!isScaled(before)) return { writes: [], result: before };
    const samples = deleteSamples({ accountId: before.accountId, poolKey: before.key });
    return { writes: [...store.savePool(after), samples], result: after };
  });
  services.wake.resize(pool.accountId, pool.key);
  return pool;
};

/** Only of a pool that a formula sizes already (the code of the refusal: unverified). Changes nothing. */
export const evaluatePoolAutoScale: Handler<typeof api.evaluatePoolAutoScale> = async ({ principal, params, body, now }, services) => {
  const pool = await loadPool(services.store, principal.accountId, params.poolId);
  if (pool.state === "deleting") throw new ApiError("PoolBeingDeleted");
  if (!isScaled(pool)) {
    const reason = "A formula can be evaluated only for a pool with automatic scaling enabled.";
    throw new ApiError("OperationInvalidForCurrentState", [{ key: "Reason", value: reason }]);
  }
  const nodes = await nodesOfPool(services.store, pool.accountId, pool.key);
  const outcome = await evaluateOnPool(services.store, { pool, nodes, formula: body.autoScaleFormula }, { now, ids: services.ids });
  return { body: autoScaleRunView({ at: now, results: outcome.results, error: outcome.error }) };
};
