// Recorded exchanges of the real Azure Resource Manager and Batch, sent to ours and compared (../shared/recordings): the management plane by
// itself, then both planes together. Those that cannot be the same are named below with the reason, and only those may differ.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { managementResource, tokenFor } from "../support/arm.ts";
import { privateEndpointProxy, type RecordedConnection } from "../support/private-endpoint-proxy.ts";
import { type Quern, startQuern } from "../support/quern.ts";
import { sharedPath } from "../support/shared.ts";

const autoPoolId = "the id of an automatic pool is the prefix and a GUID, which the comparison takes for determined; all else is the same";

/** scenario#exchange -> why it differs today. */
const expectedToDiffer: Record<string, string> = {
  "cli-2021-job-list#7": autoPoolId,
  "cli-2021-job-list#8": autoPoolId,
};

/** What Microsoft.Network had made before exchange 3 of its scenario, and no exchange says. */
const recordedConnection = (): RecordedConnection => {
  const text = readFileSync(sharedPath("recordings/scenarios/cli-2021-private-link.json"), "utf8");
  const [, endpoint, guid] = /privateEndpointConnections\/([^./]+)\.([0-9a-f-]{36})/.exec(text)!;
  return { endpoint: endpoint!, guid: guid! };
};

const replay = async (t: TestContext, quern: Quern, more: string[]): Promise<string[]> => {
  const { account, key, batchUrl, subscriptionId, resourceGroup, caFile } = quern.ready;
  const armUrl = await privateEndpointProxy(t, quern, recordedConnection());
  const given: Record<string, string> = {
    "batch-url": batchUrl,
    "arm-url": armUrl,
    account,
    key,
    token: await tokenFor(quern, managementResource),
    subscription: subscriptionId,
    "resource-group": resourceGroup,
    location: "eastus",
    "storage-account": "devstoreaccount1",
    "poll-interval": "50",
  };
  const args = Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [sharedPath("recordings/replay.mjs"), ...args, "--modernize", "--convert-commands", ...more],
    // Where the names of storage accounts resolve, packages are uploaded over https.
    { maxBuffer: 1 << 24, env: { ...process.env, NODE_EXTRA_CA_CERTS: caFile } },
  ).catch((error) => error);
  return String(stdout).split("\n");
};

const compare = (t: TestContext, lines: string[], least: number, mayDiffer: Record<string, string>): void => {
  const failures = lines.filter((line) => /^FAIL \S+#/.test(line));
  const passed = lines.filter((line) => /^ok +\S+#/.test(line)).length;
  t.diagnostic(`${passed} exchanges ok, ${failures.length} differ`);
  const unexpected = failures.filter((line) => mayDiffer[line.split(" ")[1]!] === undefined);
  assert.deepEqual(unexpected, []);
  assert.ok(passed >= least, lines.join("\n"));
  const healed = Object.keys(mayDiffer).filter((key) => lines.some((line) => line.startsWith(`ok ${key} `)));
  assert.deepEqual(healed, [], "these are the same now: take them off the list");
};

test("recordings of the management plane", { timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t);
  compare(t, await replay(t, quern, ["--plane", "arm"]), 70, {});
});

test("recordings of both planes together", { timeout: 200_000 }, async (t) => {
  const quern = await startQuern(t);
  compare(t, await replay(t, quern, []), 170, expectedToDiffer);
});
