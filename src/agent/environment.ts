// The environment of a task: what the service defines and what the user set, and nothing of the agent's own process.
import { userInfo } from "node:os";
import { join } from "node:path";
import type { EnvironmentVariable, NodeOrder } from "../api/agent/messages.ts";
import { nodePath } from "./command-line.ts";
import type { NodeLayout } from "./layout.ts";
import { packageEnvironment } from "./package-variables.ts";

/** Free space below which a node counts as full; tasks are told it (the service's documented example value). */
const reservedDiskBytes = "1000000";

/** The same for every task of a node; made once. */
export const nodeEnvironment = (node: NodeOrder, layout: NodeLayout): Record<string, string> => ({
  PATH: nodePath,
  USER: userInfo().username,
  LANG: "C.UTF-8",
  TMPDIR: layout.temporary,
  AZ_BATCH_ACCOUNT_NAME: node.accountName,
  AZ_BATCH_ACCOUNT_URL: node.accountUrl,
  AZ_BATCH_POOL_ID: node.poolId,
  AZ_BATCH_NODE_ID: node.nodeId,
  AZ_BATCH_NODE_IS_DEDICATED: node.isDedicated ? "true" : "false",
  AZ_BATCH_NODE_ROOT_DIR: layout.root,
  AZ_BATCH_NODE_SHARED_DIR: join(layout.root, "shared"),
  AZ_BATCH_NODE_STARTUP_DIR: join(layout.root, "startup"),
  AZ_BATCH_NODE_MOUNTS_DIR: join(layout.root, "fsmounts"),
  AZ_BATCH_TASK_RESERVED_EPHEMERAL_DISK_SPACE_BYTES: reservedDiskBytes,
  ...packageEnvironment(layout.root, node.packages ?? []),
});

const serviceName = /^AZ_BATCH_/i;

/** Holds the token of a task that asked for one. */
export const tokenVariable = "AZ_BATCH_AUTHENTICATION_TOKEN";

/** Absent when it can be passed to a process, otherwise why it cannot. */
export const environmentProblem = (settings: EnvironmentVariable[]): string | undefined => {
  const bad = settings.find(({ name, value }) => name === "" || /[=\0]/.test(name) || (value ?? "").includes("\0"));
  return (
    bad &&
    `The environment variable ${JSON.stringify(bad.name)} cannot be set: a name must not be empty or hold "=", and neither part may hold NUL.`
  );
};

/**
 * `directory` is the task's (absolute); `names` are absent for a start task, which belongs to no job. HOME is the working directory: each task has
 * its own and it goes away with the task. Later settings of one name win; the service's own names win over the user's (unverified upstream).
 */
export const taskEnvironment = (
  base: Record<string, string>,
  directory: string,
  settings: EnvironmentVariable[],
  names?: { jobId: string; taskId: string; authenticationToken?: string },
): Record<string, string> => {
  const environment: Record<string, string> = { ...base, HOME: `${directory}/wd` };
  for (const { name, value } of settings) if (!serviceName.test(name)) environment[name] = value ?? "";
  environment.AZ_BATCH_TASK_DIR = directory;
  environment.AZ_BATCH_TASK_WORKING_DIR = `${directory}/wd`;
  environment.AZ_BATCH_CERTIFICATES_DIR = `${directory}/certs`;
  if (names !== undefined) {
    environment.AZ_BATCH_TASK_ID = names.taskId;
    environment.AZ_BATCH_JOB_ID = names.jobId;
    if (names.authenticationToken !== undefined) environment[tokenVariable] = names.authenticationToken;
  }
  return environment;
};
