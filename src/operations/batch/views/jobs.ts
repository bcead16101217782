// A job and its counts as clients see them, in the newest spelling.
import type { CloudJob, TaskCountsResult } from "../../../api/batch/jobs.ts";
import type { Infer } from "../../../api/fields.ts";
import type { Job, JobCounts } from "../../../domain/jobs.ts";
import { etagOf, isoStamp, isoTime } from "../../../lib/clock.ts";
import { failureView, optionalTime } from "./failures.ts";

export const jobUrl = (baseUrl: string, jobId: string): string => `${baseUrl}/jobs/${jobId}`;

export const jobView = (job: Job, baseUrl: string): Infer<typeof CloudJob> => ({
  ...job.spec,
  id: job.id,
  url: jobUrl(baseUrl, job.id),
  eTag: etagOf(job.modified),
  lastModified: isoStamp(job.modified),
  // A job's uid is the stamp of its creation.
  creationTime: isoStamp(job.uid),
  state: job.state,
  stateTransitionTime: isoTime(job.stateChangedAt),
  previousState: job.previousState,
  previousStateTransitionTime: optionalTime(job.previousStateChangedAt),
  executionInfo: {
    startTime: isoTime(job.execution.startTime),
    endTime: optionalTime(job.execution.endTime),
    poolId: job.execution.poolId,
    schedulingError: failureView(job.execution.schedulingError),
    terminateReason: job.execution.terminateReason,
  },
});

export const countsView = (counts: JobCounts): Infer<typeof TaskCountsResult> => ({
  taskCounts: {
    active: counts.active,
    running: counts.running,
    completed: counts.succeeded + counts.failed,
    succeeded: counts.succeeded,
    failed: counts.failed,
  },
  taskSlotCounts: {
    active: counts.activeSlots,
    running: counts.runningSlots,
    completed: counts.succeededSlots + counts.failedSlots,
    succeeded: counts.succeededSlots,
    failed: counts.failedSlots,
  },
});
