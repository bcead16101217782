// What stands around Batch in Azure Resource Manager, asked of the real server: subscriptions, groups and their end, lists and filters, providers, tags,
// the description of the cloud, and the refusals of what there is not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { armPoll, armRequest } from "../support/arm.ts";
import { asker, group, namesOf, refused, surroundingVersion as version } from "../support/arm-asking.ts";
import { newLocation, startQuern } from "../support/quern.ts";
import type { Answer } from "../support/signed.ts";

test("subscriptions, tenants, locations", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const ask = asker(quern);
  const { subscriptionId, tenantId } = quern.ready;
  const list = await ask("GET", "/subscriptions", undefined, { version: "2019-11-01" });
  assert.deepEqual(
    list.json.value.map((one: any) => [one.id, one.subscriptionId, one.tenantId, one.state]),
    [[`/subscriptions/${subscriptionId}`, subscriptionId, tenantId, "Enabled"]],
  );
  assert.equal((await ask("GET", "//SUBSCRIPTIONS/{sub}")).json.subscriptionId, subscriptionId);
  assert.equal((await ask("GET", "/tenants")).json.value[0].tenantId, tenantId);
  const locations = await ask("GET", "/subscriptions/{sub}/locations");
  const eastus = locations.json.value.find((one: any) => one.name === "eastus");
  assert.deepEqual([eastus.displayName, eastus.regionalDisplayName, eastus.type], ["East US", "(US) East US", "Region"]);
  refused(await ask("GET", "/subscriptions/11111111-2222-4333-8444-555555555555/locations"), 404, "SubscriptionNotFound");
  refused(await ask("GET", "/subscriptions/{sub}", undefined, { version: null }), 400, "MissingApiVersionParameter");
});

test("resource groups are made, changed, found and deleted with what is in them", async (t) => {
  const quern = await startQuern(t);
  const ask = asker(quern);
  const made = await ask("PUT", `${group}One`, { location: "West Europe", tags: { team: "blue" } });
  assert.deepEqual([made.status, made.json.name, made.json.location, made.json.tags], [201, "One", "westeurope", { team: "blue" }]);
  assert.equal(made.json.properties.provisioningState, "Succeeded");
  assert.equal(made.json.type, "Microsoft.Resources/resourceGroups");
  const again = await ask("PUT", `${group}ONE`, { location: "westeurope", tags: { x: "y" } });
  assert.deepEqual([again.status, again.json.name, again.json.tags], [200, "One", { x: "y" }]);
  assert.deepEqual([(await ask("HEAD", `${group}one`)).status, (await ask("HEAD", `${group}none`)).status], [204, 404]);
  assert.deepEqual((await ask("PATCH", `${group}one`, { tags: { z: "1" }, managedBy: "someone" })).json.tags, { z: "1" });
  assert.equal((await ask("GET", `${group}one`)).json.managedBy, "someone");

  refused(await ask("PUT", `${group}one`, { location: "eastus" }), 409, "InvalidResourceGroupLocation");
  refused(await ask("PUT", `${group}new`, { location: "atlantis" }), 400, "LocationNotAvailableForResourceGroup");
  refused(await ask("PUT", `${group}new`, {}), 400, "LocationRequired");
  refused(await ask("PUT", `${group}new`, { location: 7 }), 400, "InvalidRequestContent");
  refused(await ask("PUT", `${group}new`, { location: "eastus", colour: "red" }), 400, "InvalidRequestContent");
  refused(await ask("PUT", `${group}new`, "{"), 400, "InvalidRequestContent");
  refused(await ask("PUT", `${group}new.`, { location: "eastus" }), 400, "InvalidResourceGroup");
  refused(await ask("PUT", `${group}new`, { location: "eastus", tags: { "a/b": "c" } }), 400, "InvalidTagNameCharacters");
  refused(await ask("GET", `${group}none`), 404, "ResourceGroupNotFound");
  refused(await ask("DELETE", `${group}none`), 404, "ResourceGroupNotFound");
  refused(await ask("DELETE", `${group}{rg}`), 409, "ScopeLocked");

  const inIt = `${group}One/providers`;
  const created = await ask(
    "PUT",
    `${inIt}/Microsoft.Batch/batchAccounts/groupaccount`,
    { location: "westeurope" },
    { version: "2024-07-01" },
  );
  assert.ok([200, 201, 202].includes(created.status), created.text);
  if (created.status === 202) await armPoll(quern, created.headers.location as string);
  const storageBody = { location: "westeurope", kind: "StorageV2", sku: { name: "Standard_LRS" } };
  assert.equal((await ask("PUT", `${inIt}/Microsoft.Storage/storageAccounts/groupstorage`, storageBody)).status, 200);
  assert.equal(
    (await ask("PUT", `${inIt}/Microsoft.ManagedIdentity/userAssignedIdentities/one-id`, { location: "westeurope" })).status,
    201,
  );
  assert.deepEqual(namesOf(await ask("GET", `${group}one/resources`)).sort(), ["groupaccount", "groupstorage", "one-id"]);

  const going = await ask("DELETE", `${group}one`);
  assert.deepEqual([going.status, going.text, going.headers["retry-after"]], [202, "", "1"]);
  const gone = await armPoll(quern, going.headers.location as string);
  assert.deepEqual([gone.status, gone.text], [200, ""]);
  assert.equal((await ask("HEAD", `${group}one`)).status, 404);
  assert.deepEqual(
    namesOf(await ask("GET", "/subscriptions/{sub}/resources")).filter((name) => /group|one/.test(name)),
    [],
  );
  const free = await ask("POST", "/subscriptions/{sub}/providers/Microsoft.Storage/checkNameAvailability", {
    name: "groupstorage",
    type: "Microsoft.Storage/storageAccounts",
  });
  assert.deepEqual(free.json, { nameAvailable: true });
  refused(await ask("GET", "/subscriptions/{sub}/operationresults/none"), 404, "NotFound");
});

test("a group's deletion is taken up again after kill -9", async (t) => {
  const location = await newLocation(t);
  const first = await startQuern(t, { location });
  await asker(first)("PUT", `${group}doomed`, { location: "eastus" });
  const path = `${group}doomed/providers/Microsoft.Storage/storageAccounts/doomedstorage`;
  await asker(first)("PUT", path, { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } });
  const going = await asker(first)("DELETE", `${group}doomed`);
  await first.kill();
  const second = await startQuern(t, { location });
  const gone = await armPoll(second, new URL(going.headers.location as string).pathname + new URL(going.headers.location as string).search);
  assert.equal(gone.status, 200);
  assert.equal((await asker(second)("HEAD", `${group}doomed`)).status, 404);
});

test("lists of groups and resources take filters and pages", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const ask = asker(quern);
  for (const [name, tags] of [
    ["ga", { team: "blue" }],
    ["gb", { team: "red" }],
    ["gc", {}],
  ] as const)
    await ask("PUT", `${group}${name}`, { location: "eastus", tags });
  const identity = (name: string, tags = {}) =>
    ask("PUT", `${group}ga/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`, { location: "westus2", tags });
  for (const name of ["id-1", "id-2", "id-3"]) assert.equal((await identity(name, { n: name })).status, 201);

  const groups = async (query: string) => namesOf(await ask("GET", `/subscriptions/{sub}/resourcegroups?${query}`));
  assert.deepEqual(await groups("x=1"), ["ga", "gb", "gc", quern.ready.resourceGroup]);
  assert.deepEqual(await groups("$filter=tagName eq 'team' and tagValue eq 'red'".replaceAll(" ", "%20")), ["gb"]);
  refused(await ask("GET", "/subscriptions/{sub}/resourcegroups?$filter=name%20eq%20'ga'"), 400, "InvalidFilterInQueryString");
  refused(await ask("GET", "/subscriptions/{sub}/resourcegroups?$top=0"), 400, "InvalidParameter");

  const resources = async (query: string) => namesOf(await ask("GET", `/subscriptions/{sub}/resources?${query.replaceAll(" ", "%20")}`));
  assert.deepEqual(await resources("$filter=resourceType eq 'microsoft.managedidentity/userassignedidentities'"), ["id-1", "id-2", "id-3"]);
  assert.deepEqual(await resources("$filter=resourceGroup eq 'GA' and name eq 'id-2'"), ["id-2"]);
  assert.deepEqual(await resources("$filter=tagName eq 'n' and tagValue eq 'id-3'&$expand=createdTime,changedTime,provisioningState"), [
    "id-3",
  ]);
  assert.deepEqual(await resources("$filter=substringof('Batch', resourceType)"), [quern.ready.account]);

  const seen: string[] = [];
  let next: string | undefined = `${group}ga/resources?$top=1&api-version=${version}`;
  for (let pages = 0; next !== undefined; pages++) {
    const page: Answer = await ask("GET", next);
    assert.ok(pages < 4 && page.json.value.length === 1, page.text);
    const [one] = page.json.value;
    assert.deepEqual(
      [one.type, one.location, one.provisioningState],
      ["Microsoft.ManagedIdentity/userAssignedIdentities", "westus2", "Succeeded"],
    );
    seen.push(one.name);
    next = page.json.nextLink;
  }
  assert.deepEqual(seen, ["id-1", "id-2", "id-3"]);
  refused(await ask("GET", "/subscriptions/{sub}/resources?$filter=size%20eq%20'7'"), 400, "InvalidFilterInQueryString");
  refused(await ask("GET", `${group}none/resources`), 404, "ResourceGroupNotFound");
});

test("providers show what is served and keep registrations", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const ask = asker(quern);
  const batch = (await ask("GET", "/subscriptions/{sub}/providers/microsoft.batch")).json;
  assert.deepEqual([batch.namespace, batch.registrationState], ["Microsoft.Batch", "Registered"]);
  const types = new Map<string, any>(batch.resourceTypes.map((one: any) => [one.resourceType, one]));
  assert.ok(types.get("batchAccounts").apiVersions.includes("2024-07-01"));
  assert.ok(types.get("batchAccounts").locations.includes("East US"));
  assert.ok(types.has("batchAccounts/pools") && !types.has("batchAccounts/listKeys"));
  const all = (await ask("GET", "/subscriptions/{sub}/providers?$expand=metadata")).json.value;
  assert.ok(
    ["Microsoft.Batch", "Microsoft.Resources", "Microsoft.Storage"].every((name) => all.some((one: any) => one.namespace === name)),
  );
  assert.equal((await ask("GET", "/providers/Microsoft.Network")).json.namespace, "Microsoft.Network");
  assert.equal((await ask("GET", "/providers")).json.value.length, all.length);
  refused(await ask("GET", "/subscriptions/{sub}/providers/Microsoft.Compute"), 404, "InvalidResourceNamespace");

  const of = "/subscriptions/{sub}/providers/Microsoft.ManagedIdentity";
  const identity = `${group}{rg}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one-id`;
  assert.equal((await ask("PUT", identity, { location: "eastus" })).status, 201);
  refused(await ask("POST", `${of}/unregister`), 409, "CannotUnregisterNamespace");
  assert.equal((await ask("DELETE", identity)).status, 200);
  assert.equal((await ask("POST", `${of}/unregister`)).json.registrationState, "NotRegistered");
  assert.equal((await ask("GET", of)).json.registrationState, "NotRegistered");
  const late = await ask("PUT", identity, { location: "eastus" });
  refused(late, 409, "MissingSubscriptionRegistration");
  assert.match(late.json.error.message, /not registered to use namespace 'Microsoft\.ManagedIdentity'/);
  assert.equal((await ask("POST", `${of}/register`)).json.registrationState, "Registered");
  assert.equal((await ask("PUT", identity, { location: "eastus" })).status, 201);
  refused(await ask("POST", "/subscriptions/{sub}/providers/Microsoft.Resources/unregister"), 409, "CannotUnregisterNamespace");
});

test("tags of any scope", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const ask = asker(quern);
  const account = `${group}{rg}/providers/Microsoft.Batch/batchAccounts/${quern.ready.account}`;
  const tags = (scope: string) => `${scope}/providers/Microsoft.Resources/tags/default`;
  for (const scope of [account, `${group}{rg}`]) {
    const put = await ask("PUT", tags(scope), { properties: { tags: { a: "1", b: "2" } } });
    assert.deepEqual([put.status, put.json.properties.tags], [200, { a: "1", b: "2" }], put.text);
    const merged = await ask("PATCH", tags(scope), { operation: "Merge", properties: { tags: { A: "3" } } });
    assert.deepEqual(merged.json.properties.tags, { b: "2", A: "3" });
    await ask("PATCH", tags(scope), { operation: "Delete", properties: { tags: { b: "2" } } });
    assert.deepEqual((await ask("GET", tags(scope))).json.properties.tags, { A: "3" });
  }
  assert.deepEqual((await ask("GET", account, undefined, { version: "2024-07-01" })).json.tags, { A: "3" });
  const names = (await ask("GET", "/subscriptions/{sub}/tagNames")).json.value;
  assert.deepEqual([names[0].tagName, names[0].count.value, names[0].values[0].tagValue], ["A", 2, "3"]);
  assert.equal((await ask("DELETE", tags(account))).status, 200);
  assert.deepEqual((await ask("GET", account, undefined, { version: "2024-07-01" })).json.tags ?? {}, {});
  assert.deepEqual((await ask("GET", tags("/subscriptions/{sub}"))).json.properties.tags, {});
  refused(await ask("PUT", tags("/subscriptions/{sub}"), { properties: { tags: {} } }), 409, "OperationNotAllowed");
  refused(await ask("GET", tags(`${account}x`)), 404, "ResourceNotFound");
  refused(await ask("GET", tags(`${group}none`)), 404, "ResourceGroupNotFound");
  refused(await ask("GET", tags("/subscriptions/11111111-2222-4333-8444-555555555555")), 404, "SubscriptionNotFound");
  refused(await ask("PATCH", tags(account), { operation: "Turn" }), 400, "InvalidRequestContent");
});

test("what there is not, and who may not", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const ask = asker(quern);
  refused(await ask("GET", `${group}{rg}/providers/Microsoft.Compute/virtualMachines/vm`), 404, "InvalidResourceNamespace");
  refused(await ask("PUT", `${group}{rg}/providers/Microsoft.Resources/deploymentStacks/d`, {}), 404, "InvalidResourceType");
  refused(await ask("GET", "/subscriptions/{sub}/providers/Microsoft.Authorization/roleAssignments"), 404, "InvalidResourceNamespace");
  refused(await ask("GET", "/subscriptions/{sub}/nothing"), 404, "NotFound");
  refused(await ask("GET", `${group}{rg}/providers`), 404, "NotFound");
  refused(await ask("GET", `${group}{rg}/providers/Microsoft.Authorization/locks/l`), 404, "InvalidResourceNamespace");
  const onAnother = `${group}{rg}/providers/Microsoft.Batch/batchAccounts/x/providers/Microsoft.Authorization/locks`;
  refused(await ask("GET", onAnother), 404, "InvalidResourceNamespace");
  refused(await ask("POST", `${group}{rg}`), 405, "MethodNotAllowed");
  const anonymous = await ask("GET", `${group}{rg}`, undefined, { token: null });
  assert.deepEqual([anonymous.status, anonymous.json.error.code], [401, "AuthenticationFailed"]);
});

test("anybody is told where to sign in", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const ask = (version: string | null, method = "GET", path = "/metadata/endpoints") =>
    armRequest(quern, { method, path, version, token: null });
  const { armUrl } = quern.ready;
  const port = new URL(armUrl).port;
  const old = (await ask("2015-01-01")).json;
  assert.deepEqual(
    [old.authentication.loginEndpoint, old.authentication.audiences[0]],
    [`${armUrl}/adfs`, "https://management.core.windows.net/"],
  );
  assert.equal(old.graphEndpoint, "https://graph.windows.net/");
  const list = (await ask("2019-05-01")).json;
  assert.equal(list.length, 1);
  assert.deepEqual(
    [list[0].resourceManager, list[0].batch, list[0].suffixes.storage],
    [`${armUrl}/`, "https://batch.core.windows.net/", `localhost:${port}`],
  );
  assert.equal((await ask("2022-09-01")).json.name, "Quern");
  refused(await ask(null), 400, "MissingApiVersionParameter");
  refused(await ask("2019-05-01", "POST"), 405, "MethodNotAllowed");
  refused(await ask("2019-05-01", "GET", "/metadata/identity/oauth2/token"), 404, "NotFound");
});
