// Facts about the real management plane, from recorded exchanges of 2019 to 2026 (the project's reference documents), each held against our server:
// statuses, headers, ETag forms, URLs of long-running operations, spellings, defaults. Recordings that are replayed say most of it again; this
// says it where no recording does, in the versions that have it.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type ArmRequest, armPoll, armRequest } from "../support/arm.ts";
import { newCertificate } from "../support/example-world.ts";
import { type Quern, startQuern, until } from "../support/quern.ts";
import { newDirectory, packRootfs } from "../support/rootfs.ts";
import type { Answer } from "../support/signed.ts";

const name = "factsaccount";
const account = `/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts/${name}`;
const guid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const strong = /^"0x8D[0-9A-F]{12,13}"$/;
const weak = /^W\/"0x8D[0-9A-F]{12,13}"$/;

type Ask = (method: string, path: string, body?: unknown, more?: Partial<ArmRequest>) => Promise<Answer>;
const asker =
  (quern: Quern): Ask =>
  (method, path, body, more = {}) =>
    armRequest(quern, { method, path, ...(body === undefined ? {} : { body }), ...more });

const made = async (t: TestContext, args: string[] = []): Promise<{ quern: Quern; ask: Ask; create: Answer }> => {
  const quern = await startQuern(t, { args });
  const ask = asker(quern);
  const create = await ask("PUT", account, { location: "East US" });
  await armPoll(quern, String(create.headers.location));
  return { quern, ask, create };
};

const code = ({ status, json }: Answer): string => `${status} ${json?.error?.code}`;
const header = (answer: Answer, which: string): string => String(answer.headers[which] ?? "");

test("accounts", async (t) => {
  const { quern, ask, create } = await made(t);

  await t.test("creation: 202 without a body, Location below the account, no Azure-AsyncOperation", async () => {
    assert.deepEqual([create.status, create.text, create.headers["azure-asyncoperation"]], [202, "", undefined]);
    assert.match(
      header(create, "location"),
      new RegExp(
        `^https://[^/]+/subscriptions/[^/]+/resourceGroups/[^/]+/.*/batchAccounts/${name}/operationResults/${guid}\\?api-version=2024-07-01$`,
      ),
    );
    assert.equal(header(create, "retry-after"), "1");
    const result = await ask("GET", header(create, "location"));
    assert.deepEqual([result.status, result.json.name, result.json.properties.provisioningState], [200, name, "Succeeded"]);
    assert.match(header(result, "etag"), strong);
  });

  await t.test("headers of every answer", async () => {
    const sent = { "x-ms-correlation-request-id": "0d6b6f3c-52bb-4f0b-93a8-5b1ee1b1c0de" };
    for (const answer of [
      await ask("GET", account, undefined, { headers: sent }),
      await ask("GET", `${account}x`, undefined, { headers: sent }),
    ]) {
      assert.equal(header(answer, "content-type"), "application/json; charset=utf-8");
      assert.deepEqual(
        [header(answer, "cache-control"), header(answer, "pragma"), header(answer, "expires")],
        ["no-cache", "no-cache", "-1"],
      );
      assert.equal(header(answer, "x-ms-correlation-request-id"), sent["x-ms-correlation-request-id"]);
      assert.match(header(answer, "x-ms-request-id"), new RegExp(`^${guid}$`));
      assert.match(header(answer, "x-ms-routing-request-id"), /./);
      // How many requests are left in the hour is not said: there is no such limit here.
      assert.equal(answer.headers["x-ms-ratelimit-remaining-subscription-reads"], undefined);
    }
  });

  await t.test("the body of 2024", async () => {
    const { status, json, headers } = await ask("GET", account);
    assert.equal(status, 200);
    assert.match(String(headers.etag), strong);
    assert.ok(headers["last-modified"] !== undefined);
    assert.deepEqual([json.type, json.location, json.identity], ["Microsoft.Batch/batchAccounts", "eastus", { type: "None" }]);
    const { properties } = json;
    for (const host of ["accountEndpoint", "nodeManagementEndpoint"] as const)
      assert.match(properties[host], new RegExp(`^(${name}|${guid})\\.eastus\\.(service\\.)?batch\\.localhost(:\\d+)?$`), host);
    for (const number of ["dedicatedCoreQuota", "lowPriorityCoreQuota", "poolQuota", "activeJobAndJobScheduleQuota"])
      assert.ok(Number.isInteger(properties[number]), number);
    assert.deepEqual(Object.keys(properties.dedicatedCoreQuotaPerVMFamily[0]).sort(), ["coreQuota", "name"]);
    assert.equal(typeof properties.dedicatedCoreQuotaPerVMFamilyEnforced, "boolean");
    const {
      provisioningState,
      poolAllocationMode,
      publicNetworkAccess,
      privateEndpointConnections,
      encryption,
      allowedAuthenticationModes,
    } = properties;
    assert.deepEqual(
      { provisioningState, poolAllocationMode, publicNetworkAccess, privateEndpointConnections, encryption, allowedAuthenticationModes },
      {
        provisioningState: "Succeeded",
        poolAllocationMode: "BatchService",
        publicNetworkAccess: "Enabled",
        privateEndpointConnections: [],
        encryption: { keySource: "Microsoft.Batch" },
        allowedAuthenticationModes: ["SharedKey", "AAD", "TaskAuthenticationToken"],
      },
    );
  });

  await t.test("PATCH and keys answer at once; lists, keys and quotas have no ETag", async () => {
    const storageAccountId = `/subscriptions/${quern.ready.subscriptionId}/resourceGroups/${quern.ready.resourceGroup}/providers/Microsoft.Storage/storageAccounts/devstoreaccount1`;
    const patched = await ask("PATCH", account, { properties: { autoStorage: { storageAccountId } } });
    assert.deepEqual([patched.status, patched.json.properties.autoStorage.storageAccountId], [200, storageAccountId]);
    assert.match(patched.json.properties.autoStorage.lastKeySync, /^\d{4}-\d\d-\d\dT.*Z$/);
    const sync = await ask("POST", `${account}/syncAutoStorageKeys`);
    assert.deepEqual([sync.status, sync.text], [204, ""]);
    const plain = [
      await ask("POST", `${account}/listKeys`),
      await ask("POST", `${account}/regenerateKeys`, { keyName: "Primary" }),
      await ask("GET", "/subscriptions/{sub}/providers/Microsoft.Batch/batchAccounts"),
      await ask("GET", "/subscriptions/{sub}/providers/Microsoft.Batch/locations/eastus/quotas"),
      await ask("GET", `${account}/privateLinkResources`),
      await ask("GET", `${account}/pools`),
      await ask("GET", `${account}/applications`),
    ];
    for (const answer of plain) assert.deepEqual([answer.status, answer.headers.etag], [200, undefined]);
    const [keys] = plain;
    assert.deepEqual(Object.keys(keys!.json).sort(), ["accountName", "primary", "secondary"]);
  });

  await t.test("private link resources", async () => {
    const { json } = await ask("GET", `${account}/privateLinkResources`);
    const told = json.value.map(({ name, properties }: any) => [name, properties]);
    assert.deepEqual(
      told,
      ["batchAccount", "nodeManagement"].map((groupId) => [
        groupId,
        { groupId, requiredMembers: [groupId], requiredZoneNames: ["privatelink.batch.azure.com"] },
      ]),
    );
  });

  await t.test("names, quotas and operations", async () => {
    const ask1 = (asked: string, region = "eastus") =>
      ask("POST", `/subscriptions/{sub}/providers/Microsoft.Batch/locations/${region}/checkNameAvailability`, {
        name: asked,
        type: "Microsoft.Batch/batchAccounts",
      });
    assert.deepEqual((await ask1("freename")).json, { nameAvailable: true });
    const short = await ask1("ab");
    assert.deepEqual(
      [short.status, short.json],
      [200, { nameAvailable: false, reason: "Invalid", message: "Account name must be at least 3 characters and at most 24 characters." }],
    );
    const taken = await ask1(name, "East%20US");
    assert.deepEqual(taken.json, {
      nameAvailable: false,
      reason: "AlreadyExists",
      message: `An account named '${name}' is already in use.`,
    });
    assert.deepEqual(Object.keys((await ask("GET", "/subscriptions/{sub}/providers/Microsoft.Batch/locations/eastus/quotas")).json), [
      "accountQuota",
    ]);
    for (const operation of (await ask("GET", "/providers/Microsoft.Batch/operations")).json.value) {
      assert.deepEqual(Object.keys(operation.display).sort(), ["description", "operation", "provider", "resource"]);
      assert.equal(typeof operation.isDataAction, "boolean");
    }
  });

  await t.test("paths in any letter case, with slashes that clients double; the answer keeps the case of creation", async () => {
    const id = (await ask("GET", account)).json.id;
    for (const path of [
      account.toUpperCase(),
      account.toLowerCase(),
      `/${account}`,
      account.replace("/batchAccounts", "//batchaccounts"),
    ]) {
      const answer = await ask(
        "GET",
        path.replace(/\{(SUB|RG)\}/g, (braced) => braced.toLowerCase()),
      );
      assert.deepEqual([answer.status, answer.json.id], [200, id], path);
    }
  });

  await t.test("refusals", async () => {
    const noGroup = await ask("GET", account.replace("{rg}", "nosuchgroup"));
    assert.equal(code(noGroup), "404 ResourceGroupNotFound");
    assert.equal(noGroup.json.error.message, "Resource group 'nosuchgroup' could not be found.");
    assert.equal(header(noGroup, "x-ms-failure-cause"), "gateway");
    const missing = await ask("GET", account.replace(name, "nosuchaccount"));
    assert.equal(code(missing), "404 ResourceNotFound");
    assert.equal(
      missing.json.error.message,
      `The Resource 'Microsoft.Batch/batchAccounts/nosuchaccount' under resource group '${quern.ready.resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    );
    const vault = await ask("PUT", account.replace(name, "ownpools"), {
      location: "eastus",
      properties: { poolAllocationMode: "UserSubscription" },
    });
    assert.equal(code(vault), "400 InvalidRequestBody");
    const { message, target, details } = vault.json.error;
    assert.match(message, /\nRequestId:.+\nTime:.+Z$/s);
    assert.deepEqual([target, details[0].code, typeof details[0].message], ["BatchAccount", "Reason", "string"]);
  });

  await t.test("deletion: 202, a Location below the subscription, which ends with 200 and nothing", async () => {
    const gone = await ask("DELETE", account);
    assert.deepEqual([gone.status, gone.text], [202, ""]);
    assert.match(
      header(gone, "location"),
      new RegExp(
        `/subscriptions/[^/]+/providers/Microsoft.Batch/locations/eastus/accountOperationResults/${name}-${guid}\\?api-version=2024-07-01$`,
      ),
    );
    const end = await armPoll(quern, header(gone, "location"));
    assert.deepEqual([end.status, end.text], [200, ""]);
    assert.equal(code(await ask("GET", account)), "404 ResourceNotFound");
    assert.equal((await ask("DELETE", account)).status, 204);
  });
});

const machine = {
  virtualMachineConfiguration: {
    imageReference: { publisher: "Canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" },
    nodeAgentSkuId: "batch.node.ubuntu 22.04",
  },
};

test("pools and certificates", async (t) => {
  const { quern, ask } = await made(t);
  const pool = `${account}/pools/facts`;
  const steady = (): Promise<Answer> =>
    until(
      () => ask("GET", pool),
      ({ json }) => json.properties.allocationState === "Steady",
    );

  await t.test("PUT is synchronous, and spells as Resource Manager does", async () => {
    const answer = await ask("PUT", pool, {
      properties: {
        vmSize: "standard_a1",
        deploymentConfiguration: machine,
        scaleSettings: { fixedScale: { targetDedicatedNodes: 1 } },
        startTask: { commandLine: "/bin/true" },
        userAccounts: [{ name: "u", password: "Secret-1", elevationLevel: "Admin" }],
      },
    });
    assert.equal(answer.status, 200, answer.text);
    assert.match(header(answer, "etag"), weak);
    assert.equal(answer.json.etag, header(answer, "etag"));
    assert.deepEqual([answer.json.type, answer.json.name], ["Microsoft.Batch/batchAccounts/pools", "facts"]);
    const { properties } = answer.json;
    assert.deepEqual(
      [properties.provisioningState, properties.allocationState, properties.vmSize, properties.interNodeCommunication],
      ["Succeeded", "Resizing", "STANDARD_A1", "Disabled"],
    );
    assert.deepEqual(properties.scaleSettings.fixedScale, { targetDedicatedNodes: 1, targetLowPriorityNodes: 0, resizeTimeout: "PT15M" });
    const { startTime, ...resizing } = properties.resizeOperationStatus;
    assert.match(startTime, /Z$/);
    assert.deepEqual(resizing, { targetDedicatedNodes: 1, nodeDeallocationOption: "Requeue", resizeTimeout: "PT15M" });
    assert.deepEqual(properties.startTask.userIdentity, { autoUser: { scope: "Pool", elevationLevel: "NonAdmin" } });
    assert.deepEqual([properties.userAccounts[0].elevationLevel, properties.userAccounts[0].password], ["Admin", undefined]);
  });

  await t.test("PATCH, autoscale, stopResize are synchronous too", async () => {
    await steady();
    const formula = "$TargetDedicatedNodes = 1;";
    const auto = await ask("PATCH", pool, { properties: { scaleSettings: { autoScale: { formula } } } });
    assert.deepEqual([auto.status, auto.json.properties.scaleSettings], [200, { autoScale: { formula, evaluationInterval: "PT15M" } }]);
    await steady();
    const fixed = await ask("POST", `${pool}/disableAutoScale`);
    assert.equal(fixed.status, 200);
    const { targetDedicatedNodes, targetLowPriorityNodes } = fixed.json.properties.scaleSettings.fixedScale;
    assert.deepEqual([targetDedicatedNodes, targetLowPriorityNodes], [1, 0]);
    const stopped = await ask("POST", `${pool}/stopResize`);
    assert.deepEqual([stopped.status, stopped.json.name], [200, "facts"]);
    assert.match(header(stopped, "etag"), weak);
  });

  await t.test("DELETE: 202, Location poolOperationResults/delete-{pool}, which ends with 200 and nothing", async () => {
    const gone = await ask("DELETE", pool);
    assert.deepEqual([gone.status, gone.text, header(gone, "retry-after")], [202, "", "1"]);
    assert.match(
      header(gone, "location"),
      new RegExp(`/batchAccounts/${name}/poolOperationResults/delete-facts(-[^/]+)?\\?api-version=2024-07-01$`, "i"),
    );
    const end = await armPoll(quern, header(gone, "location"));
    assert.deepEqual([end.status, end.text], [200, ""]);
    assert.equal(code(await ask("GET", pool)), "404 PoolNotFound");
  });

  await t.test("certificates end likewise", async () => {
    const { thumbprint, data } = await newCertificate("facts");
    const path = `${account}/certificates/sha1-${thumbprint}`;
    const put = await ask("PUT", path, { properties: { format: "Cer", data, thumbprint, thumbprintAlgorithm: "sha1" } });
    assert.deepEqual([put.status, put.json.properties.provisioningState], [200, "Succeeded"]);
    assert.match(header(put, "etag"), weak);
    assert.equal(put.json.etag, header(put, "etag"));
    const gone = await ask("DELETE", path);
    assert.deepEqual([gone.status, gone.text], [202, ""]);
    assert.match(header(gone, "location"), /\/certificateOperationResults\/delete-/i);
    const end = await armPoll(quern, header(gone, "location"));
    assert.deepEqual([end.status, end.text], [200, ""]);
  });

  await t.test("applications and packages: 200, weak ETags in header and body", async () => {
    const first = account.replace(name, quern.ready.account);
    const app = await ask("PUT", `${first}/applications/app`, undefined, { headers: { "content-type": "application/json" } });
    assert.deepEqual(
      [app.status, app.json.type, app.json.properties],
      [200, "Microsoft.Batch/batchAccounts/applications", { allowUpdates: true }],
    );
    assert.match(header(app, "etag"), weak);
    assert.equal(app.json.etag, header(app, "etag"));
    const gone = await ask("DELETE", `${first}/applications/app`);
    assert.deepEqual([gone.status, gone.text], [200, ""]);
  });

  await t.test("private endpoint connections: 202 with a body, the same URL in Location and Azure-AsyncOperation", async () => {
    const endpoint = "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Network/privateEndpoints/facts";
    const id = (await ask("GET", account)).json.id;
    const service = { privateLinkServiceId: id, groupIds: ["batchAccount"] };
    const properties = { subnet: { id: `${id}/subnets/s` }, manualPrivateLinkServiceConnections: [{ name: "c", properties: service }] };
    const put = await ask("PUT", endpoint, { location: "eastus", properties }, { version: "2023-04-01" });
    assert.ok(put.status < 300, put.text);
    const [connection] = (await ask("GET", `${account}/privateEndpointConnections`)).json.value;
    assert.match(connection.name, new RegExp(`^facts\\.${guid}$`));
    assert.deepEqual(connection.properties.privateLinkServiceConnectionState, {
      status: "Pending",
      description: "Manual approval still required",
      actionsRequired: "Manual approval request",
    });
    const state = { privateLinkServiceConnectionState: { status: "Approved", description: "yes" } };
    const path = `${account}/privateEndpointConnections/${connection.name}`;
    const patched = await ask("PATCH", path, { properties: state });
    assert.deepEqual([patched.status, patched.json.properties.provisioningState], [202, "Updating"]);
    assert.equal(header(patched, "location"), header(patched, "azure-asyncoperation"));
    assert.match(
      decodeURIComponent(header(patched, "location")),
      new RegExp(`/privateEndpointConnectionResults/Updating\\$facts\\.${guid}\\$${guid}\\?api-version=2024-07-01$`),
    );
    const end = await armPoll(quern, header(patched, "location"));
    assert.deepEqual([end.status, end.json], [200, { status: "Succeeded", retryAfter: 0 }]);
    const got = await ask("GET", path);
    assert.match(header(got, "etag"), weak);
    assert.equal(got.json.properties.provisioningState, "Succeeded");
  });
});

test("a pool that no quota allows becomes steady and says why", async (t) => {
  const { ask } = await made(t, ["--storage", "none", "--quota", "dedicatedCores=2"]);
  const pool = `${account}/pools/toomuch`;
  const scaleSettings = { fixedScale: { targetDedicatedNodes: 100 } };
  const put = await ask("PUT", pool, { properties: { vmSize: "standard_d2_v3", deploymentConfiguration: machine, scaleSettings } });
  assert.equal(put.status, 200, put.text);
  const { json } = await until(
    () => ask("GET", pool),
    (answer) => answer.json.properties.allocationState === "Steady",
  );
  const [error] = json.properties.resizeOperationStatus.errors;
  assert.match(error.code, /^Account(VMSeries)?CoreQuotaReached$/);
  assert.equal((await ask("POST", `${pool}/stopResize`)).status, 200);
});

test("gallery images", async (t) => {
  const directory = newDirectory(t);
  const { file: imagePath } = packRootfs(directory, { name: "root.tar" });
  const quern = await startQuern(t, { args: ["--storage", "none", "--allow-image-path", directory] });
  const ask = asker(quern);
  const path = "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.AzureStackHCI/galleryImages/facts";
  const version = { version: "2023-09-01-preview" };

  const put = await ask("PUT", path, { location: "eastus", properties: { osType: "Linux", imagePath } }, version);
  assert.deepEqual([put.status, put.json.properties.provisioningState, put.json.properties.imagePath], [201, "Accepted", undefined]);
  assert.equal(put.json.type, "microsoft.azurestackhci/galleryimages");
  assert.match(header(put, "etag"), new RegExp(`^"${guid}"$`));
  const url = header(put, "azure-asyncoperation");
  assert.match(
    decodeURIComponent(url),
    new RegExp(
      `^https://[^/]+/providers/Microsoft.AzureStackHCI/locations/EASTUS/operationStatuses/${guid}\\*[0-9A-F]{64}\\?api-version=2023-09-01-preview`,
    ),
  );
  const first = await ask("GET", url);
  assert.equal(first.status, 200);
  for (const property of ["id", "name", "resourceId", "status", "startTime"]) assert.ok(property in first.json, property);
  const end = await armPoll(quern, url);
  assert.equal(end.json.status, "Succeeded", end.text);
  assert.deepEqual([end.json.error, end.json.properties, typeof end.json.endTime], [{}, null, "string"]);

  const got = (await ask("GET", path, undefined, version)).json;
  const { provisioningState, osType, status } = got.properties;
  assert.deepEqual([provisioningState, osType, status.errorCode, status.errorMessage], ["Succeeded", "Linux", "", ""]);
  assert.deepEqual([status.provisioningStatus.status, status.progressPercentage], ["Succeeded", 100]);
  assert.ok(got.properties.version.properties.storageProfile.osDiskImage !== undefined);
  assert.equal(got.systemData.lastModifiedByType, "Application");

  const gone = await ask("DELETE", path, undefined, version);
  assert.deepEqual([gone.status, gone.text], [202, "null"]);
  assert.ok(header(gone, "location") !== "" && header(gone, "azure-asyncoperation") !== "");
  assert.equal((await armPoll(quern, header(gone, "azure-asyncoperation"))).json.status, "Succeeded");
  assert.equal(code(await ask("GET", path, undefined, version)), "404 ResourceNotFound");
});
