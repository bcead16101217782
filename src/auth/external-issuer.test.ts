// Tokens of an external issuer: roles from its claims, and keys that are fetched, change, and cannot be had. The issuer is a function in place
// of fetch, and the clock is a manual one; a real issuer over HTTP is in tests/conformance.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { exportJWK, type JWTPayload } from "jose";
import { SignJWT } from "jose/jwt/sign";
import { ManualClock } from "../lib/clock.ts";
import { type Log, silentLog } from "../lib/log.ts";
import { createExternalVerifier, type ExternalIssuer } from "./external-issuer.ts";
import { type RefusalReason, type Role, TokenRefused } from "./tokens.ts";

const issuer = "https://login.example.test/realm";
const jwksUrl = "https://login.example.test/keys";

type TestKey = Awaited<ReturnType<typeof makeKey>>;
const makeKey = async (kid: string | undefined, alg: "RS256" | "ES256" = "RS256") => {
  const pair = alg === "ES256" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...(await exportJWK(pair.publicKey)), alg, use: "sig", ...(kid === undefined ? {} : { kid }) };
  return { kid, alg, privateKey: pair.privateKey, jwk };
};

/** An issuer that counts who asks, and a verifier for its tokens. */
const aWorld = (settings: Partial<ExternalIssuer> = { jwksUrl }) => {
  const clock = new ManualClock();
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_, message) => void warnings.push(message) };
  const world = {
    clock,
    warnings,
    asked: [] as string[],
    answer: async (_url: string, _init: RequestInit): Promise<Response> => Response.json({ keys: [] }),
    has: (...keys: TestKey[]) => {
      world.answer = async () => Response.json({ keys: keys.map(({ jwk }) => jwk) });
    },
    token: (key: TestKey, claims: JWTPayload = {}) => {
      const now = clock.now() / 1000;
      return new SignJWT({ iss: issuer, aud: "api://quern", sub: "someone", exp: now + 36_000, roles: ["Batch.Read"], ...claims })
        .setProtectedHeader({ alg: key.alg, ...(key.kid === undefined ? {} : { kid: key.kid }) })
        .sign(key.privateKey);
    },
    verify: async (token: string, audience: "management" | "batch" = "management") =>
      verifier.verify(token, audience, ["https://own.test"]),
  };
  const verifier = createExternalVerifier({
    settings: {
      issuer,
      audiences: ["api://quern"],
      roleClaim: "roles",
      roles: new Map<string, Role>([
        ["Batch.Admin", "owner"],
        ["Batch.Write", "contributor"],
        ["Batch.Read", "reader"],
      ]),
      ...settings,
    },
    tenantId: "the-tenant",
    clock,
    log,
    fetch: (async (url: string, init: RequestInit) => {
      world.asked.push(url);
      return world.answer(url, init);
    }) as typeof fetch,
  });
  return world;
};

const refused = (reason: RefusalReason) => (error: unknown) => {
  assert.ok(error instanceof TokenRefused, String(error));
  assert.equal(error.reason, reason);
  return true;
};

test("claims tell who it is and what they may do", async () => {
  const world = aWorld();
  const key = await makeKey("one");
  world.has(key);
  assert.deepEqual(await world.verify(await world.token(key)), {
    objectId: "someone",
    clientId: "",
    tenantId: "the-tenant",
    role: "reader",
    name: "someone",
  });
  const entra = { oid: "an-object", appid: "an-app", tid: "a-tenant", name: "A Name", roles: ["Else", "Batch.Write", "Batch.Read"] };
  assert.deepEqual(await world.verify(await world.token(key, entra)), {
    objectId: "an-object",
    clientId: "an-app",
    tenantId: "a-tenant",
    role: "contributor",
    name: "A Name",
  });
  for (const roles of [[], ["batch.read"], "Batch.Reader", 7, null, { "Batch.Read": true }, [["Batch.Read"]]])
    await assert.rejects(world.verify(await world.token(key, { roles })), refused("noRole"), JSON.stringify(roles));
  assert.equal(world.asked.length, 1, "the keys are asked for once");
});

test("the role claim may be a text, a path, or a name with dots", async () => {
  const key = await makeKey("one");
  const cases: [string, JWTPayload][] = [
    ["scope", { scope: "openid Batch.Admin" }],
    ["realm_access.roles", { realm_access: { roles: ["Batch.Admin"] } }],
    ["https://quern.test/roles", { "https://quern.test/roles": ["Batch.Admin"] }],
  ];
  for (const [roleClaim, claims] of cases) {
    const world = aWorld({ jwksUrl, roleClaim });
    world.has(key);
    assert.equal((await world.verify(await world.token(key, claims))).role, "owner", roleClaim);
  }
  const world = aWorld({ jwksUrl, roleClaim: "constructor.name" });
  world.has(key);
  await assert.rejects(world.verify(await world.token(key)), refused("noRole"));
});

test("audiences are the configured ones, published names only for their own plane", async () => {
  const key = await makeKey("one");
  const world = aWorld({ jwksUrl, audiences: ["api://quern", "https://management.azure.com/"] });
  world.has(key);
  await world.verify(await world.token(key), "batch");
  const forArm = await world.token(key, { aud: "https://management.azure.com" });
  await world.verify(forArm, "management");
  await assert.rejects(world.verify(forArm, "batch"), refused("audience"));
  const forHost = await world.token(key, { aud: "https://own.test" });
  await assert.rejects(world.verify(forHost, "management"), refused("audience"));
});

test("keys of other kinds are taken as the key set says, secrets never", async () => {
  const world = aWorld();
  const ec = await makeKey("ec", "ES256");
  world.has(await makeKey("one"), ec);
  await world.verify(await world.token(ec));
  const secret = Buffer.alloc(32, 7);
  const shared = aWorld();
  shared.answer = async () => Response.json({ keys: [{ kty: "oct", kid: "s", alg: "HS256", k: secret.toString("base64url") }] });
  const forged = await new SignJWT({ iss: issuer, aud: "api://quern", exp: 9e9, roles: ["Batch.Admin"] })
    .setProtectedHeader({ alg: "HS256", kid: "s" })
    .sign(secret);
  await assert.rejects(shared.verify(forged), refused("signature"));
});

test("a new key is noticed, but not more often than each 30 seconds", async () => {
  const world = aWorld();
  const [first, second, unknown] = await Promise.all([makeKey("one"), makeKey("two"), makeKey("three")]);
  world.has(first);
  await world.verify(await world.token(first));
  world.has(first, second);
  const rotated = await world.token(second);
  await assert.rejects(world.verify(rotated), refused("signature"));
  assert.equal(world.asked.length, 1);
  world.clock.advance(30_000);
  await world.verify(rotated);
  assert.equal(world.asked.length, 2);
  const made = await world.token(unknown);
  for (let n = 0; n < 20; n++) await assert.rejects(world.verify(made), refused("signature"));
  assert.equal(world.asked.length, 2);
  world.clock.advance(30_000);
  for (let n = 0; n < 20; n++) await assert.rejects(world.verify(made), refused("signature"));
  assert.equal(world.asked.length, 3);
});

test("a key that was withdrawn counts no longer once the set is read again", async () => {
  const world = aWorld();
  const [first, second] = await Promise.all([makeKey("one"), makeKey("two")]);
  world.has(first);
  await world.verify(await world.token(first));
  world.has(second);
  world.clock.advance(10 * 60_000);
  await assert.rejects(world.verify(await world.token(first, { jti: "new" })), refused("signature"));
});

test("many tokens at once cause one question", async () => {
  const world = aWorld();
  const key = await makeKey("one");
  const open = Promise.withResolvers<void>();
  world.answer = async () => {
    await open.promise;
    return Response.json({ keys: [key.jwk] });
  };
  const tokens = await Promise.all(Array.from({ length: 10 }, (_, n) => world.token(key, { jti: String(n) })));
  const all = tokens.map((token) => world.verify(token));
  open.resolve();
  await Promise.all(all);
  assert.equal(world.asked.length, 1);
});

test("an issuer that cannot be asked is a refusal and a line in the log, and is asked again after a while", async () => {
  const world = aWorld();
  const key = await makeKey("one");
  const token = await world.token(key);
  const failures: ((url: string, init: RequestInit) => Promise<Response>)[] = [
    () => Promise.reject(new TypeError("fetch failed")),
    async () => new Response("away", { status: 503 }),
    async () => new Response("<html>"),
    async () => Response.json({ no: "keys" }),
    async () => Response.json({ keys: "none" }),
    async () => Response.json(null),
    async () => new Response("x".repeat(1024 * 1024 + 1)),
  ];
  for (const [n, failure] of failures.entries()) {
    world.answer = failure;
    await assert.rejects(world.verify(token), refused("signature"));
    await assert.rejects(world.verify(token), refused("signature"));
    assert.equal(world.asked.length, n + 1);
    assert.equal(world.warnings.length, n + 1);
    world.clock.advance(5_000);
  }
  world.has(key);
  await world.verify(token);
});

test("an issuer that does not answer is given up after five seconds", async () => {
  const world = aWorld();
  const key = await makeKey("one");
  const asked = Promise.withResolvers<void>();
  world.answer = (_url, { signal }) => {
    asked.resolve();
    return new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason)));
  };
  const outcome = assert.rejects(world.verify(await world.token(key)), refused("signature"));
  await asked.promise;
  world.clock.advance(5_000);
  await outcome;
});

test("known keys are used while the issuer is away, for a day", async () => {
  const world = aWorld();
  const key = await makeKey("one");
  world.has(key);
  await world.verify(await world.token(key));
  world.answer = () => Promise.reject(new TypeError("fetch failed"));
  world.clock.advance(24 * 3_600_000 - 1);
  await world.verify(await world.token(key, { jti: "later" }));
  world.clock.advance(60_000);
  await assert.rejects(world.verify(await world.token(key, { jti: "too late" })), refused("signature"));
});

test("without an address of the keys the discovery document tells it, if it is the issuer's own", async () => {
  const key = await makeKey("one");
  const discovering = (document: unknown) => {
    const world = aWorld({});
    world.answer = async (url) => Response.json(url.endsWith("/.well-known/openid-configuration") ? document : { keys: [key.jwk] });
    return world;
  };
  const world = discovering({ issuer, jwks_uri: jwksUrl });
  await world.verify(await world.token(key));
  assert.deepEqual(world.asked, [`${issuer}/.well-known/openid-configuration`, jwksUrl]);
  const wrong = [
    { issuer: "https://evil.test", jwks_uri: jwksUrl },
    { issuer },
    { issuer, jwks_uri: "keys" },
    { issuer, jwks_uri: "http://login.example.test/keys" },
    { issuer, jwks_uri: "file:///etc/keys" },
    [],
    "text",
  ];
  for (const document of wrong) {
    const strange = discovering(document);
    await assert.rejects(strange.verify(await strange.token(key)), refused("signature"), JSON.stringify(document));
    assert.deepEqual(strange.asked, [`${issuer}/.well-known/openid-configuration`]);
    assert.equal(strange.warnings.length, 1);
  }
});
