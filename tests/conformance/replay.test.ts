// Recorded exchanges of the real service, sent to ours and compared (../shared/recordings). Every exchange of an operation that this
// release has is the same; those that cannot be yet are named below with the reason, and only those may differ.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { isVersion, type Version } from "../../src/api/versions.ts";
import { deviationOf } from "../contract/deviations.ts";
import type { Document, DocumentOperation } from "../contract/openapi.ts";
import { documentOf } from "../support/documents.ts";
import { startQuern } from "../support/quern.ts";
import { sharedPath } from "../support/shared.ts";
import { answerProblems } from "../support/validate.ts";
import { watchingProxy } from "../support/watching-proxy.ts";

const autoPoolId = "the id of an automatic pool is the prefix and a GUID, which the comparison takes for determined; all else is the same";

/** scenario#exchange -> why it differs today. */
const expectedToDiffer: Record<string, string> = {
  "cli-2021-job-list#7": autoPoolId,
  "cli-2021-job-list#8": autoPoolId,
};

test("recordings of the data plane", { timeout: 280_000 }, async (t) => {
  const quern = await startQuern(t);
  const { url, passed: exchanges } = await watchingProxy(t, quern.ready.batchUrl);
  const args = ["--batch-url", url, "--account", quern.ready.account, "--key", quern.ready.key];
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

  await t.test("each answer is as the document of its version says", () => {
    const known = exchanges.filter(({ version, status }) => isVersion(version) && status < 300);
    assert.ok(known.length > 60, `${known.length} answers`);
    const wrong = new Set<string>();
    for (const { method, path, version, status, answer } of known) {
      const document = documentOf(version as Version);
      const documented = documentedOperation(document, method, path);
      assert.ok(documented !== undefined, `${method} ${path} in ${version}`);
      for (const problem of answerProblems(document, documented, status, method === "HEAD" ? undefined : answer))
        if (deviationOf(problem, version as Version) === undefined) wrong.add(`${method} ${path} in ${version}: ${problem}`);
    }
    assert.deepEqual([...wrong], []);
  });
});

/** The operation of a request, by the document's own paths: one with fewer parameters goes first. */
const documentedOperation = (document: Document, method: string, path: string): DocumentOperation | undefined => {
  const fits = Object.entries(document.paths)
    .sort(([a], [b]) => a.split("{").length - b.split("{").length)
    .filter(([template]) => {
      const escaped = template.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
      return new RegExp(`^${escaped.replace(/\{fileName\}|\{filePath\}/, ".+").replace(/\{[^}]*\}/g, "[^/]+")}$`).test(path);
    })
    .find(([, methods]) => methods[method.toLowerCase()] !== undefined);
  return fits?.[1][method.toLowerCase()];
};
