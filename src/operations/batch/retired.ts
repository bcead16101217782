// What operations do that only older versions have. What they show and change is what the newer ones do.
import type * as api from "../../api/batch/retired.ts";
import { ApiError } from "../../api/errors.ts";
import type { Infer } from "../../api/fields.ts";
import { checkConditions } from "../../domain/conditions.ts";
import type { Filterable } from "../../domain/filter.ts";
import { matchesFilter } from "../../domain/filter-match.ts";
import type { SupportedImage } from "../../domain/images.ts";
import { savePool } from "../../store/pools.ts";
import type { Handler } from "../handler.ts";
import { cutPage, loadPool } from "./load.ts";

export const nodeAgentSkuFilterable: Filterable = { osType: { type: "string", operators: ["eq", "ne"] } };

/**
 * `verified` is the word of the time for every image that can be used with an agent: programs look there for theirs. In order of id, so
 * that an id is where the next page starts.
 */
export const listNodeAgentSkus: Handler<typeof api.listNodeAgentSkus> = async ({ page, filter }, { images }) => {
  // Clients of the time know images by their names.
  const named = images.all().filter(({ imageReference }) => imageReference.publisher !== undefined);
  const skus = [...Map.groupBy(named, (image) => image.nodeAgentSKUId)]
    .map(([id, some]) => skuView(id, some))
    .filter(({ id, osType }) => id! > (page.after ?? "") && matchesFilter(filter, () => osType!))
    .sort((a, b) => (a.id! < b.id! ? -1 : 1));
  const { elements, next } = cutPage(skus, page.limit, (sku) => sku.id!);
  return { items: elements, next };
};

const skuView = (id: string, images: readonly SupportedImage[]): Infer<typeof api.NodeAgentSku> => ({
  id,
  verifiedImageReferences: images.map((image) => image.imageReference),
  osType: images[0]!.osType,
});

/**
 * Pools of virtual machines, which are all that have nodes here, refuse it; the words are those that the service was seen to use of a
 * node. A pool of Cloud Services has no nodes, so its upgrade is over at once.
 */
export const upgradePoolOS: Handler<typeof api.upgradePoolOS> = async ({ principal, params, preconditions, body }, { store, clock }) => {
  const modified = clock.stamp();
  await store.decide(async (read) => {
    const pool = await loadPool(read, principal.accountId, params.poolId);
    checkConditions(preconditions, pool.modified, "write");
    if (pool.state === "deleting") throw new ApiError("PoolBeingDeleted");
    const { cloudServiceConfiguration: system } = pool.spec;
    if (system === undefined) {
      const reason = "Operation upgradeos can be invoked only on pools created with cloudServiceConfiguration";
      throw new ApiError("OperationNotValidOnPool", [{ key: "Reason", value: reason }]);
    }
    const spec = { ...pool.spec, cloudServiceConfiguration: { ...system, osVersion: body.targetOSVersion } };
    return { writes: savePool({ ...pool, spec, modified }), result: undefined };
  });
  return { modified };
};
