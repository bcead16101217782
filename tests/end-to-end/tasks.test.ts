// What the service does with one task, seen from outside on real processes: command lines, exit codes, retries, clocks, slots, priority,
// termination, reactivation, deletion, retention.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { batchUser, isAlive, sh } from "../support/batch-user.ts";
import { newLocation, startQuern, until } from "../support/quern.ts";

/** Succeeds in the n-th run on a node. */
const worksAtLast = (n: number): string => sh(`n=$(cat runs 2>/dev/null || echo 0); n=$((n+1)); echo $n >runs; [ $n -ge ${n} ]`);
/** A process with a child and a grandchild that would all live for ever; tells their ids. */
const family = sh(`sh -c "sleep 600 & echo \\$! \\$\\$; wait" & echo $! $$; wait`);

test("tasks", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const user = batchUser(quern);
  const gates = await newLocation(t);
  const gate = (name: string): string => sh(`while [ ! -e ${join(gates, name)} ]; do sleep 0.02; done`);
  const open = (name: string): Promise<void> => writeFile(join(gates, name), "");
  const pids = async (jobId: string, taskId: string): Promise<number[]> =>
    (await user.fileSays(jobId, taskId, "stdout.txt", /(\d+ \d+\s+){2}/)).trim().split(/\s+/).map(Number);
  const allGone = (ids: number[]): Promise<boolean> =>
    until(
      async () => ids.every((id) => !isAlive(id)),
      (gone) => gone,
    );

  const userDirectory = async (): Promise<string> => {
    await user.ok("POST", "/jobs/j/tasks", { id: "where", commandLine: sh("echo $AZ_BATCH_NODE_ROOT_DIR") });
    await user.taskIs("j", "where");
    return (await user.file("j", "where", "stdout.txt")).trim();
  };

  await user.pool("p", { taskSlotsPerNode: 4 });
  await user.pool("one");
  await user.job("j", "p");

  await t.test("retries count runs that exited with another code than 0, as the task or its job allows", async () => {
    await user.job("retrying", "p", { constraints: { maxTaskRetryCount: 1 } });
    await user.task("j", "third-time", worksAtLast(3), { constraints: { maxTaskRetryCount: 2 } });
    await user.task("j", "endless", worksAtLast(5), { constraints: { maxTaskRetryCount: -1 } });
    await user.task("j", "gives-up", sh("exit 4"), { constraints: { maxTaskRetryCount: 2 } });
    await user.task("j", "none", sh("exit 4"));
    await user.task("j", "no-program", "no-such-program", { constraints: { maxTaskRetryCount: 2 } });
    await user.task("retrying", "from-job", sh("exit 4"));
    const info = async (job: string, id: string) => (await user.taskIs(job, id)).executionInfo;
    const third = await info("j", "third-time");
    assert.deepEqual([third.retryCount, third.exitCode, third.result, third.requeueCount], [2, 0, "success", 0]);
    const times = [third.lastRetryTime, third.startTime, third.endTime].map(Date.parse);
    assert.deepEqual(times.toSorted(), times);
    assert.equal((await info("j", "endless")).retryCount, 4);
    const gaveUp = await info("j", "gives-up");
    assert.deepEqual([gaveUp.retryCount, gaveUp.exitCode, gaveUp.failureInfo.code], [2, 4, "FailureExitCode"]);
    const none = await info("j", "none");
    assert.deepEqual([none.retryCount, none.lastRetryTime], [0, undefined]);
    const missing = await info("j", "no-program");
    assert.deepEqual([missing.retryCount, missing.exitCode, missing.failureInfo.code], [0, undefined, "CommandProgramNotFound"]);
    assert.equal((await info("retrying", "from-job")).retryCount, 1);
    assert.equal((await user.get("/jobs/retrying/tasks/from-job")).constraints.maxTaskRetryCount, 1);
  });

  await t.test("a task's wall clock ends its whole process group", async () => {
    await user.task("j", "slow", family, { constraints: { maxWallClockTime: "PT1S", maxTaskRetryCount: 3 } });
    const ids = await pids("j", "slow");
    const { executionInfo } = await user.taskIs("j", "slow");
    assert.deepEqual([executionInfo.result, executionInfo.failureInfo.code, executionInfo.retryCount], ["failure", "TaskEnded", 0]);
    assert.ok(Date.parse(executionInfo.endTime) - Date.parse(executionInfo.startTime) >= 1000);
    await allGone(ids);
  });

  await t.test("a job's wall clock ends the job and what runs", async () => {
    await user.job("short", "p", { constraints: { maxWallClockTime: "PT2S" } });
    await user.task("short", "runs", family);
    await user.task("short", "never", "/bin/true", { requiredSlots: 9 });
    const ids = await pids("short", "runs");
    const job = await user.jobIs("short", "completed");
    assert.equal(job.executionInfo.terminateReason, "MaxWallClockTimeExpiry");
    assert.ok(Date.parse(job.executionInfo.endTime) - Date.parse(job.creationTime) >= 2000);
    const { executionInfo } = await user.taskIs("short", "runs");
    assert.deepEqual([executionInfo.result, executionInfo.failureInfo.code], ["failure", "TaskEnded"]);
    assert.equal((await user.get("/jobs/short/tasks/never")).state, "active");
    await allGone(ids);
  });

  await t.test("after its retention time a task's directory is gone", async () => {
    await user.task("j", "fleeting", sh("pwd"), { constraints: { retentionTime: "PT2S" } });
    const { executionInfo } = await user.taskIs("j", "fleeting");
    const directory = (await user.file("j", "fleeting", "stdout.txt")).trim();
    assert.ok(directory.endsWith("/workitems/j/job-1/fleeting/wd"));
    await until(
      async () => existsSync(join(directory, "..")),
      (there) => !there,
    );
    assert.ok(Date.now() >= Date.parse(executionInfo.endTime) + 2000);
    await user.refused(409, "TaskFilesCleanedup", "GET", "/jobs/j/tasks/fleeting/files");
    await user.refused(409, "TaskFilesCleanedup", "GET", "/jobs/j/tasks/fleeting/files/stdout.txt");
  });

  await t.test("tasks of the more important job go first", async () => {
    await user.job("low", "one", { priority: -5 });
    await user.job("high", "one", { priority: 5 });
    await user.task("low", "first", gate("priority"));
    await user.taskIs("low", "first", "running");
    for (const id of ["a", "b"]) await user.task("low", id, "/bin/true");
    for (const id of ["a", "b"]) await user.task("high", id, "/bin/true");
    await open("priority");
    const starts = async (job: string) =>
      Promise.all(["a", "b"].map(async (id) => Date.parse((await user.taskIs(job, id)).executionInfo.startTime)));
    const [low, high] = [await starts("low"), await starts("high")];
    assert.ok(
      high.every((of) => low.every((other) => of <= other)),
      `${high} before ${low}`,
    );
  });

  await t.test("a node is never given more than its slots", async () => {
    await user.job("slots", "p");
    await user.task("slots", "three", gate("slots"), { requiredSlots: 3 });
    await user.taskIs("slots", "three", "running");
    await user.task("slots", "two", "/bin/true", { requiredSlots: 2 });
    await user.task("slots", "one", "/bin/true");
    await user.task("slots", "nine", "/bin/true", { requiredSlots: 9 });
    await user.taskIs("slots", "one");
    const [node] = await user.nodes("p");
    assert.deepEqual([node.state, node.runningTasksCount, node.runningTaskSlotsCount], ["running", 1, 3]);
    const counts = await user.get("/jobs/slots/taskcounts");
    assert.deepEqual(counts.taskCounts, { active: 2, running: 1, completed: 1, succeeded: 1, failed: 0 });
    assert.deepEqual(counts.taskSlotCounts, { active: 11, running: 3, completed: 1, succeeded: 1, failed: 0 });
    assert.deepEqual(await user.why("jobId=slots&taskId=two"), ["SlotsBusy"]);
    assert.deepEqual(await user.why("jobId=slots&taskId=nine"), ["NotEnoughSlots"]);
    await open("slots");
    const three = await user.taskIs("slots", "three");
    const two = await user.taskIs("slots", "two");
    assert.ok(Date.parse(two.executionInfo.startTime) >= Date.parse(three.executionInfo.endTime));
    assert.equal((await user.get("/jobs/slots/tasks/nine")).state, "active");
  });

  await t.test("exit codes, also of programs that a signal ended", async () => {
    const codes: [id: string, script: string, code: number][] = [
      ["zero", "exit 0", 0],
      ["most", "exit 255", 255],
      ["killed", "kill -9 $$", 137],
      ["ended", "kill -TERM $$", 143],
      ["aborted", "kill -ABRT $$", 134],
    ];
    for (const [id, script] of codes) await user.task("j", `code-${id}`, sh(script));
    for (const [id, , code] of codes) {
      const { executionInfo } = await user.taskIs("j", `code-${id}`);
      assert.deepEqual([id, executionInfo.exitCode, executionInfo.result], [id, code, code === 0 ? "success" : "failure"]);
    }
  });

  await t.test("no shell: quotes group, nothing is expanded or redirected", async () => {
    await user.task("j", "quoted", `/bin/echo "a  b" 'c $HOME' d\\ e "q\\"x" "" * > f | g && h $AZ_BATCH_TASK_ID`);
    await user.task("j", "unclosed", `/bin/echo "a`);
    await user.taskIs("j", "quoted");
    assert.equal(await user.file("j", "quoted", "stdout.txt"), `a  b c $HOME d e q"x  * > f | g && h $AZ_BATCH_TASK_ID\n`);
    const unclosed = await user.taskIs("j", "unclosed");
    assert.equal(unclosed.executionInfo.failureInfo.code, "CommandLaunchFailed");
    assert.equal(unclosed.executionInfo.failureInfo.category.toLowerCase(), "usererror");
  });

  await t.test("64 MiB on stdout and as much on stderr", async () => {
    const size = 64 << 20;
    await user.task("j", "loud", sh(`head -c ${size} /dev/zero | tr "\\0" x; head -c ${size} /dev/zero >&2; echo end`));
    assert.equal((await user.taskIs("j", "loud")).executionInfo.exitCode, 0);
    const path = "/jobs/j/tasks/loud/files";
    assert.equal((await user.ok("HEAD", `${path}/stdout.txt`)).headers["content-length"], String(size + 4));
    assert.equal((await user.ok("HEAD", `${path}/stderr.txt`)).headers["content-length"], String(size));
    const tail = await user.ok("GET", `${path}/stdout.txt`, undefined, { headers: { "ocp-range": `bytes=${size - 2}-${size + 3}` } });
    assert.equal(tail.text, "xxend\n");
  });

  await t.test("terminate ends the processes of a running task, and what waits as well", async () => {
    await user.task("j", "runs", family);
    await user.task("j", "waits", "/bin/true", { requiredSlots: 9 });
    const ids = await pids("j", "runs");
    assert.equal((await user.ok("POST", "/jobs/j/tasks/runs/terminate")).status, 204);
    assert.equal((await user.ok("POST", "/jobs/j/tasks/waits/terminate")).status, 204);
    await allGone(ids);
    for (const id of ["runs", "waits"]) {
      const { executionInfo } = await user.taskIs("j", id);
      const { result, failureInfo, exitCode } = executionInfo;
      assert.deepEqual(
        [id, result, failureInfo.code, failureInfo.category.toLowerCase(), exitCode],
        [id, "failure", "TaskEnded", "usererror", undefined],
      );
    }
    await user.refused(409, "TaskCompleted", "POST", "/jobs/j/tasks/runs/terminate");
  });

  await t.test("reactivate runs a failed task again with its retries counted anew", async () => {
    await user.task("j", "again", worksAtLast(3), { constraints: { maxTaskRetryCount: 1 } });
    assert.equal((await user.taskIs("j", "again")).executionInfo.retryCount, 1);
    const answer = await user.ok("POST", "/jobs/j/tasks/again/reactivate");
    assert.equal(answer.status, 204);
    const { executionInfo } = await until(
      () => user.get("/jobs/j/tasks/again"),
      (view) => view.state === "completed" && view.executionInfo.result === "success",
    );
    assert.deepEqual([executionInfo.retryCount, executionInfo.exitCode, executionInfo.failureInfo], [0, 0, undefined]);
    await user.refused(409, "TaskSucceeded", "POST", "/jobs/j/tasks/again/reactivate");
    await user.task("j", "not-yet", "/bin/true", { requiredSlots: 9 });
    await user.refused(409, "TaskNotCompleted", "POST", "/jobs/j/tasks/not-yet/reactivate");
    await user.ok("POST", "/jobs/j/tasks/not-yet/terminate");
    await user.ok("POST", "/jobs/j/tasks/not-yet/reactivate");
    const view = await user.get("/jobs/j/tasks/not-yet");
    assert.deepEqual([view.state, view.previousState, view.executionInfo.result], ["active", "completed", undefined]);
  });

  await t.test("delete is synchronous, ends the processes and removes the directory", async () => {
    await user.task("j", "doomed", family);
    const ids = await pids("j", "doomed");
    const directory = join(await userDirectory(), "workitems/j/job-1/doomed");
    assert.ok(existsSync(directory));
    assert.equal((await user.ok("DELETE", "/jobs/j/tasks/doomed")).status, 200);
    await user.refused(404, "TaskNotFound", "GET", "/jobs/j/tasks/doomed");
    await allGone(ids);
    await until(
      async () => existsSync(directory),
      (there) => !there,
    );
    await user.task("j", "doomed", sh("echo reborn"));
    await user.taskIs("j", "doomed");
    assert.equal(await user.file("j", "doomed", "stdout.txt"), "reborn\n");
  });

  await t.test("the constraints of a task can be replaced until it has completed", async () => {
    await user.task("j", "patient", "/bin/true", { requiredSlots: 9, constraints: { maxTaskRetryCount: 3, retentionTime: "PT1H" } });
    const before = await user.ok("GET", "/jobs/j/tasks/patient");
    assert.equal((await user.ok("PUT", "/jobs/j/tasks/patient", { constraints: { maxWallClockTime: "PT5M" } })).status, 200);
    const after = await user.ok("GET", "/jobs/j/tasks/patient");
    assert.deepEqual(after.json.constraints, { maxWallClockTime: "PT5M", retentionTime: "P7D", maxTaskRetryCount: 0 });
    assert.notEqual(after.headers.etag, before.headers.etag);
    await user.refused(409, "TaskCompleted", "PUT", "/jobs/j/tasks/again", { constraints: {} });
    await user.task("j", "hurry", family);
    const ids = await pids("j", "hurry");
    await user.ok("PUT", "/jobs/j/tasks/hurry", { constraints: { retentionTime: "P1D" } });
    assert.equal((await user.get("/jobs/j/tasks/hurry")).state, "running");
    await user.ok("DELETE", "/jobs/j/tasks/hurry");
    await allGone(ids);
  });

  await t.test("ids that differ in case are one id", async () => {
    await user.task("j", "Mixed-Case", "/bin/true");
    await user.refused(409, "TaskExists", "POST", "/jobs/j/tasks", { id: "mixed-case", commandLine: "/bin/true" });
    const { json } = await user.ok("POST", "/jobs/J/addtaskcollection", {
      value: ["MIXED-CASE", "other", "OTHER"].map((id) => ({ id, commandLine: "/bin/true" })),
    });
    assert.deepEqual(
      json.value.map((result: any) => [result.taskId, result.status, result.error?.code]),
      [
        ["MIXED-CASE", "ClientError", "TaskExists"],
        ["other", "Success", undefined],
        ["OTHER", "ClientError", "TaskExists"],
      ],
    );
    const view = await user.taskIs("J", "MIXED-case");
    assert.deepEqual([view.id, view.url], ["Mixed-Case", `${quern.ready.batchUrl}/jobs/j/tasks/Mixed-Case`]);
    assert.match(view.nodeInfo.taskRootDirectory, /^workitems\/j\/job-1\/Mixed-Case$/);
  });
});
