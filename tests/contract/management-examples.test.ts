// Every example of the official documents of the management plane, sent to a real server after what it needs was built: it is answered with a
// status of the example, by a body that is as the document says, and what was set is in it. Long-running operations are followed to their end.
// One test for each operation: `--test-name-pattern Pool_` runs those of pools. What is built is in tests/support/management-world.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, test } from "node:test";
import { managementOperations } from "../../src/api/management/index.ts";
import { armPoll } from "../support/arm.ts";
import { type ManagementExample, managementDocuments, managementExamples } from "../support/management-documents.ts";
import { managementRequest } from "../support/management-request.ts";
import { type World, worldArguments } from "../support/management-world/world.ts";
import { managementWorld } from "../support/management-world.ts";
import { type Quern, startQuern } from "../support/quern.ts";
import type { Answer } from "../support/signed.ts";
import { answerProblems } from "../support/validate.ts";
import { answerDeviations, refusedExamples } from "./management-deviations.ts";
import { unechoed } from "./management-echo.ts";

const older = managementDocuments().filter(({ version }) => !version.startsWith("2024"));

type Started = { quern: Quern } & ReturnType<typeof managementWorld>;
let started: Promise<Started> | undefined;

/** One server for all of the file: started by the first test that runs. */
const server = (): Promise<Started> => {
  started ??= startQuern(undefined, { args: worldArguments }).then((quern) => ({ quern, ...managementWorld(quern) }));
  return started;
};
after(async () => {
  const quern = (await started)?.quern;
  await quern?.stop();
  if (quern !== undefined) await rm(quern.location, { recursive: true, force: true });
});

/** What is wrong with the way an example was answered. */
const problemsOf = async ({ quern, world, prepare, tidy }: Started, example: ManagementExample): Promise<string[]> => {
  const { operation, document, namespace, version, statuses } = example;
  const prepared = await prepare(example);
  const request = managementRequest(example, prepared, quern.ready.subscriptionId);
  const answer = await world.arm(request);
  const said = `${request.method} ${request.path}: ${answer.status} ${answer.text.slice(0, 600)}`;
  const refusal = refusedExamples[example.name];
  if (refusal !== undefined) return answer.json?.error?.code === refusal.code ? [] : [`${said}, not ${refusal.code}`];
  if (!statuses.includes(answer.status)) return [said];
  const checked = [...answerProblems(document, operation, answer.status, answer.json)];
  const last = await finalAnswer(quern, answer);
  if (last.status >= 300) return [`${said}, and at its end: ${last.status} ${last.text.slice(0, 400)}`];
  if (last !== answer && last.json?.status === undefined && last.text !== "")
    checked.push(...answerProblems(document, operation, 200, last.json));
  if (request.method === "PUT" || request.method === "PATCH") {
    const { json } = await world.ok({ method: "GET", path: `${request.resource}?api-version=${version}` });
    checked.push(...unechoed(request.body ?? {}, json, prepared.echo));
  }
  if (prepared.made !== undefined) checked.push(...unechoed(prepared.made, answer.json, prepared.echo));
  if (request.method !== "POST" && request.method !== "DELETE") checked.push(...(await inOlderVersions(world, example, request.resource)));
  await tidy();
  return checked
    .filter((problem) => !(cut(problem).replace(/ \(\d{4}-.*\)$/, "") in answerDeviations))
    .map((problem) => `${namespace} ${example.name}: ${problem}`);
};

/** The same resource as clients of the older documents get it. */
const inOlderVersions = async (world: World, { namespace, path }: ManagementExample, resource: string): Promise<string[]> => {
  const problems: string[] = [];
  for (const { document, version } of older.filter((one) => one.namespace === namespace)) {
    const operation = document.paths[path]?.get;
    if (operation === undefined) continue;
    const answer = await world.arm({ method: "GET", path: resource, version });
    problems.push(...answerProblems(document, operation, answer.status, answer.json).map((problem) => `${problem} (${version})`));
  }
  return problems;
};

const cut = (problem: string): string => problem.slice(Math.max(0, problem.indexOf(".")));

const finalAnswer = async (quern: Quern, answer: Answer): Promise<Answer> => {
  const url = answer.headers["azure-asyncoperation"] ?? answer.headers.location;
  return url === undefined ? answer : armPoll(quern, url as string);
};

const examples = Map.groupBy(managementExamples(), ({ namespace, operation }) => `${namespace}/${operation.operationId}`);

for (const [name, some] of examples) {
  // Those that are not declared are the business of management-declarations.test.ts.
  if (managementOperations[name] === undefined) continue;
  test(`examples of ${name}`, { timeout: 120_000 }, async () => {
    const wrong: string[] = [];
    for (const example of some) wrong.push(...(await problemsOf(await server(), example)));
    assert.deepEqual(wrong, []);
  });
}

test("there is nothing in the lists of exceptions that no example needs", () => {
  const names = new Set(managementExamples().map((example) => example.name));
  assert.deepEqual(
    Object.keys(refusedExamples).filter((name) => !names.has(name)),
    [],
  );
});
