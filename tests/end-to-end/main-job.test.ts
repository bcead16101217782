// The main job, as a user's program does it: input by resource file, tasks on nodes, output by output file and by the file API,
// all through @azure/batch on a real socket against the real server and real processes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BlobSASPermissions, BlobServiceClient, ContainerSASPermissions } from "@azure/storage-blob";
import { startQuern, until } from "../support/quern.ts";

test("a client uploads input, runs tasks on a pool and reads the output", async (t) => {
  const quern = await startQuern(t);
  const batch = quern.client();
  const image = (await batch.account.listSupportedImages()).find((candidate) => candidate.verificationType === "verified")!;
  await batch.pool.add({
    id: "main-pool",
    vmSize: "Standard_D2_v3",
    targetDedicatedNodes: 2,
    taskSlotsPerNode: 2,
    virtualMachineConfiguration: { imageReference: image.imageReference, nodeAgentSKUId: image.nodeAgentSKUId },
  });
  const blobs = BlobServiceClient.fromConnectionString(quern.ready.storage!.connectionString);
  const container = blobs.getContainerClient("work");
  await container.create();
  const blob = container.getBlockBlobClient("in.txt");
  await blob.upload("one two\n", 8);
  const inAnHour = new Date(Date.now() + 3_600_000);
  const inputUrl = await blob.generateSasUrl({ permissions: BlobSASPermissions.parse("r"), expiresOn: inAnHour });
  const containerUrl = await container.generateSasUrl({ permissions: ContainerSASPermissions.parse("rwcl"), expiresOn: inAnHour });

  await batch.job.add({
    id: "main-job",
    poolInfo: { poolId: "main-pool" },
    usesTaskDependencies: true,
    commonEnvironmentSettings: [
      { name: "GREETING", value: "hello" },
      { name: "WHO", value: "job" },
    ],
  });
  const added = await batch.task.addCollection("main-job", [
    {
      id: "count",
      commandLine: `/bin/sh -c "wc -w <input.txt >count.txt; echo $GREETING $WHO; echo to stderr >&2; pwd"`,
      environmentSettings: [{ name: "WHO", value: "task" }],
      resourceFiles: [{ httpUrl: inputUrl, filePath: "input.txt" }],
      outputFiles: [
        {
          filePattern: "count.txt",
          destination: { container: { containerUrl, path: "out/count.txt" } },
          uploadOptions: { uploadCondition: "tasksuccess" },
        },
        {
          filePattern: "../std*.txt",
          destination: { container: { containerUrl, path: "logs" } },
          uploadOptions: { uploadCondition: "taskcompletion" },
        },
      ],
    },
    { id: "fail", commandLine: "/bin/sh -c 'exit 3'" },
    { id: "missing", commandLine: "no-such-program --flag" },
    {
      id: "after",
      commandLine: "/bin/sh -c 'cat out/count.txt'",
      dependsOn: { taskIds: ["count"] },
      resourceFiles: [{ storageContainerUrl: containerUrl, blobPrefix: "out/" }],
    },
  ]);
  assert.deepEqual(
    added.value!.map((result) => result.status.toLowerCase()),
    ["success", "success", "success", "success"],
  );

  await until(
    () => batch.job.getTaskCounts("main-job"),
    ({ taskCounts }) => taskCounts.completed === 4,
  );
  const counts = await batch.job.getTaskCounts("main-job");
  assert.deepEqual([counts.taskCounts.succeeded, counts.taskCounts.failed], [2, 2]);

  const count = await batch.task.get("main-job", "count");
  assert.equal(count.executionInfo!.exitCode, 0);
  assert.equal(count.executionInfo!.result, "success");
  assert.match(count.nodeInfo!.nodeId!, /^tvmps_[0-9a-f]{64}_d$/);
  const failed = await batch.task.get("main-job", "fail");
  assert.equal(failed.executionInfo!.exitCode, 3);
  assert.equal(failed.executionInfo!.failureInfo!.code, "FailureExitCode");
  const missing = await batch.task.get("main-job", "missing");
  assert.equal(missing.executionInfo!.exitCode, undefined);
  assert.equal(missing.executionInfo!.failureInfo!.code, "CommandProgramNotFound");

  const text = async (path: string, task = "count"): Promise<string> => {
    const file = await batch.file.getFromTask("main-job", task, path);
    const chunks: Buffer[] = [];
    for await (const chunk of file.readableStreamBody!) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString("utf8");
  };
  const stdout = await text("stdout.txt");
  assert.match(stdout, /^hello task\n.*\/workitems\/main-job\/job-1\/count\/wd\n$/);
  assert.equal(await text("stderr.txt"), "to stderr\n");
  assert.equal(await text("wd/count.txt"), "2\n");
  assert.equal(await text("stdout.txt", "after"), "2\n");
  const uploaded: string[] = [];
  for await (const item of container.listBlobsFlat()) uploaded.push(item.name);
  assert.deepEqual(uploaded.sort(), ["in.txt", "logs/stderr.txt", "logs/stdout.txt", "out/count.txt"]);

  const files = await batch.file.listFromTask("main-job", "count", { recursive: true });
  assert.ok(files.some((file) => file.name === "wd/count.txt" && file.isDirectory === false));
  await batch.job.deleteMethod("main-job");
  await batch.pool.deleteMethod("main-pool");
  await until(
    () => quern.raw({ method: "HEAD", path: "/pools/main-pool" }),
    ({ status }) => status === 404,
  );
});
