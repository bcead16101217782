// Unmodified @azure/identity against the issuer, over https with a certificate of the local CA as users have it; and an external issuer that is
// a real server, whose keys change and which goes away.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { promisify } from "node:util";
import { ClientSecretCredential, type ClientSecretCredentialOptions } from "@azure/identity";
import { createRemoteJWKSet, exportJWK, jwtVerify, SignJWT } from "jose";
import { createExternalVerifier } from "../../src/auth/external-issuer.ts";
import { TokenRefused } from "../../src/auth/tokens.ts";
import { verifierByIssuer } from "../../src/auth/verify-token.ts";
import { readBody } from "../../src/http/body.ts";
import { ensureCertificates } from "../../src/http/certificates.ts";
import { baseUrlOf } from "../../src/http/headers.ts";
import { createIdentity, type Identity } from "../../src/identity/identity.ts";
import { ManualClock, systemClock } from "../../src/lib/clock.ts";
import { systemIds } from "../../src/lib/ids.ts";
import { silentLog } from "../../src/lib/log.ts";
import { missing, python } from "../support/require.ts";

const tenantId = "51756572-6e00-4000-8000-000000000002";
const app = { clientId: "0fa0b3f4-0000-4000-8000-00000000000a", secret: "a-secret-of-enough-length", role: "contributor" } as const;

const listening = async (t: TestContext, server: Server): Promise<number> => {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  return (server.address() as AddressInfo).port;
};

type World = { identity: Identity; base: string; caFile: string };

/** The issuer behind TLS. This process trusts its CA from then on, as a client does that is started with NODE_EXTRA_CA_CERTS. */
const anIssuer = async (t: TestContext): Promise<World> => {
  const directory = mkdtempSync(join(tmpdir(), "quern-identity-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const [clock, ids] = [systemClock(), systemIds()];
  const certificates = { directory: join(directory, "tls"), hostName: "localhost", now: clock.now(), ids };
  const { cert, key, caFile } = await ensureCertificates(certificates);
  setDefaultCACertificates([...getCACertificates("default"), readFileSync(caFile!, "utf8")]);
  const identity = createIdentity({
    clock,
    ids,
    log: silentLog,
    directory: join(directory, "identity"),
    tenantId,
    clients: [app],
    baseUrlOf,
    readBody: (request, response, limit) => readBody(request, response, limit, clock),
  });
  await identity.ready;
  const listener: RequestListener = (request, response) => void identity.handle(request, response);
  const port = await listening(t, createHttpsServer({ cert, key }, listener));
  return { identity, base: `https://localhost:${port}`, caFile: caFile! };
};

const credential = ({ base }: World, tenant: string, secret: string = app.secret, more: ClientSecretCredentialOptions = {}) =>
  new ClientSecretCredential(tenant, app.clientId, secret, {
    authorityHost: base,
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
    ...more,
  });

for (const tenant of [tenantId, "adfs", "quern"]) {
  test(`@azure/identity gets a token that is taken, for tenant ${tenant}`, async (t) => {
    const world = await anIssuer(t);
    const client = credential(world, tenant);
    const { token, expiresOnTimestamp } = await client.getToken("https://management.azure.com/.default");
    const caller = await world.identity.verifier.verify(token, "management", [world.base]);
    assert.deepEqual([caller.clientId, caller.role, caller.tenantId], [app.clientId, "contributor", tenantId]);
    // In whole seconds, rounded up and down on the way.
    const leftMs = expiresOnTimestamp - systemClock().now();
    assert.ok(leftMs > 3_500_000 && leftMs <= 3_601_000, `${leftMs}`);
    const batch = await client.getToken("https://batch.core.windows.net//.default");
    await world.identity.verifier.verify(batch.token, "batch", []);
    await assert.rejects(world.identity.verifier.verify(batch.token, "management", [world.base]), TokenRefused);
    const ownUrl = await client.getToken(`${world.base}/.default`);
    await world.identity.verifier.verify(ownUrl.token, "management", [world.base]);
  });
}

test("@azure/identity tells its user what was wrong", async (t) => {
  const world = await anIssuer(t);
  const arm = "https://management.azure.com/.default";
  for (const tenant of [tenantId, "adfs"]) {
    const wrong = credential(world, tenant, "wrong");
    await assert.rejects(wrong.getToken(arm), /AADSTS7000215/, tenant);
    await assert.rejects(credential(world, tenant).getToken("https://graph.microsoft.com/.default"), /AADSTS500011/);
  }
  // MSAL keeps the reason to itself when it cannot discover a tenant; the answer has it.
  await assert.rejects(credential(world, "11111111-2222-4333-8444-555555555555").getToken(arm), /endpoints_resolution_error/);
  const stranger = new ClientSecretCredential(tenantId, "11111111-2222-4333-8444-555555555555", app.secret, {
    authorityHost: world.base,
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
  });
  await assert.rejects(stranger.getToken(arm), /AADSTS700016/);
});

const fromPython = `
import sys
from azure.identity import ClientSecretCredential
tenant, client, secret, host, resource = sys.argv[1:]
credential = ClientSecretCredential(tenant, client, secret, authority=host, disable_instance_discovery=True)
print(credential.get_token(resource).token, end="")
`;

test("Python's azure-identity gets a token that is taken", { skip: missing(python) }, async (t) => {
  const world = await anIssuer(t);
  const ask = (secret: string) =>
    promisify(execFile)(
      "/usr/bin/python3",
      ["-c", fromPython, "adfs", app.clientId, secret, world.base, "https://management.core.windows.net//.default"],
      { env: { PATH: "/usr/bin:/bin", REQUESTS_CA_BUNDLE: world.caFile } },
    );
  const { stdout } = await ask(app.secret);
  await world.identity.verifier.verify(stdout, "management", []);
  await assert.rejects(ask("wrong"), /AADSTS7000215/);
});

test("any library verifies our tokens with the keys that discovery names", async (t) => {
  const world = await anIssuer(t);
  const { token } = await credential(world, tenantId).getToken("https://management.azure.com/.default");
  const document = (await (await fetch(`${world.base}/${tenantId}/v2.0/.well-known/openid-configuration`)).json()) as Record<
    string,
    string
  >;
  const keys = createRemoteJWKSet(new URL(document.jwks_uri!));
  const { payload } = await jwtVerify(token, keys, { issuer: document.issuer!, audience: "https://management.azure.com" });
  assert.deepEqual(payload.roles, ["contributor"]);
});

/** A small issuer of somebody else's, with a key that can be changed. */
const anExternalIssuer = async (t: TestContext) => {
  const make = async (kid: string) => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" } };
  };
  const state = { key: await make("first"), away: false };
  const server = createHttpServer((request, response) => {
    if (state.away) return void request.socket.destroy();
    const document =
      request.url === "/.well-known/openid-configuration" ? { issuer, jwks_uri: `${issuer}/jwks` } : { keys: [state.key.jwk] };
    response.setHeader("content-type", "application/json").end(JSON.stringify(document));
  });
  const issuer = `http://127.0.0.1:${await listening(t, server)}`;
  return {
    issuer,
    state,
    rotate: async () => {
      state.key = await make("second");
    },
    token: (clock: ManualClock, claims: object = {}) =>
      new SignJWT({
        iss: issuer,
        aud: "api://quern",
        sub: "ci",
        exp: clock.now() / 1000 + 7200,
        realm_access: { roles: ["batch-admin"] },
        ...claims,
      })
        .setProtectedHeader({ alg: "ES256", kid: state.key.kid })
        .sign(state.key.privateKey),
  };
};

test("tokens of an external issuer are taken beside our own, through a change of its keys and while it is away", async (t) => {
  const world = await anIssuer(t);
  const external = await anExternalIssuer(t);
  const clock = new ManualClock();
  const { issuer } = external;
  const verifierOfIt = () =>
    createExternalVerifier({
      settings: { issuer, audiences: ["api://quern"], roleClaim: "realm_access.roles", roles: new Map([["batch-admin", "owner"]]) },
      tenantId,
      clock,
      log: silentLog,
    });
  const both = verifierByIssuer([
    { issuer: world.identity.issuer, verifier: world.identity.verifier },
    { issuer, verifier: verifierOfIt() },
  ]);
  const own = await credential(world, "adfs").getToken("https://batch.core.windows.net/.default");
  assert.equal((await both.verify(own.token, "batch", [])).role, "contributor");
  const first = await external.token(clock);
  assert.equal((await both.verify(first, "batch", [])).role, "owner");
  assert.equal((await both.verify(first, "management", [])).objectId, "ci");

  await external.rotate();
  clock.advance(30_000);
  await both.verify(await external.token(clock), "management", []);

  external.state.away = true;
  await both.verify(await external.token(clock, { jti: "while away" }), "management", []);
  const refused = (error: unknown) => error instanceof TokenRefused && error.reason === "signature";
  await assert.rejects(verifierOfIt().verify(await external.token(clock), "management", []), refused);
});
