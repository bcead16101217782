// The public keys of an external issuer, fetched when a token needs them and kept. A fetch is bounded in time and size, there is one at a time,
// and an issuer that cannot be reached is asked again only after a while: tokens are refused meanwhile, requests never fail otherwise.
import type { JSONWebKeySet, JWTHeaderParameters } from "jose";
import { JWKSMultipleMatchingKeys, JWKSNoMatchingKey } from "jose/errors";
import { createLocalJWKSet, type LocalJWKSet } from "jose/jwks/local";
import type { JWTVerifyGetKey } from "jose/jwt/verify";
import type { Clock, Instant } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";

export type RemoteKeysOptions = {
  readonly issuer: string;
  /** Where the keys are; without it the issuer's discovery document tells. */
  readonly jwksUrl?: string;
  readonly clock: Clock;
  readonly log: Log;
  /** For tests; the global fetch otherwise. */
  readonly fetch?: typeof globalThis.fetch;
};

const fetchWithinMs = 5_000;
const largestDocument = 1024 * 1024;
/** Keys this old are asked for again when next needed; until then a key that was withdrawn still counts. */
const freshForMs = 10 * 60_000;
/** Keys this old count no more, however long the issuer stays away. */
const usableForMs = 24 * 3_600_000;
/** Between two questions about keys that we do not have: whoever makes up key ids must not make us a flood. */
const askAgainAfterMs = 30_000;
/** The same while there are no keys at all: an issuer that starts together with us is soon there. */
const retryAfterMs = 5_000;

/** Finds the key of a token's header. Rejects when there is none, or when the issuer cannot be asked. */
export const createRemoteKeys = (options: RemoteKeysOptions): JWTVerifyGetKey => {
  const { clock, log } = options;
  let keys: { find: LocalJWKSet; fetchedAt: Instant } | undefined;
  let askedAt: Instant | undefined;
  let asking: Promise<void> | undefined;

  const ask = (): Promise<void> => {
    if (asking !== undefined) return asking;
    askedAt = clock.now();
    asking = fetchKeys(options)
      .then(
        (set) => {
          keys = { find: createLocalJWKSet(set), fetchedAt: clock.now() };
        },
        (error: unknown) => log.warn({ issuer: options.issuer, error }, "the keys of the issuer of tokens cannot be read"),
      )
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
  const mayAsk = (): boolean =>
    asking !== undefined || askedAt === undefined || clock.now() - askedAt >= (keys === undefined ? retryAfterMs : askAgainAfterMs);
  const ageMs = (): number => (keys === undefined ? Number.POSITIVE_INFINITY : clock.now() - keys.fetchedAt);

  return async (header, token) => {
    if (ageMs() >= freshForMs && mayAsk()) await ask();
    if (keys === undefined || ageMs() >= usableForMs) throw new Error(`the keys of ${options.issuer} could not be read`);
    try {
      return await keyFor(keys.find, header, token);
    } catch (error) {
      if (!(error instanceof JWKSNoMatchingKey) || !mayAsk()) throw error;
    }
    await ask();
    return keyFor(keys.find, header, token);
  };
};

/**
 * A token without a key id fits every key of its algorithm. It is then refused unless there is one: issuers with several keys name them, and
 * trying all would let a stranger choose how much work a token makes.
 */
const keyFor = async (find: LocalJWKSet, header: JWTHeaderParameters, token: Parameters<LocalJWKSet>[1]) => {
  try {
    return await find(header, token);
  } catch (error) {
    if (error instanceof JWKSMultipleMatchingKeys) throw new Error("several keys fit the token, and it names none", { cause: error });
    throw error;
  }
};

const fetchKeys = async (options: RemoteKeysOptions): Promise<JSONWebKeySet> => {
  const url = options.jwksUrl ?? (await discoveredUrl(options));
  const document = await fetchJson(url, options);
  if (!Array.isArray(document.keys)) throw new Error(`${url} answered something else than a key set`);
  return document as unknown as JSONWebKeySet;
};

const discoveredUrl = async (options: RemoteKeysOptions): Promise<string> => {
  const { issuer } = options;
  const url = `${issuer.endsWith("/") ? issuer.slice(0, -1) : issuer}/.well-known/openid-configuration`;
  const document = await fetchJson(url, options);
  // OpenID Connect Discovery 1.0, 4.3: a document of another issuer proves nothing.
  if (document.issuer !== issuer) throw new Error(`${url} is of another issuer`);
  const found = document.jwks_uri;
  if (typeof found !== "string" || !URL.canParse(found)) throw new Error(`${url} names no jwks_uri`);
  if (new URL(found).protocol !== "https:" && new URL(found).protocol !== new URL(issuer).protocol)
    throw new Error(`${url} names a jwks_uri without https`);
  return found;
};

/** Throws when there is no answer in time, or another than a JSON object of bearable size. Redirections are not followed: the operator names the place. */
const fetchJson = async (url: string, { clock, fetch = globalThis.fetch }: RemoteKeysOptions): Promise<Record<string, unknown>> => {
  const gaveUp = new AbortController();
  const timer = clock.after(fetchWithinMs, () => gaveUp.abort(new Error(`${url} did not answer in time`)));
  try {
    const response = await fetch(url, { headers: { accept: "application/json" }, redirect: "error", signal: gaveUp.signal });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`${url} answered ${response.status}`);
    }
    const value: unknown = JSON.parse(await textOf(response, url));
    if (typeof value !== "object" || value === null) throw new Error(`${url} answered something else than an object`);
    return value as Record<string, unknown>;
  } finally {
    timer.cancel();
  }
};

const textOf = async (response: Response, url: string): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > largestDocument) throw new Error(`${url} answered more than ${largestDocument} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
};
