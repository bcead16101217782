// Jobs from outside: how they end, stop and start again, what they give their tasks, and those that wait for a part of the service
// that this release does not have.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { batchUser, hostImage, isAlive, sh } from "../support/batch-user.ts";
import { startQuern, until } from "../support/quern.ts";

test("jobs", { timeout: 90_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const user = batchUser(quern);
  await user.pool("p", { taskSlotsPerNode: 4 });
  const lasting = sh("echo $$ $AZ_BATCH_NODE_ROOT_DIR; exec sleep 600");
  const started = async (job: string, id: string): Promise<{ pid: number; root: string }> => {
    const [pid, root] = (await user.fileSays(job, id, "stdout.txt", /^\d+ \/.*\n/)).trim().split(" ");
    await user.taskIs(job, id, "running");
    return { pid: Number(pid), root: root! };
  };
  const dead = (pid: number): Promise<boolean> =>
    until(
      async () => isAlive(pid),
      (alive) => !alive,
    );

  await t.test("onAllTasksComplete, patched in after the tasks were added", async () => {
    await user.job("later", "p");
    await user.task("later", "a", sh("sleep 0.3"));
    await user.task("later", "b", sh("exit 1"));
    await user.taskIs("later", "b");
    await user.ok("PATCH", "/jobs/later", { onAllTasksComplete: "terminatejob" });
    const job = await user.jobIs("later", "completed");
    assert.equal(job.executionInfo.terminateReason, "AllTasksComplete");
    assert.ok(Date.parse(job.executionInfo.endTime) >= Date.parse((await user.taskIs("later", "a")).executionInfo.endTime));
    await user.refused(409, "JobCompleted", "POST", "/jobs/later/tasks", { id: "c", commandLine: "/bin/true" });
    await user.refused(409, "JobCompleted", "POST", "/jobs/later/terminate");
  });

  await t.test("onAllTasksComplete ends an empty job at once, whether set at first or later, and never goes back", async () => {
    await user.job("empty", "p", { onAllTasksComplete: "terminatejob" });
    assert.equal((await user.jobIs("empty", "completed")).executionInfo.terminateReason, "AllTasksComplete");
    await user.job("emptied", "p");
    await user.ok("PATCH", "/jobs/emptied", { onAllTasksComplete: "terminatejob" });
    await user.jobIs("emptied", "completed");
    await user.job("bound", "p");
    await user.task("bound", "t", lasting);
    await user.ok("PATCH", "/jobs/bound", { onAllTasksComplete: "terminatejob" });
    await user.refused(400, "InvalidPropertyValue", "PATCH", "/jobs/bound", { onAllTasksComplete: "noaction" });
    const { pid } = await started("bound", "t");
    await user.ok("DELETE", "/jobs/bound/tasks/t");
    await user.jobIs("bound", "completed");
    await dead(pid);
  });

  await t.test("disable with requeue, and enable", async () => {
    await user.job("requeued", "p");
    await user.task("requeued", "t", lasting);
    const { pid } = await started("requeued", "t");
    const answer = await user.ok("POST", "/jobs/requeued/disable", { disableTasks: "requeue" });
    assert.equal(answer.status, 202);
    assert.match((await user.get("/jobs/requeued")).state, /^disabl(ing|ed)$/);
    await user.jobIs("requeued", "disabled");
    const view = await user.get("/jobs/requeued/tasks/t");
    assert.deepEqual([view.state, view.executionInfo.requeueCount, view.executionInfo.retryCount], ["active", 1, 0]);
    assert.ok(view.executionInfo.lastRequeueTime !== undefined);
    await dead(pid);
    await user.task("requeued", "added", "/bin/true");
    assert.deepEqual(await user.why("jobId=requeued&taskId=added"), ["JobDisabled"]);
    await user.ok("POST", "/jobs/requeued/enable");
    assert.notEqual((await started("requeued", "t")).pid, pid);
    await user.taskIs("requeued", "added");
    const job = await user.get("/jobs/requeued");
    assert.deepEqual([job.state, job.previousState], ["active", "enabling"]);
    await user.ok("DELETE", "/jobs/requeued");
  });

  await t.test("disable with terminate", async () => {
    await user.job("cut", "p");
    await user.task("cut", "t", lasting);
    const { pid } = await started("cut", "t");
    await user.ok("POST", "/jobs/cut/disable", { disableTasks: "terminate" });
    await user.jobIs("cut", "disabled");
    const { state, executionInfo } = await user.get("/jobs/cut/tasks/t");
    assert.deepEqual([state, executionInfo.result, executionInfo.failureInfo.code], ["completed", "failure", "TaskEnded"]);
    await dead(pid);
    await user.ok("POST", "/jobs/cut/terminate", { terminateReason: "enough" });
    assert.equal((await user.jobIs("cut", "completed")).executionInfo.terminateReason, "enough");
  });

  await t.test("disable with wait lets running tasks end and starts none", async () => {
    await user.job("patient", "p");
    await user.task("patient", "t", sh("while [ ! -e go ]; do sleep 0.02; done"));
    await user.taskIs("patient", "t", "running");
    await user.ok("POST", "/jobs/patient/disable", { disableTasks: "wait" });
    await user.task("patient", "next", "/bin/true");
    assert.equal((await user.get("/jobs/patient")).state, "disabling");
    await user.job("elsewhere", "p");
    await user.task("elsewhere", "go", sh("touch $AZ_BATCH_NODE_ROOT_DIR/workitems/patient/job-1/t/wd/go"));
    await user.jobIs("patient", "disabled");
    assert.equal((await user.taskIs("patient", "t")).executionInfo.result, "success");
    assert.equal((await user.get("/jobs/patient/tasks/next")).state, "active");
    await user.ok("POST", "/jobs/patient/enable");
    await user.taskIs("patient", "next");
  });

  await t.test("terminate ends what runs; what was active stays so for ever", async () => {
    await user.job("over", "p");
    await user.task("over", "runs", lasting);
    await user.task("over", "waits", "/bin/true", { requiredSlots: 9 });
    const { pid } = await started("over", "runs");
    const before = await user.ok("GET", "/jobs/over");
    assert.equal((await user.ok("POST", "/jobs/over/terminate")).status, 202);
    const job = await user.jobIs("over", "completed");
    assert.equal(job.executionInfo.terminateReason, "UserTerminate");
    assert.notEqual(job.eTag, before.json.eTag);
    await dead(pid);
    assert.equal((await user.get("/jobs/over/tasks/runs")).executionInfo.failureInfo.code, "TaskEnded");
    assert.equal((await user.get("/jobs/over/tasks/waits")).state, "active");
    assert.deepEqual(await user.why("jobId=over&taskId=waits"), ["JobEnded"]);
    await user.refused(409, "JobCompleted", "POST", "/jobs/over/tasks/waits/terminate");
    await user.refused(409, "JobCompleted", "POST", "/jobs/over/enable");
    await user.refused(409, "JobCompleted", "POST", "/jobs/over/disable", { disableTasks: "requeue" });
  });

  await t.test("delete ends what runs and takes directories, tasks and job with it", async () => {
    await user.job("doomed", "p");
    await user.task("doomed", "runs", lasting);
    await user.task("doomed", "done", "/bin/true");
    await user.taskIs("doomed", "done");
    const { pid, root } = await started("doomed", "runs");
    assert.ok(existsSync(join(root, "workitems/doomed/job-1/done")));
    assert.equal((await user.ok("DELETE", "/jobs/doomed")).status, 202);
    const again = await user.raw({ method: "DELETE", path: "/jobs/doomed" });
    assert.ok(again.json?.code === "JobBeingDeleted" || again.json?.code === "JobNotFound", again.text);
    await user.gone("/jobs/doomed");
    await dead(pid);
    await until(
      async () => existsSync(join(root, "workitems/doomed")),
      (there) => !there,
    );
    await user.job("doomed", "p");
    assert.deepEqual((await user.get("/jobs/doomed/tasks")).value, []);
    await user.task("doomed", "runs", sh("ls -A"));
    await user.taskIs("doomed", "runs");
    assert.equal(await user.file("doomed", "runs", "stdout.txt"), "");
  });

  await t.test("commonEnvironmentSettings come first, the task's own after them", async () => {
    await user.job("env", "p", {
      commonEnvironmentSettings: [{ name: "A", value: "job" }, { name: "B", value: "job" }, { name: "EMPTY" }],
    });
    await user.task("env", "t", sh("echo $A $B $C [$EMPTY]"), {
      environmentSettings: [
        { name: "B", value: "task" },
        { name: "C", value: "first" },
        { name: "C", value: "last" },
      ],
    });
    await user.taskIs("env", "t");
    assert.equal(await user.file("env", "t", "stdout.txt"), "job task last []\n");
  });

  await t.test("a job whose pool does not exist waits for it", async () => {
    await user.job("early", "not-yet");
    await user.task("early", "t", "/bin/true");
    const { state, executionInfo } = await user.get("/jobs/early");
    assert.deepEqual([state, executionInfo.poolId], ["active", "not-yet"]);
    assert.deepEqual(await user.why("jobId=early&taskId=t"), ["PoolNotFound"]);
    assert.deepEqual(await user.why("jobId=early"), ["PoolNotFound"]);
    await user.pool("not-yet", {}, null);
    assert.equal((await user.taskIs("early", "t")).nodeInfo.poolId, "not-yet");
  });

  await t.test("a disabled job can move to another pool", async () => {
    await user.job("moves", "gone-for-ever");
    await user.task("moves", "t", "/bin/true");
    await user.refused(409, "OperationInvalidForCurrentState", "PATCH", "/jobs/moves", { poolInfo: { poolId: "p" } });
    await user.ok("PATCH", "/jobs/moves", { poolInfo: { poolId: "gone-for-ever" }, priority: 7 });
    await user.ok("POST", "/jobs/moves/disable", { disableTasks: "wait" });
    await user.jobIs("moves", "disabled");
    await user.ok("PATCH", "/jobs/moves", { poolInfo: { poolId: "p" } });
    await user.ok("POST", "/jobs/moves/enable");
    assert.equal((await user.taskIs("moves", "t")).nodeInfo.poolId, "p");
    assert.equal((await user.get("/jobs/moves")).priority, 7);
  });

  await t.test("a wall clock that is patched in or shortened counts, also while the job is disabled", async () => {
    const constraints = { maxWallClockTime: "PT1S" };
    await user.job("clock", "p", { constraints: { maxWallClockTime: "PT1H" } });
    await user.task("clock", "t", lasting);
    const { pid } = await started("clock", "t");
    await user.ok("PATCH", "/jobs/clock", { constraints });
    assert.equal((await user.jobIs("clock", "completed")).executionInfo.terminateReason, "MaxWallClockTimeExpiry");
    await dead(pid);
    await user.job("asleep", "p", { constraints });
    await user.ok("POST", "/jobs/asleep/disable", { disableTasks: "requeue" });
    assert.equal((await user.jobIs("asleep", "completed")).executionInfo.terminateReason, "MaxWallClockTimeExpiry");
  });

  await t.test("terminate overtakes a disable that waits", async () => {
    await user.job("overtaken", "p");
    await user.task("overtaken", "t", lasting);
    const { pid } = await started("overtaken", "t");
    await user.ok("POST", "/jobs/overtaken/disable", { disableTasks: "wait" });
    await user.ok("POST", "/jobs/overtaken/terminate", { terminateReason: "now" });
    assert.equal((await user.jobIs("overtaken", "completed")).executionInfo.terminateReason, "now");
    await dead(pid);
  });

  await t.test("a disable that waits can be followed by one that does not", async () => {
    await user.job("hurried", "p");
    await user.task("hurried", "t", lasting);
    const { pid } = await started("hurried", "t");
    await user.ok("POST", "/jobs/hurried/disable", { disableTasks: "wait" });
    await user.ok("POST", "/jobs/hurried/disable", { disableTasks: "requeue" });
    await user.jobIs("hurried", "disabled");
    await dead(pid);
    assert.equal((await user.get("/jobs/hurried/tasks/t")).executionInfo.requeueCount, 1);
  });

  await t.test("jobs and tasks that need what this release lacks wait and say so", async () => {
    const jobPreparationTask = { commandLine: "/bin/true" };
    const jobs: [id: string, settings: object, why: string][] = [
      ["managed", { jobManagerTask: { id: "m", commandLine: "/bin/true" } }, "JobManagerTaskNotSupported"],
      ["prepared", { jobPreparationTask }, "JobPreparationTaskNotSupported"],
      ["released", { jobPreparationTask, jobReleaseTask: { commandLine: "/bin/true" } }, "JobPreparationTaskNotSupported"],
    ];
    for (const [id, settings, why] of jobs) {
      await user.job(id, "p", settings as Record<string, unknown>);
      await user.task(id, "t", "/bin/true");
      assert.deepEqual(await user.why(`jobId=${id}&taskId=t`), [why], id);
      assert.deepEqual(await user.why(`jobId=${id}`), [why], id);
      const view = await user.get(`/jobs/${id}`);
      for (const name of Object.keys(settings)) assert.ok(view[name] !== undefined, `${id} tells ${name}`);
    }
    await user.job("held", "p");
    const tasks: [id: string, settings: object, why: string][] = [
      ["multi", { multiInstanceSettings: { numberOfInstances: 2, coordinationCommandLine: "/bin/true" } }, "MultiInstanceNotSupported"],
      ["container", { containerSettings: { imageName: "busybox" } }, "ContainerSettingsNotSupported"],
    ];
    for (const [id, settings, why] of tasks) {
      await user.task("held", id, "/bin/true", settings as Record<string, unknown>);
      assert.deepEqual(await user.why(`jobId=held&taskId=${id}`), [why]);
    }
    await user.task("held", "free", "/bin/true");
    await user.taskIs("held", "free");
    for (const [id, settings] of tasks) {
      const view = await user.get(`/jobs/held/tasks/${id}`);
      assert.equal(view.state, "active", id);
      for (const name of Object.keys(settings)) assert.ok(view[name] !== undefined, `${id} tells ${name}`);
    }
    for (const [id] of jobs) assert.equal((await user.get(`/jobs/${id}/tasks/t`)).state, "active", id);
    await user.ok("POST", "/jobs/managed/terminate");
    await user.jobIs("managed", "completed");
    await user.ok("DELETE", "/jobs/prepared");
    await user.gone("/jobs/prepared");
  });

  await t.test("an auto pool lives as long as its job, unless it is to be kept", async () => {
    const auto = (keepAlive: boolean): object => ({
      autoPoolIdPrefix: "mine",
      poolLifetimeOption: "job",
      keepAlive,
      pool: { vmSize: "standard_d2_v3", targetDedicatedNodes: 1, virtualMachineConfiguration: hostImage },
    });
    const add = async (id: string, keepAlive: boolean): Promise<string> => {
      await user.ok("POST", "/jobs", { id, poolInfo: { autoPoolSpecification: auto(keepAlive) } });
      const job = await user.get(`/jobs/${id}`);
      assert.equal(job.poolInfo.poolId, undefined);
      assert.equal(job.poolInfo.autoPoolSpecification.keepAlive, keepAlive);
      return job.executionInfo.poolId;
    };
    const passing = await add("auto", false);
    const kept = await add("keeps", true);
    assert.match(passing, /^mine/);
    for (const [job, pool] of [["auto", passing] as const, ["keeps", kept] as const]) {
      await user.task(job, "t", "/bin/true");
      assert.equal((await user.taskIs(job, "t")).nodeInfo.poolId, pool);
    }
    await user.ok("POST", "/jobs/auto/terminate");
    await user.ok("DELETE", "/jobs/keeps");
    await user.gone(`/pools/${passing}`);
    await user.gone("/jobs/keeps");
    assert.equal((await user.get(`/pools/${kept}`)).state, "active");
    const third = await add("third", false);
    await user.ok("DELETE", "/jobs/third");
    await user.gone(`/pools/${third}`);
    await user.ok("DELETE", `/pools/${kept}`);
  });
});
