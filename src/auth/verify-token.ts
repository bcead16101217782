// Checks a token by the rules of one issuer, and remembers what it has checked until it expires, so that a client that shows the same token
// with each request pays for its signature once. Knows no issuer: keys, audiences and roles come from whoever makes the verifier.
import { hash } from "node:crypto";
import type { JWTPayload } from "jose";
import * as errors from "jose/errors";
import { decodeJwt } from "jose/jwt/decode";
import { type JWTVerifyGetKey, jwtVerify } from "jose/jwt/verify";
import type { Clock, Instant } from "../lib/clock.ts";
import { type Audience, type Caller, isAudience, type RefusalDetails, TokenRefused, type TokenVerifier } from "./tokens.ts";

export type TokenRules = {
  readonly issuer: string;
  /** Asymmetric ones only: a public key must never pass for the secret of an HMAC. */
  readonly algorithms: readonly string[];
  /** What the header must give as its type; without it any will do. */
  readonly type?: string;
  /** The public key that a token's header asks for. What it throws is a refusal; it may throw TokenRefused itself. */
  readonly key: JWTVerifyGetKey;
  /** What a token for a plane may name. */
  allowedAudiences(audience: Audience, ownUrls: readonly string[]): string[];
  /** Whom the claims of a good token name; undefined when they give no role here. */
  callerOf(claims: JWTPayload): Caller | undefined;
  readonly clock: Clock;
};

/** How far two clocks may be apart: a token is taken so much before it begins and after it ends. */
export const allowedTokenSkewMs = 60_000;

/** In characters. Entra's tokens with many groups have some thousand. */
const longestToken = 16_384;
/** Each costs some hundred bytes; a client uses one for an hour. */
const remembered = 2_000;

type Checked = { caller: Caller; audiences: readonly string[]; validFrom: Instant; expiresAt: Instant };

export const createVerifier = (rules: TokenRules): TokenVerifier => {
  const known = new Map<string, Checked>();

  const remember = (digest: string, checked: Checked): void => {
    // The oldest goes first: it is the next to expire, give or take.
    if (known.size >= remembered) known.delete(known.keys().next().value!);
    known.set(digest, checked);
  };

  return {
    verify: async (token, audience, ownUrls) => {
      if (token.length > longestToken) throw new TokenRefused("malformed", "The access token is too long.");
      // By digest, so that the memory of a process does not hold tokens.
      const digest = hash("sha256", token, "base64");
      const now = rules.clock.now();
      let checked = known.get(digest);
      if (checked !== undefined && !isCurrent(checked, now)) {
        known.delete(digest);
        checked = undefined;
      }
      if (checked === undefined) {
        checked = await check(token, rules, now);
        remember(digest, checked);
      }
      const allowed = rules.allowedAudiences(audience, ownUrls);
      if (!isAudience(checked.audiences, allowed)) throw wrongAudience(checked.audiences, allowed);
      return checked.caller;
    },
  };
};

const isCurrent = ({ validFrom, expiresAt }: Checked, now: Instant): boolean =>
  now < expiresAt + allowedTokenSkewMs && now >= validFrom - allowedTokenSkewMs;

/** In the data plane's own words (seen in user reports); Resource Manager says the same with its own preposition. */
const wrongAudience = (audiences: readonly string[], allowed: readonly string[]): TokenRefused =>
  new TokenRefused(
    "audience",
    `The access token has been obtained from wrong audience or resource '${audiences.join(",").slice(0, 1024)}'. ` +
      `It should exactly match (including forward slash) with one of the allowed audiences ${allowed.map((one) => `'${one}'`).join(",")}.`,
    { audiences, allowedAudiences: allowed },
  );

/** Everything but the audience, which depends on who asks. */
const check = async (token: string, rules: TokenRules, now: Instant): Promise<Checked> => {
  let claims: JWTPayload;
  try {
    ({ payload: claims } = await jwtVerify(token, rules.key, {
      algorithms: [...rules.algorithms],
      issuer: rules.issuer,
      requiredClaims: ["exp", "aud"],
      currentDate: new Date(now),
      clockTolerance: allowedTokenSkewMs / 1000,
      ...(rules.type === undefined ? {} : { typ: rules.type }),
    }));
  } catch (error) {
    throw refusalOf(error, now);
  }
  const caller = rules.callerOf(claims);
  if (caller === undefined) throw new TokenRefused("noRole", "The access token gives its holder no role here.", detailsOf(claims));
  return { caller, audiences: audiencesIn(claims), validFrom: (claims.nbf ?? 0) * 1000, expiresAt: claims.exp! * 1000 };
};

const audiencesIn = ({ aud }: JWTPayload): string[] => [aud ?? []].flat().filter((value) => typeof value === "string");

const detailsOf = (claims: JWTPayload): RefusalDetails => ({
  audiences: audiencesIn(claims),
  ...(typeof claims.exp === "number" ? { expiresAt: claims.exp * 1000 } : {}),
  ...(typeof claims.nbf === "number" ? { validFrom: claims.nbf * 1000 } : {}),
  ...(typeof claims.iss === "string" ? { issuer: claims.iss } : {}),
});

/** jose checks the signature before any claim, so claims in its errors are the issuer's own words. */
const refusalOf = (error: unknown, now: Instant): TokenRefused => {
  if (error instanceof TokenRefused) return error;
  const options = { cause: error };
  if (error instanceof errors.JWTExpired)
    return new TokenRefused("expired", "The access token has expired.", { ...detailsOf(error.payload), now }, options);
  if (error instanceof errors.JWTClaimValidationFailed) {
    const details = { ...detailsOf(error.payload), now };
    if (error.claim === "iss") return new TokenRefused("issuer", "The access token is from another issuer.", details, options);
    if (error.claim === "nbf" && error.reason === "check_failed")
      return new TokenRefused("notYetValid", "The access token is not valid yet.", details, options);
    return new TokenRefused("malformed", `The access token's claim ${error.claim} is missing or wrong.`, details, options);
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid)
    return new TokenRefused("malformed", "The access token is not a signed JSON Web Token.", {}, options);
  // A signature that does not fit, an algorithm that is not taken, a key that nobody knows, a key that fits no algorithm.
  return new TokenRefused("signature", "The access token's signature cannot be verified.", {}, options);
};

/** Of several issuers, the one that the token names; whether it is really from there is then checked by that one's rules. */
export const verifierByIssuer = (verifiers: readonly { readonly issuer: string; readonly verifier: TokenVerifier }[]): TokenVerifier => {
  const [only] = verifiers;
  if (verifiers.length === 1 && only !== undefined) return only.verifier;
  const byIssuer = new Map(verifiers.map(({ issuer, verifier }) => [issuer, verifier]));
  return {
    verify: async (token, audience, ownUrls) => {
      if (token.length > longestToken) throw new TokenRefused("malformed", "The access token is too long.");
      const issuer = claimedIssuer(token);
      const verifier = byIssuer.get(issuer ?? "");
      if (verifier !== undefined) return verifier.verify(token, audience, ownUrls);
      throw new TokenRefused("issuer", "The access token is from another issuer.", issuer === undefined ? {} : { issuer });
    },
  };
};

const claimedIssuer = (token: string): string | undefined => {
  try {
    const { iss } = decodeJwt(token);
    return typeof iss === "string" ? iss.slice(0, 1024) : undefined;
  } catch (error) {
    throw new TokenRefused("malformed", "The access token is not a signed JSON Web Token.", {}, { cause: error });
  }
};
