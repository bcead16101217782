// Debian's Python azure-batch 13 (2022-10-01.16.0), unmodified: python/batch_client.py is the program, this starts a server for it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startQuern } from "../support/quern.ts";
import { missing, python } from "../support/require.ts";

test("Python azure-batch", { skip: missing(python), timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const { stdout } = await promisify(execFile)(
    "/usr/bin/python3",
    [
      // No compiled copies of what is shared beside the sources.
      "-B",
      join(import.meta.dirname, "python/batch_client.py"),
      quern.ready.account,
      quern.ready.key,
      quern.ready.batchUrl,
      quern.ready.batchUrlHttps,
    ],
    { env: { PATH: "/usr/bin:/bin", REQUESTS_CA_BUNDLE: quern.ready.caFile } },
  ).catch((error) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  assert.match(stdout, /all good\n$/);
});
