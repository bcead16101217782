// The mode Complete: what is in the resource group and not in the template goes, once everything of the template is there. Each resource is deleted by
// its own operation.
import type { Reader } from "../../../store/db.ts";
import { type Deployment, type DeploymentStepDetail, getDeployment } from "../../../store/deployments.ts";
import type { Prepared } from "../../../templates/deploy.ts";
import type { ManagementServices } from "../handler.ts";
import { allResources, type ShownResource } from "../resources/all-resources.ts";
import { findProvider } from "../resources/provider-types.ts";
import { targetOf } from "./perform.ts";
import { deploymentKeyOf } from "./view.ts";

export type Deletion = { readonly key: string; readonly detail: Pick<DeploymentStepDetail, "operation" | "id" | "type" | "name"> };

/** What a template leaves out by a condition stays, as with the service, and so does what deployments within it made. `key` has the request's target. */
export const deletionsOf = async (
  services: Pick<ManagementServices, "store" | "settings" | "storage">,
  { resourceGroup }: Deployment,
  prepared: Prepared,
): Promise<Deletion[]> => {
  const made = await madeWithin(
    services.store,
    prepared.resources.map(({ id }) => id),
  );
  const kept = new Set([...made, ...prepared.left]);
  const there = await allResources(services.store, services, resourceGroup!);
  return there
    .filter(({ id }) => !kept.has(id.toLowerCase()))
    .sort(firstWhatLeans)
    .map(({ id, type, name }) => ({
      key: `delete:${targetOf(id, findProvider(type.split("/")[0]!)!.versions.at(-1)!)}`,
      detail: { operation: "Delete", id, type, name },
    }));
};

/** What the deployments among these ids have deployed, and those within them. Each is looked at once: by now they may name each other. */
const madeWithin = async (read: Reader, ids: readonly string[], seen = new Set<string>()): Promise<Set<string>> => {
  for (const id of ids) {
    if (seen.has(id.toLowerCase())) continue;
    seen.add(id.toLowerCase());
    const key = deploymentKeyOf(id);
    const found = key === undefined ? undefined : await getDeployment(read, key);
    await madeWithin(read, found?.result?.outputResources ?? [], seen);
  }
  return seen;
};

/** Accounts and endpoints use storage and identities, images lie in containers. */
const last = /\/(storageAccounts|storageContainers|userAssignedIdentities)$/i;
const firstWhatLeans = (a: ShownResource, b: ShownResource): number => Number(last.test(a.type)) - Number(last.test(b.type));
