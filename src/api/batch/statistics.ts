// Statistics of pools, jobs and tasks, shown with $expand=stats. Counters of 64 bits are text on the wire. Data only.
import { f, model, required } from "../fields.ts";

export const UsageStatistics = model("UsageStatistics", {
  startTime: required(f.dateTime()),
  lastUpdateTime: required(f.dateTime()),
  dedicatedCoreTime: required(f.duration()),
});

export const ResourceStatistics = model("ResourceStatistics", {
  startTime: required(f.dateTime()),
  lastUpdateTime: required(f.dateTime()),
  avgCPUPercentage: required(f.number()),
  avgMemoryGiB: required(f.number()),
  peakMemoryGiB: required(f.number()),
  avgDiskGiB: required(f.number()),
  peakDiskGiB: required(f.number()),
  diskReadIOps: required(f.int64String()),
  diskWriteIOps: required(f.int64String()),
  diskReadGiB: required(f.number()),
  diskWriteGiB: required(f.number()),
  networkReadGiB: required(f.number()),
  networkWriteGiB: required(f.number()),
});

export const PoolStatistics = model("PoolStatistics", {
  url: required(f.string()),
  startTime: required(f.dateTime()),
  lastUpdateTime: required(f.dateTime()),
  usageStats: f.object(UsageStatistics),
  resourceStats: f.object(ResourceStatistics, { recorded: "Never shown: machines are measured only while a formula looks at their pool." }),
});

/** What a task used, and all tasks of a job together. */
const ofTasks = {
  url: required(f.string()),
  startTime: required(f.dateTime()),
  lastUpdateTime: required(f.dateTime()),
  userCPUTime: required(f.duration()),
  kernelCPUTime: required(f.duration()),
  wallClockTime: required(f.duration()),
  readIOps: required(f.int64String()),
  writeIOps: required(f.int64String()),
  readIOGiB: required(f.number()),
  writeIOGiB: required(f.number()),
};

const ofJobs = {
  ...ofTasks,
  numSucceededTasks: required(f.int64String()),
  numFailedTasks: required(f.int64String()),
  numTaskRetries: required(f.int64String()),
  waitTime: required(f.duration()),
};

export const JobStatistics = model("JobStatistics", ofJobs);

/** Of all jobs that a schedule has made. */
export const JobScheduleStatistics = model("JobScheduleStatistics", ofJobs);

export const TaskStatistics = model("TaskStatistics", {
  ...ofTasks,
  waitTime: required(f.duration()),
});
