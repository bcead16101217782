// What the operations on jobs answer: defaults, updates, states, counts, and every refusal with its code.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type JobState, settleJob } from "../../src/domain/jobs.ts";
import { etagOf } from "../../src/lib/clock.ts";
import { explain } from "../../src/operations/waiting.ts";
import { getJob, saveJob } from "../../src/store/jobs.ts";
import { getPool } from "../../src/store/pools.ts";
import { aPoolBody, aService, refuses, type Service } from "./operations-fixtures.ts";

const job1 = { params: { jobId: "job1" } };
const aJobBody = (changes: Record<string, unknown> = {}) => ({ id: "Job1", poolInfo: { poolId: "Pool1" }, ...changes });
const unlimited = "P10675199DT2H48M5.4775807S";

const putInState = async ({ store }: Service, state: JobState): Promise<void> => {
  await store.commit(saveJob({ ...(await getJob(store, 1, "job1"))!, state }));
};

test("a new job is active and shows what the service fills in, whether its pool exists or not", async (t) => {
  const service = await aService(t);
  const { reply } = await service.call("Job_Add", { body: aJobBody() });
  assert.deepEqual(service.rung, ["job job1", "pool pool1"]);
  const { body } = await service.call("Job_Get", { params: { jobId: "JOB1" } });
  assert.deepEqual(body, {
    id: "Job1",
    url: "https://account.example:10020/jobs/Job1",
    eTag: etagOf(reply.modified!),
    lastModified: "2026-01-01T00:00:00Z",
    creationTime: "2026-01-01T00:00:00Z",
    state: "active",
    stateTransitionTime: "2026-01-01T00:00:00Z",
    priority: 0,
    maxParallelTasks: -1,
    allowTaskPreemption: false,
    usesTaskDependencies: false,
    constraints: { maxWallClockTime: unlimited, maxTaskRetryCount: 0 },
    poolInfo: { poolId: "Pool1" },
    onAllTasksComplete: "noaction",
    onTaskFailure: "noaction",
    executionInfo: { startTime: "2026-01-01T00:00:00Z", poolId: "Pool1" },
  });
  assert.deepEqual(
    (await explain(service.services, 1, { jobId: "job1" })).reasons.map(({ code }) => code),
    ["PoolNotFound"],
  );
});

test("special tasks get their defaults, and the job says why it waits", async (t) => {
  const service = await aService(t);
  const special = {
    constraints: { maxTaskRetryCount: 5 },
    jobManagerTask: { id: "Manager", commandLine: "m" },
    jobPreparationTask: { commandLine: "p" },
    jobReleaseTask: { commandLine: "r" },
  };
  await service.call("Job_Add", { body: aJobBody(special) });
  const { body } = await service.call("Job_Get", job1);
  const userIdentity = { autoUser: { scope: "pool", elevationLevel: "nonadmin" } };
  const constraints = { maxWallClockTime: unlimited, retentionTime: "P7D", maxTaskRetryCount: 5 };
  assert.deepEqual(body.jobManagerTask, {
    id: "Manager",
    commandLine: "m",
    userIdentity,
    constraints,
    requiredSlots: 1,
    runExclusive: true,
    allowLowPriorityNode: true,
    killJobOnCompletion: true,
  });
  assert.deepEqual(body.jobPreparationTask, {
    id: "jobpreparation",
    commandLine: "p",
    userIdentity,
    constraints,
    waitForSuccess: true,
    rerunOnNodeRebootAfterSuccess: true,
  });
  assert.deepEqual(body.jobReleaseTask, {
    id: "jobrelease",
    commandLine: "r",
    userIdentity,
    maxWallClockTime: "PT15M",
    retentionTime: "P7D",
  });
  const { reasons } = await explain(service.services, 1, { jobId: "job1" });
  assert.deepEqual(
    reasons.map(({ code }) => code),
    ["JobManagerTaskNotSupported"],
  );
});

test("an automatic pool is made in the same commit and named only in executionInfo", async (t) => {
  const service = await aService(t);
  const { id: _id, ...pool } = aPoolBody({ targetDedicatedNodes: 1 });
  const autoPoolSpecification = { autoPoolIdPrefix: "auto", poolLifetimeOption: "job", pool };
  await service.call("Job_Add", { body: aJobBody({ poolInfo: { autoPoolSpecification } }) });
  const { body } = await service.call("Job_Get", job1);
  assert.equal(body.poolInfo.poolId, undefined);
  assert.equal(body.poolInfo.autoPoolSpecification.keepAlive, false);
  assert.equal(body.poolInfo.autoPoolSpecification.pool.taskSlotsPerNode, 1);
  const { poolId } = body.executionInfo;
  assert.match(poolId, /^auto_[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
  const made = (await getPool(service.store, 1, poolId.toLowerCase()))!;
  assert.deepEqual([made.autoPoolJob, made.targetDedicated, made.allocationState], ["job1", 1, "resizing"]);
  await service.call("Job_Patch", {
    ...job1,
    body: { poolInfo: { autoPoolSpecification: { poolLifetimeOption: "job", keepAlive: true } } },
  });
  const patched = (await service.call("Job_Get", job1)).body;
  assert.deepEqual(
    [patched.poolInfo.autoPoolSpecification.keepAlive, patched.poolInfo.autoPoolSpecification.pool.vmSize, patched.executionInfo.poolId],
    [true, "standard_d2_v3", poolId],
  );
  await refuses(t, service, "Job_Patch", [
    { name: "a named pool in its place", call: { ...job1, body: { poolInfo: { poolId: "x" } } }, code: "InvalidPropertyValue" },
  ]);
});

test("jobs that are refused", async (t) => {
  const service = await aService(t);
  await service.call("Job_Add", { body: aJobBody({ id: "taken" }) });
  const auto = (changes: object) => ({
    poolInfo: { autoPoolSpecification: { poolLifetimeOption: "job", pool: { vmSize: "x" }, ...changes } },
  });
  const row = (name: string, changes: Record<string, unknown>, code: any) => ({ name, call: { body: aJobBody(changes) }, code });
  await refuses(t, service, "Job_Add", [
    row("the id in another case", { id: "Taken" }, "JobExists"),
    row("an id with a colon", { id: "a:job-1" }, "InvalidPropertyValue"),
    row("no pool", { poolInfo: {} }, "MissingRequiredProperty"),
    row("two pools", { poolInfo: { poolId: "p", ...auto({ pool: aPoolBody({ id: undefined }) }).poolInfo } }, "InvalidPropertyValue"),
    row("an automatic pool of nothing", auto({ pool: undefined }), "MissingRequiredProperty"),
    row("an automatic pool that cannot be", auto({ pool: aPoolBody({ id: undefined, vmSize: "nothing" }) }), "InvalidPropertyValue"),
    row(
      "a schedule's automatic pool",
      auto({ poolLifetimeOption: "jobschedule", pool: aPoolBody({ id: undefined }) }),
      "InvalidPropertyValue",
    ),
    row("maxParallelTasks of 0", { maxParallelTasks: 0 }, "InvalidPropertyValue"),
    row("a priority of 1001", { priority: 1001 }, "InvalidPropertyValue"),
    row(
      "a manager named as the preparation",
      {
        jobManagerTask: { id: "JobPreparation", commandLine: "m" },
        jobPreparationTask: { commandLine: "p" },
      },
      "TaskIdSameAsJobPreparationTask",
    ),
    row(
      "a release over 15 minutes",
      {
        jobPreparationTask: { commandLine: "p" },
        jobReleaseTask: { commandLine: "r", maxWallClockTime: "PT16M" },
      },
      "InvalidPropertyValue",
    ),
  ]);
});

test("a patch replaces each given object as a whole; a put resets what is left out", async (t) => {
  const service = await aService(t);
  const metadata = [{ name: "a", value: "b" }];
  await service.call("Job_Add", { body: aJobBody({ priority: 5, constraints: { maxTaskRetryCount: 5 }, metadata }) });
  await service.call("Job_Patch", {
    ...job1,
    body: { onAllTasksComplete: "terminatejob", constraints: { maxWallClockTime: "P3Y6M4DT12H30M5S" }, poolInfo: { poolId: "POOL1" } },
  });
  const patched = (await service.call("Job_Get", job1)).body;
  assert.deepEqual(patched.constraints, { maxWallClockTime: "P1279DT12H30M5S", maxTaskRetryCount: 0 });
  assert.deepEqual([patched.priority, patched.metadata, patched.onAllTasksComplete], [5, metadata, "terminatejob"]);
  await service.call("Job_Update", { ...job1, body: { poolInfo: { poolId: "Pool1" }, onAllTasksComplete: "terminatejob" } });
  const put = (await service.call("Job_Get", job1)).body;
  assert.deepEqual([put.priority, put.metadata, put.constraints.maxWallClockTime], [0, undefined, unlimited]);
  await refuses(t, service, "Job_Update", [
    { name: "back to noaction", call: { ...job1, body: { poolInfo: { poolId: "Pool1" } } }, code: "InvalidPropertyValue" },
    {
      name: "another pool while active",
      call: { ...job1, body: { poolInfo: { poolId: "other" }, onAllTasksComplete: "terminatejob" } },
      code: "OperationInvalidForCurrentState",
    },
    {
      name: "an old date",
      call: { ...job1, body: { poolInfo: { poolId: "Pool1" } }, preconditions: { ifUnmodifiedSince: 0 } },
      code: "ConditionNotMet",
    },
  ]);
  await putInState(service, "disabled");
  service.rung.length = 0;
  await service.call("Job_Patch", { ...job1, body: { poolInfo: { poolId: "Other" } } });
  assert.deepEqual(service.rung, ["pool pool1", "job job1", "pool other"]);
  assert.equal((await service.call("Job_Get", job1)).body.executionInfo.poolId, "Other");
});

test("disable, enable, terminate and delete show their state before they answer", async (t) => {
  const service = await aService(t);
  await service.call("Job_Add", { body: aJobBody() });
  const steps = [
    ["Job_Disable", { disableTasks: "requeue" }, "disabling", "disabled"],
    ["Job_Enable", undefined, "enabling", "active"],
    ["Job_Terminate", { terminateReason: "enough" }, "terminating", "completed"],
  ] as const;
  for (const [operation, body, during, after] of steps) {
    const before = (await service.call("Job_Get", job1)).body;
    const { reply } = await service.call(operation, { ...job1, body });
    const shown = (await service.call("Job_Get", job1)).body;
    assert.deepEqual([shown.state, shown.previousState, shown.eTag], [during, before.state, etagOf(reply.modified!)]);
    assert.notEqual(shown.eTag, before.eTag);
    await service.store.commit(saveJob(settleJob((await getJob(service.store, 1, "job1"))!, service.clock.now())));
    assert.equal((await service.call("Job_Get", job1)).body.state, after);
  }
  const { executionInfo } = (await service.call("Job_Get", job1)).body;
  assert.deepEqual([executionInfo.terminateReason, executionInfo.endTime], ["enough", "2026-01-01T00:00:00Z"]);
  await service.call("Job_Delete", job1);
  assert.equal((await service.call("Job_Get", job1)).body.state, "deleting");
});

const patch = { priority: 1 };
const put = { poolInfo: { poolId: "Pool1" } };
const aTask = { id: "t", commandLine: "c" };
/** Which request in which state is refused with what; what is not named is done. */
const conflicts: readonly [JobState, Partial<Record<string, string>>][] = [
  ["active", {}],
  ["disabling", { Job_Enable: "JobNotActive" }],
  ["disabled", {}],
  ["enabling", { Job_Disable: "JobNotActive" }],
  ...(["terminating", "completed", "deleting"] as const).map((state): [JobState, Partial<Record<string, string>>] => {
    const code = { terminating: "JobBeingTerminated", completed: "JobCompleted", deleting: "JobBeingDeleted" }[state];
    const all = ["Job_Disable", "Job_Enable", "Job_Terminate", "Job_Patch", "Job_Update", "Task_Add", "Task_AddCollection"];
    return [state, Object.fromEntries([...all, ...(state === "deleting" ? ["Job_Delete", "Job_Add"] : [])].map((id) => [id, code]))];
  }),
];
const requests = {
  Job_Disable: { ...job1, body: { disableTasks: "wait" } },
  Job_Enable: job1,
  Job_Terminate: job1,
  Job_Delete: job1,
  Job_Patch: { ...job1, body: patch },
  Job_Update: { ...job1, body: put },
  Task_Add: { ...job1, body: aTask },
  Task_AddCollection: { ...job1, body: { value: [aTask] } },
} as const;

test("every request in every state", async (t) => {
  for (const [state, refused] of conflicts) {
    for (const [id, call] of Object.entries(requests) as [keyof typeof requests, (typeof requests)[keyof typeof requests]][]) {
      await t.test(`${id} of a job that is ${state}: ${refused[id] ?? "done"}`, async (t) => {
        const service = await aService(t);
        await service.call("Job_Add", { body: aJobBody() });
        await putInState(service, state);
        const code = refused[id];
        if (code === undefined) await service.call(id, call);
        else assert.equal((await service.refusal(id, call)).code, code);
      });
    }
  }
  for (const [id, call] of Object.entries(requests) as [keyof typeof requests, (typeof requests)[keyof typeof requests]][]) {
    const service = await aService(t);
    assert.equal((await service.refusal(id, call)).code, "JobNotFound");
  }
});

test("jobs are listed in the order of their ids, each account its own", async (t) => {
  const service = await aService(t);
  for (const id of ["b", "A", "c"]) await service.call("Job_Add", { body: aJobBody({ id }) });
  await service.call("Job_Add", { body: aJobBody({ id: "a" }), accountId: 2 });
  const { items, reply } = await service.call("Job_List", { page: { limit: 2 } });
  assert.deepEqual([items.map(({ id }) => id), reply.next], [["A", "b"], "b"]);
  const value = { kind: "string", value: "C" } as const;
  const filtered = await service.call("Job_List", { filter: { type: "compare", operator: "eq", property: "id", value } });
  assert.deepEqual(
    filtered.items.map(({ id }) => id),
    ["c"],
  );
});

test("a condition that says nothing changed answers 304", async (t) => {
  const service = await aService(t);
  const { reply } = await service.call("Job_Add", { body: aJobBody() });
  const error = await service.refusal("Job_Get", { ...job1, preconditions: { ifNoneMatch: [etagOf(reply.modified!)] } });
  assert.deepEqual([error.code, error.status], ["ConditionNotMet", 304]);
});
