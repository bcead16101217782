-- Deployments of templates, and what each has done so far. A deployment under way is carried on from these rows after a restart.

CREATE TABLE deployments (
  scope TEXT NOT NULL,                -- the resource group in lower case; empty for those of the subscription
  key TEXT NOT NULL,                  -- the name in lower case
  name TEXT NOT NULL,
  resource_group TEXT,                -- as the group is called
  run_id TEXT NOT NULL,               -- another each time that it is deployed: stands in the URL of its status
  state TEXT NOT NULL,                -- Accepted, Running, Succeeded, Failed, Canceled
  template TEXT NOT NULL,             -- JSON, as it was sent
  request TEXT NOT NULL,              -- JSON (store/deployments.ts DeploymentRequest)
  secrets TEXT,                       -- JSON: the values of secure parameters, until the deployment has ended
  result TEXT,                        -- JSON (DeploymentResult)
  started_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) WITHOUT ROWID;
CREATE INDEX deployments_running ON deployments (scope, key) WHERE state IN ('Accepted', 'Running');

CREATE TABLE deployment_steps (
  run_id TEXT NOT NULL,
  key TEXT NOT NULL,                  -- the resource's id in lower case; with 'delete:' in front where it is deleted
  step_id TEXT NOT NULL,              -- as answers call it
  state TEXT NOT NULL,                -- Running, Succeeded, Failed
  detail TEXT NOT NULL,               -- JSON (DeploymentStepDetail)
  PRIMARY KEY (run_id, key)
) WITHOUT ROWID;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('deployments', 'deployments', '1000 100 1'),
  ('deployments', 'deployments_running', '5 2 1'),
  ('deployment_steps', 'deployment_steps', '10000 10 1');
ANALYZE sqlite_schema;
