// Samples of pools that a formula sizes: they come back as written, in order, once a moment, and go with the pool or its formula.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pool } from "../../src/domain/pools.ts";
import { sql } from "../../src/store/db.ts";
import * as pools from "../../src/store/pools.ts";
import * as samples from "../../src/store/samples.ts";
import { sanityCheck } from "../../src/store/sanity-check.ts";
import { aPool, openedStore } from "./store-fixtures.ts";

const key = { accountId: 1, poolKey: "pool1" };
const scaled = (changes: Partial<Pool> = {}): Pool =>
  aPool({ spec: { ...aPool().spec, enableAutoScale: true, autoScaleFormula: "$x=1" }, ...changes });

test("where automatic scaling stands comes back with the pool", async (t) => {
  const store = await openedStore(t);
  const run = { at: 5, results: "$x=1", error: { code: "c", message: "m", values: [{ name: "n", value: "v" }] } };
  const pool = scaled({ autoScale: { enabledAt: 1, nextAt: 2, run } });
  await store.commit([...pools.insertPool(pool), ...pools.insertPool(aPool({ key: "plain", id: "plain" }))]);
  assert.deepEqual(await pools.getPool(store, 1, "pool1"), pool);
  assert.deepEqual(
    (await pools.scaledPools(store)).map(({ id }) => id),
    ["Pool1"],
  );
  await store.commit(pools.savePool({ ...pool, autoScale: { enabledAt: 1 } }));
  assert.deepEqual((await pools.getPool(store, 1, "pool1"))?.autoScale, { enabledAt: 1 });
});

test("samples are kept once a moment, with what was known", async (t) => {
  const store = await openedStore(t);
  await store.commit(pools.insertPool(scaled()));
  const first = { at: 1000, metrics: { ActiveTasks: 3, CPUPercent: 0.25 } };
  await store.commit([
    samples.insertSample(key, { at: 31_000, metrics: { NetworkOutBytes: 7 } }),
    samples.insertSample(key, first),
    samples.insertSample(key, { at: 1000, metrics: { ActiveTasks: 4 } }),
  ]);
  assert.deepEqual(await samples.samplesOfPool(store, key, 0), [first, { at: 31_000, metrics: { NetworkOutBytes: 7 } }]);
  assert.equal((await samples.samplesOfPool(store, key, 1001)).length, 1);
  assert.deepEqual(
    [await samples.lastSampleAt(store, key), await samples.lastSampleAt(store, { ...key, accountId: 2 })],
    [31_000, undefined],
  );
  await store.commit([samples.deleteSamplesBefore(key, 31_000)]);
  assert.equal((await samples.samplesOfPool(store, key, 0)).length, 1);
});

test("no pool without a formula gets a sample, and a pool takes its samples along", async (t) => {
  const store = await openedStore(t);
  await store.commit(pools.insertPool(aPool()));
  await store.commit([
    samples.insertSample(key, { at: 1, metrics: {} }),
    samples.insertSample({ ...key, poolKey: "none" }, { at: 1, metrics: {} }),
  ]);
  assert.deepEqual(await samples.samplesOfPool(store, key, 0), []);
  await store.commit(pools.savePool(scaled()));
  await store.commit([samples.insertSample(key, { at: 1, metrics: {} })]);
  assert.deepEqual(await sanityCheck(store), []);
  const pool = (await pools.getPool(store, 1, "pool1"))!;
  await store.commit(pools.deletePool(pool));
  assert.deepEqual(await store.all(sql`SELECT * FROM pool_samples`), []);
});
