// Compute nodes: their values, states and rules. Pure.
import type { AgentEvent, StartTaskReport } from "../api/agent/messages.ts";
import type { Instant } from "../lib/clock.ts";
import type { DeallocationOption } from "./pools.ts";
import { type Refusal, stateMachine } from "./state-machine.ts";

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
  | "reimaging"
  | "deallocating"
  | "deallocated"
  | "leavingpool"
  | "preempted";

/**
 * Why a node takes no more tasks before it goes, stops or boots again, and what becomes of those it has. Present from the request
 * until done; the reconciler of nodes carries it out.
 */
export type Leaving = { kind: "remove" | "reboot" | "reimage" | "deallocate" | "disable"; option: DeallocationOption; since: Instant };

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
  /** The boot that began with empty directories last; 0 for the first. What an earlier one left on the node is to be removed. */
  wipedBoot: number;
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

const refusals = {
  creating: "NodeBeingCreated",
  starting: "NodeBeingStarted",
  waitingforstarttask: "NodeBeingStarted",
  starttaskfailed: "OperationNotValidOnNode",
  idle: "OperationNotValidOnNode",
  running: "OperationNotValidOnNode",
  unusable: "NodeStateUnusable",
  unknown: "NodeStateUnusable",
  offline: "OperationNotValidOnNode",
  rebooting: "NodeBeingRebooted",
  reimaging: "NodeBeingReimaged",
  deallocating: "OperationNotValidOnNode",
  deallocated: "OperationNotValidOnNode",
  leavingpool: "OperationNotValidOnNode",
  preempted: "NodeStateUnusable",
} as const;

const alive = [
  "creating",
  "starting",
  "waitingforstarttask",
  "starttaskfailed",
  "idle",
  "running",
  "unusable",
  "unknown",
  "offline",
  "rebooting",
  "reimaging",
] as const satisfies readonly NodeState[];

export const nodeStates = stateMachine({
  states: [...alive, "deallocating", "deallocated", "leavingpool", "preempted"],
  events: {
    // Reports of the agent about the boot that is wanted.
    starting: [[alive, "starting"]],
    waitingforstarttask: [[alive, "waitingforstarttask"]],
    idle: [
      [["offline"], "offline"],
      [["running"], "running"],
      [alive, "idle"],
    ],
    starttaskfailed: [[alive, "starttaskfailed"]],
    unusable: [[alive, "unusable"]],
    // Its agent stayed away longer than its lease.
    lost: [[alive, "unknown"]],
    // Requests and what carries them out.
    reboot: [[["idle", "running", "offline", "starttaskfailed", "unusable"], "rebooting"]],
    // The API's text allows it, like a reboot, in the first two only; it is as good a cure for a node that does not work.
    reimage: [[["idle", "running", "offline", "starttaskfailed", "unusable"], "reimaging"]],
    deallocate: [[["idle", "running", "offline"], "deallocating"]],
    stopped: [[["deallocating"], "deallocated"]],
    start: [[["deallocated"], "starting"]],
    changeUsers: [[["idle", "running"], "stay"]],
    leave: [[[...alive, "deallocating", "deallocated", "preempted"], "leavingpool"]],
    tasksEnded: [[["idle", "running", "offline"], "offline"]],
    enable: [
      [["offline"], "idle"],
      [alive, "stay"],
    ],
    disable: [[alive, "stay"]],
  },
  refuse: refusals,
});

export type NodeRefusal = Refusal<(typeof refusals)[NodeState] | "NodeAlreadyInTargetSchedulingState">;

/** With another state, and since when. */
export const moveNode = (node: Node, to: NodeState, now: Instant): Node =>
  to === node.state ? node : { ...node, state: to, stateChangedAt: now };

/** It is booted, healthy, enabled and stays: tasks may be placed on it. */
export const takesTasks = (node: Pick<Node, "state" | "schedulingState" | "leaving">): boolean =>
  (node.state === "idle" || node.state === "running") && node.schedulingState === "enabled" && node.leaving === undefined;

/** What clients see: `idle`, `running` and `offline` follow from the tasks that run on it now. */
export const shownState = (node: Pick<Node, "state" | "schedulingState" | "leaving">, runningTasks: number): NodeState => {
  if (node.state !== "idle" && node.state !== "running" && node.state !== "offline") return node.state;
  if (runningTasks > 0) return "running";
  return node.schedulingState === "disabled" && node.leaving === undefined ? "offline" : "idle";
};

/** What is said to a request while the node has something under way. */
const underWay = {
  remove: "OperationNotValidOnNode",
  reboot: "NodeBeingRebooted",
  reimage: "NodeBeingReimaged",
  deallocate: "OperationNotValidOnNode",
} as const;

/**
 * Takes no more tasks; the node reconciler does the rest once its tasks are dealt with as `option` says. The node is `rebooting`,
 * `reimaging` or `deallocating` at once: clients' pollers take one that is not, right after the answer, for one that is through.
 */
const request = (
  node: Node,
  kind: "reboot" | "reimage" | "deallocate",
  option: DeallocationOption,
  now: Instant,
): { after: Node } | NodeRefusal => {
  if (node.leaving !== undefined && node.leaving.kind !== "disable") return { refused: underWay[node.leaving.kind] };
  const move = nodeStates.next(node.state, kind);
  return move.refused !== undefined
    ? { refused: move.refused }
    : { after: { ...moveNode(node, move.to, now), leaving: { kind, option, since: now } } };
};

export const requestReboot = (node: Node, option: DeallocationOption, now: Instant): { after: Node } | NodeRefusal =>
  request(node, "reboot", option, now);

export const requestReimage = (node: Node, option: DeallocationOption, now: Instant): { after: Node } | NodeRefusal =>
  request(node, "reimage", option, now);

export const requestDeallocate = (node: Node, option: DeallocationOption, now: Instant): { after: Node } | NodeRefusal =>
  request(node, "deallocate", option, now);

/** A deallocated node boots as a new one; whoever provides nodes is asked for it by the node reconciler. */
export const requestStart = (node: Node, now: Instant): { after: Node } | NodeRefusal => {
  const move = nodeStates.next(node.state, "start");
  return move.refused !== undefined ? { refused: move.refused } : { after: moveNode(anew(node), move.to, now) };
};

/** Users can be added, changed and removed now; otherwise why not. */
export const usersChange = (node: Node): { after: Node } | NodeRefusal => {
  if (node.leaving !== undefined && node.leaving.kind !== "disable") return { refused: underWay[node.leaving.kind] };
  const move = nodeStates.next(node.state, "changeUsers");
  return move.refused !== undefined ? { refused: move.refused } : { after: node };
};

export const requestDisableScheduling = (
  node: Node,
  option: Exclude<DeallocationOption, "retaineddata">,
  now: Instant,
): { after: Node } | NodeRefusal => {
  if (node.schedulingState === "disabled") return { refused: "NodeAlreadyInTargetSchedulingState" };
  const move = nodeStates.next(node.state, "disable");
  if (move.refused !== undefined) return { refused: move.refused };
  return { after: { ...node, schedulingState: "disabled", leaving: node.leaving ?? { kind: "disable", option, since: now } } };
};

export const requestEnableScheduling = (node: Node, now: Instant): { after: Node } | NodeRefusal => {
  if (node.schedulingState === "enabled") return { refused: "NodeAlreadyInTargetSchedulingState" };
  const move = nodeStates.next(node.state, "enable");
  if (move.refused !== undefined) return { refused: move.refused };
  const leaving = node.leaving?.kind === "disable" ? undefined : node.leaving;
  return { after: { ...moveNode(node, move.to, now), schedulingState: "enabled", leaving } };
};

/**
 * A node leaves the pool: said once, carried out by the node reconciler. What else was under way is overtaken, also a removal that waits
 * for tasks by one that does not: a deleted pool waits for none. A node that is not there any more has no tasks and no data to wait for.
 */
export const requestLeave = (node: Node, option: DeallocationOption, now: Instant): Node => {
  if (node.leaving?.kind !== "remove")
    return {
      ...moveNode(node, "leavingpool", now),
      leaving: { kind: "remove", option: node.state === "deallocated" ? "requeue" : option, since: now },
    };
  return isPatient(node.leaving.option) && !isPatient(option) ? { ...node, leaving: { ...node.leaving, option } } : node;
};

/** Lets the tasks on a node end by themselves. */
const isPatient = (option: DeallocationOption): boolean => option === "taskcompletion" || option === "retaineddata";

/** A resize that was stopped or timed out lets go of a node whose tasks still run. */
export const stayAfterAll = (node: Node, now: Instant): Node => ({ ...moveNode(node, "idle", now), leaving: undefined });

const anew = (node: Node): Node => ({ ...node, boot: node.boot + 1, leaving: undefined, startTask: undefined, errors: undefined });

/** The processes of the last boot are gone: what its agent reports of that boot is refused from now on. */
export const rebootNode = (node: Node, now: Instant): Node => moveNode(anew(node), "rebooting", now);

/** As a reboot; and the agent removes what is on the node before the boot that follows, however many boots of it it misses. */
export const reimageNode = (node: Node, now: Instant): Node => ({ ...moveNode(anew(node), "reimaging", now), wipedBoot: node.boot + 1 });

/** No agent hosts it from now on. Its next boot finds nothing of what was on it, should whoever hosted it have kept that. */
export const deallocateNode = (node: Node, now: Instant): Node => ({
  ...moveNode(node, "deallocated", now),
  agentId: undefined,
  bootedAt: undefined,
  wipedBoot: node.boot + 1,
  leaving: undefined,
  startTask: undefined,
  errors: undefined,
});

export type NodeReport = Extract<AgentEvent, { type: "node" }>;

/** Applies what an agent says of a node, unless it speaks of an earlier boot or the node is already going. */
export const reportNode = (node: Node, agentId: string, report: NodeReport, now: Instant): Node => {
  if (report.boot !== node.boot || node.state === "deallocated") return node;
  const { kind } = node.leaving ?? {};
  const move = kind === "reboot" || kind === "reimage" ? { to: node.state } : nodeStates.next(node.state, report.state);
  const after: Node = {
    ...node,
    agentId,
    startTask: report.startTask ?? node.startTask,
    errors: report.errors,
    bootedAt: report.bootedAt ?? node.bootedAt,
  };
  if (move.to === undefined) return after;
  const to = move.to === "idle" && node.schedulingState === "disabled" && node.leaving === undefined ? "offline" : move.to;
  return moveNode(after, to, now);
};

const recentTasksKept = 10;

/** Counters and recentTasks after these tasks have ended on it, oldest first. */
export const countFinished = (node: Node, finished: readonly { task: RecentTask; succeeded: boolean }[]): Node => ({
  ...node,
  tasksRun: node.tasksRun + finished.length,
  tasksSucceeded: node.tasksSucceeded + finished.filter((one) => one.succeeded).length,
  recentTasks: [
    ...finished
      .slice(-recentTasksKept)
      .reverse()
      .map((one) => one.task),
    ...node.recentTasks,
  ].slice(0, recentTasksKept),
});
