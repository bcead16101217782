-- Tasks that waited because no token could be made for them go on, or wait for what else they need (domain/waiting.ts).

UPDATE tasks SET held = CASE
    WHEN EXISTS (SELECT 1 FROM json_each(tasks.spec, '$.resourceFiles') AS file WHERE json_extract(file.value, '$.identityReference') IS NOT NULL)
      OR EXISTS (SELECT 1 FROM json_each(tasks.spec, '$.outputFiles') AS file
        WHERE json_extract(file.value, '$.destination.container.identityReference') IS NOT NULL) THEN 'AutoStorageNotSupported'
  END
  WHERE held = 'AuthenticationTokenNotSupported';
