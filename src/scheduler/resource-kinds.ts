// What a resource group may hold, as far as the group's own end is concerned: each kind of resource says how it goes. Which kinds there are is
// put together where all of them are known (operations/management/resource-kinds.ts).
import type { Context } from "./context.ts";

export type ResourceKind = {
  /** With the namespace, e.g. Microsoft.Batch/batchAccounts. */
  readonly type: string;
  /**
   * Begins the deletion of all that the group has of this kind, or goes on with one; called again and again, also after a restart. What cannot
   * end at once is begun as a deletion of its own, and whoever ends that rings `bells.resourceGroup`.
   */
  removeFrom(resourceGroup: string, context: Context): Promise<Remaining>;
};

export type Remaining = {
  /** How many are still there. */
  readonly left: number;
  /** Why they stay: the deletion of the group fails with it. */
  readonly blocked?: { readonly code: string; readonly message: string };
};

export const nothingLeft: Remaining = { left: 0 };
