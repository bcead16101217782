// The unmodified Azure CLI with an account key: pools, jobs, tasks, files, over http and over https with the local CA.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isCalledBy } from "../support/coverage.ts";
import { startQuern, until } from "../support/quern.ts";
import { az as azure, missing } from "../support/require.ts";
import { type Az, azWith } from "./az-cli.ts";

test("az batch", { skip: missing(azure), timeout: 240_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  isCalledBy(quern, "az 2.45");
  const { account: AZURE_BATCH_ACCOUNT, key: AZURE_BATCH_ACCESS_KEY, batchUrl, batchUrlHttps } = quern.ready;
  const withKey = { AZURE_BATCH_ACCOUNT, AZURE_BATCH_ACCESS_KEY };
  const { az: overHttp, directory } = await azWith(t, quern, { ...withKey, AZURE_BATCH_ENDPOINT: batchUrl });
  const { az: overHttps } = await azWith(t, quern, { ...withKey, AZURE_BATCH_ENDPOINT: batchUrlHttps });
  const az: Az = (...args) => (args.includes("supported-images") ? overHttps : overHttp)("batch", ...args);

  const images = await az("pool", "supported-images", "list");
  assert.ok(images.some((image: any) => image.verificationType === "verified" && image.osType === "linux"));
  await az(
    "pool",
    "create",
    "--id",
    "azpool",
    "--vm-size",
    "Standard_A1",
    "--image",
    "canonical:0001-com-ubuntu-server-jammy:22_04-lts",
    "--node-agent-sku-id",
    "batch.node.ubuntu 22.04",
    "--target-dedicated-nodes",
    "1",
  );
  const pool = await az("pool", "show", "--pool-id", "azpool");
  assert.deepEqual([pool.id, pool.vmSize, pool.targetDedicatedNodes], ["azpool", "standard_a1", 1]);
  await az("job", "create", "--id", "azjob", "--pool-id", "azpool");
  writeFileSync(join(directory, "tasks.json"), JSON.stringify([{ id: "from-file", commandLine: "/bin/sh -c 'echo file'" }]));
  await az("task", "create", "--job-id", "azjob", "--json-file", join(directory, "tasks.json"));
  const task = await az("task", "create", "--job-id", "azjob", "--task-id", "t1", "--command-line", "/bin/sh -c 'echo hello from az'");
  assert.equal(task.id, "t1");
  await until(
    async () => (await quern.raw({ method: "GET", path: "/jobs/azjob/taskcounts" })).json.taskCounts.completed,
    (completed) => completed === 2,
  );
  const counts = await az("job", "task-counts", "show", "--job-id", "azjob");
  assert.equal(counts.taskCounts.succeeded, 2);
  await az(
    "task",
    "file",
    "download",
    "--job-id",
    "azjob",
    "--task-id",
    "t1",
    "--file-path",
    "stdout.txt",
    "--destination",
    join(directory, "out.txt"),
  );
  assert.equal(readFileSync(join(directory, "out.txt"), "utf8"), "hello from az\n");
  const files = await az("task", "file", "list", "--job-id", "azjob", "--task-id", "t1");
  assert.ok(files.some((file: any) => file.name === "stdout.txt"));
  await assert.rejects(
    az("pool", "create", "--id", "bad", "--vm-size", "Standard_A1", "--image", "a:b:c", "--node-agent-sku-id", "d"),
    /not supported/,
  );
  await az("pool", "resize", "--pool-id", "azpool", "--target-dedicated-nodes", "2");
  await until(
    async () => (await quern.raw({ method: "GET", path: "/pools/azpool" })).json,
    (view) => view.allocationState === "steady",
  );
  assert.equal((await az("node", "list", "--pool-id", "azpool")).length, 2);
  await az("job", "stop", "--job-id", "azjob");
  await az("job", "delete", "--job-id", "azjob", "--yes");
  await az("pool", "delete", "--pool-id", "azpool", "--yes");
});
