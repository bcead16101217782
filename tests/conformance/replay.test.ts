// Recorded exchanges of the real service, sent to ours and compared (../shared/recordings). Every exchange of an operation that this
// release has is the same; those that cannot be yet are named below with the reason, and only those may differ.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { startQuern } from "../support/quern.ts";
import { sharedPath } from "../support/shared.ts";

const autoPoolId = "the id of an automatic pool is the prefix and a GUID, which the comparison takes for determined; all else is the same";

/** scenario#exchange -> why it differs today. */
const expectedToDiffer: Record<string, string> = {
  "cli-2021-job-list#7": autoPoolId,
  "cli-2021-job-list#8": autoPoolId,
};

test("recordings of the data plane", { timeout: 280_000 }, async (t) => {
  const quern = await startQuern(t);
  const args = ["--batch-url", quern.ready.batchUrl, "--account", quern.ready.account, "--key", quern.ready.key];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [sharedPath("recordings/replay.mjs"), ...args, "--plane", "batch", "--modernize", "--convert-commands", "--poll-interval", "50"],
    { maxBuffer: 1 << 24 },
  ).catch((error) => error);
  const lines = String(stdout).split("\n");
  const failures = lines.filter((line) => /^FAIL \S+#/.test(line));
  const passed = lines.filter((line) => /^ok +\S+#/.test(line)).length;
  t.diagnostic(`${passed} exchanges ok, ${failures.length} differ`);
  assert.ok(passed > 0, String(stdout));
  const unexpected = failures.filter((line) => expectedToDiffer[line.split(" ")[1]!] === undefined);
  assert.deepEqual(unexpected, []);
  const healed = Object.keys(expectedToDiffer).filter((key) => lines.some((line) => line.startsWith(`ok ${key} `)));
  assert.deepEqual(healed, [], "these are the same now: take them off the list");
});
