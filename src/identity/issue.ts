// What our own tokens say: access tokens, which verify anywhere on this server, id tokens, and refresh tokens, which are for the token
// endpoint alone. Deciding who gets which is grants.ts's.
import type { JWTPayload } from "jose";
import { JWTExpired } from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import type { Caller } from "../auth/tokens.ts";
import type { Clock } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import { OAuthRefusal } from "./refusals.ts";
import type { SigningKey } from "./signing-key.ts";

export type IssuerParts = {
  readonly issuer: string;
  readonly tenantId: string;
  readonly key: Promise<SigningKey>;
  readonly clock: Clock;
  readonly ids: Ids;
};

/** In seconds. */
export const tokenLifetime = 3600;
/** From the secret that was shown last; refreshing does not prolong it. Clients of an issuer like this have their secret at hand anyway. */
export const refreshLifetime = 24 * 3600;

/** In the header of each kind, so that none is taken for another. */
export const accessTokenType = "JWT";
const refreshTokenType = "refresh+jwt";

const seconds = (clock: Clock): number => Math.floor(clock.now() / 1000);

/** `audience` is the resource as the client asked for it. */
export const issueAccessToken = async (caller: Caller, audience: string, parts: IssuerParts): Promise<string> => {
  const now = seconds(parts.clock);
  const claims: JWTPayload = {
    iss: parts.issuer,
    aud: audience,
    iat: now,
    nbf: now,
    exp: now + tokenLifetime,
    tid: parts.tenantId,
    oid: caller.objectId,
    sub: caller.objectId,
    appid: caller.clientId,
    azp: caller.clientId,
    appidacr: "1",
    idtyp: "app",
    roles: [caller.role],
    ver: "1.0",
    uti: parts.ids.guid(),
  };
  return (await parts.key).sign(claims, accessTokenType);
};

/** Says who the client is, to the client. */
export const issueIdToken = async (caller: Caller, parts: IssuerParts): Promise<string> => {
  const now = seconds(parts.clock);
  const { issuer: iss, tenantId: tid } = parts;
  const { objectId, clientId: aud, name } = caller;
  const claims = { iss, aud, iat: now, nbf: now, exp: now + tokenLifetime, tid, oid: objectId, sub: objectId, name, ver: "2.0" };
  return (await parts.key).sign(claims, accessTokenType);
};

/** What a refresh token stands for. `since` is when the client showed its secret for the first of the line, in seconds since the epoch. */
export type Refresh = { readonly clientId: string; readonly resource: string; readonly since: number };

export const issueRefreshToken = async ({ clientId, resource, since }: Refresh, parts: IssuerParts): Promise<string> => {
  const claims = {
    iss: parts.issuer,
    aud: parts.issuer,
    iat: seconds(parts.clock),
    exp: since + refreshLifetime,
    since,
    resource,
    appid: clientId,
  };
  return (await parts.key).sign({ ...claims, jti: parts.ids.guid() }, refreshTokenType);
};

export const beginRefresh = (clientId: string, resource: string, parts: IssuerParts): Refresh => ({
  clientId,
  resource,
  since: seconds(parts.clock),
});

/** Throws invalid_grant for anything but a refresh token of ours that has not expired. */
export const readRefreshToken = async (token: string, parts: IssuerParts): Promise<Refresh> => {
  try {
    const { payload } = await jwtVerify<{ appid: string; resource: string; since: number }>(token, (await parts.key).publicKey, {
      algorithms: ["RS256"],
      typ: refreshTokenType,
      issuer: parts.issuer,
      audience: parts.issuer,
      requiredClaims: ["exp"],
      currentDate: new Date(parts.clock.now()),
    });
    return { clientId: payload.appid, resource: payload.resource, since: payload.since };
  } catch (error) {
    throw new OAuthRefusal(error instanceof JWTExpired ? "expiredRefreshToken" : "badRefreshToken");
  }
};
