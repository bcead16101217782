// The door of the data plane: from a request to the account it may use, by shared key, by token or by the token of a task, from an address that
// the account lets in. The proofs themselves are shared-key.ts's, tokens.ts's and task-tokens.ts's; what an account allows is domain/accounts.ts's.
import { ApiError } from "../api/errors.ts";
import type { Method } from "../api/operation.ts";
import { type AccountSettings, type AuthenticationMode, admitsAddress } from "../domain/accounts.ts";
import type { Instant } from "../lib/clock.ts";
import type { Principal } from "./principal.ts";
import { type Account, type AccountDirectory, authenticateSharedKey, type SignedRequest, unauthorized } from "./shared-key.ts";
import type { TaskTokenDoor } from "./task-tokens.ts";
import { TokenRefused, type TokenVerifier } from "./tokens.ts";

export type OpenAccount = Account & {
  readonly settings: AccountSettings;
  /** The region, as the account was made with: a part of its host name. */
  readonly location: string;
};

export interface OpenAccounts extends AccountDirectory {
  find(name: string): OpenAccount | undefined;
  /** The one that the server's bare address belongs to. */
  first(): OpenAccount | undefined;
}

export type AccountDoor = {
  readonly accounts: OpenAccounts;
  /** Without one no token is good. */
  readonly tokens?: TokenVerifier;
  /** Without one no task's is. */
  readonly taskTokens?: TaskTokenDoor;
  /** The account that a host name begins with (`name.region.batch.domain`); undefined for the server's bare address. */
  accountOfHost(host: string): string | undefined;
};

export type From = { readonly remoteAddress: string | undefined; readonly baseUrl: string; readonly now: Instant };

/** Throws 401, 400 or 403 as the service does. Only a token makes it wait. */
export const authenticateAccount = (request: SignedRequest, from: From, door: AccountDoor): Principal | Promise<Principal> => {
  const header = request.headers.authorization;
  const token = typeof header === "string" ? /^Bearer +(\S+)\s*$/i.exec(header)?.[1] : undefined;
  if (token !== undefined)
    return door.taskTokens?.isOne(token) ? byTaskToken(token, from, door, door.taskTokens) : byToken(token, from, door);
  const { accountId, accountName } = authenticateSharedKey(request, door.accounts, from.now);
  checkHost("signature", accountName, from, door);
  const account = door.accounts.find(accountName)!;
  checkDoor(account.settings, "SharedKey", from);
  return { accountId, accountName, by: "sharedKey", role: "contributor" };
};

const byToken = async (token: string, from: From, door: AccountDoor): Promise<Principal> => {
  if (door.tokens === undefined) throw unauthorized("Access tokens are not accepted here. Sign the request with the account's shared key.");
  const caller = await door.tokens.verify(token, "batch", [from.baseUrl]).catch(refuseToken);
  const name = door.accountOfHost(hostOf(from.baseUrl));
  const account = name === undefined ? door.accounts.first() : door.accounts.find(name);
  if (account === undefined) throw refused("There is no such account.");
  checkDoor(account.settings, "AAD", from);
  return { accountId: account.id, accountName: account.name, by: "token", role: caller.role };
};

/** It names its account itself, as a signature does: tasks of every account are told the bare address. */
const byTaskToken = async (token: string, from: From, door: AccountDoor, taskTokens: TaskTokenDoor): Promise<Principal> => {
  const attempt = await taskTokens.verify(token).catch(refuseToken);
  const { accountId, accountName, jobUid, jobId } = attempt;
  const account = door.accounts.find(accountName);
  // Another account may have the name since.
  if (account?.id !== accountId) throw refused("There is no such account.");
  checkHost("token", accountName, from, door);
  checkDoor(account.settings, "TaskAuthenticationToken", from);
  if (!(await taskTokens.isCurrent(attempt))) throw unauthorized("The task that the access token was given to does not run any more.");
  return { accountId, accountName, by: "taskToken", role: "contributor", scope: { jobUid, jobId } };
};

const checkHost = (proof: string, accountName: string, from: From, door: AccountDoor): void => {
  const named = door.accountOfHost(hostOf(from.baseUrl));
  if (named !== undefined && named !== accountName) throw refused(`The account of the ${proof} is not the account of the host name.`);
};

/** Who has proved himself hears why he is not let in; nobody else does. */
const checkDoor = (settings: AccountSettings, mode: AuthenticationMode, from: From): void => {
  if (!settings.allowedAuthenticationModes.includes(mode)) {
    throw refused(`The specified type of authentication ${mode} is not allowed for this account.`);
  }
  if (!admitsAddress(settings, from.remoteAddress)) throw new ApiError("AuthorizationFailure");
};

/** A reader reads; everything else changes something or costs something. */
export const refuseReader = ({ role }: Pick<Principal, "role">, method: Method): void => {
  if (role === "reader" && method !== "GET" && method !== "HEAD") throw new ApiError("AuthorizationFailure");
};

/** The words about an audience are the service's own (reference: errors-and-http section 3.4). */
const refuseToken = (error: unknown): never => {
  if (!(error instanceof TokenRefused)) throw error;
  const { reason, message, details } = error;
  if (reason !== "audience") throw unauthorized(message);
  const [has, may] = [details.audiences ?? [], details.allowedAudiences ?? []];
  throw unauthorized(
    `The access token has been obtained from wrong audience or resource '${has.join(",").slice(0, 256)}'. It should exactly match (including forward slash) with one of the allowed audiences '${may.join(",")}'`,
  );
};

const refused = (detail: string): ApiError => new ApiError("AuthenticationFailed", [{ key: "AuthenticationErrorDetail", value: detail }]);

const hostOf = (baseUrl: string): string => baseUrl.slice(baseUrl.indexOf("//") + 2).replace(/:\d+$/, "");
