// A job schedule as clients see it, in the newest spelling.
import type { CloudJobSchedule } from "../../../api/batch/job-schedules.ts";
import type { Infer } from "../../../api/fields.ts";
import { type JobSchedule, nextRunAt, recentJobId } from "../../../domain/job-schedules.ts";
import { etagOf, type Instant, isoStamp, isoTime } from "../../../lib/clock.ts";
import { optionalTime } from "./failures.ts";
import { jobUrl } from "./jobs.ts";

export const jobScheduleView = (schedule: JobSchedule, now: Instant, baseUrl: string): Infer<typeof CloudJobSchedule> => ({
  ...schedule.spec,
  id: schedule.id,
  url: `${baseUrl}/jobschedules/${schedule.id}`,
  eTag: etagOf(schedule.modified),
  lastModified: isoStamp(schedule.modified),
  creationTime: isoStamp(schedule.createdAt),
  state: schedule.state,
  stateTransitionTime: isoTime(schedule.stateChangedAt),
  previousState: schedule.previousState,
  previousStateTransitionTime: optionalTime(schedule.previousStateChangedAt),
  executionInfo: {
    nextRunTime: optionalTime(nextRunAt(schedule, now)),
    recentJob: recentJobView(schedule, baseUrl),
    endTime: optionalTime(schedule.endTime),
  },
});

const recentJobView = (schedule: JobSchedule, baseUrl: string): { id: string; url: string } | undefined => {
  const id = recentJobId(schedule);
  return id === undefined ? undefined : { id, url: jobUrl(baseUrl, id) };
};
