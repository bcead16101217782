// The unmodified Azure CLI: a job schedule from its creation to its deletion, with a task in its first job.
import assert from "node:assert/strict";
import { test } from "node:test";
import { batchUser } from "../support/batch-user.ts";
import { isCalledBy } from "../support/coverage.ts";
import { startQuern } from "../support/quern.ts";
import { az as azure, missing } from "../support/require.ts";
import { type Az, azWith } from "./az-cli.ts";

test("az batch job-schedule", { skip: missing(azure), timeout: 240_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  isCalledBy(quern, "az 2.45");
  const user = batchUser(quern);
  const { account: AZURE_BATCH_ACCOUNT, key: AZURE_BATCH_ACCESS_KEY, batchUrl: AZURE_BATCH_ENDPOINT } = quern.ready;
  const { az: plain } = await azWith(t, quern, { AZURE_BATCH_ACCOUNT, AZURE_BATCH_ACCESS_KEY, AZURE_BATCH_ENDPOINT });
  const az: Az = (...args) => plain("batch", ...args);
  const of = ["--job-schedule-id", "nightly"];

  await user.pool("p", {}, null);
  await az("job-schedule", "create", "--id", "nightly", "--pool-id", "p", "--recurrence-interval", "P1D", "--start-window", "PT2H");
  const made = await az("job-schedule", "show", ...of);
  assert.deepEqual(
    [made.state, made.schedule.recurrenceInterval, made.jobSpecification.poolInfo.poolId, made.executionInfo.recentJob.id],
    ["active", "1 day, 0:00:00", "p", "nightly:job-1"],
  );
  await az("task", "create", "--job-id", "nightly:job-1", "--task-id", "t", "--command-line", "/bin/true");
  assert.equal((await user.taskIs("nightly:job-1", "t")).executionInfo.result, "success");
  await az("job", "stop", "--job-id", "nightly:job-1");
  await user.jobIs("nightly:job-1", "completed");
  const jobs = await az("job", "list", "--job-schedule-id", "nightly");
  assert.deepEqual(
    jobs.map((job: any) => [job.id, job.executionInfo.terminateReason]),
    [["nightly:job-1", "UserTerminate"]],
  );
  await az("job-schedule", "set", ...of, "--metadata", "team=night");
  await az("job-schedule", "reset", ...of, "--pool-id", "p", "--recurrence-interval", "PT1H");
  const reset = await az("job-schedule", "show", ...of, "--expand", "stats");
  assert.deepEqual([reset.metadata, reset.schedule.recurrenceInterval, reset.stats.numSucceededTasks], [null, "1:00:00", 1]);
  await az("job-schedule", "disable", ...of);
  assert.equal((await az("job-schedule", "list", "--filter", "state eq 'disabled'"))[0].id, "nightly");
  await az("job-schedule", "enable", ...of);
  await az("job-schedule", "stop", ...of);
  await user.seen("/jobschedules/nightly", (view: any) => view.state === "completed");
  await az("job-schedule", "delete", ...of, "--yes");
  await user.gone("/jobschedules/nightly");
});
