// What the operations on private endpoints do: each makes one connection on a Batch account, which the account's owner sees and decides about there
// (operations/management/batch). No packet takes that way.
import { ApiError } from "../../../api/errors.ts";
import type * as api from "../../../api/management/resources/private-endpoints.ts";
import type { BatchAccount } from "../../../domain/accounts.ts";
import { checkLocation, checkSameLocation } from "../../../domain/locations.ts";
import {
  type ConnectionGroup,
  connectionGroupOf,
  mostConnections,
  newConnection,
  type PrivateEndpointConnection,
} from "../../../domain/private-endpoint-connections.ts";
import { parseResourceId, sameId } from "../../../domain/resource-ids.ts";
import { checkTags } from "../../../domain/tags.ts";
import { getAccountByName, guardAccount } from "../../../store/accounts.ts";
import type { Reader, Write } from "../../../store/db.ts";
import {
  connectionsOfPrivateEndpoint,
  deletePrivateEndpointConnection,
  insertPrivateEndpointConnection,
  listPrivateEndpointConnections,
} from "../../../store/private-endpoint-connections.ts";
import { guardResourceGroup } from "../../../store/resource-groups.ts";
import { deleteResource, getResource, insertResource, type Resource, saveResource } from "../../../store/resources.ts";
import { weakEtag } from "../etags.ts";
import { loadGroup } from "../groups.ts";
import type { ManagementHandler, ManagementSettings } from "../handler.ts";
import { batchAccountType } from "./all-resources.ts";
import { idOf, loadResource, missing, pageOfRows, trackedView } from "./common.ts";

export const privateEndpointType = "Microsoft.Network/privateEndpoints";

type Asked = { name: string; isManual: boolean; privateLinkServiceId: string; groupId: ConnectionGroup; requestMessage?: string };
/** What is about a network is kept as it came. */
type Properties = { connection: Asked; network: Record<string, unknown> };
type Endpoint = Resource<Properties>;

export const createPrivateEndpoint: ManagementHandler<typeof api.createPrivateEndpoint> = async (request, services) => {
  const { params, body, caller, now } = request;
  const { store, settings, ids, clock } = services;
  const name = checkName(params.privateEndpointName);
  const tags = checkTags(body.tags ?? {});
  const location = checkLocation(body.location, privateEndpointType, settings.region);
  const { privateLinkServiceConnections, manualPrivateLinkServiceConnections, ...network } = body.properties ?? {};
  const asked = askedOf(privateLinkServiceConnections ?? [], manualPrivateLinkServiceConnections ?? []);
  return store.decide(async (read) => {
    const group = await loadGroup(read, params.resourceGroupName);
    const account = await accountOf(read, settings, asked);
    const key = { type: privateEndpointType, resourceGroup: group.name, name };
    const found = await getResource<Properties>(read, key);
    const modified = clock.stamp();
    const endpoint: Endpoint =
      found === undefined
        ? {
            ...key,
            location,
            tags,
            properties: { connection: asked, network },
            provisioningState: "Succeeded",
            createdAt: now,
            createdBy: caller.clientId,
            modified,
            modifiedBy: caller.clientId,
            generation: 0,
          }
        : { ...found, tags, properties: { connection: asked, network }, modified, modifiedBy: caller.clientId };
    if (found !== undefined) checkSameLocation(location, found);
    const id = idOf(settings, endpoint);
    const { writes, connection } = await connect(read, {
      endpoint,
      id,
      account,
      asked,
      before: found?.properties.connection,
      guid: ids.guid(),
    });
    const rows = found === undefined ? [guardResourceGroup(group.name), ...insertResource(endpoint)] : saveResource(endpoint);
    return {
      writes: [...rows, ...writes],
      result: { status: found === undefined ? 201 : 200, body: view(settings, endpoint, connection) },
    };
  });
};

type Connecting = { endpoint: Endpoint; id: string; account: BatchAccount; asked: Asked; before: Asked | undefined; guid: string };

/** What is the same as before keeps its connection and what became of it; anything else begins anew. */
const connect = async (
  read: Reader,
  { endpoint, id, account, asked, before, guid }: Connecting,
): Promise<{ writes: Write[]; connection: PrivateEndpointConnection }> => {
  const existing = await connectionsOfPrivateEndpoint(read, id);
  const isSame =
    before !== undefined &&
    sameId(before.privateLinkServiceId, asked.privateLinkServiceId) &&
    before.groupId === asked.groupId &&
    before.isManual === asked.isManual;
  if (isSame && existing.length > 0) return { writes: [], connection: existing[0]! };
  const others = await listPrivateEndpointConnections(read, account.id);
  if (others.filter(({ privateEndpointId }) => !sameId(privateEndpointId, id)).length >= mostConnections) {
    const message = `The account '${account.name}' has ${mostConnections} private endpoint connections, which is the limit.`;
    throw new ApiError("PrivateEndpointConnectionLimitReached", [], message);
  }
  const connection = newConnection({
    accountId: account.id,
    endpointName: endpoint.name,
    guid,
    privateEndpointId: id,
    groupId: asked.groupId,
    isManual: asked.isManual,
    ...(asked.requestMessage === undefined ? {} : { requestMessage: asked.requestMessage }),
    modified: endpoint.modified,
  });
  const gone = existing.flatMap(deletePrivateEndpointConnection);
  return { writes: [guardAccount(account.id), ...gone, ...insertPrivateEndpointConnection(connection)], connection };
};

export const getPrivateEndpoint: ManagementHandler<typeof api.getPrivateEndpoint> = async ({ params }, { store, settings }) => {
  const endpoint = await loadResource<Properties>(store, keyOf(params));
  return { body: view(settings, endpoint, await connectionOf(store, settings, endpoint)) };
};

export const deletePrivateEndpoint: ManagementHandler<typeof api.deletePrivateEndpoint> = async ({ params }, { store, settings }) =>
  store.decide(async (read) => {
    const endpoint = await getResource<Properties>(read, keyOf(params));
    if (endpoint === undefined) return { writes: [], result: { status: 204 } };
    const connections = await connectionsOfPrivateEndpoint(read, idOf(settings, endpoint));
    return { writes: [...connections.flatMap(deletePrivateEndpointConnection), ...deleteResource(endpoint)], result: { status: 200 } };
  });

export const listPrivateEndpoints: ManagementHandler<typeof api.listPrivateEndpoints> = async ({ page }, { store, settings }) => {
  const { rows, next } = await pageOfRows<Properties>(store, privateEndpointType, page);
  return { items: await views(store, settings, rows), ...(next === undefined ? {} : { next }) };
};

export const listPrivateEndpointsOfGroup: ManagementHandler<typeof api.listPrivateEndpointsOfGroup> = async (request, services) => {
  const { params, page } = request;
  const { rows, next } = await pageOfRows<Properties>(services.store, privateEndpointType, page, params.resourceGroupName);
  return { items: await views(services.store, services.settings, rows), ...(next === undefined ? {} : { next }) };
};

const keyOf = ({ resourceGroupName, privateEndpointName }: { resourceGroupName: string; privateEndpointName: string }) => ({
  type: privateEndpointType,
  resourceGroup: resourceGroupName,
  name: privateEndpointName,
});

const checkName = (name: string): string => {
  if (/^[A-Za-z0-9](?:[\w.-]{0,78}\w)?$/.test(name)) return name;
  const message =
    `Resource name ${name.slice(0, 80)} is invalid. The name can be up to 80 characters long. It must begin with a word character, and it must end ` +
    "with a word character or with '_'. The name may contain word characters or '.', '-', '_'.";
  throw new ApiError("InvalidResourceName", [], message);
};

type Sent = { name: string; properties: { privateLinkServiceId: string; groupIds?: readonly string[]; requestMessage?: string } };

/** Exactly one connection, to exactly one of the account's two endpoints. */
const askedOf = (automatic: readonly Sent[], manual: readonly Sent[]): Asked => {
  const refuse = (reason: string): ApiError => new ApiError("InvalidParameter", [], reason);
  const [only, ...more] = [...automatic, ...manual];
  if (only === undefined || more.length > 0)
    throw refuse("A private endpoint has exactly one of privateLinkServiceConnections and manualPrivateLinkServiceConnections.");
  const { privateLinkServiceId, groupIds = [], requestMessage } = only.properties;
  const groupId = groupIds.length === 1 ? connectionGroupOf(groupIds[0]!) : undefined;
  if (groupId === undefined)
    throw refuse(`Connection '${only.name.slice(0, 80)}' must have exactly one group id, 'batchAccount' or 'nodeManagement'.`);
  const message = requestMessage === undefined ? {} : { requestMessage };
  return { name: only.name, isManual: manual.length > 0, privateLinkServiceId, groupId, ...message };
};

/** Throws where the id is none, or not that of a Batch account of this server. */
const accountOf = async (read: Reader, settings: ManagementSettings, { privateLinkServiceId: id }: Asked): Promise<BatchAccount> => {
  const parsed = parseResourceId(id);
  if (parsed === undefined) {
    const message =
      `Property id '${id.slice(0, 256)}' at path 'privateLinkServiceId' is invalid. Expect fully qualified resource Id that start with ` +
      "'/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.";
    throw new ApiError("LinkedInvalidPropertyId", [], message);
  }
  const { subscriptionId, type, names, resourceGroup } = parsed;
  const name = names.at(-1)!;
  if (!sameId(type, batchAccountType) || !sameId(subscriptionId, settings.subscriptionId)) {
    const message = `Private endpoints of this server lead to its Batch accounts only, and '${id.slice(0, 256)}' is the id of none.`;
    throw new ApiError("InvalidParameter", [], message);
  }
  const account = await getAccountByName(read, name.toLowerCase());
  if (account === undefined || !sameId(account.resourceGroup, resourceGroup) || account.provisioningState === "Deleting")
    throw missing({ type: batchAccountType, name, resourceGroup });
  return account;
};

const connectionOf = async (
  read: Reader,
  settings: ManagementSettings,
  endpoint: Endpoint,
): Promise<PrivateEndpointConnection | undefined> => (await connectionsOfPrivateEndpoint(read, idOf(settings, endpoint)))[0];

const views = (read: Reader, settings: ManagementSettings, rows: readonly Endpoint[]) =>
  Promise.all(rows.map(async (row) => view(settings, row, await connectionOf(read, settings, row))));

/** Where the account has no such connection any more, it was taken away there. */
const view = (settings: ManagementSettings, endpoint: Endpoint, connection: PrivateEndpointConnection | undefined) => {
  const { connection: asked, network } = endpoint.properties;
  const id = idOf(settings, endpoint);
  const list = asked.isManual ? "manualPrivateLinkServiceConnections" : "privateLinkServiceConnections";
  const etag = weakEtag(endpoint.modified);
  const shown = {
    id: `${id}/${list}/${asked.name}`,
    name: asked.name,
    type: `${privateEndpointType}/${list}`,
    etag,
    properties: {
      provisioningState: "Succeeded",
      privateLinkServiceId: asked.privateLinkServiceId,
      groupIds: [asked.groupId],
      ...(asked.requestMessage === undefined ? {} : { requestMessage: asked.requestMessage }),
      privateLinkServiceConnectionState: {
        status: connection?.status ?? "Disconnected",
        description: connection?.description ?? "",
        actionsRequired: connection?.actionsRequired ?? "None",
      },
    },
  };
  return {
    ...trackedView(settings, endpoint),
    etag,
    properties: {
      ...network,
      provisioningState: endpoint.provisioningState,
      networkInterfaces: [],
      privateLinkServiceConnections: asked.isManual ? [] : [shown],
      manualPrivateLinkServiceConnections: asked.isManual ? [shown] : [],
    },
  };
};
