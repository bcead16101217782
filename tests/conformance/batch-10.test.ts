// npm @azure/batch 10.2.0 (2022-10-01.16.0), unmodified: the whole data plane that it knows.
import { createRequire } from "node:module";
import { test } from "node:test";
import { startQuern } from "../support/quern.ts";
import { useWholeClient } from "./js-program.ts";

const { BatchServiceClient, BatchSharedKeyCredentials } = createRequire(import.meta.url)("@azure/batch");

test("@azure/batch 10", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const { account, key, batchUrl } = quern.ready;
  const client = new BatchServiceClient(new BatchSharedKeyCredentials(account, key), batchUrl);
  await useWholeClient(client, { slots: "taskSlotsPerNode", flatCounts: false, images: true, extensions: true });
});
