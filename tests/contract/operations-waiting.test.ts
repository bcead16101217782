// Why something waits, as an operator is told: the first reason names what is in the way, in the order in which things get in the way.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { resizeErrors, settlePool } from "../../src/domain/pools.ts";
import { waiting } from "../../src/domain/waiting.ts";
import { explain, type Subject } from "../../src/operations/waiting.ts";
import { getJob, saveJob } from "../../src/store/jobs.ts";
import { insertNodes } from "../../src/store/nodes.ts";
import { getPool, savePool } from "../../src/store/pools.ts";
import { aPoolBody, aService, type Service } from "./operations-fixtures.ts";
import { aNode } from "./store-fixtures.ts";

const why = async (service: Service, subject: Subject): Promise<string[]> =>
  (await explain(service.services, 1, subject)).reasons.map(({ code }) => code);
const task = { jobId: "job1", taskId: "task1" };

test("a task waits for its pool, then for a node, then for a slot that it fits", async (t) => {
  const service = await aService(t);
  await service.call("Job_Add", { body: { id: "Job1", poolInfo: { poolId: "Pool1" } } });
  await service.call("Task_Add", { params: { jobId: "job1" }, body: { id: "Task1", commandLine: "c", requiredSlots: 2 } });
  assert.deepEqual(await why(service, task), ["PoolNotFound"]);
  await service.call("Pool_Add", { body: aPoolBody() });
  assert.deepEqual(await why(service, task), ["NoNodes"]);
  await service.store.commit(insertNodes([aNode({ id: "a", state: "starting" })]));
  assert.deepEqual(await why(service, task), ["NodesStarting"]);
  await service.store.commit(insertNodes([aNode({ id: "b" })]));
  assert.deepEqual(await why(service, task), ["NotEnoughSlots"]);
  const job = (await getJob(service.store, 1, "job1"))!;
  await service.store.commit(saveJob({ ...job, state: "disabled" }));
  assert.deepEqual(await why(service, task), ["JobDisabled"]);
  assert.deepEqual(await why(service, { jobId: "job1" }), ["JobDisabled"]);
});

test("a pool waits for its formula, its resize, or what its last resize could not have", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody({ id: "auto", enableAutoScale: true, autoScaleFormula: "$x = 1" }) });
  assert.deepEqual(await why(service, { poolId: "auto" }), ["NoNodes"]);
  const auto = (await getPool(service.store, 1, "auto"))!;
  const error = { code: "InsufficientSampleData", message: "Not enough.", values: [{ name: "Message", value: "Line 1" }] };
  await service.store.commit(savePool({ ...auto, autoScale: { run: { at: 0, results: "", error } } }));
  const told = (await explain(service.services, 1, { poolId: "auto" })).reasons;
  assert.deepEqual(told, [{ code: "FormulaFailed", message: "Not enough. (Line 1)" }]);
  await service.call("Pool_Add", { body: aPoolBody({ targetDedicatedNodes: 1 }) });
  assert.deepEqual(await why(service, { poolId: "pool1" }), ["NoNodes", "PoolResizing"]);
  for (const [reason, code] of [
    [waiting("ImageNotAvailable").message, "ImageNotAvailable"],
    ["no room on this machine", "AllocationFailed"],
  ] as const) {
    const pool = (await getPool(service.store, 1, "pool1"))!;
    const errors = resizeErrors({ dedicated: 1, lowPriority: 0 }, "AllocationFailed", reason);
    await service.store.commit(savePool(settlePool(pool, errors, service.clock.now())));
    const { reasons, state } = await explain(service.services, 1, { poolId: "POOL1" });
    assert.deepEqual([state, reasons], ["active", [{ code, message: reason }]]);
  }
});

test("a node waits for its agent, and one that takes tasks for nothing", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody() });
  await service.store.commit(
    insertNodes([aNode({ id: "a", agentId: "agent" }), aNode({ id: "b" }), aNode({ id: "c", state: "starttaskfailed", agentId: "agent" })]),
  );
  assert.deepEqual(await why(service, { poolId: "pool1", nodeId: "a" }), []);
  assert.deepEqual(await why(service, { poolId: "pool1", nodeId: "b" }), ["NodeUnreachable"]);
  assert.deepEqual(await why(service, { poolId: "pool1", nodeId: "c" }), ["StartTaskFailed"]);
});

test("what is not there, and nothing, cannot be explained", async (t) => {
  const service = await aService(t);
  const code = (subject: Subject) =>
    explain(service.services, 1, subject).then(
      () => undefined,
      (error) => error.code,
    );
  assert.equal(await code({ poolId: "x" }), "PoolNotFound");
  assert.equal(await code({ jobId: "x", taskId: "y" }), "JobNotFound");
  assert.equal(await code({}), "MissingRequiredQueryParameter");
});

test("the manual names every reason that only a later release takes away", () => {
  const text = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const codes = new Set(text("src/domain/waiting.ts").match(/\b(?:\w+NotSupported|ImageNot\w+)\b/g));
  assert.ok(codes.size > 5);
  const page = text("docs/manual/waiting.md");
  assert.deepEqual(
    [...codes].filter((code) => !page.includes(`\`${code}\``)),
    [],
  );
});
