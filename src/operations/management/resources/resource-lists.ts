// What the lists of resources of all types do.
import type * as api from "../../../api/management/resources/resource-lists.ts";
import { parseResourceFilter } from "../../../domain/resource-filter.ts";
import type { Page, Reply } from "../../handler.ts";
import { loadGroup } from "../groups.ts";
import type { ManagementHandler, ManagementServices } from "../handler.ts";
import { resourcesAfter, type ShownResource, tokenOf } from "./all-resources.ts";

export const listResources: ManagementHandler<typeof api.listResources> = ({ query, page }, services) => list(services, query, page);

export const listResourcesOfGroup: ManagementHandler<typeof api.listResourcesOfGroup> = async ({ params, query, page }, services) => {
  const group = await loadGroup(services.store, params.resourceGroupName);
  return list(services, query, page, group.name);
};

type Asked = { $filter?: string; $top?: number };

/** `$top` is the length of a page: the rest follows. */
const list = async (
  services: ManagementServices,
  { $filter, $top }: Asked,
  { after, limit: longest }: Page,
  group?: string,
): Promise<Reply> => {
  const passes = parseResourceFilter($filter);
  const limit = $top ?? longest;
  const items: ShownResource[] = [];
  const from = { ...(after === undefined ? {} : { token: after }), ...(group === undefined ? {} : { resourceGroup: group }) };
  for await (const one of resourcesAfter(services.store, services, from)) {
    if (passes !== undefined && !passes(one)) continue;
    if (items.length === limit) return { items, next: tokenOf(items.at(-1)!) };
    items.push(one);
  }
  return { items };
};
