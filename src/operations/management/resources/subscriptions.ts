// What the operations on subscriptions and tenants do: they show the one that this server has.
import type * as api from "../../../api/management/resources/subscriptions.ts";
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
