-- Application packages with the blob that each is in. Rows of the table before had none; nothing has ever written any.

DROP TABLE application_packages;
CREATE TABLE application_packages (
  account_id INTEGER NOT NULL,
  application_key TEXT NOT NULL,
  key TEXT NOT NULL,                  -- the version in lower case
  version TEXT NOT NULL,
  state TEXT NOT NULL,                -- pending until activated, then active
  format TEXT,                        -- zip, once active
  last_activated_at INTEGER,
  storage_account TEXT NOT NULL,      -- where the package lies; decided when it is made
  container TEXT NOT NULL,
  blob TEXT NOT NULL,
  etag TEXT,                          -- of the blob as it was activated: nodes tell by it whether they have the package already
  modified INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  PRIMARY KEY (account_id, application_key, key)
) WITHOUT ROWID;

-- Tasks that waited because nodes could not install packages go on, or wait for what else they need (domain/waiting.ts).
UPDATE tasks SET held = CASE
    WHEN json_extract(spec, '$.containerSettings') IS NOT NULL THEN 'ContainerSettingsNotSupported'
    WHEN json_extract(spec, '$.authenticationTokenSettings') IS NOT NULL THEN 'AuthenticationTokenNotSupported'
    WHEN EXISTS (SELECT 1 FROM json_each(tasks.spec, '$.resourceFiles') AS file
        WHERE json_extract(file.value, '$.autoStorageContainerName') IS NOT NULL OR json_extract(file.value, '$.identityReference') IS NOT NULL)
      OR EXISTS (SELECT 1 FROM json_each(tasks.spec, '$.outputFiles') AS file
        WHERE json_extract(file.value, '$.destination.container.identityReference') IS NOT NULL) THEN 'AutoStorageNotSupported'
  END
  WHERE held = 'ApplicationPackagesNotSupported';

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('application_packages', 'application_packages', '4000 2000 20 1');
ANALYZE sqlite_schema;
