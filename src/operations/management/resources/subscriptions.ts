// What the operations on subscriptions and tenants do: they show the one that this server has.
import type * as api from "../../../api/management/resources/subscriptions.ts";
import { locationsWith } from "../../../domain/locations.ts";
import { locationKey } from "../../../domain/resource-ids.ts";
import type { ManagementHandler, ManagementSettings } from "../handler.ts";

export const listSubscriptions: ManagementHandler<typeof api.listSubscriptions> = async (_request, { settings }) => ({
  items: [subscriptionView(settings)],
});

/** Another subscription than this server's was refused before. */
export const getSubscription: ManagementHandler<typeof api.getSubscription> = async (_request, { settings }) => ({
  body: subscriptionView(settings),
});

const subscriptionView = ({ subscriptionId, subscriptionName, tenantId }: ManagementSettings) => ({
  id: `/subscriptions/${subscriptionId}`,
  subscriptionId,
  tenantId,
  displayName: subscriptionName,
  state: "Enabled",
  // Public_2014-09-01 is what clients see of a subscription without limits of its own.
  subscriptionPolicies: { locationPlacementId: "Public_2014-09-01", quotaId: "PayAsYouGo_2014-09-01", spendingLimit: "Off" },
  authorizationSource: "RoleBased",
});

/** Those of the public cloud, and the server's own where it is another. */
export const listLocations: ManagementHandler<typeof api.listLocations> = async (_request, { settings }) => ({
  items: locationsWith(settings.region).map(({ name, displayName, geographyGroup, shortGroup }) => ({
    id: `/subscriptions/${settings.subscriptionId}/locations/${name}`,
    subscriptionId: settings.subscriptionId,
    name,
    type: "Region",
    displayName,
    regionalDisplayName: `(${shortGroup}) ${displayName}`,
    metadata: { regionType: "Physical", regionCategory: name === locationKey(settings.region) ? "Recommended" : "Other", geographyGroup },
  })),
});

export const listTenants: ManagementHandler<typeof api.listTenants> = async (_request, { settings }) => ({
  items: [
    {
      id: `/tenants/${settings.tenantId}`,
      tenantId: settings.tenantId,
      tenantCategory: "Home",
      displayName: settings.subscriptionName,
      defaultDomain: settings.domain,
      tenantType: "AAD",
    },
  ],
});
