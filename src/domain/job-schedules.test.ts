// When a schedule makes its jobs: rules as tables of minutes. Times are minutes after the creation of the schedule.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  changeState,
  isOver,
  type JobSchedule,
  jobScheduleStates,
  nextOpportunity,
  nextRunAt,
  nextStep,
  recentJobId,
  scheduleKeyOf,
  updateSchedule,
} from "./job-schedules.ts";

const start = Date.UTC(2026, 0, 1);
const minute = 60_000;
const at = (minutes: number): number => start + minutes * minute;
const minutesOf = (time: number | undefined): number | undefined => (time === undefined ? undefined : (time - start) / minute);

/** Minutes instead of times and durations. */
type Settings = { until?: number; after?: number; window?: number; every?: number; lastDue?: number };

const aSchedule = ({ until, after, window, every, lastDue }: Settings = {}, changes: Partial<JobSchedule> = {}): JobSchedule => ({
  accountId: 1,
  key: "s",
  id: "S",
  createdAt: start * 1000,
  state: "active",
  stateChangedAt: start,
  spec: {
    id: "S",
    jobSpecification: { poolInfo: { poolId: "p" } },
    schedule: {
      ...(until === undefined ? {} : { doNotRunUntil: new Date(at(until)).toISOString() }),
      ...(after === undefined ? {} : { doNotRunAfter: new Date(at(after)).toISOString() }),
      ...(window === undefined ? {} : { startWindow: `PT${window}M` }),
      ...(every === undefined ? {} : { recurrenceInterval: `PT${every}M` }),
    },
  },
  jobsMade: lastDue === undefined ? 0 : 1,
  ...(lastDue === undefined ? {} : { lastDueAt: at(lastDue) }),
  modified: start * 1000,
  generation: 1,
  ...changes,
});

const opportunities: [what: string, settings: Settings, now: number, due: number | undefined, closes?: number][] = [
  ["a single job is due at once, for ever", {}, 500, 0, Number.POSITIVE_INFINITY],
  ["or from doNotRunUntil", { until: 10 }, 0, 10, Number.POSITIVE_INFINITY],
  ["a doNotRunUntil in the past counts from then", { until: -30, every: 20 }, 0, -10, 10],
  ["a single job is made once", { lastDue: 0 }, 1, undefined],
  ["within its window", { window: 5 }, 4.9, 0, 5],
  ["a window that has passed", { window: 5 }, 5, undefined],
  ["recurring: the first", { every: 10 }, 0, 0, 10],
  ["recurring: after the first", { every: 10, lastDue: 0 }, 0, 10, 20],
  ["recurring: due and not made, it is open until the next", { every: 10, lastDue: 0 }, 19.9, 10, 20],
  ["what is due is not carried into the next interval", { every: 10, lastDue: 0 }, 20, 20, 30],
  ["however many were missed, one is due", { every: 10, lastDue: 0 }, 57, 50, 60],
  ["a window shortens each", { every: 10, window: 2, lastDue: 0 }, 11.9, 10, 12],
  ["a lost one leaves the next", { every: 10, window: 2, lastDue: 0 }, 12, 20, 22],
  ["many lost ones leave the next", { every: 10, window: 2, lastDue: 0 }, 57, 60, 62],
  ["a window longer than the interval is as good as none", { every: 10, window: 25, lastDue: 0 }, 25, 20, 30],
  ["doNotRunAfter closes", { every: 10, after: 25, lastDue: 10 }, 11, 20, 25],
  ["and there is none after it", { every: 10, after: 25, lastDue: 20 }, 21, undefined],
  ["nor at it", { every: 10, after: 20, lastDue: 10 }, 11, undefined],
  ["a first one that could only come after it", { until: 30, after: 20 }, 0, undefined],
  ["a later doNotRunUntil puts the recurrence off", { every: 10, until: 45, lastDue: 10 }, 12, 45, 55],
  ["and goes on from there", { every: 10, until: 45, lastDue: 45 }, 46, 55, 65],
];

test("opportunities", async (t) => {
  for (const [what, settings, now, due, closes] of opportunities) {
    await t.test(what, () => {
      const next = nextOpportunity(aSchedule(settings), at(now));
      assert.deepEqual([minutesOf(next?.dueAt), minutesOf(next?.closesAt)], [due, closes]);
    });
  }
});

const steps: [what: string, settings: Settings, hasActiveJob: boolean, now: number, step: string][] = [
  ["the first job", {}, false, 0, "make 0"],
  ["one that is late keeps its due", { every: 10, lastDue: 0 }, false, 14, "make 10"],
  ["not while one is active", { every: 10, lastDue: 0 }, true, 14, "wait"],
  ["not yet", { until: 10 }, false, 5, "wait 10"],
  ["the window is lost: the next one", { every: 10, window: 2, lastDue: 0 }, false, 15, "wait 20"],
  ["the single job has ended", { lastDue: 0 }, false, 5, "complete"],
  ["the single job is active", { lastDue: 0 }, true, 5, "wait"],
  ["the single job was missed", { window: 5 }, false, 5, "complete"],
  ["past doNotRunAfter", { every: 10, after: 25, lastDue: 20 }, false, 25, "complete"],
  ["past doNotRunAfter, but a job is active", { every: 10, after: 25, lastDue: 20 }, true, 30, "wait"],
  ["none is left, but doNotRunAfter is not past", { every: 10, after: 25, lastDue: 20 }, false, 22, "wait 25"],
  ["a first that can never come", { until: 30, after: 20 }, false, 0, "complete"],
  ["past before it began", { until: -60, after: -30, every: 10 }, false, 0, "complete"],
];

test("what an active schedule does", async (t) => {
  for (const [what, settings, hasActiveJob, now, step] of steps) {
    await t.test(what, () => {
      const next = nextStep(aSchedule(settings), hasActiveJob, at(now));
      const time = next.do === "make" ? next.dueAt : next.do === "wait" ? next.until : undefined;
      assert.equal([next.do, ...(time === undefined ? [] : [minutesOf(time)])].join(" "), step);
    });
  }
});

test("unlimited durations are as good as absent ones", () => {
  const unlimited = "P10675199DT2H48M5.4775807S";
  const schedule = aSchedule({ lastDue: 0 });
  schedule.spec.schedule = { recurrenceInterval: unlimited, startWindow: unlimited };
  assert.equal(isOver(schedule, at(1)), true);
  assert.equal(isOver({ ...schedule, lastDueAt: undefined }, at(1)), false);
});

test("nothing is due after the year 9999, which no client could read", () => {
  const schedule = aSchedule({ lastDue: 0 });
  schedule.spec.schedule = { recurrenceInterval: "P3649999D" };
  assert.equal(nextRunAt(schedule, at(1)), undefined);
  assert.deepEqual(nextStep(schedule, false, at(1)), { do: "wait", until: Number.POSITIVE_INFINITY });
  schedule.spec.schedule = { doNotRunUntil: "0001-01-01T00:00:00Z", recurrenceInterval: "P1D" };
  assert.equal(nextRunAt({ ...schedule, lastDueAt: undefined }, at(1)), start);
});

test("nextRunTime is shown while a job may still come, disabled or not", () => {
  const settings = { every: 10, lastDue: 0 };
  const shown = jobScheduleStates.states.map((state) => minutesOf(nextRunAt(aSchedule(settings, { state }), at(5))));
  assert.deepEqual(shown, [10, 10, undefined, undefined, undefined]);
});

test("a job that a change finds made stays the latest, and its due stays what the next is counted from", () => {
  const change = updateSchedule(aSchedule({ every: 10, lastDue: 20 }), { schedule: { recurrenceInterval: "PT1H" } });
  assert.ok("after" in change);
  assert.equal(minutesOf(nextOpportunity(change.after, at(25))?.dueAt), 80);
  assert.equal(change.after.spec.jobSpecification.poolInfo.poolId, "p");
  const removed = updateSchedule(aSchedule({ every: 10, lastDue: 20 }), { schedule: {} });
  assert.ok("after" in removed && isOver(removed.after, at(25)));
  assert.deepEqual(updateSchedule(aSchedule({}, { state: "disabled" }), { metadata: [] }), { refused: "JobScheduleDisabled" });
});

test("the end has a time, other changes of state have none", () => {
  const completed = changeState(aSchedule({ lastDue: 0 }), "complete", at(3));
  assert.ok("after" in completed);
  const { state, previousState, previousStateChangedAt, endTime } = completed.after;
  assert.deepEqual([state, previousState, previousStateChangedAt, endTime], ["completed", "active", start, at(3)]);
  const disabled = changeState(aSchedule(), "disable", at(3));
  assert.ok("after" in disabled && disabled.after.endTime === undefined);
});

test("ids of jobs and their schedules", () => {
  assert.equal(recentJobId({ id: "S", jobsMade: 0 }), undefined);
  assert.equal(recentJobId({ id: "S", jobsMade: 12 }), "S:job-12");
  assert.deepEqual([scheduleKeyOf("s:job-12"), scheduleKeyOf("s")], ["s", undefined]);
});
