// The operations of ARM Microsoft.AzureStackHCI (images and the directories that hold them) by operationId.

export const stackHciOperations = {} as const;

export type StackHciOperations = typeof stackHciOperations;
