-- Rows as schema 2 has them: those of schema 1, and a job schedule. Never changed once schema 2 was released.
INSERT INTO settings VALUES ('location', 'kept');
INSERT INTO accounts VALUES (1, 'devbatchaccount1', '["a2V5"]', 1767225600000);
INSERT INTO pools VALUES (1, 'pool1', 'Pool1', 'active', 1767225600000, 'steady', 1767225600000, 1, 0,
  '{"id":"Pool1","vmSize":"standard_d2s_v3"}', NULL, NULL, NULL, 1767225600000, 1767225600000000, 3);
INSERT INTO nodes VALUES (1, 'pool1', 'tvmps_1_d', 'agent1', 'idle', 1767225600000, 'enabled', 1, '10.0.0.4', 1, 1767225600000,
  1767225600000, NULL, NULL, NULL, 1, 1, '[{"jobUid":5,"jobId":"Job1","seq":6,"taskId":"one"}]', 4);
INSERT INTO jobs VALUES (1, 'job1', 'Job1', 5, 'pool1', 'active', 1767225600000, NULL, NULL, 0,
  '{"id":"Job1","poolInfo":{"poolId":"Pool1"}}', '{"startTime":1767225600000,"poolId":"Pool1"}', 1767225600000, NULL, NULL, NULL, 1767225600000000, 1);
INSERT INTO job_counts VALUES (1, 5, 2, 0, 1, 0, 2, 0, 1, 0);
INSERT INTO tasks VALUES (1, 5, 6, 'One', 'one', 'completed', 1767225601000, 'running', 1767225600500, 1, 0, NULL,
  '{"id":"One","commandLine":"/bin/true"}', '{"startTime":1767225600500,"endTime":1767225601000,"exitCode":0,"result":"success","retryCount":0,"requeueCount":0}',
  'tvmps_1_d', 1, 'success', 0, 1767225600500, 1767225601000, 1, NULL, 1767225600000000, 4);
INSERT INTO tasks VALUES (1, 5, 7, '2', '2', 'active', 1767225600000, NULL, NULL, 1, 0, NULL, '{"id":"2","commandLine":"/bin/true"}',
  '{"retryCount":0,"requeueCount":0}', NULL, 0, NULL, NULL, NULL, NULL, 0, 2, 1767225600000000, 1);
INSERT INTO tasks VALUES (1, 5, 8, 'merge', 'merge', 'active', 1767225600000, NULL, NULL, 1, 1, NULL, '{"id":"merge","commandLine":"/bin/true"}',
  '{"retryCount":0,"requeueCount":0}', NULL, 0, NULL, NULL, NULL, NULL, 0, NULL, 1767225600000000, 2);
INSERT INTO task_dependencies VALUES (1, 5, 8, 0, 'one', NULL, NULL, 0);
INSERT INTO task_dependencies VALUES (1, 5, 8, 1, NULL, 1, 2, 2);
INSERT INTO chores VALUES (1, 'tvmps_1_d', 9, '{"type":"removeDirectory","path":"workitems/job0/job-1"}');
INSERT INTO job_schedules VALUES (1, 'nightly', 'Nightly', 1767225600000000, 'active', 1767225600000, NULL, NULL,
  '{"id":"Nightly","schedule":{"recurrenceInterval":"P1D"},"jobSpecification":{"poolInfo":{"poolId":"Pool1"}}}', NULL, NULL, 1, 1767225600000,
  NULL, NULL, 1767225600000000, 1);
INSERT INTO jobs VALUES (1, 'nightly:job-1', 'Nightly:job-1', 10, 'pool1', 'active', 1767225600000, NULL, NULL, 0,
  '{"id":"Nightly:job-1","poolInfo":{"poolId":"Pool1"}}', '{"startTime":1767225600000,"poolId":"Pool1"}', 1767225600000, NULL, NULL, NULL, 1767225600000000, 1);
INSERT INTO job_counts VALUES (1, 10, 0, 0, 0, 0, 0, 0, 0, 0);
