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

const LocationMetadata = model("LocationMetadata", {
  regionType: f.enum(["Physical", "Logical"]),
  regionCategory: f.enum(["Recommended", "Extended", "Other"]),
  geographyGroup: f.string(),
});

export const Location = model("Location", {
  id: required(f.string()),
  subscriptionId: f.string(),
  name: required(f.string()),
  type: f.enum(["Region", "EdgeZone"]),
  displayName: required(f.string()),
  regionalDisplayName: f.string(),
  metadata: f.object(LocationMetadata),
});

export const Tenant = model("TenantIdDescription", {
  id: required(f.string()),
  tenantId: required(f.string()),
  tenantCategory: f.enum(["Home", "ProjectedBy", "ManagedBy"]),
  displayName: f.string(),
  defaultDomain: f.string(),
  tenantType: f.string(),
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

export const listLocations = managementOperation("Subscriptions_ListLocations", {
  provider: microsoftResources,
  method: "GET",
  path: "/subscriptions/{subscriptionId}/locations",
  summary: "The regions that resources can be said to be in; here they are labels.",
  query: noQuery,
  answer: { status: 200, item: Location },
  errors: ["SubscriptionNotFound"],
});

export const listTenants = managementOperation("Tenants_List", {
  provider: microsoftResources,
  method: "GET",
  path: "/tenants",
  summary: "The tenant of this server.",
  query: noQuery,
  answer: { status: 200, item: Tenant },
  errors: [],
});
