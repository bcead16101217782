// A pool has one truth in two shapes: whatever the data plane's declarations allow of a pool is shown by ARM, and what ARM shows, sent back, makes
// the same pool. So no property is lost or mistaken for another on the way in or out.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PoolAddParameter } from "../../src/api/batch/pools.ts";
import type { Plain } from "../../src/api/fields.ts";
import { Pool } from "../../src/api/management/batch/pools.ts";
import type { DataPlaneVersion, Version } from "../../src/api/versions.ts";
import type { BatchAccount } from "../../src/domain/accounts.ts";
import { newPool } from "../../src/domain/new-pool.ts";
import { newPoolParameter } from "../../src/operations/management/batch/pool-parameters.ts";
import { poolResource } from "../../src/operations/management/batch/pool-view.ts";
import { parseBody } from "../../src/wire/parse.ts";
import { anAccount } from "../support/accounts.ts";
import { bodiesOf } from "./arbitrary-values.ts";

const account: BatchAccount = { ...anAccount(), id: 1 };
const place = { settings: { subscriptionId: "51756572-6e00-4000-8000-000000000001" }, account };
const at = { accountId: 1, stamp: 1_700_000_000_000_000 };

/** Sizes and references that rules between resources would refuse are replaced; the formula decides who gives the targets. */
const sensible = (body: Plain): Plain => {
  const { certificateReferences, applicationPackageReferences, enableAutoScale, ...rest } = body as Record<string, any>;
  const { autoScaleFormula, autoScaleEvaluationInterval, targetDedicatedNodes, targetLowPriorityNodes, resizeTimeout, ...others } = rest;
  return {
    ...others,
    vmSize: "standard_d2_v3",
    ...(certificateReferences === undefined
      ? {}
      : {
          certificateReferences: certificateReferences.map((one: Plain) => ({ ...one, thumbprint: "aB12", thumbprintAlgorithm: "sha1" })),
        }),
    ...(applicationPackageReferences === undefined
      ? {}
      : { applicationPackageReferences: applicationPackageReferences.map((one: Plain) => ({ ...one, applicationId: "app-1" })) }),
    ...(enableAutoScale === true
      ? { enableAutoScale, autoScaleFormula, autoScaleEvaluationInterval }
      : { targetDedicatedNodes, targetLowPriorityNodes, resizeTimeout }),
  };
};

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

for (const [version, ours] of [
  ["2024-02-01.19.0", "2024-02-01"],
  ["2024-07-01.20.0", "2024-07-01"],
  ["2025-06-01", "2025-06-01"],
] as [DataPlaneVersion, Version][]) {
  test(`what ARM shows of a pool makes the same pool (${version})`, () => {
    let made = 0;
    fc.assert(
      fc.property(bodiesOf(PoolAddParameter, version), (body) => {
        fc.pre(body.virtualMachineConfiguration !== undefined || body.cloudServiceConfiguration !== undefined);
        let parameter: ReturnType<typeof newPoolParameter>;
        try {
          parameter = parseBody(PoolAddParameter, plain(sensible(body)), version);
        } catch (error) {
          // A choice that chance left open deeper down.
          if ((error as { code?: string }).code === "MissingRequiredProperty") return;
          throw error;
        }
        const pool = newPool(parameter, at);
        const shown = poolResource(pool, { dedicated: 0, lowPriority: 0 }, place);
        const read = parseBody(Pool, plain(shown), ours);
        const again = newPool(newPoolParameter(pool.id, read), at);
        made++;
        assert.deepEqual(plain(again), plain(withIds(pool)));
      }),
      { seed: 7, numRuns: 300 },
    );
    assert.ok(made > 100, String(made));
  });
}

/** ARM names packages by their resource ids, which the data plane takes too; an empty list is shown as none. */
const withIds = (pool: ReturnType<typeof newPool>): ReturnType<typeof newPool> => {
  const { applicationPackageReferences: packages } = pool.spec;
  if (packages === undefined) return pool;
  const prefix = `/subscriptions/${place.settings.subscriptionId}/resourceGroups/quern/providers/Microsoft.Batch/batchAccounts/account/applications`;
  const named = packages.map((one) => ({ ...one, applicationId: `${prefix}/${one.applicationId}` }));
  return { ...pool, spec: { ...pool.spec, applicationPackageReferences: named } };
};
