// npm azure-batch 3.2.2 (2018-03-01.6.1, the callback-era client): pools, jobs, tasks, schedules and files, unmodified, in the words of
// that time: maxTasksPerNode, blobSource, flat counts, node agent SKUs instead of images.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { isCalledBy } from "../support/coverage.ts";
import { startQuern, until } from "../support/quern.ts";

const require = createRequire(import.meta.url);
const azureBatch = require("batch-old-3");
const moment = createRequire(require.resolve("batch-old-3"))("moment");

test("azure-batch 3", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  isCalledBy(quern, "npm azure-batch 3.2.2");
  const { account, key, batchUrl } = quern.ready;
  const client = new azureBatch.ServiceClient(new azureBatch.SharedKeyCredentials(account, key), batchUrl);
  const skus = await client.account.listNodeAgentSkus();
  const sku = skus.find(({ id }: any) => id === "batch.node.ubuntu 22.04");
  const image = sku.verifiedImageReferences.find(({ sku: name }: any) => name === "22_04-lts") ?? {
    publisher: "canonical",
    offer: "0001-com-ubuntu-server-jammy",
    sku: "22_04-lts",
  };
  await client.pool.add({
    id: "pool",
    vmSize: "standard_d2_v3",
    targetDedicatedNodes: 1,
    maxTasksPerNode: 4,
    virtualMachineConfiguration: { imageReference: image, nodeAgentSKUId: sku.id },
  });
  const pool = await client.pool.get("pool");
  assert.deepEqual([pool.maxTasksPerNode, pool.state], [4, "active"]);
  await client.job.add({ id: "job", poolInfo: { poolId: "pool" } });
  const added = await client.task.addCollection("job", [
    { id: "good", commandLine: "/bin/sh -c 'echo three'", userIdentity: { autoUser: { scope: "task", elevationLevel: "nonAdmin" } } },
    { id: "bad", commandLine: "/bin/sh -c 'exit 3'" },
  ]);
  assert.deepEqual(
    added.value.map((result: { status: string }) => result.status.toLowerCase()),
    ["success", "success"],
  );
  const counts: any = await until(
    () => client.job.getTaskCounts("job"),
    (answer: any) => answer.completed === 2,
  );
  assert.deepEqual([counts.succeeded, counts.failed, counts.validationStatus], [1, 1, "validated"]);
  assert.equal((await client.task.get("job", "bad")).executionInfo.exitCode, 3);
  assert.ok((await client.file.listFromTask("job", "good")).some(({ name }: any) => name === "stdout.txt"));
  // Its streams flow from the moment of the callback (a promise would come too late for a short file).
  const text = await new Promise<string>((done, fail) => {
    client.file.getFromTask("job", "good", "stdout.txt", (error: Error | null, stream: NodeJS.ReadableStream) => {
      if (error) return fail(error);
      let held = "";
      stream.on("data", (chunk) => {
        held += chunk;
      });
      stream.on("end", () => done(held));
    });
  });
  assert.equal(text, "three\n");
  await client.jobSchedule.add({
    id: "schedule",
    schedule: { doNotRunUntil: new Date("2099-01-01T00:00:00Z"), recurrenceInterval: moment.duration("PT1H") },
    jobSpecification: { poolInfo: { poolId: "pool" } },
  });
  assert.equal((await client.jobSchedule.get("schedule")).state, "active");
  await client.jobSchedule.disable("schedule");
  await client.jobSchedule.enable("schedule");
  await client.jobSchedule.terminate("schedule");
  await client.jobSchedule.deleteMethod("schedule");
  assert.ok((await client.account.listPoolNodeCounts()).some(({ poolId }: any) => poolId === "pool"));
  // Only this generation can ask for it: pools of virtual machines have no operating system of Cloud Services to upgrade to.
  await assert.rejects(client.pool.upgradeOS("pool", "*"), (error: any) => error.statusCode === 409);
  await client.job.deleteMethod("job");
  await client.pool.deleteMethod("pool");
});
