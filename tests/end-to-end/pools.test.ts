// Pools from outside: sizing both ways under running tasks, what cannot be had, start tasks, and what a patch may change.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchUser, isAlive, sh, windowsImage } from "../support/batch-user.ts";
import { startQuern, until } from "../support/quern.ts";

test("pools", { timeout: 90_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const user = batchUser(quern);
  const lasting = sh("echo $$ $PWD; while [ ! -e go ]; do sleep 0.02; done");
  const opener = (directory: string): string => sh(`touch ${directory}/go`);
  const started = async (job: string, id: string): Promise<{ pid: number; directory: string }> => {
    const [pid, directory] = (await user.fileSays(job, id, "stdout.txt", /^\d+ \/.*\n/)).trim().split(" ");
    await user.taskIs(job, id, "running");
    return { pid: Number(pid), directory: directory! };
  };
  const dead = (pid: number): Promise<boolean> =>
    until(
      async () => isAlive(pid),
      (alive) => !alive,
    );
  const count = (id: string, wanted: number): Promise<any[]> =>
    until(
      () => user.nodes(id),
      (list) => list.length === wanted,
    );

  await t.test("both kinds of nodes, soon idle", async () => {
    const before = Date.now();
    await user.pool("mixed", { targetDedicatedNodes: 2, targetLowPriorityNodes: 1 });
    assert.ok(Date.now() - before < 5000, `${Date.now() - before} ms`);
    const nodes = await user.nodes("mixed");
    assert.deepEqual(nodes.map((node) => [node.isDedicated, /^tvmps_[0-9a-f]{64}_([dp])$/.exec(node.id)?.[1]]).sort(), [
      [false, "p"],
      [true, "d"],
      [true, "d"],
    ]);
    const pool = await user.get("/pools/mixed");
    assert.deepEqual(
      [pool.allocationState, pool.currentDedicatedNodes, pool.currentLowPriorityNodes, pool.resizeErrors],
      ["steady", 2, 1, undefined],
    );
    await user.job("kinds", "mixed");
    for (const id of ["a", "b", "c"]) await user.task("kinds", id, sh("echo $AZ_BATCH_NODE_ID $AZ_BATCH_NODE_IS_DEDICATED; sleep 0.5"));
    for (const id of ["a", "b", "c"]) {
      await user.taskIs("kinds", id);
      assert.match(await user.file("kinds", id, "stdout.txt"), /_d true\n|_p false\n/);
    }
  });

  await t.test("resize up, down and to nothing; only while steady", async () => {
    await user.pool("size", { targetDedicatedNodes: 0 }, null);
    assert.equal((await user.get("/pools/size")).allocationState, "steady");
    const before = await user.ok("GET", "/pools/size");
    assert.equal((await user.ok("POST", "/pools/size/resize", { targetDedicatedNodes: 3 })).status, 202);
    assert.notEqual((await user.ok("GET", "/pools/size")).headers.etag, before.headers.etag);
    await user.poolIs("size", "steady");
    await count("size", 3);
    await user.ok("POST", "/pools/size/resize", { targetDedicatedNodes: 1, targetLowPriorityNodes: 2 });
    await user.poolIs("size", "steady");
    const nodes = await until(
      () => user.nodes("size"),
      (list) => list.length === 3 && list.every((node) => node.state === "idle"),
    );
    assert.equal(nodes.filter((node) => node.isDedicated).length, 1);
    await user.ok("POST", "/pools/size/resize", { targetDedicatedNodes: 0, targetLowPriorityNodes: 0 });
    await count("size", 0);
    await user.poolIs("size", "steady");
    assert.equal((await user.ok("POST", "/pools/size/stopresize")).status, 202, "with nothing to stop");
    assert.equal((await user.get("/pools/size")).allocationState, "steady");
    await user.refused(400, "InvalidPropertyValue", "POST", "/pools/size/resize", { targetDedicatedNodes: 1, resizeTimeout: "PT1M" });
  });

  await t.test("shrinking with requeue sends the task back", async () => {
    await user.pool("requeue");
    await user.job("requeue", "requeue");
    await user.task("requeue", "t", lasting);
    const { pid } = await started("requeue", "t");
    await user.ok("POST", "/pools/requeue/resize", { targetDedicatedNodes: 0 });
    await count("requeue", 0);
    await dead(pid);
    const { state, executionInfo } = await user.get("/jobs/requeue/tasks/t");
    assert.deepEqual([state, executionInfo.requeueCount, executionInfo.retryCount], ["active", 1, 0]);
    assert.deepEqual(await user.why("jobId=requeue&taskId=t"), ["NoNodes"]);
    await user.poolIs("requeue", "steady");
    await user.ok("POST", "/pools/requeue/resize", { targetDedicatedNodes: 1 });
    const { directory } = await started("requeue", "t");
    await user.pool("helper");
    await user.job("helper", "helper");
    await user.task("helper", "open", opener(directory));
    assert.equal((await user.taskIs("requeue", "t")).executionInfo.result, "success");
  });

  await t.test("shrinking with terminate ends the task", async () => {
    await user.pool("terminate");
    await user.job("terminate", "terminate");
    await user.task("terminate", "t", lasting);
    const { pid } = await started("terminate", "t");
    await user.ok("POST", "/pools/terminate/resize", { targetDedicatedNodes: 0, nodeDeallocationOption: "terminate" });
    const { executionInfo } = await user.taskIs("terminate", "t");
    assert.deepEqual([executionInfo.result, executionInfo.failureInfo.code], ["failure", "TaskEnded"]);
    await dead(pid);
    await count("terminate", 0);
    await user.refused(409, "TaskFilesUnavailable", "GET", "/jobs/terminate/tasks/t/files");
  });

  await t.test("shrinking with taskcompletion waits for the task and starts no other", async () => {
    await user.pool("completion", { taskSlotsPerNode: 2 });
    await user.job("completion", "completion");
    await user.task("completion", "t", lasting);
    const { directory } = await started("completion", "t");
    await user.ok("POST", "/pools/completion/resize", { targetDedicatedNodes: 0, nodeDeallocationOption: "taskcompletion" });
    await user.task("completion", "next", "/bin/true");
    const pool = await user.get("/pools/completion");
    assert.deepEqual([pool.allocationState, pool.currentDedicatedNodes], ["resizing", 1]);
    await user.refused(409, "PoolBeingResized", "POST", "/pools/completion/resize", { targetDedicatedNodes: 2 });
    assert.equal((await user.nodes("completion"))[0].state, "leavingpool");
    await user.task("helper", "complete", opener(directory));
    assert.equal((await user.taskIs("completion", "t")).executionInfo.result, "success");
    await count("completion", 0);
    await user.poolIs("completion", "steady");
    const next = await user.get("/jobs/completion/tasks/next");
    assert.deepEqual([next.state, next.executionInfo.requeueCount], ["active", 0]);
  });

  await t.test("shrinking with retaineddata waits for the retention time as well", async () => {
    await user.pool("retained");
    await user.job("retained", "retained");
    await user.task("retained", "t", "/bin/true", { constraints: { retentionTime: "PT2S" } });
    const { executionInfo } = await user.taskIs("retained", "t");
    await user.ok("POST", "/pools/retained/resize", { targetDedicatedNodes: 0, nodeDeallocationOption: "retaineddata" });
    await count("retained", 0);
    assert.ok(Date.now() >= Date.parse(executionInfo.endTime) + 2000);
  });

  await t.test("a resize that waits can be stopped: the node stays and works on", async () => {
    await user.pool("stop", { taskSlotsPerNode: 2 });
    await user.job("stop", "stop");
    await user.task("stop", "t", lasting);
    const { directory } = await started("stop", "t");
    await user.ok("POST", "/pools/stop/resize", { targetDedicatedNodes: 0, nodeDeallocationOption: "taskcompletion" });
    assert.equal((await user.ok("POST", "/pools/stop/stopresize")).status, 202);
    const pool = await user.poolIs("stop", "steady");
    assert.deepEqual([pool.targetDedicatedNodes, pool.currentDedicatedNodes, pool.resizeErrors[0].code], [0, 1, "ResizeStopped"]);
    await user.task("stop", "next", "/bin/true");
    await user.taskIs("stop", "next");
    await user.task("helper", "stopped", opener(directory));
    await user.taskIs("stop", "t");
    await user.ok("POST", "/pools/stop/resize", { targetDedicatedNodes: 1 });
    assert.equal((await user.poolIs("stop", "steady")).resizeErrors, undefined);
  });

  await t.test("removenodes takes exactly those and lowers the target", async () => {
    await user.pool("remove", { targetDedicatedNodes: 3 });
    const [first, second, third] = (await user.nodes("remove")).map((node) => node.id);
    await user.ok("POST", "/pools/remove/removenodes", { nodeList: [second] });
    await count("remove", 2);
    await user.poolIs("remove", "steady");
    assert.deepEqual((await user.nodes("remove")).map((node) => node.id).sort(), [first, third].sort());
    assert.equal((await user.get("/pools/remove")).targetDedicatedNodes, 2);
    await user.refused(404, "NodeNotFound", "GET", `/pools/remove/nodes/${second}`);
    await user.refused(400, "InvalidPropertyValue", "POST", "/pools/remove/removenodes", { nodeList: [] });
  });

  await t.test("removenodes under running tasks", async () => {
    await user.pool("taken", { targetDedicatedNodes: 2 });
    await user.job("taken", "taken");
    await user.task("taken", "a", lasting);
    await user.task("taken", "b", lasting);
    const [a, b] = [await started("taken", "a"), await started("taken", "b")];
    const nodeOf = async (id: string): Promise<string> => (await user.get(`/jobs/taken/tasks/${id}`)).nodeInfo.nodeId;
    const option = (nodeDeallocationOption: string) => ({ nodeDeallocationOption });
    await user.ok("POST", "/pools/taken/removenodes", { nodeList: [await nodeOf("a")], ...option("terminate") });
    assert.equal((await user.taskIs("taken", "a")).executionInfo.failureInfo.code, "TaskEnded");
    await dead(a.pid);
    await count("taken", 1);
    await user.poolIs("taken", "steady");
    await user.ok("POST", "/pools/taken/removenodes", { nodeList: [await nodeOf("b")], ...option("taskcompletion") });
    assert.equal((await user.get("/pools/taken")).allocationState, "resizing");
    await user.refused(409, "PoolBeingResized", "POST", "/pools/taken/removenodes", { nodeList: [await nodeOf("b")] });
    await user.task("helper", "taken", opener(b.directory));
    assert.equal((await user.taskIs("taken", "b")).executionInfo.result, "success");
    await count("taken", 0);
    assert.equal((await user.poolIs("taken", "steady")).targetDedicatedNodes, 0);
  });

  await t.test("deleting a pool does not wait for a resize that waits", async () => {
    await user.pool("cut");
    await user.job("cut", "cut");
    await user.task("cut", "t", lasting);
    const { pid } = await started("cut", "t");
    await user.ok("POST", "/pools/cut/resize", { targetDedicatedNodes: 0, nodeDeallocationOption: "taskcompletion" });
    await user.ok("DELETE", "/pools/cut");
    await user.gone("/pools/cut");
    await dead(pid);
    assert.equal((await user.get("/jobs/cut/tasks/t")).executionInfo.requeueCount, 1);
  });

  await t.test("a pool of Windows stays without nodes and says why", async () => {
    await user.pool("windows", { virtualMachineConfiguration: windowsImage, targetDedicatedNodes: 2, targetLowPriorityNodes: 1 }, null);
    const pool = await user.poolIs("windows", "steady");
    assert.deepEqual([pool.currentDedicatedNodes, pool.targetDedicatedNodes, pool.targetLowPriorityNodes], [0, 2, 1]);
    assert.deepEqual(
      pool.resizeErrors.map((error: any) => error.code),
      ["AllocationFailed", "AllocationFailed"],
    );
    await user.job("windows", "windows");
    await user.task("windows", "t", "cmd /c echo hello");
    assert.deepEqual(await user.why("jobId=windows&taskId=t"), ["ImageNotAvailable"]);
  });

  const withStart = (startTask: object): Record<string, unknown> => ({ startTask });

  await t.test("a start task runs before the node takes tasks", async () => {
    await user.pool(
      "start",
      withStart({
        commandLine: sh("sleep 0.3; echo $STAGE >$AZ_BATCH_NODE_SHARED_DIR/mark"),
        environmentSettings: [{ name: "STAGE", value: "ready" }],
      }),
      null,
    );
    await user.job("start", "start");
    await user.task("start", "t", sh("cat $AZ_BATCH_NODE_SHARED_DIR/mark"));
    const { executionInfo } = await user.taskIs("start", "t");
    assert.equal(await user.file("start", "t", "stdout.txt"), "ready\n");
    const [node] = await user.nodes("start");
    assert.deepEqual([node.startTaskInfo.state, node.startTaskInfo.exitCode, node.startTaskInfo.result], ["completed", 0, "success"]);
    assert.ok(Date.parse(executionInfo.startTime) >= Date.parse(node.startTaskInfo.endTime));
    assert.deepEqual(node.startTask.userIdentity, { autoUser: { scope: "pool", elevationLevel: "nonadmin" } });
  });

  await t.test("a start task that fails keeps the node from tasks; its retries are counted", async () => {
    await user.pool(
      "broken",
      withStart({ commandLine: sh("echo x >>runs; exit 3"), maxTaskRetryCount: 2, waitForSuccess: true }),
      "starttaskfailed",
    );
    const [node] = await user.nodes("broken");
    const { retryCount, exitCode, result, failureInfo } = node.startTaskInfo;
    assert.deepEqual([retryCount, exitCode, result, failureInfo.code], [2, 3, "failure", "FailureExitCode"]);
    const runs = await user.ok("GET", `/pools/broken/nodes/${node.id}/files/startup/wd/runs`);
    assert.equal(runs.text, "x\nx\nx\n");
    await user.job("broken", "broken");
    await user.task("broken", "t", "/bin/true");
    assert.deepEqual(await user.why("jobId=broken&taskId=t"), ["NoUsableNodes"]);
    assert.deepEqual(await user.why(`poolId=broken&nodeId=${node.id}`), ["StartTaskFailed"]);
    await user.ok("POST", "/pools/broken/updateproperties", {
      startTask: { commandLine: "/bin/true" },
      applicationPackageReferences: [],
      metadata: [],
      certificateReferences: [],
    });
    await user.ok("POST", `/pools/broken/nodes/${node.id}/reboot`);
    await user.taskIs("broken", "t");
  });

  await t.test("without waitForSuccess the node works though its start task fails", async () => {
    await user.pool("careless", withStart({ commandLine: "no-such-program", waitForSuccess: false }));
    await user.job("careless", "careless");
    await user.task("careless", "t", "/bin/true");
    await user.taskIs("careless", "t");
    const [node] = await user.nodes("careless");
    assert.deepEqual([node.startTaskInfo.result, node.startTaskInfo.failureInfo.code], ["failure", "CommandProgramNotFound"]);
  });

  await t.test("deleting a pool requeues what runs; a pool of that id takes it up again", async () => {
    await user.pool("again");
    await user.job("again", "again");
    await user.task("again", "t", lasting);
    const { pid } = await started("again", "t");
    assert.equal((await user.ok("DELETE", "/pools/again")).status, 202);
    await user.gone("/pools/again");
    await dead(pid);
    const { state, executionInfo } = await user.get("/jobs/again/tasks/t");
    assert.deepEqual([state, executionInfo.requeueCount], ["active", 1]);
    await user.pool("again", {}, null);
    assert.notEqual((await started("again", "t")).pid, pid);
    await user.ok("DELETE", "/jobs/again");
    await user.gone("/jobs/again");
  });

  await t.test("what a patch may change depends on whether there are nodes", async () => {
    await user.pool("patch", { targetDedicatedNodes: 0, metadata: [{ name: "a", value: "1" }] }, null);
    await user.ok("PATCH", "/pools/patch", { taskSlotsPerNode: 3, displayName: "named" });
    const bare = await user.get("/pools/patch");
    assert.deepEqual([bare.taskSlotsPerNode, bare.displayName, bare.metadata], [3, "named", [{ name: "a", value: "1" }]]);
    await user.ok("POST", "/pools/patch/resize", { targetDedicatedNodes: 1 });
    await count("patch", 1);
    const refusal = await user.raw({ method: "PATCH", path: "/pools/patch", body: { taskSlotsPerNode: 2 } });
    assert.equal(refusal.status, 409, refusal.text);
    await user.ok("PATCH", "/pools/patch", { metadata: [], startTask: { commandLine: "/bin/true" } });
    const after = await user.get("/pools/patch");
    assert.deepEqual([after.metadata, after.taskSlotsPerNode, after.startTask.commandLine], [undefined, 3, "/bin/true"]);
    assert.equal(after.startTask.waitForSuccess, true);
  });
});
