// Cross-references everything that the tables say twice, for the end of simulations and tests. Reads the whole database, so it is
// never for a running service; it repairs nothing.
import type { Reader, Sql } from "./db.ts";

/** Selects a text `what` for every violation. */
export type Rule = readonly [rule: string, text: string];

/** Sentences about what is wrong, at most 20 a rule; empty when all is well. A commit leaves every rule true. */
export const sanityCheck = (read: Reader): Promise<string[]> => problemsOf(read, rules);

export const problemsOf = async (read: Reader, rules: readonly Rule[]): Promise<string[]> => {
  const problems: string[] = [];
  for (const [rule, text] of rules) {
    const query: Sql = { text: `${text} LIMIT 20`, values: [] };
    for (const { what } of await read.all<{ what: string }>(query)) problems.push(`${rule}: ${what}`);
  }
  return problems;
};

const task = "'task ' || t.job_uid || '/' || t.id";
const job = "'job ' || j.id";
const node = "'node ' || n.id";
const pool = "'pool ' || p.id";
const bucket = (state: string, what: string): string => `coalesce(sum(CASE WHEN ${state} THEN ${what} ELSE 0 END), 0)`;
const isActive = "t.state = 'active'";
const isRunning = "t.state IN ('preparing', 'running')";
const isSucceeded = "t.state = 'completed' AND t.result = 'success'";
const isFailed = "t.state = 'completed' AND t.result <> 'success'";
const isPlaced = "t.node_id IS NOT NULL AND t.state <> 'completed'";
const jobOfTask = "j.account_id = t.account_id AND j.uid = t.job_uid";

const rules: readonly Rule[] = [
  [
    "counts are those of the rows",
    `SELECT 'job_uid ' || c.job_uid AS what FROM job_counts AS c
      LEFT JOIN tasks AS t ON t.account_id = c.account_id AND t.job_uid = c.job_uid GROUP BY c.account_id, c.job_uid
      HAVING c.active <> ${bucket(isActive, "1")} OR c.active_slots <> ${bucket(isActive, "t.slots")}
      OR c.running <> ${bucket(isRunning, "1")} OR c.running_slots <> ${bucket(isRunning, "t.slots")}
      OR c.succeeded <> ${bucket(isSucceeded, "1")} OR c.succeeded_slots <> ${bucket(isSucceeded, "t.slots")}
      OR c.failed <> ${bucket(isFailed, "1")} OR c.failed_slots <> ${bucket(isFailed, "t.slots")}`,
  ],
  [
    "a job has a row of counts",
    `SELECT ${job} AS what FROM jobs AS j
      WHERE NOT EXISTS (SELECT 1 FROM job_counts AS c WHERE c.account_id = j.account_id AND c.job_uid = j.uid)`,
  ],
  [
    "counts belong to a job",
    `SELECT 'job_uid ' || c.job_uid AS what FROM job_counts AS c
      WHERE NOT EXISTS (SELECT 1 FROM jobs AS j WHERE j.account_id = c.account_id AND j.uid = c.job_uid)`,
  ],
  ["a task belongs to a job", `SELECT ${task} AS what FROM tasks AS t WHERE NOT EXISTS (SELECT 1 FROM jobs AS j WHERE ${jobOfTask})`],
  [
    "blocked counts the open dependencies",
    `SELECT ${task} || ' has ' || t.blocked AS what FROM tasks AS t WHERE t.blocked <> (SELECT count(*) FROM task_dependencies AS d
      WHERE d.account_id = t.account_id AND d.job_uid = t.job_uid AND d.seq = t.seq AND d.remaining > 0)`,
  ],
  [
    "a dependency belongs to a task",
    `SELECT 'seq ' || d.seq AS what FROM task_dependencies AS d WHERE NOT EXISTS
      (SELECT 1 FROM tasks AS t WHERE t.account_id = d.account_id AND t.job_uid = d.job_uid AND t.seq = d.seq)`,
  ],
  [
    "a dependency on an id is open or met, and open only while no such task is satisfied",
    `SELECT 'seq ' || d.seq || ' on ' || d.on_key AS what FROM task_dependencies AS d WHERE d.on_key IS NOT NULL AND (d.remaining NOT IN (0, 1)
      OR (d.remaining = 1 AND EXISTS (SELECT 1 FROM tasks AS t
        WHERE t.account_id = d.account_id AND t.job_uid = d.job_uid AND t.key = d.on_key AND t.satisfied = 1)))`,
  ],
  [
    "an open range counts the integers that are not satisfied",
    `SELECT 'seq ' || d.seq || ' on ' || d.range_start || '-' || d.range_end AS what FROM task_dependencies AS d
      WHERE d.range_start IS NOT NULL AND (d.remaining < 0 OR (d.remaining > 0 AND d.remaining <> d.range_end - d.range_start + 1
        - (SELECT count(DISTINCT t.number) FROM tasks AS t WHERE t.account_id = d.account_id AND t.job_uid = d.job_uid
           AND t.number BETWEEN d.range_start AND d.range_end AND t.satisfied = 1)))`,
  ],
  // A reactivated task keeps what it released (domain/tasks.ts), so it can wait in the queue and be satisfied; it has run before.
  [
    "only what has run is satisfied",
    `SELECT ${task} AS what FROM tasks AS t WHERE t.satisfied = 1 AND t.state <> 'completed' AND t.attempt = 0`,
  ],
  [
    "a placed task is on a node of its job's pool",
    `SELECT ${task} || ' on ' || t.node_id AS what FROM tasks AS t WHERE ${isPlaced} AND NOT EXISTS (SELECT 1 FROM nodes AS n
      JOIN jobs AS j ON ${jobOfTask} AND j.pool_key = n.pool_key WHERE n.id = t.node_id AND n.account_id = t.account_id)`,
  ],
  [
    "a running task has a node, a start and an attempt",
    `SELECT ${task} AS what FROM tasks AS t WHERE ${isRunning} AND (t.node_id IS NULL OR t.attempt = 0 OR (t.state = 'running' AND t.started_at IS NULL))`,
  ],
  [
    "a completed task has an end and a result, no other has",
    `SELECT ${task} || ' is ' || t.state AS what FROM tasks AS t
      WHERE (t.state = 'completed') <> (t.ended_at IS NOT NULL) OR (t.state = 'completed') <> (t.result IS NOT NULL)`,
  ],
  [
    "columns repeat the execution",
    `SELECT ${task} AS what FROM tasks AS t WHERE t.result IS DISTINCT FROM json_extract(t.execution, '$.result')
      OR t.exit_code IS DISTINCT FROM json_extract(t.execution, '$.exitCode')
      OR t.started_at IS DISTINCT FROM json_extract(t.execution, '$.startTime')
      OR t.ended_at IS DISTINCT FROM json_extract(t.execution, '$.endTime')`,
  ],
  [
    "a key is the id in lower case",
    `SELECT ${task} AS what FROM tasks AS t WHERE t.key <> lower(t.id) UNION ALL SELECT ${job} AS what FROM jobs AS j WHERE j.key <> lower(j.id)
      UNION ALL SELECT ${pool} AS what FROM pools AS p WHERE p.key <> lower(p.id)`,
  ],
  [
    "nothing is placed for a job that is disabled or completed",
    `SELECT ${task} || ' of ' || j.id AS what FROM tasks AS t JOIN jobs AS j ON ${jobOfTask}
      WHERE ${isPlaced} AND j.state IN ('disabled', 'completed')`,
  ],
  [
    "a completed job has an end, no other has",
    `SELECT ${job} AS what FROM jobs AS j WHERE j.state <> 'deleting' AND (j.state = 'completed') <> (j.ended_at IS NOT NULL)`,
  ],
  [
    "a job with a colon in its id is of a schedule, and one that the schedule has made",
    `SELECT ${job} AS what FROM jobs AS j WHERE instr(j.key, ':') > 0 AND NOT EXISTS (SELECT 1 FROM job_schedules AS s
      WHERE s.account_id = j.account_id AND s.key = substr(j.key, 1, instr(j.key, ':') - 1)
      AND CAST(substr(j.key, instr(j.key, ':') + 5) AS INTEGER) BETWEEN 1 AND s.jobs_made)`,
  ],
  [
    "only the latest job of a schedule has not ended",
    `SELECT ${job} AS what FROM jobs AS j JOIN job_schedules AS s ON s.account_id = j.account_id AND s.key = substr(j.key, 1, instr(j.key, ':') - 1)
      WHERE instr(j.key, ':') > 0 AND j.state NOT IN ('completed', 'deleting') AND j.key <> s.key || ':job-' || s.jobs_made`,
  ],
  [
    "a completed schedule has an end and no job that goes on",
    `SELECT 'schedule ' || s.id AS what FROM job_schedules AS s WHERE s.state <> 'deleting' AND (s.state = 'completed') <> (s.ended_at IS NOT NULL)
      OR s.state = 'completed' AND EXISTS (SELECT 1 FROM jobs AS j WHERE j.account_id = s.account_id
        AND j.key = s.key || ':job-' || s.jobs_made AND j.state NOT IN ('completed', 'deleting'))`,
  ],
  [
    "no job has the id of a schedule",
    `SELECT ${job} AS what FROM jobs AS j JOIN job_schedules AS s ON s.account_id = j.account_id AND s.key = j.key`,
  ],
  [
    "a node belongs to a pool",
    `SELECT ${node} AS what FROM nodes AS n WHERE NOT EXISTS (SELECT 1 FROM pools AS p WHERE p.account_id = n.account_id AND p.key = n.pool_key)`,
  ],
  [
    "the slots of what runs on a node fit it",
    `SELECT ${node} AS what FROM nodes AS n JOIN pools AS p ON p.account_id = n.account_id AND p.key = n.pool_key
      WHERE coalesce(json_extract(p.spec, '$.taskSlotsPerNode'), 1) < (SELECT coalesce(sum(t.slots), 0) FROM tasks AS t
        WHERE t.account_id = n.account_id AND t.node_id = n.id AND ${isPlaced} AND ${isRunning})`,
  ],
  ["a pool that is not steady resizes", `SELECT ${pool} AS what FROM pools AS p WHERE p.allocation_state <> 'steady' AND p.resize IS NULL`],
  [
    "a user belongs to a node",
    `SELECT 'user ' || u.key AS what FROM node_users AS u WHERE NOT EXISTS (SELECT 1 FROM nodes AS n WHERE n.account_id = u.account_id AND n.id = u.node_id)`,
  ],
  [
    "a sample belongs to a pool that a formula sizes",
    `SELECT 'pool ' || s.pool_key AS what FROM pool_samples AS s WHERE NOT EXISTS (SELECT 1 FROM pools AS p
      WHERE p.account_id = s.account_id AND p.key = s.pool_key AND json_extract(p.spec, '$.enableAutoScale') = 1)`,
  ],
  [
    "a chore belongs to a node",
    `SELECT 'chore ' || c.id AS what FROM chores AS c WHERE NOT EXISTS (SELECT 1 FROM nodes AS n WHERE n.account_id = c.account_id AND n.id = c.node_id)`,
  ],
];
