// Migrations: a database of every earlier schema opens with its data, one of a newer Quern is refused untouched, and a migration that
// fails leaves nothing behind. tests/contract/store-migrations/NNNN.sql holds rows as schema NNNN had them.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { getAccountByName } from "../../src/store/accounts.ts";
import { choresOfNode } from "../../src/store/chores.ts";
import { sql } from "../../src/store/db.ts";
import { getJobSchedule } from "../../src/store/job-schedules.ts";
import { getJob, jobCounts } from "../../src/store/jobs.ts";
import { LocationTooNew, migrate, readMigrations } from "../../src/store/migrations.ts";
import { getNodeById } from "../../src/store/nodes.ts";
import { getPool } from "../../src/store/pools.ts";
import { sanityCheck } from "../../src/store/sanity-check.ts";
import { getSetting } from "../../src/store/settings.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { getTask, listTasks } from "../../src/store/tasks.ts";
import { temporaryFolder } from "./store-fixtures.ts";

const clock = { now: () => Date.UTC(2026, 0, 1) };
const migrations = readMigrations();

test("migrations are numbered without a gap", () => {
  assert.deepEqual(
    migrations.map(({ number }) => number),
    migrations.map((_, index) => index + 1),
  );
});

for (const { number } of migrations) {
  test(`data of schema ${number} opens`, async (t) => {
    const file = join(temporaryFolder(t), "quern.db");
    const old = new DatabaseSync(file);
    migrate(old, clock, migrations.slice(0, number));
    old.exec(readFileSync(new URL(`./store-migrations/${String(number).padStart(4, "0")}.sql`, import.meta.url), "utf8"));
    old.close();

    const store = await openSqlite({ file });
    t.after(() => store.close());
    assert.equal(await getSetting(store, "location"), "kept");
    assert.deepEqual((await getAccountByName(store, "devbatchaccount1"))?.keys, ["a2V5", ""]);
    assert.equal((await getPool(store, 1, "pool1"))?.spec.vmSize, "standard_d2s_v3");
    assert.equal((await getNodeById(store, "tvmps_1_d"))?.recentTasks[0]?.taskId, "one");
    const job = (await getJob(store, 1, "job1"))!;
    assert.deepEqual([job.id, (await jobCounts(store, 1, job.uid))?.succeeded], ["Job1", 1]);
    const tasks = await listTasks(store, { accountId: 1, jobUid: job.uid, limit: 9 });
    assert.deepEqual(
      tasks.map(({ id, blocked }) => [id, blocked]),
      [
        ["2", 0],
        ["merge", 1],
        ["One", 0],
      ],
    );
    assert.equal((await getTask(store, 1, job.uid, "one"))?.execution.exitCode, 0);
    assert.equal((await choresOfNode(store, 1, "tvmps_1_d")).length, 1);
    assert.equal((await getJobSchedule(store, 1, "nightly"))?.id, number === 2 ? "Nightly" : undefined);
    assert.deepEqual(await sanityCheck(store), []);
    const applied = await store.all<{ number: number }>(sql`SELECT number FROM migrations`);
    assert.deepEqual(
      applied.map((row) => row.number),
      migrations.map((each) => each.number),
    );
  });
}

test("tasks that waited for packages or tokens go on, or wait for what else they need", async (t) => {
  const file = join(temporaryFolder(t), "quern.db");
  const old = new DatabaseSync(file);
  migrate(old, clock, migrations.slice(0, 7));
  const held = "ApplicationPackagesNotSupported";
  const specs: [spec: object, held: string | null, becomes: string | null][] = [
    [{}, held, null],
    [{ containerSettings: { imageName: "i" } }, held, "ContainerSettingsNotSupported"],
    [{ authenticationTokenSettings: { access: ["job"] } }, held, null],
    [{ authenticationTokenSettings: {} }, "AuthenticationTokenNotSupported", null],
    [
      { authenticationTokenSettings: {}, resourceFiles: [{ httpUrl: "http://h/a", identityReference: {} }] },
      "AuthenticationTokenNotSupported",
      "AutoStorageNotSupported",
    ],
    [{ resourceFiles: [{ httpUrl: "http://h/a" }, { autoStorageContainerName: "c" }] }, held, null],
    [{ outputFiles: [{ destination: { container: { identityReference: {} } } }] }, held, "AutoStorageNotSupported"],
    [{ resourceFiles: [{ httpUrl: "http://h/a" }] }, held, null],
    [{ resourceFiles: [{ autoStorageContainerName: "c" }] }, "AutoStorageNotSupported", null],
    [{ resourceFiles: [{ httpUrl: "http://h/a", identityReference: {} }] }, "AutoStorageNotSupported", "AutoStorageNotSupported"],
    [{ multiInstanceSettings: {} }, "MultiInstanceNotSupported", "MultiInstanceNotSupported"],
  ];
  const insert = old.prepare(`INSERT INTO tasks (account_id, job_uid, seq, id, key, state, state_changed_at, slots, held, spec, execution,
    modified, generation) VALUES (1, 1, ?, ?, ?, 'active', 0, 1, ?, ?, '{}', 0, 1)`);
  specs.forEach(([spec, before], index) => void insert.run(index, `t${index}`, `t${index}`, before, JSON.stringify(spec)));
  old.close();
  const store = await openSqlite({ file });
  t.after(() => store.close());
  assert.deepEqual(
    (await store.all<{ held: string | null }>(sql`SELECT held FROM tasks ORDER BY seq`)).map((row) => row.held),
    specs.map(([, , after]) => after),
  );
});

test("a database of a newer Quern is refused untouched", async (t) => {
  const file = join(temporaryFolder(t), "quern.db");
  const newer = new DatabaseSync(file);
  newer.exec("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)");
  newer.exec(`INSERT INTO migrations VALUES (${migrations.length + 1}, 'later', 1)`);
  newer.close();
  const before = readFileSync(file);
  await assert.rejects(
    openSqlite({ file }),
    (error) =>
      error instanceof LocationTooNew &&
      error.found === migrations.length + 1 &&
      error.known === migrations.length &&
      /newer Quern/.test(error.message),
  );
  assert.deepEqual(readFileSync(file), before);
  assert.equal(existsSync(`${file}-wal`), false);
});

test("a migration that fails leaves the schema as it was", (t) => {
  const database = new DatabaseSync(":memory:");
  t.after(() => database.close());
  const broken = { number: 2, name: "broken", text: "CREATE TABLE half (a); INSERT INTO nowhere VALUES (1);" };
  assert.throws(() => migrate(database, clock, [migrations[0]!, broken]), /nowhere/);
  assert.deepEqual(database.prepare("SELECT name FROM sqlite_master WHERE name = 'half'").all(), []);
  assert.equal(database.prepare("SELECT max(number) AS last FROM migrations").get()?.last, 1);
  migrate(database, clock, [migrations[0]!, { ...broken, text: "CREATE TABLE half (a)" }]);
  assert.equal(database.prepare("SELECT max(number) AS last FROM migrations").get()?.last, 2);
});

test("a file that is not a database is refused and kept", async (t) => {
  const file = join(temporaryFolder(t), "quern.db");
  const { writeFileSync } = await import("node:fs");
  writeFileSync(file, "this is not a database, whatever its name says".repeat(100));
  await assert.rejects(openSqlite({ file }), /not a database/);
  assert.match(readFileSync(file, "utf8"), /^this is not/);
});
