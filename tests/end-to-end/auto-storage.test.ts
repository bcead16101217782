// Files of tasks and start tasks from containers of the account's auto storage, by name alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BlobServiceClient } from "@azure/storage-blob";
import { anUbuntuPool, asAccount, createAccount, keysOf } from "../support/batch-accounts.ts";
import { type Quern, startQuern, until } from "../support/quern.ts";
import type { Answer, RawRequest } from "../support/signed.ts";

type As = (request: RawRequest) => Promise<Answer>;

const post = async (as: As, path: string, body: object): Promise<void> => {
  const answer = await as({ method: "POST", path, body });
  assert.ok(answer.status < 300, `${path}: ${answer.status} ${answer.text}`);
};

const endOf = async (as: As, task: string): Promise<any> =>
  (
    await until(
      () => as({ method: "GET", path: `/jobs/j/tasks/${task}` }),
      ({ json }) => json.state === "completed",
    )
  ).json;

const upload = async (quern: Quern): Promise<void> => {
  const container = BlobServiceClient.fromConnectionString(quern.ready.storage!.connectionString).getContainerClient("input");
  await container.create();
  for (const name of ["a.txt", "sub/b.txt", "other.txt"]) await container.getBlockBlobClient(name).upload(name, name.length);
};

test("resource files from auto storage", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t);
  await upload(quern);
  const first: As = (request) => quern.raw(request);
  const startTask = {
    commandLine: "/bin/sh -c 'cp a.txt $AZ_BATCH_NODE_SHARED_DIR/a.txt'",
    resourceFiles: [{ autoStorageContainerName: "input", blobPrefix: "a" }],
    waitForSuccess: true,
  };
  await post(first, "/pools", anUbuntuPool("p", { targetDedicatedNodes: 1, startTask }));
  await post(first, "/jobs", { id: "j", poolInfo: { poolId: "p" } });

  await t.test("a task gets all of the container, below the path that it names", async () => {
    const resourceFiles = [{ autoStorageContainerName: "input", filePath: "in" }];
    const commandLine = "/bin/sh -c 'cat in/a.txt in/sub/b.txt in/other.txt $AZ_BATCH_NODE_SHARED_DIR/a.txt'";
    await post(first, "/jobs/j/tasks", { id: "t", commandLine, resourceFiles });
    const task = await endOf(first, "t");
    assert.deepEqual([task.executionInfo.result, task.executionInfo.exitCode], ["success", 0]);
    const output = await first({ method: "GET", path: "/jobs/j/tasks/t/files/stdout.txt" });
    assert.equal(output.text, "a.txtsub/b.txtother.txta.txt");
    assert.doesNotMatch(JSON.stringify(task), /sig=/);
  });

  await t.test("a container that is not there fails the task", async () => {
    await post(first, "/jobs/j/tasks", { id: "u", commandLine: "/bin/true", resourceFiles: [{ autoStorageContainerName: "nothere" }] });
    const { executionInfo } = await endOf(first, "u");
    assert.equal(executionInfo.failureInfo.code, "BlobNotFound");
    assert.doesNotMatch(JSON.stringify(executionInfo), /sig=/);
  });

  await t.test("so does an account that has no auto storage", async () => {
    await createAccount(quern, "without");
    const { primary } = await keysOf(quern, "without");
    const second: As = (request) => asAccount(quern, "without", primary, request);
    await post(second, "/pools", anUbuntuPool("p", { targetDedicatedNodes: 1 }));
    await post(second, "/jobs", { id: "j", poolInfo: { poolId: "p" } });
    await post(second, "/jobs/j/tasks", { id: "t", commandLine: "/bin/true", resourceFiles: [{ autoStorageContainerName: "input" }] });
    const { executionInfo } = await endOf(second, "t");
    assert.equal(executionInfo.failureInfo.code, "ResourceContainerAccessDenied");
    assert.match(JSON.stringify(executionInfo.failureInfo.details), /has no auto storage account/);
  });
});
