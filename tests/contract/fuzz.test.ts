// Spoilt requests to every operation of a real server: valid ones (the documents' examples, with what they need built) with something
// changed. Never a 5xx, never a hang, never a body of another shape than promised; and afterwards the server and its database are well.
// Seeded and bounded; QUERN_FUZZ_SEED and QUERN_FUZZ_RUNS choose other requests and more of them.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { batchOperations } from "../../src/api/batch/index.ts";
import type { OperationDeclaration } from "../../src/api/operation.ts";
import { baseline, isVersion, livesIn, newest, type Version, versions } from "../../src/api/versions.ts";
import { checkAnswer } from "../../src/http/answer-check.ts";
import { sanityCheck } from "../../src/store/sanity-check.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { type ExampleWorld, exampleWorld } from "../support/example-world.ts";
import { type Example, readExamples } from "../support/examples.ts";
import { mutations } from "../support/mutations.ts";
import { newLocation, type Quern, startQuern } from "../support/quern.ts";
import { exampleRequest } from "../support/send-example.ts";
import type { Answer, RawRequest } from "../support/signed.ts";

const seed = Number(process.env.QUERN_FUZZ_SEED ?? 20_261_120);
const runs = Number(process.env.QUERN_FUZZ_RUNS ?? 1500);
/** Much longer than any answer takes, also on a busy machine. */
const longestMs = 20_000;

const declared = Object.values(batchOperations) as unknown as readonly OperationDeclaration[];

/** A valid request of each operation, in a version that has it; each more than once where it has several examples. */
const validRequests = async (world: ExampleWorld): Promise<{ operation: OperationDeclaration; request: RawRequest }[]> => {
  const { examples } = readExamples("batch-data-plane");
  const without = declared.filter((operation) => !examples.some((example) => example.operation.id === operation.id));
  const all: Example[] = [...examples, ...without.map((operation) => ({ name: operation.id, operation, path: {}, query: {} }))];
  const requests = [];
  for (const example of all) {
    const version = livesIn(example.operation, baseline) ? baseline : versions.findLast((one) => livesIn(example.operation, one))!;
    const { url, ...rest } = await exampleRequest(world, example, version);
    requests.push({ operation: example.operation, request: { ...rest, path: url, version } });
  }
  return requests;
};

const inTime = async (answer: Promise<Answer>, what: string): Promise<Answer> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`no answer: ${what}`)), longestMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** The version that the server took the request for, as far as the test can tell. */
const versionOf = ({ version, path }: RawRequest): Version | undefined => {
  if (path.includes("api-version")) return undefined;
  return version === undefined ? baseline : version === null || version === "" ? undefined : isVersion(version) ? version : newest;
};

const checkShape = (operation: OperationDeclaration, request: RawRequest, answer: Answer): void => {
  const { status, json, text, headers } = answer;
  // The real service's own answer to enabling automatic scaling again too soon.
  const known = json?.code === "TooManyEnableAutoScaleRequests";
  assert.ok((status >= 200 && status < 500) || known, `${status} ${text.slice(0, 300)}`);
  if (request.method === "HEAD" || status === 304) {
    assert.equal(text, "");
    return;
  }
  assert.equal(typeof headers["request-id"], "string");
  if (status >= 400) {
    assert.match(String(headers["content-type"]), /^application\/json/);
    assert.equal(typeof json?.code, "string", text.slice(0, 300));
    assert.deepEqual([typeof json.message?.lang, typeof json.message?.value], ["string", "string"]);
    for (const value of json.values ?? []) assert.deepEqual([typeof value.key, typeof value.value], ["string", "string"]);
    return;
  }
  const version = versionOf(request);
  // With another path or method the answer is another operation's: the server itself compares it with its declaration in all tests.
  if (status !== operation.answer.status || version === undefined || request.method !== operation.method) return;
  if (operation.answer.file === true || text === "" || /[?&](\$select|%24select)=/.test(request.path)) return;
  if (json?.["odata.metadata"] === undefined || !String(json["odata.metadata"]).endsWith(`#${operation.answer.metadata}`)) return;
  assert.deepEqual(checkAnswer(operation, version, json), []);
};

const isWell = async (quern: Quern): Promise<void> => {
  const health = await quern.raw({ method: "GET", path: "/healthz", version: null, sign: "none" });
  assert.deepEqual([health.status, health.json.status], [200, "ok"]);
  const ready = await quern.raw({ method: "GET", path: "/readyz", version: null, sign: "none" });
  assert.equal(ready.status, 200, ready.text);
};

test("spoilt requests", { timeout: 200_000 }, async (t) => {
  const location = await newLocation(t);
  const quern = await startQuern(t, { location, args: ["--storage", "none"] });
  const world = await exampleWorld(quern);
  const valid = await validRequests(world);
  assert.deepEqual(new Set(valid.map(({ operation }) => operation.id)).size, declared.length);
  const statuses = new Map<number, number>();
  const failures: string[] = [];

  await fc.assert(
    fc.asyncProperty(fc.nat(valid.length - 1), mutations, async (which, mutate) => {
      const { operation, request } = valid[which]!;
      const spoilt = mutate(request);
      try {
        const answer = await inTime(quern.raw(spoilt), "in time");
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        checkShape(operation, spoilt, answer);
      } catch (error) {
        failures.push(`${operation.id}: ${JSON.stringify(spoilt).slice(0, 600)}: ${(error as Error).message.slice(0, 500)}`);
      }
    }),
    { seed, numRuns: runs, interruptAfterTimeLimit: 100_000 },
  );
  t.diagnostic(
    [...statuses]
      .sort(([a], [b]) => a - b)
      .map(([status, count]) => `${count} times ${status}`)
      .join(", "),
  );

  assert.deepEqual(failures, []);

  await t.test("the server is well, and still does its work", async () => {
    await isWell(quern);
    await world.user.job("after", "shared");
    await world.user.task("after", "t", "/bin/true");
    await world.user.taskIs("after", "t");
    assert.equal(await quern.stop(), 0);
    const store = await openSqlite({ file: join(location, "quern.db") });
    try {
      assert.deepEqual(await sanityCheck(store), []);
    } finally {
      await store.close();
    }
  });
});
