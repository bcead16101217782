// The mode Complete: what is in the resource group and not in the template goes, once everything of the template is there. Each resource is deleted by
// its own operation.
import type { Deployment, DeploymentStepDetail } from "../../../store/deployments.ts";
import type { Prepared } from "../../../templates/deploy.ts";
import type { ManagementServices } from "../handler.ts";
import { allResources, type ShownResource } from "../resources/all-resources.ts";
import { findProvider } from "../resources/provider-types.ts";
import { targetOf } from "./perform.ts";

export type Deletion = { readonly key: string; readonly detail: Pick<DeploymentStepDetail, "operation" | "id" | "type" | "name"> };

/** What a template leaves out by a condition stays, as with the service. `key` has the request's target. */
export const deletionsOf = async (
  services: Pick<ManagementServices, "store" | "settings" | "storage">,
  { resourceGroup }: Deployment,
  prepared: Prepared,
): Promise<Deletion[]> => {
  const kept = new Set([...prepared.resources.map(({ key }) => key), ...prepared.left]);
  const there = await allResources(services.store, services, resourceGroup!);
  return there
    .filter(({ id }) => !kept.has(id.toLowerCase()))
    .sort(firstWhatLeans)
    .map(({ id, type, name }) => ({
      key: `delete:${targetOf(id, findProvider(type.split("/")[0]!)!.versions.at(-1)!)}`,
      detail: { operation: "Delete", id, type, name },
    }));
};

/** Accounts and endpoints use storage and identities, images lie in containers. */
const last = /\/(storageAccounts|storageContainers|userAssignedIdentities)$/i;
const firstWhatLeans = (a: ShownResource, b: ShownResource): number => Number(last.test(a.type)) - Number(last.test(b.type));
