// Writing answers: what a version does not know is left out, older names and shapes, secrets, $select; and the way there and back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PoolNodeCounts } from "../api/batch/account.ts";
import { NodeFile } from "../api/batch/files.ts";
import { CloudJob, JobAddParameter, TaskCountsResult } from "../api/batch/jobs.ts";
import { ComputeNode } from "../api/batch/nodes.ts";
import { CloudPool, PoolAddParameter } from "../api/batch/pools.ts";
import { CloudTask, TaskAddParameter } from "../api/batch/tasks.ts";
import { ApiError } from "../api/errors.ts";
import { baseline, type Version, versions } from "../api/versions.ts";
import { parseBody } from "./parse.ts";
import { render, renderer } from "./render.ts";

const counts = { active: 1, running: 2, completed: 3, succeeded: 2, failed: 1 };

test("task counts are flat before 2020-09, and were once said to be validated", () => {
  const value = { taskCounts: counts, taskSlotCounts: counts };
  assert.deepEqual(render(TaskCountsResult, value, baseline), value);
  assert.deepEqual(render(TaskCountsResult, value, "2020-09-01.12.0"), value);
  assert.deepEqual(render(TaskCountsResult, value, "2020-03-01.11.0"), counts);
  assert.deepEqual(render(TaskCountsResult, value, "2018-03-01.6.1"), { ...counts, validationStatus: "validated" });
});

test("node counts have the states of their version", () => {
  const names = [
    "creating",
    "idle",
    "offline",
    "preempted",
    "rebooting",
    "reimaging",
    "running",
    "starting",
    "startTaskFailed",
    "leavingPool",
    "unknown",
    "unusable",
    "waitingForStartTask",
    "deallocated",
    "deallocating",
    "upgradingOS",
    "total",
  ];
  const value = { poolId: "p", dedicated: Object.fromEntries(names.map((name) => [name, 0])) };
  const written = (version: Version) => Object.keys(render(PoolNodeCounts, value, version).dedicated as object);
  assert.equal(written(baseline).length, 17);
  assert.equal(written("2024-02-01.19.0").length, 15);
  assert.equal(written("2018-03-01.6.1").length, 14);
});

test("a node state that a version does not know is told as the nearest that it does", () => {
  const state = (value: string, version: Version) => render(ComputeNode, { id: "n", state: value }, version).state;
  assert.equal(state("deallocated", baseline), "deallocated");
  assert.equal(state("deallocated", "2024-02-01.19.0"), "offline");
  assert.equal(state("upgradingos", "2024-02-01.19.0"), "upgradingos");
  assert.equal(state("upgradingos", "2023-11-01.18.0"), "reimaging");
  assert.equal(state("preempted", "2017-01-01.4.0"), "unknown");
  assert.equal(state("idle", "2015-12-01.2.2"), "idle");
});

test("a pool says to the versions of 2016 what they asked for", () => {
  const value = {
    id: "p",
    targetDedicatedNodes: 2,
    currentDedicatedNodes: 1,
    targetLowPriorityNodes: 0,
    taskSlotsPerNode: 4,
    resizeErrors: [{ code: "A" }, { code: "B" }],
  };
  assert.deepEqual(render(CloudPool, value, "2016-07-01.3.1"), {
    id: "p",
    targetDedicated: 2,
    currentDedicated: 1,
    maxTasksPerNode: 4,
    resizeError: { code: "A" },
  });
  assert.deepEqual(render(CloudPool, value, baseline), value);
  assert.deepEqual(Object.keys(value).length, 6, "the value itself is not changed");
});

test("no version sees a secret", () => {
  const pool = {
    id: "p",
    vmSize: "a",
    virtualMachineConfiguration: {
      imageReference: { publisher: "a", offer: "b", sku: "c" },
      nodeAgentSKUId: "x",
      containerConfiguration: { type: "dockerCompatible", containerRegistries: [{ username: "u", password: "SECRET" }] },
      extensions: [{ name: "e", publisher: "p", type: "t", settings: { a: 1 }, protectedSettings: { key: "SECRET" } }],
    },
    userAccounts: [{ name: "u", password: "SECRET", linuxUserConfiguration: { uid: 1, gid: 1, sshPrivateKey: "SECRET" } }],
    mountConfiguration: [
      { azureBlobFileSystemConfiguration: { accountName: "a", containerName: "c", relativeMountPath: "m", accountKey: "SECRET" } },
      { azureBlobFileSystemConfiguration: { accountName: "a", containerName: "c", relativeMountPath: "n", sasKey: "SECRET" } },
      { azureFileShareConfiguration: { accountName: "a", azureFileUrl: "u", relativeMountPath: "o", accountKey: "SECRET" } },
      { cifsMountConfiguration: { username: "a", source: "u", relativeMountPath: "q", password: "SECRET" } },
    ],
  };
  const read = parseBody(PoolAddParameter, pool, baseline);
  assert.ok(JSON.stringify(read).includes("SECRET"));
  for (const version of versions) assert.equal(JSON.stringify(render(CloudPool, read, version)).includes("SECRET"), false, version);
});

test("empty metadata and packages are left out of a pool, certificates are not", () => {
  const value = { id: "p", metadata: [], applicationPackageReferences: [], certificateReferences: [], resizeErrors: [] };
  assert.deepEqual(render(CloudPool, value, baseline), { id: "p", certificateReferences: [] });
});

test("a length of 64 bits is text", () => {
  const value = { name: "a", isDirectory: false, properties: { lastModified: "2026-01-01T00:00:00Z", contentLength: 12 } };
  assert.deepEqual((render(NodeFile, value, baseline).properties as { contentLength: unknown }).contentLength, "12");
});

test("what is absent or internal is not written", () => {
  assert.deepEqual(render(CloudJob, { id: "j", displayName: undefined, priority: null, uid: 7 }, baseline), { id: "j" });
});

test("$select keeps what it names, below objects and lists too", () => {
  const value = {
    id: "t",
    state: "completed",
    executionInfo: { exitCode: 3, retryCount: 0, requeueCount: 0 },
    resourceFiles: [{ httpUrl: "a", filePath: "b" }],
    stats: undefined,
  };
  const select = (text: string, version: Version = baseline) => renderer(CloudTask, version, text)(value);
  assert.deepEqual(select("id, state"), { id: "t", state: "completed" });
  assert.deepEqual(select("executionInfo/exitCode,id"), { id: "t", executionInfo: { exitCode: 3 } });
  assert.deepEqual(select("executionInfo/exitCode,executionInfo"), { executionInfo: value.executionInfo });
  assert.deepEqual(select("executionInfo,executionInfo/exitCode"), { executionInfo: value.executionInfo });
  assert.deepEqual(select("executionInfo/exitCode,executionInfo/retryCount"), { executionInfo: { exitCode: 3, retryCount: 0 } });
  assert.deepEqual(select("resourceFiles/filePath"), { resourceFiles: [{ filePath: "b" }] });
  assert.deepEqual(select("resourceFiles/blobSource", "2018-08-01.7.0"), { resourceFiles: [{ blobSource: "a" }] });
  assert.deepEqual(select(" , ").id, undefined);
  assert.deepEqual(select("").id, "t");
});

test("$select of a name that is not there is refused", () => {
  for (const text of ["ID", "colour", "id/x", "executionInfo/colour", "executionInfo/", "id,,colour", "__proto__", "constructor"]) {
    assert.throws(
      () => renderer(CloudTask, baseline, text),
      (error) => error instanceof ApiError && error.code === "InvalidQueryParameterValue" && error.values[0]?.value === "$select",
      text,
    );
  }
  assert.throws(() => renderer(CloudPool, "2019-08-01.10.0", "taskSlotsPerNode"), ApiError);
  assert.throws(() => renderer(CloudPool, baseline, "userAccounts/password"), ApiError);
});

test("what an older client sent, it gets back in its own words", () => {
  const start = { commandLine: "x", maxTaskRetryCount: 0, waitForSuccess: true };
  const rows: readonly (readonly [Version, object])[] = [
    [
      "2015-12-01.2.2",
      {
        id: "p",
        vmSize: "small",
        osFamily: "4",
        targetOSVersion: "*",
        targetDedicated: 1,
        maxTasksPerNode: 2,
        startTask: { ...start, runElevated: true },
      },
    ],
    [
      "2016-02-01.3.0",
      {
        id: "p",
        vmSize: "small",
        cloudServiceConfiguration: { osFamily: "4", targetOSVersion: "*", currentOSVersion: "*" },
        targetDedicated: 1,
      },
    ],
    [
      "2016-07-01.3.1",
      {
        id: "p",
        vmSize: "small",
        cloudServiceConfiguration: { osFamily: "4", targetOSVersion: "*", currentOSVersion: "*" },
        networkConfiguration: { subnetId: "s" },
      },
    ],
    [
      "2017-06-01.5.1",
      {
        id: "p",
        vmSize: "small",
        cloudServiceConfiguration: { osFamily: "4", targetOSVersion: "*", currentOSVersion: "*" },
        targetDedicatedNodes: 1,
        applicationLicenses: ["maya"],
      },
    ],
    [
      "2019-08-01.10.0",
      {
        id: "p",
        vmSize: "small",
        cloudServiceConfiguration: { osFamily: "4", osVersion: "*" },
        networkConfiguration: { publicIPs: ["a"], dynamicVNetAssignmentScope: "none" },
        maxTasksPerNode: 2,
      },
    ],
    [
      "2024-02-01.19.0",
      {
        id: "p",
        vmSize: "small",
        cloudServiceConfiguration: { osFamily: "4", osVersion: "*" },
        targetNodeCommunicationMode: "simplified",
        resourceTags: { a: "b" },
      },
    ],
  ];
  for (const [version, sent] of rows) {
    const back = render(CloudPool, parseBody(PoolAddParameter, sent, version), version);
    assert.deepEqual(Object.fromEntries(Object.keys(sent).map((key) => [key, back[key]])), sent, version);
  }
});

test("the first version has the visibility of a certificate in one text", () => {
  const sent = {
    id: "p",
    vmSize: "small",
    osFamily: "4",
    certificateReferences: [{ thumbprint: "a", thumbprintAlgorithm: "sha1", visibility: "StartTask, task" }],
  };
  const read = parseBody(PoolAddParameter, sent, "2015-12-01.2.2");
  assert.deepEqual(read.certificateReferences?.[0]?.visibility, ["starttask", "task"]);
  const back = (version: Version) => (render(CloudPool, read, version).certificateReferences as { visibility: unknown }[])[0]?.visibility;
  assert.equal(back("2015-12-01.2.2"), "starttask,task");
  assert.deepEqual(back("2016-02-01.3.0"), ["starttask", "task"]);
});

test("what one version stored, every other reads without what it cannot know", () => {
  const job = parseBody(
    JobAddParameter,
    { id: "j", poolInfo: { poolId: "p" }, maxParallelTasks: 4, networkConfiguration: { subnetId: "s" } },
    baseline,
  );
  const task = parseBody(TaskAddParameter, { id: "t", commandLine: "x", requiredSlots: 2, outputFiles: [] }, baseline);
  for (const version of versions) {
    const [oldJob, oldTask] = [render(CloudJob, job, version), render(CloudTask, task, version)];
    assert.equal("maxParallelTasks" in oldJob, version >= "2021-06-01.14.0", version);
    assert.equal("networkConfiguration" in oldJob, version >= "2018-12-01.8.0", version);
    assert.equal("requiredSlots" in oldTask, version >= "2020-09-01.12.0", version);
    assert.equal("userIdentity" in oldTask, version >= "2017-01-01.4.0", version);
    assert.equal(oldTask.runElevated, version < "2017-01-01.4.0" ? false : undefined, version);
  }
});

test("enums are written in the letter case that the service has for each", () => {
  assert.deepEqual(render(CloudPool, { taskSchedulingPolicy: { nodeFillType: "spread" }, state: "ACTIVE" }, baseline), {
    state: "active",
    taskSchedulingPolicy: { nodeFillType: "Spread" },
  });
  const failureInfo = { category: "usererror", code: "X", message: "y" };
  const executionInfo = { retryCount: 0, requeueCount: 0, failureInfo };
  const written = render(CloudTask, { executionInfo }, baseline).executionInfo as { failureInfo: { category: string } };
  assert.equal(written.failureInfo.category, "UserError");
  assert.equal(render(ComputeNode, { state: "not a state" }, baseline).state, "not a state");
});
