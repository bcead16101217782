// Subscriptions and tenants: one of each, which every resource of this server is in.
import { f, model, required } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftResources } from "../providers.ts";

const SubscriptionPolicies = model("SubscriptionPolicies", {
  locationPlacementId: f.string(),
  quotaId: f.string(),
  spendingLimit: f.enum(["On", "Off", "CurrentPeriodOff"]),
});

export const Subscription = model("Subscription", {
  id: required(f.string()),
  subscriptionId: required(f.string()),
  tenantId: f.string(),
  displayName: required(f.string()),
  state: required(f.enum(["Enabled", "Warned", "PastDue", "Disabled", "Deleted"])),
  subscriptionPolicies: f.object(SubscriptionPolicies),
  authorizationSource: f.string(),
});

export const listSubscriptions = managementOperation("Subscriptions_List", {
  provider: microsoftResources,
  method: "GET",
  path: "/subscriptions",
  summary: "The subscription of this server.",
  query: noQuery,
  answer: { status: 200, item: Subscription },
  errors: [],
});

export const getSubscription = managementOperation("Subscriptions_Get", {
  provider: microsoftResources,
  method: "GET",
  path: "/subscriptions/{subscriptionId}",
  summary: "One subscription.",
  query: noQuery,
  answer: { status: 200, body: Subscription },
  errors: ["SubscriptionNotFound"],
});
