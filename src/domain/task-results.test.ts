// What becomes of a finished attempt: each rule of the reference (jobs-and-tasks 4.3, 4.4, 4.5) as one line.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskOutcome } from "../api/agent/messages.ts";
import type { Job } from "./jobs.ts";
import { finishTask } from "./task-results.ts";
import { placeTask, recoverTask, requeueTask, type Task, terminateTask } from "./tasks.ts";

type Conditions = NonNullable<Task["spec"]["exitConditions"]>;

const aTask = (spec: Partial<Task["spec"]> = {}, execution: Partial<Task["execution"]> = {}): Task =>
  placeTask(
    {
      accountId: 1,
      jobUid: 2,
      seq: 3,
      id: "t",
      key: "t",
      state: "active",
      stateChangedAt: 0,
      slots: 1,
      blocked: 0,
      spec: { id: "t", commandLine: "x", ...spec } as Task["spec"],
      execution: { retryCount: 0, requeueCount: 0, ...execution },
      attempt: 0,
      satisfied: false,
      modified: 7,
      generation: 1,
    },
    { poolId: "p", nodeId: "n" },
  );
const aJob = (spec: Partial<Job["spec"]> = {}): Pick<Job, "spec"> => ({
  spec: { id: "j", poolInfo: { poolId: "p" }, ...spec } as Job["spec"],
});
const exit = (exitCode: number): TaskOutcome => ({ startedAt: 100, endedAt: 200, exitCode });
const failed = (failedIn: "preProcessing" | "run" | "fileUpload", exitCode?: number): TaskOutcome => ({
  startedAt: 100,
  endedAt: 200,
  failedIn,
  failure: { category: "servererror", code: failedIn, message: "m" },
  ...(exitCode === undefined ? {} : { exitCode }),
});

const conditions: Conditions = {
  exitCodes: [{ code: 3, exitOptions: { jobAction: "disable", dependencyAction: "satisfy" } }],
  exitCodeRanges: [{ start: 3, end: 9, exitOptions: { jobAction: "none" } }],
  preProcessingError: { jobAction: "disable", dependencyAction: "satisfy" },
  fileUploadError: { jobAction: "none", dependencyAction: "satisfy" },
  default: { dependencyAction: "satisfy" },
};

const verdictOf = (outcome: TaskOutcome, exitConditions?: Conditions): string => {
  const { after, jobAction, kind } = finishTask(
    aTask({ exitConditions }),
    aJob({ onTaskFailure: "performexitoptionsjobaction" }),
    outcome,
    250,
  );
  return `${kind} ${jobAction} ${after.satisfied ? "satisfied" : "blocked"}`;
};

for (const [name, outcome, given, expected] of [
  ["exit 0 is success", exit(0), undefined, "success none satisfied"],
  ["another code ends the job and blocks by default", exit(1), undefined, "failure terminate blocked"],
  ["the exact code comes before a range", exit(3), conditions, "failure disable satisfied"],
  ["both ends of a range belong to it; what it does not say is the default", exit(9), conditions, "failure none blocked"],
  ["`default` is for any other failure", exit(10), conditions, "failure terminate satisfied"],
  ["`default` is never used for exit 0", exit(0), { default: { dependencyAction: "block" } }, "success none satisfied"],
  ["exit 0 can be listed", exit(0), { exitCodes: [{ code: 0, exitOptions: { dependencyAction: "block" } }] }, "success none blocked"],
  ["an error before it started", failed("preProcessing"), conditions, "failure disable satisfied"],
  ["an error of the upload", failed("fileUpload", 0), conditions, "failure none satisfied"],
  ["an explicit code comes before the upload's error", failed("fileUpload", 3), conditions, "failure disable satisfied"],
  [
    "an upload error without its own condition falls to `default`",
    failed("fileUpload", 0),
    { default: { jobAction: "none" } },
    "failure none blocked",
  ],
  ["the wall clock has passed", failed("run", 143), undefined, "failure terminate blocked"],
] as [string, TaskOutcome, Conditions | undefined, string][]) {
  test(name, () => assert.equal(verdictOf(outcome, given), expected));
}

test("job actions are heeded only where the job asks for it", () => {
  assert.equal(finishTask(aTask(), aJob({ onTaskFailure: "noaction" }), exit(1), 250).jobAction, "none");
});

test("retries: the task's own limit, else the job's; without end at -1; never for errors around the run", () => {
  const kindOf = (task: Task, job: Pick<Job, "spec">, outcome: TaskOutcome): string => finishTask(task, job, outcome, 250).kind;
  assert.equal(kindOf(aTask({ constraints: { maxTaskRetryCount: 1 } }), aJob(), exit(1)), "retry");
  assert.equal(kindOf(aTask({ constraints: { maxTaskRetryCount: 1 } }, { retryCount: 1 }), aJob(), exit(1)), "failure");
  assert.equal(kindOf(aTask(), aJob({ constraints: { maxTaskRetryCount: 2 } }), exit(1)), "retry");
  assert.equal(
    kindOf(aTask({ constraints: { maxTaskRetryCount: 0 } }), aJob({ constraints: { maxTaskRetryCount: 2 } }), exit(1)),
    "failure",
  );
  assert.equal(kindOf(aTask({ constraints: { maxTaskRetryCount: -1 } }, { retryCount: 1000 }), aJob(), exit(1)), "retry");
  for (const stage of ["preProcessing", "run", "fileUpload"] as const) {
    assert.equal(kindOf(aTask({ constraints: { maxTaskRetryCount: 5 } }), aJob(), failed(stage, 1)), "failure", stage);
  }
});

test("a completed task keeps its times, its place and its ETag", () => {
  const { after } = finishTask(
    aTask(),
    aJob(),
    { ...exit(0), usage: { userMs: 1, systemMs: 2, maxRssKiB: 3, readBlocks: 4, writeBlocks: 5 } },
    250,
  );
  assert.deepEqual(
    [after.state, after.previousState, after.previousStateChangedAt, after.stateChangedAt],
    ["completed", "running", 100, 200],
  );
  assert.deepEqual([after.modified, after.nodeId, after.execution.startTime, after.execution.endTime], [7, "n", 100, 200]);
  assert.deepEqual(after.execution.node, { poolId: "p", nodeId: "n" });
  assert.equal(after.execution.usage?.maxRssKiB, 3);
});

test("requeue and recovery count apart, and what never began is counted in neither", () => {
  const running: Task = { ...aTask(), state: "running", execution: { retryCount: 1, requeueCount: 0, startTime: 5 } };
  assert.deepEqual(requeueTask(running, 9).execution, { retryCount: 1, requeueCount: 1, lastRequeueTime: 9, ranMs: 4 });
  assert.deepEqual(recoverTask(running, 9).execution, { retryCount: 1, requeueCount: 0, recoveryCount: 1, ranMs: 4 });
  const waiting = requeueTask(aTask(), 9);
  assert.deepEqual([waiting.nodeId, waiting.execution.requeueCount, waiting.attempt], [undefined, 0, 1]);
});

test("terminating a completed task is refused", () => {
  const { after } = finishTask(aTask(), aJob(), exit(0), 250);
  assert.deepEqual(terminateTask(after, 300), { refused: "TaskCompleted" });
});
