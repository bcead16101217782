// What the operations on the keys of a Batch account do, and on those of its auto storage. Keys are in these answers and nowhere else: no log, no error.
import { ApiError } from "../../../api/errors.ts";
import type * as api from "../../../api/management/batch/accounts.ts";
import type { BatchAccount } from "../../../domain/accounts.ts";
import { accountKey } from "../../../lib/ids.ts";
import { saveAccount } from "../../../store/accounts.ts";
import type { ManagementHandler } from "../handler.ts";
import { namedAccount } from "./accounts.ts";

export const getKeys: ManagementHandler<typeof api.getKeys> = async ({ params }, { store }) => {
  const account = await namedAccount(store, params, "there");
  refuseWithoutSharedKey(account);
  return { body: keysView(account) };
};

/** The other key stays good, so that clients can be moved from one to the other. */
export const regenerateKey: ManagementHandler<typeof api.regenerateKey> = async ({ params, body }, services) => {
  const { ids, clock } = services;
  const account = await services.store.decide(async (read) => {
    const before = await namedAccount(read, params, "there");
    refuseWithoutSharedKey(before);
    const [primary, secondary] = before.keys;
    const fresh = accountKey(ids);
    const keys = body.keyName === "Primary" ? ([fresh, secondary] as const) : ([primary, fresh] as const);
    const after = { ...before, keys, modified: clock.stamp() };
    return { writes: saveAccount(after), result: after };
  });
  await services.accounts.reload(account.name);
  return { body: keysView(account) };
};

const keysView = ({ name, keys: [primary, secondary] }: BatchAccount) => ({ accountName: name, primary, secondary });

/** Code and words: unverified. */
const refuseWithoutSharedKey = ({ name, settings }: BatchAccount): void => {
  if (settings.allowedAuthenticationModes.includes("SharedKey")) return;
  throw new ApiError("SharedKeyNotAllowed", [], `Shared key is not an allowed authentication mode of the account '${name}'.`);
};

/** Nothing here keeps a copy of storage keys, so this only notes the time. Refusals: codes unverified, the condition is documented. */
export const synchronizeAutoStorageKeys: ManagementHandler<typeof api.synchronizeAutoStorageKeys> = async ({ params, now }, services) => {
  const name = await services.store.decide(async (read) => {
    const before = await namedAccount(read, params, "there");
    const { autoStorage } = before.settings;
    if (autoStorage === undefined)
      throw new ApiError("AutoStorageNotConfigured", [], `The account '${before.name}' has no auto storage account.`);
    if (autoStorage.authenticationMode !== "StorageKeys") {
      const message = "Keys can be synchronized only where the authentication mode of the auto storage account is StorageKeys.";
      throw new ApiError("OperationNotAllowed", [], message);
    }
    const settings = { ...before.settings, autoStorage: { ...autoStorage, lastKeySync: now } };
    return { writes: saveAccount({ ...before, settings, modified: services.clock.stamp() }), result: before.name };
  });
  await services.accounts.reload(name);
  return {};
};
