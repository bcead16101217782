// The contract of Store, whatever is behind it: all or nothing, guards, group commit, load-decide-save.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Bug } from "../../src/lib/bug.ts";
import { Conflict, type Store, StoreUnavailable, sql, type Write, write } from "../../src/store/db.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { conflictAt, outcomes, temporaryFolder } from "./store-fixtures.ts";

type Open = (t: TestContext) => Promise<Store>;

const put = (name: string, value: string): Write => write(sql`INSERT INTO settings (name, value) VALUES (${name}, ${value})`, 1);
const change = (name: string, from: string, to: string): Write =>
  write(sql`UPDATE settings SET value = ${to} WHERE name = ${name} AND value = ${from}`, 1);
const settingOf = async (store: Store, name: string): Promise<string | undefined> =>
  (await store.get<{ value: string }>(sql`SELECT value FROM settings WHERE name = ${name}`))?.value;
const names = async (store: Store): Promise<string[]> =>
  (await store.all<{ name: string }>(sql`SELECT name FROM settings ORDER BY name`)).map((row) => row.name);

const contract = (kind: string, openStore: Open): void => {
  const it = (what: string, check: (store: Store) => Promise<void>): void => {
    test(`${kind}: ${what}`, async (t) => {
      const store = await openStore(t);
      t.after(() => store.close());
      await check(store);
    });
  };

  it("a read sees what was committed before it", async (store) => {
    for (let i = 0; i < 50; i++) {
      await store.commit([put(`n${i}`, "x")]);
      assert.equal(await settingOf(store, `n${i}`), "x");
    }
  });

  it("a failed guard writes nothing of its batch and tells where", async (store) => {
    await store.commit([put("a", "1")]);
    await assert.rejects(store.commit([put("b", "1"), change("a", "2", "3")]), conflictAt(1, 0));
    await assert.rejects(
      store.commit([
        {
          text: "UPDATE settings SET value = ? WHERE name = ?",
          rows: [
            ["2", "a"],
            ["2", "missing"],
          ],
          guard: 1,
        },
      ]),
      conflictAt(0, 1),
    );
    assert.deepEqual([await names(store), await settingOf(store, "a")], [["a"], "1"]);
  });

  it("a guard counts the rows of each run", async (store) => {
    await store.commit([put("a", "1"), put("b", "1")]);
    await assert.rejects(store.commit([write(sql`DELETE FROM settings`, 1)]), conflictAt(0));
    await store.commit([write(sql`DELETE FROM settings`, 2)]);
    await store.commit([write(sql`DELETE FROM settings WHERE name = ${"a"}`, 0)]);
    assert.deepEqual(await names(store), []);
  });

  it("a unique key that is taken is a conflict", async (store) => {
    await store.commit([put("a", "1")]);
    await assert.rejects(store.commit([put("b", "1"), put("a", "2")]), conflictAt(1));
    assert.deepEqual(await names(store), ["a"]);
  });

  it("a batch of a group fails alone", async (store) => {
    await store.commit([put("a", "1")]);
    const results = await outcomes(store, [
      [put("b", "1")],
      [put("c", "1"), change("a", "wrong", "2")],
      [put("d", "1"), write(sql`INSERT INTO nowhere VALUES (1)`)],
      [put("e", "1"), change("b", "1", "2")],
    ]);
    assert.deepEqual(results, ["committed", "Conflict", "Bug", "committed"]);
    assert.deepEqual([await names(store), await settingOf(store, "b")], [["a", "b", "e"], "2"]);
  });

  it("batches are committed in the order in which they were given", async (store) => {
    await store.commit([put("a", "0")]);
    await Promise.all(Array.from({ length: 200 }, (_, i) => store.commit([change("a", `${i}`, `${i + 1}`)])));
    assert.equal(await settingOf(store, "a"), "200");
  });

  it("a statement that can never work is a Bug without values in its message", async (store) => {
    await assert.rejects(
      store.commit([write(sql`INSERT INTO settings (name, value) VALUES (${"secret"}, ${null})`)]),
      (error) => error instanceof Bug && error.message.includes("NOT NULL") && !error.message.includes("secret"),
    );
  });

  it("an empty batch is committed at once", async (store) => {
    await store.commit([]);
    await store.commit([{ text: "UPDATE settings SET value = ?", rows: [], guard: 1 }]);
  });

  it("decide loads again after a conflict and gives the result of what was written", async (store) => {
    await store.commit([put("a", "0")]);
    let calls = 0;
    const increments = Array.from({ length: 20 }, () =>
      store.decide(async (read) => {
        calls++;
        const { value } = (await read.get<{ value: string }>(sql`SELECT value FROM settings WHERE name = ${"a"}`))!;
        return { writes: [change("a", value, String(Number(value) + 1))], result: Number(value) + 1 };
      }),
    );
    const results = await Promise.all(increments);
    assert.deepEqual(
      results.toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    assert.equal(await settingOf(store, "a"), "20");
    assert.ok(calls > 20, "some had to decide again");
  });

  it("decide gives up after 50 conflicts, and passes errors through without writing", async (store) => {
    let calls = 0;
    const hopeless = store.decide(async () => {
      calls++;
      return { writes: [change("a", "1", "2")], result: undefined };
    });
    await assert.rejects(hopeless, (error) => error instanceof Bug && error.cause instanceof Conflict);
    assert.equal(calls, 50);
    await assert.rejects(
      store.decide(async () => {
        throw new RangeError("refused");
      }),
      RangeError,
    );
    assert.deepEqual(await store.decide(async () => ({ writes: [], result: "nothing to do" })), "nothing to do");
  });

  it("tells the figures of each commit", async (store) => {
    const figures: { batches: number; rows: number; durationMs: number }[] = [];
    store.onCommit((each) => figures.push(each));
    await outcomes(store, [[put("a", "1"), put("b", "1")], [put("c", "1")], [put("c", "1")]]);
    const sum = (of: "batches" | "rows"): number => figures.reduce((total, each) => total + each[of], 0);
    assert.deepEqual([sum("batches"), sum("rows")], [3, 3]);
    assert.ok(figures.every((each) => each.durationMs >= 0));
  });

  it("a database that cannot be written says so, and works again when it can", async (store) => {
    const { page_count: pages } = (await store.get<{ page_count: number }>(sql`PRAGMA page_count`))!;
    const limit = (most: number): Promise<void> => store.commit([{ text: `PRAGMA max_page_count = ${most}`, rows: [[]] }]);
    await store.commit([put("before", "x")]);
    await limit(pages + 4);
    const big = "x".repeat(100_000);
    const results = await outcomes(store, [[put("small", "x")], [put("big", big)]]);
    assert.equal(results[1], "StoreUnavailable");
    await limit(1_000_000);
    await store.commit([put("big", big)]);
    assert.deepEqual((await names(store)).includes("small"), results[0] === "committed");
    assert.equal(await settingOf(store, "big"), big);
  });

  it("close waits for what was given before it and refuses what comes after", async (store) => {
    const before = Array.from({ length: 20 }, (_, i) => store.commit([put(`n${i}`, "x")]));
    const closed = store.close();
    await assert.rejects(store.commit([put("late", "x")]), StoreUnavailable);
    await closed;
    await Promise.all(before);
    await store.close();
  });
};

contract("SQLite file", (t) => openSqlite({ file: join(temporaryFolder(t), "quern.db") }));
contract("SQLite in memory", () => openSqlite({ file: ":memory:" }));

test("SQLite file: what was committed is there when it is opened again", async (t) => {
  const file = join(temporaryFolder(t), "quern.db");
  const first = await openSqlite({ file });
  await first.commit([put("a", "1")]);
  await first.close();
  const second = await openSqlite({ file });
  assert.equal(await settingOf(second, "a"), "1");
  await second.close();
});

test("SQLite file: batches that arrive during a commit share the next one", async (t) => {
  const store = await openSqlite({ file: join(temporaryFolder(t), "quern.db") });
  t.after(() => store.close());
  const groups: number[] = [];
  store.onCommit(({ batches }) => groups.push(batches));
  await Promise.all(Array.from({ length: 500 }, (_, i) => store.commit([put(`n${i}`, "x")])));
  assert.equal(
    groups.reduce((a, b) => a + b, 0),
    500,
  );
  assert.ok(groups.length < 250, `500 batches took ${groups.length} commits`);
});
