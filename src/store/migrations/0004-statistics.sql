-- What tasks and nodes have used. Times in ms, blocks of 512 bytes as the kernel counts them. The totals of a job live with its counts and
-- change in the same commit as its tasks; what deleted jobs and nodes had used is added up, so that statistics of what is left never shrink.

ALTER TABLE job_counts ADD COLUMN user_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_counts ADD COLUMN kernel_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_counts ADD COLUMN wall_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_counts ADD COLUMN wait_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_counts ADD COLUMN read_blocks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_counts ADD COLUMN write_blocks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_counts ADD COLUMN ended_well INTEGER NOT NULL DEFAULT 0;  -- tasks that have succeeded, deleted ones included
ALTER TABLE job_counts ADD COLUMN ended_badly INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job_counts ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;

-- What tasks that are there already have used.
UPDATE job_counts SET (user_ms, kernel_ms, wall_ms, wait_ms, read_blocks, write_blocks, ended_well, ended_badly, retries) = (
  SELECT coalesce(sum(json_extract(execution, '$.usage.userMs')), 0), coalesce(sum(json_extract(execution, '$.usage.systemMs')), 0),
    coalesce(sum(max(0, ended_at - started_at)), 0), coalesce(sum(CASE WHEN state = 'completed'
      THEN max(0, coalesce(started_at, ended_at) - seq / 1000) END), 0),
    coalesce(sum(json_extract(execution, '$.usage.readBlocks')), 0), coalesce(sum(json_extract(execution, '$.usage.writeBlocks')), 0),
    coalesce(sum(result = 'success'), 0), coalesce(sum(result = 'failure'), 0), coalesce(sum(json_extract(execution, '$.retryCount')), 0)
  FROM tasks WHERE tasks.account_id = job_counts.account_id AND tasks.job_uid = job_counts.job_uid);

-- Of jobs that were deleted: `scope` is the key of the schedule that had made them, or empty for all jobs of the account.
CREATE TABLE past_statistics (
  account_id INTEGER NOT NULL,
  scope TEXT NOT NULL,
  user_ms INTEGER NOT NULL,
  kernel_ms INTEGER NOT NULL,
  wall_ms INTEGER NOT NULL,
  wait_ms INTEGER NOT NULL,
  read_blocks INTEGER NOT NULL,
  write_blocks INTEGER NOT NULL,
  ended_well INTEGER NOT NULL,
  ended_badly INTEGER NOT NULL,
  retries INTEGER NOT NULL,
  PRIMARY KEY (account_id, scope)
) WITHOUT ROWID;

-- How long nodes that are gone were part of a pool (`scope`: its key) or of any pool of the account (empty).
CREATE TABLE past_node_time (
  account_id INTEGER NOT NULL,
  scope TEXT NOT NULL,
  vm_size TEXT NOT NULL,
  is_dedicated INTEGER NOT NULL,
  ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, scope, vm_size, is_dedicated)
) WITHOUT ROWID;

-- Nodes that are gone, one by one, for usage metrics by interval: kept for a while (store/node-time.ts), whatever became of their pool.
CREATE TABLE past_nodes (
  account_id INTEGER NOT NULL,
  gone_at INTEGER NOT NULL,
  node_id TEXT NOT NULL,
  pool_id TEXT NOT NULL,
  vm_size TEXT NOT NULL,
  allocated_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, gone_at, node_id)
) WITHOUT ROWID;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('past_statistics', 'past_statistics', '1000 500 1'),
  ('past_node_time', 'past_node_time', '2000 1000 2 1 1'),
  ('past_nodes', 'past_nodes', '100000 50000 10 1');
ANALYZE sqlite_schema;
