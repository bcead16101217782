// The resources that stand around Batch, asked of the real server: storage accounts whose keys work, identities, and private endpoints, which make
// connections on accounts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { asker, group, namesOf, refused } from "../support/arm-asking.ts";
import { testBlobs } from "../support/blobs.ts";
import { startQuern } from "../support/quern.ts";
import type { Answer } from "../support/signed.ts";

test("storage accounts are real ones of the embedded storage", async (t) => {
  const quern = await startQuern(t);
  const ask = asker(quern);
  const of = (name: string, rg = "{rg}") => `${group}${rg}/providers/Microsoft.Storage/storageAccounts/${name}`;
  const body = {
    location: "eastus",
    kind: "StorageV2",
    sku: { name: "Standard_LRS" },
    tags: { a: "b" },
    properties: { accessTier: "Cool" },
  };
  const own = (await ask("GET", of("devstoreaccount1"))).json;
  assert.deepEqual(
    [own.name, own.properties.provisioningState, own.type],
    ["devstoreaccount1", "Succeeded", "Microsoft.Storage/storageAccounts"],
  );
  assert.match(own.properties.primaryEndpoints.blob, /^https?:\/\/.*devstoreaccount1.*\/$/);

  const made = await ask("PUT", of("armstorage"), body);
  assert.equal(made.status, 200, made.text);
  assert.deepEqual(
    [made.json.sku, made.json.kind, made.json.properties.accessTier],
    [{ name: "Standard_LRS", tier: "Standard" }, "StorageV2", "Cool"],
  );
  assert.equal((await ask("PUT", of("armstorage"), body)).status, 200);
  assert.ok(!made.text.includes("AccountKey") && made.json.keys === undefined);
  const keys = (await ask("POST", `${of("ARMSTORAGE")}/listKeys?$expand=kerb`)).json.keys;
  assert.deepEqual(
    keys.map((key: any) => [key.keyName, key.permissions]),
    [
      ["key1", "FULL"],
      ["key2", "FULL"],
    ],
  );
  const works = async (key: string): Promise<boolean> => {
    const service = new BlobServiceClient(`${quern.ready.batchUrl}/armstorage`, new StorageSharedKeyCredential("armstorage", key), {
      retryOptions: { maxTries: 1 },
    });
    return service
      .getContainerClient("container")
      .createIfNotExists()
      .then(
        () => true,
        () => false,
      );
  };
  assert.deepEqual([await works(keys[0].value), await works(keys[1].value)], [true, true]);
  const fresh = (await ask("POST", `${of("armstorage")}/regenerateKey`, { keyName: "key1" })).json.keys;
  assert.notEqual(fresh[0].value, keys[0].value);
  assert.equal(fresh[1].value, keys[1].value);
  assert.deepEqual([await works(keys[0].value), await works(fresh[0].value)], [false, true]);
  refused(await ask("POST", `${of("armstorage")}/regenerateKey`, { keyName: "key3" }), 400, "InvalidParameter");

  assert.deepEqual((await ask("PATCH", of("armstorage"), { tags: { c: "d" } })).json.tags, { c: "d" });
  assert.deepEqual(namesOf(await ask("GET", `${group}{rg}/providers/Microsoft.Storage/storageAccounts`)), [
    "armstorage",
    "devstoreaccount1",
  ]);
  assert.deepEqual(namesOf(await ask("GET", "/subscriptions/{sub}/providers/Microsoft.Storage/storageAccounts")), [
    "armstorage",
    "devstoreaccount1",
  ]);
  const check = (name: string) =>
    ask("POST", "/subscriptions/{sub}/providers/Microsoft.Storage/checkNameAvailability", {
      name,
      type: "Microsoft.Storage/storageAccounts",
    });
  assert.equal((await check("armstorage")).json.reason, "AlreadyExists");
  assert.equal((await check("No")).json.reason, "AccountNameInvalid");

  await ask("PUT", `${group}other`, { location: "eastus" });
  refused(await ask("PUT", of("armstorage", "other"), body), 409, "StorageAccountAlreadyTaken");
  refused(await ask("PUT", of("armstorage"), { ...body, location: "westus" }), 409, "InvalidResourceLocation");
  refused(await ask("PUT", of("No-Name"), body), 400, "AccountNameInvalid");
  refused(await ask("PUT", of("subscriptions"), body), 400, "AccountNameInvalid");
  refused(await ask("PUT", of("another"), { location: "eastus" }), 400, "InvalidRequestContent");
  refused(await ask("GET", of("nothere")), 404, "ResourceNotFound");
  refused(await ask("GET", of("armstorage", "nowhere")), 404, "ResourceGroupNotFound");
  const containers = await ask("GET", `${of("armstorage")}/blobServices/default/containers`);
  refused(containers, 404, "InvalidResourceType");
  assert.match(
    containers.json.error.message,
    /^The resource type 'storageAccounts\/blobServices\/containers' could not be found in the namespace/,
  );
  refused(await ask("DELETE", of("devstoreaccount1")), 409, "OperationNotAllowed");
  assert.deepEqual([(await ask("DELETE", of("armstorage"))).status, (await ask("DELETE", of("armstorage"))).status], [200, 204]);
  assert.equal(await works(keys[1].value), false);
});

test("without embedded storage no account can be made", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const ask = asker(quern);
  const path = `${group}{rg}/providers/Microsoft.Storage/storageAccounts`;
  refused(
    await ask("PUT", `${path}/another`, { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } }),
    409,
    "OperationNotAllowed",
  );
  assert.deepEqual((await ask("GET", path)).json.value, []);
});

test("of several who want a name one gets it", async (t) => {
  const quern = await startQuern(t);
  const ask = asker(quern);
  const body = { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } };
  const homes = ["race-1", "race-2", "race-3"];
  for (const home of homes) await ask("PUT", `${group}${home}`, { location: "eastus" });
  const answers = await Promise.all(
    homes.map((home) => ask("PUT", `${group}${home}/providers/Microsoft.Storage/storageAccounts/racestorage`, body)),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409]);
  for (const answer of answers) if (answer.status === 409) refused(answer, 409, "StorageAccountAlreadyTaken");
  const same = await Promise.all(homes.map(() => ask("PUT", `${group}same`, { location: "eastus" })));
  assert.deepEqual(same.map(({ status }) => status).sort(), [200, 200, 201]);
});

test("an account elsewhere is shown with its key and cannot be changed", async (t) => {
  const blobs = await testBlobs();
  t.after(() => blobs.close());
  const key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
  const endpoint = `http://${blobs.host}/devstoreaccount1`;
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${key};BlobEndpoint=${endpoint};`;
  const quern = await startQuern(t, { args: ["--storage", connectionString] });
  const ask = asker(quern);
  const list = `${group}{rg}/providers/Microsoft.Storage/storageAccounts`;
  const [account, ...others] = (await ask("GET", list)).json.value;
  assert.deepEqual([account.name, account.properties.primaryEndpoints.blob, others], ["devstoreaccount1", `${endpoint}/`, []]);
  const keys = (await ask("POST", `${list}/devstoreaccount1/listKeys`)).json.keys;
  assert.deepEqual(
    keys.map(({ keyName, value }: any) => [keyName, value]),
    [["key1", key]],
  );
  refused(await ask("POST", `${list}/devstoreaccount1/regenerateKey`, { keyName: "key1" }), 409, "OperationNotAllowed");
  refused(await ask("DELETE", `${list}/devstoreaccount1`), 409, "OperationNotAllowed");
  const body = { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } };
  refused(await ask("PUT", `${list}/another`, body), 409, "OperationNotAllowed");
  assert.equal((await ask("PUT", `${list}/devstoreaccount1`, { ...body, tags: { a: "b" } })).json.tags.a, "b");
});

test("identities", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const ask = asker(quern);
  const list = `${group}{rg}/providers/Microsoft.ManagedIdentity/userAssignedIdentities`;
  const made = await ask("PUT", `${list}/My-Id`, { location: "East US", tags: {} });
  assert.equal(made.status, 201);
  const { principalId, clientId, tenantId } = made.json.properties;
  assert.match(`${principalId} ${clientId}`, /^[0-9a-f-]{36} [0-9a-f-]{36}$/);
  assert.equal(tenantId, quern.ready.tenantId);
  const again = await ask("PUT", `${list}/my-id`, { location: "eastus", tags: { a: "b" } });
  assert.deepEqual(
    [again.status, again.json.name, again.json.properties, again.json.tags],
    [200, "My-Id", made.json.properties, { a: "b" }],
  );
  assert.deepEqual((await ask("PATCH", `${list}/my-id`, { tags: { c: "d" } })).json.tags, { c: "d" });
  assert.deepEqual((await ask("GET", `${list}/MY-ID`)).json.properties, made.json.properties);
  assert.deepEqual(namesOf(await ask("GET", list)), ["My-Id"]);
  assert.deepEqual(namesOf(await ask("GET", "/subscriptions/{sub}/providers/Microsoft.ManagedIdentity/userAssignedIdentities")), ["My-Id"]);
  refused(await ask("PUT", `${list}/a`, { location: "eastus" }), 400, "InvalidResourceName");
  refused(await ask("PUT", `${list}/abc`, { location: "atlantis" }), 400, "LocationNotAvailableForResourceType");
  assert.deepEqual([(await ask("DELETE", `${list}/my-id`)).status, (await ask("DELETE", `${list}/my-id`)).status], [200, 204]);
  refused(await ask("GET", `${list}/my-id`), 404, "ResourceNotFound");
});

test("a private endpoint makes a connection on an account", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const ask = asker(quern);
  const accountId = `/subscriptions/${quern.ready.subscriptionId}/resourceGroups/${quern.ready.resourceGroup}/providers/Microsoft.Batch/batchAccounts/${quern.ready.account}`;
  const list = `${group}{rg}/providers/Microsoft.Network/privateEndpoints`;
  const connection = (changes: object = {}) => ({
    name: "c",
    properties: { privateLinkServiceId: accountId, groupIds: ["batchAccount"], ...changes },
  });
  const body = (properties: object) => ({ location: "eastus", properties: { subnet: { id: "/x" }, ...properties } });
  const automatic = body({ privateLinkServiceConnections: [connection()] });
  const made = await ask("PUT", `${list}/pe1`, automatic);
  assert.equal(made.status, 201, made.text);
  const stateOf = (answer: Answer, list = "privateLinkServiceConnections") =>
    answer.json.properties[list][0].properties.privateLinkServiceConnectionState.status;
  assert.deepEqual([stateOf(made), made.json.properties.provisioningState], ["Approved", "Succeeded"]);
  const manual = body({ manualPrivateLinkServiceConnections: [connection({ groupIds: ["NODEMANAGEMENT"], requestMessage: "please" })] });
  assert.equal(stateOf(await ask("PUT", `${list}/pe2`, manual), "manualPrivateLinkServiceConnections"), "Pending");

  const connections = async () =>
    (await ask("GET", `${accountId}/privateEndpointConnections`, undefined, { version: "2024-07-01" })).json.value as any[];
  const [one, two, ...more] = await connections();
  assert.deepEqual(more, []);
  assert.match(one.name, /^pe1\.[0-9a-f-]{36}$/);
  assert.equal(one.properties.privateEndpoint.id.toLowerCase(), made.json.id.toLowerCase());
  assert.equal(two.properties.privateLinkServiceConnectionState.status, "Pending");
  assert.equal((await ask("PUT", `${list}/pe1`, automatic)).status, 200);
  assert.equal((await connections())[0].name, one.name);
  assert.deepEqual(namesOf(await ask("GET", list)), ["pe1", "pe2"]);
  assert.deepEqual(namesOf(await ask("GET", "/subscriptions/{sub}/providers/Microsoft.Network/privateEndpoints")), ["pe1", "pe2"]);
  assert.equal(stateOf(await ask("GET", `${list}/PE1`)), "Approved");

  const wrong: [object, number, string][] = [
    [body({}), 400, "InvalidParameter"],
    [body({ privateLinkServiceConnections: [connection({ groupIds: ["batchAccount", "nodeManagement"] })] }), 400, "InvalidParameter"],
    [body({ privateLinkServiceConnections: [connection({ groupIds: ["blob"] })] }), 400, "InvalidParameter"],
    [body({ privateLinkServiceConnections: [connection({ privateLinkServiceId: "account" })] }), 400, "LinkedInvalidPropertyId"],
    [body({ privateLinkServiceConnections: [connection({ privateLinkServiceId: `${accountId}x` })] }), 404, "ResourceNotFound"],
    [body({ privateLinkServiceConnections: [{ name: "c" }] }), 400, "InvalidRequestContent"],
  ];
  for (const [sent, status, code] of wrong) refused(await ask("PUT", `${list}/pe3`, sent), status, code);
  assert.deepEqual([(await ask("DELETE", `${list}/pe1`)).status, (await ask("DELETE", `${list}/pe1`)).status], [200, 204]);
  assert.deepEqual(
    (await connections()).map(({ name }) => name),
    [two.name],
  );
});
