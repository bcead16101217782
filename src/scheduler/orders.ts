// What agents are told to do, made from the rows: task orders and node orders. Pure.
import type {
  EnvironmentVariable,
  NodeOrder,
  OutputFileOrder,
  ResourceFileOrder,
  StartTaskOrder,
  TaskOrder,
  TaskRef,
} from "../api/agent/messages.ts";
import type { Job } from "../domain/jobs.ts";
import type { Node } from "../domain/nodes.ts";
import type { Pool } from "../domain/pools.ts";
import type { Task } from "../domain/tasks.ts";
import { durationMs } from "../lib/duration.ts";
import { noPackages, type PackagesOf } from "./packages.ts";
import { noTokens, type TokenOf } from "./task-tokens.ts";

export const refOf = (task: Pick<Task, "accountId" | "jobUid" | "seq" | "attempt">): TaskRef => ({
  accountId: task.accountId,
  jobUid: task.jobUid,
  seq: task.seq,
  attempt: task.attempt,
});

type Setting = { name: string; value?: string };

/** The later list wins; each name appears once. */
const environmentOf = (...lists: (readonly Setting[] | undefined)[]): EnvironmentVariable[] => {
  const byName = new Map<string, string>();
  for (const list of lists) for (const { name, value } of list ?? []) byName.set(name, value ?? "");
  return [...byName].map(([name, value]) => ({ name, value }));
};

/** The URL of a container of the account's auto storage; undefined when there is none. */
export type ContainerUrl = (accountId: number, container: string) => string | undefined;

const resourceFileOrders = (files: Task["spec"]["resourceFiles"], accountId: number, containerUrl: ContainerUrl): ResourceFileOrder[] =>
  (files ?? []).map(({ httpUrl, storageContainerUrl, autoStorageContainerName, blobPrefix, filePath, fileMode }) => ({
    httpUrl,
    ...(autoStorageContainerName === undefined
      ? { storageContainerUrl }
      : inAutoStorage(containerUrl(accountId, autoStorageContainerName), autoStorageContainerName)),
    blobPrefix,
    filePath,
    fileMode,
  }));

const inAutoStorage = (url: string | undefined, container: string): Pick<ResourceFileOrder, "storageContainerUrl" | "problem"> =>
  url === undefined
    ? { problem: `The account has no auto storage account in which the container ${container} could be.` }
    : { storageContainerUrl: url };

const outputFileOrders = (files: Task["spec"]["outputFiles"]): OutputFileOrder[] =>
  (files ?? []).flatMap((file) => {
    const container = file.destination.container;
    if (container === undefined) return [];
    const headers = (container.uploadHeaders ?? []).map(({ name, value }) => ({ name, value: value ?? "" }));
    const { uploadCondition } = file.uploadOptions;
    return [
      {
        filePattern: file.filePattern,
        containerUrl: container.containerUrl,
        path: container.path,
        headers,
        uploadCondition: uploadCondition.toLowerCase(),
      },
    ];
  });

/** Undefined when unlimited. */
const finiteMs = (duration: string | undefined): number | undefined => {
  if (duration === undefined) return undefined;
  const ms = durationMs(duration);
  return Number.isFinite(ms) ? ms : undefined;
};

/** The order for the attempt that the task has been placed with. */
export const taskOrder = (
  task: Task,
  job: Job,
  containerUrl: ContainerUrl,
  { packagesOf = noPackages, tokenOf = noTokens }: { packagesOf?: PackagesOf; tokenOf?: TokenOf },
): TaskOrder => ({
  ref: refOf(task),
  nodeId: task.nodeId!,
  jobId: job.id,
  taskId: task.id,
  slots: task.slots,
  commandLine: task.spec.commandLine,
  environment: environmentOf(job.spec.commonEnvironmentSettings, task.spec.environmentSettings),
  resourceFiles: resourceFileOrders(task.spec.resourceFiles, task.accountId, containerUrl),
  outputFiles: outputFileOrders(task.spec.outputFiles),
  ...packagesOf(task),
  ...tokenOf(task),
  maxWallClockMs: finiteMs(task.spec.constraints?.maxWallClockTime),
  retentionMs: finiteMs(task.spec.constraints?.retentionTime),
});

const startTaskOrder = (pool: Pool, containerUrl: ContainerUrl): StartTaskOrder | undefined => {
  const start = pool.spec.startTask;
  if (start === undefined) return undefined;
  return {
    commandLine: start.commandLine,
    environment: environmentOf(start.environmentSettings),
    resourceFiles: resourceFileOrders(start.resourceFiles, pool.accountId, containerUrl),
    maxTaskRetryCount: start.maxTaskRetryCount ?? 0,
    waitForSuccess: start.waitForSuccess ?? true,
  };
};

export const nodeOrder = (
  node: Node,
  pool: Pool,
  { containerUrl, ...account }: { name: string; url: string; containerUrl: ContainerUrl },
  packagesOf: PackagesOf,
): NodeOrder => ({
  accountId: node.accountId,
  accountName: account.name,
  accountUrl: account.url,
  poolId: pool.id,
  nodeId: node.id,
  boot: node.boot,
  slots: slotsPerNode(pool),
  isDedicated: node.isDedicated,
  ...(node.wipedBoot === 0 ? {} : { wipeBefore: node.wipedBoot }),
  startTask: startTaskOrder(pool, containerUrl),
  ...packagesOf(pool),
});

export const slotsPerNode = (pool: Pool): number => pool.spec.taskSlotsPerNode ?? 1;
