// What the real service answered, held against the document of its version: where both differ the recording wins, and each such place is
// on the list of deviations with the recording that shows it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { versions } from "../../src/api/versions.ts";
import { documentOf } from "../support/documents.ts";
import { readRecordings } from "../support/recordings.ts";
import { sharedPath } from "../support/shared.ts";
import { answerProblems, requestProblems } from "../support/validate.ts";
import { deviationOf, deviations } from "./deviations.ts";
import { operationsOf } from "./openapi.ts";

test("recorded answers are as their documents say, but for the listed deviations", () => {
  const shown = new Map<string, Set<string>>();
  const unlisted: string[] = [];
  let held = 0;
  for (const { label, operation, version, status, answer } of readRecordings()) {
    const document = documentOf(version);
    const theirs = [...operationsOf(document).values()].find(({ operationId }) => operationId === operation);
    if (theirs === undefined || status >= 300) continue;
    held++;
    for (const problem of answerProblems(document, theirs, status, answer)) {
      const deviation = deviationOf(problem, version);
      if (deviation === undefined) unlisted.push(`${label}: ${problem}`);
      else shown.set(deviation.problem, (shown.get(deviation.problem) ?? new Set()).add(label));
    }
  }
  assert.ok(held > 60, `${held} answers`);
  assert.deepEqual(unlisted, []);
  for (const { problem, recording } of deviations) {
    if (recording !== undefined) assert.ok(shown.get(problem)?.has(recording), `${recording} does not show: ${problem}`);
  }
});

test("recorded requests that were accepted are as their documents say", () => {
  let held = 0;
  for (const { label, operation, version, status, request } of readRecordings()) {
    const document = documentOf(version);
    const theirs = [...operationsOf(document).values()].find(({ operationId }) => operationId === operation);
    if (theirs === undefined || status >= 300 || request === undefined) continue;
    held++;
    assert.deepEqual(requestProblems(document, theirs, request), [], label);
  }
  assert.ok(held > 20, `${held} requests`);
});

test("the made documents have the operations that the table says", () => {
  const [heading, ...rows] = readFileSync(sharedPath("specs", "data-plane-operations-by-version.tsv"), "utf8").trim().split("\n");
  const columns = heading!.split("\t");
  for (const version of versions.filter((one) => columns.includes(one))) {
    const column = columns.indexOf(version);
    const expected = rows.map((row) => row.split("\t")).filter((cells) => cells[column] === "x");
    assert.equal(operationsOf(documentOf(version)).size, expected.length, version);
  }
});
