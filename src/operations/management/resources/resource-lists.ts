// What the lists of resources of all types do.
import type * as api from "../../../api/management/resources/resource-lists.ts";
import { parseResourceFilter } from "../../../domain/resource-filter.ts";
import type { Page, Reply } from "../../handler.ts";
import { loadGroup } from "../groups.ts";
import type { ManagementHandler, ManagementServices } from "../handler.ts";
import { allResources, keyOfId } from "./all-resources.ts";

export const listResources: ManagementHandler<typeof api.listResources> = ({ query, page }, services) => list(services, query, page);

export const listResourcesOfGroup: ManagementHandler<typeof api.listResourcesOfGroup> = async ({ params, query, page }, services) => {
  const group = await loadGroup(services.store, params.resourceGroupName);
  return list(services, query, page, group.name);
};

type Asked = { $filter?: string; $top?: number };

/** A key is the id in lower case. `$top` is the length of a page: the rest follows. */
const list = async (services: ManagementServices, { $filter, $top }: Asked, page: Page, group?: string): Promise<Reply> => {
  const passes = parseResourceFilter($filter);
  const { after = "" } = page;
  const found = (await allResources(services.store, services, group)).filter(
    (one) => keyOfId(one.id) > after && (passes === undefined || passes(one)),
  );
  const limit = $top ?? page.limit;
  const items = found.slice(0, limit);
  return { items, ...(found.length > limit ? { next: keyOfId(items.at(-1)!.id) } : {}) };
};
