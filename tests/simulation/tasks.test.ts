// Tasks from the queue to their end: placing, retries, exit conditions, dependencies, limits, requests in the middle.
import assert from "node:assert/strict";
import { test } from "node:test";
import { aJob, aPool, aTask, aWorld, minutes, seconds, tasksOf } from "./world.ts";

test("tasks run on the pool's slots and complete", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 2, slots: 2 }) });
  await world.submit(aJob({ tasks: tasksOf(10, "for 5000") }));
  await world.advance(seconds(1));
  assert.deepEqual(await world.counts(), {
    active: 6,
    running: 4,
    succeeded: 0,
    failed: 0,
    activeSlots: 6,
    runningSlots: 4,
    succeededSlots: 0,
    failedSlots: 0,
  });
  await world.advance(seconds(20));
  assert.equal((await world.counts()).succeeded, 10);
  assert.equal(world.agent().starts.length, 10);
  const [task] = await world.tasks();
  assert.deepEqual(
    {
      state: task!.state,
      previous: task!.previousState,
      result: task!.execution.result,
      exitCode: task!.execution.exitCode,
      attempt: task!.attempt,
    },
    { state: "completed", previous: "running", result: "success", exitCode: 0, attempt: 1 },
  );
  const nodes = await world.nodes();
  assert.equal(
    nodes.reduce((sum, node) => sum + node.tasksRun, 0),
    10,
  );
  assert.equal(
    nodes.reduce((sum, node) => sum + node.tasksSucceeded, 0),
    10,
  );
  await world.close();
});

test("a task that fails is tried again as often as it may be, then fails", async () => {
  const world = await aWorld({ pool: aPool() });
  const spec = { constraints: { maxTaskRetryCount: 2 } };
  await world.submit(
    aJob({
      tasks: [aTask("for 10 exit 3", spec, "bad"), aTask("fail preProcessing", spec, "missing"), aTask("fail fileUpload", spec, "upload")],
    }),
  );
  await world.advance(seconds(10));
  const bad = await world.task("bad");
  assert.equal(bad.execution.retryCount, 2);
  assert.equal(bad.attempt, 3);
  assert.equal(bad.execution.exitCode, 3);
  assert.deepEqual(bad.execution.failureInfo, {
    category: "usererror",
    code: "FailureExitCode",
    message: "The task exited with an exit code representing a failure",
    details: [
      { name: "Message", value: "The task process exited with an unexpected exit code" },
      { name: "AdditionalErrorCode", value: "FailureExitCode" },
    ],
  });
  for (const id of ["missing", "upload"]) {
    const task = await world.task(id);
    assert.deepEqual([task.state, task.execution.result, task.execution.retryCount, task.attempt], ["completed", "failure", 0, 1]);
  }
  assert.deepEqual(world.metrics.ended, { success: 0, failure: 3, retry: 2, recovery: 0 });
  await world.close();
});

test("dependencies by id and by range wait, are released, and stay blocked behind a failure", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 1, slots: 4 }) });
  await world.submit(
    aJob({
      spec: { usesTaskDependencies: true },
      tasks: [
        ...["1", "2", "3"].map((id) => aTask("for 1000", {}, id)),
        aTask("for 10", { dependsOn: { taskIdRanges: [{ start: 1, end: 3 }] } }, "afterRange"),
        aTask("for 10", { dependsOn: { taskIds: ["1", "afterRange"] } }, "afterBoth"),
        aTask("for 10 exit 1", {}, "fails"),
        aTask("for 10 exit 1", { exitConditions: { default: { dependencyAction: "satisfy" } } }, "failsKindly"),
        aTask("for 10", { dependsOn: { taskIds: ["fails"] } }, "blocked"),
        aTask("for 10", { dependsOn: { taskIds: ["failsKindly"] } }, "released"),
        aTask("for 10", { dependsOn: { taskIds: ["notThereYet"] } }, "early"),
      ],
    }),
  );
  await world.advance(seconds(5));
  const started = world.agent().starts.map((start) => start.taskId);
  assert.deepEqual(
    started.filter((id) => id.startsWith("after")),
    ["afterRange", "afterBoth"],
  );
  assert.ok(started.includes("released"));
  assert.ok(!started.includes("blocked") && !started.includes("early"));
  await world.addTasks("job1", [aTask("for 10", {}, "notThereYet")]);
  await world.advance(seconds(1));
  assert.equal((await world.task("early")).state, "completed");
  assert.equal((await world.task("blocked")).state, "active");
  assert.equal(await world.why({ jobId: "job1", taskId: "blocked" }), "DependenciesNotSatisfied");
  await world.close();
});

test("an exit condition ends the job", async () => {
  const world = await aWorld({ pool: aPool() });
  await world.submit(
    aJob({
      spec: { onTaskFailure: "performexitoptionsjobaction" },
      tasks: [
        aTask("for 10 exit 7", { exitConditions: { exitCodeRanges: [{ start: 5, end: 9, exitOptions: { jobAction: "terminate" } }] } }),
        ...tasksOf(3, "for 60000"),
      ],
    }),
  );
  await world.advance(seconds(2));
  const job = await world.job("job1");
  assert.equal(job.state, "completed");
  assert.equal(job.execution.terminateReason, "TaskFailed");
  const counts = await world.counts();
  assert.equal(counts.running, 0);
  assert.ok(counts.active >= 2, "tasks that were active stay so");
  await world.close();
});

test("an exit condition disables the job, and an explicit code overrules the failure", async () => {
  const world = await aWorld({ pool: aPool({ slots: 2 }) });
  const conditions = { exitCodes: [{ code: 2, exitOptions: { jobAction: "none" as const } }], default: { jobAction: "disable" as const } };
  await world.submit(
    aJob({
      spec: { onTaskFailure: "performexitoptionsjobaction" },
      tasks: [aTask("for 10 exit 2", { exitConditions: conditions }), aTask("for 60000", {}, "long")],
    }),
  );
  await world.advance(seconds(1));
  assert.equal((await world.job("job1")).state, "active");
  await world.addTasks("job1", [aTask("for 10 exit 4", { exitConditions: conditions })]);
  await world.advance(seconds(1));
  assert.equal((await world.job("job1")).state, "disabled");
  assert.deepEqual([(await world.task("long")).state, (await world.task("long")).execution.requeueCount], ["active", 1]);
  await world.close();
});

test("requiredSlots and maxParallelTasks are kept, and too large a task stops nobody", async () => {
  const world = await aWorld({ pool: aPool({ slots: 4 }) });
  await world.submit(
    aJob({ id: "wide", tasks: [aTask("for 1000", { requiredSlots: 9 }, "tooLarge"), ...tasksOf(2, "for 1000", { requiredSlots: 3 })] }),
  );
  await world.submit(aJob({ id: "few", spec: { maxParallelTasks: 1 }, tasks: tasksOf(3, "for 1000") }));
  await world.advance(500);
  assert.deepEqual([(await world.counts("wide")).running, (await world.counts("few")).running], [1, 1]);
  assert.equal(await world.why({ jobId: "wide", taskId: "toolarge" }), "NotEnoughSlots");
  await world.advance(seconds(5));
  assert.deepEqual([(await world.counts("wide")).succeeded, (await world.counts("few")).succeeded], [2, 3]);
  await world.close();
});

test("a running task can be terminated, deleted and reactivated", async () => {
  const world = await aWorld({ pool: aPool({ slots: 2 }) });
  await world.submit(aJob({ tasks: [aTask("for 60000", {}, "a"), aTask("for 60000", {}, "b"), aTask("for 60000", {}, "c")] }));
  await world.advance(seconds(1));
  await world.terminateTask("a");
  const ended = await world.task("a");
  assert.deepEqual([ended.state, ended.execution.failureInfo?.code, ended.execution.exitCode], ["completed", "TaskEnded", undefined]);
  await world.advance(seconds(1));
  assert.equal((await world.task("c")).state, "running", "the slot is free again");
  await world.deleteTask("b");
  await world.reactivateTask("a");
  await world.advance(seconds(1));
  assert.equal((await world.task("a")).state, "running");
  assert.deepEqual(
    world.agent().starts.map((start) => `${start.taskId}.${start.attempt}`),
    ["a.1", "b.1", "c.1", "a.2"],
  );
  await world.close();
});

test("what this release cannot run waits and says why", async () => {
  const world = await aWorld({ pool: aPool() });
  await world.submit(aJob({ id: "managed", spec: { jobManagerTask: { id: "jm", commandLine: "x" } }, tasks: tasksOf(2) }));
  await world.submit(
    aJob({
      id: "mixed",
      tasks: [aTask("for 10", { multiInstanceSettings: { coordinationCommandLine: "x" } }, "gang"), aTask("for 10", {}, "plain")],
    }),
  );
  await world.submit(aJob({ id: "nowhere", pool: "missing", tasks: [aTask("for 10", {}, "t")] }));
  await world.advance(seconds(5));
  assert.equal((await world.counts("managed")).active, 2);
  assert.equal(await world.why({ jobId: "managed" }), "JobManagerTaskNotSupported");
  assert.equal((await world.task("plain", "mixed")).state, "completed");
  assert.equal(await world.why({ jobId: "mixed", taskId: "gang" }), "MultiInstanceNotSupported");
  assert.equal(await world.why({ jobId: "nowhere", taskId: "t" }), "PoolNotFound");
  await world.addPool(aPool({ id: "missing" }));
  await world.advance(seconds(5));
  assert.equal((await world.counts("nowhere")).succeeded, 1, "a pool that is made later takes up the tasks");
  await world.close();
});

test("short tasks are given ahead, and taken back when another node is free", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 1, slots: 1 }) });
  await world.submit(aJob({ tasks: tasksOf(100, "for 5") }));
  await world.advance(20);
  const placed = (await world.tasks()).filter((task) => task.state !== "completed" && task.nodeId !== undefined).length;
  assert.ok(placed > 8, `${placed} are placed on one slot`);
  await world.advance(seconds(5));
  assert.equal((await world.counts()).succeeded, 100);
  await world.submit(aJob({ id: "job2", tasks: [aTask("for 600000", {}, "long"), ...tasksOf(5, "for 5")] }));
  await world.advance(10);
  // The pace of the node is known from the first job, that of this job is not: nothing is queued behind the long one.
  assert.equal((await world.tasks("job2")).filter((task) => task.nodeId !== undefined).length, 1);
  await world.addTasks("job1", tasksOf(5, "for 5"));
  const behind = (await world.tasks("job1")).filter((task) => task.state === "active" && task.nodeId !== undefined).length;
  assert.equal(behind, 5, "they wait behind the long task, for their kind was quick");
  await world.resize({ targetDedicated: 2 });
  await world.advance(seconds(5));
  assert.equal((await world.counts("job1")).succeeded, 105, "but not when a node becomes free");
  assert.equal((await world.counts("job2")).succeeded, 5);
  await world.close();
});

test("a job's own wall clock ends it", async () => {
  const world = await aWorld({ pool: aPool() });
  await world.submit(aJob({ spec: { constraints: { maxWallClockTime: "PT10M" } }, tasks: tasksOf(2, "for 6000000") }));
  await world.advance(minutes(9));
  assert.equal((await world.job("job1")).state, "active");
  await world.advance(minutes(2));
  const job = await world.job("job1");
  assert.deepEqual([job.state, job.execution.terminateReason], ["completed", "MaxWallClockTimeExpiry"]);
  assert.deepEqual([(await world.counts()).running, (await world.counts()).failed, (await world.counts()).active], [0, 1, 1]);
  await world.close();
});
