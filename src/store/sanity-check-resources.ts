// Cross-references the tables of the management plane, as sanity-check.ts does those of the data plane: what is in an account or a resource group
// is in one that is there, and what somebody waits for is under way. For the end of tests on a real server; the tables' own tests make rows
// without accounts, so it is a check of its own.

import type { Reader } from "./db.ts";
import { problemsOf, type Rule } from "./sanity-check.ts";

/** Sentences about what is wrong, at most 20 a rule; empty when all is well. A commit leaves every rule true. */
export const resourceSanityCheck = (read: Reader): Promise<string[]> => problemsOf(read, rules);

/** Tables whose rows are in an account; what is in a job or a pool is looked at with that. */
const inAccounts = [
  "pools",
  "jobs",
  "job_schedules",
  "certificates",
  "applications",
  "application_packages",
  "private_endpoint_connections",
  "node_users",
  "chores",
  "past_statistics",
  "past_node_time",
  "past_nodes",
] as const;

const images = "('microsoft.azurestackhci/galleryimages', 'microsoft.azurestackhci/marketplacegalleryimages')";
const isBusy = "r.provisioning_state IN ('Accepted', 'InProgress')";
const ofResource = "o.resource_id LIKE '%/resourcegroups/' || r.group_key || '/providers/' || r.type || '/' || r.key";

const rules: readonly Rule[] = [
  ...inAccounts.map(
    (table): Rule => [
      `${table} are of an account that is there`,
      `SELECT 'account ' || x.account_id AS what FROM ${table} AS x WHERE NOT EXISTS (SELECT 1 FROM accounts AS a WHERE a.id = x.account_id)`,
    ],
  ),
  [
    "an account is in a resource group",
    `SELECT 'account ' || a.name AS what FROM accounts AS a
      WHERE NOT EXISTS (SELECT 1 FROM resource_groups AS g WHERE g.key = lower(a.resource_group))`,
  ],
  [
    "a resource is in a resource group",
    `SELECT r.type || ' ' || r.name AS what FROM resources AS r WHERE NOT EXISTS (SELECT 1 FROM resource_groups AS g WHERE g.key = r.group_key)`,
  ],
  [
    "a deployment is in the subscription or in a resource group",
    `SELECT 'deployment ' || d.name AS what FROM deployments AS d
      WHERE d.scope <> '' AND NOT EXISTS (SELECT 1 FROM resource_groups AS g WHERE g.key = d.scope)`,
  ],
  [
    "a step is of a deployment, and has ended when that has",
    `SELECT 'step ' || s.key AS what FROM deployment_steps AS s WHERE NOT EXISTS (SELECT 1 FROM deployments AS d
      WHERE d.run_id = s.run_id AND (s.state <> 'Running' OR d.state IN ('Accepted', 'Running', 'Canceled')))`,
  ],
  [
    "a deployment that has ended keeps no secrets",
    "SELECT 'deployment ' || d.name AS what FROM deployments AS d WHERE d.state NOT IN ('Accepted', 'Running') AND d.secrets IS NOT NULL",
  ],
  [
    "a package is of an application",
    `SELECT 'package ' || p.application_key || ' ' || p.key AS what FROM application_packages AS p WHERE NOT EXISTS
      (SELECT 1 FROM applications AS a WHERE a.account_id = p.account_id AND a.key = p.application_key)`,
  ],
  [
    "a default version is a package's",
    `SELECT 'application ' || a.id AS what FROM applications AS a WHERE a.default_version IS NOT NULL AND NOT EXISTS
      (SELECT 1 FROM application_packages AS p WHERE p.account_id = a.account_id AND p.application_key = a.key AND p.version = a.default_version)`,
  ],
  [
    "an active package was activated",
    `SELECT 'package ' || p.application_key || ' ' || p.key AS what FROM application_packages AS p
      WHERE (p.state = 'active') <> (p.format IS NOT NULL AND p.last_activated_at IS NOT NULL AND p.etag IS NOT NULL)`,
  ],
  [
    "a connection is of a private endpoint, which has only one",
    `SELECT 'connection ' || c.name AS what FROM private_endpoint_connections AS c WHERE NOT EXISTS (SELECT 1 FROM resources AS r
        WHERE r.type = 'microsoft.network/privateendpoints'
        AND lower(c.private_endpoint_id) LIKE '%/resourcegroups/' || r.group_key || '/providers/' || r.type || '/' || r.key)
      OR (SELECT count(*) FROM private_endpoint_connections AS o WHERE lower(o.private_endpoint_id) = lower(c.private_endpoint_id)) > 1`,
  ],
  [
    "an image is in a container that is there",
    `SELECT 'image ' || r.name AS what FROM resources AS r WHERE r.type IN ${images} AND json_extract(r.properties, '$.containerId') IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM resources AS c WHERE c.type = 'microsoft.azurestackhci/storagecontainers' AND c.provisioning_state = 'Succeeded'
        AND lower(json_extract(r.properties, '$.containerId')) LIKE '%/resourcegroups/' || c.group_key || '/providers/' || c.type || '/' || c.key)`,
  ],
  [
    "an image that has come knows what it is and no longer where from",
    `SELECT 'image ' || r.name AS what FROM resources AS r WHERE r.type IN ${images}
      AND ((r.provisioning_state = 'Succeeded' AND json_extract(r.properties, '$.image') IS NULL)
        OR (r.provisioning_state = 'Failed' AND json_extract(r.properties, '$.failure') IS NULL)
        OR (r.provisioning_state IN ('Succeeded', 'Failed') AND json_extract(r.properties, '$.imagePath') IS NOT NULL))`,
  ],
  [
    "an operation has an end when it has ended",
    "SELECT o.kind AS what FROM async_operations AS o WHERE (o.status = 'InProgress') <> (o.ended_at IS NULL)",
  ],
  [
    "an operation that goes on is of something that is on its way",
    `SELECT o.kind || ' ' || o.resource_id AS what FROM async_operations AS o WHERE o.status = 'InProgress' AND NOT CASE
        WHEN o.kind = 'BatchAccount_Delete' THEN EXISTS (SELECT 1 FROM accounts AS a
          WHERE a.provisioning_state = 'Deleting' AND o.resource_id = 'deletion of account ' || a.id)
        WHEN o.kind = 'ResourceGroups_Delete' THEN EXISTS (SELECT 1 FROM resource_groups AS g WHERE g.provisioning_state = 'Deleting')
        WHEN o.kind LIKE '%_Delete' THEN EXISTS (SELECT 1 FROM resources AS r WHERE r.provisioning_state = 'Deleting' AND ${ofResource})
        ELSE EXISTS (SELECT 1 FROM resources AS r WHERE ${isBusy} AND ${ofResource}) END`,
  ],
];
