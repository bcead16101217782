-- The management plane: what a Batch account is beyond its keys, resource groups, the resources that stand around Batch, private endpoint
-- connections, and the long-running operations whose outcome clients ask for. One server has one subscription, so no row names it.

ALTER TABLE accounts ADD COLUMN resource_group TEXT NOT NULL DEFAULT 'quern'; -- as given at creation; compared in lower case
ALTER TABLE accounts ADD COLUMN location TEXT NOT NULL DEFAULT 'eastus';
ALTER TABLE accounts ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';              -- JSON
ALTER TABLE accounts ADD COLUMN identity TEXT NOT NULL DEFAULT '{"type":"None"}'; -- JSON (domain/accounts.ts AccountIdentity)
ALTER TABLE accounts ADD COLUMN settings TEXT;                                -- JSON (domain/accounts.ts AccountSettings); the defaults where null
ALTER TABLE accounts ADD COLUMN provisioning_state TEXT NOT NULL DEFAULT 'Succeeded'; -- Succeeded, Deleting
ALTER TABLE accounts ADD COLUMN node_management_id TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN modified INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
CREATE INDEX accounts_by_group ON accounts (lower(resource_group), name);

CREATE TABLE resource_groups (
  key TEXT PRIMARY KEY,               -- the name in lower case
  name TEXT NOT NULL,
  location TEXT NOT NULL,
  tags TEXT NOT NULL,                 -- JSON
  managed_by TEXT,
  provisioning_state TEXT NOT NULL,   -- Succeeded, Deleting
  created_at INTEGER NOT NULL,
  generation INTEGER NOT NULL
) WITHOUT ROWID;

-- Resources other than Batch accounts and what is below these: storage accounts, identities, private endpoints, images and their containers.
CREATE TABLE resources (
  type TEXT NOT NULL,                 -- with the namespace, lower case, e.g. microsoft.azurestackhci/galleryimages
  group_key TEXT NOT NULL,            -- the resource group in lower case
  key TEXT NOT NULL,                  -- the name in lower case
  name TEXT NOT NULL,
  resource_group TEXT NOT NULL,       -- as given at creation
  location TEXT NOT NULL,
  tags TEXT NOT NULL,                 -- JSON
  extended_location TEXT,             -- JSON
  properties TEXT NOT NULL,           -- JSON, what the type needs; secrets included
  provisioning_state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,           -- the caller's client id
  modified INTEGER NOT NULL,          -- a stamp
  modified_by TEXT NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (type, group_key, key)
) WITHOUT ROWID;
CREATE INDEX resources_by_group ON resources (group_key, type, key);
CREATE INDEX resources_busy ON resources (type, group_key, key) WHERE provisioning_state NOT IN ('Succeeded', 'Failed', 'Canceled');

CREATE TABLE private_endpoint_connections (
  account_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,                 -- {private endpoint}.{guid}
  private_endpoint_id TEXT NOT NULL,  -- resource id
  group_id TEXT NOT NULL,             -- batchAccount, nodeManagement
  status TEXT NOT NULL,               -- Approved, Pending, Rejected, Disconnected
  description TEXT NOT NULL,
  actions_required TEXT NOT NULL,
  provisioning_state TEXT NOT NULL,
  tags TEXT NOT NULL,                 -- JSON
  modified INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (account_id, key)
) WITHOUT ROWID;

-- What a client may ask for after a 201 or 202. Kept for a day after its end.
CREATE TABLE async_operations (
  id TEXT PRIMARY KEY,                -- opaque: what stands in the URL
  kind TEXT NOT NULL,                 -- the operation, e.g. BatchAccount_Create
  resource_id TEXT NOT NULL,
  status TEXT NOT NULL,               -- InProgress, Succeeded, Failed, Canceled
  error TEXT,                         -- JSON {code, message}
  started_at INTEGER NOT NULL,
  ended_at INTEGER
) WITHOUT ROWID;
CREATE INDEX async_operations_by_resource ON async_operations (resource_id);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('resource_groups', 'resource_groups', '100 1'),
  ('resources', 'resources', '1000 100 10 1'),
  ('resources', 'resources_by_group', '1000 100 10 1'),
  ('resources', 'resources_busy', '10 5 2 1'),
  ('private_endpoint_connections', 'private_endpoint_connections', '100 10 1'),
  ('async_operations', 'async_operations', '1000 1'),
  ('async_operations', 'async_operations_by_resource', '1000 2');
ANALYZE sqlite_schema;
