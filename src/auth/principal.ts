// Who asks the data plane: an account's name is always known, because the key, the token with the host, or the address names it.
import type { Role } from "./tokens.ts";

export type Principal = {
  accountId: number;
  accountName: string;
  /** How it proved itself. */
  by: "sharedKey" | "token";
  /** A shared key may do everything, as a contributor may. */
  role: Role;
};
