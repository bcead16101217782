// The operations of what stands around Batch by operationId: subscriptions, groups and providers (Microsoft.Resources), storage accounts, identities,
// private endpoints. Each as far as the clients of Batch need it.
import * as subscriptions from "./subscriptions.ts";

export const surroundingOperations = {
  Subscriptions_List: subscriptions.listSubscriptions,
  Subscriptions_Get: subscriptions.getSubscription,
} as const;

export type SurroundingOperations = typeof surroundingOperations;
