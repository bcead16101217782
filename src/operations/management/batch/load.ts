// What handlers of Microsoft.Batch begin with: the account that the path names, and the id of what is below it.
import { ApiError } from "../../../api/errors.ts";
import type { BatchAccount } from "../../../domain/accounts.ts";
import { resourceIdOf } from "../../../domain/resource-ids.ts";
import { getAccountByName } from "../../../store/accounts.ts";
import type { Reader } from "../../../store/db.ts";
import type { ManagementSettings } from "../handler.ts";

export type AccountParameters = { readonly resourceGroupName: string; readonly accountName: string };

export const accountType = "Microsoft.Batch/batchAccounts";

/** ARM's words for a resource that is not there (seen in 2020 and 2024). `type` and `name` go into the text as the client wrote the name. */
export const noResource = (type: string, name: string, resourceGroup: string): ApiError =>
  new ApiError(
    "ResourceNotFound",
    [],
    `The Resource '${type}/${name.slice(0, 128)}' under resource group '${resourceGroup.slice(0, 90)}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );

/** Also one that is being deleted, which only accounts themselves show. */
export const findAccount = async (read: Reader, params: AccountParameters): Promise<BatchAccount | undefined> => {
  const account = await getAccountByName(read, params.accountName.toLowerCase());
  return account?.resourceGroup.toLowerCase() === params.resourceGroupName.toLowerCase() ? account : undefined;
};

/** For what is below an account. Throws ResourceNotFound, for an account that is going too. */
export const loadAccount = async (read: Reader, params: AccountParameters): Promise<BatchAccount> => {
  const account = await findAccount(read, params);
  if (account === undefined || account.provisioningState === "Deleting")
    throw noResource(accountType, params.accountName, params.resourceGroupName);
  return account;
};

/** The id of an account, or of what is below it: `childId(settings, account, "pools", "p")`. */
export const childId = (
  { subscriptionId }: Pick<ManagementSettings, "subscriptionId">,
  account: Pick<BatchAccount, "name" | "resourceGroup">,
  ...below: readonly string[]
): string => {
  const id = resourceIdOf({ subscriptionId, resourceGroup: account.resourceGroup, type: accountType, names: [account.name] });
  return [id, ...below].join("/");
};
