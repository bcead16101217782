// Pools that a formula sizes, from outside: a queue gets its nodes, a formula is tried out, changed and taken away, and a crash in between.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { batchUser, hostImage, sh, type User } from "../support/batch-user.ts";
import { newLocation, type Quern, startQuern, startRefused } from "../support/quern.ts";

/** As many nodes as tasks wait or run, two at most. */
const followsQueue = "$tasks = $PendingTasks.GetSample(1);\n$TargetDedicatedNodes = min(2, $tasks); // no more\n";
const often = ["--min-autoscale-interval", "1"];

let quern: Quern;
let user: User;
before(async () => {
  quern = await startQuern(undefined, { args: [...often, "--storage", "none"] });
  user = batchUser(quern);
});
test.after(() => quern.stop());

const scaled = (id: string, autoScaleFormula: string, autoScaleEvaluationInterval = "PT1S") => ({
  id,
  vmSize: "standard_d2_v3",
  virtualMachineConfiguration: hostImage,
  enableAutoScale: true,
  autoScaleFormula,
  autoScaleEvaluationInterval,
});

test("a queue gets its nodes; another formula takes them away; what is left is resized by hand", { timeout: 60_000 }, async () => {
  await user.job("queue", "follows");
  for (const id of ["one", "two", "three"]) await user.task("queue", id, sh("echo done"));
  await user.ok("POST", "/pools", scaled("follows", followsQueue));
  for (const id of ["one", "two", "three"]) assert.equal((await user.taskIs("queue", id)).executionInfo.result, "success");
  const pool = await user.poolIs("follows", "steady");
  assert.deepEqual([pool.targetDedicatedNodes, pool.currentDedicatedNodes, pool.enableAutoScale], [2, 2, true]);
  assert.deepEqual([pool.autoScaleFormula, pool.autoScaleEvaluationInterval], [followsQueue, "PT1S"]);
  assert.match(pool.autoScaleRun.results, /^\$TargetDedicatedNodes=2;\$TargetLowPriorityNodes=0;\$NodeDeallocationOption=requeue;\$tasks=/);
  assert.match(pool.autoScaleRun.timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  await user.refused(409, "OperationInvalidForCurrentState", "POST", "/pools/follows/resize", { targetDedicatedNodes: 1 });

  const client = quern.client();
  await client.pool.enableAutoScale("follows", { autoScaleFormula: "$TargetDedicatedNodes = 0" });
  const empty = await user.seen("/pools/follows", (view) => view.targetDedicatedNodes === 0 && view.currentDedicatedNodes === 0);
  assert.equal(empty.autoScaleEvaluationInterval, "PT1S");
  await user.refused(503, "TooManyEnableAutoScaleRequests", "POST", "/pools/follows/enableautoscale", { autoScaleFormula: "$x = 1" });
  await user.poolIs("follows", "steady");

  await client.pool.disableAutoScale("follows");
  const fixed = await user.get("/pools/follows");
  assert.deepEqual(
    [fixed.enableAutoScale, fixed.targetDedicatedNodes, fixed.autoScaleFormula, fixed.autoScaleRun],
    [false, 0, undefined, undefined],
  );
  await user.ok("POST", "/pools/follows/resize", { targetDedicatedNodes: 1 });
  await user.seen("/pools/follows", (view) => view.currentDedicatedNodes === 1);
});

test("a formula is tried out on a pool: its answer, its errors and its headers", { timeout: 30_000 }, async () => {
  await user.ok("POST", "/pools", scaled("tried", "$TargetDedicatedNodes = 0", "PT1H"));
  const path = "/pools/tried/evaluateautoscale";
  const { json, headers } = await user.ok("POST", path, { autoScaleFormula: "$TargetLowPriorityNodes=3" });
  assert.equal(json.results, "$TargetDedicatedNodes=0;$TargetLowPriorityNodes=3;$NodeDeallocationOption=requeue");
  assert.equal(json["odata.metadata"], `${quern.ready.batchUrl}/$metadata#Microsoft.Azure.Batch.Protocol.Entities.AutoScaleRun`);
  assert.deepEqual([headers.dataserviceid, headers.etag], [`${quern.ready.batchUrl}${path}`, undefined]);
  const bad = await quern.client().pool.evaluateAutoScale("tried", "$something_useless");
  assert.equal(bad.error?.code, "AutoScalingFormulaEvaluationError");
  assert.equal(bad.error?.values?.[0]?.value, "Line 1, Col 1: Undefined symbol: $something_useless");
  const { targetLowPriorityNodes } = await user.get("/pools/tried");
  assert.equal(targetLowPriorityNodes, 0);
  const refused = await user.refused(400, "AutoScalingFormulaSyntaxError", "POST", "/pools", scaled("none", "$a = (1;"));
  assert.match(refused.json.values[0].value, /^Line 1, Col \d+: /);
  await user.refused(400, "InvalidPropertyValue", "POST", "/pools", scaled("none", "$a = 1", "PT0.5S"));
});

test("a pool whose formula fails stays as it is and says why", { timeout: 30_000 }, async () => {
  await user.ok("POST", "/pools", scaled("fails", "$TargetDedicatedNodes = val($PendingTasks.GetSample(1), 7)", "PT1H"));
  const { autoScaleRun, targetDedicatedNodes } = await user.seen("/pools/fails", (view) => view.autoScaleRun !== undefined);
  assert.deepEqual([autoScaleRun.error.code, targetDedicatedNodes], ["AutoScalingFormulaEvaluationError", 0]);
  assert.deepEqual(await user.why("poolId=fails"), ["FormulaFailed"]);
});

test("after a crash the formula goes on", { timeout: 60_000 }, async (t) => {
  const location = await newLocation(t);
  const first = await startQuern(t, { location, args: [...often, "--storage", "none"] });
  await batchUser(first).ok("POST", "/pools", scaled("survives", "$TargetDedicatedNodes = 1"));
  const then = await batchUser(first).seen("/pools/survives", (view) => view.autoScaleRun !== undefined);
  await first.kill();
  const second = await startQuern(t, { location, args: [...often, "--storage", "none"] });
  const now = await batchUser(second).seen("/pools/survives", (view) => view.autoScaleRun.timestamp > then.autoScaleRun.timestamp);
  assert.deepEqual([now.autoScaleFormula, now.targetDedicatedNodes], ["$TargetDedicatedNodes = 1", 1]);
  await batchUser(second).seen("/pools/survives", (view) => view.currentDedicatedNodes === 1);
});

test("an interval of the command line is checked", async () => {
  for (const text of ["0", "soon", "PT0.1S", "P8D"]) {
    const { code, stderr } = await startRefused(["--min-autoscale-interval", text]);
    assert.deepEqual([code === 0, /expected 1 second to 168 hours/.test(stderr)], [false, true], `${text}: ${stderr}`);
  }
});
