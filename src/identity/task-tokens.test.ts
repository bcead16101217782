// Tokens of tasks by themselves: what they say, what passes for one, and that neither they nor clients' tokens pass for the other.
import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { SignJWT } from "jose/jwt/sign";
import { type RefusalReason, TokenRefused } from "../auth/tokens.ts";
import { ManualClock } from "../lib/clock.ts";
import { seededIds } from "../lib/ids.ts";
import { silentLog } from "../lib/log.ts";
import { createIdentity } from "./identity.ts";
import { issueAccessToken } from "./issue.ts";
import { ensureSigningKey, type SigningKey } from "./signing-key.ts";
import { createTaskTokens, taskTokenLifetime } from "./task-tokens.ts";

const tenantId = "51756572-6e00-4000-8000-000000000002";
const app = { clientId: "0fa0b3f4-0000-4000-8000-00000000000a", secret: "a-secret-of-enough-length", role: "owner" } as const;
const attempt = {
  accountId: 7,
  accountName: "mine",
  jobUid: 1_795_180_496_488_000,
  jobId: "J",
  seq: 1_795_180_496_488_001,
  taskId: "T",
  attempt: 2,
};

const anIdentity = async (t: TestContext) => {
  const directory = mkdtempSync(join(tmpdir(), "quern-task-tokens-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const clock = new ManualClock();
  const unused = () => assert.fail("no request is made");
  const options = { clock, ids: seededIds(1), log: silentLog, directory, tenantId, clients: [app], baseUrlOf: unused, readBody: unused };
  const identity = createIdentity(options);
  await identity.ready;
  return { identity, clock, key: await ensureSigningKey(directory) };
};

const isRefused = (reason: RefusalReason) => (error: unknown) => error instanceof TokenRefused && error.reason === reason;

test("a task's token says which attempt it is of, and is good until its time is over", async (t) => {
  const { identity, clock } = await anIdentity(t);
  const token = await identity.taskTokens.issue(attempt);
  assert.ok(identity.taskTokens.isOne(token));
  assert.deepEqual(await identity.taskTokens.verify(token), attempt);
  const { alg, typ } = decodeProtectedHeader(token);
  assert.deepEqual([alg, typ], ["RS256", "task+jwt"]);
  assert.deepEqual(Object.keys(decodeJwt(token)).sort(), ["attempt", "aud", "exp", "iat", "iss"]);
  clock.advance(taskTokenLifetime * 1000 - 1000);
  assert.deepEqual(await identity.taskTokens.verify(token), attempt);
  clock.advance(1000);
  await assert.rejects(identity.taskTokens.verify(token), isRefused("expired"));
});

test("a new issuer on the same location knows it", async (t) => {
  const { identity, key, clock } = await anIdentity(t);
  const { issuer } = identity;
  const token = await identity.taskTokens.issue(attempt);
  assert.deepEqual(await createTaskTokens({ issuer, key: Promise.resolve(key), clock }).verify(token), attempt);
});

test("no plane takes a task's token for a client's", async (t) => {
  const { identity } = await anIdentity(t);
  const token = await identity.taskTokens.issue(attempt);
  for (const audience of ["management", "batch"] as const)
    await assert.rejects(identity.verifier.verify(token, audience, ["https://localhost:1"]), isRefused("malformed"));
});

test("nothing else passes for a task's token", async (t) => {
  const { identity, clock, key } = await anIdentity(t);
  const { issuer, taskTokens } = identity;
  const good = await taskTokens.issue(attempt);
  const claims = decodeJwt(good);
  const header = decodeProtectedHeader(good);
  const [head, payload, signature] = good.split(".") as [string, string, string];
  const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const hmacHead = encoded({ ...header, alg: "HS256" });
  const pem = key.publicKey.export({ type: "spki", format: "pem" });
  assert.deepEqual(await taskTokens.verify(await key.sign(claims, "task+jwt")), attempt, "signed as the issuer signs");
  const parts = { issuer, tenantId, key: Promise.resolve<SigningKey>(key), clock, ids: seededIds(2) };
  const caller = { objectId: "o", clientId: app.clientId, tenantId, role: "owner", name: "n" } as const;
  const bad: Record<string, string> = {
    "a client's access token": await issueAccessToken(caller, "https://batch.core.windows.net/", parts),
    "another type": await key.sign(claims, "JWT"),
    "another audience": await key.sign({ ...claims, aud: "https://batch.core.windows.net/" }, "task+jwt"),
    "another issuer": await key.sign({ ...claims, iss: "https://sts.windows.net/x/" }, "task+jwt"),
    "no attempt": await key.sign({ ...claims, attempt: undefined }, "task+jwt"),
    "no end": await key.sign({ ...claims, exp: undefined }, "task+jwt"),
    "another key": await new SignJWT(claims).setProtectedHeader({ ...header, alg: "RS256" }).sign(stranger),
    "another job": [head, encoded({ ...claims, attempt: { ...attempt, jobId: "other" } }), signature].join("."),
    "alg none": [encoded({ alg: "none", typ: "task+jwt" }), payload, ""].join("."),
    "HS256 with the public key": `${hmacHead}.${payload}.${createHmac("sha256", pem).update(`${hmacHead}.${payload}`).digest("base64url")}`,
    nonsense: "nonsense",
  };
  for (const [what, token] of Object.entries(bad)) await assert.rejects(taskTokens.verify(token), isRefused("signature"), what);
  assert.equal(taskTokens.isOne(bad["a client's access token"]!), false);
  assert.equal(taskTokens.isOne("nonsense"), false);
});
