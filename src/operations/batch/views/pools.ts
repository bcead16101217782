// A pool as clients see it, in the newest spelling. Only shapes: what an older version is told is wire/render.ts's business.
import type { AutoScaleRun as AutoScaleRunModel, CloudPool } from "../../../api/batch/pools.ts";
import type { Infer } from "../../../api/fields.ts";
import type { AutoScaleRun } from "../../../domain/autoscale.ts";
import type { Pool } from "../../../domain/pools.ts";
import { etagOf, isoStamp, isoTime } from "../../../lib/clock.ts";

/** Nodes that the pool has now, those on their way in and out included. */
export type CurrentNodes = { dedicated: number; lowPriority: number };

export const autoScaleRunView = (run: AutoScaleRun): Infer<typeof AutoScaleRunModel> => ({
  timestamp: isoTime(run.at),
  results: run.results,
  error: run.error,
});

export const poolUrl = (baseUrl: string, poolId: string): string => `${baseUrl}/pools/${poolId}`;

export const poolView = (pool: Pool, current: CurrentNodes, baseUrl: string): Infer<typeof CloudPool> => ({
  ...pool.spec,
  id: pool.id,
  url: poolUrl(baseUrl, pool.id),
  eTag: etagOf(pool.modified),
  lastModified: isoStamp(pool.modified),
  creationTime: isoTime(pool.createdAt),
  state: pool.state,
  stateTransitionTime: isoTime(pool.stateChangedAt),
  allocationState: pool.allocationState,
  allocationStateTransitionTime: isoTime(pool.allocationStateChangedAt),
  targetDedicatedNodes: pool.targetDedicated,
  targetLowPriorityNodes: pool.targetLowPriority,
  currentDedicatedNodes: current.dedicated,
  currentLowPriorityNodes: current.lowPriority,
  autoScaleRun: pool.autoScale?.run === undefined ? undefined : autoScaleRunView(pool.autoScale.run),
  // Only of the last resize, and only once it is over.
  resizeErrors: pool.allocationState === "steady" ? pool.resizeErrors : undefined,
  // Agents always dial out, which is what Azure calls simplified; the real service says nothing while there are no nodes.
  currentNodeCommunicationMode: current.dedicated + current.lowPriority > 0 ? "simplified" : undefined,
});
