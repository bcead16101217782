// The identity flags, through the command line they are part of.
import assert from "node:assert/strict";
import { test } from "node:test";
import { wellKnownClient } from "./identity-options.ts";
import { type Actions, commandLine, type StartOptions } from "./options.ts";
import { UserError } from "./usage-error.ts";

const startWith = async (...args: string[]): Promise<StartOptions> => {
  let options: StartOptions | undefined;
  // The other commands are not called.
  const actions = {
    start: async (given: StartOptions) => {
      options = given;
    },
  } as unknown as Actions;
  await commandLine("0", actions)
    .exitOverride()
    .parseAsync(["start", ...args], { from: "user" });
  return options!;
};

const own = ["--account", `mine:${Buffer.alloc(32, 5).toString("base64")}`];
const id = "0fa0b3f4-0000-4000-8000-00000000000A";
const secondId = "0fa0b3f4-0000-4000-8000-00000000000b";
const secret = "a-secret-of-enough-length";
const oidc = ["--oidc-issuer", "https://login.example.test/realm", "--oidc-audience", "api://quern"];

const refused = (...args: string[]) =>
  assert.rejects(startWith(...args), (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.equal(error.exitCode, 2);
    assert.ok(!error.message.includes(secret), "a secret is never repeated");
    return true;
  });

test("without a client the published one comes with the published key, and else the location has its own", async () => {
  assert.deepEqual((await startWith()).clients, [wellKnownClient]);
  assert.deepEqual((await startWith("--host", "::1")).clients, [wellKnownClient]);
  assert.equal((await startWith("--host", "0.0.0.0", ...own)).clients, "kept");
  assert.equal((await startWith(...own)).clients, "kept", "who has a key of his own is not open to other users of the machine");
  assert.equal((await startWith("--allow-well-known-key", ...own)).clients, "kept");
  assert.deepEqual((await startWith("--host", "0.0.0.0", "--allow-well-known-key")).clients, [wellKnownClient]);
});

test("clients have a secret and a role", async () => {
  const { clients } = await startWith("--client", `${id}:${secret}`, "--client", `${secondId}:${secret}:owner`);
  assert.deepEqual(clients, [
    { clientId: id.toLowerCase(), secret, role: "contributor" },
    { clientId: secondId, secret, role: "owner" },
  ]);
});

test("clients that make no sense are refused", async () => {
  const wrong = [
    "",
    "x",
    `${id}`,
    `${id}:short`,
    `name:${secret}`,
    `${id}:${secret}:admin`,
    `${id}:${secret}:owner:more`,
    `${id}:${secret} x`,
  ];
  for (const client of wrong) await refused("--client", client);
  await refused("--client", `${id}:${secret}`, "--client", `${id.toLowerCase()}:${secret}:reader`);
  await refused("--host", "0.0.0.0", ...own, "--client", `${id}:${wellKnownClient.secret}`);
});

test("an external issuer is taken as it is written, and has the clients", async () => {
  const plain = await startWith(...oidc);
  assert.deepEqual(plain.clients, []);
  assert.deepEqual(plain.externalIssuer, {
    issuer: "https://login.example.test/realm",
    audiences: ["api://quern"],
    roleClaim: "roles",
    roles: new Map([
      ["owner", "owner"],
      ["contributor", "contributor"],
      ["reader", "reader"],
    ]),
  });
  const more = ["--oidc-role-claim", "groups", "--oidc-role", "reader=everyone", "--oidc-role", "owner=a=b", "--client", `${id}:${secret}`];
  const { externalIssuer, clients } = await startWith(...oidc, ...more, "--oidc-jwks", "http://127.0.0.1:8080/keys");
  assert.equal(externalIssuer?.jwksUrl, "http://127.0.0.1:8080/keys");
  assert.equal(externalIssuer?.roleClaim, "groups");
  assert.deepEqual(Object.fromEntries(externalIssuer!.roles), { everyone: "reader", "a=b": "owner" });
  assert.equal(clients.length, 1);
});

test("an external issuer that cannot be checked is refused", async () => {
  await refused("--oidc-issuer", "https://login.example.test");
  await refused("--oidc-audience", "api://quern");
  await refused("--oidc-role", "owner=x");
  for (const url of ["login.example.test", "http://login.example.test", "ftp://x/", "https://me:word@login.example.test/"])
    await refused("--oidc-audience", "x", "--oidc-issuer", url);
  await refused(...oidc, "--oidc-jwks", "http://login.example.test/keys");
  for (const role of ["owner", "=x", "admin=x", "owner="]) await refused(...oidc, "--oidc-role", role);
});

test("names of the subscription and around it are checked", async () => {
  const { subscription, tenant, resourceGroup, region, domain } = await startWith("--subscription", id, "--tenant", id);
  assert.deepEqual([subscription, tenant], [id.toLowerCase(), id.toLowerCase()]);
  assert.deepEqual([resourceGroup, region, domain], ["quern", "eastus", "localhost"]);
});
