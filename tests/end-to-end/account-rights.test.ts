// Who may do what to Batch accounts, and what is refused because a name is taken.
import assert from "node:assert/strict";
import { test } from "node:test";
import { armRequest, batchResource, managementResource, tokenFor } from "../support/arm.ts";
import { accountPath, createAccount, makeGroup } from "../support/batch-accounts.ts";
import { startQuern } from "../support/quern.ts";
import { signedRequest } from "../support/signed.ts";

test("readers and names that are taken", { timeout: 60_000 }, async (t) => {
  const client = (n: number) => ({ clientId: `00000000-0000-4000-8000-00000000000${n}`, clientSecret: `a-secret-of-client-${n}` });
  const flag = (n: number, role: string) => ["--client", `${client(n).clientId}:${client(n).clientSecret}:${role}`];
  const quern = await startQuern(t, { args: ["--storage", "none", ...flag(1, "owner"), ...flag(2, "reader")] });
  await createAccount(quern, "alpha");

  await t.test("a reader reads, and is refused whatever changes something or shows keys", async () => {
    const token = await tokenFor(quern, managementResource, client(2));
    const as = (method: string, below = "", body?: object) =>
      armRequest(quern, { method, path: `${accountPath("alpha")}${below}`, token, ...(body === undefined ? {} : { body }) });
    for (const below of ["", "/detectors", "/privateLinkResources", "/outboundNetworkDependenciesEndpoints"])
      assert.equal((await as("GET", below)).status, 200, below);
    for (const [method, below, body] of [
      ["PUT", "", { location: "westus2" }],
      ["PATCH", "", { tags: {} }],
      ["DELETE", "", undefined],
      ["POST", "/listKeys", {}],
      ["POST", "/regenerateKeys", { keyName: "Primary" }],
      ["POST", "/syncAutoStorageKeys", {}],
    ] as const) {
      const answer = await as(method, below, body);
      assert.deepEqual([answer.status, answer.json.error.code], [403, "AuthorizationFailed"], `${method} ${below}`);
    }
    assert.equal((await as("GET")).json.properties.provisioningState, "Succeeded");
    const host = `alpha.westus2.batch.localhost:${new URL(quern.ready.batchUrl).port}`;
    const authorization = `Bearer ${await tokenFor(quern, batchResource, client(2))}`;
    const jobs = (method: string, body?: object) =>
      signedRequest(quern.ready, { method, path: "/jobs", headers: { authorization, host }, ...(body === undefined ? {} : { body }) });
    assert.equal((await jobs("GET")).status, 200);
    assert.equal((await jobs("POST", { id: "j", poolInfo: { poolId: "p" } })).status, 403);
  });

  await t.test("a name is taken on the whole server, whatever the group and the region", async () => {
    await makeGroup(quern, "elsewhere", "japaneast");
    for (const location of ["westus2", "japaneast"]) {
      const answer = await armRequest(quern, { method: "PUT", path: accountPath("alpha", "elsewhere"), body: { location } });
      assert.deepEqual([answer.status, answer.json.error.code], [409, "AccountAlreadyExists"]);
    }
    const read = await armRequest(quern, { method: "GET", path: accountPath("alpha", "elsewhere") });
    assert.deepEqual([read.status, read.json.error.code], [404, "ResourceNotFound"]);
  });
});
