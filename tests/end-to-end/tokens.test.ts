// Tokens at the doors of the real server: forged, expired and misdirected ones at both planes, readers, the client of a location, an external
// issuer by flags, and what is written down of all this. What the issuer itself answers is in src/identity/identity.test.ts.
import assert from "node:assert/strict";
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { decodeJwt, decodeProtectedHeader, exportJWK, type JWTPayload, SignJWT } from "jose";
import { armRequest, batchResource, managementResource, tokenFor } from "../support/arm.ts";
import { newLocation, type Quern, startQuern } from "../support/quern.ts";

const ownAccount = ["--account", `mine:${Buffer.alloc(32, 5).toString("base64")}`];
const app = { clientId: "0fa0b3f4-0000-4000-8000-00000000000a", clientSecret: "a-secret-of-enough-length" };

const readPools = (quern: Quern, token: string) =>
  armRequest(quern, { method: "GET", path: "/pools?api-version=2024-07-01.20.0", version: null, token });
const readSubscriptions = (quern: Quern, token: string) =>
  armRequest(quern, { method: "GET", path: "/subscriptions", version: "2021-04-01", token });

test("what proves nothing is 401 on both planes", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const key = createPrivateKey(readFileSync(join(quern.location, "identity/signing-key.pem")));
  const planes = [
    { resource: managementResource, read: readSubscriptions },
    { resource: batchResource, read: readPools },
  ];
  for (const { resource, read } of planes) {
    const good = await tokenFor(quern, resource);
    assert.equal((await read(quern, good)).status, 200);
    const claims = decodeJwt(good);
    const header = decodeProtectedHeader(good) as { alg: string; kid: string; typ: string };
    const signed = (more: JWTPayload, by = key) => new SignJWT({ ...claims, ...more }).setProtectedHeader(header).sign(by);
    assert.equal((await read(quern, await signed({}))).status, 200, "signed as the server signs");
    const [head, payload, signature] = good.split(".") as [string, string, string];
    const hmacHead = Buffer.from(JSON.stringify({ ...header, alg: "HS256" })).toString("base64url");
    const publicPem = createPublicKey(key).export({ type: "spki", format: "pem" });
    const other = planes.find((plane) => plane.resource !== resource)!.resource;
    const bad: Record<string, string> = {
      "changed claims": [head, Buffer.from(JSON.stringify({ ...claims, exp: claims.exp! + 1 })).toString("base64url"), signature].join("."),
      "alg none": [Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url"), payload, ""].join("."),
      "HS256 with the public key": [
        hmacHead,
        payload,
        createHmac("sha256", publicPem).update(`${hmacHead}.${payload}`).digest("base64url"),
      ].join("."),
      "another key with the same id": await signed({}, generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey),
      "another issuer": await signed({ iss: "https://sts.windows.net/x/" }),
      expired: await signed({ exp: claims.iat! - 61 }),
      "not yet valid": await signed({ nbf: claims.exp! + 3600, exp: claims.exp! + 7200 }),
      "the other plane's": await tokenFor(quern, other),
      "of a client that is not here": await signed({ appid: app.clientId }),
      nonsense: "nonsense",
    };
    for (const [what, token] of Object.entries(bad)) {
      const { status, json, text } = await read(quern, token);
      // Resource Manager tells who is known and may do nothing from who is not known.
      const mayNothing = what === "of a client that is not here" && read === readSubscriptions;
      assert.equal(status, mayNothing ? 403 : 401, `${what}: ${text}`);
      assert.match(json.error?.code ?? json.code, mayNothing ? /^AuthorizationFailed$/ : /Authentication/, what);
      assert.ok(!text.includes(token) || token === "nonsense", "a token is never repeated");
    }
  }
});

test("a reader reads, on both planes, and changes no pool", async (t) => {
  const args = ["--storage", "none", "--client", `${app.clientId}:${app.clientSecret}:reader`];
  const quern = await startQuern(t, { args });
  assert.deepEqual([quern.ready.clientId, quern.ready.clientSecret], [app.clientId, app.clientSecret]);
  const arm = await tokenFor(quern, managementResource, app);
  const batch = await tokenFor(quern, batchResource, app);
  assert.equal((await readSubscriptions(quern, arm)).status, 200);
  assert.equal((await readPools(quern, batch)).status, 200);
  const pools = { method: "POST", path: "/pools?api-version=2024-07-01.20.0", version: null, body: { id: "p" }, token: batch };
  const refusedPool = await armRequest(quern, pools);
  assert.deepEqual([refusedPool.status, refusedPool.json.code], [403, "AuthorizationFailure"]);
});

test("beside an account of one's own the location has its own client, which outlives the server", async (t) => {
  const location = await newLocation(t);
  const first = await startQuern(t, { location, args: ["--storage", "none", ...ownAccount] });
  const { clientId, clientSecret } = first.ready;
  assert.equal(statSync(join(location, "identity/client.json")).mode & 0o777, 0o600);
  assert.notEqual(clientSecret, "quern-published-secret-for-local-development");
  const published = { clientId: "51756572-6e00-4000-8000-000000000003", clientSecret: "quern-published-secret-for-local-development" };
  await assert.rejects(tokenFor(first, managementResource, published), /AADSTS700016/);
  const token = await tokenFor(first, managementResource);
  await first.kill();
  const second = await startQuern(t, { location, args: ["--storage", "none", ...ownAccount] });
  assert.deepEqual([second.ready.clientId, second.ready.clientSecret], [clientId, clientSecret]);
  assert.equal((await readSubscriptions(second, token)).status, 200, "a token lives through a crash");
});

test("an external issuer by flags: its roles count, its failures are refusals", async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...(await exportJWK(publicKey)), kid: "k", alg: "ES256" };
  const server = createServer((request, response) => {
    const document = request.url === "/.well-known/openid-configuration" ? { issuer, jwks_uri: `${issuer}/jwks` } : { keys: [jwk] };
    response.setHeader("content-type", "application/json").end(JSON.stringify(document));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  t.after(close);
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const flags = ["--oidc-issuer", issuer, "--oidc-audience", "api://quern", "--oidc-role-claim", "groups", "--oidc-role", "reader=viewers"];
  const location = await newLocation(t);
  const quern = await startQuern(t, { location, args: ["--storage", "none", ...flags] });
  assert.deepEqual([quern.ready.clientId, quern.ready.clientSecret], [null, null]);
  const signed = (claims: JWTPayload) =>
    new SignJWT({ iss: issuer, aud: "api://quern", sub: "someone", groups: ["viewers"], ...claims })
      .setProtectedHeader({ alg: "ES256", kid: "k" })
      .setExpirationTime("1h")
      .sign(privateKey);
  const viewer = await signed({});
  assert.equal((await readSubscriptions(quern, viewer)).status, 200);
  assert.equal((await readPools(quern, viewer)).status, 200);
  const pools = { method: "POST", path: "/pools?api-version=2024-07-01.20.0", version: null, body: { id: "p" }, token: viewer };
  assert.equal((await armRequest(quern, pools)).status, 403);
  assert.equal((await readSubscriptions(quern, await signed({ groups: ["others"] }))).status, 403);
  assert.equal((await readPools(quern, await signed({ groups: ["others"] }))).status, 401);
  for (const claims of [{ aud: managementResource }, { aud: quern.ready.armUrl }, { iss: "https://evil.test" }])
    assert.equal((await readSubscriptions(quern, await signed(claims))).status, 401, JSON.stringify(claims));
  await quern.stop();
  close();
  const cutOff = await startQuern(t, { location, args: ["--storage", "none", ...flags] });
  assert.equal((await readSubscriptions(cutOff, viewer)).status, 401);
  assert.equal((await readPools(cutOff, viewer)).status, 401);
});

test("neither secrets nor tokens are written into the log", async (t) => {
  const debug = join(await newLocation(t), "debug.log");
  const quern = await startQuern(t, {
    args: ["--storage", "none", "--debug", debug, "--client", `${app.clientId}:${app.clientSecret}:owner`],
  });
  const token = await tokenFor(quern, managementResource, app);
  await readSubscriptions(quern, token);
  await readPools(quern, token);
  const wrong = "a-wrong-secret-that-somebody-tried";
  await assert.rejects(tokenFor(quern, managementResource, { ...app, clientSecret: wrong }), /AADSTS7000215/);
  await quern.stop();
  const log = readFileSync(debug, "utf8");
  assert.match(log, /Invalid client secret/);
  for (const secret of [app.clientSecret, wrong, token, token.split(".")[2]!]) assert.ok(!log.includes(secret));
});
