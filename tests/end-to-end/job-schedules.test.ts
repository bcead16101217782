// Job schedules from outside: the first job in the very next request, its tasks and their directory, the end of a schedule by all the
// ways that there are, lists and filters, every refusal. That jobs recur in time is tests/simulation/job-schedules.test.ts's: a minute
// is the shortest interval.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchUser, sh } from "../support/batch-user.ts";
import { newLocation, startQuern } from "../support/quern.ts";

test("job schedules", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t);
  const user = batchUser(quern);
  await user.pool("p");
  const add = (id: string, schedule: object = {}, jobSpecification: object = {}, more: object = {}) =>
    user.ok("POST", "/jobschedules", { id, schedule, jobSpecification: { poolInfo: { poolId: "p" }, ...jobSpecification }, ...more });
  const scheduleIs = (id: string, state: string): Promise<any> => user.seen(`/jobschedules/${id}`, (view: any) => view.state === state);
  const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();

  await t.test("the first job is there in the very next request, and runs tasks", async () => {
    const added = await add("Daily", { recurrenceInterval: "P1D" }, { priority: 7, displayName: "of a day" }, { displayName: "each day" });
    assert.equal(added.status, 201);
    assert.equal(added.headers.location, `${quern.ready.batchUrl}/jobschedules/Daily`);
    const schedule = await user.get("/jobschedules/Daily");
    const { state, executionInfo, jobSpecification, eTag } = schedule;
    assert.deepEqual([state, eTag, schedule.schedule], ["active", added.headers.etag, { recurrenceInterval: "P1D" }]);
    assert.deepEqual(executionInfo.recentJob, { id: "Daily:job-1", url: `${quern.ready.batchUrl}/jobs/Daily:job-1` });
    assert.equal(Date.parse(executionInfo.nextRunTime) - Math.floor(Date.parse(schedule.creationTime)), 86_400_000);
    assert.deepEqual(
      [jobSpecification.priority, jobSpecification.onAllTasksComplete, jobSpecification.constraints.maxTaskRetryCount],
      [7, "noaction", 0],
    );
    const job = await user.get("/jobs/Daily:job-1");
    assert.deepEqual([job.id, job.state, job.priority, job.displayName], ["Daily:job-1", "active", 7, "of a day"]);
    assert.equal(job.url, executionInfo.recentJob.url);

    await user.task("Daily:job-1", "t", sh("echo $AZ_BATCH_JOB_ID; pwd"));
    const task = await user.taskIs("daily%3Ajob-1", "t");
    assert.deepEqual([task.executionInfo.result, task.nodeInfo.taskRootDirectory], ["success", "workitems/Daily/job-1/t"]);
    const out = await user.file("Daily:job-1", "t", "stdout.txt");
    assert.match(out, /^Daily:job-1\n.*\/workitems\/Daily\/job-1\/t\/wd\n$/);
    const { nodeId } = task.nodeInfo;
    const listed = await user.get(`/pools/p/nodes/${nodeId}/files?recursive=true&$filter=startswith(name,'workitems/Daily/job-1/t/s')`);
    assert.deepEqual(listed.value.map(({ name }: any) => name).sort(), [
      "workitems/Daily/job-1/t/stderr.txt",
      "workitems/Daily/job-1/t/stdout.txt",
    ]);

    await user.ok("POST", "/jobs/Daily:job-1/terminate");
    await user.jobIs("Daily:job-1", "completed");
    assert.equal((await user.get("/jobschedules/Daily")).state, "active", "its next job is due tomorrow");
    await user.refused(409, "JobCompleted", "POST", "/jobs/Daily:job-1/tasks", { id: "u", commandLine: "/bin/true" });
  });

  await t.test("without an interval there is one job, and the schedule ends with it", async () => {
    await add("once");
    assert.equal((await user.get("/jobschedules/once")).executionInfo.nextRunTime, undefined);
    await user.task("once:job-1", "t", "/bin/true");
    await user.taskIs("once:job-1", "t");
    await user.ok("PATCH", "/jobs/once:job-1", { onAllTasksComplete: "terminatejob" });
    const ended = await scheduleIs("once", "completed");
    assert.deepEqual([ended.previousState, ended.executionInfo.recentJob.id], ["active", "once:job-1"]);
    assert.ok(ended.executionInfo.endTime !== undefined);
    for (const [method, path, body] of [
      ["PATCH", "", { metadata: [] }],
      ["POST", "/disable"],
      ["POST", "/enable"],
      ["POST", "/terminate"],
    ] as const)
      await user.refused(409, "JobScheduleCompleted", method, `/jobschedules/once${path}`, body);
  });

  await t.test("a job comes when it is due, and after an enable", async () => {
    await add("later", { doNotRunUntil: soon(700) });
    const before = await user.get("/jobschedules/later");
    assert.deepEqual([before.executionInfo.recentJob, before.executionInfo.nextRunTime], [undefined, before.schedule.doNotRunUntil]);
    await user.refused(404, "JobNotFound", "GET", "/jobs/later:job-1");
    await user.seen("/jobschedules/later", (view: any) => view.executionInfo.recentJob !== undefined);
    const job = await user.get("/jobs/later:job-1");
    assert.ok(Date.parse(job.creationTime) >= Date.parse(before.schedule.doNotRunUntil));

    await add("kept", { doNotRunUntil: soon(3_600_000) });
    assert.equal((await user.ok("POST", "/jobschedules/kept/disable")).status, 204);
    await user.refused(409, "JobScheduleDisabled", "PATCH", "/jobschedules/kept", { schedule: {} });
    const disabled = await user.get("/jobschedules/kept");
    assert.deepEqual([disabled.state, disabled.previousState], ["disabled", "active"]);
    const enabled = await user.ok("POST", "/jobschedules/kept/enable");
    assert.deepEqual([enabled.status, enabled.headers.dataserviceid], [204, `${quern.ready.batchUrl}/jobschedules/kept/enable`]);
    await user.ok("PATCH", "/jobschedules/kept", { schedule: {}, metadata: [{ name: "a", value: "b" }] });
    await user.seen("/jobschedules/kept", (view: any) => view.executionInfo.recentJob?.id === "kept:job-1");
    assert.deepEqual((await user.get("/jobschedules/kept")).metadata, [{ name: "a", value: "b" }]);
  });

  await t.test("an update is for later jobs; PATCH keeps what it does not name, PUT removes it", async () => {
    await add("changed", { recurrenceInterval: "PT1H" }, { priority: 1 }, { metadata: [{ name: "a", value: "b" }] });
    const { etag } = (await user.ok("HEAD", "/jobschedules/changed")).headers;
    const patched = await user.ok("PATCH", "/jobschedules/changed", { jobSpecification: { poolInfo: { poolId: "p" }, priority: 2 } });
    const stale = await user.raw({ method: "POST", path: "/jobschedules/changed/disable", headers: { "If-Match": String(etag) } });
    assert.deepEqual([stale.status, stale.json.code], [412, "ConditionNotMet"]);
    const view = await user.get("/jobschedules/changed");
    assert.deepEqual(
      [view.eTag, view.jobSpecification.priority, view.schedule, view.metadata.length],
      [patched.headers.etag, 2, { recurrenceInterval: "PT1H" }, 1],
    );
    assert.equal((await user.get("/jobs/changed:job-1")).priority, 1);
    await user.ok("PUT", "/jobschedules/changed", {
      schedule: { recurrenceInterval: "PT2H" },
      jobSpecification: { poolInfo: { poolId: "p" } },
    });
    const put = await user.get("/jobschedules/changed");
    assert.deepEqual([put.jobSpecification.priority, put.schedule.recurrenceInterval, put.metadata], [0, "PT2H", undefined]);
  });

  await t.test("terminate ends the active job and says why, delete removes all jobs", async () => {
    await add("ended", { recurrenceInterval: "PT1H" });
    await user.task("ended:job-1", "t", "/bin/sleep 60");
    await user.taskIs("ended:job-1", "t", "running");
    const answer = await user.ok("POST", "/jobschedules/ended/terminate?force=true");
    assert.equal(answer.status, 202);
    const schedule = await scheduleIs("ended", "completed");
    assert.equal(schedule.previousState, "terminating");
    const job = await user.get("/jobs/ended:job-1");
    assert.deepEqual([job.state, job.executionInfo.terminateReason], ["completed", "TerminateJobSchedule"]);
    assert.equal((await user.taskIs("ended:job-1", "t")).executionInfo.failureInfo.code, "TaskEnded");
    assert.equal((await user.ok("DELETE", "/jobschedules/ended")).status, 202);
    await user.gone("/jobschedules/ended");
    await user.refused(404, "JobNotFound", "GET", "/jobs/ended:job-1");
    await add("ended", { doNotRunUntil: soon(3_600_000) });
    assert.deepEqual((await user.get("/jobschedules/ended/jobs")).value, []);
    await user.ok("DELETE", "/jobschedules/ended?force=false");
  });

  await t.test("an automatic pool of all jobs goes with the schedule, one of each job with the job", async () => {
    const pool = {
      vmSize: "standard_d2_v3",
      targetDedicatedNodes: 1,
      virtualMachineConfiguration: (await user.get("/pools/p")).virtualMachineConfiguration,
    };
    const auto = (poolLifetimeOption: string) => ({
      poolInfo: { autoPoolSpecification: { autoPoolIdPrefix: "auto", poolLifetimeOption, pool } },
    });
    await add("shares", { recurrenceInterval: "P1D" }, auto("jobschedule"));
    await add("owns", { recurrenceInterval: "P1D" }, auto("job"));
    const poolOf = async (jobId: string): Promise<string> => (await user.get(`/jobs/${jobId}`)).executionInfo.poolId;
    const [shared, owned] = [await poolOf("shares:job-1"), await poolOf("owns:job-1")];
    assert.match(shared, /^auto_[0-9A-F-]{36}$/);
    await user.task("shares:job-1", "t", "/bin/true");
    await user.taskIs("shares:job-1", "t");
    for (const id of ["shares", "owns"]) {
      await user.ok("POST", `/jobs/${id}:job-1/terminate`);
      await user.jobIs(`${id}:job-1`, "completed");
    }
    await user.gone(`/pools/${owned}`);
    assert.equal((await user.get(`/pools/${shared}`)).state, "active");
    await user.ok("POST", "/jobschedules/shares/terminate");
    await user.gone(`/pools/${shared}`);
    await scheduleIs("shares", "completed");
  });

  await t.test("lists, filters and selections", async () => {
    const idsOf = async (path: string): Promise<string[]> => (await user.get(path)).value.map(({ id }: { id: string }) => id);
    const all = await idsOf("/jobschedules");
    assert.deepEqual(
      all,
      [...all].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)),
    );
    const first = await user.get("/jobschedules?maxresults=2&$select=id,state&$expand=stats");
    assert.deepEqual(
      first.value.map((each: object) => Object.keys(each)),
      [
        ["id", "state"],
        ["id", "state"],
      ],
    );
    assert.equal(
      (await user.ok("GET", first["odata.nextLink"].slice(quern.ready.batchUrl.length), undefined, { version: null })).status,
      200,
    );
    assert.deepEqual(await idsOf("/jobschedules?$filter=state eq 'completed' and startswith(id,'o')".replaceAll(" ", "%20")), ["once"]);
    const until = "schedule/doNotRunUntil lt DateTime'2999-01-01T00:00:00Z'";
    assert.deepEqual(await idsOf(`/jobschedules?$filter=${encodeURIComponent(until)}`), ["later"]);
    assert.deepEqual(await idsOf(`/jobschedules?$filter=${encodeURIComponent("executionInfo/endTime gt DateTime'2020-01-01'")}`), [
      "once",
      "shares",
    ]);
    assert.deepEqual(await idsOf("/jobschedules/Once/jobs"), ["once:job-1"]);
    assert.deepEqual(await idsOf("/jobschedules/once/jobs?$filter=state%20eq%20'active'"), []);
    await user.refused(400, "InvalidQueryParameterValue", "GET", "/jobschedules/once/jobs?$filter=id%20eq%20'a'");
    await user.refused(400, "InvalidQueryParameterValue", "GET", "/jobschedules?$filter=displayName%20eq%20'a'");
    assert.ok((await idsOf("/jobs")).includes("once:job-1"));
    const expanded = await user.get("/jobschedules/once?$expand=stats");
    assert.deepEqual([expanded.stats.numSucceededTasks, expanded.stats.numFailedTasks], ["1", "0"]);
    assert.equal((await user.get("/jobschedules/once/jobs?$expand=stats")).value[0].stats.numSucceededTasks, "1");
    const selected = await user.get("/jobschedules/once?$select=id,executionInfo/recentJob/id");
    assert.deepEqual(selected.executionInfo, { recentJob: { id: "once:job-1" } });
  });

  await t.test("jobs and schedules share their ids", async () => {
    await user.job("taken", "p");
    const body = (id: string) => ({ id, schedule: {}, jobSpecification: { poolInfo: { poolId: "p" } } });
    await user.refused(409, "JobWithSameIdExists", "POST", "/jobschedules", body("Taken"));
    await user.refused(409, "JobScheduleWithSameIdExists", "POST", "/jobs", { id: "ONCE", poolInfo: { poolId: "p" } });
    await user.refused(409, "JobScheduleExists", "POST", "/jobschedules", body("Once"));
    await user.refused(400, "InvalidPropertyValue", "POST", "/jobs", { id: "once:job-2", poolInfo: { poolId: "p" } });
    await user.refused(400, "InvalidPropertyValue", "POST", "/jobschedules", body("a:b"));
    await user.refused(400, "InvalidPropertyValue", "POST", "/jobschedules", { ...body("x"), schedule: { recurrenceInterval: "PT59S" } });
    await user.refused(400, "InvalidPropertyValue", "POST", "/jobschedules", { ...body("x"), schedule: { startWindow: "PT1S" } });
    await user.refused(400, "MissingRequiredProperty", "POST", "/jobschedules", { id: "x", schedule: {} });
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/jobs"],
      ["DELETE", ""],
      ["POST", "/disable"],
      ["POST", "/terminate"],
    ] as const)
      await user.refused(404, "JobScheduleNotFound", method, `/jobschedules/nowhere${path}`);
    assert.equal((await user.raw({ method: "HEAD", path: "/jobschedules/nowhere" })).status, 404);
  });

  await t.test("what ran on single nodes: nothing yet, and the right refusal where nothing can", async () => {
    await user.refused(409, "JobPreparationTaskOrReleaseTaskNotSpecified", "GET", "/jobs/taken/jobpreparationandreleasetaskstatus");
    await user.job("prepared", "p", { jobPreparationTask: { commandLine: "/bin/true" } });
    const filter = encodeURIComponent("poolId eq 'p' and jobPreparationTaskExecutionInfo/exitCode ne 0");
    assert.deepEqual((await user.get(`/jobs/prepared/jobpreparationandreleasetaskstatus?$filter=${filter}`)).value, []);
    await user.refused(
      400,
      "InvalidQueryParameterValue",
      "GET",
      "/jobs/prepared/jobpreparationandreleasetaskstatus?$filter=nodeUrl%20eq%20'a'",
    );
    await user.refused(404, "JobNotFound", "GET", "/jobs/nowhere/jobpreparationandreleasetaskstatus");
    await user.task("taken", "single", "/bin/true");
    assert.deepEqual((await user.get("/jobs/taken/tasks/single/subtasksinfo?$select=id")).value, []);
    await user.refused(404, "TaskNotFound", "GET", "/jobs/taken/tasks/nothing/subtasksinfo");
  });
});

test("schedules survive kill -9, and what became due meanwhile is made up for", { timeout: 60_000 }, async (t) => {
  const location = await newLocation(t);
  const first = await startQuern(t, { location });
  const before = batchUser(first);
  const jobSpecification = { poolInfo: { poolId: "nowhere" } };
  const due = new Date(Date.now() + 400).toISOString();
  await before.ok("POST", "/jobschedules", { id: "soon", schedule: { doNotRunUntil: due }, jobSpecification });
  await before.ok("POST", "/jobschedules", { id: "now", schedule: { recurrenceInterval: "P1D" }, jobSpecification });
  await before.ok("POST", "/jobschedules", { id: "gone", schedule: {}, jobSpecification });
  await before.ok("DELETE", "/jobschedules/gone");
  await first.kill();

  const user = batchUser(await startQuern(t, { location }));
  const made = await user.seen("/jobschedules/soon", (view: any) => view.executionInfo.recentJob !== undefined);
  assert.equal(made.executionInfo.recentJob.id, "soon:job-1");
  assert.ok(Date.parse((await user.get("/jobs/soon:job-1")).creationTime) >= Date.parse(due));
  assert.deepEqual(
    (await user.get("/jobschedules/now/jobs")).value.map(({ id, state }: any) => [id, state]),
    [["now:job-1", "active"]],
  );
  await user.gone("/jobschedules/gone");
  await user.refused(404, "JobNotFound", "GET", "/jobs/gone:job-1");
});
