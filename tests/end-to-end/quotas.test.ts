// Quotas of the command line on a real server: what is refused, what is granted in part, and what an account shows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { armRequest } from "../support/arm.ts";
import { accountPath, anUbuntuPool, createAccount } from "../support/batch-accounts.ts";
import { type Quern, startQuern, startRefused, until } from "../support/quern.ts";
import type { Answer } from "../support/signed.ts";

const post = (quern: Quern, path: string, body: object): Promise<Answer> => quern.raw({ method: "POST", path, body });
const steadyPool = async (quern: Quern, id: string): Promise<any> =>
  (
    await until(
      () => quern.raw({ method: "GET", path: `/pools/${id}` }),
      ({ json }) => json.allocationState === "steady",
    )
  ).json;

test("quotas", { timeout: 60_000 }, async (t) => {
  const env = { QUERN_QUOTA: "dedicatedCores=5,lowPriorityCores=2,family:standardFFamily=1,pools=3,jobs=3,accounts=2" };
  const quern = await startQuern(t, { args: ["--storage", "none"], env });

  await t.test("an account shows them, and its location how many accounts it may have", async () => {
    const { properties } = (await armRequest(quern, { method: "GET", path: accountPath(quern.ready.account) })).json;
    const { dedicatedCoreQuota, lowPriorityCoreQuota, poolQuota, activeJobAndJobScheduleQuota, dedicatedCoreQuotaPerVMFamily } = properties;
    assert.deepEqual([dedicatedCoreQuota, lowPriorityCoreQuota, poolQuota, activeJobAndJobScheduleQuota], [5, 2, 3, 3]);
    const family = dedicatedCoreQuotaPerVMFamily.find(({ name }: { name: string }) => name === "standardFFamily");
    assert.deepEqual(family, { name: "standardFFamily", coreQuota: 1 });
    const path = "/subscriptions/{sub}/providers/Microsoft.Batch/locations/eastus/quotas";
    assert.deepEqual((await armRequest(quern, { method: "GET", path })).json, { accountQuota: 2 });
  });

  await t.test("a pool gets the nodes that there is room for, and the error of the service for the rest", async () => {
    const wanted = { targetDedicatedNodes: 4, targetLowPriorityNodes: 2 };
    assert.equal((await post(quern, "/pools", anUbuntuPool("cores", wanted))).status, 201);
    const pool = await steadyPool(quern, "cores");
    assert.deepEqual([pool.currentDedicatedNodes, pool.targetDedicatedNodes], [2, 4]);
    assert.deepEqual([pool.currentLowPriorityNodes, pool.targetLowPriorityNodes], [1, 2]);
    const codes = pool.resizeErrors.map(({ code }: { code: string }) => code);
    assert.deepEqual(codes, ["AccountCoreQuotaReached", "AccountLowPriorityCoreQuotaReached"]);
    const series = anUbuntuPool("series", { vmSize: "standard_f2", targetDedicatedNodes: 1 });
    assert.equal((await post(quern, "/pools", series)).status, 201);
    assert.equal((await steadyPool(quern, "series")).resizeErrors[0].code, "AccountVMSeriesCoreQuotaReached");
    const why = (await quern.raw({ method: "GET", path: "/_quern/why?poolId=series" })).text;
    assert.match(why, /quota of dedicated cores of the VM series/);
  });

  await t.test("room that another pool gives back can be had by the next resize", async () => {
    assert.equal((await post(quern, "/pools/cores/resize", { targetDedicatedNodes: 1, targetLowPriorityNodes: 0 })).status, 202);
    assert.equal((await steadyPool(quern, "cores")).resizeErrors, undefined);
    assert.equal((await post(quern, "/pools", anUbuntuPool("third", { targetDedicatedNodes: 1 }))).status, 201);
    const third = await steadyPool(quern, "third");
    assert.deepEqual([third.currentDedicatedNodes, third.resizeErrors], [1, undefined]);
  });

  await t.test("one pool too many is refused, also through ARM, also an automatic one", async () => {
    const fourth = await post(quern, "/pools", anUbuntuPool("fourth"));
    assert.deepEqual([fourth.status, fourth.json.code], [409, "PoolQuotaReached"]);
    const properties = {
      vmSize: "standard_d2_v3",
      deploymentConfiguration: {
        virtualMachineConfiguration: {
          imageReference: { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" },
          nodeAgentSkuId: "batch.node.ubuntu 22.04",
        },
      },
    };
    const path = `${accountPath(quern.ready.account)}/pools/fourth`;
    const byArm = await armRequest(quern, { method: "PUT", path, body: { properties } });
    assert.deepEqual([byArm.status, byArm.json.error.code], [409, "PoolQuotaReached"]);
    const { id: _, ...specification } = anUbuntuPool("x");
    const autoPoolSpecification = { poolLifetimeOption: "job", pool: specification };
    assert.equal((await post(quern, "/jobs", { id: "auto", poolInfo: { autoPoolSpecification } })).status, 201);
    const { state, executionInfo } = (await quern.raw({ method: "GET", path: "/jobs/auto" })).json;
    assert.deepEqual([state, executionInfo.schedulingError.code], ["completed", "AutoPoolCreationFailedWithQuotaReached"]);
  });

  await t.test("jobs and schedules that have not ended count together, those that have do not", async () => {
    const job = (id: string) => post(quern, "/jobs", { id, poolInfo: { poolId: "cores" } });
    assert.deepEqual([(await job("a")).status, (await job("b")).status], [201, 201]);
    const jobSpecification = { poolInfo: { poolId: "cores" } };
    const later = { doNotRunUntil: "2099-01-01T00:00:00Z" };
    assert.equal((await post(quern, "/jobschedules", { id: "s", schedule: later, jobSpecification })).status, 201);
    const refused = await job("c");
    assert.deepEqual([refused.status, refused.json.code], [409, "ActiveJobAndScheduleQuotaReached"]);
    const schedule = await post(quern, "/jobschedules", { id: "s2", schedule: later, jobSpecification });
    assert.deepEqual([schedule.status, schedule.json.code], [409, "ActiveJobAndScheduleQuotaReached"]);
    await post(quern, "/jobs/a/terminate", {});
    await until(
      () => quern.raw({ method: "GET", path: "/jobs/a" }),
      ({ json }) => json.state === "completed",
    );
    assert.equal((await job("c")).status, 201);
  });

  await t.test("of requests that come together only as many get through as there is room for", async () => {
    await quern.raw({ method: "DELETE", path: "/jobschedules/s" });
    await until(
      () => quern.raw({ method: "GET", path: "/jobschedules/s" }),
      ({ status }) => status === 404,
    );
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => post(quern, "/jobs", { id: `many${n}`, poolInfo: { poolId: "cores" } })),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, ...Array(7).fill(409)]);
  });

  await t.test("one account too many in a location is refused", async () => {
    await createAccount(quern, "second", { location: "eastus" });
    const third = await armRequest(quern, { method: "PUT", path: accountPath("third"), body: { location: "eastus" } });
    assert.deepEqual([third.status, third.json.error.code], [409, "SubscriptionQuotaExceeded"]);
    await createAccount(quern, "third", { location: "japaneast" });
  });
});

test("pools that grow at the same time do not get more cores together than there are", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none", "--quota", "dedicatedCores=9"] });
  const ids = Array.from({ length: 6 }, (_, n) => `p${n}`);
  await Promise.all(ids.map((id) => post(quern, "/pools", anUbuntuPool(id, { targetDedicatedNodes: 2 }))));
  const pools = await Promise.all(ids.map((id) => steadyPool(quern, id)));
  const nodes = pools.reduce((sum, pool) => sum + pool.currentDedicatedNodes, 0);
  assert.equal(nodes, 4, "nine cores are four nodes of two");
  for (const { currentDedicatedNodes, resizeErrors } of pools) assert.equal(resizeErrors === undefined, currentDedicatedNodes === 2);
});

test("a quota that is none is refused at the start", async () => {
  const { code, stderr } = await startRefused(["--quota", "nodes=3"]);
  assert.equal(code, 2);
  assert.match(stderr, /--quota takes NAME=NUMBER/);
});
