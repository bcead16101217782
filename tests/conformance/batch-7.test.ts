// npm @azure/batch 7.0.0 (2018-12-01.8.0), unmodified: the whole data plane that it knows.
import { createRequire } from "node:module";
import { test } from "node:test";
import { startQuern } from "../support/quern.ts";
import { useWholeClient } from "./js-program.ts";

const { BatchServiceClient, BatchSharedKeyCredentials } = createRequire(import.meta.url)("batch-7");

test("@azure/batch 7", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const { account, key, batchUrl } = quern.ready;
  const client = new BatchServiceClient(new BatchSharedKeyCredentials(account, key), batchUrl);
  await useWholeClient(client, { slots: "maxTasksPerNode", flatCounts: true, images: false, extensions: false });
});
