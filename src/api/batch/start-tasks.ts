// The task that prepares each node of a pool. Data only.
import { f, model, required } from "../fields.ts";
import { retries } from "./common.ts";
import { TaskContainerExecutionInformation } from "./containers.ts";
import { TaskFailureInformation } from "./failures.ts";
import { elevation } from "./identities.ts";
import { taskFields } from "./job-tasks.ts";
import { recorded } from "./recorded.ts";

export const StartTask = model(
  "StartTask",
  {
    ...taskFields,
    maxTaskRetryCount: f.int32({ ...retries, default: 0 }),
    waitForSuccess: f.boolean({
      defaults: [
        { since: "2015-12-01.2.2", value: false },
        { since: "2019-08-01.10.0", value: true },
      ],
    }),
  },
  { conversions: [elevation] },
);

export const taskExecutionResult = ["success", "failure"] as const;

export const StartTaskInformation = model("StartTaskInformation", {
  state: required(f.enum(["running", "completed"])),
  startTime: required(f.dateTime()),
  endTime: f.dateTime(),
  exitCode: f.int32(),
  containerInfo: f.object(TaskContainerExecutionInformation, { since: "2017-09-01.6.0", recorded: recorded.neverSent }),
  failureInfo: f.object(TaskFailureInformation, { renamed: [{ until: "2017-01-01.4.0", as: "schedulingError" }] }),
  retryCount: required(f.int32()),
  lastRetryTime: f.dateTime(),
  result: f.enum(taskExecutionResult, { since: "2017-05-01.5.0" }),
});
