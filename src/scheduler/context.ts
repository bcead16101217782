// What the parts of the scheduler are given: the services of the outside, the board (memory) and the bells by which they wake each other.
import type { PackageBlob } from "../domain/applications.ts";
import type { ImageCatalogue } from "../domain/images.ts";
import type { Quotas } from "../domain/quotas.ts";
import type { TaskAttempt } from "../domain/tasks.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import type { NodeChannel } from "../node-management/channel.ts";
import type { NodeProvider } from "../providers/provider.ts";
import type { Store } from "../store/db.ts";
import type { Board } from "./board.ts";
import type { Machines } from "./machines.ts";
import type { ContainerUrl } from "./orders.ts";
import type { ResourceKind } from "./resource-kinds.ts";

/** Figures for /metrics; all optional work, none may throw. */
export interface SchedulerMetrics {
  /** From the moment that a task and a free slot for it were there to its order leaving for the node, in ms. */
  dispatched(waitedMs: number): void;
  taskEnded(kind: "success" | "failure" | "retry" | "recovery"): void;
}

export const noMetrics: SchedulerMetrics = { dispatched: () => {}, taskEnded: () => {} };

/** Where nodes read the blob of a package: a URL with a signature, made when an order is sent. Undefined when its storage account is gone. */
export type PackageUrl = (blob: PackageBlob) => string | undefined;

/** Signs what an attempt proves itself with on the data plane: a secret, made when an order is sent. */
export type TaskToken = (attempt: TaskAttempt) => Promise<string>;

/** The files of packages of accounts that go. Each is fine when what it removes is not there, or its storage account is not. */
export type PackageFiles = {
  remove(blob: PackageBlob): Promise<void>;
  removeContainer(of: Pick<PackageBlob, "account" | "container">): Promise<void>;
};

export type SchedulerParts = {
  store: Store;
  clock: Clock;
  ids: Ids;
  log: Log;
  channel: NodeChannel;
  provider: NodeProvider;
  images: ImageCatalogue;
  /** How long an agent may stay away before its tasks run elsewhere; it stops them itself by then. */
  leaseMs: number;
  /** What tasks see as AZ_BATCH_ACCOUNT_URL. */
  accountUrl: (accountName: string) => string;
  packageUrl: PackageUrl;
  taskToken: TaskToken;
  packageFiles: PackageFiles;
  containerUrl: ContainerUrl;
  /** What each account may have; nothing is limited where it is absent. */
  quotas?: Quotas;
  /** What goes with a resource group, in the order in which it goes. Asked for when the first group goes; without it none can. */
  resourceKinds?: () => readonly ResourceKind[];
  metrics?: SchedulerMetrics;
};

export type PoolKey = { accountId: number; poolKey: string };
export type JobKey = { accountId: number; jobKey: string };
export type JobScheduleKey = { accountId: number; scheduleKey: string };

export type CertificateKey = { accountId: number; certificateKey: string };

export type Bells = {
  /** The deletion of a resource group, by its name. */
  resourceGroup(name: string): void;
  /** The deletion of a certificate, so much later. */
  certificateAfter(certificate: CertificateKey, delayMs: number): void;
  /** The scheduler loop of the pool. */
  loop(pool: PoolKey): void;
  /** The pool's resize, deletion and what its nodes have under way. */
  pool(pool: PoolKey): void;
  job(job: JobKey): void;
  /** As `job`, so much later: for wall clocks. */
  jobAfter(job: JobKey, delayMs: number): void;
  poolAfter(pool: PoolKey, delayMs: number): void;
  /** Samples and evaluations of a pool that a formula sizes. */
  autoScale(pool: PoolKey): void;
  autoScaleAfter(pool: PoolKey, delayMs: number): void;
  jobSchedule(schedule: JobScheduleKey): void;
  /** The deletion of the account. */
  account(account: { accountId: number }): void;
  /** Something of the account is gone: rings only where the account itself is to go. */
  lessIn(accountId: number): void;
  /** As `jobSchedule`, so much later: when the next job is due. */
  jobScheduleAfter(schedule: JobScheduleKey, delayMs: number): void;
};

export type Context = Omit<SchedulerParts, "metrics" | "resourceKinds"> & {
  metrics: SchedulerMetrics;
  resourceKinds: () => readonly ResourceKind[];
  board: Board;
  machines: Machines;
  bells: Bells;
  accountName(accountId: number): Promise<string>;
  /** Accounts whose deletion is under way, and how often the files of their packages could not be removed. */
  leaving: Set<number>;
  attempts: Map<number, number>;
};
