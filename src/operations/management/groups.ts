// The resource group that a path names must be there before anything in it is looked for.
import { ApiError } from "../../api/errors.ts";
import { microsoftResources } from "../../api/management/providers.ts";
import type { OperationDeclaration } from "../../api/operation.ts";
import type { Reader, Store } from "../../store/db.ts";
import { getResourceGroup, type ResourceGroup } from "../../store/resource-groups.ts";
import type { ManagementHandler } from "./handler.ts";

/** Throws ResourceGroupNotFound in the gateway's words. */
export const loadGroup = async (read: Reader, name: string): Promise<ResourceGroup> => {
  const group = await getResourceGroup(read, name);
  if (group === undefined) throw noGroup(name);
  return group;
};

export const noGroup = (name: string): ApiError =>
  new ApiError("ResourceGroupNotFound", [], `Resource group '${name.slice(0, 90)}' could not be found.`);

/** One that something may be put in. Throws ResourceGroupNotFound and ResourceGroupBeingDeleted. */
const loadOpenGroup = async (read: Reader, name: string): Promise<void> => {
  const group = await loadGroup(read, name);
  if (group.provisioningState !== "Deleting") return;
  const message = `The resource group '${group.name}' is in deprovisioning state and cannot perform this operation.`;
  throw new ApiError("ResourceGroupBeingDeleted", [], message);
};

/** Decisions that are made again because a guard failed look at the group again: that is what may have changed. */
const decidingIn = (store: Store, name: string): Store => ({
  ...store,
  decide: (decide) =>
    store.decide(async (read) => {
      await loadOpenGroup(read, name);
      return decide(read);
    }),
});

/** A handler of an operation in a group, behind that check. Operations on groups themselves check on their own. */
export const inGroup = (
  operation: OperationDeclaration,
  handler: ManagementHandler<OperationDeclaration>,
): ManagementHandler<OperationDeclaration> => {
  if (operation.provider === microsoftResources || !operation.path.includes("{resourceGroupName}")) return handler;
  const puts = operation.method === "PUT" || operation.method === "PATCH";
  return async (request, services) => {
    const name = (request.params as Record<string, string>).resourceGroupName!;
    await (puts ? loadOpenGroup : loadGroup)(services.store, name);
    return handler(request, puts ? { ...services, store: decidingIn(services.store, name) } : services);
  };
};
