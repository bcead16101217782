-- Jobs that have not ended are counted where a quota limits them, in time that does not grow with those that have.

CREATE INDEX jobs_unfinished ON jobs (account_id, key) WHERE state NOT IN ('completed', 'deleting');

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('jobs', 'jobs_unfinished', '300 150 1');
ANALYZE sqlite_schema;
