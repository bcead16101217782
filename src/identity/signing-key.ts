// The key that our own tokens are signed with: made on the first start, kept in the location, never anywhere else. Whoever holds it is everybody,
// so it is readable to its owner only and leaves this file as a function that signs.
import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { JWTPayload } from "jose";
import { SignJWT } from "jose/jwt/sign";
import { writeFileAtomically } from "../lib/processes.ts";

/** A file of this room is there and cannot be used; the message says which and what to do, and quotes nothing of it. */
export class IdentityUnreadable extends Error {
  override readonly name = "IdentityUnreadable";
}

export type SigningKey = {
  readonly id: string;
  readonly publicKey: KeyObject;
  /** The public half as a member of a JSON Web Key Set. */
  readonly jwk: Readonly<Record<string, unknown>>;
  /** A compact JWT; `type` goes into its header, so that one kind is never taken for another. */
  sign(claims: JWTPayload, type: string): Promise<string>;
};

/**
 * Loading takes a millisecond; making one 20 to 70 ms on another thread (measured), so the caller need not wait for it. Rejects with
 * IdentityUnreadable when the file holds something that is no RSA key: it may be an operator's own, and is not written over.
 */
export const ensureSigningKey = async (directory: string): Promise<SigningKey> => {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, "signing-key.pem");
  const kept = existsSync(file) ? readFileSync(file, "utf8") : "";
  // An empty file is what a power cut may leave of the first start.
  if (kept.trim() !== "") {
    chmodSync(file, 0o600);
    return signingKey(parsed(kept, file));
  }
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  writeFileAtomically(file, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  return signingKey(privateKey);
};

const parsed = (pem: string, file: string): KeyObject => {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048) return key;
  } catch {
    // Said below; the parser's own words may quote the file.
  }
  throw new IdentityUnreadable(
    `${file} holds no RSA key of at least 2048 bits. Remove it to have one made; tokens given out so far then end.`,
  );
};

const signingKey = (privateKey: KeyObject): SigningKey => {
  const publicKey = createPublicKey(privateKey);
  const id = createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64url");
  const { n, e } = publicKey.export({ format: "jwk" });
  return {
    id,
    publicKey,
    jwk: { kty: "RSA", use: "sig", alg: "RS256", kid: id, n, e },
    sign: (claims, type) => new SignJWT(claims).setProtectedHeader({ alg: "RS256", typ: type, kid: id }).sign(privateKey),
  };
};
