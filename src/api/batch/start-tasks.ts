// The task that prepares each node of a pool. Data only.
import { f, model, required } from "../fields.ts";
import { EnvironmentSetting, retries } from "./common.ts";
import { TaskContainerExecutionInformation, TaskContainerSettings } from "./containers.ts";
import { TaskFailureInformation } from "./failures.ts";
import { defaultIdentity, elevation, runElevated, UserIdentity } from "./identities.ts";
import { ResourceFile } from "./staging.ts";

export const StartTask = model(
  "StartTask",
  {
    commandLine: required(f.string({ minLength: 1 })),
    containerSettings: f.object(TaskContainerSettings, { since: "2017-09-01.6.0" }),
    resourceFiles: f.array(f.object(ResourceFile)),
    environmentSettings: f.array(f.object(EnvironmentSetting)),
    userIdentity: f.object(UserIdentity, { since: "2017-01-01.4.0", default: defaultIdentity }),
    maxTaskRetryCount: f.int32({ ...retries, default: 0 }),
    waitForSuccess: f.boolean({
      defaults: [
        { since: "2015-12-01.2.2", value: false },
        { since: "2019-08-01.10.0", value: true },
      ],
    }),
    runElevated,
  },
  { conversions: [elevation] },
);

export const taskExecutionResult = ["success", "failure"] as const;

export const StartTaskInformation = model("StartTaskInformation", {
  state: required(f.enum(["running", "completed"])),
  startTime: required(f.dateTime()),
  endTime: f.dateTime(),
  exitCode: f.int32(),
  containerInfo: f.object(TaskContainerExecutionInformation, { since: "2017-09-01.6.0" }),
  failureInfo: f.object(TaskFailureInformation, { renamed: [{ until: "2017-01-01.4.0", as: "schedulingError" }] }),
  retryCount: required(f.int32()),
  lastRetryTime: f.dateTime(),
  result: f.enum(taskExecutionResult, { since: "2017-05-01.5.0" }),
});
