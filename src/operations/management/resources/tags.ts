// What the operations on tags do: those of a resource group, a Batch account or any other resource, wherever its row is.
import { ApiError } from "../../../api/errors.ts";
import type * as api from "../../../api/management/resources/tags.ts";
import { parseResourceId, resourceIdOf, sameId } from "../../../domain/resource-ids.ts";
import { checkTags, patchTags as patched, type Tags } from "../../../domain/tags.ts";
import { getAccountByName, saveAccount } from "../../../store/accounts.ts";
import type { Reader, Write } from "../../../store/db.ts";
import { listResourceGroups, saveResourceGroup } from "../../../store/resource-groups.ts";
import { getResource, saveResource } from "../../../store/resources.ts";
import type { Reply } from "../../handler.ts";
import { loadGroup } from "../groups.ts";
import type { ManagementHandler, ManagementServices, ManagementSettings } from "../handler.ts";
import { batchAccountType, resourcesAfter } from "./all-resources.ts";
import { missing } from "./common.ts";

export const listTags: ManagementHandler<typeof api.listTags> = async (_request, services) => {
  const { store, settings } = services;
  const counts = new Map<string, { tagName: string; values: Map<string, number> }>();
  const count = ({ tags }: { tags: Tags }): void => {
    for (const [tagName, value] of Object.entries(tags)) {
      const of = counts.get(tagName.toLowerCase()) ?? { tagName, values: new Map<string, number>() };
      of.values.set(value, (of.values.get(value) ?? 0) + 1);
      counts.set(tagName.toLowerCase(), of);
    }
  };
  for (const group of await listResourceGroups(store)) count(group);
  for await (const resource of resourcesAfter(store, services, {})) count(resource);
  const base = `/subscriptions/${settings.subscriptionId}/tagNames`;
  const sorted = [...counts.values()].sort((a, b) => (a.tagName < b.tagName ? -1 : 1));
  return {
    items: sorted.map(({ tagName, values }) => ({
      id: `${base}/${tagName}`,
      tagName,
      count: { type: "Total", value: [...values.values()].reduce((sum, count) => sum + count, 0) },
      values: [...values].map(([tagValue, value]) => ({
        id: `${base}/${tagName}/tagValues/${tagValue}`,
        tagValue,
        count: { type: "Total", value },
      })),
    })),
  };
};

export const getTags: ManagementHandler<typeof api.getTags> = async ({ params }, { store, settings }) => {
  const { id, tags } = await load(store, settings, params.scope);
  return view(id, tags);
};

export const putTags: ManagementHandler<typeof api.putTags> = ({ params, body }, services) =>
  change(services, params.scope, () => body.properties.tags ?? {});

export const patchTags: ManagementHandler<typeof api.patchTags> = ({ params, body }, services) =>
  change(services, params.scope, (tags) => patched(tags, body.operation, body.properties?.tags ?? {}));

export const deleteTags: ManagementHandler<typeof api.deleteTags> = async ({ params }, services) => {
  await change(services, params.scope, () => ({}));
  return {};
};

const view = (id: string, tags: Tags): Reply => ({
  body: { id: `${id}/providers/Microsoft.Resources/tags/default`, name: "default", type: "Microsoft.Resources/tags", properties: { tags } },
});

const change = async ({ store, settings, clock }: ManagementServices, scope: string, to: (tags: Tags) => Tags): Promise<Reply> =>
  store.decide(async (read) => {
    const { id, tags, save } = await load(read, settings, scope);
    const changed = checkTags(to(tags));
    return { writes: save(changed, clock.stamp()), result: view(id, changed) };
  });

type Tagged = { id: string; tags: Tags; save: (tags: Tags, modified: number) => Write[] };

/** Throws the refusal of a scope that is not there, or that carries no tags. */
const load = async (read: Reader, settings: ManagementSettings, scope: string): Promise<Tagged> => {
  const path = `/${scope}`;
  const [, subscription, group] = /^\/subscriptions\/([^/]+)(?:\/resourceGroups\/([^/]+))?(?:\/|$)/i.exec(path) ?? [];
  if (subscription === undefined)
    throw new ApiError("NotFound", [], `The path '${path.slice(0, 256)}' does not name anything on this server.`);
  if (!sameId(subscription, settings.subscriptionId))
    throw new ApiError("SubscriptionNotFound", [], `The subscription '${subscription.slice(0, 64)}' could not be found.`);
  if (group === undefined) return ofSubscription(settings);
  if (path.split("/").length === 5) return ofGroup(read, settings, group);
  const parsed = parseResourceId(path);
  if (parsed === undefined) throw new ApiError("NotFound", [], `The path '${path.slice(0, 256)}' does not name anything on this server.`);
  await loadGroup(read, group);
  const { type, names, resourceGroup } = parsed;
  if (names.length > 1) throw noTags(`The resource type '${type}'`);
  const name = names[0]!;
  const tagged = sameId(type, batchAccountType)
    ? await ofAccount(read, name, resourceGroup)
    : await ofRow(read, { type, resourceGroup, name });
  if (tagged === undefined) throw missing({ type, name, resourceGroup });
  return { ...tagged, id: resourceIdOf({ ...parsed, subscriptionId: settings.subscriptionId }) };
};

const noTags = (what: string): ApiError => new ApiError("OperationNotAllowed", [], `${what} does not support tags.`);

/** The one subscription is no resource of the store: it has none. */
const ofSubscription = ({ subscriptionId }: ManagementSettings): Tagged => ({
  id: `/subscriptions/${subscriptionId}`,
  tags: {},
  save: () => {
    throw noTags("The subscription");
  },
});

const ofGroup = async (read: Reader, { subscriptionId }: ManagementSettings, name: string): Promise<Tagged> => {
  const group = await loadGroup(read, name);
  return {
    id: `/subscriptions/${subscriptionId}/resourceGroups/${group.name}`,
    tags: group.tags,
    save: (tags) => saveResourceGroup({ ...group, tags }),
  };
};

const ofAccount = async (read: Reader, name: string, resourceGroup: string): Promise<Omit<Tagged, "id"> | undefined> => {
  const account = await getAccountByName(read, name.toLowerCase());
  if (account === undefined || !sameId(account.resourceGroup, resourceGroup)) return undefined;
  return { tags: account.tags, save: (tags, modified) => saveAccount({ ...account, tags, modified }) };
};

const ofRow = async (read: Reader, key: { type: string; resourceGroup: string; name: string }): Promise<Omit<Tagged, "id"> | undefined> => {
  const row = await getResource(read, key);
  if (row === undefined) return undefined;
  return { tags: row.tags, save: (tags, modified) => saveResource({ ...row, tags, modified }) };
};
