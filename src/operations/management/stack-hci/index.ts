// Every operation of ARM Microsoft.AzureStackHCI with what it does. An operation without a handler does not compile.
import type { StackHciOperations } from "../../../api/management/stack-hci/index.ts";
import type { Filterable } from "../../../domain/filter.ts";
import type { ManagementHandler } from "../handler.ts";

type Handlers = { readonly [Id in keyof StackHciOperations]: ManagementHandler<StackHciOperations[Id]> };

export const handlers: Handlers = {};

/** What $filter of each list offers; a list that is not here takes none. */
export const filterables: { readonly [Id in keyof StackHciOperations]?: Filterable } = {};
