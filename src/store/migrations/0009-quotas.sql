-- Jobs that have not ended are counted where a quota limits them, in time that does not grow with those that have.

CREATE INDEX jobs_unfinished ON jobs (account_id, key) WHERE state NOT IN ('completed', 'deleting');

-- Tasks that waited because accounts had no auto storage go on. What needs a managed identity still waits (domain/waiting.ts).
UPDATE tasks SET held = NULL WHERE held = 'AutoStorageNotSupported'
  AND NOT EXISTS (SELECT 1 FROM json_each(tasks.spec, '$.resourceFiles') AS file WHERE json_extract(file.value, '$.identityReference') IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM json_each(tasks.spec, '$.outputFiles') AS file
    WHERE json_extract(file.value, '$.destination.container.identityReference') IS NOT NULL);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('jobs', 'jobs_unfinished', '300 150 1');
ANALYZE sqlite_schema;
