// What the operations on Batch accounts do, but for keys. An account is there as soon as it is answered; what goes with one that is deleted is the
// reconciler's business (scheduler/reconcilers/accounts.ts).
import { ApiError } from "../../../api/errors.ts";
import type * as api from "../../../api/management/batch/accounts.ts";
import { accountNameProblem, changedSettings, checkedIdentity, newSettings } from "../../../domain/account-checks.ts";
import { type BatchAccount, deletionKey } from "../../../domain/accounts.ts";
import { checkLocation, checkSameLocation } from "../../../domain/locations.ts";
import { checkTags } from "../../../domain/tags.ts";
import { accountKey } from "../../../lib/ids.ts";
import * as store from "../../../store/accounts.ts";
import { getAsyncOperation, insertAsyncOperation } from "../../../store/async-operations.ts";
import type { Reader, Write } from "../../../store/db.ts";
import { getResourceGroup, guardResourceGroup } from "../../../store/resource-groups.ts";
import type { Reply } from "../../handler.ts";
import type { ManagementHandler, ManagementServices } from "../handler.ts";
import { accountView } from "./account-view.ts";
import { accountType, childId, findAccount, noResource } from "./load.ts";
import { begun, done, resultUrl, retryAfter } from "./long-running.ts";

/** For operations on the account itself. Also finds one that is being deleted, which only some of them take. */
export const namedAccount = async (
  read: Reader,
  params: { resourceGroupName: string; accountName: string },
  which: "any" | "there" = "any",
): Promise<BatchAccount> => {
  const account = await findAccount(read, params);
  if (account === undefined) throw noResource(accountType, params.accountName, params.resourceGroupName);
  if (which === "there" && account.provisioningState === "Deleting")
    throw new ApiError("AccountBeingDeleted", [], `The account '${account.name}' is being deleted.`);
  return account;
};

type Create = Parameters<ManagementHandler<typeof api.createAccount>>[0];

/**
 * What a PUT leaves out of an existing account goes back to its default, as with most resources of ARM; the documents say only that accounts are
 * better changed by PATCH (unverified).
 */
export const createAccount: ManagementHandler<typeof api.createAccount> = async (request, services) => {
  const { ids, clock, settings } = services;
  const account = await services.store.decide(async (read) => {
    const before = await store.getAccountByName(read, request.params.accountName.toLowerCase());
    const after = before === undefined ? await newAccount(read, request, services) : await setAnew(before, request, services);
    const operation = { id: ids.guid(), kind: "BatchAccount_Create", resourceId: childId(settings, after), startedAt: clock.now() };
    const saved: Write[] =
      before === undefined
        ? [guardResourceGroup(request.params.resourceGroupName), ...store.insertAccount(after)]
        : store.saveAccount({ ...after, id: before.id });
    return { writes: [...saved, ...insertAsyncOperation(done(operation))], result: { name: after.name, operation } };
  });
  await services.accounts.reload(account.name);
  const path = `${account.operation.resourceId}/operationResults/${account.operation.id}`;
  return { status: 202, headers: { Location: resultUrl(request, path), ...retryAfter } };
};

const newAccount = async (read: Reader, request: Create, services: ManagementServices): Promise<Omit<BatchAccount, "id">> => {
  const { params, body, now } = request;
  const { ids, clock, settings, quotas } = services;
  const problem = accountNameProblem(params.accountName);
  if (problem !== undefined) throw new ApiError("InvalidResourceName", [], problem);
  const location = checkLocation(body.location, accountType, settings.region);
  const group = await getResourceGroup(read, params.resourceGroupName);
  const account: Omit<BatchAccount, "id"> = {
    name: params.accountName,
    keys: [accountKey(ids), accountKey(ids)],
    resourceGroup: group?.name ?? params.resourceGroupName,
    location,
    tags: checkTags(body.tags ?? {}),
    identity: checkedIdentity(body.identity, undefined, { subscriptionId: settings.subscriptionId, newId: ids.guid }),
    settings: newSettings(body.properties ?? {}, surroundings(services, now)),
    provisioningState: "Succeeded",
    nodeManagementId: ids.guid(),
    createdAt: now,
    modified: clock.stamp(),
    generation: 0,
  };
  const quota = quotas?.accounts;
  if (quota !== undefined && (await store.countAccountsIn(read, location)) >= quota) {
    const message = `The regional account quota of ${quota} for the specified subscription has been reached in '${location}'.`;
    throw new ApiError("SubscriptionQuotaExceeded", [], message);
  }
  return account;
};

const setAnew = async (before: BatchAccount, request: Create, services: ManagementServices): Promise<BatchAccount> => {
  const { params, body, now } = request;
  const { settings, ids, clock } = services;
  if (before.resourceGroup.toLowerCase() !== params.resourceGroupName.toLowerCase())
    throw new ApiError("AccountAlreadyExists", [], `An account named '${before.name}' is already in use.`);
  if (before.provisioningState === "Deleting")
    throw new ApiError("AccountBeingDeleted", [], `The account '${before.name}' is being deleted.`);
  checkLocation(body.location, accountType, settings.region);
  checkSameLocation(body.location, before);
  const { poolAllocationMode = before.settings.poolAllocationMode, keyVaultReference = before.settings.keyVaultReference } =
    body.properties ?? {};
  const after = newSettings({ ...body.properties, poolAllocationMode, keyVaultReference }, surroundings(services, now));
  for (const fixed of ["poolAllocationMode", "keyVaultReference"] as const) {
    if (JSON.stringify(after[fixed]) !== JSON.stringify(before.settings[fixed]))
      throw new ApiError("PropertyChangeNotAllowed", [], `Changing property 'properties.${fixed}' is not allowed.`);
  }
  return {
    ...before,
    tags: checkTags(body.tags ?? {}),
    identity: checkedIdentity(body.identity, before.identity, { subscriptionId: settings.subscriptionId, newId: ids.guid }),
    settings: after,
    modified: clock.stamp(),
  };
};

const surroundings = ({ settings, storage }: ManagementServices, now: number) => ({
  subscriptionId: settings.subscriptionId,
  hasStorage: (name: string) => storage.find(name) !== undefined,
  now,
});

export const updateAccount: ManagementHandler<typeof api.updateAccount> = async (request, services) => {
  const { params, body, baseUrl, now } = request;
  const { settings, ids, clock } = services;
  const account = await services.store.decide(async (read) => {
    const before = await namedAccount(read, params, "there");
    const after: BatchAccount = {
      ...before,
      ...(body.tags === undefined ? {} : { tags: checkTags(body.tags) }),
      ...(body.identity === undefined
        ? {}
        : { identity: checkedIdentity(body.identity, before.identity, { subscriptionId: settings.subscriptionId, newId: ids.guid }) }),
      settings: changedSettings(before.settings, body.properties ?? {}, surroundings(services, now)),
      modified: clock.stamp(),
    };
    return { writes: store.saveAccount(after), result: after };
  });
  await services.accounts.reload(account.name);
  return { body: await accountView(account, baseUrl, services), modified: account.modified };
};

/** From the answer on nobody uses the account any more; the poll says when it is gone. */
export const deleteAccount: ManagementHandler<typeof api.deleteAccount> = async (request, services) => {
  const { params } = request;
  const { ids, clock, settings } = services;
  const gone = await services.store.decide(async (read) => {
    const account = await findAccount(read, params);
    if (account === undefined) return { writes: [], result: undefined };
    const id = `${account.name}-${ids.guid()}`;
    const operation = begun({ id, kind: "BatchAccount_Delete", resourceId: deletionKey(account.id), startedAt: clock.now() });
    return { writes: [...leavingAccount(account, clock), ...insertAsyncOperation(operation)], result: { account, id } };
  });
  if (gone === undefined) return { status: 204 };
  await accountLeaves(gone.account, services);
  const path = `/subscriptions/${settings.subscriptionId}/providers/Microsoft.Batch/locations/${gone.account.location}/accountOperationResults/${gone.id}`;
  return { status: 202, headers: { Location: resultUrl(request, path), ...retryAfter } };
};

/** The rows of an account that is to go; none for one that goes already. To be followed by `accountLeaves` once they are committed. */
export const leavingAccount = (account: BatchAccount, clock: ManagementServices["clock"]): Write[] =>
  account.provisioningState === "Deleting" ? [] : store.saveAccount({ ...account, provisioningState: "Deleting", modified: clock.stamp() });

export const accountLeaves = async ({ id, name }: BatchAccount, { accounts, wake }: ManagementServices): Promise<void> => {
  await accounts.reload(name);
  wake.account(id);
};

export const getAccount: ManagementHandler<typeof api.getAccount> = async ({ params, baseUrl }, services) =>
  shown(await namedAccount(services.store, params), baseUrl, services);

const shown = async (account: BatchAccount, baseUrl: string, services: ManagementServices): Promise<Reply> => ({
  body: await accountView(account, baseUrl, services),
  modified: account.modified,
});

export const listAccounts: ManagementHandler<typeof api.listAccounts> = async ({ baseUrl }, services) => ({
  items: await Promise.all((await store.listAccounts(services.store)).map((account) => accountView(account, baseUrl, services))),
});

export const listAccountsOfGroup: ManagementHandler<typeof api.listAccountsOfGroup> = async ({ params, baseUrl }, services) => {
  const accounts = await store.listAccountsOfGroup(services.store, params.resourceGroupName);
  return { items: await Promise.all(accounts.map((account) => accountView(account, baseUrl, services))) };
};

export const getAccountOperationResult: ManagementHandler<typeof api.getAccountOperationResult> = async (request, services) => {
  const { params, baseUrl } = request;
  const account = await namedAccount(services.store, params);
  const operation = await getAsyncOperation(services.store, params.operationId.toLowerCase());
  const isOfAccount = operation?.resourceId === childId(services.settings, account).toLowerCase();
  if (!isOfAccount || operation.kind !== "BatchAccount_Create")
    throw noResource(`${accountType}/operationResults`, `${account.name}/${params.operationId}`, account.resourceGroup);
  return shown(account, baseUrl, services);
};

/** 200 without a body once the account is gone. */
export const getAccountDeletionResult: ManagementHandler<typeof api.getAccountDeletionResult> = async (request, services) => {
  const { operationId, locationName } = request.params;
  const operation = await getAsyncOperation(services.store, operationId.toLowerCase());
  if (operation?.kind !== "BatchAccount_Delete") {
    const message = `The operation '${operationId.slice(0, 90)}' could not be found in the location '${locationName.slice(0, 90)}'.`;
    throw new ApiError("ResourceNotFound", [], message);
  }
  if (operation.status !== "InProgress") return { status: 200 };
  const { subscriptionId } = services.settings;
  const path = `/subscriptions/${subscriptionId}/providers/Microsoft.Batch/locations/${locationName}/accountOperationResults/${operation.id}`;
  return { status: 202, headers: { Location: resultUrl(request, path), ...retryAfter } };
};
