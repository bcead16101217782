// Ends the deletion of resource groups: one kind of resource after the other, then the group's own row. Without input but the store; may run at
// any time and twice. Nothing new can come into a group that is going: whoever creates something guards the group's row.
import { groupOperationKey } from "../../domain/resource-groups.ts";
import { Bug } from "../../lib/bug.ts";
import { listAccountsOfGroup } from "../../store/accounts.ts";
import { endAsyncOperations } from "../../store/async-operations.ts";
import { deleteResourceGroup, getResourceGroup, type ResourceGroup, saveResourceGroup } from "../../store/resource-groups.ts";
import { listAllResources } from "../../store/resources.ts";
import type { Context } from "../context.ts";
import type { Remaining } from "../resource-kinds.ts";

export const reconcileResourceGroup = async (context: Context, key: string): Promise<void> => {
  const group = await getResourceGroup(context.store, key);
  if (group?.provisioningState !== "Deleting") return;
  for (const kind of context.resourceKinds()) {
    const { left, blocked } = await kind.removeFrom(group.name, context);
    if (blocked !== undefined) return giveUp(context, group, blocked);
    // What leans on the others goes first, so the rest waits for it.
    if (left > 0) return;
  }
  const left = (await listAllResources(context.store, group.name)).length + (await listAccountsOfGroup(context.store, group.name)).length;
  if (left > 0) throw new Bug(`${left} resources of ${group.name} are of no kind that can go`);
  const ended = { status: "Succeeded", at: context.clock.now() } as const;
  await context.store.commit([...deleteResourceGroup(group), ...endAsyncOperations(groupOperationKey(group.name), ended)]);
};

/** The group is as it was, less what has gone already. */
const giveUp = async (context: Context, group: ResourceGroup, error: NonNullable<Remaining["blocked"]>): Promise<void> => {
  const ended = { status: "Failed", error, at: context.clock.now() } as const;
  await context.store.commit([
    ...saveResourceGroup({ ...group, provisioningState: "Succeeded" }),
    ...endAsyncOperations(groupOperationKey(group.name), ended),
  ]);
};
