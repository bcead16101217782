// Every operation of what stands around Batch with what it does. An operation without a handler does not compile.
import type { SurroundingOperations } from "../../../api/management/resources/index.ts";
import type { Filterable } from "../../../domain/filter.ts";
import type { ManagementHandler } from "../handler.ts";
import * as subscriptions from "./subscriptions.ts";

type Handlers = { readonly [Id in keyof SurroundingOperations]: ManagementHandler<SurroundingOperations[Id]> };

export const handlers: Handlers = {
  Subscriptions_List: subscriptions.listSubscriptions,
  Subscriptions_Get: subscriptions.getSubscription,
};

/** What $filter of each list offers; a list that is not here takes none. */
export const filterables: { readonly [Id in keyof SurroundingOperations]?: Filterable } = {};
