// Pools as resources of ARM Microsoft.Batch: the same pools as the data plane's, in another shape. Data only.
import { recorded } from "../../batch/recorded.ts";
import { f, model } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { microsoftBatch } from "../providers.ts";
import { accountPath, proxyResource } from "./common.ts";
import { BatchPoolIdentity, PoolProperties } from "./pool-properties.ts";

export const Pool = model("Pool", {
  ...proxyResource,
  properties: f.object(PoolProperties),
  identity: f.object(BatchPoolIdentity, { since: "2021-01-01", recorded: recorded.identities }),
});

export const selectListQuery = model("SelectListQuery", {
  maxresults: f.int32({ min: 1, what: "MaxResults" }),
  $select: f.string(),
  $filter: f.string(),
});

const since = "2017-09-01";
const pools = `${accountPath}/pools` as const;
const onePool = `${pools}/{poolName}` as const;
const common = { provider: microsoftBatch, since } as const;
const refused = [
  "InvalidApplicationPackageReferences",
  "InvalidCertificateReferences",
  "AutoScalingFormulaSyntaxError",
  "AutoScalingFormulaTooLong",
  "InvalidAutoScalingSettings",
] as const;

export const createPool = managementOperation("Pool_Create", {
  ...common,
  method: "PUT",
  path: onePool,
  summary: "Makes a pool, or replaces what can be replaced of one that is there.",
  query: noQuery,
  body: Pool,
  conditions: "all",
  answer: { status: 200, body: Pool, etag: "weak" },
  errors: [...refused, "PoolBeingDeleted", "PoolBeingResized", "PoolQuotaReached", "OperationInvalidForCurrentState"],
});

export const updatePool = managementOperation("Pool_Update", {
  ...common,
  method: "PATCH",
  path: onePool,
  summary: "Changes the properties of a pool that are given; scale settings resize it or switch automatic scaling.",
  query: noQuery,
  body: Pool,
  conditions: "all",
  answer: { status: 200, body: Pool, etag: "weak" },
  errors: [...refused, "PoolNotFound", "PoolBeingDeleted", "PoolBeingResized", "OperationInvalidForCurrentState"],
});

export const getPool = managementOperation("Pool_Get", {
  ...common,
  method: "GET",
  path: onePool,
  summary: "Reads a pool.",
  query: noQuery,
  answer: { status: 200, body: Pool, etag: "weak" },
  errors: ["PoolNotFound"],
});

export const listPools = managementOperation("Pool_ListByBatchAccount", {
  ...common,
  method: "GET",
  path: pools,
  summary: "Lists the pools of an account.",
  query: selectListQuery,
  answer: { status: 200, item: Pool },
  errors: [],
});

export const deletePool = managementOperation("Pool_Delete", {
  ...common,
  method: "DELETE",
  path: onePool,
  summary: "Deletes a pool and its nodes; tasks that run there go back to the queue.",
  query: noQuery,
  answer: { status: 202, statuses: [200, 202, 204] },
  errors: [],
});

export const disablePoolAutoScale = managementOperation("Pool_DisableAutoScale", {
  ...common,
  method: "POST",
  path: `${onePool}/disableAutoScale`,
  summary: "Leaves a pool at the size that its formula gave it last.",
  query: noQuery,
  answer: { status: 200, body: Pool, etag: "weak" },
  errors: ["PoolNotFound", "PoolBeingDeleted"],
});

export const stopPoolResize = managementOperation("Pool_StopResize", {
  ...common,
  method: "POST",
  path: `${onePool}/stopResize`,
  summary: "Stops a resize, keeping the nodes that are there; a pool that is steady stays so.",
  query: noQuery,
  answer: { status: 200, body: Pool, etag: "weak" },
  errors: ["PoolNotFound", "PoolBeingDeleted"],
});

export const getPoolOperationResult = managementOperation("Pool_GetOperationResult", {
  ...common,
  method: "GET",
  path: `${accountPath}/poolOperationResults/{operationId}`,
  summary: "Tells whether the deletion of a pool is over: the URL that Pool_Delete gives.",
  query: noQuery,
  answer: { status: 200, statuses: [200, 202] },
  errors: ["ResourceNotFound"],
});
