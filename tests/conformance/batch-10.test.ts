// npm @azure/batch 10.2.0 (2022-10-01.16.0), unmodified: the whole data plane that it knows, and by its own way of sending any request
// the two operations that came later, which no client that can be installed here has a method for.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { startQuern, until } from "../support/quern.ts";
import { useWholeClient } from "./js-program.ts";

const { BatchServiceClient, BatchSharedKeyCredentials } = createRequire(import.meta.url)("@azure/batch");

test("@azure/batch 10", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const { account, key, batchUrl } = quern.ready;
  const client = new BatchServiceClient(new BatchSharedKeyCredentials(account, key), batchUrl);
  await useWholeClient(client, { slots: "taskSlotsPerNode", flatCounts: false, images: true, extensions: true });

  const image = { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" };
  const machine = { imageReference: image, nodeAgentSKUId: "batch.node.ubuntu 22.04" };
  await client.pool.add({ id: "later", vmSize: "standard_d2_v3", targetDedicatedNodes: 1, virtualMachineConfiguration: machine });
  const nodeIs = (state: string): Promise<any[]> =>
    until(
      async () => (await quern.raw({ method: "GET", path: "/pools/later/nodes" })).json.value,
      (list: any[]) => list.length === 1 && list[0].state === state,
    );
  const [node] = await nodeIs("idle");
  const send = (verb: string): Promise<{ status: number }> =>
    client.sendRequest({ method: "POST", url: `${batchUrl}/pools/later/nodes/${node.id}/${verb}?api-version=2024-07-01.20.0` });
  assert.equal((await send("deallocate")).status, 202);
  await nodeIs("deallocated");
  assert.equal((await send("start")).status, 202);
  await nodeIs("idle");
});
