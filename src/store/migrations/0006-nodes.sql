-- Nodes that are made anew, and the user accounts on them.

ALTER TABLE nodes ADD COLUMN wiped_boot INTEGER NOT NULL DEFAULT 0; -- the boot that began with empty directories last (domain/nodes.ts)

CREATE TABLE node_users (
  account_id INTEGER NOT NULL,
  node_id TEXT NOT NULL,
  key TEXT NOT NULL,                  -- the name in lower case
  name TEXT NOT NULL,
  is_admin INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  password TEXT,                      -- a salted hash (operations/batch/node-users.ts), never the password
  ssh_public_key TEXT,
  generation INTEGER NOT NULL,
  PRIMARY KEY (account_id, node_id, key)
) WITHOUT ROWID;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('node_users', 'node_users', '10000 5000 2 1');
ANALYZE sqlite_schema;
