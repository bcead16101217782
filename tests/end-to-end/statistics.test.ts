// Statistics of what really ran, usage metrics, applications and the operations of older versions, from outside.
import assert from "node:assert/strict";
import { test } from "node:test";
import { durationMs } from "../../src/lib/duration.ts";
import { batchUser, sh } from "../support/batch-user.ts";
import { startQuern } from "../support/quern.ts";

test("statistics", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const user = batchUser(quern);
  const old = async (path: string): Promise<any> => (await user.ok("GET", path, undefined, { version: "2018-08-01.7.0" })).json;
  await user.pool("p", { taskSlotsPerNode: 2 });
  await user.job("j", "p");
  const busy = sh("i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; exit $1");
  await user.task("j", "good", busy.replace("$1", "0"));
  await user.task("j", "bad", busy.replace("$1", "3"), { constraints: { maxTaskRetryCount: 2 } });
  for (const id of ["good", "bad"]) await user.taskIs("j", id);

  await t.test("of tasks, and of their job as the sum of them", async () => {
    const tasks = (await user.get("/jobs/j/tasks?$expand=stats")).value;
    for (const { id, stats, executionInfo } of tasks) {
      assert.equal(stats.url, `${quern.ready.batchUrl}/jobs/j/tasks/${id}/stats`);
      const lastRun = Date.parse(executionInfo.endTime) - Date.parse(executionInfo.startTime);
      const [wall, cpu] = [durationMs(stats.wallClockTime), durationMs(stats.userCPUTime) + durationMs(stats.kernelCPUTime)];
      assert.ok(cpu > 0 && wall >= lastRun, JSON.stringify(stats));
      if (id === "bad") assert.ok(wall >= 2 * Math.min(lastRun, 10), "the runs before the last count as well");
    }
    const { stats } = await user.get("/jobs/j?$expand=stats");
    assert.deepEqual([stats.numSucceededTasks, stats.numFailedTasks, stats.numTaskRetries], ["1", "1", "2"]);
    for (const name of ["userCPUTime", "kernelCPUTime", "wallClockTime", "waitTime"]) {
      const sum = tasks.reduce((all: number, task: any) => all + durationMs(task.stats[name]), 0);
      assert.equal(durationMs(stats[name]), sum, name);
    }
    assert.deepEqual((await user.get("/jobs?$select=id,stats")).value[0].stats.numTaskRetries, "2");
    assert.equal((await user.get("/jobs/j")).stats, undefined);
  });

  await t.test("of a pool: the time of its cores", async () => {
    const { stats } = (await user.get("/pools?$expand=stats")).value[0];
    assert.ok(durationMs(stats.usageStats.dedicatedCoreTime) > 0);
    const node = (await user.nodes("p"))[0];
    const cores = durationMs(stats.usageStats.dedicatedCoreTime) / (Date.parse(stats.lastUpdateTime) - Date.parse(node.allocationTime));
    assert.equal(Math.round(cores), 2);
  });

  await t.test("of the account, whatever was deleted", async () => {
    await user.ok("DELETE", "/jobs/j");
    await user.gone("/jobs/j");
    const before = durationMs((await old("/lifetimepoolstats")).usageStats.dedicatedCoreTime);
    await user.ok("DELETE", "/pools/p");
    await user.gone("/pools/p");
    const jobs = await old("/lifetimejobstats");
    assert.equal(jobs["odata.metadata"], `${quern.ready.batchUrl}/$metadata#jobstats/@Element`);
    assert.deepEqual([jobs.url, jobs.numSucceededTasks, jobs.numFailedTasks], [`${quern.ready.batchUrl}/lifetimejobstats`, "1", "1"]);
    assert.ok(durationMs((await old("/lifetimepoolstats")).usageStats.dedicatedCoreTime) >= before && before > 0);
    assert.equal(Number((await quern.client().job.getAllLifetimeStatistics()).numTaskRetries), 2);
    for (const path of ["/lifetimejobstats", "/lifetimepoolstats", "/nodeagentskus"])
      assert.equal((await user.raw({ method: "GET", path })).status, 404, `${path} is gone from the newer versions`);
  });

  await t.test("usage metrics of an interval that is over", async () => {
    assert.deepEqual([...(await quern.client().pool.listUsageMetrics())], []);
    const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
    assert.deepEqual((await user.get(`/poolusagemetrics?startTime=${hoursAgo(5)}&endtime=${hoursAgo(3)}`)).value, []);
    await user.refused(400, "InvalidQueryParameterValue", "GET", `/poolusagemetrics?starttime=${hoursAgo(2)}`);
  });

  await t.test("applications: none, until the management plane makes some", async () => {
    assert.deepEqual([...(await quern.client().application.list())], []);
    await assert.rejects(quern.client().application.get("blender"), { code: "ApplicationNotFound" });
  });

  await t.test("of a schedule: of the jobs that it made, also of those that are gone; another of its id begins anew", async () => {
    await user.pool("q", {});

    const schedule = { id: "s", schedule: {}, jobSpecification: { poolInfo: { poolId: "q" } } };
    const succeeded = async (): Promise<string> => (await user.get("/jobschedules/s?$expand=stats")).stats.numSucceededTasks;
    await user.ok("POST", "/jobschedules", schedule);
    await user.task("s:job-1", "t", "/bin/true");
    await user.taskIs("s:job-1", "t");
    assert.equal(await succeeded(), "1");
    await user.ok("DELETE", "/jobs/s:job-1");
    await user.gone("/jobs/s:job-1");
    assert.equal(await succeeded(), "1");
    await user.ok("DELETE", "/jobschedules/s");
    await user.gone("/jobschedules/s");
    await user.ok("POST", "/jobschedules", schedule);
    assert.equal(await succeeded(), "0");
  });

  await t.test("what older clients ask for", async () => {
    const skus = (await old("/nodeagentskus?$filter=osType%20eq%20'linux'")).value;
    assert.ok(skus.some((sku: any) => sku.id === "batch.node.ubuntu 22.04" && sku.verifiedImageReferences.length > 0));
    await user.pool("vm", { targetDedicatedNodes: 0 }, null);
    const upgrade = { method: "POST", path: "/pools/vm/upgradeos", version: "2018-08-01.7.0", body: { targetOSVersion: "*" } };
    const { status, json } = await user.raw(upgrade);
    assert.deepEqual([status, json.code], [409, "OperationNotValidOnPool"]);
  });
});
