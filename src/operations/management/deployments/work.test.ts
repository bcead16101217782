// Many deployments at once: some of them go on while the others wait, and a stop waits for no more than those.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ManualClock } from "../../../lib/clock.ts";
import { seededIds } from "../../../lib/ids.ts";
import { silentLog } from "../../../lib/log.ts";
import { type Deployment, getDeployment, insertDeployment } from "../../../store/deployments.ts";
import { openSqlite } from "../../../store/sqlite.ts";
import { deploymentRunner } from "./work.ts";

const total = 20;
const template = {
  $schema: "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
  contentVersion: "1.0.0.0",
  resources: [{ type: "Microsoft.Resources/resourceGroups", apiVersion: "2021-04-01", name: "made", location: "eastus" }],
};

const aDeployment = (n: number): Deployment => ({
  scope: "",
  key: `d${n}`,
  name: `d${n}`,
  runId: `run-${n}`,
  state: "Accepted",
  request: {
    mode: "Incremental",
    parameters: {},
    templateHash: "1",
    location: "eastus",
    caller: { objectId: "o", clientId: "c", tenantId: "t", role: "owner", name: "n" },
    baseUrl: "https://h:1",
    nesting: 0,
    resources: [],
  },
  startedAt: 0,
  changedAt: 0,
  generation: 0,
});

const world = async (t: TestContext) => {
  const clock = new ManualClock();
  const store = await openSqlite({ file: ":memory:", clock });
  t.after(() => store.close());
  await store.commit(Array.from({ length: total }, (_, n) => insertDeployment(aDeployment(n), template)));
  const settings = { subscriptionId: "s", subscriptionName: "S", tenantId: "t", region: "eastus", domain: "localhost" };
  const services = { store, clock, ids: seededIds(1), log: silentLog, settings };
  const asked: (() => void)[] = [];
  const call = async () => {
    await new Promise<void>((answer) => asked.push(answer));
    return { status: 200, headers: {}, body: { properties: { provisioningState: "Succeeded" } } };
  };
  const runner = deploymentRunner(services as never, { call, check: () => {} });
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { store, runner, asked, turns };
};

test("four deployments go on at once, then the next, and all of them come to their end", async (t) => {
  const { store, runner, asked, turns } = await world(t);
  await runner.start();
  for (let ended = 0; ended < total; ) {
    await turns();
    assert.equal(asked.length, Math.min(4, total - ended));
    ended += asked.length;
    for (const answer of asked.splice(0)) answer();
  }
  await turns();
  for (let n = 0; n < total; n++) assert.equal((await getDeployment(store, { scope: "", key: `d${n}` }))?.state, "Succeeded");
  await runner.stop();
});

test("a stop does not wait for those whose turn has not come", async (t) => {
  const { store, runner, asked, turns } = await world(t);
  await runner.start();
  await turns();
  const stopped = runner.stop();
  for (const answer of asked.splice(0)) answer();
  await stopped;
  assert.deepEqual(asked, []);
  assert.equal((await getDeployment(store, { scope: "", key: "d9" }))?.state, "Accepted");
});
