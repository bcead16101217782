// Every api-version against the real server: each example of the documents, in the words of that version, is as that version's document
// says, is accepted, and every answer validates against the document, but for the listed deviations. What an example adds is read back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { livesIn, type Version, versions } from "../../src/api/versions.ts";
import { documentOf } from "../support/documents.ts";
import { type ExampleWorld, exampleWorld, refusalOf } from "../support/example-world.ts";
import { type Example, type ExampleFolder, readExamples } from "../support/examples.ts";
import { startQuern } from "../support/quern.ts";
import { sendExample } from "../support/send-example.ts";
import type { Answer } from "../support/signed.ts";
import { answerProblems, requestProblems } from "../support/validate.ts";
import { deviationOf } from "./deviations.ts";
import { type Document, type DocumentOperation, operationsOf, routeOf } from "./openapi.ts";

const unlistedIn =
  (version: Version) =>
  (problems: string[]): string[] =>
    problems.filter((problem) => deviationOf(problem, version) === undefined);

/** Where to read what a successful request made. */
const readBack: Readonly<Record<string, (body: { id?: string }, url: string) => string>> = {
  Pool_Add: ({ id }) => `/pools/${id}`,
  Job_Add: ({ id }) => `/jobs/${id}`,
  Task_Add: ({ id }, url) => `${url}/${id}`,
  Task_AddCollection: (_, url) => url.replace("/addtaskcollection", "/tasks"),
  JobSchedule_Add: ({ id }) => `/jobschedules/${id}`,
};

const folderOf = (version: Version): ExampleFolder => (version === "2025-06-01" ? "batch-data-plane-typespec" : "batch-data-plane");

const documentedAs = (document: Document, { operation }: Example): DocumentOperation | undefined =>
  operationsOf(document).get(routeOf(operation.method, operation.path));

const bodyOf = ({ text, json }: Answer): unknown => (text === "" ? undefined : json);

test("every example in every version", { timeout: 280_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const world = await exampleWorld(quern);
  let sent = 0;
  for (const version of versions) {
    const document = documentOf(version);
    const unlisted = unlistedIn(version);
    const wrong = new Set<string>();
    for (const example of readExamples(folderOf(version)).examples) {
      const { operation } = example;
      const documented = documentedAs(document, example);
      if (!livesIn(operation, version)) continue;
      assert.ok(documented !== undefined, `${operation.id} is not in the document of ${version}`);
      const { method, url, body, answer } = await sendExample(world, example, version);
      sent++;
      await world.tidy();
      for (const problem of unlisted(requestProblems(document, documented, body))) wrong.add(`${example.name} sends: ${problem}`);
      const expected = refusalOf(example, version);
      const { status } = operation.answer;
      if (expected === undefined ? answer.status !== status : answer.json?.code !== expected)
        wrong.add(`${example.name}: ${method} ${url}: ${answer.status} ${answer.json?.code} ${JSON.stringify(answer.json?.values)}`);
      if (answer.status !== status) continue;
      if (operation.answer.file === undefined && method !== "HEAD")
        for (const problem of unlisted(answerProblems(document, documented, status, bodyOf(answer))))
          wrong.add(`${example.name} answers: ${problem}`);
      const made = readBack[operation.id]?.((body ?? {}) as { id?: string }, url);
      if (made === undefined) continue;
      const view = await world.user.raw({ method: "GET", path: made, version });
      const get = operationsOf(document).get(routeOf("GET", made.replace(/\/(pools|jobs|jobschedules|tasks)\/[^/]+/g, "/$1/{}")))!;
      for (const problem of unlisted(answerProblems(document, get, view.status, bodyOf(view))))
        wrong.add(`${example.name} reads back: ${problem}`);
    }
    await t.test(version, () => assert.deepEqual([...wrong], []));
    await t.test(`${version}: names of the query and values of lists in any letter case`, () => inAnyCase(world, version));
  }
  t.diagnostic(`${sent} requests`);
  assert.ok(sent > 22 * 40);
});

/** Newer clients say timeOut, those of 2017 noAction; both are understood in every version. */
const inAnyCase = async ({ user }: ExampleWorld, version: Version): Promise<void> => {
  const page = await user.ok("GET", "/jobs?timeOut=20&MaxResults=1", undefined, { version });
  assert.equal(page.json.value.length, 1);
  for (const disableTasks of ["requeue", "reQueue", "REQUEUE"]) {
    const id = `case-${version.replaceAll(/[^0-9]/g, "-")}-${disableTasks.length}${disableTasks.charCodeAt(1)}${disableTasks.charCodeAt(2)}`;
    await user.ok("POST", "/jobs", { id, poolInfo: { poolId: "shared" } }, { version });
    await user.ok("POST", `/jobs/${id}/disable`, { disableTasks }, { version });
  }
};
