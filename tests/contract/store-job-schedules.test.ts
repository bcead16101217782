// Job schedules in the store: ids shared with jobs, whoever comes first; the jobs of a schedule and of no other; filters; query plans.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FilterNode, FilterValue } from "../../src/domain/filter.ts";
import type { JobSchedule } from "../../src/domain/job-schedules.ts";
import type { Reader, Sql, Store } from "../../src/store/db.ts";
import * as schedules from "../../src/store/job-schedules.ts";
import { deleteJob, insertJob } from "../../src/store/jobs.ts";
import { sanityCheck } from "../../src/store/sanity-check.ts";
import { aJob, conflictAt, isConflict, openedStore, outcomes } from "./store-fixtures.ts";

const at = Date.UTC(2026, 0, 1);

const aSchedule = (changes: Partial<JobSchedule> = {}): JobSchedule => {
  const id = changes.id ?? "Nightly";
  return {
    accountId: 1,
    key: id.toLowerCase(),
    id,
    createdAt: at * 1000 + 123,
    state: "active",
    stateChangedAt: at,
    spec: { id, schedule: {}, jobSpecification: { poolInfo: { poolId: "Pool1" } } },
    jobsMade: 0,
    modified: at * 1000 + 456,
    generation: 0,
    ...changes,
  };
};

const jobOf = (id: string, uid: number, changes: object = {}) => aJob({ id, key: id.toLowerCase(), uid, ...changes });
const keysOf = (values: readonly { key: string }[]): string[] => values.map(({ key }) => key);

test("a schedule comes back as it went in, and as it was changed", async (t) => {
  const store = await openedStore(t);
  const whole = aSchedule({
    state: "completed",
    previousState: "terminating",
    previousStateChangedAt: at - 1,
    jobsMade: 3,
    lastDueAt: at - 5,
    endTime: at + 5,
    autoPoolId: "Pool-X",
  });
  await store.commit([schedules.insertJobSchedule(whole), schedules.insertJobSchedule(aSchedule({ id: "Plain" }))]);
  assert.deepEqual(await schedules.getJobSchedule(store, 1, "nightly"), whole);
  assert.deepEqual(await schedules.getJobSchedule(store, 1, "plain"), aSchedule({ id: "Plain" }));
  assert.equal(await schedules.getJobSchedule(store, 2, "nightly"), undefined);
  assert.deepEqual(keysOf(await schedules.unfinishedJobSchedules(store)), ["plain"]);
  const changed = aSchedule({ id: "Plain", state: "disabled", jobsMade: 1 });
  await store.commit([schedules.saveJobSchedule(changed)]);
  assert.deepEqual(await schedules.getJobSchedule(store, 1, "plain"), { ...changed, generation: 1 });
  await assert.rejects(store.commit([schedules.saveJobSchedule(changed)]), conflictAt(0));
});

test("of a job and a schedule with the same id one is written, whoever comes first", async (t) => {
  const store = await openedStore(t);
  const batches = [insertJob(jobOf("Same", 1)), [schedules.insertJobSchedule(aSchedule({ id: "same" }))]];
  assert.deepEqual((await outcomes(store, batches)).sort(), ["Conflict", "committed"]);
  const reversed = [[schedules.insertJobSchedule(aSchedule({ id: "other" }))], insertJob(jobOf("Other", 2))];
  assert.deepEqual((await outcomes(store, reversed)).sort(), ["Conflict", "committed"]);
  await assert.rejects(store.commit([schedules.insertJobSchedule(aSchedule({ id: "other" }))]));
  await store.commit(insertJob(jobOf("Other", 3, { accountId: 2 })));
  assert.deepEqual(await sanityCheck(store), []);
});

test("the jobs of a schedule are those with its id and a colon", async (t) => {
  const store = await openedStore(t);
  const s = aSchedule({ id: "a", jobsMade: 12 });
  const ids = ["a", "a:job-1", "a:job-2", "a:job-12", "aa:job-1", "a-b:job-1", "A_:job-1"];
  await store.commit(ids.flatMap((id, index) => insertJob(jobOf(id, index + 1, { state: id === "a:job-1" ? "deleting" : "active" }))));
  const page = { accountId: 1, scheduleKey: "a", limit: 10 };
  assert.deepEqual(keysOf(await schedules.listJobsOfSchedule(store, page)), ["a:job-1", "a:job-12", "a:job-2"]);
  assert.deepEqual(keysOf(await schedules.listJobsOfSchedule(store, { ...page, after: "a:job-1", limit: 1 })), ["a:job-12"]);
  assert.deepEqual(keysOf(await schedules.jobsLeft(store, s, 10)), ["a:job-12", "a:job-2", "a:job-1"], "what is being deleted comes last");
  assert.deepEqual(keysOf(await schedules.listJobsOfSchedule(store, { ...page, scheduleKey: "a-b" })), ["a-b:job-1"]);
});

test("a schedule stays while a job of it is left", async (t) => {
  const store = await openedStore(t);
  const schedule = aSchedule({ jobsMade: 1 });
  const job = jobOf("Nightly:job-1", 1);
  await store.commit([schedules.insertJobSchedule(schedule), ...insertJob(job)]);
  assert.deepEqual(await sanityCheck(store), []);
  await assert.rejects(store.commit([schedules.deleteJobSchedule(schedule)]), isConflict);
  await store.commit([...deleteJob(job), schedules.deleteJobSchedule(schedule)]);
  assert.equal(await schedules.getJobSchedule(store, 1, "nightly"), undefined);
});

test("the sanity check knows jobs without a schedule, and two that go on", async (t) => {
  const store = await openedStore(t);
  const job = (n: number) => insertJob(jobOf(`Nightly:job-${n}`, n));
  await store.commit(job(1));
  assert.match((await sanityCheck(store)).join(), /is of a schedule.*Nightly:job-1/);
  await store.commit([schedules.insertJobSchedule(aSchedule({ jobsMade: 2 })), ...job(2)]);
  assert.deepEqual(await sanityCheck(store), ["only the latest job of a schedule has not ended: job Nightly:job-1"]);
});

const compare = (property: string, operator: "eq" | "ne" | "gt" | "lt", value: FilterValue): FilterNode => ({
  type: "compare",
  operator,
  property,
  value,
});

test("filters of the list of schedules", async (t) => {
  const store = await openedStore(t);
  const timed = aSchedule({ id: "Timed", createdAt: at * 1000 + 9_000_000, endTime: at + 7, state: "completed" });
  timed.spec = { ...timed.spec, schedule: { doNotRunUntil: "2026-01-02T00:00:00Z", doNotRunAfter: "2026-01-03T00:00:00.5Z" } };
  await store.commit([aSchedule(), timed].map(schedules.insertJobSchedule));
  const time = (value: number): FilterValue => ({ kind: "time", value });
  const day = 86_400_000;
  const rows: [FilterNode, string[]][] = [
    [compare("id", "eq", { kind: "string", value: "NIGHTLY" }), ["nightly"]],
    [{ type: "startswith", property: "id", value: "T" }, ["timed"]],
    [compare("state", "ne", { kind: "string", value: "Completed" }), ["nightly"]],
    [compare("stateTransitionTime", "eq", time(at)), ["nightly", "timed"]],
    [compare("creationTime", "gt", time(at + 1000)), ["timed"]],
    [compare("lastModified", "lt", time(at)), []],
    [compare("executionInfo/endTime", "eq", time(at + 7)), ["timed"]],
    [compare("executionInfo/endTime", "ne", time(at + 7)), ["nightly"]],
    [compare("schedule/doNotRunUntil", "eq", time(at + day)), ["timed"]],
    [compare("schedule/doNotRunAfter", "lt", time(at + 2 * day + 501)), ["timed"]],
  ];
  for (const [filter, expected] of rows)
    assert.deepEqual(
      keysOf(await schedules.listJobSchedules(store, { accountId: 1, limit: 10, filter })),
      expected,
      JSON.stringify(filter),
    );
});

/** The plan of the one query that `ask` puts to its reader. */
const planOf = async (store: Store, ask: (read: Reader) => Promise<unknown>): Promise<string> => {
  const asked: Sql[] = [];
  const all = async (query: Sql): Promise<never[]> => {
    asked.push(query);
    return [];
  };
  await ask({ get: async (query) => void (await all(query)) as undefined, all });
  assert.equal(asked.length, 1);
  const { text, values } = asked[0]!;
  return (await store.all<{ detail: string }>({ text: `EXPLAIN QUERY PLAN ${text}`, values })).map(({ detail }) => detail).join("\n");
};

test("every reading uses its index, also that of a schedule's jobs", async (t) => {
  const store = await openedStore(t);
  const s = { accountId: 1, key: "a" };
  const readings: [ask: (read: Reader) => Promise<unknown>, plan: RegExp][] = [
    [(read) => schedules.getJobSchedule(read, 1, "a"), /^SEARCH job_schedules USING PRIMARY KEY \(account_id=\? AND key=\?\)$/],
    [(read) => schedules.listJobSchedules(read, { accountId: 1, after: "a", limit: 5 }), /PRIMARY KEY \(account_id=\? AND key>\?\)$/],
    [(read) => schedules.unfinishedJobSchedules(read), /^SCAN job_schedules USING INDEX job_schedules_unfinished$/],
    [
      (read) => schedules.listJobsOfSchedule(read, { accountId: 1, scheduleKey: "a", limit: 5 }),
      /^SEARCH jobs USING PRIMARY KEY \(account_id=\? AND key>\? AND key<\?\)$/,
    ],
    [(read) => schedules.jobsLeft(read, s, 5), /^SEARCH jobs USING PRIMARY KEY \(account_id=\? AND key>\? AND key<\?\)/],
  ];
  for (const [ask, plan] of readings) assert.match(await planOf(store, ask), plan);
  const { text, rows } = schedules.deleteJobSchedule(aSchedule());
  const plan = await store.all<{ detail: string }>({ text: `EXPLAIN QUERY PLAN ${text}`, values: rows[0]! });
  assert.deepEqual(
    plan.map(({ detail }) => detail).filter((detail) => /^(SCAN|SEARCH)/.test(detail)),
    ["SEARCH job_schedules USING PRIMARY KEY (account_id=? AND key=?)", "SEARCH j USING PRIMARY KEY (account_id=? AND key>? AND key<?)"],
  );
});
