// SQLite must answer every frequent query from the index that was made for it: a query that reads a whole job works in every small
// test and fails at 100,000 tasks. The plans rest on the figures at the end of migrations/0001-initial.sql.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FilterNode } from "../../src/domain/filter.ts";
import * as certificates from "../../src/store/certificates.ts";
import { type Reader, type Sql, type Store, sql } from "../../src/store/db.ts";
import { satisfy, unsatisfy } from "../../src/store/dependencies.ts";
import * as statistics from "../../src/store/job-statistics.ts";
import * as jobs from "../../src/store/jobs.ts";
import * as nodeTime from "../../src/store/node-time.ts";
import * as nodes from "../../src/store/nodes.ts";
import * as pools from "../../src/store/pools.ts";
import * as samples from "../../src/store/samples.ts";
import * as tasks from "../../src/store/tasks.ts";
import { aJob, aTask, completed, openedStore, temporaryFolder } from "./store-fixtures.ts";

const planOf = async (store: Store, query: Sql): Promise<string> =>
  (await store.all<{ detail: string }>({ text: `EXPLAIN QUERY PLAN ${query.text}`, values: query.values }))
    .map(({ detail }) => detail)
    .join("\n");

/** The plan of the one query that `ask` puts to its reader. */
const planOfReading = async (store: Store, ask: (read: Reader) => Promise<unknown>): Promise<string> => {
  const asked: Sql[] = [];
  const read: Reader = {
    get: async (query) => void asked.push(query) as undefined,
    all: async (query) => {
      asked.push(query);
      return [];
    },
  };
  // What becomes of the empty answer is not looked at.
  await Promise.allSettled([ask(read)]);
  assert.equal(asked.length, 1);
  return planOf(store, asked[0]!);
};

const ofJob = { accountId: 1, jobUid: 1 };
const isIdle: FilterNode = { type: "compare", operator: "eq", property: "state", value: { kind: "string", value: "idle" } };

const readings: [what: string, ask: (read: Reader) => Promise<unknown>, ...plan: RegExp[]][] = [
  [
    "getTask",
    (read) => tasks.getTask(read, 1, 1, "a"),
    /^SEARCH tasks USING INDEX tasks_by_key \(account_id=\? AND job_uid=\? AND key=\?\)$/,
  ],
  [
    "getTasks",
    (read) =>
      tasks.getTasks(read, [
        { ...ofJob, seq: 1 },
        { ...ofJob, seq: 2 },
      ]),
    /^SEARCH tasks USING PRIMARY KEY \(account_id=\? AND job_uid=\? AND seq=\?\)$/,
  ],
  [
    "existingKeys",
    (read) => tasks.existingKeys(read, 1, 1, ["a", "b"]),
    /COVERING INDEX tasks_by_key \(account_id=\? AND job_uid=\? AND key=\?\)$/,
  ],
  [
    "a page of tasks",
    (read) => tasks.listTasks(read, { ...ofJob, after: "a", limit: 5 }),
    /^SEARCH tasks USING INDEX tasks_by_key \(account_id=\? AND job_uid=\? AND key>\?\)$/,
  ],
  [
    "readyTasks",
    (read) => tasks.readyTasks(read, { ...ofJob, limit: 5 }),
    /^SEARCH tasks USING INDEX tasks_ready \(account_id=\? AND job_uid=\? AND seq>\?\)$/,
  ],
  [
    "statistics of jobs",
    (read) => statistics.jobStatistics(read, 1, [1, 2]),
    /^SEARCH job_counts USING PRIMARY KEY \(account_id=\? AND job_uid=\?\)$/,
  ],
  [
    "nodes that were there",
    (read) => nodeTime.nodeLives(read, 1, 5, 9),
    /SEARCH past_nodes USING PRIMARY KEY \(account_id=\? AND gone_at>\?\)/,
    /SEARCH n USING .*\(account_id=\?/,
    /SEARCH p USING PRIMARY KEY \(account_id=\? AND key=\?\)/,
  ],
  [
    "core time of pools",
    (read) => nodeTime.dedicatedTime(read, 1, ["p"], 9),
    /SEARCH past_node_time USING PRIMARY KEY \(account_id=\? AND scope=\?\)/,
    /SEARCH n USING .*\(account_id=\? AND pool_key=\?/,
    /SEARCH p USING PRIMARY KEY \(account_id=\? AND key=\?\)/,
  ],
  ["certificates by state", (read) => certificates.deletingCertificates(read), /INDEX certificates_deleting/],
  [
    "isCurrentAttempt",
    (read) => tasks.isCurrentAttempt(read, { ...ofJob, seq: 1, attempt: 1 }),
    /SEARCH t USING PRIMARY KEY \(account_id=\? AND job_uid=\? AND seq=\?\)/,
    /SEARCH j USING INDEX sqlite_autoindex_jobs_\d \(uid=\?/,
  ],
  ["countReady", (read) => tasks.countReady(read, 1, 1), /INDEX tasks_ready/],
  [
    "placedTasks",
    (read) => tasks.placedTasks(read, { accountId: 1, nodeId: "n" }),
    /^SEARCH tasks USING INDEX tasks_placed \(account_id=\? AND node_id=\?\)$/,
  ],
  [
    "placedTasksOfJob",
    (read) => tasks.placedTasksOfJob(read, { accountId: 1, uid: 1, poolKey: "p" }, 5),
    /^SEARCH n USING COVERING INDEX nodes_by_state \(account_id=\? AND pool_key=\?\)/,
    /SEARCH t USING INDEX tasks_placed \(account_id=\? AND node_id=\? AND job_uid=\?\)/,
  ],
  [
    "nodesOfJob",
    (read) => tasks.nodesOfJob(read, { accountId: 1, uid: 1 }, 5),
    /SEARCH tasks USING PRIMARY KEY \(account_id=\? AND job_uid=\?\)/,
  ],
  [
    "deleteTasksOfJob",
    (read) => tasks.deleteTasksOfJob(read, { ...ofJob, limit: 5 }),
    /^SEARCH tasks USING PRIMARY KEY \(account_id=\? AND job_uid=\?\)$/,
  ],
  [
    "nodeCounts",
    (read) => nodes.nodeCounts(read, 1, ["a", "b"]),
    /^SEARCH nodes USING INDEX nodes_by_state \(account_id=\? AND pool_key=\?\)/,
    /SEARCH tasks USING INDEX tasks_placed \(account_id=\? AND node_id=\?\)/,
  ],
  [
    "nodes by state",
    (read) => nodes.listNodes(read, { accountId: 1, poolKey: "p", limit: 5, filter: isIdle }),
    /^SEARCH nodes USING PRIMARY KEY \(account_id=\? AND pool_key=\?\)/,
    /INDEX tasks_placed/,
  ],
  ["getNodeById", (read) => nodes.getNodeById(read, "n"), /INDEX nodes_by_id \(id=\?\)$/],
  ["nodesOfAgent", (read) => nodes.nodesOfAgent(read, "a"), /INDEX nodes_by_agent \(agent_id=\?\)/],
  ["pendingJobs", (read) => jobs.pendingJobs(read), /^SCAN jobs USING INDEX jobs_pending$/],
  [
    "jobsOfPool",
    (read) => jobs.jobsOfPool(read, 1, "p", ["active", "deleting"]),
    /INDEX jobs_by_pool \(account_id=\? AND pool_key=\? AND state=\?\)/,
  ],
  ["getJobByUid", (read) => jobs.getJobByUid(read, 1, 1), /\(uid=\?\)$/],
  [
    "a page of jobs",
    (read) => jobs.listJobs(read, { accountId: 1, after: "a", limit: 5 }),
    /^SEARCH jobs USING PRIMARY KEY \(account_id=\? AND key>\?\)$/,
  ],
  [
    "samplesOfPool",
    (read) => samples.samplesOfPool(read, { accountId: 1, poolKey: "p" }, 5),
    /^SEARCH pool_samples USING PRIMARY KEY \(account_id=\? AND pool_key=\? AND at>\?\)$/,
  ],
  ["lastSampleAt", (read) => samples.lastSampleAt(read, { accountId: 1, poolKey: "p" }), /SEARCH pool_samples USING PRIMARY KEY/],
  [
    "work of a pool",
    (read) => samples.countedWork(read, { accountId: 1, poolKey: "p" }),
    /^SEARCH j USING INDEX jobs_by_pool \(account_id=\? AND pool_key=\?\)/,
    /SEARCH c USING PRIMARY KEY \(account_id=\? AND job_uid=\?\)/,
  ],
  [
    "waiting tasks of a pool",
    (read) => samples.waitingTasksOfPool(read, { accountId: 1, poolKey: "p" }),
    /^SEARCH j USING INDEX jobs_by_pool/,
    /SEARCH t USING (COVERING )?INDEX tasks_waiting \(account_id=\? AND job_uid=\?\)/,
  ],
  ["listBusyPools", (read) => pools.listBusyPools(read), /^SCAN pools USING INDEX pools_busy$/],
];

for (const where of ["at once", "after opening it again"] as const) {
  test(`every reading uses its index, ${where}`, async (t) => {
    const file = `${temporaryFolder(t)}/quern.db`;
    if (where !== "at once") await (await openedStore(t, { file })).close();
    const store = await openedStore(t, { file });
    for (const [what, ask, ...plan] of readings) {
      const found = await planOfReading(store, ask);
      for (const part of plan) assert.match(found, part, what);
    }
  });
}

test("no change of a task reads a whole job", async (t) => {
  const store = await openedStore(t);
  const before = aTask(1, { id: "7" });
  const after = completed(before, { spec: { ...before.spec } });
  const writes = [
    ...tasks.insertTasks(
      [before],
      [
        { seq: 1, onKey: "a" },
        { seq: 1, rangeStart: 1, rangeEnd: 2 },
      ],
    ),
    ...tasks.placeTasks([{ task: before, nodeId: "n", attempt: 1, execution: before.execution }]),
    ...tasks.saveTasks([{ before, after }]),
    ...tasks.saveTasks([{ before, after: completed(before) }]),
    ...satisfy([before]),
    ...unsatisfy([before]),
    ...tasks.deleteTasks([after]),
    ...jobs.insertJob(aJob()),
    ...jobs.saveJob(aJob()),
    jobs.checkJob(aJob(), ["active", "disabled"]),
    jobs.checkCounts(1, 1, { active: 0, running: 0 }),
  ];
  for (const { text, rows } of writes) {
    const plan = await planOf(store, { text, values: rows[0]! });
    for (const step of plan.split("\n")) {
      // Of tasks and dependencies, every step names more than the account and the job.
      if (/SEARCH (tasks|task_dependencies|d) /.test(step)) assert.match(step, /job_uid=\? AND \w+/, `${text}\n${plan}`);
      assert.doesNotMatch(step, /^SCAN (tasks|task_dependencies|d)\b/, `${text}\n${plan}`);
    }
  }
});

test("the figures that the planner is given are of indexes that exist", async (t) => {
  const store = await openedStore(t);
  const rows = await store.all<{ name: string }>(sql`
    SELECT tbl || '.' || idx AS name FROM sqlite_stat1
    WHERE idx NOT IN (SELECT name FROM sqlite_master WHERE tbl_name = sqlite_stat1.tbl)`);
  assert.deepEqual(rows, []);
});
