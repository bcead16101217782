// Every error code the data plane can answer: its HTTP status and the service's short text. One place knows both.
export const batchErrors = {
  PoolNotFound: [404, "The specified pool does not exist."],
} as const satisfies Record<string, readonly [status: number, message: string]>;
export type BatchErrorCode = keyof typeof batchErrors;
