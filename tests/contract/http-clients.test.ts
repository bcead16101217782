// Unmodified clients against the front door: their signatures verify, their parsers take the answers, their pagers find the next page.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { test } from "node:test";
import { BatchServiceClient, BatchSharedKeyCredentials } from "@azure/batch";
import { ApiError } from "../../src/api/errors.ts";
import { account, aFront, aPool, aTask, type Fakes, keys } from "./http-fixtures.ts";

const modified = Date.UTC(2026, 2, 4, 5, 6, 7) * 1000 + 123_456;
const poolIds = Array.from({ length: 5 }, (_, i) => `pool ${i}`);

const fakes: Fakes = {
  Pool_Add: ({ body }) => ({ created: body.id, modified }),
  Pool_Get: ({ params }) => {
    if (params.poolId === "gone") throw new ApiError("PoolNotFound");
    return { body: aPool(params.poolId!), modified };
  },
  Pool_Exists: ({ params }) => {
    if (params.poolId === "gone") throw new ApiError("PoolNotFound");
    return { modified };
  },
  Pool_List: ({ page }) => {
    const rest = poolIds.filter((id) => page.after === undefined || id > page.after);
    const shown = rest.slice(0, page.limit);
    return { items: shown.map(aPool), ...(rest.length > shown.length ? { next: shown.at(-1)! } : {}) };
  },
  Pool_Delete: () => ({}),
  Job_Terminate: () => ({ modified }),
  Task_Terminate: () => ({ modified }),
  Task_Get: ({ params }) => ({ body: aTask(params.taskId!), modified }),
  Task_AddCollection: ({ body }) => ({
    body: { value: body.value.map((task: { id: string }) => ({ status: "success", taskId: task.id })) },
  }),
  File_GetFromTask: ({ params, range }) => {
    const text = `${params.filePath} ${range?.start ?? 0}`;
    return {
      file: {
        stream: Readable.from([Buffer.from(text)]),
        length: text.length,
        headers: { "content-type": "text/plain", "last-modified": "Wed, 04 Mar 2026 05:06:07 GMT" },
      },
    };
  },
  File_DeleteFromTask: () => ({}),
};

test("@azure/batch 10", async (t) => {
  const front = await aFront(t, fakes);
  const client = new BatchServiceClient(new BatchSharedKeyCredentials(account, keys[1]), front.credentials.batchUrl);
  const added = await client.pool.add({ id: "p1", vmSize: "standard_a1", cloudServiceConfiguration: { osFamily: "6" } });
  assert.equal(added.dataServiceId, `${front.credentials.batchUrl}/pools/p1`);
  assert.equal(added.lastModified?.toISOString(), "2026-03-04T05:06:07.000Z");
  assert.equal((await client.pool.get("p 1")).id, "p 1");
  assert.equal((await client.pool.exists("p")).body, true);
  await assert.rejects(
    client.pool.get("gone"),
    (error: { statusCode?: number; code?: string; body?: { message?: { value?: string } } }) => {
      assert.deepEqual([error.statusCode, error.code], [404, "PoolNotFound"]);
      assert.match(error.body?.message?.value ?? "", /^The specified pool does not exist\.\nRequestId:/);
      return true;
    },
  );
  const ids: (string | undefined)[] = [];
  let page = await client.pool.list({
    poolListOptions: { maxResults: 2, filter: "startswith(id,'pool') and state eq 'active'", select: "id,state" },
  });
  for (;;) {
    ids.push(...page.map(({ id }) => id));
    if (page.odatanextLink === undefined) break;
    page = await client.pool.listNext(page.odatanextLink);
  }
  assert.deepEqual(ids, poolIds);
  await client.pool.deleteMethod("p", { poolDeleteOptions: { ifMatch: "0x8DD671E625BC63D", timeout: 10 } });
  await client.job.terminate("j");
  await client.task.terminate("j", "t");
  assert.deepEqual(
    (await client.task.addCollection("j", [{ id: "a", commandLine: "true" }])).value?.map(({ taskId }) => taskId),
    ["a"],
  );
  await client.file.deleteFromTask("j", "t", "wd/a b+c.txt", { fileDeleteFromTaskOptions: {}, recursive: true });
  assert.equal(front.given.at(-1)?.params.filePath, "wd/a b+c.txt");
  const wrong = new BatchServiceClient(
    new BatchSharedKeyCredentials(account, Buffer.from("no").toString("base64")),
    front.credentials.batchUrl,
  );
  await assert.rejects(wrong.pool.get("p"), { statusCode: 403, code: "AuthenticationFailed" });
});

test("azure-batch 9", async (t) => {
  const front = await aFront(t, fakes);
  const { ServiceClient, SharedKeyCredentials } = createRequire(import.meta.url)("azure-batch");
  const client = new ServiceClient(new SharedKeyCredentials(account, keys[0]), front.credentials.batchUrl);
  assert.equal((await client.pool.get("p%1")).id, "p%1");
  assert.equal((await client.pool.list({ poolListOptions: { maxResults: 2 } })).odatanextLink.includes("$skiptoken="), true);
  await client.job.terminate("j");
  await client.pool.deleteMethod("p");
  await client.task.addCollection("j", [{ id: "a", commandLine: "echo é" }]);
  assert.equal(front.given.at(-1)?.body.value[0].commandLine, "echo é");
  // The stream of this client flows from its first moment: whoever awaits it comes too late for a short file.
  const text = await new Promise<string>((resolve, reject) => {
    const options = { fileGetFromTaskOptions: { ocpRange: "bytes=3-8" } };
    client.file.getFromTask("j", "t", "wd/x y.txt", options, (error: Error | null, stream: Readable) => {
      if (error !== null) return reject(error);
      let read = "";
      stream.on("data", (chunk) => {
        read += chunk;
      });
      stream.on("end", () => resolve(read));
    });
  });
  assert.equal(text, "wd/x y.txt 3");
  await assert.rejects(client.pool.get("gone"), { statusCode: 404, code: "PoolNotFound" });
});
