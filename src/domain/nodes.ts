// Compute nodes: their values, states and rules. Pure.
import type { StartTaskReport } from "../api/agent/messages.ts";
import type { Instant } from "../lib/clock.ts";
import type { DeallocationOption } from "./pools.ts";

export type NodeState =
  | "creating"
  | "starting"
  | "waitingforstarttask"
  | "starttaskfailed"
  | "idle"
  | "running"
  | "unusable"
  | "unknown"
  | "offline"
  | "rebooting"
  | "leavingpool"
  | "preempted";

/**
 * Why a node takes no more tasks before it goes or boots again, and what becomes of those it has. Present from the request
 * until done; the reconciler of nodes carries it out.
 */
export type Leaving = { kind: "remove" | "reboot" | "disable"; option: DeallocationOption; since: Instant };

export type ComputeNodeError = { code: string; message: string; errorDetails?: { name: string; value: string }[] };

export type RecentTask = { jobUid: number; jobId: string; seq: number; taskId: string };

export type Node = {
  accountId: number;
  poolKey: string;
  id: string;
  agentId?: string;
  /** `idle` and `running` are stored as they were when last written; views derive them from the tasks placed (domain/nodes.ts shownState). */
  state: NodeState;
  stateChangedAt: Instant;
  schedulingState: "enabled" | "disabled";
  isDedicated: boolean;
  address: string;
  boot: number;
  bootedAt?: Instant;
  allocatedAt: Instant;
  leaving?: Leaving;
  startTask?: StartTaskReport;
  errors?: ComputeNodeError[];
  tasksRun: number;
  tasksSucceeded: number;
  recentTasks: RecentTask[];
  generation: number;
};
