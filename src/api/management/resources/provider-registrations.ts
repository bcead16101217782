// The resource providers that are served, with their types and api-versions, and whether the subscription is registered for them.
import { f, model, required } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftResources } from "../providers.ts";

const ProviderResourceType = model("ProviderResourceType", {
  resourceType: required(f.string()),
  locations: f.array(f.string()),
  apiVersions: f.array(f.string()),
  defaultApiVersion: f.string(),
  capabilities: f.string(),
});

export const ProviderRegistration = model("Provider", {
  id: f.string(),
  namespace: required(f.string()),
  registrationState: f.enum(["Registered", "NotRegistered", "Registering", "Unregistering"]),
  registrationPolicy: f.enum(["RegistrationRequired", "RegistrationFree"]),
  resourceTypes: f.array(f.object(ProviderResourceType)),
});

const ProviderListQuery = model("ProvidersListQuery", { $top: f.int32({ min: 1, what: "$top" }) });

const of = "/subscriptions/{subscriptionId}/providers/{resourceProviderNamespace}" as const;

export const listProviders = managementOperation("Providers_List", {
  provider: microsoftResources,
  method: "GET",
  path: "/subscriptions/{subscriptionId}/providers",
  summary: "The resource providers that this server has.",
  query: ProviderListQuery,
  answer: { status: 200, item: ProviderRegistration },
  errors: [],
});

export const getProvider = managementOperation("Providers_Get", {
  provider: microsoftResources,
  method: "GET",
  path: of,
  summary: "One resource provider with its types and api-versions.",
  query: noQuery,
  answer: { status: 200, body: ProviderRegistration },
  errors: ["InvalidResourceNamespace"],
});

export const registerProvider = managementOperation("Providers_Register", {
  provider: microsoftResources,
  method: "POST",
  path: `${of}/register`,
  summary: "Registers the subscription for a provider, which all are from the start.",
  query: noQuery,
  answer: { status: 200, body: ProviderRegistration },
  errors: ["InvalidResourceNamespace"],
});

export const unregisterProvider = managementOperation("Providers_Unregister", {
  provider: microsoftResources,
  method: "POST",
  path: `${of}/unregister`,
  summary: "Takes the registration back, where the subscription has nothing of the provider: nothing can be made or changed there then.",
  query: noQuery,
  answer: { status: 200, body: ProviderRegistration },
  errors: ["InvalidResourceNamespace", "CannotUnregisterNamespace"],
});

export const listTenantProviders = managementOperation("Providers_ListAtTenantScope", {
  provider: microsoftResources,
  method: "GET",
  path: "/providers",
  summary: "The resource providers, without a subscription's registration.",
  query: ProviderListQuery,
  answer: { status: 200, item: ProviderRegistration },
  errors: [],
});

export const getTenantProvider = managementOperation("Providers_GetAtTenantScope", {
  provider: microsoftResources,
  method: "GET",
  path: "/providers/{resourceProviderNamespace}",
  summary: "One resource provider, without a subscription's registration.",
  query: noQuery,
  answer: { status: 200, body: ProviderRegistration },
  errors: ["InvalidResourceNamespace"],
});
