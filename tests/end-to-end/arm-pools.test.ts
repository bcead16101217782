// Pools through ARM on a real server: the same pools as the data plane's, made on either side and used on the other; resizes, automatic scaling,
// concurrency, deletion, and every refusal on the way.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, test } from "node:test";
import { armPoll, armRequest } from "../support/arm.ts";
import { accountAsker } from "../support/arm-asking.ts";
import { batchUser, hostImage, sh, type User, windowsImage } from "../support/batch-user.ts";
import { newLocation, type Quern, startQuern, until } from "../support/quern.ts";
import type { Answer } from "../support/signed.ts";

let quern: Quern;
let user: User;
let _account: string;
before(async () => {
  quern = await startQuern(undefined, { args: ["--storage", "none", "--min-autoscale-interval", "1"] });
  user = batchUser(quern);
  _account = `/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts/${quern.ready.account}`;
});
after(async () => {
  await quern.stop();
  await rm(quern.location, { recursive: true, force: true });
});

const { arm, ok } = accountAsker(() => quern, "/pools");

const refused = (answer: Answer): string => `${answer.status} ${answer.json?.error?.code}`;

const machine = (image = hostImage) => ({
  virtualMachineConfiguration: { imageReference: image.imageReference, nodeAgentSkuId: image.nodeAgentSKUId },
});
const settings = (more: object = {}) => ({ vmSize: "Standard_D2_v3", deploymentConfiguration: machine(), ...more });
const fixed = (targetDedicatedNodes: number, more: object = {}) => ({ fixedScale: { targetDedicatedNodes, ...more } });
const steady = (name: string): Promise<any> =>
  until(
    () => ok("GET", `/${name}`),
    ({ properties }) => properties.allocationState === "Steady",
  );

test("a pool of ARM runs tasks, and shows what it is", { timeout: 60_000 }, async () => {
  const body = {
    tags: { team: "blue" },
    properties: settings({
      displayName: "Made by ARM",
      scaleSettings: fixed(1),
      taskSlotsPerNode: 2,
      metadata: [{ name: "a", value: "b" }],
      startTask: { commandLine: "/bin/true", userIdentity: { autoUser: { elevationLevel: "NonAdmin" } } },
      resourceTags: { cost: "low" },
    }),
  };
  const made = await arm("PUT", "/Runs", body);
  assert.equal(made.status, 200, made.text);
  assert.match(String(made.headers.etag), /^W\/"0x8D[0-9A-F]+"$/i);
  assert.match(String(made.headers["last-modified"]), / GMT$/);
  const { id, name, type, etag, tags, properties } = made.json;
  assert.equal(etag, made.headers.etag);
  assert.equal(
    id,
    `/subscriptions/${quern.ready.subscriptionId}/resourceGroups/${quern.ready.resourceGroup}/providers/Microsoft.Batch/batchAccounts/${quern.ready.account}/pools/Runs`,
  );
  assert.deepEqual([name, type, tags], ["Runs", "Microsoft.Batch/batchAccounts/pools", { team: "blue" }]);
  assert.deepEqual([properties.provisioningState, properties.allocationState], ["Succeeded", "Resizing"]);
  assert.equal(properties.vmSize, "STANDARD_D2_V3");
  assert.deepEqual(properties.scaleSettings, {
    fixedScale: { targetDedicatedNodes: 1, targetLowPriorityNodes: 0, resizeTimeout: "PT15M" },
  });
  const { startTime, ...status } = properties.resizeOperationStatus;
  assert.match(startTime, /^\d{4}-/);
  assert.deepEqual(status, { targetDedicatedNodes: 1, nodeDeallocationOption: "Requeue", resizeTimeout: "PT15M" });
  assert.deepEqual(properties.startTask, {
    commandLine: "/bin/true",
    userIdentity: { autoUser: { scope: "Pool", elevationLevel: "NonAdmin" } },
    maxTaskRetryCount: 0,
    waitForSuccess: true,
  });
  assert.equal(properties.interNodeCommunication, "Disabled");

  await user.job("arm-job", "runs");
  await user.task("arm-job", "one", sh("echo from ARM"));
  assert.equal((await user.taskIs("arm-job", "one")).executionInfo.result, "success");
  assert.equal(await user.file("arm-job", "one", "stdout.txt"), "from ARM\n");

  const seen = await user.get("/pools/Runs");
  assert.deepEqual([seen.vmSize, seen.taskSlotsPerNode, seen.displayName], ["standard_d2_v3", 2, "Made by ARM"]);
  assert.deepEqual([seen.resourceTags, seen.metadata], [{ cost: "low" }, [{ name: "a", value: "b" }]]);
  assert.equal("tags" in seen, false);
  const again = await steady("RUNS");
  assert.equal(again.etag, `W/"${seen.eTag}"`);
  assert.equal(again.properties.currentDedicatedNodes, 1);
  assert.equal(again.properties.currentNodeCommunicationMode, "Simplified");
  // Of the last resize, when it is over.
  assert.deepEqual(again.properties.resizeOperationStatus, properties.resizeOperationStatus);
});

test("a pool of the data plane is seen in ARM", { timeout: 60_000 }, async () => {
  await user.pool(
    "FromBatch",
    {
      targetDedicatedNodes: 0,
      enableInterNodeCommunication: true,
      taskSchedulingPolicy: { nodeFillType: "pack" },
      userAccounts: [{ name: "somebody", password: "Secret-1", elevationLevel: "admin" }],
      networkConfiguration: {
        dynamicVNetAssignmentScope: "none",
        endpointConfiguration: {
          inboundNATPools: [{ name: "web", protocol: "tcp", backendPort: 80, frontendPortRangeStart: 1000, frontendPortRangeEnd: 1100 }],
        },
      },
      mountConfiguration: [
        { cifsMountConfiguration: { username: "u", password: "p", source: "//host/share", relativeMountPath: "share" } },
      ],
    },
    null,
  );
  const { properties, etag } = await ok("GET", "/frombatch");
  assert.equal(etag, `W/"${(await user.get("/pools/FromBatch")).eTag}"`);
  assert.deepEqual([properties.interNodeCommunication, properties.taskSchedulingPolicy], ["Enabled", { nodeFillType: "Pack" }]);
  assert.deepEqual(properties.userAccounts, [
    { name: "somebody", elevationLevel: "Admin", windowsUserConfiguration: { loginMode: "Interactive" } },
  ]);
  assert.deepEqual(properties.networkConfiguration, {
    dynamicVnetAssignmentScope: "none",
    endpointConfiguration: {
      inboundNatPools: [{ name: "web", protocol: "TCP", backendPort: 80, frontendPortRangeStart: 1000, frontendPortRangeEnd: 1100 }],
    },
    enableAcceleratedNetworking: false,
  });
  assert.deepEqual(properties.mountConfiguration, [
    { cifsMountConfiguration: { userName: "u", source: "//host/share", relativeMountPath: "share" } },
  ]);
  assert.equal(JSON.stringify(properties).includes("Secret-1"), false);
  assert.deepEqual(properties.deploymentConfiguration, {
    virtualMachineConfiguration: {
      ...machine().virtualMachineConfiguration,
      imageReference: { ...hostImage.imageReference, version: "latest" },
    },
  });
  // Nothing of it has to be said otherwise: what ARM shows can be put back, but for passwords.
  const shown = await ok("GET", "/FromBatch");
  for (const one of shown.properties.userAccounts) one.password = "Secret-1";
  for (const { cifsMountConfiguration } of shown.properties.mountConfiguration) cifsMountConfiguration.password = "p";
  assert.equal((await ok("PUT", "/FromBatch", shown)).etag, etag);
});

test("conditions hold across the planes", { timeout: 60_000 }, async () => {
  const first = await ok("PUT", "/etags", { properties: settings() }, { headers: { "if-none-match": "*" } });
  assert.equal(
    refused(await arm("PUT", "/etags", { properties: settings() }, { headers: { "if-none-match": "*" } })),
    "412 ConditionNotMet",
  );
  assert.equal(
    refused(await arm("PUT", "/not-there", { properties: settings() }, { headers: { "if-match": "*" } })),
    "412 ConditionNotMet",
  );
  // A PUT that changes nothing leaves the ETag.
  assert.equal((await ok("PUT", "/etags", { properties: settings() })).etag, first.etag);
  const bare = /0x\w+/.exec(first.etag)![0];
  await user.ok("PATCH", "/pools/etags", { metadata: [{ name: "by", value: "batch" }] }, { headers: { "if-match": bare } });
  const stale = { headers: { "if-match": first.etag } };
  const patch = { properties: { metadata: [{ name: "by", value: "arm" }] } };
  assert.equal(refused(await arm("PATCH", "/etags", patch, stale)), "412 ConditionNotMet");
  assert.equal(refused(await arm("PUT", "/etags", { properties: settings() }, stale)), "412 ConditionNotMet");
  const { etag } = await ok("GET", "/etags");
  const changed = await ok("PATCH", "/etags", patch, { headers: { "if-match": etag } });
  assert.notEqual(changed.etag, etag);
  assert.equal(
    (await user.raw({ method: "PATCH", path: "/pools/etags", body: { metadata: [] }, headers: { "if-match": bare } })).status,
    412,
  );
  assert.deepEqual((await user.get("/pools/etags")).metadata, [{ name: "by", value: "arm" }]);
});

test("what a PUT may change and what not", { timeout: 60_000 }, async () => {
  await ok("PUT", "/puts", { tags: { a: "1" }, properties: settings({ scaleSettings: fixed(1), metadata: [{ name: "a", value: "b" }] }) });
  const before = await steady("puts");
  // Everything that is left out goes; scale settings that are left out are none.
  const after = await ok("PUT", "/puts", { properties: settings({ startTask: { commandLine: "/bin/true" } }) });
  assert.equal(after.tags, undefined);
  assert.equal(after.properties.metadata, undefined);
  assert.equal(after.properties.startTask.commandLine, "/bin/true");
  assert.deepEqual([after.properties.allocationState, after.properties.scaleSettings.fixedScale.targetDedicatedNodes], ["Resizing", 0]);
  assert.equal(after.properties.creationTime, before.properties.creationTime);
  await steady("puts");
  // Nodes of a pool are alike: what they are made of changes while there are none.
  const bigger = settings({ vmSize: "Standard_D4_v3" });
  assert.equal((await ok("PUT", "/puts", { properties: bigger })).properties.vmSize, "STANDARD_D4_V3");
  await ok("PUT", "/puts", { properties: { ...bigger, scaleSettings: fixed(1) } });
  await steady("puts");
  const other = await arm("PUT", "/puts", { properties: { ...settings(), scaleSettings: fixed(1) } });
  assert.equal(refused(other), "409 OperationInvalidForCurrentState");
});

test("a PATCH resizes, switches automatic scaling and takes the start task away", { timeout: 60_000 }, async () => {
  await ok("PUT", "/patched", { properties: settings({ startTask: { commandLine: "/bin/true" } }) });
  const gone = await ok("PATCH", "/patched", { properties: { startTask: {} } });
  assert.equal(gone.properties.startTask, undefined);
  assert.equal("startTask" in (await user.get("/pools/patched")), false);

  const resized = await ok("PATCH", "/patched", {
    properties: { scaleSettings: fixed(1, { resizeTimeout: "PT8M", nodeDeallocationOption: "TaskCompletion" }) },
  });
  const { startTime: _, ...status } = resized.properties.resizeOperationStatus;
  assert.deepEqual(status, { targetDedicatedNodes: 1, nodeDeallocationOption: "TaskCompletion", resizeTimeout: "PT8M" });
  assert.equal(resized.properties.scaleSettings.fixedScale.nodeDeallocationOption, undefined);
  await user.job("patch-job", "patched");
  await user.task("patch-job", "long", "/bin/sleep 600");
  await user.taskIs("patch-job", "long", "running");
  await steady("patched");
  const smaller = { properties: { scaleSettings: fixed(0, { nodeDeallocationOption: "TaskCompletion" }) } };
  assert.equal((await ok("PATCH", "/patched", smaller)).properties.allocationState, "Resizing");
  // The task keeps the node, and the resize under way keeps out another.
  assert.equal(refused(await arm("PATCH", "/patched", smaller)), "409 PoolBeingResized");
  const auto = { properties: { scaleSettings: { autoScale: { formula: "$TargetDedicatedNodes=1", evaluationInterval: "PT1S" } } } };
  assert.equal(refused(await arm("PATCH", "/patched", auto)), "409 PoolBeingResized");
  const stopping = await ok("POST", "/patched/stopResize");
  assert.ok(["Stopping", "Steady"].includes(stopping.properties.allocationState));
  const stopped = await steady("patched");
  assert.equal(stopped.properties.resizeOperationStatus.errors[0].code, "ResizeStopped");
  assert.equal((await ok("POST", "/patched/stopResize")).etag, stopped.etag, "a steady pool stays as it is");

  const scaled = await ok("PATCH", "/patched", auto);
  assert.deepEqual(scaled.properties.scaleSettings, auto.properties.scaleSettings);
  assert.equal((await ok("PATCH", "/patched", auto)).etag, scaled.etag, "sent again it begins nothing anew");
  assert.equal((await user.get("/pools/patched")).enableAutoScale, true);
  const ran = await until(
    () => ok("GET", "/patched"),
    ({ properties }) => properties.autoScaleRun !== undefined,
  );
  assert.match(ran.properties.autoScaleRun.results, /^\$TargetDedicatedNodes=1;/);
  await steady("patched");
  const back = await ok("POST", "/patched/disableAutoScale");
  assert.deepEqual(back.properties.scaleSettings, {
    fixedScale: { targetDedicatedNodes: 1, targetLowPriorityNodes: 0, resizeTimeout: "PT15M" },
  });
  assert.equal(back.properties.autoScaleRun, undefined);
  assert.equal((await user.get("/pools/patched")).enableAutoScale, false);
});

test("a pool whose nodes cannot be had says so", { timeout: 60_000 }, async () => {
  await ok("PUT", "/windows", { properties: settings({ deploymentConfiguration: machine(windowsImage), scaleSettings: fixed(2) }) });
  const { properties } = await steady("windows");
  const [error, ...others] = properties.resizeOperationStatus.errors;
  assert.deepEqual([error.code, others.length, properties.currentDedicatedNodes], ["AllocationFailed", 0, 0]);
  assert.equal(error.details[0].code, "Reason");
});

test("a deletion is followed to its end", { timeout: 60_000 }, async () => {
  await ok("PUT", "/doomed", { properties: settings({ scaleSettings: fixed(1) }) });
  await user.job("doomed-job", "doomed");
  await user.task("doomed-job", "long", "/bin/sleep 600");
  await user.taskIs("doomed-job", "long", "running");
  const answer = await arm("DELETE", "/DOOMED");
  assert.deepEqual([answer.status, answer.text, answer.headers["retry-after"]], [202, "", "1"]);
  const location = String(answer.headers.location);
  assert.match(location, /^https:\/\/[^/]+\/subscriptions\/.*\/poolOperationResults\/delete-doomed\?api-version=2024-07-01$/);
  const end = await armPoll(quern, location);
  assert.deepEqual([end.status, end.text], [200, ""]);
  assert.equal(refused(await arm("GET", "/doomed")), "404 PoolNotFound");
  assert.equal((await arm("DELETE", "/doomed")).status, 204);
  await user.refused(404, "PoolNotFound", "GET", "/pools/doomed");
  const other = location.replace("delete-doomed", "remove-doomed");
  assert.equal(refused(await armRequest(quern, { method: "GET", path: other })), "404 ResourceNotFound");
});

test("what was answered survives a crash, a deletion under way too", { timeout: 90_000 }, async (t) => {
  const location = await newLocation(t);
  const args = ["--storage", "none"];
  const first = await startQuern(t, { location, args });
  const pools = `/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts/${first.ready.account}/pools`;
  const ask = (on: Quern, method: string, path: string, body?: unknown): Promise<Answer> =>
    armRequest(on, { method, path, ...(body === undefined ? {} : { body }) });
  assert.equal((await ask(first, "PUT", `${pools}/kept`, { tags: { a: "b" }, properties: settings() })).status, 200);
  const { json } = await ask(first, "PATCH", `${pools}/kept`, { properties: { metadata: [{ name: "a", value: "b" }] } });
  await ask(first, "PUT", `${pools}/doomed`, { properties: settings({ scaleSettings: fixed(1) }) });
  const ofFirst = batchUser(first);
  await ofFirst.job("job", "doomed");
  await ofFirst.task("job", "long", "/bin/sleep 600");
  await ofFirst.taskIs("job", "long", "running");
  const going = await ask(first, "DELETE", `${pools}/doomed`);
  assert.equal(going.status, 202);
  await first.kill();

  const second = await startQuern(t, { location, args });
  assert.deepEqual((await ask(second, "GET", `${pools}/kept`)).json, json);
  assert.equal((await armPoll(second, String(going.headers.location))).status, 200);
  assert.equal(refused(await ask(second, "GET", `${pools}/doomed`)), "404 PoolNotFound");
});
