// What a bearer token says and what it is checked for: the words that both planes share. How a token is checked is in verify-token.ts, whose
// keys are an external issuer's (external-issuer.ts) or our own (src/identity); what a refusal looks like on the wire is each plane's.
import type { Instant } from "../lib/clock.ts";
import { withoutTrailingSlashes } from "../lib/slashes.ts";

export type Role = "owner" | "contributor" | "reader";

/** Who shows a token. */
export type Caller = { objectId: string; clientId: string; tenantId: string; role: Role; name: string };

/** What a token is for: Azure Resource Manager, or the Batch data plane. */
export type Audience = "management" | "batch";

export interface TokenVerifier {
  /**
   * Checks signature, issuer, audience and times. `ownUrls` are the https addresses of this server as the client called it: also an
   * audience of the management plane. Rejects with TokenRefused and nothing else.
   */
  verify(token: string, audience: Audience, ownUrls: readonly string[]): Promise<Caller>;
}

export type RefusalReason = "malformed" | "signature" | "issuer" | "audience" | "expired" | "notYetValid" | "noRole";

/** What the planes' messages need of a refused token; whatever is not known of it is left out. Never the token itself. */
export type RefusalDetails = {
  /** With "expired" and "notYetValid". */
  readonly expiresAt?: Instant;
  readonly validFrom?: Instant;
  readonly now?: Instant;
  /** What the token is for, as it says so: of one whose signature is good. */
  readonly audiences?: readonly string[];
  /** With "audience": what it could have been for. */
  readonly allowedAudiences?: readonly string[];
  /** With "issuer". */
  readonly issuer?: string;
};

/** The token proves nothing, or (noRole) proves who may do nothing. The message is for people and tells no secret. */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
  readonly reason: RefusalReason;
  readonly details: RefusalDetails;

  constructor(reason: RefusalReason, message: string, details: RefusalDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.details = details;
  }
}

/** As the public cloud writes them. */
const published: Record<Audience, readonly string[]> = {
  management: ["https://management.core.windows.net/", "https://management.azure.com/"],
  batch: ["https://batch.core.windows.net/"],
};

/** What tokens for a plane may name. The list is part of the planes' messages, so its order is kept. */
export const audiencesOf = (audience: Audience, ownUrls: readonly string[] = []): string[] =>
  audience === "management" ? [...published.management, ...ownUrls] : [...published.batch];

/**
 * One spelling of an audience, to compare by: clients write them with and without trailing slashes, and hosts in any letter case.
 * Stricter than nothing, laxer than the service, which wants the slash as registered.
 */
export const canonicalAudience = (text: string): string => {
  const trimmed = withoutTrailingSlashes(text);
  const match = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)(.*)$/is.exec(trimmed);
  if (match === null) return trimmed;
  return match[1]!.toLowerCase().replace(/^(https:\/\/.*):443$/, "$1") + match[2]!;
};

/** Whether one of the audiences of a token is among the allowed. */
export const isAudience = (audiences: readonly string[], allowed: readonly string[]): boolean => {
  const wanted = new Set(allowed.map(canonicalAudience));
  return audiences.some((audience) => wanted.has(canonicalAudience(audience)));
};

/** The plane that an audience belongs to by its published name, if any. */
export const planeOfAudience = (text: string): Audience | undefined =>
  (["management", "batch"] as const).find((audience) => isAudience([text], published[audience]));
