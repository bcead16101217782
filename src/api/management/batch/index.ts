// The operations of ARM Microsoft.Batch by operationId.

export const batchManagementOperations = {} as const;

export type BatchManagementOperations = typeof batchManagementOperations;
