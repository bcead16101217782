// What the operations on job schedules answer: defaults in every version, each wrong thing with its code, each operation in each state.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OperationId } from "../../src/api/batch/index.ts";
import type { JobScheduleState } from "../../src/domain/job-schedules.ts";
import { etagOf } from "../../src/lib/clock.ts";
import { getJobSchedule, saveJobSchedule } from "../../src/store/job-schedules.ts";
import { getJob } from "../../src/store/jobs.ts";
import { aPoolBody, aService, refuses, type Service } from "./operations-fixtures.ts";

const one = { params: { jobScheduleId: "S1" } };
const aBody = (changes: Record<string, unknown> = {}, ofJobs: Record<string, unknown> = {}) => ({
  id: "S1",
  schedule: {},
  jobSpecification: { poolInfo: { poolId: "Pool1" }, ...ofJobs },
  ...changes,
});
const unlimited = "P10675199DT2H48M5.4775807S";
const { id: _, ...pool } = aPoolBody();
const auto = (changes: Record<string, unknown> = {}) => ({
  poolInfo: { autoPoolSpecification: { poolLifetimeOption: "jobschedule", pool, ...changes } },
});

const putInState = async ({ store }: Service, state: JobScheduleState): Promise<void> => {
  await store.commit([saveJobSchedule({ ...(await getJobSchedule(store, 1, "s1"))!, state })]);
};

test("a new schedule shows the defaults of its jobs, and has made the first", async (t) => {
  const service = await aService(t);
  const body = aBody({ schedule: { recurrenceInterval: "PT60M", startWindow: "P1DT24H" } });
  const { reply } = await service.call("JobSchedule_Add", { body });
  assert.deepEqual(service.rung, ["jobSchedule s1", "job s1:job-1", "pool pool1"]);
  assert.equal(reply.created, "S1");
  const url = "https://account.example:10020";
  assert.deepEqual((await service.call("JobSchedule_Get", { params: { jobScheduleId: "s1" } })).body, {
    id: "S1",
    url: `${url}/jobschedules/S1`,
    eTag: etagOf(reply.modified!),
    lastModified: "2026-01-01T00:00:00Z",
    creationTime: "2026-01-01T00:00:00Z",
    state: "active",
    stateTransitionTime: "2026-01-01T00:00:00Z",
    schedule: { recurrenceInterval: "PT1H", startWindow: "P2D" },
    jobSpecification: {
      priority: 0,
      maxParallelTasks: -1,
      allowTaskPreemption: false,
      usesTaskDependencies: false,
      constraints: { maxWallClockTime: unlimited, maxTaskRetryCount: 0 },
      poolInfo: { poolId: "Pool1" },
      onAllTasksComplete: "noaction",
      onTaskFailure: "noaction",
    },
    executionInfo: { nextRunTime: "2026-01-01T01:00:00Z", recentJob: { id: "S1:job-1", url: `${url}/jobs/S1:job-1` } },
  });
  const { items } = await service.call("Job_ListFromJobSchedule", one);
  assert.deepEqual(
    items.map(({ id, state, poolInfo, executionInfo }) => [id, state, poolInfo.poolId, executionInfo.poolId]),
    [["S1:job-1", "active", "Pool1", "Pool1"]],
  );
});

test("what a job specification says reaches the job as if it had been added by itself", async (t) => {
  const service = await aService(t);
  const settings = {
    displayName: "name",
    priority: -3,
    maxParallelTasks: 4,
    usesTaskDependencies: true,
    constraints: { maxTaskRetryCount: 5 },
    jobManagerTask: { id: "manager", commandLine: "/bin/true" },
    commonEnvironmentSettings: [{ name: "a", value: "b" }],
    onAllTasksComplete: "terminatejob",
    metadata: [{ name: "k", value: "v" }],
  };
  await service.call("JobSchedule_Add", { body: aBody({}, settings) });
  await service.call("Job_Add", { body: { id: "alone", poolInfo: { poolId: "Pool1" }, ...settings } });
  const [scheduled, alone] = await Promise.all(
    ["s1:job-1", "alone"].map(async (jobId) => (await service.call("Job_Get", { params: { jobId } })).body),
  );
  const own = new Set(["id", "url", "eTag", "lastModified", "creationTime"]);
  for (const key of Object.keys(alone)) if (!own.has(key)) assert.deepEqual(scheduled[key], alone[key], key);
  assert.equal(scheduled.jobManagerTask.constraints.maxTaskRetryCount, 5);
  assert.equal((await getJob(service.store, 1, "s1:job-1"))?.held, "JobManagerTaskNotSupported");
});

test("JobSchedule_Add refuses", async (t) => {
  const service = await aService(t);
  await service.call("Job_Add", { body: { id: "Job1", poolInfo: { poolId: "Pool1" } } });
  await service.call("JobSchedule_Add", { body: aBody({ id: "there" }) });
  await refuses(t, service, "JobSchedule_Add", [
    { name: "an id that is taken", call: { body: aBody({ id: "THERE" }) }, code: "JobScheduleExists" },
    { name: "the id of a job", call: { body: aBody({ id: "job1" }) }, code: "JobWithSameIdExists" },
    { name: "no id", call: { body: aBody({ id: undefined }) }, code: "MissingRequiredProperty", values: { PropertyName: "id" } },
    { name: "a colon", call: { body: aBody({ id: "a:b" }) }, code: "InvalidPropertyValue", values: { PropertyName: "id" } },
    { name: "a long id", call: { body: aBody({ id: "a".repeat(65) }) }, code: "InvalidPropertyValue" },
    { name: "no schedule", call: { body: aBody({ schedule: undefined }) }, code: "MissingRequiredProperty" },
    { name: "no job specification", call: { body: aBody({ jobSpecification: undefined }) }, code: "MissingRequiredProperty" },
    { name: "no pool", call: { body: aBody({}, { poolInfo: undefined }) }, code: "MissingRequiredProperty" },
    {
      name: "a pool that is two",
      call: { body: aBody({}, { poolInfo: { poolId: "p", ...auto().poolInfo } }) },
      code: "InvalidPropertyValue",
    },
    {
      name: "a short interval",
      call: { body: aBody({ schedule: { recurrenceInterval: "PT59.9S" } }) },
      code: "InvalidPropertyValue",
      values: { PropertyName: "recurrenceInterval", PropertyValue: "PT59.9S" },
    },
    { name: "a short window", call: { body: aBody({ schedule: { startWindow: "PT1S" } }) }, code: "InvalidPropertyValue" },
    { name: "no time", call: { body: aBody({ schedule: { doNotRunUntil: "tomorrow" } }) }, code: "InvalidPropertyValue" },
    { name: "no duration", call: { body: aBody({ schedule: { recurrenceInterval: "1h" } }) }, code: "InvalidPropertyValue" },
    {
      name: "a priority",
      call: { body: aBody({}, { priority: 1001 }) },
      code: "InvalidPropertyValue",
      values: { PropertyName: "priority" },
    },
    { name: "metadata without a name", call: { body: aBody({ metadata: [{ name: "", value: "" }] }) }, code: "EmptyMetadataKey" },
    {
      name: "a release task alone",
      call: { body: aBody({}, { jobReleaseTask: { commandLine: "a" } }) },
      code: "JobPreparationTaskNotSpecified",
    },
    { name: "an automatic pool of nothing", call: { body: aBody({}, auto({ pool: undefined })) }, code: "MissingRequiredProperty" },
    {
      name: "an automatic pool of nothing that exists",
      call: { body: aBody({}, auto({ pool: { ...pool, virtualMachineConfiguration: undefined } })) },
      code: "MissingRequiredProperty",
    },
  ]);
});

test("a job of its own cannot ask for the lifetime of a schedule", async (t) => {
  const service = await aService(t);
  assert.equal((await service.refusal("Job_Add", { body: { id: "j", ...auto() } })).code, "InvalidPropertyValue");
  await service.call("JobSchedule_Add", { body: aBody({}, auto()) });
  const job = (await getJob(service.store, 1, "s1:job-1"))!;
  assert.deepEqual(service.rung.slice(0, 2), ["jobSchedule s1", `resize ${job.poolKey}`]);
  assert.match(job.execution.poolId!, /^[0-9A-F-]{36}$/);
});

test("an automatic pool that cannot be made is the end of the job, not of the request", async (t) => {
  const service = await aService(t);
  const reference = { thumbprint: "0123456789ABCDEF", thumbprintAlgorithm: "sha1" };
  const body = aBody({ schedule: { recurrenceInterval: "P1D" } }, auto({ pool: { ...pool, certificateReferences: [reference] } }));
  await service.call("JobSchedule_Add", { body });
  const job = (await service.call("Job_ListFromJobSchedule", one)).items[0];
  assert.deepEqual([job.state, job.previousState, job.executionInfo.terminateReason], ["completed", "active", undefined]);
  assert.deepEqual(job.executionInfo.schedulingError, {
    category: "UserError",
    code: "InvalidCertificatesInAutoPool",
    message: "One or more certificates specified for the pool are invalid",
    details: [{ name: "sha1-0123456789abcdef", value: "The specified certificate does not exist." }],
  });
  assert.deepEqual((await service.call("Pool_List")).items, []);
  const { poolInfo } = auto({ poolLifetimeOption: "job", pool: { ...pool, certificateReferences: [reference] } });
  await service.call("Job_Add", { body: { id: "alone", poolInfo } });
  const alone = (await service.call("Job_Get", { params: { jobId: "alone" } })).body;
  assert.equal(alone.executionInfo.schedulingError.code, "InvalidCertificatesInAutoPool");
  assert.equal((await service.call("JobSchedule_Get", one)).body.state, "active", "its next job may find them");
});

test("older versions: renamed and missing properties of the jobs go both ways", async (t) => {
  const service = await aService(t);
  const version = "2016-02-01.3.0";
  const jobManagerTask = { id: "m", commandLine: "a", runElevated: true, resourceFiles: [{ blobSource: "https://a/b", filePath: "b" }] };
  await service.call("JobSchedule_Add", { version, body: aBody({}, { jobManagerTask }) });
  const { body } = await service.call("JobSchedule_Get", { ...one, version });
  const { runElevated, resourceFiles } = body.jobSpecification.jobManagerTask;
  assert.deepEqual([runElevated, resourceFiles[0].blobSource, body.jobSpecification.onAllTasksComplete], [true, "https://a/b", undefined]);
  const newest = (await service.call("JobSchedule_Get", one)).body.jobSpecification;
  assert.deepEqual(newest.jobManagerTask.userIdentity, { autoUser: { elevationLevel: "admin", scope: "task" } });
});

/** For each operation the answer in each state: what the state then is, or the code. */
const matrix: Record<string, Record<JobScheduleState, string>> = {
  JobSchedule_Patch: {
    active: "active",
    disabled: "JobScheduleDisabled",
    terminating: "JobScheduleBeingTerminated",
    completed: "JobScheduleCompleted",
    deleting: "JobScheduleBeingDeleted",
  },
  JobSchedule_Update: {
    active: "active",
    disabled: "JobScheduleDisabled",
    terminating: "JobScheduleBeingTerminated",
    completed: "JobScheduleCompleted",
    deleting: "JobScheduleBeingDeleted",
  },
  JobSchedule_Disable: {
    active: "disabled",
    disabled: "disabled",
    terminating: "JobScheduleBeingTerminated",
    completed: "JobScheduleCompleted",
    deleting: "JobScheduleBeingDeleted",
  },
  JobSchedule_Enable: {
    active: "active",
    disabled: "active",
    terminating: "JobScheduleBeingTerminated",
    completed: "JobScheduleCompleted",
    deleting: "JobScheduleBeingDeleted",
  },
  JobSchedule_Terminate: {
    active: "terminating",
    disabled: "terminating",
    terminating: "JobScheduleBeingTerminated",
    completed: "JobScheduleCompleted",
    deleting: "JobScheduleBeingDeleted",
  },
  JobSchedule_Delete: {
    active: "deleting",
    disabled: "deleting",
    terminating: "deleting",
    completed: "deleting",
    deleting: "JobScheduleBeingDeleted",
  },
  JobSchedule_Add: {
    active: "JobScheduleExists",
    disabled: "JobScheduleExists",
    terminating: "JobScheduleExists",
    completed: "JobScheduleExists",
    deleting: "JobScheduleBeingDeleted",
  },
};

const bodies: Record<string, unknown> = {
  JobSchedule_Patch: { metadata: [] },
  JobSchedule_Update: { schedule: {}, jobSpecification: { poolInfo: { poolId: "Pool1" } } },
  JobSchedule_Add: aBody(),
};

test("each operation in each state", async (t) => {
  const service = await aService(t);
  await service.call("JobSchedule_Add", { body: aBody() });
  for (const [operation, row] of Object.entries(matrix)) {
    for (const [state, expected] of Object.entries(row) as [JobScheduleState, string][]) {
      await t.test(`${operation} of one that is ${state}`, async () => {
        await putInState(service, state);
        const id = operation as OperationId;
        const call = { ...one, ...(bodies[id] === undefined ? {} : { body: bodies[id] }) };
        if (expected.startsWith("JobSchedule")) {
          assert.equal((await service.refusal(id, call)).code, expected);
          assert.equal((await getJobSchedule(service.store, 1, "s1"))!.state, state);
        } else {
          const before = (await getJobSchedule(service.store, 1, "s1"))!;
          await service.call(id, call);
          const after = (await getJobSchedule(service.store, 1, "s1"))!;
          assert.deepEqual([after.state, after.modified > before.modified], [expected, true]);
          assert.equal(service.rung.at(-1), "jobSchedule s1");
          if (after.state !== before.state) assert.equal(after.previousState, state);
        }
      });
    }
  }
});

test("conditions are of the schedule's ETag", async (t) => {
  const service = await aService(t);
  const { reply } = await service.call("JobSchedule_Add", { body: aBody() });
  const etag = etagOf(reply.modified!);
  for (const id of ["JobSchedule_Disable", "JobSchedule_Enable", "JobSchedule_Terminate", "JobSchedule_Delete"] as const)
    assert.equal((await service.refusal(id, { ...one, preconditions: { ifMatch: ["0x1"] } })).status, 412, id);
  for (const id of ["JobSchedule_Get", "JobSchedule_Exists"] as const)
    assert.equal((await service.refusal(id, { ...one, preconditions: { ifNoneMatch: [etag] } })).status, 304, id);
  await service.call("JobSchedule_Disable", { ...one, preconditions: { ifMatch: [etag] } });
});

test("schedules and jobs of another account are not seen", async (t) => {
  const service = await aService(t);
  await service.call("JobSchedule_Add", { body: aBody() });
  assert.equal((await service.refusal("JobSchedule_Get", { ...one, accountId: 2 })).code, "JobScheduleNotFound");
  assert.deepEqual((await service.call("JobSchedule_List", { accountId: 2 })).items, []);
  await service.call("JobSchedule_Add", { body: aBody(), accountId: 2 });
  assert.equal((await service.call("Job_ListFromJobSchedule", { ...one, accountId: 2 })).items.length, 1);
});
