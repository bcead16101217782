// What the real service filled in where a client left it out: each recorded add, read and written again by us, against the recorded GET
// of the same resource. What depends on more than the request is listed here with its reason.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { addJob, CloudJob } from "../../src/api/batch/jobs.ts";
import { addPool, CloudPool } from "../../src/api/batch/pools.ts";
import { addTask, CloudTask } from "../../src/api/batch/tasks.ts";
import type { Model, Plain } from "../../src/api/fields.ts";
import type { Version } from "../../src/api/versions.ts";
import { parseBody } from "../../src/wire/parse.ts";
import { render } from "../../src/wire/render.ts";
import { sharedPath } from "../support/shared.ts";

type Exchange = {
  n: number;
  op: string;
  path: string;
  query: Record<string, string>;
  status: number;
  requestBody?: Plain;
  responseBody?: Plain;
};

const kinds: Record<string, { get: string; parameter: Model; resource: Model }> = {
  [addPool.id]: { get: "Pool_Get", parameter: addPool.body, resource: CloudPool },
  [addJob.id]: { get: "Job_Get", parameter: addJob.body, resource: CloudJob },
  [addTask.id]: { get: "Task_Get", parameter: addTask.body, resource: CloudTask },
};

/** What a resource has of its own, beyond what its client said. */
const own = new Set([
  "url",
  "eTag",
  "lastModified",
  "creationTime",
  "executionInfo",
  "nodeInfo",
  "resizeErrors",
  "currentDedicatedNodes",
  "currentLowPriorityNodes",
]);
const isOwn = (name: string): boolean => own.has(name) || name.startsWith("odata.") || /state(TransitionTime)?$/i.test(name);

const meant: Record<string, string> = {
  ".jobManagerTask.constraints.maxTaskRetryCount": "inherited from the job, by the handler",
  ".constraints.maxTaskRetryCount": "inherited from the job, by the handler",
  ".userAccounts.0.windowsUserConfiguration": "a pool of Windows nodes, of which there are none here",
};

const differences = (ours: unknown, theirs: unknown, where = ""): string[] => {
  if (typeof ours !== "object" || typeof theirs !== "object" || ours === null || theirs === null) {
    return ours === theirs ? [] : [where];
  }
  const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return [...names].flatMap((name) => differences((ours as Plain)[name], (theirs as Plain)[name], `${where}.${name}`));
};

test("defaults are those that the service was seen to fill in", () => {
  let compared = 0;
  for (const file of readdirSync(sharedPath("recordings", "scenarios"))) {
    const { exchanges } = JSON.parse(readFileSync(sharedPath("recordings", "scenarios", file), "utf8")) as { exchanges: Exchange[] };
    for (const [index, { n, op, query, status, requestBody }] of exchanges.entries()) {
      const kind = kinds[op];
      if (kind === undefined || status !== 201 || requestBody === undefined) continue;
      const answer = exchanges
        .slice(index + 1)
        .find((one) => one.op === kind.get && one.path.endsWith(`/${requestBody.id}`) && one.query.$select === undefined)?.responseBody;
      if (answer === undefined) continue;
      const version = query["api-version"] as Version;
      const ours = render(kind.resource, parseBody(kind.parameter, requestBody, version) as object, version);
      const theirs = Object.fromEntries(Object.entries(answer).filter(([name]) => !isOwn(name)));
      const found = differences(ours, theirs).filter((where) => meant[where] === undefined);
      assert.deepEqual(found, [], `${file}#${n}`);
      compared++;
    }
  }
  assert.ok(compared >= 9, `${compared} resources`);
});
