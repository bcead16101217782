// Every operation of the management plane, by provider and operationId: two providers may have an operation of the same name.
import type { OperationDeclaration } from "../operation.ts";
import { batchManagementOperations } from "./batch/index.ts";
import { surroundingOperations } from "./resources/index.ts";
import { stackHciOperations } from "./stack-hci/index.ts";

/** `Microsoft.Batch/Pool_Get`: what an operation is called where several providers meet. */
export const qualifiedId = ({ provider, id }: Pick<OperationDeclaration, "provider" | "id">): string => `${provider!.namespace}/${id}`;

const all = [
  ...Object.values<OperationDeclaration>(batchManagementOperations),
  ...Object.values<OperationDeclaration>(stackHciOperations),
  ...Object.values<OperationDeclaration>(surroundingOperations),
];

export const managementOperations: Readonly<Record<string, OperationDeclaration>> = Object.fromEntries(
  all.map((operation) => [qualifiedId(operation), operation]),
);
