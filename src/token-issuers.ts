// Whose tokens this server takes: its own issuer's, and an external one's where the operator names it. Part of the composition root.
import { createExternalVerifier } from "./auth/external-issuer.ts";
import type { TokenVerifier } from "./auth/tokens.ts";
import { verifierByIssuer } from "./auth/verify-token.ts";
import type { Location } from "./cli/location.ts";
import type { StartOptions } from "./cli/options.ts";
import { readBody } from "./http/body.ts";
import { baseUrlOf } from "./http/headers.ts";
import { type ClientSettings, keptClient } from "./identity/clients.ts";
import { createIdentity, type Identity } from "./identity/identity.ts";
import type { Clock } from "./lib/clock.ts";
import type { Ids } from "./lib/ids.ts";
import type { Log } from "./lib/log.ts";

export type TokenIssuers = {
  readonly identity: Identity;
  readonly verifier: TokenVerifier;
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
};

export const tokenIssuers = (options: StartOptions, { location, clock, ids, log }: TokenIssuerParts): TokenIssuers => {
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
  return { identity, verifier: verifierByIssuer([own, ...external]), authorityOf, ...(firstClient === undefined ? {} : { firstClient }) };
};
