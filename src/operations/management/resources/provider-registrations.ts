// What the operations on resource providers do: show what is served, and keep whether the subscription is registered for it.
import { ApiError } from "../../../api/errors.ts";
import { microsoftResources, type Provider, providers } from "../../../api/management/providers.ts";
import type * as api from "../../../api/management/resources/provider-registrations.ts";
import { locationsWith } from "../../../domain/locations.ts";
import { putSetting } from "../../../store/settings.ts";
import type { Reply } from "../../handler.ts";
import type { ManagementHandler, ManagementServices, ManagementSettings } from "../handler.ts";
import { type RegistrationState, registrationKey, registrationOf } from "../registrations.ts";
import { allResources } from "./all-resources.ts";
import { findProvider, resourceTypesOf } from "./provider-types.ts";

export const listProviders: ManagementHandler<typeof api.listProviders> = async ({ query, page }, services) => {
  const items = await Promise.all(
    providers.map(async (provider) => view(services.settings, provider, await registrationOf(services.store, provider))),
  );
  return paged(items, page.after, query.$top ?? page.limit);
};

export const getProvider: ManagementHandler<typeof api.getProvider> = async ({ params }, { store, settings }) => {
  const provider = known(params.resourceProviderNamespace);
  return { body: view(settings, provider, await registrationOf(store, provider)) };
};

export const registerProvider: ManagementHandler<typeof api.registerProvider> = async ({ params }, { store, settings }) => {
  const provider = known(params.resourceProviderNamespace);
  if ((await registrationOf(store, provider)) !== "Registered") await store.commit(putSetting(registrationKey(provider), "Registered"));
  return { body: view(settings, provider, "Registered") };
};

/** Refused as long as there is anything of the provider, and of the one that everything else rests on. */
export const unregisterProvider: ManagementHandler<typeof api.unregisterProvider> = async ({ params }, services) => {
  const { store, settings } = services;
  const provider = known(params.resourceProviderNamespace);
  await store.decide(async (read) => {
    const prefix = `${provider.namespace.toLowerCase()}/`;
    const used =
      provider === microsoftResources || (await allResources(read, services)).some(({ type }) => type.toLowerCase().startsWith(prefix));
    if (used) throw inUse(settings, provider);
    return { writes: putSetting(registrationKey(provider), "NotRegistered"), result: undefined };
  });
  return { body: view(settings, provider, "NotRegistered") };
};

export const listTenantProviders: ManagementHandler<typeof api.listTenantProviders> = async ({ query, page }, { settings }) =>
  paged(
    providers.map((provider) => tenantView(settings, provider)),
    page.after,
    query.$top ?? page.limit,
  );

export const getTenantProvider: ManagementHandler<typeof api.getTenantProvider> = async ({ params }, { settings }) => ({
  body: tenantView(settings, known(params.resourceProviderNamespace)),
});

const paged = (items: readonly { namespace: string }[], after = "", limit: number): Reply => {
  const left = [...items].sort((a, b) => (a.namespace < b.namespace ? -1 : 1)).filter(({ namespace }) => namespace > after);
  const shown = left.slice(0, limit);
  return { items: shown, ...(left.length > limit ? { next: shown.at(-1)!.namespace } : {}) };
};

const known = (namespace: string): Provider => {
  const provider = findProvider(namespace);
  if (provider === undefined)
    throw new ApiError("InvalidResourceNamespace", [], `The resource namespace '${namespace.slice(0, 90)}' is invalid.`);
  return provider;
};

const inUse = ({ subscriptionId }: ManagementServices["settings"], { namespace }: Provider): ApiError => {
  const message =
    `The subscription '${subscriptionId}' cannot be unregistered from the resource namespace '${namespace}': it still has resources of it. ` +
    "Delete them first.";
  return new ApiError("CannotUnregisterNamespace", [], message);
};

const tenantView = (settings: ManagementSettings, provider: Provider) => ({
  id: `/providers/${provider.namespace}`,
  namespace: provider.namespace,
  resourceTypes: typesShown(settings, provider),
});

const view = (settings: ManagementSettings, provider: Provider, registrationState: RegistrationState) => ({
  ...tenantView(settings, provider),
  id: `/subscriptions/${settings.subscriptionId}/providers/${provider.namespace}`,
  registrationState,
  registrationPolicy: provider === microsoftResources ? "RegistrationFree" : "RegistrationRequired",
});

const typesShown = ({ region }: ManagementSettings, provider: Provider) => {
  const everywhere = locationsWith(region).map(({ displayName }) => displayName);
  return resourceTypesOf(provider).map(({ type, apiVersions, isTracked }) => ({
    resourceType: type,
    locations: isTracked || type.startsWith("locations") ? everywhere : [],
    apiVersions,
    capabilities: isTracked ? "SupportsTags, SupportsLocation" : "None",
  }));
};
