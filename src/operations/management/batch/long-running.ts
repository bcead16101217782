// The URLs by which clients follow a long-running operation of Microsoft.Batch. What became of each is store/async-operations.ts.
import type { AsyncOperation } from "../../../store/async-operations.ts";

/** A second: nothing here takes the quarter of a minute that clients wait between two questions unless they are told otherwise. */
export const retryAfter = { "Retry-After": "1" } as const;

type Asked = { readonly baseUrl: string; readonly apiVersion: string };

/** Absolute, in the api-version that the client speaks. */
export const resultUrl = ({ baseUrl, apiVersion }: Asked, path: string): string =>
  `${baseUrl}${path}?api-version=${encodeURIComponent(apiVersion)}`;

export const begun = (operation: Pick<AsyncOperation, "id" | "kind" | "resourceId" | "startedAt">): AsyncOperation => ({
  ...operation,
  status: "InProgress",
});

/** Of what is all done when it is answered: clients follow it all the same. */
export const done = (operation: Pick<AsyncOperation, "id" | "kind" | "resourceId" | "startedAt">): AsyncOperation => ({
  ...operation,
  status: "Succeeded",
  endedAt: operation.startedAt,
});
