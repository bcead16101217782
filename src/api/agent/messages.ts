// The protocol between the control plane and the agents on the machines: JSON messages over one WebSocket that the agent opens.
// Bulk bytes (files) travel by ordinary HTTP requests of the agent. Both sides may see a message twice; numbers fence what is stale.

export const protocolVersion = 2;

/** One attempt at one task: `attempt` grows with every placement, and results of an older one are refused. */
export type TaskRef = { accountId: number; jobUid: number; seq: number; attempt: number };

/** The key under which launcher and agent know an attempt: digits and dots only. */
export const attemptKey = (ref: TaskRef): string => `${ref.accountId}.${ref.jobUid}.${ref.seq}.${ref.attempt}`;

export const parseAttemptKey = (key: string): TaskRef | undefined => {
  const parts = key.split(".").map(Number);
  if (parts.length !== 4 || !parts.every((part) => Number.isSafeInteger(part) && part >= 0)) return undefined;
  return { accountId: parts[0]!, jobUid: parts[1]!, seq: parts[2]!, attempt: parts[3]! };
};

export type EnvironmentVariable = { name: string; value: string };

/** In the data plane's spelling: api/batch ResourceFile and OutputFile. */
export type ResourceFileOrder = {
  httpUrl?: string;
  storageContainerUrl?: string;
  blobPrefix?: string;
  filePath?: string;
  /** Octal digits, e.g. "0770". */
  fileMode?: string;
  /** Why there is no URL: the task fails with it. */
  problem?: string;
};
export type OutputFileOrder = {
  filePattern: string;
  containerUrl: string;
  path?: string;
  headers?: { name: string; value: string }[];
  /** tasksuccess, taskfailure or taskcompletion. */
  uploadCondition: string;
};

/**
 * An application package that a node or a task is to find unpacked. `url` is a secret (it carries a signature) and works for a day only; a node
 * that has the directory needs none.
 */
export type PackageOrder = {
  /** As the account has it, e.g. blender. */
  applicationId: string;
  /** As the reference has it; absent where it means the default version. Names the variable that leads to the directory. */
  version?: string;
} & (
  | {
      /** Below applications/ of the node; another one for every content, e.g. blender-4.1-1f00ba9e77c0. */
      directory: string;
      url?: string;
    }
  /** Why it cannot be had, in a sentence for people. */
  | { problem: string }
);

/** Everything needed to run one attempt of a task. */
export type TaskOrder = {
  ref: TaskRef;
  nodeId: string;
  jobId: string;
  taskId: string;
  slots: number;
  commandLine: string;
  /** Job's common settings overridden by the task's, in that order. */
  environment: EnvironmentVariable[];
  resourceFiles: ResourceFileOrder[];
  outputFiles: OutputFileOrder[];
  /** Absent when the task refers to none; those of its pool are there already. */
  packages?: PackageOrder[];
  /** A secret that is good for this attempt alone, as long as it runs; absent when the task asks for none. */
  authenticationToken?: string;
  /** Of one run, in ms; absent when unlimited. */
  maxWallClockMs?: number;
  /** How long the directory stays after the end, in ms; absent when for ever. */
  retentionMs?: number;
};

export type StartTaskOrder = {
  commandLine: string;
  environment: EnvironmentVariable[];
  resourceFiles: ResourceFileOrder[];
  /** -1 is unlimited. */
  maxTaskRetryCount: number;
  waitForSuccess: boolean;
};

export type NodeOrder = {
  accountId: number;
  accountName: string;
  /** What tasks see as AZ_BATCH_ACCOUNT_URL. */
  accountUrl: string;
  poolId: string;
  nodeId: string;
  /** Grows with every reboot; reports of an earlier boot are refused. */
  boot: number;
  slots: number;
  isDedicated: boolean;
  /** What boots before this one left in the node's directories is removed before it boots: the node was made anew. */
  wipeBefore?: number;
  startTask?: StartTaskOrder;
  /** Unpacked before the start task runs; absent when the pool refers to none. */
  packages?: PackageOrder[];
};

/** As api/batch TaskFailureInformation. */
export type Failure = { category: "usererror" | "servererror"; code: string; message: string; details?: { name: string; value: string }[] };

/** As api/batch ComputeNodeError. */
export type NodeError = { code: string; message: string; errorDetails?: { name: string; value: string }[] };

export type ResourceUsage = { userMs: number; systemMs: number; maxRssKiB: number; readBlocks: number; writeBlocks: number };

export type TaskOutcome = {
  startedAt: number;
  endedAt: number;
  /** Absent when the process never ran. 128 + signal when a signal ended it. */
  exitCode?: number;
  /** Why it failed where the exit code does not say it: staging, launching, wall clock, upload. */
  failure?: Failure;
  /** Which stage the failure is of, for the exit conditions. */
  failedIn?: "preProcessing" | "run" | "fileUpload";
  usage?: ResourceUsage;
};

/** Times are ms since the epoch by the agent's clock. */
export type StartTaskReport = {
  state: "running" | "completed";
  startedAt: number;
  endedAt?: number;
  exitCode?: number;
  retryCount: number;
  lastRetryAt?: number;
  result?: "success" | "failure";
  failure?: Failure;
};

/**
 * How busy the machine was since it was last asked for (or since its agent started). What the system does not tell is left out.
 * Of the whole machine: nodes on it share it.
 */
export type MachineUsage = {
  /** How long ago that was, in ms: 1 at least. */
  overMs: number;
  /** Of all its processors together, from 0 to 1. */
  cpu?: number;
  /** In use now; of the disk that the nodes' directories are on. */
  memoryBytes?: number;
  diskBytes?: number;
  /** Over that time, of all disks and of all network interfaces but loopback. */
  diskReadBytes?: number;
  diskWriteBytes?: number;
  diskReadOps?: number;
  diskWriteOps?: number;
  networkInBytes?: number;
  networkOutBytes?: number;
};

export type AgentEvent =
  | {
      type: "node";
      nodeId: string;
      boot: number;
      state: "starting" | "waitingforstarttask" | "idle" | "starttaskfailed" | "unusable";
      bootedAt?: number;
      startTask?: StartTaskReport;
      errors?: NodeError[];
    }
  /** The node's processes and directories are gone; `boot` is the one it was at, absent when there was nothing of it here (any more). */
  | { type: "nodeRemoved"; nodeId: string; boot?: number }
  | { type: "started"; ref: TaskRef; nodeId: string; startedAt: number }
  | { type: "finished"; ref: TaskRef; nodeId: string; outcome: TaskOutcome }
  /** Killed because the control plane asked (tasks.stop), or its process was lost with the node's launcher: no result. */
  | { type: "stopped"; ref: TaskRef; nodeId: string; endedAt: number; exitCode?: number; reason: "asked" | "lost" | "withdrawn" }
  | { type: "choreDone"; nodeId: string; choreId: number };

export type Chore =
  /** Below the node's root; relative, e.g. workitems/job1/job-1/task1. */
  | { type: "removeDirectory"; path: string }
  /** Puts the agent's logs about the node into a container, below a directory of it. Over when it was tried, with success or without. */
  | ({ type: "uploadLogs"; directory: string } & LogRequest);

/** The container by a SAS URL, and the time in ms since the epoch of which a log must hold something to be uploaded. */
export type LogRequest = { containerUrl: string; from: number; to?: number };

export type FileEntry = { name: string; isDirectory: boolean; size: number; modifiedAt: number /** e.g. "0o100644" */; mode: string };

/** Paths are relative to the node's root directory, with forward slashes; the agent refuses what leaves it. */
export type FileRequest =
  | { type: "list"; path: string; recursive: boolean }
  | { type: "stat"; path: string }
  /** The bytes follow as POST {transfer path}/{requestId}; `end` is inclusive. */
  | { type: "read"; path: string; start?: number; end?: number }
  | { type: "delete"; path: string; recursive: boolean };

export type FileAnswer =
  | { type: "entries"; entries: FileEntry[] }
  | { type: "entry"; entry: FileEntry }
  | { type: "done" }
  /** How many logs there are for a LogRequest. */
  | { type: "logs"; files: number }
  /** notFound: no such file; directory: a file was wanted; notEmpty: a directory and not recursive; invalidRange; denied: leaves the root. */
  | { type: "refused"; reason: "notFound" | "isDirectory" | "notEmpty" | "invalidRange" | "denied" | "failed"; message: string };

export type ToControlPlane =
  | {
      type: "hello";
      protocol: number;
      agentId: string;
      pid: number;
      version: string;
      launcher: "compiled" | "portable";
      /** The nodes it hosts and the boot each is at. */
      nodes: { nodeId: string; boot: number; state: "starting" | "waitingforstarttask" | "idle" | "starttaskfailed" | "unusable" }[];
      /** Every attempt it holds, queued or running (finished ones follow as reports). */
      attempts: { ref: TaskRef; nodeId: string; state: "queued" | "running" }[];
    }
  /** Sent again after a reconnect until acknowledged; `n` grows by one. */
  | { type: "report"; n: number; events: AgentEvent[] }
  | { type: "fileAnswer"; requestId: string; answer: FileAnswer }
  /** Answers sampleMachine; lost with the connection. */
  | { type: "machine"; usage: MachineUsage }
  | { type: "heartbeat" };

export type ToAgent =
  | {
      type: "welcome";
      /** Without contact for so long the agent stops all its tasks, because the control plane will run them elsewhere. */
      leaseMs: number;
      heartbeatMs: number;
      /** host:port of the storage whose private or loopback addresses tasks' URLs may name. */
      storageHosts: string[];
      allowPrivateUrls: boolean;
      /** Attempts named in hello that are not wanted any more: kill and forget. */
      unwanted: TaskRef[];
      /** Nodes named in hello that are not wanted any more: remove. */
      unwantedNodes: string[];
    }
  /** Host this node, or boot it again when the number is higher. May come twice. */
  | { type: "startNode"; node: NodeOrder }
  | { type: "removeNode"; nodeId: string }
  /** Queue these on their nodes, in this order, to start as slots become free. */
  | { type: "startTasks"; tasks: TaskOrder[] }
  /** Kill (or drop from the queue); answered by a `stopped` or, if it ended first, a `finished` event. */
  | { type: "stopTasks"; tasks: TaskRef[] }
  /** Give back what has not started; what was given back is reported as `stopped` with reason `withdrawn`, the rest goes on. */
  | { type: "withdrawTasks"; tasks: TaskRef[] }
  | { type: "acknowledge"; n: number }
  | { type: "chore"; nodeId: string; choreId: number; chore: Chore }
  | { type: "fileRequest"; requestId: string; nodeId: string; request: FileRequest }
  /** Answered by a `fileAnswer`: what an upload with this would find, or that its container may not be reached. */
  | { type: "logRequest"; requestId: string; nodeId: string; request: LogRequest }
  /** Say how busy the machine was: for the formulas of pools that size themselves. */
  | { type: "sampleMachine" }
  /** Stop all tasks and end: the operator stops the control plane. */
  | { type: "shutdown" };
