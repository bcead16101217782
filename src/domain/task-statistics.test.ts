// What tasks add to statistics, over retries, requeues and reactivation.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Job } from "./jobs.ts";
import { finishTask } from "./task-results.ts";
import { addUsages, type JobUsage, noUsage, taskUsage, usageChange } from "./task-statistics.ts";
import { reactivateTask, requeueTask, startTask, type Task, terminateTask } from "./tasks.ts";

const job: Pick<Job, "spec"> = { spec: { id: "j", poolInfo: { poolId: "p" }, constraints: { maxTaskRetryCount: 1 } } };
const usage = { userMs: 100, systemMs: 20, maxRssKiB: 1, readBlocks: 3, writeBlocks: 5 };

/** Created at 1,000 ms. */
const queued: Task = {
  accountId: 1,
  jobUid: 1,
  seq: 1_000_000,
  id: "t",
  key: "t",
  state: "active",
  stateChangedAt: 1_000,
  slots: 1,
  blocked: 0,
  spec: { id: "t", commandLine: "c" },
  execution: { retryCount: 0, requeueCount: 0 },
  attempt: 0,
  satisfied: false,
  modified: 1_000_000,
  generation: 1,
};
const placed = (task: Task): Task => ({ ...task, nodeId: "n", attempt: task.attempt + 1 });

/** The changes of the totals from one value of the task to the next, added up. */
const total = (history: readonly Task[]): JobUsage =>
  addUsages(history.slice(1).flatMap((after, index) => usageChange(history[index]!, after) ?? []));

test("a task waits until it starts, runs until it ends, and counts in its job once it has ended", () => {
  const waiting = placed(queued);
  assert.deepEqual([taskUsage(waiting, 1_700).waitMs, taskUsage(waiting, 1_700).wallMs], [700, 0]);
  const running = startTask(waiting, 2_000);
  assert.equal(usageChange(waiting, running), undefined);
  assert.deepEqual([taskUsage(running, 2_300).waitMs, taskUsage(running, 2_300).wallMs], [1_000, 300]);
  const { after } = finishTask(running, job, { startedAt: 2_000, endedAt: 2_500, exitCode: 0, usage }, 2_600);
  const spent = { userMs: 100, kernelMs: 20, wallMs: 500, waitMs: 1_000, readBlocks: 3, writeBlocks: 5 };
  assert.deepEqual(taskUsage(after, 9_999), spent);
  assert.deepEqual(total([waiting, running, after]), { ...spent, succeeded: 1, failed: 0, retries: 0 });
});

test("runs that are repeated are added up; the wait is until the latest", () => {
  const first = startTask(placed(queued), 2_000);
  const failed = { startedAt: 2_000, endedAt: 2_500, exitCode: 1, usage };
  const retried = finishTask(first, job, failed, 2_600).after;
  assert.equal(retried.state, "active");
  assert.deepEqual(total([first, retried]), {
    ...noUsage,
    userMs: 100,
    kernelMs: 20,
    wallMs: 500,
    readBlocks: 3,
    writeBlocks: 5,
    retries: 1,
  });
  assert.deepEqual([taskUsage(retried, 2_800).wallMs, taskUsage(retried, 2_800).waitMs], [500, 1_800]);
  const second = startTask(placed(retried), 3_000);
  const requeued = requeueTask(second, 3_400);
  assert.equal(taskUsage(requeued, 9_999).wallMs, 900);
  const third = startTask(placed(requeued), 4_000);
  const ended = finishTask(third, job, { startedAt: 4_000, endedAt: 4_100, exitCode: 2, usage }, 4_100).after;
  assert.deepEqual(taskUsage(ended, 9_999), { userMs: 200, kernelMs: 40, wallMs: 1_000, waitMs: 3_000, readBlocks: 6, writeBlocks: 10 });
  const all = total([queued, first, retried, second, requeued, third, ended]);
  assert.deepEqual(all, { ...taskUsage(ended, 9_999), succeeded: 0, failed: 1, retries: 1 });

  const again = (reactivateTask(ended, 5_000) as { after: Task }).after;
  const fourth = startTask(placed(again), 6_000);
  const well = finishTask(fourth, job, { startedAt: 6_000, endedAt: 6_050, exitCode: 0, usage }, 6_050).after;
  assert.deepEqual(total([queued, first, retried, second, requeued, third, ended, again, fourth, well]), {
    ...{ userMs: 300, kernelMs: 60, wallMs: 1_050, waitMs: 5_000, readBlocks: 9, writeBlocks: 15 },
    ...{ succeeded: 1, failed: 0, retries: 1 },
  });
});

test("a task that was ended before it ran has waited and nothing else", () => {
  const { after } = terminateTask(queued, 1_400) as { after: Task };
  assert.deepEqual(total([queued, after]), { ...noUsage, waitMs: 400, failed: 1 });
});
