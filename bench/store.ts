// The store alone, without HTTP: rows a second, the latency of one durable commit, the life of tasks in it, and lists that must not
// depend on the size of a job. Run it with `node bench/store.ts [folder]`; the folder decides which disk is measured.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Task } from "../src/domain/tasks.ts";
import type { Store } from "../src/store/db.ts";
import { insertJob, jobCounts } from "../src/store/jobs.ts";
import { openSqlite } from "../src/store/sqlite.ts";
import { insertTasks, listTasks, placeTasks, readyTasks, saveTasks, type TaskDependency } from "../src/store/tasks.ts";
import { aJob, aTask, completed, running } from "../tests/contract/store-fixtures.ts";
import { figure, median, percentile, runs, secondsSince } from "./figures.ts";

let uids = aJob().uid;
const newJob = async (store: Store): Promise<number> => {
  const uid = ++uids;
  await store.commit(insertJob(aJob({ uid, key: `job${uid}`, id: `job${uid}` })));
  return uid;
};

/** About 700 bytes of JSON, as a task with a command line and a few settings has. */
const environmentSettings = Array.from({ length: 12 }, (_, i) => ({ name: `VARIABLE_${i}`, value: "x".repeat(20) }));
const bigTask = (jobUid: number, seq: number): Task => {
  const id = `task-${String((seq * 7_919) % 1_000_003).padStart(7, "0")}`;
  return aTask(seq, { jobUid, id, spec: { id, commandLine: "/bin/sh -c 'echo hello'", environmentSettings } as Task["spec"] });
};

/** Calls `once` with 0, 1, ... total - 1, so many at a time. */
const inFlight = async (width: number, total: number, once: (index: number) => Promise<void>): Promise<void> => {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < total) await once(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
};

const add = async (store: Store, jobUid: number, total: number, rows: number, width: number): Promise<void> => {
  await inFlight(width, total / rows, (message) =>
    store.commit(
      insertTasks(
        Array.from({ length: rows }, (_, i) => bigTask(jobUid, message * rows + i)),
        [],
      ),
    ),
  );
};

const benchInserts = async (store: Store): Promise<void> => {
  for (const [width, rows, total] of [
    [8, 100, 20_000],
    [16, 1, 3_000],
    [1, 1, 1_000],
  ] as const) {
    const rates = await runs(3, async () => {
      const jobUid = await newJob(store);
      const start = performance.now();
      await add(store, jobUid, total, rows, width);
      return total / secondsSince(start);
    });
    figure(`task inserts, ${width} in flight, ${rows} a batch`, "rows/s", rates);
  }
};

const benchLatency = async (store: Store): Promise<void> => {
  const jobUid = await newJob(store);
  const times: number[] = [];
  for (let seq = 0; seq < 500; seq++) {
    const start = performance.now();
    await store.commit(insertTasks([bigTask(jobUid, seq)], []));
    times.push(performance.now() - start);
  }
  figure("one durable insert, p50", "ms", [percentile(times, 50)]);
  figure("one durable insert, p99", "ms", [percentile(times, 99)]);
};

/** Placed, running, completed in three commits of 20 tasks, the next 20 meanwhile: what the store does for every task. */
const benchLives = async (store: Store, what: string, dependenciesOf: (seq: number) => TaskDependency[]): Promise<void> => {
  const total = 4_000;
  const rates = await runs(3, async () => {
    const jobUid = await newJob(store);
    await add(store, jobUid, total, 100, 8);
    const dependents = Array.from({ length: 1_000 }, (_, i) => total + i);
    for (let i = 0; i < dependents.length; i += 100) {
      const seqs = dependents.slice(i, i + 100);
      await store.commit(
        insertTasks(
          seqs.map((seq) => bigTask(jobUid, seq)),
          seqs.flatMap(dependenciesOf),
        ),
      );
    }
    const tasks = await readyTasks(store, { accountId: 1, jobUid, limit: total });
    const start = performance.now();
    await inFlight(4, tasks.length / 20, async (index) => {
      const some = tasks.slice(index * 20, index * 20 + 20);
      const next = (task: Task, to: Task): Task => ({ ...to, generation: task.generation + 1 });
      await store.commit(placeTasks(some.map((task) => ({ task, nodeId: "n", attempt: 1, execution: task.execution }))));
      const onNode = some.map((task) => next(task, { ...task, nodeId: "n", attempt: 1 }));
      const started = onNode.map((task) => running(task, "n"));
      await store.commit(saveTasks(onNode.map((before, i) => ({ before, after: started[i]! }))));
      const runningNow = started.map((task, i) => next(onNode[i]!, task));
      await store.commit(saveTasks(runningNow.map((before) => ({ before, after: completed(before) }))));
    });
    return tasks.length / secondsSince(start);
  });
  figure(`tasks placed, started and completed, 20 a commit, ${what}`, "tasks/s", rates);
};

const benchLists = async (store: Store): Promise<void> => {
  const sizes = [1_000, 100_000] as const;
  const jobs = new Map<number, number>();
  for (const size of sizes) {
    const jobUid = await newJob(store);
    await add(store, jobUid, size, 100, 8);
    jobs.set(size, jobUid);
  }
  const compare = async (what: string, ask: (jobUid: number, size: number) => Promise<unknown>): Promise<void> => {
    const times: Record<number, number[]> = { 1000: [], 100000: [] };
    for (let round = 0; round < 40; round++) {
      for (const size of sizes) {
        const start = performance.now();
        await ask(jobs.get(size)!, size);
        times[size]!.push(performance.now() - start);
      }
    }
    const [small, large] = sizes.map((size) => median(times[size]!)) as [number, number];
    figure(`${what} at 100,000 tasks against 1,000`, "ratio", [large / small], {
      limit: { atMost: 1.3 },
      reference: { "ms at 1,000": small, "ms at 100,000": large },
    });
  };
  await compare("page of 1,000", (jobUid) => listTasks(store, { accountId: 1, jobUid, limit: 1_000 }));
  await compare("page of 100 in the middle", (jobUid) => listTasks(store, { accountId: 1, jobUid, limit: 100, after: "task-0004000" }));
  await compare("counts", (jobUid) => jobCounts(store, 1, jobUid));
};

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), "quern-bench-store-"));
try {
  const store = await openSqlite({ file: join(folder, "quern.db") });
  await benchInserts(store);
  await benchLatency(store);
  await benchLives(store, "nobody waits", () => []);
  await benchLives(store, "1,000 wait for an id and a range", (seq) => [
    { seq, onKey: bigTask(0, seq - 3_000).key },
    { seq, rangeStart: 0, rangeEnd: 9 },
  ]);
  await benchLists(store);
  await store.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
