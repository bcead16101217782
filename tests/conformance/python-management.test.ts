// Debian's Python azure-mgmt-batch 17 (2022-10-01) and azure-mgmt-resource, unmodified, over https with a token of our issuer:
// python/management_client.py is the program, this starts a server for it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { newCertificate } from "../support/example-world.ts";
import { startQuern } from "../support/quern.ts";
import { missing, python } from "../support/require.ts";

test("Python azure-mgmt-batch", { skip: missing(python), timeout: 180_000 }, async (t) => {
  const quern = await startQuern(t);
  const { armUrl, clientId, clientSecret, subscriptionId, resourceGroup, caFile } = quern.ready;
  const { thumbprint, data } = await newCertificate("python");
  const { stdout } = await promisify(execFile)(
    "/usr/bin/python3",
    [
      // No compiled copies of what is shared beside the sources.
      "-B",
      join(import.meta.dirname, "python/management_client.py"),
      ...[armUrl, clientId, clientSecret, subscriptionId, resourceGroup, "eastus", "devstoreaccount1", data, thumbprint],
    ],
    { env: { PATH: "/usr/bin:/bin", REQUESTS_CA_BUNDLE: caFile } },
  ).catch((error) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  t.diagnostic(stdout.trim().replaceAll("\n", ", "));
  assert.match(stdout, /all good\n$/);
});
