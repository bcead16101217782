// npm @azure/batch 8.0.0 (2020-09-01.12.0), unmodified: the whole data plane that it knows.
import { createRequire } from "node:module";
import { test } from "node:test";
import { startQuern } from "../support/quern.ts";
import { useWholeClient } from "./js-program.ts";

const { BatchServiceClient, BatchSharedKeyCredentials } = createRequire(import.meta.url)("batch-8");

test("@azure/batch 8", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const { account, key, batchUrl } = quern.ready;
  const client = new BatchServiceClient(new BatchSharedKeyCredentials(account, key), batchUrl);
  await useWholeClient(client, { slots: "taskSlotsPerNode", flatCounts: false, images: true, extensions: false });
});
