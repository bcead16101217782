// Pools: their values, their states and the rules of resizing. Pure; nothing here reads the time or the store.
import type { PoolAddParameter } from "../api/batch/pools.ts";
import type { Infer } from "../api/fields.ts";
import type { Instant, Stamp } from "../lib/clock.ts";

export type PoolSpec = Omit<Infer<typeof PoolAddParameter>, "targetDedicatedNodes" | "targetLowPriorityNodes">;

export type DeallocationOption = "requeue" | "terminate" | "taskcompletion" | "retaineddata";

/** A resize under way: present exactly while the allocation state is not steady. */
export type Resize = {
  startedAt: Instant;
  timeoutAt: Instant;
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
  resizeErrors?: ResizeError[];
  /** Key of the job that this pool was made for. */
  autoPoolJob?: string;
  createdAt: Instant;
  modified: Stamp;
  generation: number;
};
