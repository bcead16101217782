-- Job schedules. They share the ids of jobs; the jobs that they make are called {schedule}:job-{n} and lie in the table of jobs.

CREATE TABLE job_schedules (
  account_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  id TEXT NOT NULL,
  created_at INTEGER NOT NULL,        -- a stamp
  state TEXT NOT NULL,                -- active, disabled, terminating, completed, deleting
  state_changed_at INTEGER NOT NULL,
  previous_state TEXT,
  previous_state_changed_at INTEGER,
  spec TEXT NOT NULL,                 -- JSON, JobScheduleAddParameter in the newest spelling with defaults
  do_not_run_until INTEGER,           -- of the spec, in ms
  do_not_run_after INTEGER,
  jobs_made INTEGER NOT NULL,         -- the latest job is job-{jobs_made}
  last_due_at INTEGER,                -- when that job was due
  ended_at INTEGER,
  auto_pool_id TEXT,                  -- of the automatic pool that its jobs share
  modified INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (account_id, key)
) WITHOUT ROWID;
CREATE INDEX job_schedules_unfinished ON job_schedules (account_id, key) WHERE state <> 'completed';

-- What the planner should believe (0001-initial.sql says why).
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('job_schedules', 'job_schedules', '1000 500 1'),
  ('job_schedules', 'job_schedules_unfinished', '100 50 1');
ANALYZE sqlite_schema;
