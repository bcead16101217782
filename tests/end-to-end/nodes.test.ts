// Compute nodes from outside: what a node's view says, reboots, and scheduling switched off and on under running tasks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchUser, isAlive, sh } from "../support/batch-user.ts";
import { startQuern, until } from "../support/quern.ts";

test("nodes", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const user = batchUser(quern);
  const lasting = sh("echo $$ $PWD; while [ ! -e go ]; do sleep 0.02; done");
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
  /** A pool of one node with one running task of a job of the same name. */
  const busy = async (name: string, startTask?: object): Promise<{ node: string; pid: number; directory: string }> => {
    await user.pool(name, { taskSlotsPerNode: 2, ...(startTask === undefined ? {} : { startTask }) });
    await user.job(name, name);
    await user.task(name, "t", lasting);
    const [node] = await user.nodes(name);
    return { node: `/pools/${name}/nodes/${node.id}`, ...(await started(name, "t")) };
  };
  const nodeIs = (path: string, state: string): Promise<any> => user.seen(path, (view: any) => view.state === state);
  const finish = async (directory: string): Promise<void> => {
    const id = `go${Math.abs(directory.length * 31 + directory.charCodeAt(directory.length - 4))}`;
    await user.task("helper", id, sh(`touch ${directory}/go`));
    await user.taskIs("helper", id);
    await user.ok("DELETE", `/jobs/helper/tasks/${id}`);
  };
  await user.pool("helper");
  await user.job("helper", "helper");

  await t.test("what a view says while a task runs and after it", async () => {
    const { node, directory } = await busy("view");
    const running = await user.get(node);
    assert.deepEqual(
      [running.state, running.runningTasksCount, running.runningTaskSlotsCount, running.totalTasksRun, running.schedulingState],
      ["running", 1, 1, 0, "enabled"],
    );
    assert.deepEqual(
      running.recentTasks.map((task: any) => [task.jobId, task.taskId, task.taskState]),
      [["view", "t", "running"]],
    );
    await finish(directory);
    await user.taskIs("view", "t");
    await user.task("view", "fails", sh("exit 1"));
    await user.taskIs("view", "fails");
    const view = await nodeIs(node, "idle");
    assert.equal(view.url, `${quern.ready.batchUrl}${node}`);
    assert.equal(view.affinityId, `TVM:${view.id}`);
    assert.deepEqual([view.vmSize, view.isDedicated, view.ipAddress], ["standard_d2_v3", true, "10.0.0.4"]);
    assert.deepEqual([view.totalTasksRun, view.totalTasksSucceeded, view.runningTasksCount], [2, 1, 0]);
    assert.ok(Date.parse(view.allocationTime) <= Date.parse(view.lastBootTime));
    assert.equal(view.virtualMachineInfo.imageReference.offer, "0001-com-ubuntu-server-jammy");
    assert.ok(view.nodeAgentInfo.version.length > 0);
    const recent = view.recentTasks.map((task: any) => [task.taskId, task.taskState, task.executionInfo.exitCode]);
    assert.deepEqual(recent, [
      ["fails", "completed", 1],
      ["t", "completed", 0],
    ]);
    assert.equal(view.recentTasks[1].taskUrl, `${quern.ready.batchUrl}/jobs/view/tasks/t`);
  });

  await t.test("reboot runs the start task again and requeues the tasks", async () => {
    const { node, pid } = await busy("reboot", { commandLine: sh("echo boot >>$AZ_BATCH_NODE_SHARED_DIR/boots; sleep 0.2") });
    const before = await user.get(node);
    assert.equal((await user.ok("POST", `${node}/reboot`)).status, 202);
    assert.notEqual((await user.get(node)).state, "running");
    await dead(pid);
    assert.notEqual((await started("reboot", "t")).pid, pid);
    const after = await user.get(node);
    assert.equal((await user.ok("GET", `${node}/files/shared/boots`)).text, "boot\nboot\n");
    assert.ok(Date.parse(after.lastBootTime) > Date.parse(before.lastBootTime));
    assert.equal(after.allocationTime, before.allocationTime);
    assert.equal((await user.get("/jobs/reboot/tasks/t")).executionInfo.requeueCount, 1);
    await user.ok("DELETE", "/jobs/reboot");
  });

  await t.test("reboot with terminate, and with taskcompletion", async () => {
    const cut = await busy("cut");
    await user.ok("POST", `${cut.node}/reboot`, { nodeRebootOption: "terminate" });
    assert.equal((await user.taskIs("cut", "t")).executionInfo.failureInfo.code, "TaskEnded");
    await dead(cut.pid);
    await nodeIs(cut.node, "idle");
    const patient = await busy("patient");
    const { lastBootTime } = await user.get(patient.node);
    await user.ok("POST", `${patient.node}/reboot`, { nodeRebootOption: "taskcompletion" });
    await user.refused(409, "NodeBeingRebooted", "POST", `${patient.node}/reboot`);
    assert.ok(isAlive(patient.pid));
    await finish(patient.directory);
    assert.equal((await user.taskIs("patient", "t")).executionInfo.result, "success");
    await until(
      () => user.get(patient.node),
      (view) => view.state === "idle" && view.lastBootTime !== lastBootTime,
    );
  });

  await t.test("scheduling off with requeue, and on again", async () => {
    const { node, pid } = await busy("off");
    assert.equal((await user.ok("POST", `${node}/disablescheduling`)).status, 200);
    const view = await nodeIs(node, "offline");
    assert.equal(view.schedulingState, "disabled");
    await dead(pid);
    const task = await user.get("/jobs/off/tasks/t");
    assert.deepEqual([task.state, task.executionInfo.requeueCount], ["active", 1]);
    assert.deepEqual(await user.why("jobId=off&taskId=t"), ["NoUsableNodes"]);
    await user.refused(409, "NodeAlreadyInTargetSchedulingState", "POST", `${node}/disablescheduling`);
    const counts = (await user.get("/nodecounts?$filter=poolId%20eq%20'off'")).value;
    assert.deepEqual([counts.length, counts[0].dedicated.offline, counts[0].dedicated.total, counts[0].lowPriority.total], [1, 1, 1, 0]);
    assert.equal((await user.ok("POST", `${node}/enablescheduling`)).status, 200);
    await started("off", "t");
    await user.refused(409, "NodeAlreadyInTargetSchedulingState", "POST", `${node}/enablescheduling`);
    await user.ok("DELETE", "/jobs/off");
  });

  await t.test("scheduling off with terminate, and with taskcompletion", async () => {
    const cut = await busy("offcut");
    await user.ok("POST", `${cut.node}/disablescheduling`, { nodeDisableSchedulingOption: "terminate" });
    assert.equal((await user.taskIs("offcut", "t")).executionInfo.failureInfo.code, "TaskEnded");
    await dead(cut.pid);
    await nodeIs(cut.node, "offline");
    const patient = await busy("offwait");
    await user.ok("POST", `${patient.node}/disablescheduling`, { nodeDisableSchedulingOption: "taskcompletion" });
    await user.task("offwait", "next", "/bin/true");
    const view = await user.get(patient.node);
    assert.deepEqual([view.state, view.schedulingState], ["running", "disabled"]);
    await finish(patient.directory);
    assert.equal((await user.taskIs("offwait", "t")).executionInfo.result, "success");
    await nodeIs(patient.node, "offline");
    assert.equal((await user.get("/jobs/offwait/tasks/next")).state, "active");
    await user.ok("POST", `${patient.node}/enablescheduling`);
    await user.taskIs("offwait", "next");
  });

  await t.test("a disabled node stays so through a reboot", async () => {
    await user.pool("quiet");
    const [{ id }] = await user.nodes("quiet");
    const node = `/pools/quiet/nodes/${id}`;
    await user.ok("POST", `${node}/disablescheduling`);
    const { lastBootTime } = await nodeIs(node, "offline");
    await user.ok("POST", `${node}/reboot`);
    const view = await until(
      () => user.get(node),
      (now) => now.state === "offline" && now.lastBootTime !== lastBootTime,
    );
    assert.equal(view.schedulingState, "disabled");
  });

  await t.test("node counts have every pool and add up", async () => {
    await user.pool("empty", { targetDedicatedNodes: 0 }, null);
    const { value } = await user.get("/nodecounts");
    const byPool = new Map<string, any>(value.map((counts: any) => [counts.poolId, counts]));
    assert.equal(byPool.get("empty").dedicated.total, 0);
    assert.equal(byPool.get("quiet").dedicated.offline, 1);
    for (const { dedicated } of value) {
      const { total, ...states } = dedicated;
      assert.equal(
        Object.values(states as Record<string, number>).reduce((sum, one) => sum + one, 0),
        total,
      );
    }
  });
});
