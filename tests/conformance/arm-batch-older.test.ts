// npm @azure/arm-batch 5.1.0 (2020-09-01) and 4.0.0 (2017-09-01), unmodified, over http with a token that the test got: everything that they know
// of the management plane.
import { createRequire } from "node:module";
import { test } from "node:test";
import { armRequest, managementResource, tokenFor } from "../support/arm.ts";
import { isCalledBy } from "../support/coverage.ts";
import { startQuern } from "../support/quern.ts";
import { olderClient, trust, useWholeArmClient } from "./arm-program.ts";

const require = createRequire(import.meta.url);

/** Seconds between two questions about a long-running operation. These clients heed no Retry-After: 30 unless told otherwise. */
const waits = { longRunningOperationRetryTimeout: 0.05 };

for (const { version, flatApplications } of [
  { version: "5.1.0", flatApplications: false },
  { version: "4.0.0", flatApplications: true },
]) {
  const { BatchManagementClient } = require(`arm-batch-${version[0]}`);
  test(`@azure/arm-batch ${version[0]}`, { timeout: 120_000 }, async (t) => {
    const quern = await startQuern(t);
    // Where the names of storage accounts resolve, packages are uploaded over https.
    trust(quern);
    // 4.0.0 calls itself 0.1.0.
    isCalledBy(quern, `npm @azure/arm-batch ${version}`);
    const token = await tokenFor(quern, managementResource);
    const credentials = {
      signRequest: async (request: { headers: { set(name: string, value: string): void } }) => {
        request.headers.set("authorization", `Bearer ${token}`);
        return request;
      },
    };
    const { subscriptionId, batchUrl, resourceGroup: group } = quern.ready;
    const client = new BatchManagementClient(credentials, subscriptionId, { baseUri: batchUrl, ...waits });
    const account = `npmaccount${version[0]}`;
    const below = `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers`;
    for (const [name, step] of useWholeArmClient) {
      if (name === "private links") {
        const service = { privateLinkServiceId: `${below}/Microsoft.Batch/batchAccounts/${account}`, groupIds: ["batchAccount"] };
        const properties = {
          subnet: { id: `${below}/Microsoft.Network/virtualNetworks/v/subnets/s` },
          manualPrivateLinkServiceConnections: [{ name: "c", properties: service }],
        };
        const path = `${below}/Microsoft.Network/privateEndpoints/npm`;
        await armRequest(quern, { method: "PUT", path, version: "2023-04-01", body: { location: "eastus", properties } });
      }
      await t.test(name, () => step(olderClient(client, flatApplications), { quern, group, account }));
    }
  });
}
