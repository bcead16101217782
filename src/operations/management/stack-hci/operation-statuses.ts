// What became of a long-running operation, as recordings show it: `Accepted` while it goes on, then how it ended.
import { ApiError } from "../../../api/errors.ts";
import type * as api from "../../../api/management/stack-hci/operation-statuses.ts";
import { isoTime } from "../../../lib/clock.ts";
import { getAsyncOperation } from "../../../store/async-operations.ts";
import type { Reply } from "../../handler.ts";
import type { ManagementHandler } from "../handler.ts";

export const getOperationStatus: ManagementHandler<typeof api.getOperationStatus> = async (request, { store }): Promise<Reply> => {
  const { location, operationId } = request.params;
  const operation = await getAsyncOperation(store, operationId);
  if (operation === undefined) {
    const message = `The operation status '${operationId.slice(0, 128)}' in location '${location.slice(0, 64)}' was not found.`;
    throw new ApiError("ResourceNotFound", [], message);
  }
  const path = `/providers/Microsoft.AzureStackHCI/locations/${location}/operationStatuses/${operationId}`;
  const document = { id: path, name: operation.id, resourceId: operation.resourceId, startTime: isoTime(operation.startedAt) };
  if (operation.endedAt === undefined) {
    const body = { ...document, status: "Accepted" };
    if (!operation.kind.endsWith("_Delete")) return { body, headers: { "retry-after": "1" } };
    const url = `${request.baseUrl}${path}?api-version=${encodeURIComponent(request.apiVersion)}`;
    return { status: 202, body, headers: { "retry-after": "1", location: url } };
  }
  return {
    body: { ...document, status: operation.status, endTime: isoTime(operation.endedAt), error: operation.error ?? {}, properties: null },
  };
};
