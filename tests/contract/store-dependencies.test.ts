// Dependencies against a naive model: whatever is added, completed, failed, reactivated and deleted, in whatever grouping and order,
// a task is released exactly when the model says so, and the tables agree with each other.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Task } from "../../src/domain/tasks.ts";
import { type Store, sql } from "../../src/store/db.ts";
import { insertJob } from "../../src/store/jobs.ts";
import { insertNodes } from "../../src/store/nodes.ts";
import { insertPool } from "../../src/store/pools.ts";
import { sanityCheck } from "../../src/store/sanity-check.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { deleteTasks, dependenciesOf, getTask, insertTasks, readyTasks, saveTasks, type TaskDependency } from "../../src/store/tasks.ts";
import { aJob, aNode, aPool, aTask, completed, openedStore } from "./store-fixtures.ts";

const job = aJob();
const storeWithJob = async (): Promise<Store> => {
  const store = await openSqlite({ file: ":memory:" });
  await store.commit([...insertPool(aPool()), ...insertNodes([aNode()]), ...insertJob(job)]);
  return store;
};
const task = async (store: Store, key: string): Promise<Task | undefined> => getTask(store, 1, job.uid, key);
const complete = async (store: Store, keys: readonly string[], changes: Partial<Task> = {}): Promise<void> => {
  const tasks = await Promise.all(keys.map(async (key) => (await task(store, key))!));
  await store.commit(saveTasks(tasks.map((before) => ({ before, after: completed(before, changes) }))));
};
const blockedOf = async (store: Store, key: string): Promise<number> => (await task(store, key))!.blocked;

test("a task waits for each id and each integer of its ranges, whatever their case and zeros", async (t) => {
  const store = await storeWithJob();
  t.after(() => store.close());
  const waiting = aTask(10, { id: "merge" });
  await store.commit(
    insertTasks(
      [aTask(1, { id: "A" }), aTask(2, { id: "7" }), aTask(3, { id: "08" }), aTask(4, { id: "8" }), waiting],
      [
        { seq: 10, onKey: "a" },
        { seq: 10, onKey: "a" },
        { seq: 10, rangeStart: 7, rangeEnd: 8 },
      ],
    ),
  );
  const { generation } = (await task(store, "merge"))!;
  assert.equal(await blockedOf(store, "merge"), 3);
  await complete(store, ["a"]);
  assert.equal(await blockedOf(store, "merge"), 1, "both rows on A at once");
  assert.ok((await task(store, "merge"))!.generation > generation);
  await complete(store, ["08", "8"]);
  assert.equal(await blockedOf(store, "merge"), 1, "08 and 8 are one number");
  await complete(store, ["7"]);
  assert.equal(await blockedOf(store, "merge"), 0);
  assert.deepEqual(
    (await readyTasks(store, { accountId: 1, jobUid: job.uid, limit: 9 })).map(({ id }) => id),
    ["merge"],
  );
  assert.deepEqual(await sanityCheck(store), []);
});

test("ranges of a task that overlap are waited for as one, others each for itself", () => {
  const rangesOf = (...ranges: [number, number][]): [number, number][] => {
    const spec = { ...aTask(1).spec, dependsOn: { taskIdRanges: ranges.map(([start, end]) => ({ start, end })) } };
    return dependenciesOf({ seq: 1, spec }).map((row) => ("onKey" in row ? assert.fail() : [row.rangeStart, row.rangeEnd]));
  };
  assert.deepEqual(rangesOf([5, 9]), [[5, 9]]);
  assert.deepEqual(rangesOf([5, 9], [1, 2], [3, 4]), [
    [1, 2],
    [3, 4],
    [5, 9],
  ]);
  assert.deepEqual(rangesOf([1, 3], [3, 5], [2, 2], [9, 9], [4, 7], [-2, 0]), [
    [-2, 0],
    [1, 7],
    [9, 9],
  ]);
  const overlapping = Array.from({ length: 1000 }, (_, n): [number, number] => [n, 2_000_000_000 - n]);
  assert.deepEqual(rangesOf(...overlapping), [[0, 2_000_000_000]]);
});

test("what completed between the decision and the commit of its dependent is not lost", async (t) => {
  const store = await storeWithJob();
  t.after(() => store.close());
  await store.commit(insertTasks([aTask(1, { id: "1" }), aTask(2, { id: "b" })], []));
  const [one, b] = [(await task(store, "1"))!, (await task(store, "b"))!];
  await Promise.all([
    store.commit(saveTasks([one, b].map((before) => ({ before, after: completed(before) })))),
    store.commit(
      insertTasks(
        [aTask(3, { id: "late" })],
        [
          { seq: 3, onKey: "b" },
          { seq: 3, rangeStart: 1, rangeEnd: 1 },
        ],
      ),
    ),
  ]);
  assert.equal(await blockedOf(store, "late"), 0);
});

test("several numbers of one range in one commit, and a number that passes from one id to another", async (t) => {
  const store = await storeWithJob();
  t.after(() => store.close());
  const numbered = ["1", "2", "3", "03"].map((id, seq) => aTask(seq, { id }));
  await store.commit(insertTasks([...numbered, aTask(9, { id: "merge" })], [{ seq: 9, rangeStart: 1, rangeEnd: 3 }]));
  await complete(store, ["3"]);
  const [three, other] = [(await task(store, "3"))!, (await task(store, "03"))!];
  await store.commit(
    saveTasks([
      { before: three, after: { ...three, satisfied: false } },
      { before: other, after: completed(other) },
    ]),
  );
  assert.deepEqual([await blockedOf(store, "merge"), await sanityCheck(store)], [1, []]);
  await complete(store, ["1", "2"]);
  assert.deepEqual([await blockedOf(store, "merge"), await sanityCheck(store)], [0, []]);
});

test("a dependency of a missing task, an empty range and itself", async (t) => {
  const store = await openedStore(t);
  await store.commit(insertJob(job));
  await store.commit(insertTasks([aTask(1, { id: "a" })], [{ seq: 1, onKey: "missing" }]));
  await store.commit(insertTasks([aTask(2, { id: "b" })], [{ seq: 2, rangeStart: 5, rangeEnd: 4 }]));
  await store.commit(insertTasks([aTask(3, { id: "c" })], [{ seq: 3, onKey: "c" }]));
  assert.deepEqual(await Promise.all(["a", "b", "c"].map((key) => blockedOf(store, key))), [1, 0, 1]);
  await store.commit(insertTasks([aTask(4, { id: "missing" })], []));
  await complete(store, ["missing"]);
  assert.equal(await blockedOf(store, "a"), 0);
});

/** One dependency of the model: ids not met yet when it counts, and whether it ever was met. */
type Wish = { owner: string; key?: string; range?: [number, number]; met: boolean };

class Model {
  readonly satisfied = new Set<string>();
  readonly present = new Set<string>();
  wishes: Wish[] = [];

  /** Applied after every commit: a wish that is fulfilled once stays so. */
  look(): void {
    const numbers = new Set([...this.satisfied].filter((key) => /^\d+$/.test(key)).map(Number));
    for (const wish of this.wishes) {
      if (wish.key !== undefined) wish.met ||= this.satisfied.has(wish.key);
      else
        wish.met ||= Array.from({ length: wish.range![1] - wish.range![0] + 1 }, (_, i) => wish.range![0] + i).every((n) => numbers.has(n));
    }
  }
  blocked(key: string): number {
    return this.wishes.filter((wish) => wish.owner === key && !wish.met).length;
  }
}

const ids = ["0", "1", "01", "2", "02", "002", "3", "4", "a", "b", "c", "d"];
const anId = fc.constantFrom(...ids);
const aWish = fc.oneof(
  anId.map((key) => ({ key })),
  fc
    .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 2 }))
    .map(([start, more]) => ({ range: [start, start + more] as [number, number] })),
);
const anAction = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant("add" as const), id: anId, wishes: fc.array(aWish, { maxLength: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("complete" as const),
      ids: fc.uniqueArray(anId, { minLength: 1, maxLength: 4 }),
      satisfied: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("reactivate" as const), id: anId, satisfied: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("delete" as const), ids: fc.uniqueArray(anId, { minLength: 1, maxLength: 3 }) }) },
);
type Action = typeof anAction extends fc.Arbitrary<infer A> ? A : never;

const act = async (store: Store, model: Model, action: Action, seq: number): Promise<void> => {
  switch (action.type) {
    case "add": {
      if (model.present.has(action.id)) return;
      const dependencies: TaskDependency[] = action.wishes.map((wish) =>
        "key" in wish ? { seq, onKey: wish.key } : { seq, rangeStart: wish.range[0], rangeEnd: wish.range[1] },
      );
      await store.commit(insertTasks([aTask(seq, { id: action.id })], dependencies));
      model.present.add(action.id);
      model.wishes.push(...action.wishes.map((wish) => ({ ...wish, owner: action.id, met: false })));
      break;
    }
    case "complete": {
      const open = await Promise.all(action.ids.map((id) => task(store, id)));
      const tasks = open.filter((each) => each !== undefined && each.state !== "completed") as Task[];
      await complete(
        store,
        tasks.map(({ key }) => key),
        action.satisfied ? {} : { satisfied: false },
      );
      for (const { key, satisfied } of tasks) {
        if (action.satisfied) model.satisfied.add(key);
        else if (satisfied) model.satisfied.delete(key);
      }
      break;
    }
    case "reactivate": {
      const before = await task(store, action.id);
      if (before?.state !== "completed") return;
      const satisfied = before.satisfied && action.satisfied;
      const execution = { retryCount: 0, requeueCount: 0 };
      await store.commit(saveTasks([{ before, after: { ...before, state: "active", nodeId: undefined, execution, satisfied } }]));
      if (!satisfied) model.satisfied.delete(action.id);
      break;
    }
    case "delete": {
      const tasks = (await Promise.all(action.ids.map((id) => task(store, id)))).filter((each) => each !== undefined);
      if (tasks.length === 0) return;
      await store.commit(deleteTasks(tasks));
      for (const { key } of tasks) {
        model.present.delete(key);
        model.satisfied.delete(key);
        model.wishes = model.wishes.filter((wish) => wish.owner !== key);
      }
      break;
    }
  }
  model.look();
};

test("the database blocks what a naive model blocks", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anAction, { minLength: 1, maxLength: 80, size: "max" }), async (actions) => {
      const store = await storeWithJob();
      const model = new Model();
      for (const [index, action] of actions.entries()) {
        await act(store, model, action, index + 1);
        const rows = await store.all<{ key: string; blocked: number }>(sql`SELECT key, blocked FROM tasks ORDER BY key`);
        const expected = [...model.present].toSorted().map((key) => ({ key, blocked: model.blocked(key) }));
        assert.deepEqual(
          rows.map(({ key, blocked }) => ({ key, blocked })),
          expected,
          JSON.stringify(action),
        );
      }
      assert.deepEqual(await sanityCheck(store), []);
      await store.close();
    }),
    { numRuns: 200 },
  );
});
