// npm azure-batch 9.0.0 (2020-03-01.11.0, the callback-era client): pools, jobs, tasks, schedules and files, unmodified.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { isCalledBy } from "../support/coverage.ts";
import { startQuern, until } from "../support/quern.ts";

const require = createRequire(import.meta.url);
const moment = createRequire(require.resolve("azure-batch"))("moment");

test("azure-batch 9", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  isCalledBy(quern, "npm azure-batch 9.0.0");
  const azureBatch = require("azure-batch");
  const client = new azureBatch.ServiceClient(
    new azureBatch.SharedKeyCredentials(quern.ready.account, quern.ready.key),
    quern.ready.batchUrl,
  );
  await client.pool.add({
    id: "p9",
    vmSize: "standard_a1",
    targetDedicatedNodes: 1,
    maxTasksPerNode: 2,
    virtualMachineConfiguration: {
      imageReference: { publisher: "canonical", offer: "ubuntuserver", sku: "18.04-lts" },
      nodeAgentSKUId: "batch.node.ubuntu 18.04",
    },
  });
  const pool = await client.pool.get("p9");
  assert.deepEqual([pool.maxTasksPerNode, pool.vmSize, pool.state], [2, "standard_a1", "active"]);
  await client.job.add({ id: "j9", poolInfo: { poolId: "p9" } });
  const added = await client.task.addCollection("j9", [
    { id: "a", commandLine: "/bin/sh -c 'echo nine'" },
    { id: "b", commandLine: "/bin/sh -c 'exit 9'" },
  ]);
  assert.deepEqual(
    added.value.map((result: { status: string }) => result.status.toLowerCase()),
    ["success", "success"],
  );
  // That version's counts are flat.
  const counts = await until(
    () => client.job.getTaskCounts("j9"),
    (answer: any) => answer.completed === 2,
  );
  assert.deepEqual([counts.succeeded, counts.failed], [1, 1]);
  const task = await client.task.get("j9", "b");
  assert.equal(task.executionInfo.exitCode, 9);
  // Its streams flow from the moment of the callback (a promise would come too late for a short file).
  const text = await new Promise<string>((done, fail) => {
    client.file.getFromTask("j9", "a", "stdout.txt", (error: Error | null, stream: NodeJS.ReadableStream) => {
      if (error) return fail(error);
      let held = "";
      stream.on("data", (chunk) => {
        held += chunk;
      });
      stream.on("end", () => done(held));
    });
  });
  assert.equal(text, "nine\n");
  await client.jobSchedule.add({
    id: "s9",
    schedule: { recurrenceInterval: moment.duration({ hours: 1 }) },
    jobSpecification: { poolInfo: { poolId: "p9" } },
  });
  const schedule = await client.jobSchedule.get("s9");
  assert.deepEqual([schedule.state, schedule.executionInfo.recentJob.id], ["active", "s9:job-1"]);
  await client.task.add("s9:job-1", { id: "scheduled", commandLine: "/bin/true" });
  await until(
    () => client.task.get("s9:job-1", "scheduled"),
    (view: any) => view.state === "completed",
  );
  assert.equal((await client.job.listFromJobSchedule("s9")).length, 1);
  await client.jobSchedule.terminate("s9");
  await client.jobSchedule.deleteMethod("s9");
  const nodes = await client.computeNodeOperations.list("p9");
  assert.equal(nodes.length, 1);
  const images = await client.account.listSupportedImages();
  assert.ok(images.length > 1);
  await client.job.terminate("j9", { jobTerminateParameter: { terminateReason: "done" } }).catch(async () => client.job.terminate("j9"));
  await client.pool.deleteMethod("p9");
});
