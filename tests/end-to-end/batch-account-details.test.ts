// What stands around a Batch account in ARM on a real server: private links, the perimeter, detectors, what nodes must reach, sizes and operations.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { armPoll, armRequest, managementResource, tokenFor } from "../support/arm.ts";
import { accountPath, anUbuntuPool, asAccount, createAccount, keysOf } from "../support/batch-accounts.ts";
import { startQuern, until } from "../support/quern.ts";

test("around Batch accounts", { timeout: 60_000 }, async (t) => {
  const log = join(await mkdtemp(join(tmpdir(), "quern-log-")), "debug.log");
  t.after(() => rm(dirname(log), { recursive: true, force: true }));
  const quern = await startQuern(t, { args: ["--debug", log] });
  const path = accountPath("alpha");
  await createAccount(quern, "alpha");
  const get = (below: string) => armRequest(quern, { method: "GET", path: /^(\/|https:)/.test(below) ? below : `${path}/${below}` });
  const patch = (below: string, body: object, headers: Record<string, string> = {}) =>
    armRequest(quern, { method: "PATCH", path: `${path}${below}`, body, headers });

  await t.test("two private link resources, by name and in pages", async () => {
    const { value } = (await get("privateLinkResources")).json;
    assert.deepEqual(
      value.map(({ name, properties }: any) => [name, properties]),
      ["batchAccount", "nodeManagement"].map((name) => [
        name,
        { groupId: name, requiredMembers: [name], requiredZoneNames: ["privatelink.batch.azure.com"] },
      ]),
    );
    assert.deepEqual((await get("privateLinkResources/batchaccount")).json, value[0]);
    const page = (await get("privateLinkResources?maxresults=1")).json;
    assert.equal(page.value.length, 1);
    assert.deepEqual((await get(page.nextLink)).json.value, [value[1]]);
  });

  await t.test("a connection is decided on, under conditions, and removed", async () => {
    const privateLinkServiceId = path.replace("{sub}", quern.ready.subscriptionId).replace("{rg}", quern.ready.resourceGroup);
    const endpoint = {
      location: "westus2",
      properties: { privateLinkServiceConnections: [{ name: "c", properties: { privateLinkServiceId, groupIds: ["nodeManagement"] } }] },
    };
    const made = await armRequest(quern, {
      method: "PUT",
      path: "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Network/privateEndpoints/pe",
      version: "2023-11-01",
      body: endpoint,
    });
    assert.equal(made.status, 201, made.text);
    const [connection] = (await get("privateEndpointConnections")).json.value;
    assert.deepEqual(connection.properties.groupIds, ["nodeManagement"]);
    assert.equal(connection.properties.privateLinkServiceConnectionState.status, "Approved");
    const below = `/privateEndpointConnections/${connection.name}`;
    const state = (status: string) => ({ properties: { privateLinkServiceConnectionState: { status, description: "so be it" } } });
    const stale = await patch(below, state("Rejected"), { "if-match": 'W/"0x8D0000000000000"' });
    assert.deepEqual([stale.status, stale.json.error.code], [412, "ConditionNotMet"]);
    const rejected = await patch(below, state("Rejected"), { "if-match": connection.etag });
    assert.equal(rejected.status, 202, rejected.text);
    const now = (await get(below.slice(1))).json;
    assert.deepEqual(
      [now.properties.provisioningState, now.properties.privateLinkServiceConnectionState.status],
      ["Succeeded", "Rejected"],
    );
    const pending = await patch(below, state("Pending"));
    assert.deepEqual([pending.status, pending.json.error.code], [409, "OperationNotAllowed"]);
    for (const body of [{}, { properties: {} }, state("Perhaps")]) assert.equal((await patch(below, body)).status, 400);
    const removed = await armRequest(quern, { method: "DELETE", path: `${path}${below}` });
    assert.deepEqual([removed.status, removed.text], [202, ""]);
    assert.equal((await armPoll(quern, String(removed.headers.location))).json.status, "Succeeded");
    assert.equal((await get(below.slice(1))).status, 404);
    assert.equal((await armRequest(quern, { method: "DELETE", path: `${path}${below}` })).status, 204);
    assert.deepEqual((await get("")).json.properties.privateEndpointConnections, []);
  });

  await t.test("an account that is secured by the perimeter lets in whom its rules name, and the configuration says so", async () => {
    const { primary } = await keysOf(quern, "alpha");
    const jobs = async () => (await asAccount(quern, "alpha", primary, { method: "GET", path: "/jobs" })).status;
    const list = async () => (await get("networkSecurityPerimeterConfigurations")).json.value;
    assert.deepEqual(await list(), []);
    const rules = (value: string) => ({
      properties: {
        publicNetworkAccess: "SecuredByPerimeter",
        networkProfile: { accountAccess: { defaultAction: "Allow", ipRules: [{ action: "Allow", value }] } },
      },
    });
    assert.equal((await patch("", rules("10.0.0.0/8"))).status, 200);
    assert.equal(await jobs(), 403);
    const [configuration] = await list();
    assert.match(configuration.name, /^[0-9a-f-]{36}\.quern$/);
    assert.deepEqual(configuration.properties.profile.accessRules[0].properties.addressPrefixes, ["10.0.0.0/8"]);
    assert.equal(configuration.properties.resourceAssociation.accessMode, "Enforced");
    assert.deepEqual((await get(`networkSecurityPerimeterConfigurations/${configuration.name}`)).json, configuration);
    await patch("", rules("127.0.0.1"));
    assert.equal(await jobs(), 200);
    const reconciled = await armRequest(quern, { method: "POST", path: `${configuration.id}/reconcile` });
    assert.deepEqual([reconciled.status, reconciled.text], [202, ""]);
    assert.match(String(reconciled.headers.location), /networkSecurityPerimeterConfigurationOperationResults\/AcceptedReconciling\$/);
    assert.equal((await armPoll(quern, String(reconciled.headers.location))).status, 200);
    await patch("", { properties: { publicNetworkAccess: "Enabled" } });
    const gone = await armRequest(quern, { method: "POST", path: `${configuration.id}/reconcile` });
    assert.deepEqual([gone.status, gone.json.error.code], [404, "ResourceNotFound"]);
  });

  await t.test("detectors tell what really is", async () => {
    const documentOf = async (id: string) =>
      JSON.parse(Buffer.from((await get(`detectors/${id}`)).json.properties.value, "base64").toString());
    const quiet = await documentOf("poolsAndNodes");
    assert.deepEqual([quiet.metadata.id, quiet.dataset, quiet.status.statusId], ["poolsAndNodes", [], 4]);
    const { primary } = await keysOf(quern, "alpha");
    const mountConfiguration = [{ nfsMountConfiguration: { source: "s", relativeMountPath: "m" } }];
    const body = anUbuntuPool("held", { targetDedicatedNodes: 1, mountConfiguration });
    assert.equal((await asAccount(quern, "alpha", primary, { method: "POST", path: "/pools", body })).status, 201);
    await until(
      () => asAccount(quern, "alpha", primary, { method: "GET", path: "/pools/held" }),
      ({ json }) => json.allocationState === "steady",
    );
    const found = await documentOf("poolsandnodes");
    assert.equal(found.status.statusId, 1);
    assert.deepEqual(found.dataset[0].table.rows[0].slice(0, 3), ["Pool", "held", "AllocationFailed"]);
    assert.deepEqual(
      (await get("detectors")).json.value.map(({ name }: any) => name),
      ["poolsAndNodes", "jobsAndTasks"],
    );
  });

  await t.test("what nodes must reach is this server and the auto storage", async () => {
    const own = (await get(`${accountPath(quern.ready.account)}/outboundNetworkDependenciesEndpoints`)).json.value;
    const port = Number(new URL(quern.ready.batchUrl).port);
    assert.deepEqual(
      own.map(({ category }: any) => category),
      ["Azure Batch", "Azure Storage"],
    );
    assert.deepEqual(
      own[0].endpoints.map(({ domainName, endpointDetails }: any) => [domainName, endpointDetails]),
      [["127.0.0.1", [{ port }]]],
    );
    assert.deepEqual(own[1].endpoints[0].endpointDetails, [{ port }]);
    const alpha = (await get("outboundNetworkDependenciesEndpoints")).json.value;
    assert.equal(alpha[0].endpoints[0].domainName, "alpha.westus2.batch.localhost");
    assert.equal(alpha.length, 1, "an account without auto storage needs none");
  });

  await t.test("sizes of virtual machines, by family and in pages", async () => {
    const location = "/subscriptions/{sub}/providers/Microsoft.Batch/locations/West US 2".replaceAll(" ", "%20");
    const all = (await get(`${location}/virtualMachineSkus`)).json.value;
    const size = all.find(({ name }: any) => name === "Standard_D2s_v3");
    assert.equal(size.familyName, "standardDSv3Family");
    const capability = (name: string) => size.capabilities.find((one: any) => one.name === name).value;
    assert.deepEqual([capability("vCPUs"), capability("MemoryGB"), capability("CpuArchitectureType")], ["2", "8", "x64"]);
    for (const { capabilities } of all) for (const { value } of capabilities) assert.equal(typeof value, "string");
    const filter = encodeURIComponent("familyName eq 'standardDSv3Family'");
    const family = (await get(`${location}/virtualMachineSkus?$filter=${filter}`)).json.value;
    assert.ok(family.length > 1 && family.every(({ familyName }: any) => familyName === "standardDSv3Family"));
    const names: string[] = [];
    for (let next: string | undefined = `${location}/virtualMachineSkus?maxresults=50`; next !== undefined; ) {
      const page: any = (await get(next)).json;
      assert.ok(page.value.length <= 50);
      names.push(...page.value.map(({ name }: any) => name));
      next = page.nextLink;
    }
    assert.deepEqual(
      names,
      all.map(({ name }: any) => name),
    );
    const old = await armRequest(quern, { method: "GET", path: `${location}/cloudServiceSkus`, version: "2022-10-01" });
    assert.deepEqual(old.json, { value: [] });
    assert.equal((await get(`${location}/cloudServiceSkus`)).status, 404, "2024-07-01 has none any more");
    const wrong = await get(`${location}/virtualMachineSkus?$filter=${encodeURIComponent("vCPUs eq 2")}`);
    assert.equal(wrong.status, 400);
  });

  await t.test("the list of operations is that of what is served", async () => {
    const { value } = (await get("/providers/Microsoft.Batch/operations")).json;
    const of = (name: string) => value.find((one: any) => one.name === name);
    for (const name of ["read", "write", "delete", "listkeys/action", "pools/write", "regeneratekeys/action"])
      assert.ok(
        value.some((one: any) => one.name.toLowerCase() === `microsoft.batch/batchaccounts/${name}`),
        name,
      );
    assert.equal(of("Microsoft.Batch/batchAccounts/jobs/write").isDataAction, true);
    assert.equal(of("Microsoft.Batch/batchAccounts/read").display.provider, "Microsoft Batch");
    assert.equal(new Set(value.map(({ name }: any) => name)).size, value.length);
  });

  await t.test("keys and tokens are in no log line", async () => {
    const before = await keysOf(quern, "alpha");
    const regenerated = await armRequest(quern, { method: "POST", path: `${path}/regenerateKeys`, body: { keyName: "Secondary" } });
    const token = await tokenFor(quern, managementResource);
    await quern.stop();
    const text = await readFile(log, "utf8");
    assert.match(text, /regenerateKeys/);
    for (const secret of [before.primary, before.secondary, regenerated.json.secondary, token]) assert.equal(text.includes(secret), false);
  });
});
