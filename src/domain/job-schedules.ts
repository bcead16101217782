// Job schedules: their values, their state machine, and when the next job is due. Pure; making the job is domain/new-job.ts, carrying
// it out the reconciler's. When a job may be made follows from the settings, the due of the latest job and `now` alone: an opportunity
// that passed without a job leaves no trace, so a restart, a late timer or a long disable need no catching up.

import type { JobScheduleAddParameter, Schedule } from "../api/batch/job-schedules.ts";
import type { Infer } from "../api/fields.ts";
import type { Instant, Stamp } from "../lib/clock.ts";
import { durationMs } from "../lib/duration.ts";
import { type Refusal, stateMachine } from "./state-machine.ts";

export type JobScheduleSpec = Infer<typeof JobScheduleAddParameter>;
export type JobScheduleState = "active" | "disabled" | "terminating" | "completed" | "deleting";

export type JobSchedule = {
  accountId: number;
  key: string;
  id: string;
  createdAt: Stamp;
  state: JobScheduleState;
  stateChangedAt: Instant;
  previousState?: JobScheduleState;
  previousStateChangedAt?: Instant;
  spec: JobScheduleSpec;
  /** How many jobs it has made; the latest is `{id}:job-{n}`. */
  jobsMade: number;
  /** When the latest of them was due, which is not when it was made. */
  lastDueAt?: Instant;
  endTime?: Instant;
  /** Of the automatic pool that its jobs share. */
  autoPoolId?: string;
  modified: Stamp;
  generation: number;
};

const refusals = {
  active: "OperationInvalidForCurrentState",
  disabled: "JobScheduleDisabled",
  terminating: "JobScheduleBeingTerminated",
  completed: "JobScheduleCompleted",
  deleting: "JobScheduleBeingDeleted",
} as const;

export const jobScheduleStates = stateMachine({
  states: ["active", "disabled", "terminating", "completed", "deleting"],
  events: {
    //            from                                                   to
    update: [[["active"], "stay"]],
    // Disabling what is disabled and enabling what is active change nothing, as with jobs (unverified for schedules).
    disable: [
      [["active"], "disabled"],
      [["disabled"], "stay"],
    ],
    enable: [
      [["disabled"], "active"],
      [["active"], "stay"],
    ],
    terminate: [[["active", "disabled"], "terminating"]],
    complete: [[["active", "terminating"], "completed"]],
    delete: [[["active", "disabled", "terminating", "completed"], "deleting"]],
  },
  refuse: refusals,
});

export type JobScheduleRefusal = Refusal<(typeof refusals)[JobScheduleState]>;
export type JobScheduleEvent = "disable" | "enable" | "terminate" | "complete" | "delete";

const moved = (schedule: JobSchedule, to: JobScheduleState, now: Instant): JobSchedule =>
  to === schedule.state
    ? schedule
    : { ...schedule, state: to, stateChangedAt: now, previousState: schedule.state, previousStateChangedAt: schedule.stateChangedAt };

/** The event as far as the schedule itself goes; its jobs follow by the reconciler. */
export const changeState = (schedule: JobSchedule, event: JobScheduleEvent, now: Instant): { after: JobSchedule } | JobScheduleRefusal => {
  const move = jobScheduleStates.next(schedule.state, event);
  if (move.refused !== undefined) return move;
  const after = moved(schedule, move.to, now);
  return { after: event === "complete" ? { ...after, endTime: now } : after };
};

export type JobScheduleChange = Partial<Pick<JobScheduleSpec, "schedule" | "jobSpecification" | "metadata">>;

/** Each part that is given replaces the one before as a whole, for the jobs made from then on. */
export const updateSchedule = (schedule: JobSchedule, change: JobScheduleChange): { after: JobSchedule } | JobScheduleRefusal => {
  const move = jobScheduleStates.next(schedule.state, "update");
  if (move.refused !== undefined) return move;
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  return { after: { ...schedule, spec: { ...schedule.spec, ...given } } };
};

/** A job may be made from `dueAt` on, and no more at `closesAt`. */
export type Opportunity = { dueAt: Instant; closesAt: Instant };
type Timed = { spec: { schedule: Infer<typeof Schedule> }; createdAt: Stamp; lastDueAt?: Instant };

const never = Number.POSITIVE_INFINITY;
/** Times end with the year 9999, on the wire and for clients: no job is due later. */
const endOfTimes = Date.UTC(10_000, 0, 1);
const msOf = (duration: string | undefined): number => (duration === undefined ? never : durationMs(duration));
const instantOf = (time: string | undefined, otherwise: Instant): Instant => (time === undefined ? otherwise : Date.parse(time));

/**
 * The first opportunity for a job that is not over at `now`: it is open, or still to come. Undefined when there will be none.
 *
 * Opportunities lie one recurrence interval apart, counted from the due of the latest job, before the first from doNotRunUntil or the
 * creation. One that is not taken within its start window is lost, and at the latest when the next one begins: what is due is never
 * carried into the next interval, which is why a start window longer than the interval is the same as an unlimited one.
 */
export const nextOpportunity = (schedule: Timed, now: Instant): Opportunity | undefined => {
  const { doNotRunAfter, startWindow, recurrenceInterval } = schedule.spec.schedule;
  const interval = msOf(recurrenceInterval);
  const first = firstDue(schedule, interval);
  if (first === undefined) return undefined;
  const ends = instantOf(doNotRunAfter, never);
  const window = Math.min(msOf(startWindow), interval);
  const opportunityAt = (dueAt: Instant): Opportunity | undefined =>
    dueAt >= Math.min(ends, endOfTimes) ? undefined : { dueAt, closesAt: Math.min(dueAt + window, ends) };
  const passed = now > first && interval !== never ? Math.floor((now - first) / interval) : 0;
  const current = opportunityAt(first + (passed === 0 ? 0 : passed * interval));
  if (current === undefined || now < current.closesAt) return current;
  return interval === never ? undefined : opportunityAt(current.dueAt + interval);
};

/** Whatever the time: the first due after that of the latest job. A doNotRunUntil after it puts the recurrence off. */
const firstDue = ({ spec, createdAt, lastDueAt }: Timed, interval: number): Instant | undefined => {
  const until = instantOf(spec.schedule.doNotRunUntil, Number.NEGATIVE_INFINITY);
  if (lastDueAt === undefined) return Number.isFinite(until) ? until : Math.floor(createdAt / 1000);
  if (interval === never) return undefined;
  return until > lastDueAt ? until : lastDueAt + interval;
};

/** Whether it will make no job any more: a single job was made or missed, or doNotRunAfter is past. */
export const isOver = (schedule: Timed, now: Instant): boolean => {
  const { doNotRunAfter, recurrenceInterval } = schedule.spec.schedule;
  if (msOf(recurrenceInterval) === never && nextOpportunity(schedule, now) === undefined) return true;
  return now >= instantOf(doNotRunAfter, never);
};

export type NextStep = { do: "make"; dueAt: Instant } | { do: "complete" } | { do: "wait"; until?: Instant };

/** What an active schedule does now. While a job of it is active it waits for that job's end, however long the next one has been due. */
export const nextStep = (schedule: Timed, hasActiveJob: boolean, now: Instant): NextStep => {
  if (hasActiveJob) return { do: "wait" };
  if (isOver(schedule, now)) return { do: "complete" };
  const next = nextOpportunity(schedule, now);
  if (next !== undefined) return next.dueAt <= now ? { do: "make", dueAt: next.dueAt } : { do: "wait", until: next.dueAt };
  // No opportunity is left, but a recurring schedule stays active until doNotRunAfter.
  return { do: "wait", until: instantOf(schedule.spec.schedule.doNotRunAfter, never) };
};

/** As executionInfo shows it: only of a schedule that may still make a job. */
export const nextRunAt = (schedule: JobSchedule, now: Instant): Instant | undefined =>
  schedule.state === "active" || schedule.state === "disabled" ? nextOpportunity(schedule, now)?.dueAt : undefined;

export const jobNameOf = (n: number): string => `job-${n}`;
export const recentJobId = ({ id, jobsMade }: Pick<JobSchedule, "id" | "jobsMade">): string | undefined =>
  jobsMade === 0 ? undefined : `${id}:${jobNameOf(jobsMade)}`;

/** The key of the schedule that made the job, if one did: ids that users choose have no colon. */
export const scheduleKeyOf = (jobKey: string): string | undefined => {
  const colon = jobKey.indexOf(":");
  return colon < 0 ? undefined : jobKey.slice(0, colon);
};
