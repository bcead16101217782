// The operations on pools that a formula sizes, without a scheduler: what is accepted, refused, stored and told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { getPool, savePool } from "../../src/store/pools.ts";
import { insertSample, samplesOfPool } from "../../src/store/samples.ts";
import { aPoolBody, aService, refuses, type Service } from "./operations-fixtures.ts";

const pool1 = { params: { poolId: "pool1" } };
const one = "$TargetDedicatedNodes=1";
const key = { accountId: 1, poolKey: "pool1" };
const withBody = (body: object, poolId = "pool1") => ({ params: { poolId }, body });
const enable = (service: Service, body: object) => service.call("Pool_EnableAutoScale", withBody(body));
/** As if its first sizing were over. */
const settle = async (service: Service): Promise<void> => {
  const { resize, ...pool } = (await getPool(service.store, 1, "pool1"))!;
  await service.store.commit(savePool({ ...pool, allocationState: "steady" }));
};
const aSteadyPool = async (service: Service, settings: Record<string, unknown> = {}): Promise<void> => {
  await service.call("Pool_Add", { body: aPoolBody(settings) });
  await settle(service);
};

test("a pool is given a formula, another, another interval, and is left as it is", async (t) => {
  const service = await aService(t);
  await aSteadyPool(service, { targetDedicatedNodes: 2 });
  const { reply } = await enable(service, { autoScaleFormula: one });
  assert.ok(service.rung.includes("resize pool1"));
  const { body } = await service.call("Pool_Get", pool1);
  const settings = (view: any) => [
    view.enableAutoScale,
    view.autoScaleFormula,
    view.autoScaleEvaluationInterval,
    view.targetDedicatedNodes,
  ];
  assert.deepEqual(settings(body), [true, one, "PT15M", 2]);
  assert.equal(body.autoScaleRun, undefined);
  service.clock.advance(30_000);
  await enable(service, { autoScaleEvaluationInterval: "PT10M" });
  service.clock.advance(30_000);
  const { reply: second } = await enable(service, { autoScaleFormula: `${one}0` });
  assert.notEqual(second.modified, reply.modified);
  assert.deepEqual(settings((await service.call("Pool_Get", pool1)).body), [true, `${one}0`, "PT10M", 2]);

  const before = (await getPool(service.store, 1, "pool1"))!;
  await service.store.commit([
    ...savePool({ ...before, autoScale: { ...before.autoScale, run: { at: service.clock.now(), results: "$x=1" } } }),
    insertSample(key, { at: 1, metrics: {} }),
  ]);
  assert.deepEqual((await service.call("Pool_Get", pool1)).body.autoScaleRun, { timestamp: "2026-01-01T00:01:00Z", results: "$x=1" });
  const { reply: disabled } = await service.call("Pool_DisableAutoScale", pool1);
  assert.equal(disabled.modified, second.modified, "the service was seen to keep the ETag");
  const { body: after } = await service.call("Pool_Get", pool1);
  assert.deepEqual(settings(after), [false, undefined, undefined, 2]);
  assert.equal(after.autoScaleRun, undefined);
  assert.deepEqual(await samplesOfPool(service.store, key, 0), []);
  await service.call("Pool_DisableAutoScale", pool1);
  await service.call("Pool_Resize", withBody({ targetDedicatedNodes: 3 }));
});

test("what is refused", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody({ id: "resizing", targetDedicatedNodes: 1 }) });
  await service.call("Pool_Add", { body: aPoolBody({ id: "plain" }) });
  await service.call("Pool_Add", { body: aPoolBody({ id: "scaled", enableAutoScale: true, autoScaleFormula: one }) });
  const row = (name: string, poolId: string, body: object | undefined, code: any, values?: Record<string, string>) => ({
    name,
    call: { params: { poolId }, ...(body === undefined ? {} : { body }) },
    code,
    ...(values === undefined ? {} : { values }),
  });
  const interval = { PropertyName: "autoScaleEvaluationInterval" };
  await refuses(t, service, "Pool_EnableAutoScale", [
    row("no pool", "none", { autoScaleFormula: one }, "PoolNotFound"),
    row("no formula for a pool without one", "plain", { autoScaleEvaluationInterval: "PT10M" }, "MissingRequiredProperty"),
    row("nothing at all", "scaled", {}, "MissingRequiredProperty", { PropertyName: "autoScaleFormula" }),
    row("while a resize goes on", "resizing", { autoScaleFormula: one }, "PoolBeingResized"),
    row("a formula that is none", "plain", { autoScaleFormula: "$a = 1;\n$b = (2" }, "AutoScalingFormulaSyntaxError"),
    row("a formula that is too long", "plain", { autoScaleFormula: `$x=${"1".repeat(8190)}` }, "AutoScalingFormulaTooLong"),
    row("an interval under five minutes", "scaled", { autoScaleEvaluationInterval: "PT4M59S" }, "InvalidPropertyValue", interval),
    row("an interval over a week", "scaled", { autoScaleEvaluationInterval: "P7DT1S" }, "InvalidPropertyValue", interval),
  ]);
  await refuses(t, service, "Pool_EvaluateAutoScale", [
    row("no pool", "none", { autoScaleFormula: one }, "PoolNotFound"),
    row("no formula", "scaled", {}, "MissingRequiredProperty"),
    row("a pool without a formula", "plain", { autoScaleFormula: one }, "OperationInvalidForCurrentState"),
  ]);
  await refuses(t, service, "Pool_DisableAutoScale", [row("no pool", "none", undefined, "PoolNotFound")]);
  await refuses(t, service, "Pool_Resize", [
    row("a pool that a formula sizes", "scaled", { targetDedicatedNodes: 1 }, "OperationInvalidForCurrentState"),
  ]);
  const twice = { params: { poolId: "scaled" }, body: { autoScaleFormula: one } };
  await service.call("Pool_EnableAutoScale", twice);
  service.clock.advance(29_999);
  const tooSoon = await service.refusal("Pool_EnableAutoScale", twice);
  assert.deepEqual([tooSoon.status, tooSoon.code], [503, "TooManyEnableAutoScaleRequests"]);
  const { values } = await service.refusal("Pool_EnableAutoScale", withBody({ autoScaleFormula: "$a = 1;\n$b = (2" }, "plain"));
  assert.match(values[0]!.value, /^Line 2, Col \d+: /);
  const atCreation = await service.refusal("Pool_Add", {
    body: aPoolBody({ id: "bad", enableAutoScale: true, autoScaleFormula: "$a = " }),
  });
  assert.equal(atCreation.code, "AutoScalingFormulaSyntaxError");
});

test("the operator may allow shorter intervals", async (t) => {
  const service = await aService(t, { leastAutoScaleIntervalMs: 2000 });
  const settings = { enableAutoScale: true, autoScaleFormula: one };
  await service.call("Pool_Add", { body: aPoolBody({ ...settings, autoScaleEvaluationInterval: "PT2S" }) });
  const short = { body: aPoolBody({ id: "short", ...settings, autoScaleEvaluationInterval: "PT1S" }) };
  assert.equal((await service.refusal("Pool_Add", short)).code, "InvalidPropertyValue");
});

test("a formula is evaluated on the pool as it stands, and nothing comes of it", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody({ enableAutoScale: true, autoScaleFormula: one }) });
  const pool = (await getPool(service.store, 1, "pool1"))!;
  await service.store.commit(savePool({ ...pool, targetDedicated: 2 }));
  const evaluate = async (autoScaleFormula: string) => (await service.call("Pool_EvaluateAutoScale", withBody({ autoScaleFormula }))).body;
  assert.deepEqual(await evaluate("$TargetDedicatedNodes=3"), {
    timestamp: "2026-01-01T00:00:00Z",
    results: "$TargetDedicatedNodes=3;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue",
  });
  // Before the first sample is stored, one is taken for the question.
  assert.match((await evaluate("$x = $PendingTasks.GetSample(1)")).results, /;\$x=\[0\]$/);
  const failed = await evaluate("$something_useless");
  assert.equal(failed.results, "$TargetDedicatedNodes=2;$TargetLowPriorityNodes=0;$NodeDeallocationOption=requeue");
  assert.equal(failed.error.code, "AutoScalingFormulaEvaluationError");
  assert.deepEqual(failed.error.values, [{ name: "Message", value: "Line 1, Col 1: Undefined symbol: $something_useless" }]);
  assert.match((await evaluate("$a = (")).error.code, /^AutoScaling/);
  const { error } = await evaluate("$x = $CPUPercent.GetSample(TimeInterval_Minute, 10)");
  assert.deepEqual([error.code, /wanted 10%, received 0%$/.test(error.values[0].value)], ["InsufficientSampleData", true]);
  assert.equal((await getPool(service.store, 1, "pool1"))?.targetDedicated, 2);
});

test("a job whose automatic pool has a formula that is none ends at once and says why", async (t) => {
  const service = await aService(t);
  const { id, ...pool } = aPoolBody({ enableAutoScale: true, autoScaleFormula: "$a = (" }) as Record<string, unknown>;
  await service.call("Job_Add", { body: { id: "job1", poolInfo: { autoPoolSpecification: { poolLifetimeOption: "job", pool } } } });
  const { body } = await service.call("Job_Get", { params: { jobId: "job1" } });
  assert.deepEqual([body.state, body.executionInfo.schedulingError.code], ["completed", "InvalidAutoScaleFormulaInAutoPool"]);
  assert.deepEqual((await service.call("Pool_List")).items, []);
});
