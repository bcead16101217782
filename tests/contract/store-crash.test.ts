// What a commit promises: a process that is killed while it commits has lost nothing that it was told is committed, and the database
// opens and is whole. Killing the process does not try a power loss; that rests on synchronous=FULL.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { sql } from "../../src/store/db.ts";
import { sanityCheck } from "../../src/store/sanity-check.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { temporaryFolder } from "./store-fixtures.ts";

const sources = new URL("../../src/", import.meta.url);

/** Adds tasks with 8 commits in flight and writes the seq of each batch that is acknowledged. */
const program = (file: string, first: number): string => `
  import { openSqlite } from ${JSON.stringify(new URL("store/sqlite.ts", sources).href)};
  import { insertTasks } from ${JSON.stringify(new URL("store/tasks.ts", sources).href)};
  import { insertJob } from ${JSON.stringify(new URL("store/jobs.ts", sources).href)};
  import { aJob, aTask } from ${JSON.stringify(new URL("./store-fixtures.ts", import.meta.url).href)};
  import { writeSync } from "node:fs";
  const store = await openSqlite({ file: ${JSON.stringify(file)} });
  let next = ${first};
  if (next === 1) await store.commit(insertJob(aJob()));
  const submit = async () => {
    for (;;) {
      const start = next;
      next += 20;
      await store.commit(insertTasks(Array.from({ length: 20 }, (_, i) => aTask(start + i)), []));
      writeSync(1, start + "\\n");
    }
  };
  await Promise.all(Array.from({ length: 8 }, submit));
`;

test("every acknowledged commit survives kill -9 in the middle of commits", async (t) => {
  const file = join(temporaryFolder(t), "quern.db");
  const acknowledged: number[] = [];
  for (const acknowledgements of [1, 7, 40, 133, 61]) {
    const first = Math.max(0, ...acknowledged) + 1000;
    const child = spawn(
      process.execPath,
      ["--input-type=module-typescript", "--eval", program(file, acknowledged.length === 0 ? 1 : first)],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    t.after(() => child.kill("SIGKILL"));
    let heard = 0;
    const lines = createInterface(child.stdout);
    lines.on("line", (line) => {
      acknowledged.push(Number(line));
      if (++heard === acknowledgements) child.kill("SIGKILL");
    });
    const [, signal] = await once(child, "close");
    assert.equal(signal, "SIGKILL");
    assert.ok(heard >= acknowledgements);

    const store = await openSqlite({ file });
    const rows = await store.all<{ seq: number }>(sql`SELECT seq FROM tasks`);
    const present = new Set(rows.map((row) => row.seq));
    for (const start of acknowledged) for (let i = 0; i < 20; i++) assert.ok(present.has(start + i), `task ${start + i} is there`);
    assert.equal(rows.length % 20, 0, "batches are whole");
    assert.deepEqual(await store.all(sql`PRAGMA integrity_check`), [Object.assign(Object.create(null), { integrity_check: "ok" })]);
    assert.deepEqual(await sanityCheck(store), []);
    await store.close();
  }
});

test("the process is told when the writer thread ends, and nothing waits for ever", async (t) => {
  const file = join(temporaryFolder(t), "quern.db");
  const { promise: fatal, resolve } = Promise.withResolvers<Error>();
  const store = await openSqlite({ file, onFatal: resolve });
  t.mock.method(Worker.prototype, "postMessage", function (this: Worker) {
    void this.terminate();
  });
  const broken = store.commit([{ text: "SELECT 1", rows: [[]] }]);
  const behind = store.commit([{ text: "SELECT 1", rows: [[]] }]);
  const results = await Promise.allSettled([broken, behind]);
  assert.ok((await fatal) instanceof Error);
  for (const result of results) assert.equal(result.status === "rejected" && result.reason.name, "StoreUnavailable");
  await assert.rejects(store.commit([{ text: "SELECT 1", rows: [[]] }]), { name: "StoreUnavailable" });
  assert.equal((await store.get<{ one: number }>(sql`SELECT 1 AS one`))?.one, 1);
  await store.close();
});
