// Statistics and usage metrics through their handlers, over a store in which tasks and nodes come and go; and what only older versions have.
import assert from "node:assert/strict";
import { test } from "node:test";
import { newApplication, newPackage } from "../../src/domain/applications.ts";
import { finishTask } from "../../src/domain/task-results.ts";
import { placeTask, startTask, type Task } from "../../src/domain/tasks.ts";
import { parseFilter } from "../../src/http/odata/filter.ts";
import { filterables } from "../../src/operations/batch/index.ts";
import { insertApplication, insertPackage } from "../../src/store/applications.ts";
import { sql } from "../../src/store/db.ts";
import { deleteJob, getJob } from "../../src/store/jobs.ts";
import { pastNodesKeptMs } from "../../src/store/node-time.ts";
import { deleteNodes, insertNodes } from "../../src/store/nodes.ts";
import { deletePool, getPool } from "../../src/store/pools.ts";
import { deleteTasksOfJob, getTask, saveTasks } from "../../src/store/tasks.ts";
import { aPoolBody, aService, baseUrl, type Service } from "./operations-fixtures.ts";
import { aNode } from "./store-fixtures.ts";

const hour = 3_600_000;
const expanded = { $expand: "stats" };
const usage = { userMs: 1_500, systemMs: 250, maxRssKiB: 1, readBlocks: 2 ** 21, writeBlocks: 4 };

/** The task runs from `after` ms from now on for `forMs`, and everything is saved as the scheduler does it. */
const run = async (service: Service, taskId: string, { after, forMs, exitCode }: { after: number; forMs: number; exitCode: number }) => {
  const job = (await getJob(service.store, 1, "job1"))!;
  const save = async (change: (task: Task) => Task): Promise<void> => {
    const before = (await getTask(service.store, 1, job.uid, taskId))!;
    await service.store.commit(saveTasks([{ before, after: change(before) }]));
  };
  service.clock.advance(after);
  const startedAt = service.clock.now();
  await save((task) => startTask(placeTask(task, { poolId: "Pool1", nodeId: "n" }), startedAt));
  service.clock.advance(forMs);
  const endedAt = service.clock.now();
  await save((task) => finishTask(task, job, { startedAt, endedAt, exitCode, usage }, endedAt).after);
};

const aJobWithTasks = async (service: Service): Promise<void> => {
  const constraints = { maxTaskRetryCount: 1 };
  await service.call("Job_Add", { body: { id: "Job1", poolInfo: { poolId: "Pool1" }, constraints } });
  for (const id of ["Good", "Bad"]) await service.call("Task_Add", { params: { jobId: "job1" }, body: { id, commandLine: "c" } });
  await run(service, "good", { after: 1_000, forMs: 2_000, exitCode: 0 });
  await run(service, "bad", { after: 0, forMs: 500, exitCode: 1 });
  await run(service, "bad", { after: 250, forMs: 750, exitCode: 1 });
};

const ofJob = {
  startTime: "2026-01-01T00:00:00Z",
  userCPUTime: "PT4.5S",
  kernelCPUTime: "PT0.75S",
  wallClockTime: "PT3.25S",
  readIOps: String(3 * 2 ** 21),
  writeIOps: "12",
  readIOGiB: 3,
  writeIOGiB: 0.00000572204589844,
  numSucceededTasks: "1",
  numFailedTasks: "1",
  numTaskRetries: "1",
  waitTime: "PT4.75S",
};

test("statistics of tasks and their job, asked for by $expand or $select", async (t) => {
  const service = await aService(t);
  await aJobWithTasks(service);
  const now = "2026-01-01T00:00:04.5Z";
  const job = (await service.call("Job_Get", { params: { jobId: "job1" }, query: expanded })).body;
  assert.deepEqual(job.stats, { url: `${baseUrl}/jobs/Job1/stats`, lastUpdateTime: now, ...ofJob });
  assert.deepEqual((await service.call("Job_List", { query: { $select: "id, stats" } })).items[0].stats, job.stats);
  const params = { jobId: "job1", taskId: "bad" };
  const task = (await service.call("Task_Get", { params, query: expanded })).body;
  assert.deepEqual(task.stats, {
    url: `${baseUrl}/jobs/Job1/tasks/Bad/stats`,
    startTime: "2026-01-01T00:00:00Z",
    lastUpdateTime: now,
    userCPUTime: "PT3S",
    kernelCPUTime: "PT0.5S",
    wallClockTime: "PT1.25S",
    readIOps: String(2 ** 22),
    writeIOps: "8",
    readIOGiB: 2,
    writeIOGiB: 0.00000381469726563,
    waitTime: "PT3.75S",
  });
  assert.deepEqual((await service.call("Task_List", { params, query: expanded })).items[0].stats, task.stats);
  const others: Record<string, string>[] = [{}, { $select: "id" }, { $expand: "stats", $select: "id,state" }, { $select: "statsx" }];
  for (const query of others) {
    assert.equal((await service.call("Job_Get", { params, query })).body.stats, undefined);
    assert.equal((await service.call("Task_Get", { params, query })).body.stats, undefined);
  }
});

test("lifetime statistics keep what was deleted, and a job of the same id begins anew", async (t) => {
  const service = await aService(t);
  await aJobWithTasks(service);
  const lifetime = async () => (await service.call("Job_GetAllLifetimeStatistics", { version: "2022-10-01.16.0" })).body;
  const expected = { url: `${baseUrl}/lifetimejobstats`, lastUpdateTime: "2026-01-01T00:00:04.5Z", ...ofJob };
  assert.deepEqual(await lifetime(), expected);
  const job = (await getJob(service.store, 1, "job1"))!;
  await service.store.commit((await deleteTasksOfJob(service.store, { accountId: 1, jobUid: job.uid, limit: 9 })).writes);
  const statsOf = async () => (await service.call("Job_Get", { params: { jobId: "job1" }, query: expanded })).body.stats;
  assert.equal((await statsOf()).numFailedTasks, "1");
  await service.store.commit(deleteJob(job));
  assert.deepEqual(await lifetime(), expected);
  await aJobWithTasks(service);
  assert.equal((await statsOf()).numSucceededTasks, "1");
  assert.equal((await lifetime()).numSucceededTasks, "2");
  assert.equal(
    (await service.call("Job_GetAllLifetimeStatistics", { version: "2022-10-01.16.0", accountId: 2 })).body.numSucceededTasks,
    "0",
  );
});

const poolWithNodes = async (service: Service, id: string, nodes: readonly [name: string, dedicated: boolean][]): Promise<void> => {
  await service.call("Pool_Add", { body: aPoolBody({ id }) });
  const made = nodes.map(([name, isDedicated]) =>
    aNode({ id: `tvmps_${name}`, poolKey: id.toLowerCase(), isDedicated, allocatedAt: service.clock.now() }),
  );
  await service.store.commit(insertNodes(made));
};
const remove = (service: Service, poolKey: string, name: string): Promise<void> =>
  service.store.commit(deleteNodes([aNode({ id: `tvmps_${name}`, poolKey })], service.clock.now()));

test("core time of dedicated nodes, those that left included, in the pool and for ever", async (t) => {
  const service = await aService(t);
  await poolWithNodes(service, "Pool1", [
    ["a", true],
    ["b", true],
    ["c", false],
  ]);
  service.clock.advance(hour);
  await remove(service, "pool1", "a");
  service.clock.advance(hour / 2);
  const pool = async () => (await service.call("Pool_Get", { params: { poolId: "pool1" }, query: expanded })).body;
  const lifetime = async () => (await service.call("Pool_GetAllLifetimeStatistics", { version: "2022-10-01.16.0" })).body;
  const between = { startTime: "2026-01-01T00:00:00Z", lastUpdateTime: "2026-01-01T01:30:00Z" };
  const stats = (url: string) => ({ url: `${baseUrl}/${url}`, ...between, usageStats: { ...between, dedicatedCoreTime: "PT5H" } });
  assert.deepEqual((await pool()).stats, stats("pools/Pool1/stats"));
  assert.deepEqual((await service.call("Pool_List", { query: expanded })).items[0].stats, stats("pools/Pool1/stats"));
  assert.deepEqual(await lifetime(), stats("lifetimepoolstats"));
  for (const name of ["b", "c"]) await remove(service, "pool1", name);
  await service.store.commit(deletePool((await getPool(service.store, 1, "pool1"))!));
  assert.deepEqual(await lifetime(), stats("lifetimepoolstats"));
  await service.call("Pool_Add", { body: aPoolBody() });
  assert.equal((await pool()).stats.usageStats.dedicatedCoreTime, "PT0S");
});

test("usage metrics: half hours, at least two hours old, of pools that are gone as well", async (t) => {
  const service = await aService(t);
  await poolWithNodes(service, "Pool1", [
    ["a", true],
    ["b", false],
  ]);
  service.clock.advance(hour / 2);
  await remove(service, "pool1", "a");
  await poolWithNodes(service, "Pool2", [["d", true]]);
  service.clock.advance(hour / 4);
  await remove(service, "pool1", "b");
  await service.store.commit(deletePool((await getPool(service.store, 1, "pool1"))!));
  const list = async (query: Record<string, string> = {}, filter?: string, more: object = {}) =>
    service.call("Pool_ListUsageMetrics", {
      query,
      filter: filter === undefined ? undefined : parseFilter(filter, filterables.Pool_ListUsageMetrics!),
      ...more,
    });
  assert.deepEqual((await list()).items, []);
  service.clock.advance(2.25 * hour);
  const at = (time: string): string => `2026-01-01T${time}:00Z`;
  const vmSize = "standard_d2_v3";
  const first = { poolId: "Pool1", startTime: at("00:00"), endTime: at("00:30"), vmSize, totalCoreHours: 2 };
  const second = { poolId: "Pool1", startTime: at("00:30"), endTime: at("01:00"), vmSize, totalCoreHours: 0.5 };
  const third = { poolId: "Pool2", startTime: at("00:30"), endTime: at("01:00"), vmSize, totalCoreHours: 1 };
  assert.deepEqual((await list()).items, [second, third]);
  const query = { starttime: at("00:00") };
  const all = await list(query);
  assert.deepEqual(all.items, [first, second, third]);
  assert.deepEqual((await list({ ...query, endtime: at("00:30") })).items, [first]);
  assert.deepEqual((await list(query, "poolId eq 'POOL2'")).items, [third]);
  assert.deepEqual((await list(query, "startswith(poolId,'pool') and poolId lt 'pool2'")).items, [first, second]);
  const page = await list(query, undefined, { page: { limit: 2 } });
  assert.deepEqual(page.items, [first, second]);
  assert.deepEqual((await list(query, undefined, { page: { limit: 2, after: page.reply.next } })).items, [third]);
  assert.deepEqual((await list(query, undefined, { accountId: 2 })).items, []);
  assert.equal((await list(query, undefined, { version: "2018-08-01.7.0" })).items[0].dataIngressGiB, 0);
  for (const [name, time] of [
    ["starttime", at("01:00")],
    ["endtime", at("01:30")],
  ] as const) {
    const error = await service.refusal("Pool_ListUsageMetrics", { query: { [name]: time } });
    assert.deepEqual([error.code, error.values[0]?.value], ["InvalidQueryParameterValue", name]);
  }
  assert.equal((await service.refusal("Pool_ListUsageMetrics", { query: { starttime: "yesterday" } })).code, "InvalidQueryParameterValue");

  // What is older than the metrics reach back goes with the next node; totals stay.
  service.clock.advance(pastNodesKeptMs);
  await remove(service, "pool2", "d");
  assert.deepEqual(
    (await service.store.all<{ node_id: string }>(sql`SELECT node_id FROM past_nodes`)).map((row) => row.node_id),
    ["tvmps_d"],
  );
});

test("applications are those of the management plane, with the versions that are active", async (t) => {
  const service = await aService(t);
  assert.deepEqual((await service.call("Application_List")).items, []);
  assert.equal((await service.refusal("Application_Get", { params: { applicationId: "blender" } })).code, "ApplicationNotFound");
  const add = (id: string, displayName?: string) => {
    const application = { ...newApplication(id, { accountId: 1, stamp: 0 }), displayName };
    return { application, writes: insertApplication(application) };
  };
  const blenderRow = add("Blender", "Blender 4");
  const version = (text: string, state: "active" | "pending") => {
    const at = { accountName: "acc", storageAccount: "store", guid: text, stamp: 0 };
    return insertPackage({ ...newPackage(blenderRow.application, text, at), state });
  };
  await service.store.commit([
    ...blenderRow.writes,
    ...add("other").writes,
    ...["4.1", "4.2"].flatMap((one) => version(one, "active")),
    ...version("5", "pending"),
  ]);
  const blender = { id: "Blender", displayName: "Blender 4", versions: ["4.1", "4.2"] };
  assert.deepEqual((await service.call("Application_Get", { params: { applicationId: "BLENDER" } })).body, blender);
  const first = await service.call("Application_List", { page: { limit: 1 } });
  assert.deepEqual(first.items, [blender]);
  const rest = await service.call("Application_List", { page: { limit: 1, after: first.reply.next } });
  assert.deepEqual([rest.items, rest.reply.next], [[{ id: "other", displayName: "", versions: [] }], undefined]);
});

test("agents with the images that go with them, for clients of the time", async (t) => {
  const service = await aService(t);
  const list = async (filter?: string, page = { limit: 1000 } as { limit: number; after?: string }) =>
    service.call("Account_ListNodeAgentSkus", {
      version: "2017-01-01.4.0",
      page,
      filter: filter === undefined ? undefined : parseFilter(filter, filterables.Account_ListNodeAgentSkus!),
    });
  const all = (await list()).items;
  const jammy = all.find(({ id }) => id === "batch.node.ubuntu 22.04");
  assert.equal(jammy.osType, "linux");
  const image = { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts", version: "latest" };
  assert.deepEqual(jammy.verifiedImageReferences[0], image);
  assert.deepEqual(
    (await list("osType eq 'Windows'")).items.map(({ id }) => id),
    ["batch.node.windows amd64"],
  );
  const images = (await service.call("Account_ListSupportedImages")).items;
  assert.equal(all.flatMap(({ verifiedImageReferences }) => verifiedImageReferences).length, images.length);
  const pages: string[] = [];
  for (let after: string | undefined; ; ) {
    const { items, reply } = await list("osType eq 'linux'", { limit: 2, after });
    pages.push(...items.map(({ id }) => id));
    if (reply.next === undefined) break;
    after = reply.next;
  }
  assert.deepEqual(
    pages,
    all.filter(({ osType }) => osType === "linux").map(({ id }) => id),
  );
});

test("an upgrade of the operating system is refused to pools of virtual machines, and one of Cloud Services shows it", async (t) => {
  const service = await aService(t);
  const version = "2018-08-01.7.0";
  const upgrade = { version, params: { poolId: "pool1" }, body: { targetOSVersion: "WA-GUEST-OS-4.45_201708-01" } } as const;
  assert.equal((await service.refusal("Pool_UpgradeOS", upgrade)).code, "PoolNotFound");
  await service.call("Pool_Add", { body: aPoolBody() });
  const error = await service.refusal("Pool_UpgradeOS", upgrade);
  const reason = "Operation upgradeos can be invoked only on pools created with cloudServiceConfiguration";
  assert.deepEqual([error.code, error.values], ["OperationNotValidOnPool", [{ key: "Reason", value: reason }]]);
  const cloud = { id: "Cloud", vmSize: "small", cloudServiceConfiguration: { osFamily: "4" } };
  const before = (await service.call("Pool_Add", { version, body: cloud })).reply.modified!;
  const { reply } = await service.call("Pool_UpgradeOS", { ...upgrade, params: { poolId: "cloud" } });
  assert.ok(reply.modified! > before);
  const shown = (await service.call("Pool_Get", { version, params: { poolId: "cloud" } })).body.cloudServiceConfiguration;
  assert.deepEqual([shown.targetOSVersion, shown.currentOSVersion], [upgrade.body.targetOSVersion, upgrade.body.targetOSVersion]);
  const old = await service.refusal("Pool_UpgradeOS", { ...upgrade, params: { poolId: "cloud" }, preconditions: { ifMatch: ["0x1"] } });
  assert.equal(old.code, "ConditionNotMet");
});
