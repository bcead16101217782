// Pools: their values, their states and the rules of resizing. Pure; nothing here reads the time or the store.
import type { BatchPoolIdentity } from "../api/batch/identities.ts";
import type { PoolAddParameter } from "../api/batch/pools.ts";
import type { Infer } from "../api/fields.ts";
import type { Instant, Stamp } from "../lib/clock.ts";
import type { AutoScaleState } from "./autoscale.ts";
import type { Node } from "./nodes.ts";
import { type Refusal, stateMachine } from "./state-machine.ts";

export type PoolSpec = Omit<Infer<typeof PoolAddParameter>, "targetDedicatedNodes" | "targetLowPriorityNodes"> & {
  /** Only the management plane sets these two; the data plane shows the identity, and tags to nobody. */
  identity?: Infer<typeof BatchPoolIdentity>;
  tags?: Readonly<Record<string, string>>;
};

export type DeallocationOption = "requeue" | "terminate" | "taskcompletion" | "retaineddata";

/** A resize under way: present exactly while the allocation state is not steady. */
export type Resize = {
  startedAt: Instant;
  /** Absent when it goes on until it is done: a formula sizes the pool. */
  timeoutAt?: Instant;
  option: DeallocationOption;
  /** Nodes named by removenodes; otherwise the reconciler chooses. */
  nodeIds?: string[];
  /** Set by stopresize. */
  stopped?: true;
};

export type ResizeError = { code: string; message: string; values?: { name: string; value: string }[] };

export type Pool = {
  accountId: number;
  key: string;
  id: string;
  state: "active" | "deleting";
  stateChangedAt: Instant;
  allocationState: "steady" | "resizing" | "stopping";
  allocationStateChangedAt: Instant;
  targetDedicated: number;
  targetLowPriority: number;
  spec: PoolSpec;
  resize?: Resize;
  /** The last resize that is over, while none is under way. */
  lastResize?: Resize;
  resizeErrors?: ResizeError[];
  /** Key of the job that this pool was made for. */
  autoPoolJob?: string;
  /** Where automatic scaling stands (domain/autoscale.ts). */
  autoScale?: AutoScaleState;
  createdAt: Instant;
  modified: Stamp;
  generation: number;
};

export const allocationStates = stateMachine({
  states: ["steady", "resizing", "stopping"],
  events: {
    //           from                                to
    resize: [[["steady"], "resizing"]],
    stop: [[["resizing"], "stopping"]],
    settle: [[["steady", "resizing", "stopping"], "steady"]],
    // Deleting ends whatever resize is under way and begins one to nothing.
    empty: [[["steady", "resizing", "stopping"], "resizing"]],
  },
  refuse: { steady: "OperationInvalidForCurrentState", resizing: "PoolBeingResized", stopping: "PoolBeingResized" },
});

export type PoolRefusal = Refusal<"PoolBeingDeleted" | "PoolBeingResized" | "OperationInvalidForCurrentState">;

export const defaultResizeTimeoutMs = 15 * 60_000;

const allocation = (pool: Pool, to: Pool["allocationState"], now: Instant): Pool =>
  to === pool.allocationState ? pool : { ...pool, allocationState: to, allocationStateChangedAt: now };

export type ResizeRequest = {
  targetDedicated?: number;
  targetLowPriority?: number;
  option?: DeallocationOption;
  timeoutMs?: number;
};

type Begin = { option?: DeallocationOption; timeoutMs?: number | "never"; nodeIds?: string[] };

const begun = (pool: Pool, request: Begin, now: Instant): Pool => ({
  ...allocation(pool, "resizing", now),
  resizeErrors: undefined,
  lastResize: undefined,
  resize: {
    startedAt: now,
    ...(request.timeoutMs === "never" ? {} : { timeoutAt: now + (request.timeoutMs ?? defaultResizeTimeoutMs) }),
    option: request.option ?? "requeue",
    ...(request.nodeIds === undefined ? {} : { nodeIds: request.nodeIds }),
  },
});

const mayResize = (pool: Pool): PoolRefusal | undefined => {
  if (pool.state === "deleting") return { refused: "PoolBeingDeleted" };
  const move = allocationStates.next(pool.allocationState, "resize");
  if (move.refused !== undefined) return { refused: move.refused };
  // A pool that a formula sizes is not resized by hand (409; the code is unverified).
  return pool.spec.enableAutoScale === true ? { refused: "OperationInvalidForCurrentState" } : undefined;
};

/** The first sizing of a new pool: `resizing` from the first answer on when it wants nodes. */
export const beginAllocation = (pool: Pool, timeoutMs: number | undefined, now: Instant): Pool =>
  pool.targetDedicated + pool.targetLowPriority === 0 ? pool : begun(pool, { timeoutMs }, now);

/** A target left out stays as it is (unverified). */
export const resizePool = (pool: Pool, request: ResizeRequest, now: Instant): { after: Pool } | PoolRefusal => {
  const refusal = mayResize(pool);
  if (refusal !== undefined) return refusal;
  const targets = {
    targetDedicated: request.targetDedicated ?? pool.targetDedicated,
    targetLowPriority: request.targetLowPriority ?? pool.targetLowPriority,
  };
  return { after: { ...begun(pool, request, now), ...targets } };
};

/** Takes these nodes out and lowers the targets by their number (unverified). Only nodes that the pool has count. */
export const removeNodes = (
  pool: Pool,
  nodes: readonly Pick<Node, "id" | "isDedicated">[],
  request: { option?: DeallocationOption; timeoutMs?: number },
  now: Instant,
): { after: Pool } | PoolRefusal => {
  const refusal = mayResize(pool);
  if (refusal !== undefined) return refusal;
  const dedicated = nodes.filter((node) => node.isDedicated).length;
  const after = begun(pool, { ...request, nodeIds: nodes.map((node) => node.id) }, now);
  const targetDedicated = Math.max(0, pool.targetDedicated - dedicated);
  const targetLowPriority = Math.max(0, pool.targetLowPriority - (nodes.length - dedicated));
  return { after: { ...after, targetDedicated, targetLowPriority } };
};

/** As a formula wants it: also while an earlier resize is under way, which goes on to the new targets, and without a timeout. */
export const scalePool = (
  pool: Pool,
  targets: { targetDedicated: number; targetLowPriority: number; option: DeallocationOption },
  now: Instant,
): Pool => {
  const { option, ...wanted } = targets;
  return { ...begun(pool, { option, timeoutMs: "never" }, now), ...wanted };
};

/** Keeps what there is and the targets as they were. */
export const stopResize = (pool: Pool, now: Instant): { after: Pool } | PoolRefusal => {
  if (pool.state === "deleting") return { refused: "PoolBeingDeleted" };
  const move = allocationStates.next(pool.allocationState, "stop");
  if (move.refused !== undefined) return pool.allocationState === "stopping" ? { after: pool } : { refused: move.refused };
  return {
    after: { ...allocation(pool, move.to, now), ...(pool.resize === undefined ? {} : { resize: { ...pool.resize, stopped: true } }) },
  };
};

/** Resizes to nothing with `requeue`, then goes. */
export const deletePool = (pool: Pool, now: Instant): { after: Pool } | PoolRefusal => {
  if (pool.state === "deleting") return { refused: "PoolBeingDeleted" };
  return { after: { ...begun({ ...pool, state: "deleting", stateChangedAt: now }, { option: "requeue" }, now) } };
};

/** The resize is over, with what went wrong. */
export const settlePool = (pool: Pool, errors: readonly ResizeError[], now: Instant): Pool => ({
  ...allocation(pool, "steady", now),
  resize: undefined,
  lastResize: pool.resize ?? pool.lastResize,
  resizeErrors: errors.length === 0 ? undefined : [...errors],
});

export type Shortfall = { dedicated: number; lowPriority: number };

type Cause = "ResizeStopped" | "AllocationTimedout" | "AllocationFailed";
const ending: Record<Cause, string> = {
  ResizeStopped: " due to a stop resize operation",
  AllocationTimedout: " as the resize timeout was reached",
  AllocationFailed: "",
};

/** One entry for each kind of node that did not reach its target, in the service's words. */
export const resizeErrors = (missing: Shortfall, cause: Cause, reason?: string): ResizeError[] => {
  const values = reason === undefined ? {} : { values: [{ name: "Reason", value: reason }] };
  const entry = (kind: string): ResizeError => ({
    code: cause,
    message: `Desired number of ${kind} nodes could not be allocated${ending[cause]}`,
    ...values,
  });
  return [...(missing.dedicated === 0 ? [] : [entry("dedicated")]), ...(missing.lowPriority === 0 ? [] : [entry("low priority")])];
};

/** Nodes that still belong to the pool: those on their way out do not count towards the targets. */
export const staying = <N extends Pick<Node, "leaving">>(nodes: readonly N[]): N[] =>
  nodes.filter((node) => node.leaving?.kind !== "remove");

/** Nodes wanted (positive) or too many (negative) of each kind. */
export const shortfall = (pool: Pool, nodes: readonly Node[]): Shortfall => {
  const kept = staying(nodes);
  const dedicated = kept.filter((node) => node.isDedicated).length;
  return { dedicated: pool.targetDedicated - dedicated, lowPriority: pool.targetLowPriority - (kept.length - dedicated) };
};

/** Which nodes to give up: those that can do nothing first, then the idle ones, then those with the fewest tasks, the youngest of equals. */
export const chooseVictims = (nodes: readonly Node[], count: number, tasksOn: (nodeId: string) => number): Node[] => {
  const healthy = (node: Node): number => (node.state === "idle" || node.state === "running" ? 1 : 0);
  return staying(nodes)
    .map((node, index) => ({ node, index, tasks: tasksOn(node.id), healthy: healthy(node) }))
    .sort((a, b) => a.healthy - b.healthy || a.tasks - b.tasks || b.node.allocatedAt - a.node.allocatedAt || b.index - a.index)
    .slice(0, Math.max(0, count))
    .map((entry) => entry.node);
};
