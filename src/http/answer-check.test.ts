// The check of answers finds what it is for: each kind of deviation from a declaration, in the shape that each version has.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { batchOperations } from "../api/batch/index.ts";
import { baseline, type Version } from "../api/versions.ts";
import { answerLog, checkAnswer } from "./answer-check.ts";

const { Job_Get, Job_GetTaskCounts, Job_Delete, ComputeNode_Get, File_ListFromTask, Pool_Get, Pool_List, Task_Get } = batchOperations;

const counts = { active: 1, running: 2, completed: 3, succeeded: 2, failed: 1 };
const task = { id: "t", commandLine: "true", state: "active", creationTime: "2026-01-01T00:00:00.1234567Z" };

test("answers as declared pass", () => {
  assert.deepEqual(checkAnswer(Task_Get, baseline, { "odata.metadata": "x", ...task }), []);
  assert.deepEqual(checkAnswer(Pool_List, baseline, { value: [{ id: "p", resourceTags: { a: "b" } }], "odata.nextLink": "x" }), []);
  assert.deepEqual(checkAnswer(Job_Get, baseline, { poolInfo: { poolId: "p" }, onAllTasksComplete: "noaction", constraints: {} }), []);
  assert.deepEqual(checkAnswer(Job_Delete, baseline, undefined), []);
});

/** One deviation each; `[]` in the middle of the text is a number. */
const bad: [name: string, ...call: Parameters<typeof checkAnswer>, found: string][] = [
  ["no object", Task_Get, baseline, undefined, undefined, "body is not an object (CloudTask)"],
  ["an unknown property", Task_Get, baseline, { ...task, colour: 1 }, undefined, `.colour is not in CloudTask of ${baseline}`],
  ["null", Task_Get, baseline, { ...task, displayName: null }, undefined, ".displayName is null"],
  ["no text", Task_Get, baseline, { ...task, displayName: 1 }, undefined, ".displayName is 1, not a string"],
  ["no time", Task_Get, baseline, { ...task, creationTime: "today" }, undefined, '.creationTime is "today", not a time in UTC'],
  [
    "no such day",
    Task_Get,
    baseline,
    { ...task, creationTime: "2026-13-01T00:00:00Z" },
    undefined,
    '.creationTime is "2026-13-01T00:00:00Z", not a time in UTC',
  ],
  [
    "no duration",
    Task_Get,
    baseline,
    { ...task, constraints: { maxWallClockTime: "Px" } },
    undefined,
    '.constraints.maxWallClockTime is "Px", not a duration',
  ],
  [
    "too large a number",
    Pool_Get,
    baseline,
    { taskSlotsPerNode: 2 ** 31 },
    undefined,
    ".taskSlotsPerNode is 2147483648, not a 32-bit integer",
  ],
  ["a number for a text of one", Pool_Get, baseline, { resourceTags: { a: 1 } }, undefined, ".resourceTags.a is 1, not a string"],
  ["no list", Pool_List, baseline, {}, undefined, "Pool_List: a list has no value"],
  ["an element without an object", Pool_List, baseline, { value: [1] }, undefined, "value[0] is not an object (CloudPool)"],
  [
    "a secret",
    Pool_Get,
    baseline,
    { userAccounts: [{ name: "a", password: "p" }] },
    undefined,
    `.userAccounts[0].password is not in UserAccount of ${baseline}`,
  ],
  [
    "a required property is missing below",
    Job_Get,
    baseline,
    { poolInfo: { poolId: "p" }, metadata: [{ name: "a" }] },
    undefined,
    `.metadata[0].value is missing (MetadataItem of ${baseline})`,
  ],
  [
    "a length that is a number",
    File_ListFromTask,
    baseline,
    { value: [{ properties: { lastModified: "2026-01-01T00:00:00Z", contentLength: 5 } }] },
    undefined,
    "value[0].properties.contentLength is 5, not an integer in a string",
  ],
  [
    "a property of a later version",
    Task_Get,
    "2020-03-01.11.0",
    { ...task, requiredSlots: 1 },
    undefined,
    ".requiredSlots is not in CloudTask of 2020-03-01.11.0",
  ],
  [
    "what was not selected",
    Task_Get,
    baseline,
    { id: "t", state: "active" },
    "id",
    `.state is not in CloudTask of ${baseline}, or was not selected`,
  ],
];

for (const [name, operation, version, body, select, found] of bad) {
  test(`found: ${name}`, () => assert.deepEqual(checkAnswer(operation, version, body, select), [found]));
}

test("an enum has the values of its version", () => {
  assert.deepEqual(checkAnswer(ComputeNode_Get, baseline, { state: "deallocated" }), []);
  const [problem, ...more] = checkAnswer(ComputeNode_Get, "2024-02-01.19.0", { state: "deallocated" });
  assert.match(problem!, /^\.state is "deallocated", not idle\|.*\(2024-02-01\.19\.0\)$/);
  assert.deepEqual(more, []);
});

test("counts have the shape of their version, whole", () => {
  const missing = (version: Version, body: unknown): string[] =>
    checkAnswer(Job_GetTaskCounts, version, body).map((problem) => problem.replace(/ (is missing|is not in) .*/, " $1"));
  const nested = { taskCounts: counts, taskSlotCounts: counts };
  const old: Version = "2019-08-01.10.0";
  assert.deepEqual(missing("2021-06-01.14.0", nested), []);
  assert.deepEqual(missing(old, counts), []);
  assert.deepEqual(missing("2018-03-01.6.1", { ...counts, validationStatus: "validated" }), []);

  assert.deepEqual(missing("2021-06-01.14.0", { taskCounts: { ...counts, failed: undefined } }), [
    ".taskCounts.failed is missing",
    ".taskSlotCounts is missing",
  ]);
  assert.deepEqual(missing("2021-06-01.14.0", { ...nested, active: 1 }), [".active is not in"]);
  assert.deepEqual(missing(old, nested), [
    ".taskCounts is not in",
    ".taskSlotCounts is not in",
    ...Object.keys(counts).map((name) => `.${name} is missing`),
  ]);
  assert.deepEqual(missing("2018-03-01.6.1", counts), [".validationStatus is missing"]);
});

test("what was not selected need not be there, and what was must be", () => {
  const list = { value: [{ name: "stdout.txt", properties: { contentLength: "5" } }] };
  assert.deepEqual(checkAnswer(File_ListFromTask, baseline, list, "name,properties/contentLength"), []);
  assert.deepEqual(checkAnswer(File_ListFromTask, baseline, list, "name,properties"), [
    `value[0].properties.lastModified is missing (FileProperties of ${baseline})`,
  ]);
});

test("the log has each operation and each problem once", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "quern-answers-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const log = answerLog(directory, 7);
  for (const name of ["a", "b"]) log(Pool_List, baseline, { value: [{ id: name }, { id: 1 }] });
  log(Pool_Get, baseline, {});
  const lines = readFileSync(join(directory, "7.jsonl"), "utf8").trim().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [
      { operation: "Pool_List", version: baseline },
      { operation: "Pool_List", version: baseline, problem: "value[].id is 1, not a string" },
      { operation: "Pool_Get", version: baseline },
    ],
  );
});
