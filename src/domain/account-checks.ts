// What must hold of a Batch account that is made or changed, and the settings that follow from what a client sent. Pure; whether something else exists
// is asked through `Surroundings`.
import { ApiError, invalidBody, invalidProperty } from "../api/errors.ts";
import type { Infer } from "../api/fields.ts";
import type {
  BatchAccountCreateParameters,
  BatchAccountIdentity,
  BatchAccountUpdateParameters,
} from "../api/management/batch/account-models.ts";
import type { Instant } from "../lib/clock.ts";
import type { AccountIdentity, AccountSettings, AuthenticationMode, AutoStorage } from "./accounts.ts";
import { authenticationModes, defaultSettings, isIpRule } from "./accounts.ts";
import { parseResourceId, type ResourceId } from "./resource-ids.ts";

type CreateProperties = NonNullable<Infer<typeof BatchAccountCreateParameters>["properties"]>;
type UpdateProperties = NonNullable<Infer<typeof BatchAccountUpdateParameters>["properties"]>;
type Encryption = NonNullable<UpdateProperties["encryption"]>;

export type AccountSurroundings = {
  subscriptionId: string;
  /** Whether there is a storage account of the name. */
  hasStorage(name: string): boolean;
  now: Instant;
};

/** Why no account can have the name, in the words of checkNameAvailability (the length: seen; the characters: unverified). */
export const accountNameProblem = (name: string): string | undefined => {
  if (name.length < 3 || name.length > 24) return "Account name must be at least 3 characters and at most 24 characters.";
  return /^[a-z0-9]+$/.test(name) ? undefined : "Account name can only contain lowercase letters and numbers.";
};

/** Of a new account, or of one that a PUT sets anew: what is left out has its default. */
export const newSettings = (properties: CreateProperties, around: AccountSurroundings): AccountSettings => {
  const mode = properties.poolAllocationMode ?? "BatchService";
  checkKeyVault(mode, properties.keyVaultReference);
  const bare: AccountSettings = { ...defaultSettings, poolAllocationMode: mode, allowedAuthenticationModes: defaultModes(mode) };
  const { keyVaultReference } = properties;
  return changedSettings(keyVaultReference === undefined ? bare : { ...bare, keyVaultReference }, properties, around);
};

/** Each part that is given replaces the one before as a whole. */
export const changedSettings = (before: AccountSettings, change: UpdateProperties, around: AccountSurroundings): AccountSettings => {
  const { autoStorage, encryption, allowedAuthenticationModes, publicNetworkAccess, networkProfile } = change;
  for (const side of ["accountAccess", "nodeManagementAccess"] as const) checkRules(networkProfile?.[side]?.ipRules);
  const after: AccountSettings = {
    ...before,
    ...(publicNetworkAccess === undefined ? {} : { publicNetworkAccess }),
    ...(networkProfile === undefined ? {} : { networkProfile }),
    ...(encryption === undefined ? {} : { encryption: checkedEncryption(encryption) }),
    ...(allowedAuthenticationModes === undefined
      ? {}
      : { allowedAuthenticationModes: checkedModes(before.poolAllocationMode, allowedAuthenticationModes) }),
  };
  if (autoStorage === undefined) return after;
  const { autoStorage: _, ...rest } = after;
  return autoStorage.storageAccountId.trim() === "" ? rest : { ...rest, autoStorage: checkedAutoStorage(autoStorage, around) };
};

/** That the service takes shared keys of no account of the user's subscription is documented; so they are not among its modes. */
const defaultModes = (mode: AccountSettings["poolAllocationMode"]): readonly AuthenticationMode[] =>
  mode === "UserSubscription" ? authenticationModes.filter((one) => one !== "SharedKey") : authenticationModes;

/** In the service's order, each once. None at all locks everybody out, as it says. */
const checkedModes = (
  mode: AccountSettings["poolAllocationMode"],
  wanted: readonly AuthenticationMode[],
): readonly AuthenticationMode[] => {
  if (mode === "UserSubscription" && wanted.includes("SharedKey")) {
    const reason = "Shared key authentication is not available for accounts with the pool allocation mode UserSubscription.";
    throw invalidProperty("allowedAuthenticationModes", reason, "SharedKey");
  }
  return authenticationModes.filter((one) => wanted.includes(one));
};

/**
 * The code and the shape of the first are the service's (real-behaviours section 4), the words ours. A reference that another mode has no use for,
 * and one over http, are in examples of the official documents: they are kept.
 */
const checkKeyVault = (mode: AccountSettings["poolAllocationMode"], reference: AccountSettings["keyVaultReference"]): void => {
  if (mode === "UserSubscription" && reference === undefined)
    throw invalidBody("A key vault reference is required for accounts with the pool allocation mode UserSubscription.");
  if (reference === undefined) return;
  if (parseResourceId(reference.id)?.type.toLowerCase() !== "microsoft.keyvault/vaults")
    throw invalidLinkedId(reference.id, "properties.keyVaultReference.id");
  if (!/^https?:\/\/[^/\s]+\/?$/i.test(reference.url))
    throw invalidProperty("url", "The value must be the address of a key vault.", reference.url.slice(0, 256));
};

const checkRules = (rules: readonly { value: string }[] | undefined): void => {
  const bad = rules?.find(({ value }) => !isIpRule(value));
  if (bad !== undefined)
    throw invalidProperty("value", "The value must be an IPv4 address or a range of them in CIDR notation.", bad.value.slice(0, 256));
};

const checkedEncryption = ({ keySource = "Microsoft.Batch", keyVaultProperties }: Encryption): AccountSettings["encryption"] => {
  if (keySource === "Microsoft.Batch") {
    if (keyVaultProperties !== undefined)
      throw invalidProperty("keyVaultProperties", "The property can be specified only with the key source Microsoft.KeyVault.");
    return { keySource };
  }
  const keyIdentifier = keyVaultProperties?.keyIdentifier ?? "";
  if (!/^https:\/\/[^/\s]+\/keys\/[^/\s]+(\/[^/\s]+)?\/?$/i.test(keyIdentifier))
    throw invalidProperty("keyIdentifier", "The value must be the https address of a key in a key vault.", keyIdentifier.slice(0, 256));
  return { keySource, keyVaultProperties: { keyIdentifier } };
};

type WantedStorage = Omit<AutoStorage, "lastKeySync" | "authenticationMode"> & { authenticationMode?: AutoStorage["authenticationMode"] };

/** The refusal of a storage account that is not there: code and words unverified. */
const checkedAutoStorage = (wanted: WantedStorage, { subscriptionId, hasStorage, now }: AccountSurroundings): AutoStorage => {
  const { storageAccountId, authenticationMode = "StorageKeys", nodeIdentityReference } = wanted;
  const id = linkedId(storageAccountId, "Microsoft.Storage/storageAccounts", "properties.autoStorage.storageAccountId", subscriptionId);
  if (!hasStorage(id.names[0]!)) {
    const reason = "The specified storage account cannot be found.";
    throw invalidProperty("storageAccountId", reason, storageAccountId.slice(0, 512));
  }
  return {
    storageAccountId,
    authenticationMode,
    ...(nodeIdentityReference === undefined ? {} : { nodeIdentityReference }),
    lastKeySync: now,
  };
};

/** Of a resource of the type in this subscription. Throws LinkedInvalidPropertyId and LinkedAuthorizationFailed. */
const linkedId = (text: string, type: string, path: string, subscriptionId: string): ResourceId => {
  const id = parseResourceId(text);
  if (id === undefined || id.type.toLowerCase() !== type.toLowerCase()) throw invalidLinkedId(text, path);
  if (id.subscriptionId.toLowerCase() !== subscriptionId.toLowerCase()) {
    const message = `The linked resource '${text.slice(0, 512)}' is not of the subscription '${subscriptionId}'.`;
    throw new ApiError("LinkedAuthorizationFailed", [], message);
  }
  return id;
};

/** Resource Manager's own words. */
const invalidLinkedId = (text: string, path: string): ApiError =>
  new ApiError(
    "LinkedInvalidPropertyId",
    [],
    `Property id '${text.slice(0, 512)}' at path '${path}' is invalid. Expect fully qualified resource Id that start with ` +
      "'/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.",
  );

/** A system-assigned identity stays the same as long as the account has one; `newId` makes that of a new one. */
export const checkedIdentity = (
  wanted: Infer<typeof BatchAccountIdentity> | undefined,
  before: AccountIdentity | undefined,
  { subscriptionId, newId }: { subscriptionId: string; newId: () => string },
): AccountIdentity => {
  const { type, userAssignedIdentities = {} } = wanted ?? { type: "None" as const };
  const ids = Object.keys(userAssignedIdentities);
  if (type !== "UserAssigned") {
    if (ids.length > 0) throw invalidProperty("userAssignedIdentities", "Identities can be listed only with the type UserAssigned.");
    return type === "None" ? { type } : { type, principalId: before?.principalId ?? newId() };
  }
  if (ids.length === 0) throw invalidProperty("userAssignedIdentities", "At least one identity must be listed with the type UserAssigned.");
  for (const id of ids) linkedId(id, "Microsoft.ManagedIdentity/userAssignedIdentities", "identity.userAssignedIdentities", subscriptionId);
  return { type, userAssignedIdentities: ids };
};
