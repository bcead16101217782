-- Rows as schema 11 has them, for the test that data of every earlier schema opens. Never changed once schema 11 was released.
-- Columns are named: other tables may have got more by then.
INSERT INTO settings (name, value)
  VALUES ('location', 'kept');
INSERT INTO accounts (id, name, keys, created_at)
  VALUES (1, 'devbatchaccount1', '["a2V5"]', 1767225600000);
INSERT INTO pools (account_id, key, id, state, state_changed_at, allocation_state, allocation_state_changed_at, target_dedicated, target_low_priority, spec, resize, resize_errors, auto_pool_job, created_at, modified, generation)
  VALUES (1, 'pool1', 'Pool1', 'active', 1767225600000, 'steady', 1767225600000, 1, 0,
  '{"id":"Pool1","vmSize":"standard_d2s_v3"}', NULL, NULL, NULL, 1767225600000, 1767225600000000, 3);
INSERT INTO nodes (account_id, pool_key, id, agent_id, state, state_changed_at, scheduling_state, is_dedicated, address, boot, booted_at, allocated_at, leaving, start_task, errors, tasks_run, tasks_succeeded, recent_tasks, generation)
  VALUES (1, 'pool1', 'tvmps_1_d', 'agent1', 'idle', 1767225600000, 'enabled', 1, '10.0.0.4', 1, 1767225600000,
  1767225600000, NULL, NULL, NULL, 1, 1, '[{"jobUid":5,"jobId":"Job1","seq":6,"taskId":"one"}]', 4);
INSERT INTO jobs (account_id, key, id, uid, pool_key, state, state_changed_at, previous_state, previous_state_changed_at, priority, spec, execution, started_at, ended_at, held, pending, modified, generation)
  VALUES (1, 'job1', 'Job1', 5, 'pool1', 'active', 1767225600000, NULL, NULL, 0,
  '{"id":"Job1","poolInfo":{"poolId":"Pool1"}}', '{"startTime":1767225600000,"poolId":"Pool1"}', 1767225600000, NULL, NULL, NULL, 1767225600000000, 1);
INSERT INTO job_counts (account_id, job_uid, active, running, succeeded, failed, active_slots, running_slots, succeeded_slots, failed_slots)
  VALUES (1, 5, 2, 0, 1, 0, 2, 0, 1, 0);
INSERT INTO tasks (account_id, job_uid, seq, id, key, state, state_changed_at, previous_state, previous_state_changed_at, slots, blocked, held, spec, execution, node_id, attempt, result, exit_code, started_at, ended_at, satisfied, number, modified, generation)
  VALUES (1, 5, 6, 'One', 'one', 'completed', 1767225601000, 'running', 1767225600500, 1, 0, NULL,
  '{"id":"One","commandLine":"/bin/true"}', '{"startTime":1767225600500,"endTime":1767225601000,"exitCode":0,"result":"success","retryCount":0,"requeueCount":0}',
  'tvmps_1_d', 1, 'success', 0, 1767225600500, 1767225601000, 1, NULL, 1767225600000000, 4);
INSERT INTO tasks (account_id, job_uid, seq, id, key, state, state_changed_at, previous_state, previous_state_changed_at, slots, blocked, held, spec, execution, node_id, attempt, result, exit_code, started_at, ended_at, satisfied, number, modified, generation)
  VALUES (1, 5, 7, '2', '2', 'active', 1767225600000, NULL, NULL, 1, 0, NULL, '{"id":"2","commandLine":"/bin/true"}',
  '{"retryCount":0,"requeueCount":0}', NULL, 0, NULL, NULL, NULL, NULL, 0, 2, 1767225600000000, 1);
INSERT INTO tasks (account_id, job_uid, seq, id, key, state, state_changed_at, previous_state, previous_state_changed_at, slots, blocked, held, spec, execution, node_id, attempt, result, exit_code, started_at, ended_at, satisfied, number, modified, generation)
  VALUES (1, 5, 8, 'merge', 'merge', 'active', 1767225600000, NULL, NULL, 1, 1, NULL, '{"id":"merge","commandLine":"/bin/true"}',
  '{"retryCount":0,"requeueCount":0}', NULL, 0, NULL, NULL, NULL, NULL, 0, NULL, 1767225600000000, 2);
INSERT INTO task_dependencies (account_id, job_uid, seq, position, on_key, range_start, range_end, remaining)
  VALUES (1, 5, 8, 0, 'one', NULL, NULL, 0);
INSERT INTO task_dependencies (account_id, job_uid, seq, position, on_key, range_start, range_end, remaining)
  VALUES (1, 5, 8, 1, NULL, 1, 2, 2);
INSERT INTO chores (account_id, node_id, id, chore)
  VALUES (1, 'tvmps_1_d', 9, '{"type":"removeDirectory","path":"workitems/job0/job-1"}');
INSERT INTO node_users (account_id, node_id, key, name, is_admin, expires_at, password, ssh_public_key, generation)
  VALUES (1, 'tvmps_1_d', 'ann', 'Ann', 1, 1767312000000, NULL, 'ssh-ed25519 AAAA', 1);
UPDATE nodes SET wiped_boot = 1 WHERE id = 'tvmps_1_d';
INSERT INTO applications (account_id, key, id, display_name, allow_updates, default_version, modified, generation)
  VALUES (1, 'blender', 'Blender', NULL, 1, '4.1', 1767225600000000, 1);
INSERT INTO application_packages (account_id, application_key, key, version, state, format, last_activated_at, storage_account, container, blob, etag, modified, generation)
  VALUES (1, 'blender', '4.1', '4.1', 'active', 'zip', 1767225600000, 'devstoreaccount1', 'app-blender-1', 'blender-4.1-1', '0x1', 1767225600000000, 2);
INSERT INTO deployments (scope, key, name, resource_group, run_id, state, template, request, secrets, result, started_at, changed_at, generation)
  VALUES ('quern', 'main', 'Main', 'quern', '0a0a0a0a-0000-4000-8000-000000000001', 'Succeeded', '{"resources":[]}', '{"mode":"Incremental","parameters":{}}', NULL,
  '{"outputs":{}}', 1767225600000, 1767225601000, 2);
INSERT INTO deployment_steps (run_id, key, step_id, state, detail)
  VALUES ('0a0a0a0a-0000-4000-8000-000000000001', '/subscriptions/s/resourcegroups/quern/providers/a/b/c', '0A0A', 'Succeeded', '{"operation":"Create"}');
