// What the examples of accounts and of what hangs on them (keys, private endpoints, perimeters) need.
import { armPoll } from "../arm.ts";
import { group, type Json, type Prepared, type Ways, type World } from "./world.ts";

const groupPath = `/subscriptions/{sub}/resourceGroups/${group}`;
const accountPath = (name: string): string => `${groupPath}/providers/Microsoft.Batch/batchAccounts/${name}`;

/** A new account of its own, without anything in it. */
const newAccount = async (world: World, properties: Json = {}): Promise<string> => {
  const name = world.fresh("account");
  const made = await world.ok({ method: "PUT", path: accountPath(name), body: { location: "japaneast", properties } });
  if (made.status === 202) await armPoll(world.quern, made.headers.location as string);
  world.after(() => world.arm({ method: "DELETE", path: accountPath(name) }));
  return name;
};

const onNewAccount = async (world: World): Promise<Prepared> => ({ params: { accountName: await newAccount(world) } });

/** The storage account that the examples link to. */
const sampleStorage = async (world: World): Promise<void> => {
  const path = `${groupPath}/providers/Microsoft.Storage/storageAccounts/samplestorage`;
  await world.ok({
    method: "PUT",
    path,
    version: "2023-01-01",
    body: { location: "japaneast", kind: "StorageV2", sku: { name: "Standard_LRS" } },
  });
};

const create = async (world: World): Promise<Prepared> => {
  await sampleStorage(world);
  const accountName = world.fresh("account");
  world.after(() => world.arm({ method: "DELETE", path: accountPath(accountName) }));
  return { params: { accountName } };
};

/** An account with that storage account, as an account of its own. */
const withStorage = async (world: World): Promise<Prepared> => {
  await sampleStorage(world);
  const storageAccountId = `/subscriptions/${world.quern.ready.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Storage/storageAccounts/samplestorage`;
  return { params: { accountName: await newAccount(world, { autoStorage: { storageAccountId } }) } };
};

/** Connections are made by private endpoints; their names are the server's to give. */
const connection = async (world: World): Promise<Prepared> => {
  const name = await newAccount(world);
  const { subscriptionId } = world.quern.ready;
  const privateLinkServiceId = accountPath(name).replace("{sub}", subscriptionId);
  const subnet = { id: `${groupPath.replace("{sub}", subscriptionId)}/providers/Microsoft.Network/virtualNetworks/network/subnets/subnet` };
  const link = { name: "link", properties: { privateLinkServiceId, groupIds: ["batchAccount"] } };
  const path = `${groupPath}/providers/Microsoft.Network/privateEndpoints/${world.fresh("endpoint")}`;
  await world.ok({
    method: "PUT",
    path,
    version: "2023-05-01",
    body: { location: "japaneast", properties: { subnet, privateLinkServiceConnections: [link] } },
  });
  const { json } = await world.ok({ method: "GET", path: `${accountPath(name)}/privateEndpointConnections` });
  return { params: { accountName: name, privateEndpointConnectionName: json.value[0].name } };
};

/** Only an account that is secured by a perimeter has a configuration, and the server gives it its name. */
const perimeter = async (world: World): Promise<Prepared> => {
  const name = await newAccount(world, { publicNetworkAccess: "SecuredByPerimeter" });
  const { json } = await world.ok({ method: "GET", path: `${accountPath(name)}/networkSecurityPerimeterConfigurations` });
  return { params: { accountName: name, networkSecurityPerimeterConfigurationName: json.value[0].name } };
};

export const accountWays: Ways = {
  BatchAccount_Create: create,
  BatchAccount_Update: async (world) => {
    await sampleStorage(world);
    return onNewAccount(world);
  },
  BatchAccount_Delete: onNewAccount,
  BatchAccount_RegenerateKey: onNewAccount,
  BatchAccount_SynchronizeAutoStorageKeys: withStorage,
  PrivateEndpointConnection_Get: connection,
  PrivateEndpointConnection_Update: connection,
  PrivateEndpointConnection_Delete: connection,
  PrivateEndpointConnection_ListByBatchAccount: connection,
  NetworkSecurityPerimeter_ListConfigurations: perimeter,
  NetworkSecurityPerimeter_GetConfiguration: perimeter,
  NetworkSecurityPerimeter_ReconcileConfiguration: perimeter,
};
