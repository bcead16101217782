// Job schedules in time: jobs that recur, are late, are missed, across restarts; with the real scheduler and store and a manual clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changeState,
  type JobSchedule,
  type JobScheduleEvent,
  type JobScheduleSpec,
  recentJobId,
  updateSchedule,
} from "../../src/domain/job-schedules.ts";
import type { Job } from "../../src/domain/jobs.ts";
import { seededIds } from "../../src/lib/ids.ts";
import { getJobSchedule, insertJobSchedule, listJobsOfSchedule, saveJobSchedule } from "../../src/store/job-schedules.ts";
import { aPool, aTask, aWorld, minutes, seconds, tasksOf, type World } from "./world.ts";

const accountId = 1;
const pool1 = { poolInfo: { poolId: "pool1" } };

/** A schedule in a world whose clock stands at a whole minute; times are minutes from `start`. */
const schedules = (world: World) => {
  const start = world.clock.now();
  const isoAt = (minute: number): string => new Date(start + minutes(minute)).toISOString();
  const schedule = async (id = "s"): Promise<JobSchedule> =>
    (await getJobSchedule(world.store, accountId, id)) ?? assert.fail(`no schedule ${id}`);
  const change = async (rule: (schedule: JobSchedule) => { after: JobSchedule } | { refused: string }, id = "s"): Promise<void> => {
    await world.store.decide(async (read) => {
      const verdict = rule((await getJobSchedule(read, accountId, id))!);
      return { writes: [saveJobSchedule("after" in verdict ? verdict.after : assert.fail(verdict.refused))], result: undefined };
    });
    world.scheduler().wake.jobSchedule(accountId, id);
    await world.settle();
  };
  const jobs = (id = "s"): Promise<Job[]> => listJobsOfSchedule(world.store, { accountId, scheduleKey: id, limit: 1000 });
  return {
    isoAt,
    schedule,
    jobs,
    add: async (settings: JobScheduleSpec["schedule"], jobSpecification: JobScheduleSpec["jobSpecification"] = pool1, id = "s") => {
      const createdAt = world.clock.stamp();
      await world.store.commit([
        insertJobSchedule({
          accountId,
          key: id,
          id,
          createdAt,
          state: "active",
          stateChangedAt: world.clock.now(),
          spec: { id, schedule: settings, jobSpecification },
          jobsMade: 0,
          modified: createdAt,
          generation: 0,
        }),
      ]);
      world.scheduler().wake.jobSchedule(accountId, id);
      await world.settle();
    },
    event: (event: JobScheduleEvent) => change((each) => changeState(each, event, world.clock.now())),
    update: (settings: Parameters<typeof updateSchedule>[1]) => change((each) => updateSchedule(each, settings)),
    /** `job-1@0 active`, ... in the order in which they were made. */
    history: async (): Promise<string[]> =>
      (await jobs())
        .sort((a, b) => a.uid - b.uid)
        .map((job) => `${job.id.slice(2)}@${(job.execution.startTime - start) / minutes(1)} ${job.state}`),
    end: (n: number) => world.terminateJob("done", `s:job-${n}`),
  };
};

/** The directories that agents were told to remove. */
const removed = (world: World): string[] => [
  ...new Set(world.agent().chores.flatMap(({ chore }) => (chore.type === "removeDirectory" ? [chore.path] : []))),
];

test("jobs recur on the grid of their interval, each once the one before has ended", async () => {
  const world = await aWorld({ pool: aPool() });
  const { add, end, history, schedule } = schedules(world);
  await add({ recurrenceInterval: "PT10M" });
  assert.deepEqual(await history(), ["job-1@0 active"]);
  await world.addTasks("s:job-1", tasksOf(3));
  await world.advance(minutes(3));
  assert.equal((await world.counts("s:job-1")).succeeded, 3);
  await end(1);
  await world.advance(minutes(6.9));
  assert.equal((await history()).length, 1);
  await world.advance(minutes(0.1));
  assert.deepEqual(await history(), ["job-1@0 completed", "job-2@10 active"]);
  // Late by 4 minutes: job 3 comes as soon as job 2 has ended, and job 4 on the grid again.
  await world.advance(minutes(14));
  assert.deepEqual((await history()).length, 2);
  await end(2);
  assert.deepEqual((await history()).slice(1), ["job-2@10 completed", "job-3@24 active"]);
  await end(3);
  await world.advance(minutes(6));
  assert.deepEqual((await history()).slice(2), ["job-3@24 completed", "job-4@30 active"]);
  assert.deepEqual([(await schedule()).state, (await schedule()).jobsMade], ["active", 4]);
  await world.close();
});

test("what is not made within its start window is lost, and never piles up", async () => {
  const world = await aWorld({ pool: aPool() });
  const { add, end, history } = schedules(world);
  await add({ recurrenceInterval: "PT10M", startWindow: "PT2M" });
  await world.advance(minutes(43));
  await end(1);
  assert.deepEqual(await history(), ["job-1@0 completed"], "those of 10, 20 and 30 are lost, that of 40 by a minute");
  await world.advance(minutes(8));
  assert.deepEqual((await history()).slice(1), ["job-2@50 active"]);
  await world.advance(minutes(10.5));
  await end(2);
  assert.deepEqual((await history()).slice(1), ["job-2@50 completed", "job-3@61.5 active"], "within the window of 60");
  await world.close();
});

test("a restart neither makes a job twice nor forgets one", async () => {
  const world = await aWorld({ pool: aPool() });
  const { add, end, history, isoAt } = schedules(world);
  await add({ doNotRunUntil: isoAt(5), recurrenceInterval: "PT10M" });
  await world.restart();
  await world.advance(minutes(5));
  await world.restart();
  assert.deepEqual(await history(), ["job-1@5 active"]);
  await world.addTasks("s:job-1", [aTask("for 3000", {}, "t")]);
  await world.advance(seconds(1));
  await world.restart();
  await world.advance(seconds(59));
  assert.equal((await world.task("t", "s:job-1")).execution.result, "success");
  await end(1);
  await world.restart();
  await world.advance(minutes(9));
  assert.deepEqual(await history(), ["job-1@5 completed", "job-2@15 active"]);
  // Down over two dues: one job is made up for, when it starts again.
  await end(2);
  await world.scheduler().stop();
  await world.advance(minutes(26));
  await world.restart();
  assert.deepEqual((await history()).slice(2), ["job-3@41 active"]);
  await world.close();
});

test("a single job: the schedule completes when it ends, or when its window was missed", async () => {
  const world = await aWorld({ pool: aPool() });
  const { add, end, history, schedule, isoAt } = schedules(world);
  await add({});
  assert.equal((await schedule()).state, "active");
  await world.advance(minutes(100));
  await end(1);
  assert.deepEqual([(await schedule()).state, (await schedule()).endTime], ["completed", world.clock.now()]);
  assert.deepEqual(await history(), ["job-1@0 completed"]);
  await add({ doNotRunUntil: isoAt(110), startWindow: "PT5M" }, pool1, "missed");
  await world.scheduler().stop();
  await world.advance(minutes(20));
  await world.restart();
  assert.deepEqual([(await schedule("missed")).state, (await schedule("missed")).jobsMade], ["completed", 0]);
  await world.close();
});

test("after doNotRunAfter no job is made, and the schedule completes with the last", async () => {
  const world = await aWorld({ pool: aPool() });
  const { add, end, history, schedule, isoAt } = schedules(world);
  await add({ recurrenceInterval: "PT10M", doNotRunAfter: isoAt(15) });
  await world.advance(minutes(1));
  await end(1);
  await world.advance(minutes(19));
  assert.deepEqual(await history(), ["job-1@0 completed", "job-2@10 active"]);
  assert.equal((await schedule()).state, "active");
  await end(2);
  assert.equal((await schedule()).state, "completed");
  await add({ recurrenceInterval: "PT10M", doNotRunAfter: isoAt(29) }, { ...pool1, onAllTasksComplete: "terminatejob" }, "quick");
  await world.advance(minutes(8.9));
  assert.equal((await schedule("quick")).state, "active", "its only job ended at once, but the time is not over");
  await world.advance(minutes(0.1));
  assert.equal((await schedule("quick")).state, "completed");
  await world.close();
});

test("a disabled schedule makes nothing and its job goes on; what is due is made up for when it is enabled", async () => {
  const world = await aWorld({ pool: aPool() });
  const { add, end, event, history } = schedules(world);
  await add({ recurrenceInterval: "PT10M" });
  await event("disable");
  await world.addTasks("s:job-1", [aTask("for 1000", {}, "t")]);
  await world.advance(minutes(1));
  assert.equal((await world.task("t", "s:job-1")).state, "completed");
  await end(1);
  await world.advance(minutes(24));
  assert.deepEqual(await history(), ["job-1@0 completed"]);
  await event("enable");
  assert.deepEqual(await history(), ["job-1@0 completed", "job-2@25 active"]);
  await end(2);
  await world.advance(minutes(5));
  assert.deepEqual((await history()).slice(2), ["job-3@30 active"]);
  await world.close();
});

test("an update changes when the next job comes and what it is", async () => {
  const world = await aWorld({ pool: aPool() });
  const { add, end, update, history, jobs } = schedules(world);
  await add({ recurrenceInterval: "PT1H" });
  await end(1);
  await world.advance(minutes(2));
  await update({ schedule: { recurrenceInterval: "PT5M" }, jobSpecification: { ...pool1, priority: 9 } });
  await world.advance(minutes(3));
  assert.deepEqual(await history(), ["job-1@0 completed", "job-2@5 active"]);
  assert.deepEqual(
    (await jobs()).map(({ priority }) => priority),
    [0, 9],
  );
  await world.close();
});

test("terminate ends the job with its tasks, delete removes everything, also in the middle of a restart", async () => {
  const world = await aWorld({ pool: aPool({ nodes: 2 }) });
  const { add, end, event, history, schedule, jobs } = schedules(world);
  await add({ recurrenceInterval: "PT10M" });
  await end(1);
  await world.advance(minutes(10));
  await world.addTasks("s:job-2", tasksOf(2, "for 600000"));
  await world.advance(seconds(1));
  await event("terminate");
  const job = await world.job("s:job-2");
  assert.deepEqual([job.state, job.execution.terminateReason], ["completed", "TerminateJobSchedule"]);
  assert.deepEqual([(await schedule()).state, (await schedule()).previousState], ["completed", "terminating"]);
  assert.equal((await world.counts("s:job-2")).failed, 2);
  assert.equal((await history()).length, 2);
  await event("delete");
  assert.deepEqual([await jobs(), await getJobSchedule(world.store, accountId, "s")], [[], undefined]);
  assert.deepEqual(removed(world), ["workitems/s"], "with the directories of all of its jobs");

  await add({ recurrenceInterval: "PT10M" });
  await world.addTasks("s:job-1", tasksOf(2, "for 600000"));
  await world.advance(seconds(1));
  await world.store.decide(async (read) => {
    const verdict = changeState((await getJobSchedule(read, accountId, "s"))!, "delete", world.clock.now());
    return { writes: [saveJobSchedule("after" in verdict ? verdict.after : assert.fail())], result: undefined };
  });
  await world.restart();
  await world.advance(seconds(1));
  assert.equal(await getJobSchedule(world.store, accountId, "s"), undefined);
  assert.equal(await world.jobIfAny("s:job-1"), undefined);
  await world.close();
});

for (let seed = 1; seed <= 12; seed++) {
  test(`whatever happens, jobs come on the grid and one at a time, seed ${seed}`, async () => {
    const world = await aWorld({ pool: aPool({ nodes: 1 }), seed });
    const { add, event, schedule, jobs } = schedules(world);
    const start = world.clock.now();
    const chance = seededIds(seed * 7919).chance;
    const pick = (below: number): number => Math.floor(chance() * below);
    const interval = 2 + pick(9);
    const window = 1 + pick(12);
    await add({ recurrenceInterval: `PT${interval}M`, startWindow: `PT${window}M` });
    for (let step = 0; step < 60; step++) {
      const current = await schedule();
      const latest = (await jobs()).find(({ id }) => id === recentJobId(current));
      const action = pick(8);
      if (action === 0 && latest?.state === "active") await world.addTasks(latest.id, tasksOf(1 + pick(3), `for ${pick(90_000)}`));
      else if (action <= 3 && latest?.state === "active") await world.terminateJob("done", latest.key);
      else if (action === 4) await event((await schedule()).state === "active" ? "disable" : "enable");
      else if (action === 5) await world.restart();
      else if (action === 6 && latest !== undefined && pick(3) === 0 && latest.state !== "deleting") await world.deleteJob(latest.key);
      await world.advance(seconds(1 + pick(200)));
    }
    const made = (await jobs()).sort((a, b) => a.uid - b.uid);
    assert.ok(made.length > 0);
    const intervals = made.map(({ execution }) => Math.floor((execution.startTime - start) / minutes(interval)));
    assert.deepEqual([...new Set(intervals)], intervals, "at most one job an interval");
    for (const [n, { id, execution }] of made.entries()) {
      const late = (execution.startTime - start) % minutes(interval);
      assert.ok(late < minutes(window), `${id} came ${late} ms after its due`);
      const before = made[n - 1];
      if (before !== undefined) assert.ok(before.execution.endTime! <= execution.startTime, `${id} came before ${before.id} had ended`);
    }
    await event("terminate");
    await world.advance(seconds(1));
    assert.equal((await schedule()).state, "completed");
    await world.close();
  });
}

test("a job that its user disables has not ended", async () => {
  const world = await aWorld({ pool: aPool() });
  const { add, end, history } = schedules(world);
  await add({ recurrenceInterval: "PT10M" });
  await world.disableJob("requeue", "s:job-1");
  await world.advance(minutes(15));
  assert.deepEqual(await history(), ["job-1@0 disabled"]);
  await end(1);
  assert.deepEqual((await history()).slice(1), ["job-2@15 active"]);
  await world.close();
});

test("a job that its user deletes makes room for the next", async () => {
  const world = await aWorld({ pool: aPool() });
  const { add, history } = schedules(world);
  await add({ recurrenceInterval: "PT10M" });
  await world.advance(minutes(12));
  await world.addTasks("s:job-1", tasksOf(1));
  await world.advance(seconds(1));
  await world.deleteJob("s:job-1");
  assert.equal((await history()).length, 1);
  assert.match((await history())[0]!, /^job-2@12\.\d+ active$/);
  assert.deepEqual(removed(world), ["workitems/s/job-1"]);
  await world.close();
});

test("an automatic pool for all jobs lives from the first job to the end of the schedule", async () => {
  const world = await aWorld({ pool: aPool() });
  const { add, end, event, jobs, schedule } = schedules(world);
  const { id: _, ...pool } = (await world.pool("pool1")).spec;
  const auto = { autoPoolSpecification: { poolLifetimeOption: "jobschedule", pool: { ...pool, targetDedicatedNodes: 1 } } } as const;
  await add({ recurrenceInterval: "PT10M" }, { poolInfo: auto });
  await world.advance(minutes(1));
  await world.addTasks("s:job-1", tasksOf(1));
  await world.advance(seconds(1));
  assert.equal((await world.counts("s:job-1")).succeeded, 1);
  await end(1);
  await world.advance(minutes(10));
  const [first, second] = await jobs();
  assert.equal(first!.poolKey, second!.poolKey);
  assert.equal((await world.nodes(first!.poolKey)).length, 1);
  await world.deletePool(second!.poolKey);
  await end(2);
  await world.advance(minutes(10));
  const third = (await jobs())[2]!;
  assert.notEqual(third.poolKey, first!.poolKey, "somebody deleted the pool: the next job brings another");
  await event("terminate");
  await world.advance(minutes(1));
  assert.deepEqual([(await schedule()).state, await world.poolIfAny(third.poolKey)], ["completed", undefined]);
  await world.close();
});
