// Batch accounts as tests need them in the store and at the door of the data plane.
import type { AccountDoor } from "../../src/auth/account-door.ts";
import { type BatchAccount, defaultSettings } from "../../src/domain/accounts.ts";
import { accountOfHost } from "../../src/http/host-names.ts";

export const anAccount = (changes: Partial<Omit<BatchAccount, "id">> = {}): Omit<BatchAccount, "id"> => ({
  name: "account",
  keys: ["a2V5", "eHh4"],
  resourceGroup: "quern",
  location: "eastus",
  tags: {},
  identity: { type: "None" },
  settings: defaultSettings,
  provisioningState: "Succeeded",
  nodeManagementId: "11111111-2222-4333-8444-555555555555",
  createdAt: 1,
  modified: 1_000,
  generation: 0,
  ...changes,
});

/** A door with one account behind it. */
export const aDoor = (id: number, name: string, keys: readonly string[], changes: Partial<AccountDoor> = {}): AccountDoor => {
  const account = { id, name, keys, settings: defaultSettings, location: "eastus" };
  return {
    accounts: { find: (asked) => (asked === name ? account : undefined), first: () => account },
    accountOfHost: accountOfHost("localhost"),
    ...changes,
  };
};
