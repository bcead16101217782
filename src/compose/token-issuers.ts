// Whose tokens this server takes: its own issuer's, an external one's where the operator names it, and those of tasks. Part of the composition
// root.
import { createExternalVerifier } from "../auth/external-issuer.ts";
import type { TaskTokenDoor } from "../auth/task-tokens.ts";
import type { TokenVerifier } from "../auth/tokens.ts";
import { verifierByIssuer } from "../auth/verify-token.ts";
import type { Location } from "../cli/location.ts";
import type { StartOptions } from "../cli/options.ts";
import { readBody } from "../http/body.ts";
import { baseUrlOf } from "../http/headers.ts";
import { type ClientSettings, keptClient } from "../identity/clients.ts";
import { createIdentity, type Identity } from "../identity/identity.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import type { Reader } from "../store/db.ts";
import { isCurrentAttempt } from "../store/tasks.ts";

export type TokenIssuers = {
  readonly identity: Identity;
  readonly verifier: TokenVerifier;
  /** Both kinds, as the door of the data plane takes them. */
  readonly proofs: { readonly tokens: TokenVerifier; readonly taskTokens: TaskTokenDoor };
  /** Where clients are told to sign in: below the address that they called, or at the external issuer where only that is used. */
  authorityOf(baseUrl: string): string;
  /** Shown in the ready file; absent where every client is at an external issuer. */
  readonly firstClient?: ClientSettings;
};

export type TokenIssuerParts = {
  readonly location: Pick<Location, "identity">;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Knows which attempts run. */
  readonly store: Reader;
};

export const tokenIssuers = (options: StartOptions, { location, clock, ids, log, store }: TokenIssuerParts): TokenIssuers => {
  const directory = location.identity;
  const clients: readonly ClientSettings[] = options.clients === "kept" ? [keptClient(directory, ids)] : options.clients;
  const identity = createIdentity({
    clock,
    ids,
    log: log.child({ part: "identity" }),
    directory,
    tenantId: options.tenant,
    clients,
    baseUrlOf,
    readBody: (request, response, limit) => readBody(request, response, limit, clock),
  });
  const own = { issuer: identity.issuer, verifier: identity.verifier };
  const { externalIssuer } = options;
  const external =
    externalIssuer === undefined
      ? []
      : [
          {
            issuer: externalIssuer.issuer,
            verifier: createExternalVerifier({
              settings: externalIssuer,
              tenantId: options.tenant,
              clock,
              log: log.child({ part: "oidc" }),
            }),
          },
        ];
  const firstClient = clients[0];
  const authorityOf = (baseUrl: string): string =>
    firstClient === undefined && externalIssuer !== undefined ? externalIssuer.issuer : `${baseUrl}/adfs`;
  const verifier = verifierByIssuer([own, ...external]);
  const taskTokens: TaskTokenDoor = { ...identity.taskTokens, isCurrent: (attempt) => isCurrentAttempt(store, attempt) };
  const proofs = { tokens: verifier, taskTokens };
  return { identity, verifier, proofs, authorityOf, ...(firstClient === undefined ? {} : { firstClient }) };
};
