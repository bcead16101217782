// $filter of every list against the table of the reference (errors-and-http.md section 4), written out here: each property with each operator
// is accepted or refused exactly so. What a filter means in SQL is store-filter.test.ts's.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OperationId } from "../../src/api/batch/index.ts";
import { filterables } from "../../src/operations/batch/index.ts";
import type { Answer } from "../support/signed.ts";
import { validRequests } from "./exact-requests.ts";
import { anExactWorld, declarationOf, type ExactWorld, operationIds } from "./exact-world.ts";

type Kind = "text" | "time" | "number" | "boolean";
type Offer = readonly [kind: Kind, operators: string];

const all = "eq ne ge gt le lt";
const time: Offer = ["time", all];
const id: Offer = ["text", `${all} startswith`];
const equality: Offer = ["text", "eq ne"];
const flag: Offer = ["boolean", "eq ne"];
const code: Offer = ["number", all];

const runs = (name: string): Record<string, Offer> => ({
  [`${name}/state`]: ["text", "eq"],
  [`${name}/result`]: equality,
  [`${name}/exitCode`]: code,
  [`${name}/startTime`]: time,
  [`${name}/endTime`]: time,
});

const jobs: Record<string, Offer> = {
  state: equality,
  stateTransitionTime: time,
  creationTime: time,
  lastModified: time,
  "executionInfo/startTime": time,
  "executionInfo/endTime": time,
  "executionInfo/poolId": id,
};
const images: Record<string, Offer> = { osType: equality, verificationType: equality, nodeAgentSKUId: equality };

const tables: Readonly<Partial<Record<OperationId, Record<string, Offer>>>> = {
  Pool_List: {
    id,
    state: equality,
    stateTransitionTime: time,
    allocationState: equality,
    allocationStateTransitionTime: time,
    creationTime: time,
    lastModified: time,
    enableAutoScale: flag,
    vmSize: equality,
    enableInterNodeCommunication: flag,
  },
  ComputeNode_List: { state: equality, stateTransitionTime: time, lastBootTime: time, allocationTime: time, ...runs("startTaskInfo") },
  Job_List: { id, ...jobs },
  Job_ListFromJobSchedule: jobs,
  JobSchedule_List: {
    id,
    state: equality,
    stateTransitionTime: time,
    creationTime: time,
    lastModified: time,
    "executionInfo/endTime": time,
    "schedule/doNotRunUntil": time,
    "schedule/doNotRunAfter": time,
  },
  Task_List: {
    id,
    state: equality,
    stateTransitionTime: time,
    creationTime: time,
    lastModified: time,
    // The older page has it by this name.
    lastModifiedTime: time,
    "executionInfo/startTime": time,
    "executionInfo/endTime": time,
    "executionInfo/exitCode": code,
    "executionInfo/result": equality,
  },
  Job_ListPreparationAndReleaseTaskStatus: {
    poolId: equality,
    nodeId: equality,
    ...runs("jobPreparationTaskExecutionInfo"),
    ...runs("jobReleaseTaskExecutionInfo"),
  },
  File_ListFromTask: { name: ["text", "startswith"] },
  File_ListFromComputeNode: { name: ["text", "startswith"] },
  Account_ListPoolNodeCounts: { poolId: ["text", "eq"] },
  Pool_ListUsageMetrics: { poolId: ["text", "eq ge gt le lt startswith"] },
  Account_ListSupportedImages: images,
  Certificate_List: { state: equality, stateTransitionTime: time },
};

/** Only versions before 2019 have it; its page names the same properties. */
const older: typeof tables = {
  Account_ListNodeAgentSkus: { osType: equality },
};

const literals: Record<Kind, string> = { text: "'a'", time: "DateTime'2026-01-01T00:00:00Z'", number: "1", boolean: "true" };
const operators = [...all.split(" "), "startswith"];
const unoffered = [
  "displayName",
  "metadata",
  "priority",
  "url",
  "ID",
  "State",
  "executionInfo",
  "nonsense",
  "executionInfo/retryCount",
  "constructor",
];

const filtered = (world: ExactWorld, list: OperationId, filter: string): Promise<Answer> =>
  world.ask(list, { path: `${validRequests[list]!.path}?$filter=${encodeURIComponent(filter)}` });

const isRefused = ({ status, json }: Answer): boolean =>
  status === 400 &&
  json.code === "InvalidQueryParameterValue" &&
  json.values.map(({ key }: { key: string }) => key).join() === "QueryParameterName,QueryParameterValue,Reason" &&
  json.values[0].value === "$filter";

test("every list that takes $filter is in the table, and no other takes it", () => {
  const takers = operationIds.filter((one) => declarationOf(one).query.fields.$filter !== undefined).sort();
  const tabled = [...Object.keys(tables), ...Object.keys(older)].sort();
  assert.deepEqual(takers, tabled);
  assert.deepEqual(Object.keys(filterables).sort(), tabled);
});

test("each property with each operator", { timeout: 120_000 }, async (t) => {
  const world = await anExactWorld(t);
  const everything = new Map(Object.values(tables).flatMap((table) => Object.entries(table)));
  for (const [list, table] of Object.entries({ ...tables, ...older }) as [OperationId, Record<string, Offer>][]) {
    await t.test(list, async () => {
      const found: string[] = [];
      const properties =
        list === "Account_ListNodeAgentSkus" ? Object.entries(table) : [...new Map([...everything, ...Object.entries(table)])];
      for (const [property, [kind]] of properties) {
        const offered = table[property]?.[1].split(" ") ?? [];
        for (const operator of operators) {
          const literal = operator === "startswith" ? literals.text : literals[kind];
          const text = operator === "startswith" ? `startswith(${property},${literal})` : `${property} ${operator} ${literal}`;
          const answer = await filtered(world, list, text);
          const wanted = offered.includes(operator);
          if (wanted ? answer.status !== 200 : !isRefused(answer)) found.push(`${text}: ${answer.status} ${answer.text.slice(0, 200)}`);
        }
        for (const [other, literal] of Object.entries(literals)) {
          if (other === kind || offered[0] === undefined || offered[0] === "startswith") continue;
          const answer = await filtered(world, list, `${property} ${offered[0]} ${literal}`);
          if (!isRefused(answer)) found.push(`${property} with ${literal}: ${answer.status}`);
        }
      }
      for (const property of unoffered) {
        if (!isRefused(await filtered(world, list, `${property} eq 'a'`))) found.push(`${property} was taken`);
      }
      assert.deepEqual(found, []);
    });
  }
});

test("what is malformed is refused, and what is only unusual is not", async (t) => {
  const world = await anExactWorld(t);
  const malformed = [
    "id",
    "id eq",
    "eq 'a'",
    "id eq a",
    "id = 'a'",
    "id eq 'a",
    "id eq 'a' and",
    "and id eq 'a'",
    "(id eq 'a'",
    "id eq 'a')",
    "id eq 'a' id eq 'b'",
    "not",
    "startswith(id)",
    "startswith('a',id)",
    "startswith(id,'a','b')",
    "endswith(id,'a')",
    "substringof('a',id)",
    "id eq null",
    "id EQ 'a'",
    "creationTime ge '2026-01-01'",
    "creationTime ge DateTime'2026-02-30'",
    "creationTime ge DateTime'soon'",
    "creationTime ge 2026-01-01T00:00:00Z",
    "'a' eq id",
    "id eq 'a';",
    `${"(".repeat(100)}id eq 'a'${")".repeat(100)}`,
  ];
  for (const filter of malformed) assert.ok(isRefused(await filtered(world, "Job_List", filter)), filter);
  const fine: [filter: string, found: number][] = [
    ["id eq 'j'", 1],
    ["id eq 'J'", 1],
    ["  id   eq\t'j'  ", 1],
    ["(((id eq 'j')))", 1],
    ["not (id eq 'j')", 1],
    ["not id eq 'j'", 1],
    ["not not id eq 'j'", 1],
    ["id eq 'j' or id eq 's:job-1'", 2],
    ["id eq 'j' and id eq 's:job-1'", 0],
    // `and` binds more tightly than `or`.
    ["id eq 'j' or id eq 'x' and id eq 'y'", 1],
    ["(id eq 'j' or id eq 'x') and id eq 'y'", 0],
    ["id eq 'it''s'", 0],
    ["startswith(id, 'J')", 1],
    ["startswith(id,'')", 2],
    ["executionInfo/poolId eq 'P' and state eq 'Active'", 2],
    ["creationTime ge DateTime'2026-01-01'", 2],
    ["creationTime ge datetime'2026-01-01T00:00Z'", 2],
    ["creationTime ge DateTime'2026-01-01T01:00:00+01:00'", 2],
    ["creationTime ge DateTime'Thu, 01 Jan 2026 00:00:00 GMT'", 2],
    ["creationTime lt DateTime'2025-12-31T23:59:59.9999999Z'", 0],
    ["executionInfo/endTime lt DateTime'2100-01-01'", 0],
    ["", 2],
  ];
  for (const [filter, found] of fine) {
    const { status, json, text } = await filtered(world, "Job_List", filter);
    assert.deepEqual([status, json.value?.length], [200, found], `${filter}: ${text.slice(0, 300)}`);
  }
});
