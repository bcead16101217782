// What the resources below a Batch account have in common: their envelope, and the query of their lists.
import { f, model } from "../../fields.ts";

/** The properties that every child resource (AzureProxyResource of the documents) has beside its own. */
export const proxyResource = {
  id: f.string({ readOnly: true }),
  name: f.string({ readOnly: true }),
  type: f.string({ readOnly: true }),
  /** Weak and quoted, as the header. */
  etag: f.string({ readOnly: true }),
  tags: f.map(f.string(), { since: "2024-07-01" }),
} as const;

export const MaxResultsQuery = model("MaxResultsQuery", { maxresults: f.int32({ min: 1, what: "MaxResults" }) });

export const accountPath =
  "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Batch/batchAccounts/{accountName}" as const;
