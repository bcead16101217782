// Tokens of an external OpenID Connect issuer (Entra, Keycloak, Dex, a CI system): which are taken, for which plane, and what role their
// holders have. It issues nothing and calls nobody but for the issuer's keys.
import type { JWTPayload } from "jose";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { createRemoteKeys } from "./remote-keys.ts";
import { type Audience, type Caller, planeOfAudience, type Role, type TokenVerifier } from "./tokens.ts";
import { createVerifier } from "./verify-token.ts";

export type ExternalIssuer = {
  /** Exactly as its tokens have it in `iss`. */
  readonly issuer: string;
  /** What its tokens for this server name in `aud`: at least one. */
  readonly audiences: readonly string[];
  readonly jwksUrl?: string;
  /** The claim that tells what its holder may do: by name, or by path in nested claims (`realm_access.roles`). */
  readonly roleClaim: string;
  /** Which role a value of that claim gives. */
  readonly roles: ReadonlyMap<string, Role>;
};

export type ExternalIssuerOptions = {
  readonly settings: ExternalIssuer;
  /** For callers whose tokens name no tenant. */
  readonly tenantId: string;
  readonly clock: Clock;
  readonly log: Log;
  /** For tests; the global fetch otherwise. */
  readonly fetch?: typeof globalThis.fetch;
};

const asymmetric = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];

export const createExternalVerifier = (options: ExternalIssuerOptions): TokenVerifier => {
  const { settings, clock, log } = options;
  return createVerifier({
    issuer: settings.issuer,
    algorithms: asymmetric,
    key: createRemoteKeys({
      issuer: settings.issuer,
      clock,
      log,
      ...(settings.jwksUrl === undefined ? {} : { jwksUrl: settings.jwksUrl }),
      ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    }),
    allowedAudiences: (audience) => allowedAudiences(settings.audiences, audience),
    callerOf: (claims) => callerOf(claims, settings, options.tenantId),
    clock,
  });
};

/**
 * A name that Azure publishes for one plane counts for that plane, any other for both. The address of this server does not count by itself, as it
 * does for our own tokens: it is what the client says it is, so a token meant for someone else's address would pass.
 */
const allowedAudiences = (configured: readonly string[], audience: Audience): string[] =>
  configured.filter((text) => (planeOfAudience(text) ?? audience) === audience);

const callerOf = (claims: JWTPayload, settings: ExternalIssuer, tenantId: string): Caller | undefined => {
  const role = strongestRole(claimAt(claims, settings.roleClaim), settings.roles);
  if (role === undefined) return undefined;
  const text = (...names: string[]): string | undefined =>
    names.map((name) => claims[name]).find((value): value is string => typeof value === "string" && value !== "");
  const clientId = text("appid", "azp", "client_id") ?? "";
  const objectId = text("oid", "sub") ?? clientId;
  return {
    objectId,
    clientId,
    tenantId: text("tid") ?? tenantId,
    role,
    name: text("name", "preferred_username", "upn", "email", "app_displayname") ?? (clientId || objectId),
  };
};

/** A claim of just this name first: some are URLs, with dots in them. */
const claimAt = (claims: JWTPayload, path: string): unknown =>
  Object.hasOwn(claims, path) ? claims[path] : path.split(".").reduce<unknown>(memberOf, claims);

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;

const byStrength = ["owner", "contributor", "reader"] as const;

/** The claim is a list, or a text with spaces between values as OAuth's scopes are. */
const strongestRole = (value: unknown, roles: ReadonlyMap<string, Role>): Role | undefined => {
  const values = typeof value === "string" ? [value, ...value.split(" ")] : Array.isArray(value) ? value : [];
  const given = new Set(values.map((item) => (typeof item === "string" ? roles.get(item) : undefined)));
  return byStrength.find((role) => given.has(role));
};
