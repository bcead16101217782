// The samples of the reference page "Batch Account - Get", built through the API and read back property by property: what is set is equal, what is
// computed has the same shape and comes from what really is.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { armPoll, armRequest } from "../support/arm.ts";
import { accountPath, makeGroup } from "../support/batch-accounts.ts";
import { type Quern, startQuern } from "../support/quern.ts";
import { sharedPath } from "../support/shared.ts";

const group = "default-azurebatch-japaneast";
const provider = (type: string, name: string): string => `/subscriptions/{sub}/resourceGroups/${group}/providers/${type}/${name}`;

const sampleOf = (quern: Quern, file: string): any => {
  const text = readFileSync(sharedPath("specs", "batch-management", "examples", file), "utf8");
  return JSON.parse(text.replaceAll("/subscriptions/subid/", `/subscriptions/${quern.ready.subscriptionId}/`)).responses["200"].body;
};

const put = async (quern: Quern, path: string, body: object, version?: string): Promise<any> => {
  const answer = await armRequest(quern, { method: "PUT", path, body, ...(version === undefined ? {} : { version }) });
  assert.ok(answer.status < 300, `${path}: ${answer.status} ${answer.text}`);
  return answer.status === 202 ? (await armPoll(quern, String(answer.headers.location))).json : answer.json;
};

test("the sample accounts of the reference page", { timeout: 60_000 }, async (t) => {
  const startedAt = Date.now();
  const args = ["dedicatedCores", "lowPriorityCores", "pools", "jobs"].flatMap((name) => ["--quota", `${name}=20`]);
  const quern = await startQuern(t, { args });
  const { port } = new URL(quern.ready.batchUrl);
  await makeGroup(quern, group, "japaneast");
  const storage = { location: "japaneast", sku: { name: "Standard_LRS" }, kind: "StorageV2" };
  await put(quern, provider("Microsoft.Storage/storageAccounts", "samplestorage"), storage, "2023-01-01");
  const storageAccountId = provider("Microsoft.Storage/storageAccounts", "samplestorage").replace("{sub}", quern.ready.subscriptionId);
  const path = accountPath("sampleacct", group);
  await put(quern, path, { location: "japaneast", properties: { autoStorage: { storageAccountId } } });
  const read = async (): Promise<any> => (await armRequest(quern, { method: "GET", path })).json;

  const compare = (sample: any, account: any): void => {
    const { accountEndpoint, autoStorage, privateEndpointConnections, ...plain } = sample.properties;
    for (const [name, value] of Object.entries(plain)) assert.deepEqual(account.properties[name], value, name);
    for (const name of ["id", "name", "type", "location"]) assert.equal(account[name], sample[name], name);
    if (sample.identity !== undefined) assert.deepEqual(account.identity, sample.identity);
    assert.equal(accountEndpoint, "sampleacct.japaneast.batch.azure.com");
    assert.equal(account.properties.accountEndpoint, `sampleacct.japaneast.batch.localhost:${port}`);
    assert.equal(account.properties.autoStorage.storageAccountId, autoStorage.storageAccountId);
    const { lastKeySync } = account.properties.autoStorage;
    assert.match(lastKeySync, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z$/);
    assert.ok(Date.parse(lastKeySync) >= startedAt - 1000 && Date.parse(lastKeySync) <= Date.now());
    for (const [index, wanted] of (privateEndpointConnections ?? []).entries())
      compareConnection(wanted, account.properties.privateEndpointConnections[index]);
  };

  const compareConnection = (sample: any, connection: any): void => {
    const nameless = (id: string): string => id.replace(/[^/]*\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "{endpoint}.{guid}");
    assert.equal(nameless(connection.id), nameless(sample.id));
    assert.equal(nameless(connection.name), "{endpoint}.{guid}");
    assert.equal(connection.id.endsWith(connection.name), true);
    assert.equal(connection.type, sample.type);
    assert.deepEqual(connection.properties.privateEndpoint, sample.properties.privateEndpoint);
    const { status, description } = connection.properties.privateLinkServiceConnectionState;
    assert.deepEqual({ status, description }, sample.properties.privateLinkServiceConnectionState);
  };

  await t.test("with auto storage", async () => compare(sampleOf(quern, "BatchAccountGet.json"), await read()));

  await t.test("private, with its private endpoint connection", async () => {
    const patched = await armRequest(quern, { method: "PATCH", path, body: { properties: { publicNetworkAccess: "Disabled" } } });
    assert.equal(patched.status, 200, patched.text);
    const privateLinkServiceId = accountPath("sampleacct", group).replace("{sub}", quern.ready.subscriptionId);
    const connection = { name: "c", properties: { privateLinkServiceId, groupIds: ["batchAccount"], requestMessage: "please" } };
    const endpoint = { location: "japaneast", properties: { manualPrivateLinkServiceConnections: [connection] } };
    await put(quern, provider("Microsoft.Network/privateEndpoints", "testprivateEndpoint"), endpoint, "2023-11-01");
    const [pending] = (await read()).properties.privateEndpointConnections;
    assert.equal(pending.properties.privateLinkServiceConnectionState.status, "Pending");
    const approval = {
      properties: { privateLinkServiceConnectionState: { status: "Approved", description: "Approved by xyz.abc@company.com" } },
    };
    const approved = await armRequest(quern, { method: "PATCH", path: pending.id, body: approval });
    assert.deepEqual([approved.status, approved.json.properties.provisioningState], [202, "Updating"]);
    assert.equal(approved.headers.location, approved.headers["azure-asyncoperation"]);
    assert.match(String(approved.headers.etag), /^W\/"0x8[0-9A-F]+"$/);
    const ended = await armPoll(quern, String(approved.headers["azure-asyncoperation"]));
    assert.deepEqual(ended.json, { status: "Succeeded", retryAfter: 0 });
    compare(sampleOf(quern, "PrivateBatchAccountGet.json"), await read());
  });
});
