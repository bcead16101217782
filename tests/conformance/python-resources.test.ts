// Debian's Python azure-mgmt-resource, -storage, -msi and -network, unmodified, on what stands around Batch: python/resources_client.py is the
// program, this starts a server for it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startQuern } from "../support/quern.ts";
import { missing, python } from "../support/require.ts";

test("Python azure-mgmt-resource, -storage, -msi, -network", { skip: missing(python), timeout: 180_000 }, async (t) => {
  const quern = await startQuern(t);
  const { armUrl, clientId, clientSecret, subscriptionId, tenantId, resourceGroup, account, caFile } = quern.ready;
  const accountId = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.Batch/batchAccounts/${account}`;
  const { stdout } = await promisify(execFile)(
    "/usr/bin/python3",
    [join(import.meta.dirname, "python/resources_client.py"), armUrl, clientId, clientSecret, subscriptionId, tenantId, accountId],
    { env: { PATH: "/usr/bin:/bin", REQUESTS_CA_BUNDLE: caFile } },
  ).catch((error) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  t.diagnostic(stdout.trim().replaceAll("\n", ", "));
  assert.match(stdout, /all good\n$/);
});
