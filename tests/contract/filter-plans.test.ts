// What a $filter costs: by id it is a look-up in the index of keys, by state a walk along the list's own keys and never over another's rows.
// (100,000 completed tasks are walked in 40 ms; an index by state would be written three times for each task, on the hot path.)
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Comparison, FilterNode } from "../../src/domain/filter.ts";
import { listCertificates } from "../../src/store/certificates.ts";
import type { Reader, Sql } from "../../src/store/db.ts";
import { listJobSchedules, listJobsOfSchedule } from "../../src/store/job-schedules.ts";
import { listJobs } from "../../src/store/jobs.ts";
import { listNodes } from "../../src/store/nodes.ts";
import { listPools } from "../../src/store/pools.ts";
import { listTasks } from "../../src/store/tasks.ts";
import { openedStore } from "./store-fixtures.ts";

const page = { accountId: 1, limit: 5 };
type List = (read: Reader, filter: FilterNode) => Promise<unknown>;

const lists: Record<string, { list: List; owner: string; byId: boolean }> = {
  pools: { list: (read, filter) => listPools(read, { ...page, filter }), owner: "account_id=?", byId: true },
  jobs: { list: (read, filter) => listJobs(read, { ...page, filter }), owner: "account_id=?", byId: true },
  job_schedules: { list: (read, filter) => listJobSchedules(read, { ...page, filter }), owner: "account_id=?", byId: true },
  tasks: { list: (read, filter) => listTasks(read, { ...page, jobUid: 1, filter }), owner: "account_id=? AND job_uid=?", byId: true },
  nodes: { list: (read, filter) => listNodes(read, { ...page, poolKey: "p", filter }), owner: "account_id=? AND pool_key=?", byId: false },
  certificates: { list: (read, filter) => listCertificates(read, { ...page, filter }), owner: "account_id=?", byId: false },
  "jobs of a schedule": {
    list: (read, filter) => listJobsOfSchedule(read, { ...page, scheduleKey: "s", filter }),
    owner: "account_id=? AND key>? AND key<?",
    byId: false,
  },
};

const is = (property: string, value: string, operator: Comparison = "eq"): FilterNode => ({
  type: "compare",
  operator,
  property,
  value: { kind: "string", value },
});

test("filters by id and by state use an index", async (t) => {
  const store = await openedStore(t);
  const planOf = async (list: List, filter: FilterNode): Promise<string> => {
    const asked: Sql[] = [];
    const read: Reader = {
      get: async () => undefined,
      all: async (query) => {
        asked.push(query);
        return [];
      },
    };
    await list(read, filter);
    assert.equal(asked.length, 1);
    const { text, values } = asked[0]!;
    const steps = await store.all<{ detail: string }>({ text: `EXPLAIN QUERY PLAN ${text}`, values });
    return steps.map(({ detail }) => detail).join("\n");
  };
  for (const [name, { list, owner, byId }] of Object.entries(lists)) {
    const byState = [is("state", "active"), is("state", "active", "ne"), { type: "not", operand: is("state", "active") } as const];
    for (const filter of byState) {
      const plan = await planOf(list, filter);
      assert.ok(plan.includes(`(${owner}`), `${name}: ${plan}`);
      assert.doesNotMatch(plan, /SCAN|TEMP B-TREE/, name);
    }
    if (!byId) continue;
    const ranges: [filter: FilterNode, key: string][] = [
      [is("id", "a"), "key=?"],
      [{ type: "or", left: is("id", "a"), right: is("id", "b") }, "key=?"],
      [{ type: "startswith", property: "id", value: "a" }, "key>? AND key<?"],
      [{ type: "and", left: { type: "startswith", property: "id", value: "a" }, right: is("state", "active") }, "key>? AND key<?"],
      [is("id", "a", "ge"), "key>?"],
      [is("id", "a", "lt"), "key<?"],
    ];
    for (const [filter, key] of ranges) {
      const plan = await planOf(list, filter);
      assert.ok(plan.endsWith(`(${owner} AND ${key})`), `${name}: ${JSON.stringify(filter)}\n${plan}`);
    }
  }
});
