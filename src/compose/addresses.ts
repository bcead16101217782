// Under which addresses and names a start goes: what its URLs are, and whether it must insist on its own names.

import { wellKnownClient } from "../cli/identity-options.ts";
import { isLoopback, type StartOptions, wellKnownAccount } from "../cli/options.ts";
import type { ManagementSettings } from "../operations/management/handler.ts";

export const authority = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** An agent on this machine cannot dial "every address". */
export const reachable = (url: string, host: string): string =>
  host === "0.0.0.0" ? url.replace("0.0.0.0", "127.0.0.1") : host === "::" ? url.replace("[::]", "[::1]") : url;

/** Anybody can sign with a published key, so on loopback it must be known that it is not a page of the web that speaks. */
export const needsOwnNames = ({ host, accounts, clients, storage }: StartOptions): boolean =>
  isLoopback(host) &&
  (storage.mode === "embedded" ||
    accounts.some(({ key }) => key === wellKnownAccount.key) ||
    (clients !== "kept" && clients.some(({ secret }) => secret === wellKnownClient.secret)));

export const managementSettings = ({
  subscription,
  tenant,
  resourceGroup,
  region,
  domain,
  accounts,
}: StartOptions): ManagementSettings => ({
  subscriptionId: subscription,
  subscriptionName: "Quern",
  tenantId: tenant,
  resourceGroup,
  region,
  domain,
  firstAccount: accounts[0]!.name,
});
