// Batch accounts: what one is, and who may come in by which door. Pure.
import { BlockList, isIPv4 } from "node:net";
import type { Instant, Stamp } from "../lib/clock.ts";

export const authenticationModes = ["SharedKey", "AAD", "TaskAuthenticationToken"] as const;
export type AuthenticationMode = (typeof authenticationModes)[number];

export type IpRule = { action: "Allow"; value: string };
export type EndpointAccess = { defaultAction: "Allow" | "Deny"; ipRules?: readonly IpRule[] };

/** What the management plane may set, in its own spelling. Properties that answers compute are not here. */
export type AccountSettings = {
  poolAllocationMode: "BatchService" | "UserSubscription";
  keyVaultReference?: { id: string; url: string };
  publicNetworkAccess: "Enabled" | "Disabled" | "SecuredByPerimeter";
  networkProfile?: { accountAccess?: EndpointAccess; nodeManagementAccess?: EndpointAccess };
  encryption: { keySource: "Microsoft.Batch" | "Microsoft.KeyVault"; keyVaultProperties?: { keyIdentifier?: string } };
  allowedAuthenticationModes: readonly AuthenticationMode[];
  autoStorage?: AutoStorage;
};

export type AutoStorage = {
  storageAccountId: string;
  authenticationMode: "StorageKeys" | "BatchAccountManagedIdentity";
  nodeIdentityReference?: { resourceId?: string };
  lastKeySync: Instant;
};

export type AccountIdentity = {
  type: "None" | "SystemAssigned" | "UserAssigned";
  /** Of a system-assigned one: made with the account. */
  principalId?: string;
  /** Resource ids in the case in which they were given. */
  userAssignedIdentities?: readonly string[];
};

export type BatchAccount = {
  id: number;
  /** Lower-case letters and digits: the endpoint's host begins with it, so it is unique on the server. */
  name: string;
  /** Primary, then secondary; base64. */
  keys: readonly [string, string];
  /** In the case of its creation; compared without. */
  resourceGroup: string;
  /** Normalised: lower case without blanks. */
  location: string;
  tags: Readonly<Record<string, string>>;
  identity: AccountIdentity;
  settings: AccountSettings;
  provisioningState: "Succeeded" | "Deleting";
  /** The first part of the nodeManagementEndpoint. */
  nodeManagementId: string;
  createdAt: Instant;
  modified: Stamp;
  generation: number;
};

export const defaultSettings: AccountSettings = {
  poolAllocationMode: "BatchService",
  publicNetworkAccess: "Enabled",
  encryption: { keySource: "Microsoft.Batch" },
  allowedAuthenticationModes: authenticationModes,
};

/** The name of an account that is still being deleted where another of its name is there already; no request can name it. */
export const nameOfRemains = ({ name, id }: Pick<BatchAccount, "name" | "id">): string => `${name}~${id}`;
export const nameBefore = (name: string): string => name.replace(/~.*$/, "");

/** By what the long-running operations of its deletion are kept: its name may be another account's before they end. */
export const deletionKey = (accountId: number): string => `deletion of account ${accountId}`;

/** An IPv4 address, or a range of them in CIDR notation. */
export const isIpRule = (value: string): boolean => {
  const [address = "", prefix, ...rest] = value.split("/");
  return isIPv4(address) && rest.length === 0 && (prefix === undefined || (/^\d{1,2}$/.test(prefix) && Number(prefix) <= 32));
};

/** Addresses of IPv4 clients arrive as `::ffff:10.1.2.3` where the server listens on both. */
const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, "");

/** The addresses that rules name, made once for each list of rules: with them every request of the data plane asks. */
const listOf = (rules: readonly IpRule[]): BlockList => {
  const known = lists.get(rules);
  if (known !== undefined) return known;
  const list = new BlockList();
  for (const { value } of rules) {
    const [base, prefix] = value.split("/");
    if (prefix === undefined) list.addAddress(base!, "ipv4");
    else list.addSubnet(base!, Number(prefix), "ipv4");
  }
  lists.set(rules, list);
  return list;
};
const lists = new WeakMap<readonly IpRule[], BlockList>();
const noRules: readonly IpRule[] = [];

/**
 * Whether a client at an address may use the account's endpoint. Private endpoints, which rules do not touch, do not exist on this side of a wire:
 * every address is public here. So nobody comes in where public access is disabled. Where the account is secured by a perimeter, that is this
 * server's own: whoever the rules name comes in and nobody else, whatever the default action says.
 */
export const admitsAddress = ({ publicNetworkAccess, networkProfile }: AccountSettings, address: string | undefined): boolean => {
  if (publicNetworkAccess === "Disabled") return false;
  const access = networkProfile?.accountAccess;
  if (publicNetworkAccess === "Enabled" && (access === undefined || access.defaultAction === "Allow")) return true;
  if (address === undefined) return false;
  const plain = plainAddress(address);
  return isIPv4(plain) && listOf(access?.ipRules ?? noRules).check(plain, "ipv4");
};
