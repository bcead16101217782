// What a token is checked for, one fault at a time, with a manual clock.
import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import type { JWTPayload } from "jose";
import { SignJWT } from "jose/jwt/sign";
import { ManualClock } from "../lib/clock.ts";
import { audiencesOf, canonicalAudience, planeOfAudience, type RefusalReason, TokenRefused } from "./tokens.ts";
import { createVerifier, type TokenRules, verifierByIssuer } from "./verify-token.ts";

const issuer = "https://issuer.test/";
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const management = "https://management.azure.com/";
const own = "https://quern.test:10020";

const verifierAt = (clock: ManualClock, rules: Partial<TokenRules> = {}) =>
  createVerifier({
    issuer,
    algorithms: ["RS256"],
    type: "JWT",
    key: async () => publicKey,
    allowedAudiences: audiencesOf,
    callerOf: ({ sub }) =>
      sub === "nobody" ? undefined : { objectId: sub!, clientId: "app", tenantId: "tenant", role: "reader", name: "a client" },
    clock,
    ...rules,
  });

const token = (
  clock: ManualClock,
  claims: JWTPayload = {},
  { key = privateKey, alg = "RS256", typ = "JWT" }: { key?: KeyObject; alg?: string; typ?: string } = {},
) => {
  const now = clock.now() / 1000;
  const all = { iss: issuer, aud: management, sub: "me", iat: now, nbf: now, exp: now + 3600, ...claims };
  return new SignJWT(JSON.parse(JSON.stringify(all))).setProtectedHeader({ alg, typ, kid: "k" }).sign(key);
};

const refused =
  (reason: RefusalReason, details: object = {}) =>
  (error: unknown) => {
    assert.ok(error instanceof TokenRefused);
    assert.equal(error.reason, reason);
    assert.deepEqual({ ...error.details, ...details }, error.details);
    return true;
  };

test("a good token names its caller, also the second time", async () => {
  const clock = new ManualClock();
  let keys = 0;
  const verifier = verifierAt(clock, {
    key: async () => {
      keys++;
      return publicKey;
    },
  });
  const good = await token(clock);
  for (const _ of [1, 2, 3]) {
    const caller = await verifier.verify(good, "management", []);
    assert.deepEqual(caller, { objectId: "me", clientId: "app", tenantId: "tenant", role: "reader", name: "a client" });
  }
  assert.equal(keys, 1, "the signature was verified once");
});

test("an audience is compared without trailing slashes and letter case of the host", async () => {
  const clock = new ManualClock();
  const verifier = verifierAt(clock);
  const accepted = ["https://management.azure.com", "https://MANAGEMENT.core.windows.net//", own, `${own}/`, "HTTPS://Quern.Test:10020"];
  for (const aud of accepted) await verifier.verify(await token(clock, { aud }), "management", [own]);
  await verifier.verify(await token(clock, { aud: "https://batch.core.windows.net" }), "batch", [own]);
  await verifier.verify(await token(clock, { aud: ["https://elsewhere.test", management] }), "management", []);
  assert.equal(canonicalAudience("https://A.test:443/Path/"), "https://a.test/Path");
  assert.equal(planeOfAudience("https://BATCH.core.windows.net"), "batch");
  assert.equal(planeOfAudience("api://quern"), undefined);
});

test("a token for another audience is refused, however often it was taken for its own", async () => {
  const clock = new ManualClock();
  const verifier = verifierAt(clock);
  const forManagement = await token(clock);
  await verifier.verify(forManagement, "management", []);
  await assert.rejects(
    verifier.verify(forManagement, "batch", [own]),
    refused("audience", { audiences: [management], allowedAudiences: ["https://batch.core.windows.net/"] }),
  );
  const forOwnUrl = await token(clock, { aud: own });
  await verifier.verify(forOwnUrl, "management", [own]);
  await assert.rejects(verifier.verify(forOwnUrl, "management", ["https://other.test:10020"]), refused("audience"));
  await assert.rejects(verifier.verify(forOwnUrl, "batch", [own]), refused("audience"));
  for (const aud of ["https://management.azure.com.evil.test/", "https://management.azure.com/x", "https://graph.microsoft.com/"])
    await assert.rejects(verifier.verify(await token(clock, { aud }), "management", [own]), refused("audience"), aud);
});

test("a token counts from its nbf to its exp, give or take a minute, remembered or not", async () => {
  const clock = new ManualClock();
  const verifier = verifierAt(clock);
  const expiresAt = clock.now() + 3_600_000;
  const kept = await token(clock);
  const shownLate = await token(clock, { jti: "late" });
  await verifier.verify(kept, "management", []);
  clock.advance(3_600_000 + 59_000);
  await verifier.verify(kept, "management", []);
  clock.advance(1_000);
  await assert.rejects(verifier.verify(kept, "management", []), refused("expired", { expiresAt, now: clock.now() }));
  await assert.rejects(verifier.verify(shownLate, "management", []), refused("expired", { expiresAt }));

  const later = clock.now() / 1000 + 120;
  const early = await token(clock, { nbf: later });
  await assert.rejects(verifier.verify(early, "management", []), refused("notYetValid", { validFrom: later * 1000 }));
  clock.advance(60_000);
  await verifier.verify(early, "management", []);
});

test("forged tokens are refused", async () => {
  const clock = new ManualClock();
  const verifier = verifierAt(clock);
  const good = await token(clock);
  await verifier.verify(good, "management", []);
  const [header, payload, signature] = good.split(".") as [string, string, string];
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
  const none = encode({ alg: "none", typ: "JWT" });
  const hmacHeader = encode({ alg: "HS256", typ: "JWT", kid: "k" });
  const asSecret = (format: { type: "spki" | "pkcs1"; format: "pem" | "der" }): string =>
    createHmac("sha256", publicKey.export(format as { type: "spki"; format: "pem" }))
      .update(`${hmacHeader}.${payload}`)
      .digest("base64url");
  const forged: [string, string][] = [
    ["changed claims", [header, encode({ ...claims, sub: "you" }), signature].join(".")],
    ["changed signature", [header, payload, `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`].join(".")],
    ["no signature", [header, payload, ""].join(".")],
    ["alg none", [none, payload, ""].join(".")],
    ["alg none with a signature", [none, payload, signature].join(".")],
    ["HS256 with the public key", [hmacHeader, payload, asSecret({ type: "spki", format: "pem" })].join(".")],
    ["HS256 with the public key as DER", [hmacHeader, payload, asSecret({ type: "spki", format: "der" })].join(".")],
    ["another key with the same id", await token(clock, {}, { key: other.privateKey })],
    ["another algorithm of the same key", await token(clock, {}, { alg: "PS256" })],
  ];
  for (const [what, bad] of forged) await assert.rejects(verifier.verify(bad, "management", []), refused("signature"), what);
});

test("what is no token, or lacks what it needs, is refused", async () => {
  const clock = new ManualClock();
  const verifier = verifierAt(clock);
  const malformed = ["", "x", "a.b", "a.b.c", "....", "e30.e30.e30", `${"x".repeat(20_000)}.y.z`, "\u0000.\u0000.\u0000", "é.é.é"];
  for (const text of malformed) {
    await assert.rejects(verifier.verify(text, "management", []), (error) => error instanceof TokenRefused, text.slice(0, 20));
  }
  await assert.rejects(verifier.verify("a.b", "management", []), refused("malformed"));
  for (const claims of [{ exp: undefined }, { aud: undefined }, { exp: "tomorrow" as never }, { nbf: "now" as never }])
    await assert.rejects(verifier.verify(await token(clock, claims), "management", []), refused("malformed"), JSON.stringify(claims));
  await assert.rejects(verifier.verify(await token(clock, {}, { typ: "refresh+jwt" }), "management", []), refused("malformed"));
  await assert.rejects(verifier.verify(await token(clock, { iss: "https://evil.test/" }), "management", []), refused("issuer"));
  await assert.rejects(verifier.verify(await token(clock, { iss: undefined }), "management", []), refused("issuer"));
  await assert.rejects(verifier.verify(await token(clock, { sub: "nobody" }), "management", []), refused("noRole"));
});

test("what is remembered is bounded", async () => {
  const clock = new ManualClock();
  let keys = 0;
  const verifier = verifierAt(clock, {
    key: async () => {
      keys++;
      return publicKey;
    },
  });
  const first = await token(clock, { jti: "first" });
  await verifier.verify(first, "management", []);
  for (let n = 0; n < 2_000; n++) await verifier.verify(await token(clock, { jti: String(n) }), "management", []);
  assert.equal(keys, 2_001);
  await verifier.verify(first, "management", []);
  assert.equal(keys, 2_002, "the oldest was forgotten, and is verified again");
});

test("of two issuers the one that the token names decides", async () => {
  const clock = new ManualClock();
  const second = "https://second.test/";
  const both = verifierByIssuer([
    { issuer, verifier: verifierAt(clock) },
    { issuer: second, verifier: verifierAt(clock, { issuer: second, key: async () => other.publicKey }) },
  ]);
  await both.verify(await token(clock), "management", []);
  await both.verify(await token(clock, { iss: second }, { key: other.privateKey }), "management", []);
  await assert.rejects(both.verify(await token(clock, { iss: second }), "management", []), refused("signature"));
  await assert.rejects(both.verify(await token(clock, { iss: "https://third.test/" }), "management", []), refused("issuer"));
  await assert.rejects(both.verify("not a token", "management", []), refused("malformed"));
});
