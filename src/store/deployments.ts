// Deployments of templates in the database, and their steps: one for each resource that was begun. What they mean is known where they are carried out
// (operations/management/deployments).
import type { Instant } from "../lib/clock.ts";
import { type Reader, type Sql, sql, type Write, write } from "./db.ts";
import { jsonOrNull } from "./lists.ts";

export type DeploymentState = "Accepted" | "Running" | "Succeeded" | "Failed" | "Canceled";

export type DeploymentRequest = {
  mode: "Incremental" | "Complete";
  /** By name as the template has it, defaults included; of secure ones only the type. */
  parameters: Readonly<Record<string, { type: string; value?: unknown }>>;
  templateHash: string;
  location?: string;
  tags?: Readonly<Record<string, string>>;
  caller: { objectId: string; clientId: string; tenantId: string; role: "owner" | "contributor" | "reader"; name: string };
  /** Of the request that began it, for absolute URLs. */
  baseUrl: string;
  /** How many deployments it is within. */
  nesting: number;
  resources: readonly { id: string; type: string; name: string; location?: string; dependsOn: readonly string[] }[];
};

export type DeploymentError = { code: string; message: string; target?: string; details?: readonly DeploymentError[] };

export type DeploymentResult = {
  outputs?: Readonly<Record<string, { type: string; value?: unknown }>>;
  outputResources?: readonly string[];
  error?: DeploymentError;
};

export type Deployment = {
  scope: string;
  key: string;
  name: string;
  resourceGroup?: string;
  runId: string;
  state: DeploymentState;
  request: DeploymentRequest;
  secrets?: Readonly<Record<string, unknown>>;
  result?: DeploymentResult;
  startedAt: Instant;
  changedAt: Instant;
  generation: number;
};

type Row = {
  scope: string;
  key: string;
  name: string;
  resource_group: string | null;
  run_id: string;
  state: DeploymentState;
  request: string;
  secrets: string | null;
  result: string | null;
  started_at: number;
  changed_at: number;
  generation: number;
};

/** All but the template, which may be large: only who deploys or exports it reads it. */
const shownColumns: Sql = {
  text: "scope, key, name, resource_group, run_id, state, request, secrets, result, started_at, changed_at, generation",
  values: [],
};

const fromRow = (row: Row): Deployment => ({
  scope: row.scope,
  key: row.key,
  name: row.name,
  ...(row.resource_group === null ? {} : { resourceGroup: row.resource_group }),
  runId: row.run_id,
  state: row.state,
  request: JSON.parse(row.request),
  ...(row.secrets === null ? {} : { secrets: JSON.parse(row.secrets) }),
  ...(row.result === null ? {} : { result: JSON.parse(row.result) }),
  startedAt: row.started_at,
  changedAt: row.changed_at,
  generation: row.generation,
});

export type DeploymentKey = { scope: string; key: string };

export const getDeployment = async (read: Reader, { scope, key }: DeploymentKey): Promise<Deployment | undefined> => {
  const row = await read.get<Row>(sql`SELECT ${shownColumns} FROM deployments WHERE scope = ${scope} AND key = ${key}`);
  return row && fromRow(row);
};

/** As it was sent. Undefined when the deployment is gone, or another run has its place. */
export const templateOf = async (read: Reader, { scope, key, runId }: DeploymentKey & { runId: string }): Promise<unknown> => {
  const row = await read.get<{ template: string }>(
    sql`SELECT template FROM deployments WHERE scope = ${scope} AND key = ${key} AND run_id = ${runId}`,
  );
  return row && JSON.parse(row.template);
};

/** In order of name; of one state where it is given. */
export const listDeployments = async (
  read: Reader,
  { scope, after = "", limit, state }: { scope: string; after?: string; limit: number; state?: string },
): Promise<Deployment[]> => {
  const ofState = state === undefined ? sql`` : sql` AND lower(state) = ${state.toLowerCase()}`;
  return (
    await read.all<Row>(
      sql`SELECT ${shownColumns} FROM deployments WHERE scope = ${scope} AND key > ${after}${ofState} ORDER BY key LIMIT ${limit}`,
    )
  ).map(fromRow);
};

/** Their names and runs alone. */
export const deploymentsIn = async (read: Reader, scope: string): Promise<(DeploymentKey & { runId: string })[]> =>
  read.all<DeploymentKey & { runId: string }>(sql`SELECT scope, key, run_id AS runId FROM deployments WHERE scope = ${scope} ORDER BY key`);

/** Those that have not ended, of all scopes. */
export const runningDeployments = async (read: Reader): Promise<DeploymentKey[]> =>
  read.all<DeploymentKey>(sql`SELECT scope, key FROM deployments WHERE state IN ('Accepted', 'Running') ORDER BY scope, key`);

/** How many a scope has, and the one that ended longest ago. */
export const countDeployments = async (
  read: Reader,
  scope: string,
): Promise<{ count: number; oldest?: DeploymentKey & { runId: string } }> => {
  const { count } = (await read.get<{ count: number }>(sql`SELECT count(*) AS count FROM deployments WHERE scope = ${scope}`))!;
  const oldest = await read.get<DeploymentKey & { runId: string }>(
    sql`SELECT scope, key, run_id AS runId FROM deployments WHERE scope = ${scope} AND state NOT IN ('Accepted', 'Running')
        ORDER BY changed_at, key LIMIT 1`,
  );
  return { count, ...(oldest === undefined ? {} : { oldest }) };
};

const columns = (of: Deployment) => [
  of.name,
  of.resourceGroup ?? null,
  of.runId,
  of.state,
  JSON.stringify(of.request),
  jsonOrNull(of.secrets),
  jsonOrNull(of.result),
  of.startedAt,
  of.changedAt,
];

/** Conflict when there is one of this name. */
export const insertDeployment = (of: Deployment, template: unknown): Write => ({
  text: `INSERT OR IGNORE INTO deployments (name, resource_group, run_id, state, request, secrets, result, started_at, changed_at, scope, key, generation,
    template) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  rows: [[...columns(of), of.scope, of.key, of.generation, JSON.stringify(template)]],
  guard: 1,
});

/** In place of one that has ended, guarded by the generation that this was read with. */
export const replaceDeployment = (of: Deployment, template: unknown): Write[] => [
  write(sql`UPDATE deployments SET template = ${JSON.stringify(template)} WHERE scope = ${of.scope} AND key = ${of.key}`, 1),
  saveDeployment(of),
];

/** Guarded by the generation that it was read with; the row's is then one higher. */
export const saveDeployment = (of: Deployment): Write => ({
  text: `UPDATE deployments SET name = ?, resource_group = ?, run_id = ?, state = ?, request = ?, secrets = ?, result = ?, started_at = ?, changed_at = ?,
    generation = generation + 1 WHERE scope = ? AND key = ? AND generation = ?`,
  rows: [[...columns(of), of.scope, of.key, of.generation]],
  guard: 1,
});

/** With its steps. */
export const deleteDeployment = ({ scope, key, runId }: DeploymentKey & { runId: string }): Write[] => [
  write(sql`DELETE FROM deployments WHERE scope = ${scope} AND key = ${key} AND run_id = ${runId}`),
  deleteSteps(runId),
];

export const deleteSteps = (runId: string): Write => write(sql`DELETE FROM deployment_steps WHERE run_id = ${runId}`);

export type DeploymentStepDetail = {
  operation: "Create" | "Delete" | "Read";
  id: string;
  type: string;
  name: string;
  startedAt: Instant;
  changedAt: Instant;
  statusCode?: string;
  /** Where the rest of it is asked for, while it is running: the address and what kind it is. */
  follow?: { target: string; by: "status" | "location" | "resource" };
  error?: DeploymentError;
};

export type DeploymentStep = {
  runId: string;
  key: string;
  stepId: string;
  state: "Running" | "Succeeded" | "Failed";
  detail: DeploymentStepDetail;
};

type StepRow = { run_id: string; key: string; step_id: string; state: DeploymentStep["state"]; detail: string };

export const stepsOf = async (read: Reader, runId: string): Promise<DeploymentStep[]> =>
  (await read.all<StepRow>(sql`SELECT * FROM deployment_steps WHERE run_id = ${runId} ORDER BY key`)).map((row) => ({
    runId: row.run_id,
    key: row.key,
    stepId: row.step_id,
    state: row.state,
    detail: JSON.parse(row.detail),
  }));

/** The step as it is now, whether it was there or not. Only while the run goes on: Conflict when the deployment ended, or another has its place. */
export const putStep = (of: DeploymentStep, { scope, key }: DeploymentKey): Write[] => [
  write(
    sql`UPDATE deployments SET key = key WHERE scope = ${scope} AND key = ${key} AND run_id = ${of.runId} AND state IN ('Accepted', 'Running')`,
    1,
  ),
  write(
    sql`INSERT INTO deployment_steps (run_id, key, step_id, state, detail)
        VALUES (${of.runId}, ${of.key}, ${of.stepId}, ${of.state}, ${JSON.stringify(of.detail)})
        ON CONFLICT (run_id, key) DO UPDATE SET state = excluded.state, detail = excluded.detail`,
    1,
  ),
];
