// What must hold of a request beyond its declaration: the rules of the documents and of the reference (pools-and-nodes, jobs-and-tasks,
// limits-and-quotas). One wrong thing a row, through the real front door; what was refused has changed nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OperationId } from "../../src/api/batch/index.ts";
import { otherIds, validRequests } from "./exact-requests.ts";
import { anExactWorld, type ExactWorld } from "./exact-world.ts";
import { auto, ofJobs, ofPools, ofTasks, type Row, row } from "./rule-rows.ts";

const noSuchPackage = row(
  "a package that is not there",
  { applicationPackageReferences: [{ applicationId: "a" }] },
  null,
  "InvalidApplicationPackageReferences",
  409,
);

const tables: [id: OperationId, rows: Row[]][] = [
  ["Pool_Add", [...ofPools, noSuchPackage]],
  ["Pool_Add", [row("the id of a pool", { id: "P" }, null, "PoolExists", 409)]],
  ["Job_Add", [...ofJobs, row("a pool that outlives the job", auto({}, { poolLifetimeOption: "jobschedule" }), "poolLifetimeOption")]],
  [
    "Job_Add",
    [
      row("the id of a job", { id: "J" }, null, "JobExists", 409),
      row("the id of a schedule", { id: "S" }, null, "JobScheduleWithSameIdExists", 409),
    ],
  ],
  [
    "JobSchedule_Add",
    [
      ...ofJobs.map((one): Row => ({ ...one, body: { jobSpecification: { poolInfo: { poolId: "p" }, ...one.body } } })),
      row("the id of a schedule", { id: "S" }, null, "JobScheduleExists", 409),
      row("the id of a job", { id: "J" }, null, "JobWithSameIdExists", 409),
    ],
  ],
  ["JobSchedule_Patch", ofJobs.map((one): Row => ({ ...one, body: { jobSpecification: { poolInfo: { poolId: "p" }, ...one.body } } }))],
  ["Task_Add", [...ofTasks, row("the id of a task", { id: "T" }, null, "TaskExists", 409)]],
  [
    "Pool_Resize",
    [
      row("no target", { targetDedicatedNodes: undefined }, "targetDedicatedNodes", "MissingRequiredProperty"),
      row("less than five minutes", { resizeTimeout: "PT4M59S" }, "resizeTimeout"),
    ],
  ],
  ["Pool_RemoveNodes", [row("a node that is not there", { nodeList: ["n", "m"] }, null, "NodeNotFound", 404)]],
  [
    "Pool_Patch",
    [
      row("settings of a pool with nodes", { vmSize: "standard_d4_v3" }, null, "OperationInvalidForCurrentState", 409),
      noSuchPackage,
      row("a start task that is too large", { startTask: { commandLine: "x".repeat(33_000) } }, "startTask", "RequestBodyTooLarge", 413),
    ],
  ],
  [
    "Pool_EnableAutoScale",
    [
      row("no formula", { autoScaleFormula: undefined }, "autoScaleFormula", "MissingRequiredProperty"),
      row("four minutes", { autoScaleEvaluationInterval: "PT4M59S" }, "autoScaleEvaluationInterval"),
      row("a formula that is none", { autoScaleFormula: "$TargetDedicatedNodes=" }, null, "AutoScalingFormulaSyntaxError"),
    ],
  ],
  ["Job_Patch", [row("a malformed subnet", { networkConfiguration: { subnetId: "/subnets/x" } }, "subnetId")]],
  ["Job_Patch", [row("another pool", { poolInfo: { poolId: "q" } }, null, "OperationInvalidForCurrentState", 409)]],
  ["Job_Update", [row("another pool", { poolInfo: { poolId: "q" } }, null, "OperationInvalidForCurrentState", 409)]],
  [
    "ComputeNode_AddUser",
    [
      row("a name that cannot be", { name: "a/b" }, "name"),
      row("a key of two lines", { sshPublicKey: "ssh-rsa a\nssh-rsa b" }, "sshPublicKey"),
    ],
  ],
  [
    "ComputeNode_UploadBatchServiceLogs",
    [
      row("a container that is none", { containerUrl: "x" }, "containerUrl"),
      row("an end before the start", { endTime: "2025-01-01" }, "endTime"),
      row("an identity", { identityReference: { resourceId: "x" } }, "identityReference"),
    ],
  ],
  [
    "Certificate_Add",
    [
      row("the thumbprint of a certificate", { thumbprint: "A B" }, null, "CertificateExists", 409),
      row("data that is none", { data: "!" }, "data"),
    ],
  ],
];

const state = async ({ send }: ExactWorld): Promise<unknown[]> =>
  Promise.all(["/pools", "/jobs", "/jobschedules", "/jobs/j/tasks"].map(async (path) => (await send({ method: "GET", path })).json));

for (const [id, rows] of tables) {
  test(`${id}: ${rows.length} rows`, { timeout: 60_000 }, async (t) => {
    const world = await anExactWorld(t);
    const before = await state(world);
    const wrong: string[] = [];
    for (const { what, body, code, property, status } of rows) {
      const answer = await world.ask(id, { body: { ...validRequests[id]!.body, ...otherIds[id], ...body } });
      const named = answer.json?.values?.find(({ key }: { key: string }) => key === "PropertyName")?.value ?? null;
      const seen = `${answer.status} ${answer.json?.code} ${property === null ? "" : named}`.trim();
      const wanted = `${status} ${code} ${property ?? ""}`.trim();
      if (seen !== wanted) wrong.push(`${what}: ${seen}, not ${wanted}: ${answer.text.slice(0, 300)}`);
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(await state(world), before);
  });
}

test("tasks of a collection are refused one by one, the others added", async (t) => {
  const world = await anExactWorld(t);
  const bad = ofTasks.map(({ body }, index) => ({ id: `bad${index}`, commandLine: "x", ...body }));
  const value = [...bad, { id: "T", commandLine: "x" }, { id: "good", commandLine: "x" }, { id: "GOOD", commandLine: "x" }];
  const { status, json } = await world.ask("Task_AddCollection", { body: { value } });
  assert.equal(status, 200);
  const results = json.value.map((one: any) => `${one.status} ${one.error?.code ?? ""}`.trim());
  assert.deepEqual(results, [
    ...ofTasks.map(({ code }) => `ClientError ${code}`),
    "ClientError TaskExists",
    "Success",
    "ClientError TaskExists",
  ]);
  for (const one of json.value) assert.equal(one.eTag === undefined, one.status !== "Success");
});
