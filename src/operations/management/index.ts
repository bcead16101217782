// Every operation of the management plane with what it does, by provider and operationId (`qualifiedId` of api/management).

import { batchManagementOperations } from "../../api/management/batch/index.ts";
import { managementOperations, qualifiedId } from "../../api/management/index.ts";
import { surroundingOperations } from "../../api/management/resources/index.ts";
import { stackHciOperations } from "../../api/management/stack-hci/index.ts";
import type { OperationDeclaration } from "../../api/operation.ts";
import type { Filterable } from "../../domain/filter.ts";
import * as batch from "./batch/index.ts";
import { inGroup } from "./groups.ts";
import type { ManagementHandler } from "./handler.ts";
import { whileRegistered } from "./registrations.ts";
import * as resources from "./resources/index.ts";
import * as stackHci from "./stack-hci/index.ts";

type AnyManagementHandler = ManagementHandler<OperationDeclaration>;

const named = <T>(operations: Readonly<Record<string, OperationDeclaration>>, of: Readonly<Record<string, T>>): [string, T][] =>
  Object.entries(of).map(([id, one]) => [qualifiedId(operations[id]!), one]);

const handlersOf = (operations: Readonly<Record<string, OperationDeclaration>>, of: object): [string, AnyManagementHandler][] =>
  named(operations, of as Record<string, AnyManagementHandler>);

/** What is in a resource group is found only where the group is, and changed only while its provider is registered. */
export const managementHandlers: Readonly<Record<string, AnyManagementHandler>> = Object.fromEntries(
  [
    ...handlersOf(batchManagementOperations, batch.handlers),
    ...handlersOf(stackHciOperations, stackHci.handlers),
    ...handlersOf(surroundingOperations, resources.handlers),
  ].map(([name, handler]) => {
    const operation = managementOperations[name]!;
    return [name, whileRegistered(operation, inGroup(operation, handler))];
  }),
);

export const managementFilterables: Readonly<Record<string, Filterable>> = Object.fromEntries([
  ...named<Filterable>(batchManagementOperations, batch.filterables),
  ...named<Filterable>(stackHciOperations, stackHci.filterables),
  ...named<Filterable>(surroundingOperations, resources.filterables),
]);
