// Who asks the data plane: an account's name is always known, because the key, the token with the host, the token of a task, or the address
// names it.
import type { Role } from "./tokens.ts";

export type Principal = {
  accountId: number;
  accountName: string;
  /** How it proved itself. */
  by: "sharedKey" | "token" | "taskToken";
  /** A shared key may do everything, as a contributor may. */
  role: Role;
  /** The one job that a task may work on; absent where nothing of the account is out of reach. */
  scope?: { readonly jobUid: number; readonly jobId: string };
};
