-- Certificates of the account, and the applications whose packages the management plane will hold. `key` is `sha1-` and the thumbprint in
-- lower case: thumbprints are compared without regard to case.

CREATE TABLE certificates (
  account_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  thumbprint TEXT NOT NULL,           -- as given, less its blanks
  thumbprint_algorithm TEXT NOT NULL, -- sha1
  format TEXT NOT NULL,               -- pfx, cer
  data TEXT NOT NULL,                 -- base64, as given; never shown
  password TEXT,                      -- of a pfx; never shown
  public_data TEXT,                   -- base64 of the certificate without its private key
  state TEXT NOT NULL,                -- active, deleting, deletefailed
  state_changed_at INTEGER NOT NULL,
  previous_state TEXT,
  previous_state_changed_at INTEGER,
  delete_error TEXT,                  -- JSON, why the last deletion failed (domain/certificates.ts DeleteError)
  generation INTEGER NOT NULL,
  PRIMARY KEY (account_id, key)
) WITHOUT ROWID;
CREATE INDEX certificates_deleting ON certificates (account_id, key) WHERE state = 'deleting';

CREATE TABLE applications (
  account_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  id TEXT NOT NULL,
  display_name TEXT,
  allow_updates INTEGER NOT NULL DEFAULT 1,
  default_version TEXT,
  modified INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (account_id, key)
) WITHOUT ROWID;

CREATE TABLE application_packages (
  account_id INTEGER NOT NULL,
  application_key TEXT NOT NULL,
  version TEXT NOT NULL,
  state TEXT NOT NULL,                -- pending until activated, then active
  format TEXT,                        -- zip
  last_activated_at INTEGER,
  modified INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (account_id, application_key, version)
) WITHOUT ROWID;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('certificates', 'certificates', '100 50 1'),
  ('certificates', 'certificates_deleting', '10 5 1'),
  ('applications', 'applications', '200 100 1'),
  ('application_packages', 'application_packages', '4000 2000 20 1');
ANALYZE sqlite_schema;
