// The deletion of a Batch account with everything in it: running tasks end, files of packages go, and a deletion that a kill -9 interrupts goes on.
import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../src/lib/clock.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { armPoll, armRequest } from "../support/arm.ts";
import { accountPath, anUbuntuPool, asAccount, createAccount, keysOf } from "../support/batch-accounts.ts";
import { newLocation, type Quern, startQuern, until } from "../support/quern.ts";

const accountTables = [
  "pools",
  "nodes",
  "jobs",
  "job_counts",
  "tasks",
  "task_dependencies",
  "job_schedules",
  "certificates",
  "applications",
  "application_packages",
  "private_endpoint_connections",
  "past_statistics",
  "past_node_time",
  "past_nodes",
];

/** Rows of the account in any table, by table; nothing of those that have none. */
const rowsLeft = async (location: string, accountId: number): Promise<Record<string, number>> => {
  const store = await openSqlite({ file: join(location, "quern.db"), clock: systemClock() });
  try {
    const counts = await Promise.all(
      accountTables.map(async (table) => {
        const row = await store.get<{ n: number }>({
          text: `SELECT count(*) AS n FROM ${table} WHERE account_id = ?`,
          values: [accountId],
        });
        return [table, row!.n] as const;
      }),
    );
    return Object.fromEntries(counts.filter(([, n]) => n > 0));
  } finally {
    await store.close();
  }
};

/** Pools with nodes, tasks that run and wait, a schedule with a job, an application with a package. Resolves when a task runs. */
const fill = async (quern: Quern, name: string, flag: string): Promise<void> => {
  const { primary } = await keysOf(quern, name);
  const send = async (path: string, body: object): Promise<void> => {
    const answer = await asAccount(quern, name, primary, { method: "POST", path, body });
    assert.ok(answer.status < 300, `${path}: ${answer.status} ${answer.text}`);
  };
  await send("/pools", anUbuntuPool("p", { targetDedicatedNodes: 2 }));
  await send("/pools", anUbuntuPool("empty"));
  await send("/jobs", { id: "j", poolInfo: { poolId: "p" } });
  await send("/jobs", { id: "k", poolInfo: { poolId: "empty" } });
  const tasks = Array.from({ length: 20 }, (_, n) => ({ id: `t${n}`, commandLine: `/bin/sh -c 'touch ${flag}; exec sleep 600'` }));
  await send("/jobs/j/addtaskcollection", { value: tasks });
  await send("/jobs/k/addtaskcollection", { value: tasks });
  await send("/jobschedules", { id: "s", schedule: {}, jobSpecification: { poolInfo: { poolId: "p" } } });
  const application = `${accountPath(name)}/applications/app`;
  for (const path of [application, `${application}/versions/1.0`]) {
    const answer = await armRequest(quern, { method: "PUT", path, body: {} });
    assert.equal(answer.status, 200, answer.text);
  }
  await until(
    () => asAccount(quern, name, primary, { method: "GET", path: "/jobs/j/tasks?$filter=state eq 'running'".replaceAll(" ", "%20") }),
    ({ json }) => json.value.length === 2 && existsSync(flag),
  );
};

/** A file that a task makes; beside the location, which may hold nothing foreign. */
const flagOf = (t: TestContext, location: string): string => {
  t.after(() => rmSync(`${location}.flag`, { force: true }));
  return `${location}.flag`;
};

const storageOf = (quern: Quern) => ({
  properties: {
    autoStorage: {
      storageAccountId: `/subscriptions/${quern.ready.subscriptionId}/resourceGroups/${quern.ready.resourceGroup}/providers/Microsoft.Storage/storageAccounts/devstoreaccount1`,
    },
  },
});

test("an account is deleted with running tasks", { timeout: 120_000 }, async (t) => {
  const location = await newLocation(t);
  const quern = await startQuern(t, { location });
  await createAccount(quern, "doomed", storageOf(quern));
  await createAccount(quern, "other");
  await fill(quern, "doomed", flagOf(t, location));
  const { primary } = await keysOf(quern, "other");
  await asAccount(quern, "other", primary, { method: "POST", path: "/pools", body: anUbuntuPool("p") });
  const answer = await armRequest(quern, { method: "DELETE", path: accountPath("doomed") });
  assert.equal(answer.status, 202);
  const ended = await armPoll(quern, String(answer.headers.location));
  assert.deepEqual([ended.status, ended.text], [200, ""]);
  const pools = await asAccount(quern, "other", primary, { method: "GET", path: "/pools" });
  assert.deepEqual(
    pools.json.value.map(({ id }: { id: string }) => id),
    ["p"],
    "another account keeps what it has",
  );
  await quern.stop();
  assert.deepEqual(await rowsLeft(location, 2), {});
});

const interrupted = async (t: TestContext, name: string, create: boolean): Promise<void> => {
  const location = await newLocation(t);
  const before = await startQuern(t, { location });
  if (create) await createAccount(before, name, storageOf(before));
  await fill(before, name, flagOf(t, location));
  const answer = await armRequest(before, { method: "DELETE", path: accountPath(name) });
  assert.equal(answer.status, 202);
  await before.kill();
  const after = await startQuern(t, { location });
  const ended = await armPoll(after, String(answer.headers.location));
  assert.deepEqual([ended.status, ended.text], [200, ""]);
  const got = await armRequest(after, { method: "GET", path: accountPath(name) });
  assert.equal(got.status, create ? 404 : 200);
  if (!create) {
    const pools = await after.raw({ method: "GET", path: "/pools" });
    assert.deepEqual(pools.json.value, [], "the account that came back has nothing of the one before");
  }
  await after.stop();
  assert.deepEqual(await rowsLeft(location, create ? 2 : 1), {});
};

test("a deletion that kill -9 interrupts goes on at the next start", { timeout: 120_000 }, (t) => interrupted(t, "doomed", true));

test("one of an account of the command line too, which is there again and empty", { timeout: 120_000 }, (t) =>
  interrupted(t, "devbatchaccount1", false),
);
