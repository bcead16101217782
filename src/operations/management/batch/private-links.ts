// What the operations on private links of a Batch account do. Connections are made by private endpoints (Microsoft.Network); here their other side
// decides on them. A decision is carried out by being written down, so that it is done when it is answered.
import { ApiError, missingProperty } from "../../../api/errors.ts";
import type * as api from "../../../api/management/batch/private-links.ts";
import type { BatchAccount } from "../../../domain/accounts.ts";
import { checkConditions } from "../../../domain/conditions.ts";
import { connectionGroups, decideConnection, type PrivateEndpointConnection } from "../../../domain/private-endpoint-connections.ts";
import { getAsyncOperation, insertAsyncOperation } from "../../../store/async-operations.ts";
import type { Reader } from "../../../store/db.ts";
import * as store from "../../../store/private-endpoint-connections.ts";
import { cutPage } from "../../batch/load.ts";
import type { ManagementHandler, ManagementRequest, ManagementSettings } from "../handler.ts";
import { connectionView } from "./account-view.ts";
import { accountType, childId, loadAccount, noResource } from "./load.ts";
import { done, resultUrl, retryAfter } from "./long-running.ts";

/** The zone that newer accounts use in all regions (seen in 2024). */
const zone = "privatelink.batch.azure.com";

const resourceView = (name: string, account: BatchAccount, settings: ManagementSettings) => ({
  id: childId(settings, account, "privateLinkResources", name),
  name,
  type: `${accountType}/privateLinkResources`,
  properties: { groupId: name, requiredMembers: [name], requiredZoneNames: [zone] },
});

export const listPrivateLinkResources: ManagementHandler<typeof api.listPrivateLinkResources> = async (request, services) => {
  const { params, page } = request;
  const account = await loadAccount(services.store, params);
  const from = connectionGroups.filter((name) => name > (page.after ?? ""));
  const { elements, next } = cutPage(from, page.limit, (name) => name);
  return { items: elements.map((name) => resourceView(name, account, services.settings)), ...(next === undefined ? {} : { next }) };
};

export const getPrivateLinkResource: ManagementHandler<typeof api.getPrivateLinkResource> = async ({ params }, services) => {
  const account = await loadAccount(services.store, params);
  const name = connectionGroups.find((one) => one.toLowerCase() === params.privateLinkResourceName.toLowerCase());
  if (name === undefined)
    throw noResource(`${accountType}/privateLinkResources`, `${account.name}/${params.privateLinkResourceName}`, account.resourceGroup);
  return { body: resourceView(name, account, services.settings) };
};

export const listPrivateEndpointConnections: ManagementHandler<typeof api.listPrivateEndpointConnections> = async (request, services) => {
  const { params, page } = request;
  const account = await loadAccount(services.store, params);
  const found = await store.listPrivateEndpointConnections(services.store, account.id, { ...page, limit: page.limit + 1 });
  const { elements, next } = cutPage(found, page.limit, ({ key }) => key);
  return { items: elements.map((one) => connectionView(one, account, services.settings)), ...(next === undefined ? {} : { next }) };
};

const loadConnection = async (
  read: Reader,
  account: BatchAccount,
  { privateEndpointConnectionName: name }: { privateEndpointConnectionName: string },
): Promise<PrivateEndpointConnection> => {
  const connection = await store.getPrivateEndpointConnection(read, account.id, name);
  if (connection === undefined)
    throw noResource(`${accountType}/privateEndpointConnections`, `${account.name}/${name}`, account.resourceGroup);
  return connection;
};

export const getPrivateEndpointConnection: ManagementHandler<typeof api.getPrivateEndpointConnection> = async ({ params }, services) => {
  const account = await loadAccount(services.store, params);
  const connection = await loadConnection(services.store, account, params);
  return { body: connectionView(connection, account, services.settings), modified: connection.modified };
};

/** Location and Azure-AsyncOperation are the same URL, as seen in 2020 and 2021. */
const following = (
  request: Pick<ManagementRequest<typeof api.updatePrivateEndpointConnection>, "baseUrl" | "apiVersion">,
  path: string,
): Record<string, string> => {
  const url = resultUrl(request, path);
  return { Location: url, "Azure-AsyncOperation": url, ...retryAfter };
};

export const updatePrivateEndpointConnection: ManagementHandler<typeof api.updatePrivateEndpointConnection> = async (request, services) => {
  const { params, body, preconditions } = request;
  const { ids, clock, settings } = services;
  const wanted = body.properties?.privateLinkServiceConnectionState;
  if (wanted === undefined) throw missingProperty("privateLinkServiceConnectionState");
  const { account, after, path } = await services.store.decide(async (read) => {
    const account = await loadAccount(read, params);
    const before = await loadConnection(read, account, params);
    checkConditions(preconditions, before.modified, "write");
    const verdict = decideConnection(before, wanted, clock.stamp());
    if ("refused" in verdict) throw new ApiError(verdict.refused, [], verdict.because);
    const after = body.tags === undefined ? verdict.after : { ...verdict.after, tags: body.tags };
    const id = `Updating$${before.name}$${ids.guid()}`;
    const resourceId = childId(settings, account, "privateEndpointConnections", before.name);
    const operation = done({ id: id.toLowerCase(), kind: "PrivateEndpointConnection_Update", resourceId, startedAt: clock.now() });
    const path = `${childId(settings, account, "privateEndpointConnectionResults")}/${id}`;
    return {
      writes: [...store.savePrivateEndpointConnection(after), ...insertAsyncOperation(operation)],
      result: { account, after, path },
    };
  });
  return {
    status: 202,
    body: connectionView(after, account, settings, "Updating"),
    modified: after.modified,
    headers: following(request, path),
  };
};

export const deletePrivateEndpointConnection: ManagementHandler<typeof api.deletePrivateEndpointConnection> = async (request, services) => {
  const { params } = request;
  const { ids, clock, settings } = services;
  const path = await services.store.decide(async (read) => {
    const account = await loadAccount(read, params);
    const connection = await store.getPrivateEndpointConnection(read, account.id, params.privateEndpointConnectionName);
    if (connection === undefined) return { writes: [], result: undefined };
    const id = `Deleting$${connection.name}$${ids.guid()}`;
    const resourceId = childId(settings, account, "privateEndpointConnections", connection.name);
    const operation = done({ id: id.toLowerCase(), kind: "PrivateEndpointConnection_Delete", resourceId, startedAt: clock.now() });
    return {
      writes: [...store.deletePrivateEndpointConnection(connection), ...insertAsyncOperation(operation)],
      result: `${childId(settings, account, "privateEndpointConnectionResults")}/${id}`,
    };
  });
  return path === undefined ? { status: 204 } : { status: 202, headers: following(request, path) };
};

export const getPrivateEndpointConnectionResult: ManagementHandler<typeof api.getPrivateEndpointConnectionResult> = async (
  { params },
  services,
) => {
  const account = await loadAccount(services.store, params);
  const operation = await getAsyncOperation(services.store, params.operationId.toLowerCase());
  const below = `${childId(services.settings, account, "privateEndpointConnections")}/`.toLowerCase();
  if (operation === undefined || !operation.resourceId.startsWith(below))
    throw noResource(`${accountType}/privateEndpointConnectionResults`, `${account.name}/${params.operationId}`, account.resourceGroup);
  return { body: { status: operation.status, retryAfter: 0 } };
};
