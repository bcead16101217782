// What the operations on tasks answer: defaults, collections, states, counts, and every refusal with its code.
import assert from "node:assert/strict";
import { test } from "node:test";
import { finishTask } from "../../src/domain/task-results.ts";
import { placeTask, startTask, type Task } from "../../src/domain/tasks.ts";
import { etagOf } from "../../src/lib/clock.ts";
import { durationMs } from "../../src/lib/duration.ts";
import { explain } from "../../src/operations/waiting.ts";
import { choresOfNode } from "../../src/store/chores.ts";
import { getJob } from "../../src/store/jobs.ts";
import { insertNodes } from "../../src/store/nodes.ts";
import { getTask, saveTasks } from "../../src/store/tasks.ts";
import { aPoolBody, aService, refuses, type Service } from "./operations-fixtures.ts";
import { aNode } from "./store-fixtures.ts";

const job1 = { params: { jobId: "job1" } };
const task1 = { params: { jobId: "job1", taskId: "task1" } };
const unlimited = "P10675199DT2H48M5.4775807S";

/** A job with the task Task1, and other tasks by id. */
const withTasks = async (service: Service, job: Record<string, unknown> = {}, ids: readonly string[] = ["Task1"]): Promise<void> => {
  await service.call("Job_Add", { body: { id: "Job1", poolInfo: { poolId: "Pool1" }, ...job } });
  for (const id of ids) await service.call("Task_Add", { ...job1, body: { id, commandLine: "c" } });
  service.rung.length = 0;
};

const load = async ({ store }: Service, id = "task1"): Promise<Task> => {
  const job = (await getJob(store, 1, "job1"))!;
  return (await getTask(store, 1, job.uid, id))!;
};

const move = async (service: Service, change: (task: Task) => Task, id = "task1"): Promise<void> => {
  const before = await load(service, id);
  await service.store.commit(saveTasks([{ before, after: change(before) }]));
};

const node = { poolId: "Pool1", nodeId: "tvmps_1_d" };
const run = (service: Service, id = "task1") => move(service, (task) => startTask(placeTask(task, node), service.clock.now()), id);
const finish = async (service: Service, exitCode: number, id = "task1"): Promise<void> => {
  const job = (await getJob(service.store, 1, "job1"))!;
  const at = service.clock.now();
  await move(service, (task) => finishTask(task, job, { startedAt: at, endedAt: at + 1000, exitCode }, at).after, id);
};

test("a new task shows what the service fills in", async (t) => {
  const service = await aService(t);
  await withTasks(service, { constraints: { maxTaskRetryCount: 5 } }, []);
  const { reply } = await service.call("Task_Add", { ...job1, body: { id: "Task1", commandLine: "c" } });
  assert.deepEqual([reply.created, service.rung], ["Task1", ["pool pool1"]]);
  const { body } = await service.call("Task_Get", { params: { jobId: "JOB1", taskId: "TASK1" } });
  const { lastModified, creationTime, ...rest } = body;
  assert.equal(lastModified, creationTime);
  assert.deepEqual(rest, {
    id: "Task1",
    url: "https://account.example:10020/jobs/Job1/tasks/Task1",
    eTag: etagOf(reply.modified!),
    state: "active",
    stateTransitionTime: "2026-01-01T00:00:00Z",
    commandLine: "c",
    userIdentity: { autoUser: { scope: "pool", elevationLevel: "nonadmin" } },
    constraints: { maxWallClockTime: unlimited, retentionTime: "P7D", maxTaskRetryCount: 5 },
    requiredSlots: 1,
    executionInfo: { retryCount: 0, requeueCount: 0 },
  });
});

test("a collection has a result for each task, and what is good is added", async (t) => {
  const service = await aService(t);
  await withTasks(service);
  const one = (id: string, more: object = {}) => ({ id, commandLine: "c", ...more });
  const value = [one("a"), one("TASK1"), one("b"), one("A"), one("d", { dependsOn: { taskIds: ["a"] } })];
  const { body } = await service.call("Task_AddCollection", { ...job1, body: { value } });
  assert.deepEqual(
    body.value.map((each: any) => [each.taskId, each.status, each.error?.code]),
    [
      ["a", "Success", undefined],
      ["TASK1", "ClientError", "TaskExists"],
      ["b", "Success", undefined],
      ["A", "ClientError", "TaskExists"],
      ["d", "ClientError", "TaskDependenciesNotSpecifiedOnJob"],
    ],
  );
  assert.equal(body.value[0].location, "https://account.example:10020/jobs/Job1/tasks/a");
  assert.equal(body.value[0].eTag, etagOf((await load(service, "a")).modified));
  assert.deepEqual(body.value[1].error.message, {
    lang: "en-US",
    value: "The specified task already exists.\nRequestId:11111111-2222-4333-8444-555555555555\nTime:2026-01-01T00:00:00Z",
  });
  const { items } = await service.call("Task_List", job1);
  assert.deepEqual(
    items.map(({ id }) => id),
    ["a", "b", "Task1"],
  );
  const { body: counts } = await service.call("Job_GetTaskCounts", job1);
  assert.deepEqual(counts.taskCounts, { active: 3, running: 0, completed: 0, succeeded: 0, failed: 0 });
});

test("a collection of none of which anything can be added still answers", async (t) => {
  const service = await aService(t);
  await withTasks(service);
  const { body } = await service.call("Task_AddCollection", { ...job1, body: { value: [{ id: "task1", commandLine: "c" }] } });
  assert.deepEqual(
    body.value.map(({ status }: any) => status),
    ["ClientError"],
  );
});

test("collections added at the same time take each id once", async (t) => {
  const service = await aService(t);
  await withTasks(service, {}, []);
  const value = Array.from({ length: 100 }, (_, index) => ({ id: `t${index}`, commandLine: "c" }));
  const answers = await Promise.all([1, 2, 3].map(() => service.call("Task_AddCollection", { ...job1, body: { value } })));
  const statuses = answers.flatMap(({ body }) => body.value.map(({ status }: any) => status));
  assert.deepEqual([statuses.filter((status) => status === "Success").length, statuses.length], [100, 300]);
  const { body } = await service.call("Job_GetTaskCounts", job1);
  assert.equal(body.taskCounts.active, 100);
});

test("tasks that are refused", async (t) => {
  const service = await aService(t);
  await withTasks(service, { usesTaskDependencies: true, jobPreparationTask: { commandLine: "p" }, jobReleaseTask: { commandLine: "r" } });
  const row = (name: string, changes: object, code: any) => ({
    name,
    call: { ...job1, body: { id: "t", commandLine: "c", ...changes } },
    code,
  });
  const file = (changes: object) => ({ resourceFiles: [changes] });
  const output = (containerUrl: string) => ({
    outputFiles: [{ filePattern: "*", destination: { container: { containerUrl } }, uploadOptions: { uploadCondition: "taskcompletion" } }],
  });
  await refuses(t, service, "Task_Add", [
    row("an id that is taken", { id: "TASK1" }, "TaskExists"),
    row("the id of the preparation task", { id: "JobPreparation" }, "TaskIdSameAsJobPreparationTask"),
    row("the id of the release task", { id: "jobrelease" }, "TaskIdSameAsJobReleaseTask"),
    row("no command", { commandLine: undefined }, "MissingRequiredProperty"),
    row("a file without a source", file({ filePath: "x" }), "MissingRequiredProperty"),
    row(
      "a file with two sources",
      file({ httpUrl: "http://h/x", storageContainerUrl: "http://h/c", filePath: "x" }),
      "InvalidPropertyValue",
    ),
    row("a URL without a path", file({ httpUrl: "http://h/x" }), "MissingRequiredProperty"),
    row("a file that climbs", file({ httpUrl: "http://h/x", filePath: "a/../../x" }), "InvalidPropertyValue"),
    row("a file at the root", file({ httpUrl: "http://h/x", filePath: "/etc/passwd" }), "InvalidPropertyValue"),
    row("a file mode that is not octal", file({ httpUrl: "http://h/x", filePath: "x", fileMode: "rwx" }), "InvalidPropertyValue"),
    row("output to nowhere", output("container"), "InvalidPropertyValue"),
    row("a backward range", { dependsOn: { taskIdRanges: [{ start: 2, end: 1 }] } }, "InvalidPropertyValue"),
    row(
      "more than 64,000 characters of ids",
      { dependsOn: { taskIds: Array.from({ length: 1001 }, () => "x".repeat(64)) } },
      "TaskDependencyListTooLong",
    ),
    row("a job action without onTaskFailure", { exitConditions: { default: { jobAction: "terminate" } } }, "InvalidPropertyValue"),
    row(
      "a multi-instance task of two slots",
      { requiredSlots: 2, multiInstanceSettings: { coordinationCommandLine: "x" } },
      "InvalidPropertyValue",
    ),
    row("no slot", { requiredSlots: 0 }, "InvalidPropertyValue"),
  ]);
  await refuses(t, service, "Task_AddCollection", [
    { name: "no tasks", call: { ...job1, body: { value: [] } }, code: "InvalidPropertyValue" },
    {
      name: "101 tasks",
      call: { ...job1, body: { value: Array.from({ length: 101 }, (_, index) => ({ id: `t${index}`, commandLine: "c" })) } },
      code: "InvalidPropertyValue",
    },
  ]);
  assert.equal((await service.call("Job_GetTaskCounts", job1)).body.taskCounts.active, 1);
});

test("dependencies block and are waited for with a reason", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody({ targetDedicatedNodes: 1 }) });
  await service.store.commit(insertNodes([aNode()]));
  await withTasks(service, { usesTaskDependencies: true }, ["1", "02"]);
  await service.call("Task_Add", { ...job1, body: { id: "last", commandLine: "c", dependsOn: { taskIdRanges: [{ start: 1, end: 2 }] } } });
  assert.equal((await load(service, "last")).blocked, 1);
  const { reasons } = await explain(service.services, 1, { jobId: "job1", taskId: "last" });
  assert.deepEqual(
    reasons.map(({ code }) => code),
    ["DependenciesNotSatisfied"],
  );
  for (const id of ["1", "02"]) {
    await run(service, id);
    await finish(service, 0, id);
  }
  assert.equal((await load(service, "last")).blocked, 0);
});

test("what this release cannot run is held and says so", async (t) => {
  const service = await aService(t);
  await withTasks(service, {}, []);
  const held = [
    ["multi", { multiInstanceSettings: { coordinationCommandLine: "x", numberOfInstances: 3 } }, "MultiInstanceNotSupported"],
    ["container", { containerSettings: { imageName: "x" } }, "ContainerSettingsNotSupported"],
  ] as const;
  for (const [id, more, code] of held) {
    await service.call("Task_Add", { ...job1, body: { id, commandLine: "c", ...more } });
    const { reasons } = await explain(service.services, 1, { jobId: "Job1", taskId: id });
    assert.deepEqual(
      reasons.map((reason) => reason.code),
      [code],
    );
    const { body } = await service.call("Task_Get", { params: { jobId: "job1", taskId: id } });
    assert.deepEqual([body.state, Object.keys(more).every((key) => body[key] !== undefined)], ["active", true]);
  }
});

test("a task that ran says where and how", async (t) => {
  const service = await aService(t);
  await withTasks(service);
  const { eTag } = (await service.call("Task_Get", task1)).body;
  await run(service);
  await finish(service, 3);
  const { body } = await service.call("Task_Get", task1);
  assert.deepEqual([body.state, body.previousState, body.eTag], ["completed", "running", eTag]);
  assert.deepEqual(body.nodeInfo, {
    affinityId: "TVM:tvmps_1_d",
    nodeUrl: "https://account.example:10020/pools/Pool1/nodes/tvmps_1_d",
    poolId: "Pool1",
    nodeId: "tvmps_1_d",
    taskRootDirectory: "workitems/Job1/job-1/Task1",
    taskRootDirectoryUrl: "https://account.example:10020/pools/Pool1/nodes/tvmps_1_d/files/workitems/Job1/job-1/Task1",
  });
  const { failureInfo, ...execution } = body.executionInfo;
  assert.deepEqual(execution, {
    startTime: "2026-01-01T00:00:00Z",
    endTime: "2026-01-01T00:00:01Z",
    exitCode: 3,
    result: "failure",
    retryCount: 0,
    requeueCount: 0,
  });
  assert.deepEqual([failureInfo.category, failureInfo.code], ["UserError", "FailureExitCode"]);
});

test("an update changes the constraints and the ETag", async (t) => {
  const service = await aService(t);
  await withTasks(service, { constraints: { maxTaskRetryCount: 2 } });
  const before = (await service.call("Task_Get", task1)).body;
  const { reply } = await service.call("Task_Update", { ...task1, body: { constraints: { maxWallClockTime: "PT1H" } } });
  const { body } = await service.call("Task_Get", task1);
  assert.deepEqual(body.constraints, { maxWallClockTime: "PT1H", retentionTime: "P7D", maxTaskRetryCount: 2 });
  assert.deepEqual([body.eTag, body.eTag === before.eTag], [etagOf(reply.modified!), false]);
  assert.equal(durationMs(body.constraints.maxWallClockTime), 3_600_000);
  await run(service);
  await finish(service, 0);
  await refuses(t, service, "Task_Update", [{ name: "a completed task", call: { ...task1, body: {} }, code: "TaskCompleted" }]);
});

test("a running task that is terminated is completed at once and told to stop", async (t) => {
  const service = await aService(t);
  await withTasks(service);
  await run(service);
  const { seq } = await load(service);
  await service.call("Task_Terminate", task1);
  assert.deepEqual(service.rung, [`stop ${seq}.1`, "job job1", "pool pool1"]);
  const { body } = await service.call("Task_Get", task1);
  assert.deepEqual([body.state, body.executionInfo.result, body.executionInfo.failureInfo.code], ["completed", "failure", "TaskEnded"]);
  assert.equal(body.executionInfo.failureInfo.category, "UserError");
  const { body: counts } = await service.call("Job_GetTaskCounts", job1);
  assert.deepEqual(counts.taskCounts, { active: 0, running: 0, completed: 1, succeeded: 0, failed: 1 });
  await refuses(t, service, "Task_Terminate", [
    { name: "again", call: task1, code: "TaskCompleted" },
    { name: "one that is not there", call: { params: { jobId: "job1", taskId: "x" } }, code: "TaskNotFound" },
    { name: "one of no job", call: { params: { jobId: "x", taskId: "x" } }, code: "JobNotFound" },
  ]);
});

test("only a task that failed can be reactivated", async (t) => {
  const service = await aService(t);
  await withTasks(service, {}, ["Task1", "good", "new"]);
  await run(service);
  await finish(service, 1);
  await run(service, "good");
  await finish(service, 0, "good");
  service.rung.length = 0;
  await service.call("Task_Reactivate", task1);
  assert.deepEqual(service.rung, ["pool pool1"]);
  const { body } = await service.call("Task_Get", task1);
  assert.deepEqual([body.state, body.executionInfo], ["active", { retryCount: 0, requeueCount: 0 }]);
  const of = (taskId: string) => ({ params: { jobId: "job1", taskId } });
  await refuses(t, service, "Task_Reactivate", [
    { name: "one that succeeded", call: of("good"), code: "TaskSucceeded" },
    { name: "one that has not run", call: of("new"), code: "TaskNotCompleted" },
  ]);
  await service.call("Job_Terminate", job1);
  await refuses(t, service, "Task_Reactivate", [{ name: "one of a job that ends", call: task1, code: "JobBeingTerminated" }]);
});

test("a task that is deleted is gone, its process stopped, its directory removed", async (t) => {
  const service = await aService(t);
  await service.call("Pool_Add", { body: aPoolBody() });
  await service.store.commit(insertNodes([aNode()]));
  await withTasks(service, {}, ["Task1", "other"]);
  await run(service);
  const { seq } = await load(service);
  await service.call("Task_Delete", task1);
  assert.deepEqual(service.rung, [`stop ${seq}.1`, "chores tvmps_1_d", "job job1", "pool pool1"]);
  const chores = await choresOfNode(service.store, 1, "tvmps_1_d");
  assert.deepEqual(
    chores.map(({ chore }) => chore),
    [{ type: "removeDirectory", path: "workitems/Job1/job-1/Task1" }],
  );
  await refuses(t, service, "Task_Delete", [
    { name: "again", call: task1, code: "TaskNotFound" },
    {
      name: "with another ETag",
      call: { params: { jobId: "job1", taskId: "other" }, preconditions: { ifMatch: ["0x8"] } },
      code: "ConditionNotMet",
    },
  ]);
  const { body } = await service.call("Job_GetTaskCounts", job1);
  assert.equal(body.taskCounts.active, 1);
});

test("older versions get counts flat", async (t) => {
  const service = await aService(t);
  await withTasks(service);
  const { body } = await service.call("Job_GetTaskCounts", { ...job1, version: "2018-12-01.8.0" });
  assert.deepEqual(body, { active: 1, running: 0, completed: 0, succeeded: 0, failed: 0 });
});
