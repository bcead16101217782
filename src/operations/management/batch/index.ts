// Every operation of ARM Microsoft.Batch with what it does. An operation without a handler does not compile.
import type { BatchManagementOperations } from "../../../api/management/batch/index.ts";
import type { Filterable } from "../../../domain/filter.ts";
import type { ManagementHandler } from "../handler.ts";

type Handlers = { readonly [Id in keyof BatchManagementOperations]: ManagementHandler<BatchManagementOperations[Id]> };

export const handlers: Handlers = {};

/** What $filter of each list offers; a list that is not here takes none. */
export const filterables: { readonly [Id in keyof BatchManagementOperations]?: Filterable } = {};
