// The resource group that a path names must be there before anything in it is looked for.
import { ApiError } from "../../api/errors.ts";
import { microsoftResources } from "../../api/management/providers.ts";
import type { OperationDeclaration } from "../../api/operation.ts";
import type { Reader } from "../../store/db.ts";
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

/** A handler of an operation in a group, behind that check. Operations on groups themselves check on their own. */
export const inGroup = (
  operation: OperationDeclaration,
  handler: ManagementHandler<OperationDeclaration>,
): ManagementHandler<OperationDeclaration> => {
  if (operation.provider === microsoftResources || !operation.path.includes("{resourceGroupName}")) return handler;
  return async (request, services) => {
    const group = await loadGroup(services.store, (request.params as Record<string, string>).resourceGroupName!);
    if (group.provisioningState === "Deleting" && (request.operation.method === "PUT" || request.operation.method === "PATCH"))
      throw new ApiError(
        "ResourceGroupBeingDeleted",
        [],
        `The resource group '${group.name}' is in deprovisioning state and cannot perform this operation.`,
      );
    return handler(request, services);
  };
};
