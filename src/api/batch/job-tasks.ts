// The tasks that belong to a job itself: manager, preparation, release. Data only.
import { unlimitedDuration } from "../../lib/duration.ts";
import { f, model, required } from "../fields.ts";
import { ApplicationPackageReference, chosenId, displayName, EnvironmentSetting, minuteMs, retentionDefaults, retries } from "./common.ts";
import { TaskContainerSettings } from "./containers.ts";
import { AuthenticationTokenSettings, defaultIdentity, elevation, runElevated, UserIdentity } from "./identities.ts";
import { recorded } from "./recorded.ts";
import { OutputFile, ResourceFile } from "./staging.ts";

/** A task that does not say how often it is retried is retried as its job says: handlers fill that in. */
export const TaskConstraints = model("TaskConstraints", {
  maxWallClockTime: f.duration({ minMs: 0, default: unlimitedDuration }),
  retentionTime: f.duration({ minMs: 0, defaults: retentionDefaults }),
  maxTaskRetryCount: f.int32(retries),
});

/** What every kind of task has; each is a property of its own so that a model reads in its own order. */
export const taskFields = {
  commandLine: required(f.string({ minLength: 1 })),
  containerSettings: f.object(TaskContainerSettings, { since: "2017-09-01.6.0", recorded: recorded.containers }),
  resourceFiles: f.array(f.object(ResourceFile)),
  environmentSettings: f.array(f.object(EnvironmentSetting)),
  userIdentity: f.object(UserIdentity, { since: "2017-01-01.4.0", default: defaultIdentity, recorded: recorded.users }),
  runElevated,
};

/** What the tasks that clients add and the job manager have beyond that. */
export const workFields = {
  outputFiles: f.array(f.object(OutputFile), { since: "2017-05-01.5.0" }),
  constraints: f.object(TaskConstraints, { default: {} }),
  requiredSlots: f.int32({ since: "2020-09-01.12.0", min: 1, default: 1 }),
  applicationPackageReferences: f.array(f.object(ApplicationPackageReference), { since: "2016-07-01.3.1", omitEmpty: true }),
  authenticationTokenSettings: f.object(AuthenticationTokenSettings, { since: "2017-01-01.4.0" }),
};

export const JobManagerTask = model(
  "JobManagerTask",
  {
    id: required(f.string(chosenId)),
    displayName: f.string(displayName),
    ...taskFields,
    ...workFields,
    killJobOnCompletion: f.boolean({ default: true }),
    runExclusive: f.boolean({ default: true }),
    allowLowPriorityNode: f.boolean({ since: "2017-05-01.5.0", default: true }),
  },
  { conversions: [elevation] },
);

export const JobPreparationTask = model(
  "JobPreparationTask",
  {
    id: f.string({ ...chosenId, default: "jobpreparation" }),
    ...taskFields,
    constraints: f.object(TaskConstraints, { default: {} }),
    waitForSuccess: f.boolean({ default: true }),
    rerunOnNodeRebootAfterSuccess: f.boolean({ default: true }),
  },
  { conversions: [elevation] },
);

export const JobReleaseTask = model(
  "JobReleaseTask",
  {
    id: f.string({ ...chosenId, default: "jobrelease" }),
    ...taskFields,
    maxWallClockTime: f.duration({ minMs: 0, maxMs: 15 * minuteMs, default: "PT15M" }),
    retentionTime: f.duration({ minMs: 0, defaults: retentionDefaults }),
  },
  { conversions: [elevation] },
);
