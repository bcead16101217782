// What the operations on storage accounts do: an account made here is a real one of the embedded storage, with keys that work and blobs that stay.
// The row goes first and says Creating, so that nothing is lost between the two; storage-account-rows.ts finishes what was cut short.
import { ApiError } from "../../../api/errors.ts";
import type * as api from "../../../api/management/resources/storage-accounts.ts";
import { checkLocation, checkSameLocation } from "../../../domain/locations.ts";
import { sameId } from "../../../domain/resource-ids.ts";
import { checkTags } from "../../../domain/tags.ts";
import { isoTime } from "../../../lib/clock.ts";
import { checkAccountName } from "../../../storage/account-names.ts";
import { type StorageAccounts, StorageNameRefused, StorageNotEmbedded } from "../../../storage/accounts.ts";
import type { Reader } from "../../../store/db.ts";
import { deleteResource, getResource, guardUniqueName, insertResource, saveResource } from "../../../store/resources.ts";
import { loadGroup } from "../groups.ts";
import type { ManagementHandler, ManagementServices } from "../handler.ts";
import { missing, pageOfRows, trackedView } from "./common.ts";
import { findStorageRow, type StorageProperties, type StorageRow, storageAccountType } from "./storage-account-rows.ts";

export const createStorageAccount: ManagementHandler<typeof api.createStorageAccount> = async (request, services) => {
  const { params, body, caller, now, baseUrl } = request;
  const { store, storage, settings, clock } = services;
  const { accountName: name } = params;
  const tags = checkTags(body.tags ?? {});
  const location = checkLocation(body.location, storageAccountType, settings.region);
  const known = storage.find(name);
  if (known === undefined) refuseName(name);
  const by = { modified: clock.stamp(), modifiedBy: caller.clientId };
  const said = {
    sku: { ...body.sku, tier: body.sku.tier ?? body.sku.name.split("_")[0]! },
    kind: body.kind,
    ...(body.identity === undefined ? {} : { identity: body.identity }),
    ...(body.extendedLocation === undefined ? {} : { extendedLocation: body.extendedLocation }),
    settings: body.properties ?? {},
  };
  await store.decide(async (read) => {
    const group = await loadGroup(read, params.resourceGroupName);
    const found = await findStorageRow(read, name);
    if (found !== undefined) {
      if (!sameId(found.resourceGroup, group.name)) throw taken(name);
      checkSameLocation(location, found);
      const provisioningState = storage.find(name) === undefined ? "Creating" : found.provisioningState;
      return {
        writes: saveResource({ ...found, ...by, tags, provisioningState, properties: { ...found.properties, ...said } }),
        result: undefined,
      };
    }
    const row: StorageRow = {
      type: storageAccountType,
      name,
      resourceGroup: group.name,
      location,
      tags,
      properties: { ...said, keysMadeAt: { key1: now, key2: now } },
      provisioningState: "Creating",
      createdAt: now,
      createdBy: caller.clientId,
      ...by,
      generation: 0,
    };
    return { writes: [guardUniqueName(row), ...insertResource(row)], result: undefined };
  });
  await make(services, params.resourceGroupName, name, known === undefined);
  return { body: view(services, await load(store, storage, params.resourceGroupName, name), baseUrl) };
};

/** The account itself, and then its row says so. Where the storage refuses, there is no row left. */
const make = async ({ store, storage }: ManagementServices, resourceGroup: string, name: string, isNew: boolean): Promise<void> => {
  const key = { type: storageAccountType, resourceGroup, name };
  try {
    if (isNew) await storage.create(name);
  } catch (error) {
    await store.decide(async (read) => {
      const row = await getResource(read, key);
      return { writes: row?.provisioningState === "Creating" ? deleteResource(row) : [], result: undefined };
    });
    throw refusedByStorage(error, name);
  }
  await store.decide(async (read) => {
    const row = await getResource(read, key);
    return {
      writes: row?.provisioningState === "Creating" ? saveResource({ ...row, provisioningState: "Succeeded" }) : [],
      result: undefined,
    };
  });
};

export const getStorageAccount: ManagementHandler<typeof api.getStorageAccount> = async ({ params, baseUrl }, services) => ({
  body: view(services, await load(services.store, services.storage, params.resourceGroupName, params.accountName), baseUrl),
});

export const updateStorageAccount: ManagementHandler<typeof api.updateStorageAccount> = async (request, services) => {
  const { params, body, caller, baseUrl } = request;
  return services.store.decide(async (read) => {
    const row = await load(read, services.storage, params.resourceGroupName, params.accountName);
    const changed: StorageRow = {
      ...row,
      tags: body.tags === undefined ? row.tags : checkTags(body.tags),
      properties: {
        ...row.properties,
        ...(body.sku === undefined ? {} : { sku: { ...body.sku, tier: body.sku.tier ?? body.sku.name.split("_")[0]! } }),
        ...(body.kind === undefined ? {} : { kind: body.kind }),
        ...(body.identity === undefined ? {} : { identity: body.identity }),
        settings: { ...row.properties.settings, ...body.properties },
      },
      modified: services.clock.stamp(),
      modifiedBy: caller.clientId,
    };
    return { writes: saveResource(changed), result: { body: view(services, changed, baseUrl) } };
  });
};

/** The blobs first: as long as there are any, the row shows whose they are. */
export const deleteStorageAccount: ManagementHandler<typeof api.deleteStorageAccount> = async ({ params }, { store, storage }) => {
  const key = { type: storageAccountType, resourceGroup: params.resourceGroupName, name: params.accountName };
  const row = await getResource<StorageProperties>(store, key);
  if (row === undefined) return { status: 204 };
  await removeFromStorage(storage, row.name);
  await store.decide(async (read) => {
    const left = await getResource(read, key);
    return { writes: left === undefined ? [] : deleteResource(left), result: undefined };
  });
  return { status: 200 };
};

/** Throws OperationNotAllowed where the account is not one that was made here. */
export const removeFromStorage = async (storage: StorageAccounts, name: string): Promise<void> => {
  if (storage.find(name) === undefined) return;
  try {
    await storage.remove(name);
  } catch (error) {
    // Its own account is there as long as the embedded storage is.
    if (error instanceof StorageNameRefused) throw new ApiError("OperationNotAllowed", [], error.message);
    throw refusedByStorage(error, name);
  }
};

export const listStorageAccounts: ManagementHandler<typeof api.listStorageAccounts> = async ({ page, baseUrl }, services) => {
  const { rows, next } = await pageOfRows<StorageProperties>(services.store, storageAccountType, page);
  return { items: shownOf(services, rows, baseUrl), ...(next === undefined ? {} : { next }) };
};

export const listStorageAccountsOfGroup: ManagementHandler<typeof api.listStorageAccountsOfGroup> = async (request, services) => {
  const { params, page, baseUrl } = request;
  const { rows, next } = await pageOfRows<StorageProperties>(services.store, storageAccountType, page, params.resourceGroupName);
  return { items: shownOf(services, rows, baseUrl), ...(next === undefined ? {} : { next }) };
};

export const listStorageKeys: ManagementHandler<typeof api.listStorageKeys> = async ({ params }, { store, storage }) => ({
  body: keysView(await load(store, storage, params.resourceGroupName, params.accountName), storage),
});

export const regenerateStorageKey: ManagementHandler<typeof api.regenerateStorageKey> = async (request, services) => {
  const { params, body, caller, now } = request;
  const { store, storage, clock } = services;
  const row = await load(store, storage, params.resourceGroupName, params.accountName);
  const keyName = (["key1", "key2"] as const).find((name) => name === body.keyName.toLowerCase());
  if (keyName === undefined)
    throw new ApiError("InvalidParameter", [], `The key name '${body.keyName.slice(0, 64)}' is invalid. The keys are 'key1' and 'key2'.`);
  try {
    await storage.regenerateKey(row.name, keyName);
  } catch (error) {
    throw refusedByStorage(error, row.name);
  }
  const changed = await store.decide(async (read) => {
    const before = await load(read, storage, params.resourceGroupName, params.accountName);
    const keysMadeAt = { ...before.properties.keysMadeAt, [keyName]: now };
    const after = { ...before, properties: { ...before.properties, keysMadeAt }, modified: clock.stamp(), modifiedBy: caller.clientId };
    return { writes: saveResource(after), result: after };
  });
  return { body: keysView(changed, storage) };
};

export const checkStorageName: ManagementHandler<typeof api.checkStorageName> = async ({ body }, { store, storage }) => {
  try {
    checkAccountName(body.name);
  } catch (error) {
    if (!(error instanceof StorageNameRefused)) throw error;
    return { body: { nameAvailable: false, reason: "AccountNameInvalid", message: wrongName(body.name, error) } };
  }
  const isTaken = storage.find(body.name) !== undefined || (await findStorageRow(store, body.name)) !== undefined;
  return {
    body: isTaken ? { nameAvailable: false, reason: "AlreadyExists", message: taken(body.name).message } : { nameAvailable: true },
  };
};

/** Throws ResourceNotFound. */
const load = async (read: Reader, storage: StorageAccounts, resourceGroup: string, name: string): Promise<StorageRow> => {
  const key = { type: storageAccountType, resourceGroup, name };
  const row = await getResource<StorageProperties>(read, key);
  if (row === undefined || storage.find(name) === undefined) throw missing(key);
  return row;
};

const taken = (name: string): ApiError =>
  new ApiError("StorageAccountAlreadyTaken", [], `The storage account named ${name.slice(0, 64)} is already taken.`);

const wrongName = (name: string, { message }: StorageNameRefused): string =>
  /^[a-z0-9]{3,24}$/.test(name)
    ? message
    : `${name.slice(0, 64)} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use ` +
      "numbers and lower-case letters only.";

const refuseName = (name: string): void => {
  try {
    checkAccountName(name);
  } catch (error) {
    throw refusedByStorage(error, name);
  }
};

const refusedByStorage = (error: unknown, name: string): unknown => {
  if (error instanceof StorageNotEmbedded) return new ApiError("OperationNotAllowed", [], error.message);
  return error instanceof StorageNameRefused ? new ApiError("AccountNameInvalid", [], wrongName(name, error)) : error;
};

const shownOf = (services: ManagementServices, rows: readonly StorageRow[], baseUrl: string) =>
  rows.filter(({ name }) => services.storage.find(name) !== undefined).map((row) => view(services, row, baseUrl));

const keysView = (row: StorageRow, storage: StorageAccounts) => ({
  keys: storage.find(row.name)!.keys.map(({ keyName, value }) => ({
    keyName,
    value,
    permissions: "FULL",
    creationTime: isoTime(row.properties.keysMadeAt[keyName]),
  })),
});

const view = ({ settings, storage }: ManagementServices, row: StorageRow, baseUrl: string) => {
  const { sku, kind, identity, extendedLocation, settings: said, keysMadeAt } = row.properties;
  return {
    ...trackedView(settings, row),
    sku,
    kind,
    ...(identity === undefined ? {} : { identity }),
    ...(extendedLocation === undefined ? {} : { extendedLocation }),
    properties: {
      // Of the truth: its port takes http as well.
      supportsHttpsTrafficOnly: false,
      ...(kind === "Storage" ? {} : { accessTier: "Hot" }),
      ...said,
      provisioningState: row.provisioningState,
      creationTime: isoTime(row.createdAt),
      keyCreationTime: { key1: isoTime(keysMadeAt.key1), key2: isoTime(keysMadeAt.key2) },
      primaryLocation: row.location,
      statusOfPrimary: "available",
      primaryEndpoints: { blob: `${storage.blobEndpoint(row.name, baseUrl)}/` },
    },
  };
};
