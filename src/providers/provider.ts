// Where nodes come from. Three verbs, each for many nodes at once; a provider knows nothing of tasks or pools' rules.
import type { NodeOrder } from "../api/agent/messages.ts";

export type ProviderNodeStatus = "pending" | "hosted" | "failed" | "gone";

export interface NodeProvider {
  readonly name: string;
  /** Begins to create them; an agent reports each through the node channel. Creating one that exists is fine. */
  create(nodes: readonly NodeOrder[]): Promise<void>;
  /** What became of each; `failed` with a reason that goes into resizeErrors. */
  statuses(nodeIds: readonly string[]): Promise<ReadonlyMap<string, { status: ProviderNodeStatus; reason?: string }>>;
  /** Removing one that is gone is fine. */
  remove(nodeIds: readonly string[]): Promise<void>;
  /** Stops what the provider itself started. With `keepTasks` (a crash drill) agents are left alone. */
  close(options?: { keepTasks?: boolean }): Promise<void>;
}
