// The limits of the documents and of limits-and-quotas.md, as numbers written out here: what is at the limit is taken, what is one beyond is
// refused. (validation-declared.test.ts has its numbers from the declarations, and would follow a wrong one.)
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OperationId } from "../../src/api/batch/index.ts";
import { otherIds, validRequests } from "./exact-requests.ts";
import { anExactWorld, type ExactWorld } from "./exact-world.ts";

type Limit = {
  what: string;
  id: OperationId;
  at: object;
  beyond: object;
  property: string;
  code?: string;
  before?: (world: ExactWorld) => Promise<unknown>;
};

const letters = (length: number): string => "a".repeat(length);
const auto = (autoPoolIdPrefix: string): object => {
  const { id: _, ...pool } = validRequests.Pool_Add!.body;
  return { poolInfo: { autoPoolSpecification: { autoPoolIdPrefix, poolLifetimeOption: "job", pool } } };
};
const nat = (changes: object): object => ({
  networkConfiguration: {
    endpointConfiguration: {
      inboundNATPools: [
        { name: "a", protocol: "tcp", backendPort: 80, frontendPortRangeStart: 1000, frontendPortRangeEnd: 1039, ...changes },
      ],
    },
  },
});
const disk = (lun: number): object => ({
  virtualMachineConfiguration: { ...validRequests.Pool_Add!.body.virtualMachineConfiguration, dataDisks: [{ lun, diskSizeGB: 1 }] },
});
const security = (priority: number): object => nat({ networkSecurityGroupRules: [{ priority, access: "deny", sourceAddressPrefix: "*" }] });
const upgrade = (maxBatchInstancePercent: number): object => ({
  upgradePolicy: { mode: "rolling", rollingUpgradePolicy: { maxBatchInstancePercent } },
});
const scaled = (autoScaleFormula: string, autoScaleEvaluationInterval?: string): object => ({
  enableAutoScale: true,
  autoScaleFormula,
  autoScaleEvaluationInterval,
});
const padded = (length: number): string => `${"$TargetDedicatedNodes=0;".padEnd(length)}`;
const schedule = (changes: object): object => ({ schedule: { recurrenceInterval: "PT1H", ...changes } });
const release = (maxWallClockTime: string): object => ({
  jobPreparationTask: { commandLine: "x" },
  jobReleaseTask: { commandLine: "x", maxWallClockTime },
});
const command = { commandLine: "x" };
const collection = (count: number): object => ({ value: Array.from({ length: count }, (_, n) => ({ id: `n${n}`, ...command })) });
const user = (name: string): object => ({ userAccounts: [{ name, password: "p" }] });
const mounts = (count: number): object => ({
  mountConfiguration: Array.from({ length: count }, (_, n) => ({ nfsMountConfiguration: { source: "s", relativeMountPath: `m${n}` } })),
});

const limit = (what: string, id: OperationId, property: string, at: object, beyond: object, code?: string): Limit => ({
  what,
  id,
  at,
  beyond,
  property,
  ...(code === undefined ? {} : { code }),
});

const ids = (["Pool_Add", "Job_Add", "JobSchedule_Add", "Task_Add"] as const).flatMap((id) => [
  limit("an id of 64", id, "id", { id: letters(64) }, { id: letters(65) }),
  limit("an id of one", id, "id", { id: "_" }, { id: "" }),
  limit("what an id is made of", id, "id", { id: "aZ0-_" }, { id: "a.b" }),
  limit("a display name of 1024", id, "displayName", { displayName: letters(1024) }, { displayName: letters(1025) }),
]);

const limits: Limit[] = [
  ...ids,
  limit("priority", "Job_Add", "priority", { priority: 1000 }, { priority: 1001 }),
  limit("least priority", "Job_Add", "priority", { priority: -1000 }, { priority: -1001 }),
  limit("priority", "Job_Patch", "priority", { priority: 1000 }, { priority: 1001 }),
  limit("priority", "Job_Update", "priority", { priority: -1000 }, { priority: -1001 }),
  limit("parallel tasks", "Job_Add", "maxParallelTasks", { maxParallelTasks: -1 }, { maxParallelTasks: -2 }),
  limit("some parallel tasks", "Job_Add", "maxParallelTasks", { maxParallelTasks: 1 }, { maxParallelTasks: 0 }),
  limit(
    "retries of a job",
    "Job_Add",
    "maxTaskRetryCount",
    { constraints: { maxTaskRetryCount: -1 } },
    { constraints: { maxTaskRetryCount: -2 } },
  ),
  limit("retries", "Task_Add", "maxTaskRetryCount", { constraints: { maxTaskRetryCount: -1 } }, { constraints: { maxTaskRetryCount: -2 } }),
  limit(
    "retries of a start task",
    "Pool_Add",
    "maxTaskRetryCount",
    { startTask: { ...command, maxTaskRetryCount: -1 } },
    { startTask: { ...command, maxTaskRetryCount: -2 } },
  ),
  limit(
    "a manager's id",
    "Job_Add",
    "id",
    { jobManagerTask: { id: letters(64), ...command } },
    { jobManagerTask: { id: letters(65), ...command } },
  ),
  limit("a release task's time", "Job_Add", "maxWallClockTime", release("PT15M"), release("PT15M1S")),
  limit("a prefix", "Job_Add", "autoPoolIdPrefix", auto(letters(20)), auto(letters(21))),
  limit("slots of a task", "Task_Add", "requiredSlots", { requiredSlots: 1 }, { requiredSlots: 0 }),
  limit("a collection", "Task_AddCollection", "value", collection(100), collection(101)),
  limit("a collection of one", "Task_AddCollection", "value", collection(1), collection(0)),
  limit("slots of two cores", "Pool_Add", "taskSlotsPerNode", { taskSlotsPerNode: 8 }, { taskSlotsPerNode: 9 }),
  limit("a slot", "Pool_Add", "taskSlotsPerNode", { taskSlotsPerNode: 1 }, { taskSlotsPerNode: 0 }),
  limit("no nodes", "Pool_Add", "targetDedicatedNodes", { targetDedicatedNodes: 0 }, { targetDedicatedNodes: -1 }),
  limit("no Spot nodes", "Pool_Add", "targetLowPriorityNodes", { targetLowPriorityNodes: 0 }, { targetLowPriorityNodes: -1 }),
  limit("a resize's time", "Pool_Add", "resizeTimeout", { resizeTimeout: "PT5M" }, { resizeTimeout: "PT4M59S" }),
  limit("a resize's time", "Pool_Resize", "resizeTimeout", { resizeTimeout: "PT5M" }, { resizeTimeout: "PT4M59S" }),
  limit("a removal's time", "Pool_RemoveNodes", "resizeTimeout", { resizeTimeout: "PT5M" }, { resizeTimeout: "PT4M59S" }),
  limit("the first disk", "Pool_Add", "lun", disk(0), disk(-1)),
  limit("the last disk", "Pool_Add", "lun", disk(63), disk(64)),
  limit("a NAT pool's name", "Pool_Add", "name", nat({ name: letters(77) }), nat({ name: letters(78) })),
  limit("the last port of a node", "Pool_Add", "backendPort", nat({ backendPort: 65535 }), nat({ backendPort: 65536 })),
  limit("the first port of a node", "Pool_Add", "backendPort", nat({ backendPort: 1 }), nat({ backendPort: 0 })),
  limit(
    "the last public port",
    "Pool_Add",
    "frontendPortRangeEnd",
    nat({ frontendPortRangeStart: 60000, frontendPortRangeEnd: 65534 }),
    nat({ frontendPortRangeStart: 60000, frontendPortRangeEnd: 65535 }),
  ),
  limit("forty ports", "Pool_Add", "frontendPortRangeEnd", nat({}), nat({ frontendPortRangeEnd: 1038 })),
  limit(
    "below the reserved ports",
    "Pool_Add",
    "frontendPortRangeStart",
    nat({ frontendPortRangeStart: 49000, frontendPortRangeEnd: 49999 }),
    nat({ frontendPortRangeStart: 49000, frontendPortRangeEnd: 50000 }),
  ),
  limit(
    "above the reserved ports",
    "Pool_Add",
    "frontendPortRangeStart",
    nat({ frontendPortRangeStart: 55001, frontendPortRangeEnd: 55100 }),
    nat({ frontendPortRangeStart: 55000, frontendPortRangeEnd: 55100 }),
  ),
  limit("the first priority of a rule", "Pool_Add", "priority", security(150), security(149)),
  limit("the last priority of a rule", "Pool_Add", "priority", security(4096), security(4097)),
  limit("a batch of upgrades", "Pool_Add", "maxBatchInstancePercent", upgrade(5), upgrade(4)),
  limit("all at once", "Pool_Add", "maxBatchInstancePercent", upgrade(100), upgrade(101)),
  limit("a user's name", "Pool_Add", "name", user(letters(20)), user(letters(21))),
  limit("ten mounts", "Pool_Add", "mountConfiguration", mounts(10), mounts(11)),
  limit("a formula", "Pool_Add", "autoScaleFormula", scaled(padded(8192)), scaled(padded(8193)), "AutoScalingFormulaTooLong"),
  limit("a short interval", "Pool_Add", "autoScaleEvaluationInterval", scaled(padded(0), "PT5M"), scaled(padded(0), "PT4M59S")),
  limit("a long interval", "Pool_Add", "autoScaleEvaluationInterval", scaled(padded(0), "PT168H"), scaled(padded(0), "PT168H1S")),
  limit(
    "a long interval",
    "Pool_EnableAutoScale",
    "autoScaleEvaluationInterval",
    { autoScaleEvaluationInterval: "P7D" },
    { autoScaleEvaluationInterval: "P7DT1S" },
  ),
  limit(
    "a formula",
    "Pool_EnableAutoScale",
    "autoScaleFormula",
    { autoScaleFormula: padded(8192) },
    { autoScaleFormula: padded(8193) },
    "AutoScalingFormulaTooLong",
  ),
  limit(
    "how often",
    "JobSchedule_Add",
    "recurrenceInterval",
    schedule({ recurrenceInterval: "PT1M" }),
    schedule({ recurrenceInterval: "PT59S" }),
  ),
  limit("a window", "JobSchedule_Add", "startWindow", schedule({ startWindow: "PT1M" }), schedule({ startWindow: "PT59S" })),
  limit(
    "metadata without a name",
    "Pool_Add",
    "name",
    { metadata: [{ name: "a", value: "" }] },
    { metadata: [{ name: "", value: "a" }] },
    "EmptyMetadataKey",
  ),
  limit("a thumbprint", "Certificate_Add", "thumbprint", { thumbprint: "ab".repeat(20) }, { thumbprint: `${"ab".repeat(20)}a` }),
];

for (const { what, id, at, beyond, property, code } of limits) {
  test(`${id}: ${what}`, async (t) => {
    const world = await anExactWorld(t);
    const body = { ...validRequests[id]!.body, ...otherIds[id] };
    const refused = await world.ask(id, { body: { ...body, ...beyond } });
    assert.equal(refused.json?.code, code ?? "InvalidPropertyValue", refused.text);
    assert.equal(refused.json.values.find(({ key }: { key: string }) => key === "PropertyName").value, property);
    const taken = await world.ask(id, { body: { ...body, ...at } });
    assert.ok(taken.status < 300, taken.text);
  });
}

test("a hundred nodes are removed at once, no more", async (t) => {
  const world = await anExactWorld(t);
  const nodes = (count: number): object => ({ nodeList: Array.from({ length: count }, (_, n) => `n${n}`) });
  assert.equal((await world.ask("Pool_RemoveNodes", { body: nodes(101) })).json.code, "InvalidPropertyValue");
  assert.equal((await world.ask("Pool_RemoveNodes", { body: nodes(100) })).json.code, "NodeNotFound");
});

test("a mebibyte of tasks is too much", async (t) => {
  const world = await anExactWorld(t);
  const value = (length: number): object => ({ value: [{ id: "x", commandLine: "x".repeat(length) }] });
  const { status, json } = await world.ask("Task_AddCollection", { body: value(1024 * 1024) });
  assert.deepEqual([status, json.code], [413, "RequestBodyTooLarge"]);
  assert.equal((await world.ask("Task_AddCollection", { body: value(1024 * 1000) })).status, 200);
});
