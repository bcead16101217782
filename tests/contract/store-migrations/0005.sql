-- Rows as schema 5 has them: those of schema 4, a pool that a formula sizes, and a sample of it. Never changed once schema 5 was released.
INSERT INTO settings VALUES ('location', 'kept');
INSERT INTO accounts VALUES (1, 'devbatchaccount1', '["a2V5"]', 1767225600000);
INSERT INTO pools (account_id, key, id, state, state_changed_at, allocation_state, allocation_state_changed_at, target_dedicated, target_low_priority,
  spec, resize, resize_errors, auto_pool_job, created_at, modified, generation) VALUES (1, 'pool1', 'Pool1', 'active', 1767225600000, 'steady', 1767225600000, 1, 0,
  '{"id":"Pool1","vmSize":"standard_d2s_v3"}', NULL, NULL, NULL, 1767225600000, 1767225600000000, 3);
INSERT INTO nodes VALUES (1, 'pool1', 'tvmps_1_d', 'agent1', 'idle', 1767225600000, 'enabled', 1, '10.0.0.4', 1, 1767225600000,
  1767225600000, NULL, NULL, NULL, 1, 1, '[{"jobUid":5,"jobId":"Job1","seq":6,"taskId":"one"}]', 4);
INSERT INTO jobs VALUES (1, 'job1', 'Job1', 5, 'pool1', 'active', 1767225600000, NULL, NULL, 0,
  '{"id":"Job1","poolInfo":{"poolId":"Pool1"}}', '{"startTime":1767225600000,"poolId":"Pool1"}', 1767225600000, NULL, NULL, NULL, 1767225600000000, 1);
INSERT INTO job_counts VALUES (1, 5, 2, 0, 1, 0, 2, 0, 1, 0, 10, 20, 500, 500, 8, 16, 1, 0, 0);
INSERT INTO past_statistics VALUES (1, '', 1, 2, 3, 4, 5, 6, 7, 8, 9);
INSERT INTO past_node_time VALUES (1, '', 'standard_d2s_v3', 1, 3600000);
INSERT INTO past_nodes VALUES (1, 1767225600000, 'tvmps_0_d', 'Pool0', 'standard_d2s_v3', 1767222000000);
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
INSERT INTO certificates VALUES (1, 'sha1-0a0e', '0A0E', 'sha1', 'cer', 'AAAA', NULL, 'AAAA', 'active', 1767225600000, NULL, NULL, NULL, 1);
INSERT INTO applications VALUES (1, 'blender', 'Blender', 'Blender 4', 1, '4.2', 1767225600000000, 1);
INSERT INTO application_packages VALUES (1, 'blender', '4.2', 'active', 'zip', 1767225600000, 1767225600000000, 1);
INSERT INTO pools (account_id, key, id, state, state_changed_at, allocation_state, allocation_state_changed_at, target_dedicated, target_low_priority,
  spec, created_at, modified, generation, auto_scale) VALUES (1, 'scaled', 'Scaled', 'active', 1767225600000, 'steady', 1767225600000, 0, 0,
  '{"id":"Scaled","vmSize":"standard_d2s_v3","enableAutoScale":true,"autoScaleFormula":"$x=1","autoScaleEvaluationInterval":"PT15M"}',
  1767225600000, 1767225600000001, 1, '{"nextAt":1767226500000,"run":{"at":1767225600000,"results":"$TargetDedicatedNodes=0"}}');
INSERT INTO pool_samples VALUES (1, 'scaled', 1767225600000, '[2,1,3,0,0,0,0,0,0,0,0]');
