// Reading bodies: defaults and names by version, refusals with their code and values, hostile input.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { batchOperations } from "../api/batch/index.ts";
import { JobAddParameter, JobPatchParameter, JobTerminateParameter, JobUpdateParameter } from "../api/batch/jobs.ts";
import {
  NodeRemoveParameter,
  PoolAddParameter,
  PoolPatchParameter,
  PoolResizeParameter,
  PoolUpdatePropertiesParameter,
} from "../api/batch/pools.ts";
import { TaskAddCollectionParameter, TaskAddParameter } from "../api/batch/tasks.ts";
import { ApiError } from "../api/errors.ts";
import type { Model } from "../api/fields.ts";
import { baseline, type Version, versions } from "../api/versions.ts";
import { applyDefaults, parseBody } from "./parse.ts";

const task = { id: "t", commandLine: "/bin/true" };
const job = { id: "j", poolInfo: { poolId: "p" } };
const machine = { imageReference: { publisher: "canonical", offer: "ubuntu", sku: "22.04" }, nodeAgentSKUId: "batch.node.ubuntu 22.04" };
const pool = { id: "p", vmSize: "Standard_A1", virtualMachineConfiguration: machine };
const unlimited = "P10675199DT2H48M5.4775807S";

const refusal = (model: Model, body: unknown, version: Version = baseline): { code: string; values: Record<string, string> } => {
  try {
    parseBody(model, body, version);
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return { code: error.code, values: Object.fromEntries(error.values.map(({ key, value }) => [key, value])) };
  }
  return assert.fail(`accepted ${JSON.stringify(body)}`);
};

test("a plain task gets the defaults of its version", () => {
  assert.deepEqual(parseBody(TaskAddParameter, task, baseline), {
    ...task,
    userIdentity: { autoUser: { scope: "pool", elevationLevel: "nonadmin" } },
    constraints: { maxWallClockTime: unlimited, retentionTime: "P7D" },
    requiredSlots: 1,
  });
  const in2018 = parseBody(TaskAddParameter, task, "2018-08-01.7.0");
  assert.equal(in2018.constraints?.retentionTime, unlimited);
  assert.equal(in2018.userIdentity?.autoUser?.scope, "task");
});

test("a default that depends on the version changes with exactly the version that the documents name", () => {
  const startTask = (version: Version) => parseBody(PoolPatchParameter, { startTask: { commandLine: "x" } }, version).startTask;
  assert.equal(startTask("2019-06-01.9.0")?.waitForSuccess, false);
  assert.equal(startTask("2019-08-01.10.0")?.waitForSuccess, true);
  assert.equal(startTask("2019-06-01.9.0")?.userIdentity?.autoUser?.scope, "task");
  assert.equal(startTask("2019-08-01.10.0")?.userIdentity?.autoUser?.scope, "pool");
  const retention = (version: Version) => parseBody(TaskAddParameter, task, version).constraints?.retentionTime;
  assert.equal(retention("2018-08-01.7.0"), unlimited);
  assert.equal(retention("2018-12-01.8.0"), "P7D");
  assert.equal(parseBody(PoolResizeParameter, { targetDedicated: 1 }, "2016-02-01.3.0").resizeTimeout, "PT10M");
  assert.equal(parseBody(PoolResizeParameter, { targetDedicated: 1 }, "2017-01-01.4.0").resizeTimeout, "PT15M");
});

test("a pool without targets is accepted, and every default of the service is filled in", () => {
  assert.deepEqual(parseBody(PoolAddParameter, pool, baseline), {
    ...pool,
    vmSize: "standard_a1",
    virtualMachineConfiguration: { ...machine, imageReference: { ...machine.imageReference, version: "latest" } },
    taskSlotsPerNode: 1,
    taskSchedulingPolicy: { nodeFillType: "Spread" },
    resizeTimeout: "PT15M",
    targetDedicatedNodes: 0,
    targetLowPriorityNodes: 0,
    enableAutoScale: false,
    enableInterNodeCommunication: false,
  });
});

test("a job and its own tasks get their defaults", () => {
  const body = {
    ...job,
    jobManagerTask: { id: "jm", commandLine: "x" },
    jobPreparationTask: { commandLine: "x" },
    jobReleaseTask: { commandLine: "x" },
  };
  const read = parseBody(JobAddParameter, body, baseline);
  const { jobManagerTask, jobPreparationTask, jobReleaseTask, ...rest } = read;
  assert.deepEqual(rest, {
    ...job,
    priority: 0,
    maxParallelTasks: -1,
    allowTaskPreemption: false,
    usesTaskDependencies: false,
    constraints: { maxWallClockTime: unlimited, maxTaskRetryCount: 0 },
    onAllTasksComplete: "noaction",
    onTaskFailure: "noaction",
  });
  assert.deepEqual(
    [
      jobManagerTask?.killJobOnCompletion,
      jobManagerTask?.runExclusive,
      jobManagerTask?.allowLowPriorityNode,
      jobManagerTask?.requiredSlots,
    ],
    [true, true, true, 1],
  );
  assert.deepEqual(
    [jobPreparationTask?.id, jobPreparationTask?.waitForSuccess, jobPreparationTask?.rerunOnNodeRebootAfterSuccess],
    ["jobpreparation", true, true],
  );
  assert.deepEqual([jobReleaseTask?.id, jobReleaseTask?.maxWallClockTime, jobReleaseTask?.retentionTime], ["jobrelease", "PT15M", "P7D"]);
});

test("a patch keeps what it does not name, and resets within what it names", () => {
  assert.deepEqual(parseBody(JobPatchParameter, {}, baseline), {});
  assert.deepEqual(parseBody(JobPatchParameter, { constraints: { maxWallClockTime: "PT01H00M00S" } }, baseline), {
    constraints: { maxWallClockTime: "PT1H", maxTaskRetryCount: 0 },
  });
  assert.deepEqual(parseBody(PoolPatchParameter, { metadata: [] }, baseline), { metadata: [] });
});

test("a put resets what it leaves out", () => {
  assert.deepEqual(parseBody(JobUpdateParameter, { poolInfo: { poolId: "p" } }, baseline), {
    poolInfo: { poolId: "p" },
    priority: 0,
    maxParallelTasks: -1,
    allowTaskPreemption: false,
    constraints: { maxWallClockTime: unlimited, maxTaskRetryCount: 0 },
    onAllTasksComplete: "noaction",
  });
});

test("a body that may be left out has its defaults without one", () => {
  assert.deepEqual(parseBody(JobTerminateParameter, undefined, baseline), { terminateReason: "UserTerminate" });
});

test("older names are read into the newest, and only in the versions that had them", () => {
  const slots = (version: Version, body: object) => parseBody(PoolAddParameter, { ...pool, ...body }, version).taskSlotsPerNode;
  assert.equal(slots("2019-08-01.10.0", { maxTasksPerNode: 4 }), 4);
  assert.equal(slots("2020-09-01.12.0", { taskSlotsPerNode: 4 }), 4);
  assert.equal(refusal(PoolAddParameter, { ...pool, taskSlotsPerNode: 4 }, "2019-08-01.10.0").code, "InvalidRequestBody");
  assert.equal(refusal(PoolAddParameter, { ...pool, maxTasksPerNode: 4 }, "2020-09-01.12.0").code, "InvalidRequestBody");
  assert.equal(parseBody(PoolAddParameter, { ...pool, targetDedicated: 3 }, "2016-07-01.3.1").targetDedicatedNodes, 3);
  assert.equal(parseBody(PoolResizeParameter, { targetDedicated: 3 }, "2016-07-01.3.1").targetDedicatedNodes, 3);
  assert.deepEqual(refusal(PoolResizeParameter, {}, "2016-07-01.3.1"), {
    code: "MissingRequiredProperty",
    values: { PropertyName: "targetDedicated" },
  });
  const blob = { blobSource: "http://x/y", filePath: "y" };
  assert.deepEqual(parseBody(TaskAddParameter, { ...task, resourceFiles: [blob] }, "2018-08-01.7.0").resourceFiles, [
    { httpUrl: "http://x/y", filePath: "y" },
  ]);
  assert.equal(refusal(TaskAddParameter, { ...task, resourceFiles: [blob] }).code, "InvalidRequestBody");
  const conditions = { schedulingError: { jobAction: "terminate" } };
  assert.deepEqual(parseBody(TaskAddParameter, { ...task, exitConditions: conditions }, "2017-01-01.4.0").exitConditions, {
    preProcessingError: { jobAction: "terminate" },
  });
});

test("changed meanings are read into the newest", () => {
  const elevated = parseBody(TaskAddParameter, { ...task, runElevated: true }, "2016-07-01.3.1");
  assert.deepEqual(elevated.userIdentity, { autoUser: { scope: "task", elevationLevel: "admin" } });
  assert.equal("runElevated" in elevated, false);
  const network = parseBody(
    PoolAddParameter,
    { ...pool, networkConfiguration: { publicIPs: ["a", "b"] } },
    "2019-08-01.10.0",
  ).networkConfiguration;
  assert.deepEqual(network?.publicIPAddressConfiguration, { provision: "usermanaged", ipAddressIds: ["a", "b"] });
  const docker = { ...machine, containerConfiguration: { type: "docker" } };
  const read = parseBody(PoolAddParameter, { ...pool, virtualMachineConfiguration: docker }, "2017-09-01.6.0");
  assert.equal(read.virtualMachineConfiguration?.containerConfiguration?.type, "dockerCompatible");
  const first = parseBody(PoolAddParameter, { id: "p", vmSize: "small", osFamily: "4" }, "2015-12-01.2.2");
  assert.deepEqual(first.cloudServiceConfiguration, { osFamily: "4", osVersion: "*" });
  assert.deepEqual(refusal(PoolAddParameter, { id: "p", vmSize: "small" }, "2015-12-01.2.2"), {
    code: "MissingRequiredProperty",
    values: { PropertyName: "osFamily" },
  });
  const account = { name: "u", password: "p", sshPrivateKey: "k" };
  assert.deepEqual(parseBody(PoolAddParameter, { ...pool, userAccounts: [account] }, "2017-01-01.4.0").userAccounts, [
    { name: "u", password: "p", elevationLevel: "nonadmin", linuxUserConfiguration: { sshPrivateKey: "k" } },
  ]);
});

test("enums are read without regard to case, in the spelling of the answer", () => {
  const read = parseBody(PoolAddParameter, { ...pool, taskSchedulingPolicy: { nodeFillType: "pack" } }, baseline);
  assert.equal(read.taskSchedulingPolicy?.nodeFillType, "Pack");
  assert.equal(
    parseBody(JobAddParameter, { ...job, onAllTasksComplete: "terminateJob" }, "2017-05-01.5.0").onAllTasksComplete,
    "terminatejob",
  );
});

test("null counts as absent, annotations and what only answers have are looked over", () => {
  const body = { ...task, displayName: null, "odata.metadata": "x", "id@odata.type": "y" };
  assert.equal("displayName" in parseBody(TaskAddParameter, body, baseline), false);
  assert.deepEqual(refusal(TaskAddParameter, { ...task, commandLine: null }), {
    code: "MissingRequiredProperty",
    values: { PropertyName: "commandLine" },
  });
  const exact = { ...machine, imageReference: { ...machine.imageReference, exactVersion: "1" } };
  assert.equal(
    "exactVersion" in
      parseBody(PoolAddParameter, { ...pool, virtualMachineConfiguration: exact }, baseline).virtualMachineConfiguration!.imageReference,
    false,
  );
});

test("an unknown property is refused in the service's words, one of another version too", () => {
  const { code, values } = refusal(JobAddParameter, { ...job, prority: 1 });
  assert.equal(code, "InvalidRequestBody");
  assert.equal(
    values.Reason,
    "The property 'prority' does not exist on type 'JobAddParameter'. Make sure to only use property names that are defined by the type.",
  );
  assert.equal(refusal(JobAddParameter, { ...job, maxParallelTasks: 1 }, "2020-09-01.12.0").code, "InvalidRequestBody");
  assert.equal(refusal(PoolAddParameter, { ...pool, certificateReferences: [] }, "2025-06-01").code, "InvalidRequestBody");
});

for (const [what, model, body, name, code = "InvalidPropertyValue"] of [
  ["an id with a blank", JobAddParameter, { ...job, id: "a b" }, "id"],
  ["an empty id", JobAddParameter, { ...job, id: "" }, "id"],
  ["an id of 65 characters", JobAddParameter, { ...job, id: "a".repeat(65) }, "id"],
  ["a display name of 1025 characters", JobAddParameter, { ...job, displayName: "a".repeat(1025) }, "displayName"],
  ["priority 1001", JobAddParameter, { ...job, priority: 1001 }, "priority"],
  ["priority -1001", JobAddParameter, { ...job, priority: -1001 }, "priority"],
  ["maxParallelTasks 0", JobAddParameter, { ...job, maxParallelTasks: 0 }, "maxParallelTasks"],
  ["maxTaskRetryCount -2", JobAddParameter, { ...job, constraints: { maxTaskRetryCount: -2 } }, "maxTaskRetryCount"],
  ["a fraction", JobAddParameter, { ...job, priority: 1.5 }, "priority"],
  ["a number beyond int32", JobAddParameter, { ...job, priority: 1e300 }, "priority"],
  ["an unknown enum value", JobAddParameter, { ...job, onTaskFailure: "panic" }, "onTaskFailure"],
  ["a duration without P", JobAddParameter, { ...job, constraints: { maxWallClockTime: "1 hour" } }, "maxWallClockTime"],
  ["a negative duration", JobAddParameter, { ...job, constraints: { maxWallClockTime: "-PT1S" } }, "maxWallClockTime"],
  [
    "a release task of 16 minutes",
    JobAddParameter,
    { ...job, jobPreparationTask: { commandLine: "x" }, jobReleaseTask: { commandLine: "x", maxWallClockTime: "PT16M" } },
    "maxWallClockTime",
  ],
  ["neither pool", JobAddParameter, { id: "j", poolInfo: {} }, "poolId", "MissingRequiredProperty"],
  [
    "both pools",
    JobAddParameter,
    { id: "j", poolInfo: { poolId: "p", autoPoolSpecification: { poolLifetimeOption: "job" } } },
    "autoPoolSpecification",
  ],
  ["a metadata item without a name", JobAddParameter, { ...job, metadata: [{ name: "", value: "x" }] }, "name", "EmptyMetadataKey"],
  ["a resize in 4 minutes", PoolResizeParameter, { targetDedicatedNodes: 1, resizeTimeout: "PT4M" }, "resizeTimeout"],
  ["-1 nodes", PoolResizeParameter, { targetDedicatedNodes: -1 }, "targetDedicatedNodes"],
  ["no nodes to remove", NodeRemoveParameter, { nodeList: [] }, "nodeList"],
  ["101 nodes to remove", NodeRemoveParameter, { nodeList: Array.from({ length: 101 }, () => "n") }, "nodeList"],
  ["no task slots", PoolAddParameter, { ...pool, taskSlotsPerNode: 0 }, "taskSlotsPerNode"],
  ["autoscale without a formula", PoolAddParameter, { ...pool, enableAutoScale: true }, "autoScaleFormula", "MissingRequiredProperty"],
  [
    "a formula that is too long",
    PoolAddParameter,
    { ...pool, enableAutoScale: true, autoScaleFormula: "x".repeat(8193) },
    "autoScaleFormula",
    "AutoScalingFormulaTooLong",
  ],
  ["a pool without machines", PoolAddParameter, { id: "p", vmSize: "a" }, "virtualMachineConfiguration", "MissingRequiredProperty"],
  [
    "metadata left out of updateproperties",
    PoolUpdatePropertiesParameter,
    { certificateReferences: [], applicationPackageReferences: [] },
    "metadata",
    "MissingRequiredProperty",
  ],
  ["101 tasks", TaskAddCollectionParameter, { value: Array.from({ length: 101 }, (_, n) => ({ ...task, id: `t${n}` })) }, "value"],
  ["a command line with a null character", TaskAddParameter, { ...task, commandLine: "a\0b" }, "commandLine"],
  ["no slots", TaskAddParameter, { ...task, requiredSlots: 0 }, "requiredSlots"],
  [
    "a resource file without a source",
    TaskAddParameter,
    { ...task, resourceFiles: [{ filePath: "x" }] },
    "httpUrl",
    "MissingRequiredProperty",
  ],
  [
    "a resource file with two sources",
    TaskAddParameter,
    { ...task, resourceFiles: [{ httpUrl: "x", storageContainerUrl: "y", filePath: "z" }] },
    "storageContainerUrl",
  ],
  ["a url without a file path", TaskAddParameter, { ...task, resourceFiles: [{ httpUrl: "x" }] }, "filePath", "MissingRequiredProperty"],
  ["both identities", TaskAddParameter, { ...task, userIdentity: { username: "u", autoUser: {} } }, "autoUser"],
] as const satisfies readonly (readonly [string, Model, unknown, string, string?])[]) {
  test(`${what}: ${code} of ${name}`, () => {
    const refused = refusal(model, body);
    assert.equal(refused.code, code);
    assert.equal(refused.values.PropertyName, name);
    if (code === "InvalidPropertyValue") assert.notEqual(refused.values.Reason ?? "", "");
  });
}

test("a value of the wrong JSON kind makes the body invalid", () => {
  for (const body of [null, [], "x", 1, true]) assert.equal(refusal(JobAddParameter, body).code, "InvalidRequestBody");
  for (const wrong of [
    { priority: "1" },
    { displayName: 1 },
    { metadata: {} },
    { metadata: [null] },
    { constraints: [] },
    { usesTaskDependencies: "true" },
  ]) {
    assert.equal(refusal(JobAddParameter, { ...job, ...wrong }).code, "InvalidRequestBody", JSON.stringify(wrong));
  }
});

test("a refusal shows neither secrets nor signatures", () => {
  const mount = { azureFileShareConfiguration: { accountName: "a", azureFileUrl: "x", accountKey: "hunter2\0", relativeMountPath: "m" } };
  assert.equal(JSON.stringify(refusal(PoolAddParameter, { ...pool, mountConfiguration: [mount] })).includes("hunter2"), false);
  const file = { httpUrl: "https://x/y?sv=1&sig=hunter2\0", filePath: "y" };
  const { values } = refusal(TaskAddParameter, { ...task, resourceFiles: [file] });
  assert.equal(JSON.stringify(values).includes("hunter2"), false);
  assert.ok((refusal(JobAddParameter, { ...job, displayName: "a".repeat(5000) }).values.PropertyValue ?? "").length < 300);
});

test("names that mean something to JavaScript are names like any other", () => {
  const hostile = JSON.parse('{"id":"j","poolInfo":{"poolId":"p"},"__proto__":{"polluted":true}}');
  assert.equal(refusal(JobAddParameter, hostile).code, "InvalidRequestBody");
  for (const name of ["constructor", "toString", "hasOwnProperty"])
    assert.equal(refusal(JobAddParameter, { ...job, [name]: 1 }).code, "InvalidRequestBody");
  const tags = parseBody(PoolAddParameter, { ...pool, resourceTags: JSON.parse('{"__proto__":"x"}') }, baseline).resourceTags;
  assert.deepEqual(Object.entries(tags ?? {}), [["__proto__", "x"]]);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test("settings that are passed through unread may not be nested without end", () => {
  const deep = JSON.parse(`${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`);
  const extension = { name: "e", publisher: "p", type: "t", settings: deep };
  const virtualMachineConfiguration = { ...machine, extensions: [extension] };
  assert.equal(refusal(PoolAddParameter, { ...pool, virtualMachineConfiguration }).code, "InvalidPropertyValue");
});

test("two requests never share a default", () => {
  const [a, b] = [parseBody(TaskAddParameter, task, baseline), parseBody(TaskAddParameter, task, baseline)];
  a.constraints!.maxTaskRetryCount = 3;
  a.userIdentity!.autoUser!.scope = "task";
  assert.equal(b.constraints?.maxTaskRetryCount, undefined);
  assert.equal(b.userIdentity?.autoUser?.scope, "pool");
});

test("defaults can be filled into a value that is there already, at every level", () => {
  const given = { id: "p", vmSize: "a", startTask: { commandLine: "x" }, userAccounts: [{ name: "u", password: "p" }] };
  const filled = applyDefaults(PoolAddParameter, given, baseline);
  assert.equal(filled.startTask?.waitForSuccess, true);
  assert.equal(filled.userAccounts?.[0]?.elevationLevel, "nonadmin");
  assert.equal(filled.targetDedicatedNodes, 0);
  assert.deepEqual(Object.keys(given.startTask), ["commandLine"]);
});

test("whatever JSON comes, in whatever version, it is read or refused with a code of the service", () => {
  const models = Object.values(batchOperations).flatMap(({ body }): Model[] => (body === undefined ? [] : [body as Model]));
  const names = [...new Set(models.flatMap((model) => Object.keys(model.fields)))];
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.dictionary(fc.constantFrom(...names, "__proto__", "x"), tie("value"), { maxKeys: 6 }),
      fc.array(tie("value"), { maxLength: 3 }),
    ),
  })).value;
  fc.assert(
    fc.property(fc.constantFrom(...models), json, fc.constantFrom(...versions), (model, body, version) => {
      try {
        parseBody(model, body, version);
      } catch (error) {
        assert.ok(error instanceof ApiError && error.status === 400, String(error));
      }
    }),
    { seed: 7, numRuns: 500 },
  );
});
