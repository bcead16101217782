// Tasks that wait for others, and what a task's exit does to its dependents and to its job.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchUser, sh } from "../support/batch-user.ts";
import { startQuern, until } from "../support/quern.ts";

test("dependencies and exit conditions", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const user = batchUser(quern);
  await user.pool("p", { taskSlotsPerNode: 4 });
  const state = async (job: string, id: string): Promise<string> => (await user.get(`/jobs/${job}/tasks/${id}`)).state;
  const dependent = (job: string, id: string, dependsOn: object) => user.task(job, id, "/bin/true", { dependsOn });
  await user.job("j", "p", { usesTaskDependencies: true });
  const performing = { usesTaskDependencies: true, onTaskFailure: "performexitoptionsjobaction" };

  await t.test("a task starts when all that it depends on have completed", async () => {
    await dependent("j", "after-both", { taskIds: ["first", "second"] });
    await user.task("j", "first", "/bin/true");
    await user.taskIs("j", "first");
    assert.equal(await state("j", "after-both"), "active");
    assert.deepEqual(await user.why("jobId=j&taskId=after-both"), ["DependenciesNotSatisfied"]);
    const counts = await user.get("/jobs/j/taskcounts");
    assert.deepEqual([counts.taskCounts.active, counts.taskCounts.completed], [1, 1]);
    await user.task("j", "second", sh("sleep 0.2"));
    const second = await user.taskIs("j", "second");
    const after = await user.taskIs("j", "after-both");
    assert.ok(Date.parse(after.executionInfo.startTime) >= Date.parse(second.executionInfo.endTime));
    assert.deepEqual(after.dependsOn, { taskIds: ["first", "second"] });
    await dependent("j", "late", { taskIds: ["first", "SECOND"] });
    assert.equal((await user.taskIs("j", "late")).executionInfo.result, "success");
  });

  await t.test("chains in one collection run in order", async () => {
    const value = Array.from({ length: 12 }, (_, n) => ({
      id: `chain${n}`,
      commandLine: "/bin/true",
      ...(n === 0 ? {} : { dependsOn: { taskIds: [`chain${n - 1}`] } }),
    })).reverse();
    await user.ok("POST", "/jobs/j/addtaskcollection", { value });
    let before = 0;
    for (let n = 0; n < 12; n++) {
      const { executionInfo } = await user.taskIs("j", `chain${n}`);
      assert.ok(Date.parse(executionInfo.startTime) >= before, `chain${n}`);
      before = Date.parse(executionInfo.endTime);
    }
  });

  await t.test("ranges mean numbers: both ends, leading zeros left out, ids added later", async () => {
    await user.job("ranges", "p", { usesTaskDependencies: true });
    await dependent("ranges", "all", { taskIdRanges: [{ start: 3, end: 5 }] });
    await user.task("ranges", "3", "/bin/true");
    await user.task("ranges", "04", "/bin/true");
    await user.taskIs("ranges", "3");
    await user.taskIs("ranges", "04");
    assert.equal(await state("ranges", "all"), "active");
    await user.task("ranges", "5", "/bin/true");
    await user.taskIs("ranges", "all");
    await dependent("ranges", "four", { taskIdRanges: [{ start: 4, end: 4 }] });
    await user.taskIs("ranges", "four");
    await dependent("ranges", "exact", { taskIds: ["4"] });
    await user.task("ranges", "6", "/bin/true");
    await user.taskIs("ranges", "6");
    assert.equal(await state("ranges", "exact"), "active", "as an id, 4 is not 04");
    await user.task("ranges", "4", "/bin/true");
    await user.taskIs("ranges", "exact");
    await dependent("ranges", "both", { taskIds: ["6"], taskIdRanges: [{ start: 1, end: 1 }] });
    await user.task("ranges", "01", sh("exit 1"));
    await user.taskIs("ranges", "01");
    assert.equal(await state("ranges", "both"), "active");
    await user.task("ranges", "1", "/bin/true");
    await user.taskIs("ranges", "both");
  });

  await t.test("dependents of a failed task stay active for ever, until it is reactivated and succeeds", async () => {
    await user.task("j", "fails-once", sh("mkdir mark 2>/dev/null && exit 2; exit 0"));
    await dependent("j", "blocked", { taskIds: ["fails-once"] });
    await user.taskIs("j", "fails-once");
    await user.task("j", "later", "/bin/true");
    await user.taskIs("j", "later");
    assert.equal(await state("j", "blocked"), "active");
    await user.ok("POST", "/jobs/j/tasks/fails-once/reactivate");
    assert.equal((await user.taskIs("j", "blocked")).executionInfo.result, "success");
  });

  await t.test("a terminated or deleted task satisfies nobody", async () => {
    await user.task("j", "ended", sh("sleep 60"));
    await dependent("j", "of-ended", { taskIds: ["ended"] });
    await user.taskIs("j", "ended", "running");
    await user.ok("POST", "/jobs/j/tasks/ended/terminate");
    await user.task("j", "deleted", sh("sleep 60"));
    await dependent("j", "of-deleted", { taskIds: ["deleted"] });
    await user.ok("DELETE", "/jobs/j/tasks/deleted");
    await user.task("j", "probe", "/bin/true");
    await user.taskIs("j", "probe");
    assert.deepEqual([await state("j", "of-ended"), await state("j", "of-deleted")], ["active", "active"]);
    await user.task("j", "deleted", "/bin/true");
    await user.taskIs("j", "of-deleted");
  });

  await t.test("exit conditions: codes before ranges before default; satisfy and block", async () => {
    const exitConditions = {
      exitCodes: [
        { code: 0, exitOptions: { dependencyAction: "block" } },
        { code: 7, exitOptions: { dependencyAction: "block" } },
      ],
      exitCodeRanges: [{ start: 5, end: 8, exitOptions: { dependencyAction: "satisfy" } }],
      preProcessingError: { dependencyAction: "satisfy" },
      default: { dependencyAction: "satisfy" },
    };
    const runs: [id: string, commandLine: string, starts: boolean][] = [
      ["c0", "/bin/true", false],
      ["c7", sh("exit 7"), false],
      ["c5", sh("exit 5"), true],
      ["c8", sh("exit 8"), true],
      ["c1", sh("exit 1"), true],
      ["missing", "no-such-program", true],
    ];
    for (const [id, commandLine] of runs) {
      await user.task("j", id, commandLine, { exitConditions });
      await dependent("j", `of-${id}`, { taskIds: [id] });
    }
    for (const [id, , starts] of runs) if (starts) await user.taskIs("j", `of-${id}`);
    for (const [id] of runs) await user.taskIs("j", id);
    await user.task("j", "probe2", "/bin/true");
    await user.taskIs("j", "probe2");
    for (const [id, , starts] of runs) assert.equal(await state("j", `of-${id}`), starts ? "completed" : "active", id);
    await user.task("j", "plain", sh("exit 3"), {
      exitConditions: { exitCodes: [{ code: 4, exitOptions: { dependencyAction: "satisfy" } }] },
    });
    await dependent("j", "of-plain", { taskIds: ["plain"] });
    await user.taskIs("j", "plain");
    await user.task("j", "probe3", "/bin/true");
    await user.taskIs("j", "probe3");
    assert.equal(await state("j", "of-plain"), "active");
  });

  await t.test("jobAction terminate ends the job and what runs in it", async () => {
    await user.job("ends", "p", performing);
    await user.task("ends", "runs", sh("sleep 60"));
    await user.taskIs("ends", "runs", "running");
    await user.task("ends", "spared", sh("exit 1"), { exitConditions: { default: { jobAction: "none" } } });
    await user.taskIs("ends", "spared");
    assert.equal((await user.get("/jobs/ends")).state, "active");
    await user.task("ends", "fatal", sh("exit 6"), {
      constraints: { maxTaskRetryCount: 1 },
      exitConditions: { exitCodeRanges: [{ start: 6, end: 9, exitOptions: { jobAction: "terminate" } }] },
    });
    const job = await user.jobIs("ends", "completed");
    assert.equal(job.executionInfo.terminateReason, "TaskFailed");
    assert.equal((await user.taskIs("ends", "runs")).executionInfo.failureInfo.code, "TaskEnded");
    assert.equal((await user.taskIs("ends", "fatal")).executionInfo.retryCount, 1, "only after its retries");
  });

  await t.test("without conditions a failure ends a job that performs exit options", async () => {
    await user.job("strict", "p", performing);
    await user.task("strict", "good", "/bin/true");
    await user.taskIs("strict", "good");
    await user.task("strict", "bad", sh("exit 1"));
    assert.equal((await user.jobIs("strict", "completed")).executionInfo.terminateReason, "TaskFailed");
    await user.task("j", "harmless", sh("exit 1"));
    await user.taskIs("j", "harmless");
    assert.equal((await user.get("/jobs/j")).state, "active");
  });

  await t.test("jobAction disable disables the job and requeues what runs", async () => {
    await user.job("stops", "p", performing);
    await user.task("stops", "runs", sh("sleep 60"));
    await user.taskIs("stops", "runs", "running");
    await user.task("stops", "odd", sh("exit 9"), {
      exitConditions: { exitCodes: [{ code: 9, exitOptions: { jobAction: "disable", dependencyAction: "satisfy" } }] },
    });
    await user.jobIs("stops", "disabled");
    const runs = await user.get("/jobs/stops/tasks/runs");
    assert.deepEqual([runs.state, runs.executionInfo.requeueCount], ["active", 1]);
    assert.deepEqual(await user.why("jobId=stops&taskId=runs"), ["JobDisabled"]);
    await user.ok("POST", "/jobs/stops/enable");
    await user.taskIs("stops", "runs", "running");
    await user.ok("DELETE", "/jobs/stops");
  });

  await t.test("what is refused", async () => {
    await user.job("plain", "p");
    const task = { id: "x", commandLine: "/bin/true" };
    await user.refused(400, "TaskDependenciesNotSpecifiedOnJob", "POST", "/jobs/plain/tasks", { ...task, dependsOn: { taskIds: ["y"] } });
    await user.refused(400, "InvalidPropertyValue", "POST", "/jobs/j/tasks", {
      ...task,
      dependsOn: { taskIdRanges: [{ start: 5, end: 4 }] },
    });
    await user.refused(400, "InvalidPropertyValue", "POST", "/jobs/j/tasks", {
      ...task,
      exitConditions: { default: { jobAction: "terminate" } },
    });
  });

  await t.test("a hundred dependents of one range of a hundred", async () => {
    await user.job("wide", "p", { usesTaskDependencies: true });
    const range = { dependsOn: { taskIdRanges: [{ start: 1, end: 100 }] } };
    const collection = (prefix: string, more: object) =>
      user.ok("POST", "/jobs/wide/addtaskcollection", {
        value: Array.from({ length: 100 }, (_, n) => ({ id: `${prefix}${n + 1}`, commandLine: "/bin/true", ...more })),
      });
    await collection("d", range);
    await collection("", {});
    const counts = await until(
      () => user.get("/jobs/wide/taskcounts"),
      (view) => view.taskCounts.completed === 200,
    );
    assert.equal(counts.taskCounts.succeeded, 200);
  });
});
