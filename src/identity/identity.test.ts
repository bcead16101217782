// The issuer from outside, over plain HTTP with a manual clock: grants, refusals in Entra's shape, what its tokens say, and what is kept.
// Unmodified clients meet it in tests/conformance/identity.test.ts.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { createLocalJWKSet } from "jose/jwks/local";
import { SignJWT } from "jose/jwt/sign";
import { jwtVerify } from "jose/jwt/verify";
import { TokenRefused } from "../auth/tokens.ts";
import { readBody } from "../http/body.ts";
import { baseUrlOf } from "../http/headers.ts";
import { ManualClock } from "../lib/clock.ts";
import { seededIds } from "../lib/ids.ts";
import { type Log, silentLog } from "../lib/log.ts";
import { type ClientSettings, keptClient } from "./clients.ts";
import { createIdentity, type IdentityOptions } from "./identity.ts";

const tenantId = "51756572-6e00-4000-8000-000000000002";
const app: ClientSettings = { clientId: "0fa0b3f4-0000-4000-8000-00000000000a", secret: "a-secret-of-enough-length", role: "contributor" };
const reader: ClientSettings = { ...app, clientId: "0fa0b3f4-0000-4000-8000-00000000000b", role: "reader", name: "who reads" };
const arm = "https://management.azure.com/";

const newDirectory = (t: TestContext): string => {
  const directory = mkdtempSync(join(tmpdir(), "quern-identity-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "identity");
};

type Answer = { status: number; headers: Headers; body: Record<string, unknown> & { error_codes?: number[] } };

/** An issuer that listens, and what a client does with it. */
const anIssuer = async (t: TestContext, options: Partial<IdentityOptions> & { clock?: ManualClock } = {}) => {
  const clock = options.clock ?? new ManualClock();
  const logged: string[] = [];
  const note = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { ...silentLog, debug: note, info: note, warn: note, error: note };
  const directory = options.directory ?? newDirectory(t);
  const identity = createIdentity({
    ids: seededIds(1),
    log,
    tenantId,
    clients: [app, reader],
    baseUrlOf,
    readBody: (request, response, limit) => readBody(request, response, limit, clock),
    ...options,
    clock,
    directory,
  });
  await identity.ready;
  const server = createServer((request, response) => void identity.handle(request, response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const send = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(`http://${host}${path}`, init);
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? {} : JSON.parse(text) };
  };
  const post = (form: Record<string, string> | string, path = `/${tenantId}/oauth2/v2.0/token`, headers: Record<string, string> = {}) => {
    const body = typeof form === "string" ? form : new URLSearchParams(form).toString();
    return send(path, { method: "POST", body, headers: { "content-type": "application/x-www-form-urlencoded", ...headers } });
  };
  const credentials = { grant_type: "client_credentials", client_id: app.clientId, client_secret: app.secret, scope: `${arm}.default` };
  const token = async (form: Record<string, string> = {}): Promise<string> => {
    const { status, body } = await post({ ...credentials, ...form });
    assert.equal(status, 200, JSON.stringify(body));
    return body.access_token as string;
  };
  return { identity, clock, directory, host, base: `https://${host}`, logged, send, post, credentials, token };
};

const refusedAs = (answer: Answer, status: number, error: string, code: number): void => {
  assert.deepEqual([answer.status, answer.body.error, answer.body.error_codes], [status, error, [code]], JSON.stringify(answer.body));
  assert.match(answer.body.error_description as string, new RegExp(`^AADSTS${code}: .+ Trace ID: .+ Correlation ID: .+ Timestamp: `));
  assert.match(answer.body.timestamp as string, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/);
  for (const id of ["trace_id", "correlation_id"]) assert.match(answer.body[id] as string, /^[0-9a-f-]{36}$/);
  assert.equal(answer.headers.get("cache-control"), "no-store");
};

test("a client gets a token that says who it is and is taken on its plane", async (t) => {
  const { identity, post, credentials, clock } = await anIssuer(t);
  const { status, headers, body } = await post(credentials);
  assert.equal(status, 200);
  assert.equal(headers.get("cache-control"), "no-store");
  assert.deepEqual(Object.keys(body).sort(), ["access_token", "expires_in", "ext_expires_in", "token_type"]);
  assert.deepEqual([body.token_type, body.expires_in, body.ext_expires_in], ["Bearer", 3600, 3600]);
  const token = body.access_token as string;
  const now = clock.now() / 1000;
  const claims = decodeJwt(token);
  assert.match(claims.uti as string, /^[0-9a-f-]{36}$/);
  assert.match(claims.oid as string, /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual(claims, {
    iss: identity.issuer,
    aud: "https://management.azure.com",
    iat: now,
    nbf: now,
    exp: now + 3600,
    tid: tenantId,
    oid: claims.oid,
    sub: claims.oid,
    appid: app.clientId,
    azp: app.clientId,
    appidacr: "1",
    idtyp: "app",
    roles: ["contributor"],
    ver: "1.0",
    uti: claims.uti,
  });
  const caller = await identity.verifier.verify(token, "management", []);
  assert.deepEqual(caller, { objectId: claims.oid, clientId: app.clientId, tenantId, role: "contributor", name: `client ${app.clientId}` });
  await assert.rejects(
    identity.verifier.verify(token, "batch", []),
    (error) => error instanceof TokenRefused && error.reason === "audience",
  );
  clock.advance(3_660_000);
  await assert.rejects(
    identity.verifier.verify(token, "management", []),
    (error) => error instanceof TokenRefused && error.reason === "expired",
  );
});

test("the audience is the resource as asked for", async (t) => {
  const { token, base, identity } = await anIssuer(t);
  const cases: [Record<string, string>, string, "management" | "batch"][] = [
    [{ scope: "https://management.core.windows.net//.default" }, "https://management.core.windows.net/", "management"],
    [{ scope: "https://batch.core.windows.net/.default" }, "https://batch.core.windows.net", "batch"],
    [{ scope: "openid profile https://batch.core.windows.net//.default offline_access" }, "https://batch.core.windows.net/", "batch"],
    [{ scope: `${base}/.default` }, base, "management"],
    [{ scope: "", resource: "https://management.core.windows.net/" }, "https://management.core.windows.net/", "management"],
    [{ scope: "openid", resource: "https://batch.core.windows.net/" }, "https://batch.core.windows.net/", "batch"],
  ];
  for (const [form, audience, plane] of cases) {
    const given = await token(form);
    assert.equal(decodeJwt(given).aud, audience);
    assert.equal((await identity.verifier.verify(given, plane, [base])).role, "contributor");
  }
});

test("every form of the token endpoint answers, whatever the letter case and the query", async (t) => {
  const { post, credentials } = await anIssuer(t);
  const paths = [
    "/adfs/oauth2/token",
    "/ADFS/OAuth2/Token?client-request-id=x",
    `/adfs/${tenantId}/oauth2/token`,
    `/${tenantId}/oauth2/token`,
    `/${tenantId.toUpperCase()}/oauth2/v2.0/token?a=b`,
    "/common/oauth2/v2.0/token",
    "/organizations/oauth2/v2.0/token",
    "/quern/oauth2/v2.0/token",
    `//${tenantId}/oauth2/v2.0/token`,
  ];
  for (const path of paths) assert.equal((await post(credentials, path)).status, 200, path);
});

test("more is answered when more is asked for", async (t) => {
  const { post, credentials, identity, send } = await anIssuer(t);
  const { body } = await post({ ...credentials, client_info: "1", scope: `openid offline_access ${arm}.default`, claims: "{}" });
  const { oid } = decodeJwt(body.access_token as string);
  assert.deepEqual(JSON.parse(Buffer.from(body.client_info as string, "base64url").toString()), { uid: oid, utid: tenantId });
  const keys = createLocalJWKSet((await send("/adfs/discovery/keys")).body as never);
  const id = await jwtVerify(body.id_token as string, keys, { audience: app.clientId, currentDate: new Date(Date.UTC(2026, 0, 1)) });
  assert.equal(id.payload.iss, identity.issuer);
  assert.equal(typeof body.refresh_token, "string");
  for (const kind of ["id_token", "refresh_token"]) {
    for (const plane of ["management", "batch"] as const)
      await assert.rejects(identity.verifier.verify(body[kind] as string, plane, []), TokenRefused, `${kind} is no access token`);
  }
  const v1 = await post({ ...credentials, scope: "", resource: arm });
  assert.deepEqual([v1.body.resource, v1.body.expires_on], [arm, String(Date.UTC(2026, 0, 1) / 1000 + 3600)]);
});

test("HTTP Basic will do instead of the form", async (t) => {
  const { post } = await anIssuer(t);
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
  const form = { grant_type: "client_credentials", scope: `${arm}.default` };
  const path = "/adfs/oauth2/token";
  assert.equal((await post(form, path, basic(`${app.clientId}:${encodeURIComponent(app.secret)}`))).status, 200);
  const wrong = await post(form, path, basic(`${app.clientId}:wrong`));
  refusedAs(wrong, 401, "invalid_client", 7000215);
  assert.equal(wrong.headers.get("www-authenticate"), 'Basic realm="Quern"');
  refusedAs(
    await post({ ...form, client_secret: app.secret }, path, basic(`${app.clientId}:${app.secret}`)),
    400,
    "invalid_request",
    9002313,
  );
  refusedAs(await post({ ...form, client_id: reader.clientId }, path, basic(`${app.clientId}:x`)), 400, "invalid_request", 9002313);
  refusedAs(await post(form, path, basic("no colon")), 400, "invalid_request", 9002313);
  refusedAs(await post(form, path, basic(`${app.clientId}:%zz`)), 400, "invalid_request", 9002313);
  refusedAs(await post(form, path, { authorization: "Bearer x" }), 400, "invalid_request", 9002313);
});

test("what is wrong with a request is told as Entra tells it", async (t) => {
  const { post, credentials, logged } = await anIssuer(t);
  const without = (name: string) => Object.fromEntries(Object.entries(credentials).filter(([key]) => key !== name));
  const stranger = "11111111-2222-4333-8444-555555555555";
  const cases: [Record<string, string>, number, string, number][] = [
    [without("grant_type"), 400, "invalid_request", 900144],
    [without("client_id"), 400, "invalid_request", 900144],
    [without("client_secret"), 401, "invalid_client", 7000218],
    [without("scope"), 400, "invalid_request", 900144],
    [{ ...without("client_secret"), client_assertion: "x" }, 401, "invalid_client", 7000218],
    [{ ...credentials, grant_type: "password" }, 400, "unsupported_grant_type", 70003],
    [{ ...credentials, grant_type: "urn:ietf:params:oauth:grant-type:device_code" }, 400, "unsupported_grant_type", 70003],
    [{ ...credentials, client_id: stranger }, 400, "unauthorized_client", 700016],
    [{ ...credentials, client_id: "__proto__" }, 400, "unauthorized_client", 700016],
    [{ ...credentials, client_secret: "wrong" }, 401, "invalid_client", 7000215],
    [{ ...credentials, client_secret: `${app.secret} ` }, 401, "invalid_client", 7000215],
    [{ ...credentials, scope: "openid" }, 400, "invalid_scope", 1002012],
    [{ ...credentials, scope: ".default" }, 400, "invalid_scope", 1002012],
    [{ ...credentials, scope: "/.default" }, 400, "invalid_scope", 1002012],
    [{ ...credentials, scope: "https://management.azure.com/user_impersonation" }, 400, "invalid_scope", 1002012],
    [{ ...credentials, scope: `${arm}.default https://batch.core.windows.net/.default` }, 400, "invalid_scope", 28000],
    [{ ...credentials, scope: "https://graph.microsoft.com/.default" }, 400, "invalid_resource", 500011],
    [{ ...credentials, scope: "", resource: "https://vault.azure.net" }, 400, "invalid_resource", 500011],
    [{ ...credentials, grant_type: "refresh_token" }, 400, "invalid_request", 900144],
  ];
  for (const [form, ...expected] of cases) refusedAs(await post(form), ...expected);
  refusedAs(await post(`${new URLSearchParams(credentials)}&scope=x`), 400, "invalid_request", 9000411);
  const correlation = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
  const path = `/${tenantId}/oauth2/token?client-request-id=${correlation}`;
  assert.equal((await post({ ...credentials, client_secret: "wrong" }, path)).body.correlation_id, correlation);
  assert.ok(logged.length > 0);
  for (const line of logged) assert.ok(!line.includes(app.secret) && !line.includes("wrong"), line);
});

test("another tenant is refused, in discovery and at the token endpoint", async (t) => {
  const { send, post, credentials, identity } = await anIssuer(t);
  const other = "11111111-2222-4333-8444-555555555555";
  refusedAs(await post(credentials, `/${other}/oauth2/v2.0/token`), 400, "invalid_request", 90002);
  refusedAs(await post(credentials, "/adfs/contoso/oauth2/token"), 400, "invalid_request", 90002);
  refusedAs(await send(`/${other}/v2.0/.well-known/openid-configuration`), 400, "invalid_tenant", 90002);
  refusedAs(await send("/adfs/contoso/.well-known/openid-configuration"), 400, "invalid_tenant", 90002);
  assert.ok(identity.owns(`/${other}/v2.0/.well-known/openid-configuration`));
  const paths = ["/", "/pools", "/jobs/oauth2/tasks", `/subscriptions/${other}`, "/adfs", `/${tenantId}`];
  for (const path of paths) assert.equal(identity.owns(path), false, path);
});

test("what is no form, no POST or too much is refused", async (t) => {
  const { send, post, credentials } = await anIssuer(t);
  const path = "/adfs/oauth2/token";
  for (const method of ["GET", "PUT", "DELETE"]) {
    const answer = await send(path, { method });
    refusedAs(answer, 405, "invalid_request", 900561);
    assert.equal(answer.headers.get("allow"), "POST");
  }
  refusedAs(await send("/adfs/discovery/keys", { method: "POST" }), 405, "invalid_request", 900561);
  const json = { method: "POST", body: JSON.stringify(credentials), headers: { "content-type": "application/json" } };
  refusedAs(await send(path, json), 400, "invalid_request", 9002313);
  refusedAs(await post({ ...credentials, padding: "x".repeat(65_536) }, path), 413, "invalid_request", 9002313);
  refusedAs(await send("/adfs/oauth2/devicecode", { method: "POST" }), 404, "invalid_request", 9002313);
  for (const authorize of ["/adfs/oauth2/authorize?client_id=x&response_type=code", `/${tenantId}/oauth2/v2.0/authorize`])
    refusedAs(await send(authorize), 400, "unsupported_response_type", 700054);
  assert.equal((await post(credentials, path)).status, 200);
});

test("discovery names addresses below the one that was called, and the issuer of the tokens", async (t) => {
  const { send, base, identity, token } = await anIssuer(t);
  const families: [string, string, string][] = [
    ["/adfs/.well-known/openid-configuration", "/adfs/oauth2/token", "/adfs/discovery/keys"],
    [`/adfs/${tenantId}/.well-known/openid-configuration`, "/adfs/oauth2/token", "/adfs/discovery/keys"],
    [`/${tenantId}/.well-known/openid-configuration`, `/${tenantId}/oauth2/token`, `/${tenantId}/discovery/keys`],
    ["/common/v2.0/.well-known/openid-configuration", `/${tenantId}/oauth2/v2.0/token`, `/${tenantId}/discovery/v2.0/keys`],
  ];
  const given = await token();
  for (const [path, tokenPath, keysPath] of families) {
    const { status, body } = await send(path);
    assert.equal(status, 200, path);
    assert.deepEqual([body.issuer, body.token_endpoint, body.jwks_uri], [identity.issuer, base + tokenPath, base + keysPath]);
    assert.equal(body.issuer, decodeJwt(given).iss);
    const keys = (await send(keysPath)).body;
    await jwtVerify(given, createLocalJWKSet(keys as never), { currentDate: new Date(Date.UTC(2026, 0, 1)) });
    assert.deepEqual(Object.keys((keys.keys as object[])[0]!), ["kty", "use", "alg", "kid", "n", "e"], "only the public half");
    assert.equal((await send(new URL(body.authorization_endpoint as string).pathname)).body.error, "unsupported_response_type");
  }
  const { body } = await send("/common/discovery/instance?api-version=1.1&authorization_endpoint=x");
  assert.deepEqual((body.metadata as { aliases: string[] }[])[0]!.aliases, [new URL(base).host]);
  assert.equal((await send("/adfs/.well-known/openid-configuration", { method: "HEAD" })).status, 200);
});

test("a refresh token gives the next, for a day", async (t) => {
  const { post, credentials, clock, identity } = await anIssuer(t);
  const first = await post({ ...credentials, scope: `${arm}.default offline_access` });
  const refresh = (refresh_token: unknown, form: Record<string, string> = {}) => {
    const { client_id, client_secret } = credentials;
    return post({ grant_type: "refresh_token", client_id, client_secret, refresh_token: String(refresh_token), ...form });
  };
  clock.advance(3_600_000);
  const second = await refresh(first.body.refresh_token);
  assert.equal(second.status, 200);
  assert.notEqual(second.body.refresh_token, first.body.refresh_token);
  assert.equal(decodeJwt(second.body.access_token as string).aud, "https://management.azure.com");
  await identity.verifier.verify(second.body.access_token as string, "management", []);
  const other = await refresh(second.body.refresh_token, { scope: "https://batch.core.windows.net/.default" });
  assert.equal(decodeJwt(other.body.access_token as string).aud, "https://batch.core.windows.net");

  refusedAs(await refresh(second.body.refresh_token, { client_id: reader.clientId }), 400, "invalid_grant", 70000);
  refusedAs(await refresh(second.body.access_token), 400, "invalid_grant", 70000);
  refusedAs(await refresh("nonsense"), 400, "invalid_grant", 70000);
  refusedAs(await refresh(second.body.refresh_token, { client_secret: "wrong" }), 401, "invalid_client", 7000215);
  clock.advance(23 * 3_600_000);
  refusedAs(await refresh(second.body.refresh_token), 400, "invalid_grant", 700082);
});

test("forged tokens are refused, also with the right key id", async (t) => {
  const { identity, token } = await anIssuer(t);
  const good = await token();
  const header = decodeProtectedHeader(good) as { alg: string; kid: string };
  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const refused = (reason: string) => (error: unknown) => error instanceof TokenRefused && error.reason === reason;
  const signed = new SignJWT(decodeJwt(good)).setProtectedHeader(header).sign(stranger.privateKey);
  await assert.rejects(identity.verifier.verify(await signed, "management", []), refused("signature"));
  const unknownKid = new SignJWT(decodeJwt(good)).setProtectedHeader({ ...header, kid: "other" }).sign(stranger.privateKey);
  await assert.rejects(identity.verifier.verify(await unknownKid, "management", []), refused("signature"));
  const [head, payload, signature] = good.split(".");
  const more = Buffer.from(JSON.stringify({ ...decodeJwt(good), roles: ["owner"] })).toString("base64url");
  await assert.rejects(identity.verifier.verify(`${head}.${more}.${signature}`, "management", []), refused("signature"));
  const none = Buffer.from(JSON.stringify({ alg: "none", typ: "JWT" })).toString("base64url");
  await assert.rejects(identity.verifier.verify(`${none}.${payload}.`, "management", []), refused("signature"));
});

test("the key is kept, private, and tokens outlive a restart but not their client", async (t) => {
  const first = await anIssuer(t);
  const file = join(first.directory, "signing-key.pem");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(first.directory).mode & 0o777, 0o700);
  const kept = await first.token();
  const pem = readFileSync(file, "utf8");
  const second = await anIssuer(t, { directory: first.directory, clients: [{ ...app, role: "reader" }] });
  assert.equal(readFileSync(file, "utf8"), pem);
  assert.equal((await second.identity.verifier.verify(kept, "management", [])).role, "reader", "the role that the client has now");
  const third = await anIssuer(t, { directory: first.directory, clients: [reader] });
  const gone = (error: unknown) => error instanceof TokenRefused && error.reason === "noRole";
  await assert.rejects(third.identity.verifier.verify(kept, "management", []), gone);
  const elsewhere = await anIssuer(t, { directory: first.directory, tenantId: "11111111-2222-4333-8444-555555555555" });
  const foreign = (error: unknown) => error instanceof TokenRefused && error.reason === "issuer";
  await assert.rejects(elsewhere.identity.verifier.verify(kept, "management", []), foreign);
});

test("a file that holds no key is not written over, an empty one is", async (t) => {
  const directory = newDirectory(t);
  const file = join(directory, "signing-key.pem");
  await anIssuer(t, { directory });
  writeFileSync(file, "");
  await anIssuer(t, { directory });
  assert.match(readFileSync(file, "utf8"), /PRIVATE KEY/);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (const text of ["something of mine", privateKey.export({ type: "pkcs8", format: "pem" }).toString()]) {
    writeFileSync(file, text);
    await assert.rejects(anIssuer(t, { directory }), /holds no RSA key/);
    assert.equal(readFileSync(file, "utf8"), text);
  }
});

test("the client of a location is made once", async (t) => {
  const directory = newDirectory(t);
  const made = keptClient(directory, seededIds(7));
  assert.equal(made.role, "owner");
  assert.match(made.secret, /^[0-9a-f]{64}$/);
  assert.deepEqual(keptClient(directory, seededIds(8)), made);
  assert.equal(statSync(join(directory, "client.json")).mode & 0o777, 0o600);
  const { post, credentials } = await anIssuer(t, { directory, clients: [made] });
  assert.equal((await post({ ...credentials, client_id: made.clientId, client_secret: made.secret })).status, 200);
  writeFileSync(join(directory, "client.json"), `{"clientId": "${made.secret}"`);
  assert.throws(
    () => keptClient(directory, seededIds(9)),
    (error: Error) => /does not hold/.test(error.message) && !error.message.includes(made.secret),
  );
});

test("who guesses secrets has to wait, and nobody else", async (t) => {
  const { post, credentials, clock } = await anIssuer(t);
  const wrong = { ...credentials, client_secret: "wrong" };
  for (let n = 0; n < 10; n++) refusedAs(await post(wrong), 401, "invalid_client", 7000215);
  clock.advance(20_000);
  const braked = await post(credentials);
  refusedAs(braked, 429, "invalid_client", 50053);
  assert.equal(braked.headers.get("retry-after"), "40");
  for (let n = 0; n < 20; n++) refusedAs(await post(wrong), 429, "invalid_client", 50053);
  assert.equal((await post({ ...credentials, client_id: reader.clientId })).status, 200, "another client");
  clock.advance(40_000);
  assert.equal((await post(credentials)).status, 200);
});
