-- Pools that a formula sizes: where their schedule stands, and the samples that formulas look at.

ALTER TABLE pools ADD COLUMN auto_scale TEXT; -- JSON, the schedule and the latest run (domain/autoscale.ts AutoScaleState)

-- One row for every 30 seconds of the last 24 hours of a pool that has automatic scaling enabled: at most 2,881 rows a pool.
CREATE TABLE pool_samples (
  account_id INTEGER NOT NULL,
  pool_key TEXT NOT NULL,
  at INTEGER NOT NULL,                -- ms
  metrics TEXT NOT NULL,              -- JSON array in the order of store/samples.ts sampledMetrics, null where a figure was not to be had
  PRIMARY KEY (account_id, pool_key, at)
) WITHOUT ROWID;

-- Active tasks that no free slot would start: what $ActiveTasks leaves out.
CREATE INDEX tasks_waiting ON tasks (account_id, job_uid) WHERE state = 'active' AND (blocked > 0 OR held IS NOT NULL);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('pool_samples', 'pool_samples', '100000 50000 2000 1'),
  ('tasks', 'tasks_waiting', '1000 500 100');
ANALYZE sqlite_schema;
