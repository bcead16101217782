-- The first schema. Every table carries the account; text ids are stored as given (id) and in lower case (key), because
-- Batch ids keep their case but are compared without it. Times are integers: *_at in ms, modified and seq are stamps in us
-- (lib/clock.ts). `generation` grows with every change of a row and guards every decision made on it.

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE accounts (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  keys TEXT NOT NULL,                 -- JSON array of base64 keys
  created_at INTEGER NOT NULL
);

CREATE TABLE pools (
  account_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  id TEXT NOT NULL,
  state TEXT NOT NULL,                -- active, deleting
  state_changed_at INTEGER NOT NULL,
  allocation_state TEXT NOT NULL,     -- steady, resizing, stopping
  allocation_state_changed_at INTEGER NOT NULL,
  target_dedicated INTEGER NOT NULL,
  target_low_priority INTEGER NOT NULL,
  spec TEXT NOT NULL,                 -- JSON, PoolAddParameter in the newest spelling with defaults, without the targets
  resize TEXT,                        -- JSON, the resize under way (domain/pools.ts Resize)
  resize_errors TEXT,                 -- JSON array of ResizeError, of the last resize
  auto_pool_job TEXT,                 -- key of the job that this pool was made for
  created_at INTEGER NOT NULL,
  modified INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (account_id, key)
) WITHOUT ROWID;
CREATE INDEX pools_busy ON pools (account_id, key) WHERE allocation_state <> 'steady' OR state = 'deleting';

CREATE TABLE nodes (
  account_id INTEGER NOT NULL,
  pool_key TEXT NOT NULL,
  id TEXT NOT NULL,
  agent_id TEXT,                      -- the agent that hosts it, once one does
  state TEXT NOT NULL,                -- creating, starting, waitingforstarttask, idle, running, ... (domain/nodes.ts)
  state_changed_at INTEGER NOT NULL,
  scheduling_state TEXT NOT NULL,     -- enabled, disabled
  is_dedicated INTEGER NOT NULL,
  address TEXT NOT NULL,              -- 10.x.y.z as shown in ipAddress
  boot INTEGER NOT NULL,              -- how many times it was told to boot: fences reports of an earlier boot
  booted_at INTEGER,
  allocated_at INTEGER NOT NULL,
  leaving TEXT,                       -- JSON, why and how it is being removed or rebooted (domain/nodes.ts Leaving)
  start_task TEXT,                    -- JSON, StartTaskInformation
  errors TEXT,                        -- JSON array of ComputeNodeError
  tasks_run INTEGER NOT NULL DEFAULT 0,
  tasks_succeeded INTEGER NOT NULL DEFAULT 0,
  recent_tasks TEXT NOT NULL DEFAULT '[]', -- JSON array of {jobUid, jobId, seq, taskId}, newest first, 10 at most
  generation INTEGER NOT NULL,
  PRIMARY KEY (account_id, pool_key, id)
) WITHOUT ROWID;
CREATE INDEX nodes_by_state ON nodes (account_id, pool_key, is_dedicated, state);
CREATE UNIQUE INDEX nodes_by_id ON nodes (id);
CREATE INDEX nodes_by_agent ON nodes (agent_id) WHERE agent_id IS NOT NULL;

CREATE TABLE jobs (
  account_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  id TEXT NOT NULL,
  uid INTEGER NOT NULL UNIQUE,        -- what tasks refer to; a stamp, so a deleted id can be taken again at once
  pool_key TEXT NOT NULL,             -- the pool its tasks run on (an auto pool's too)
  state TEXT NOT NULL,
  state_changed_at INTEGER NOT NULL,
  previous_state TEXT,
  previous_state_changed_at INTEGER,
  priority INTEGER NOT NULL,
  spec TEXT NOT NULL,                 -- JSON, JobAddParameter in the newest spelling with defaults
  execution TEXT NOT NULL,            -- JSON, JobExecutionInformation with instants in ms (domain/jobs.ts)
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  held TEXT,                          -- why none of its tasks can run yet (domain/waiting.ts), e.g. JobManagerTaskNotSupported
  pending TEXT,                       -- JSON, what the disable, terminate or delete under way still has to do (domain/jobs.ts Pending)
  modified INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (account_id, key)
) WITHOUT ROWID;
CREATE INDEX jobs_by_pool ON jobs (account_id, pool_key, state);
CREATE INDEX jobs_pending ON jobs (account_id, key) WHERE pending IS NOT NULL OR state IN ('disabling', 'enabling', 'terminating', 'deleting');

-- Kept in the same commit as every change of a task, so that taskcounts never counts.
CREATE TABLE job_counts (
  account_id INTEGER NOT NULL,
  job_uid INTEGER NOT NULL,
  active INTEGER NOT NULL DEFAULT 0,
  running INTEGER NOT NULL DEFAULT 0, -- preparing counts as running
  succeeded INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  active_slots INTEGER NOT NULL DEFAULT 0,
  running_slots INTEGER NOT NULL DEFAULT 0,
  succeeded_slots INTEGER NOT NULL DEFAULT 0,
  failed_slots INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (account_id, job_uid)
) WITHOUT ROWID;

CREATE TABLE tasks (
  account_id INTEGER NOT NULL,
  job_uid INTEGER NOT NULL,
  seq INTEGER NOT NULL,               -- stamp of creation: creation order and creationTime
  id TEXT NOT NULL,
  key TEXT NOT NULL,
  state TEXT NOT NULL,                -- active, preparing, running, completed
  state_changed_at INTEGER NOT NULL,
  previous_state TEXT,
  previous_state_changed_at INTEGER,
  slots INTEGER NOT NULL,
  blocked INTEGER NOT NULL DEFAULT 0, -- dependencies not satisfied yet
  held TEXT,                          -- why it cannot run yet whatever is free (domain/waiting.ts)
  spec TEXT NOT NULL,                 -- JSON, TaskAddParameter in the newest spelling with defaults
  execution TEXT NOT NULL,            -- JSON (domain/tasks.ts Execution)
  node_id TEXT,                       -- where it is placed; kept after completion, cleared when it goes back to the queue
  attempt INTEGER NOT NULL DEFAULT 0, -- grows with every placement: fences results of earlier ones
  result TEXT,                        -- success, failure
  exit_code INTEGER,
  started_at INTEGER,
  ended_at INTEGER,
  satisfied INTEGER NOT NULL DEFAULT 0, -- 1 once its dependents may run
  number INTEGER,                     -- the id as an integer when it is one, for dependency ranges
  modified INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (account_id, job_uid, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX tasks_by_key ON tasks (account_id, job_uid, key);
CREATE INDEX tasks_ready ON tasks (account_id, job_uid, seq) WHERE state = 'active' AND node_id IS NULL AND blocked = 0 AND held IS NULL;
CREATE INDEX tasks_placed ON tasks (account_id, node_id) WHERE node_id IS NOT NULL AND state <> 'completed';
CREATE INDEX tasks_numbered ON tasks (account_id, job_uid, number) WHERE satisfied = 1 AND number IS NOT NULL;

-- One row for every taskId or range a task waits for. `remaining` is how many ids of it are not satisfied yet; a row at 0 no
-- longer blocks and never blocks again, whatever becomes of the tasks it named (store/dependencies.ts).
CREATE TABLE task_dependencies (
  account_id INTEGER NOT NULL,
  job_uid INTEGER NOT NULL,
  seq INTEGER NOT NULL,               -- the task that waits
  position INTEGER NOT NULL,
  on_key TEXT,                        -- a task id in lower case, or
  range_start INTEGER,                -- an inclusive range of integer ids
  range_end INTEGER,
  remaining INTEGER NOT NULL,
  PRIMARY KEY (account_id, job_uid, seq, position)
) WITHOUT ROWID;
CREATE INDEX dependencies_by_key ON task_dependencies (account_id, job_uid, on_key) WHERE on_key IS NOT NULL AND remaining > 0;
CREATE INDEX dependencies_by_range ON task_dependencies (account_id, job_uid, range_start) WHERE range_start IS NOT NULL AND remaining > 0;

-- What an agent still has to do on a node and may do late and twice: removing directories of deleted tasks and jobs.
CREATE TABLE chores (
  account_id INTEGER NOT NULL,
  node_id TEXT NOT NULL,
  id INTEGER NOT NULL,                -- a stamp
  chore TEXT NOT NULL,                -- JSON (api/agent/messages.ts Chore)
  PRIMARY KEY (account_id, node_id, id)
) WITHOUT ROWID;

-- What the planner should believe of the tables' sizes: a job with 100,000 tasks of which few are ready, placed or waiting. Without it
-- the planner reads a whole job by its primary key where a small partial index would do. Never measured (no ANALYZE, no PRAGMA
-- optimize), so that the same query has the same plan everywhere; the plans are tested. Numbers: rows, then rows for each prefix.
ANALYZE;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('pools', 'pools', '1000 500 1'),
  ('pools', 'pools_busy', '10 5 1'),
  ('nodes', 'nodes', '10000 5000 100 1'),
  ('nodes', 'nodes_by_state', '10000 5000 100 50 10'),
  ('nodes', 'nodes_by_id', '10000 1'),
  ('nodes', 'nodes_by_agent', '10000 100'),
  ('jobs', 'jobs', '100000 50000 1'),
  ('jobs', 'sqlite_autoindex_jobs_1', '100000 1'),
  ('jobs', 'jobs_by_pool', '100000 50000 1000 100'),
  ('jobs', 'jobs_pending', '10 5 1'),
  ('job_counts', 'job_counts', '100000 50000 1'),
  ('tasks', 'tasks', '1000000 500000 100000 1'),
  ('tasks', 'tasks_by_key', '1000000 500000 100000 1'),
  ('tasks', 'tasks_ready', '1000 500 100 1'),
  ('tasks', 'tasks_placed', '1000 500 10'),
  ('tasks', 'tasks_numbered', '10000 5000 1000 1'),
  ('task_dependencies', 'task_dependencies', '1000000 500000 100000 5 1'),
  ('task_dependencies', 'dependencies_by_key', '100000 50000 10000 2'),
  ('task_dependencies', 'dependencies_by_range', '1000 500 100 2'),
  ('chores', 'chores', '10000 5000 100 1');
ANALYZE sqlite_schema;
