// Removes the files of application packages of an account that goes. A storage account that is not there any more has taken them along.
import { StorageAccountMissing, type StorageAccounts } from "./accounts.ts";

type Container = { account: string; container: string };

export const packageFiles = (accounts: Pick<StorageAccounts, "deleteBlob" | "deleteContainer">) => ({
  remove: ({ account, container, name }: Container & { name: string }): Promise<void> =>
    unlessMissing(() => accounts.deleteBlob(account, container, name)),
  removeContainer: ({ account, container }: Container): Promise<void> => unlessMissing(() => accounts.deleteContainer(account, container)),
});

const unlessMissing = async (remove: () => Promise<void>): Promise<void> => {
  try {
    await remove();
  } catch (error) {
    if (!(error instanceof StorageAccountMissing)) throw error;
  }
};
