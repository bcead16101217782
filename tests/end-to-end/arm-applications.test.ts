// Applications and packages through the management plane of a real server: made, uploaded to the signed URL, activated, seen on the data plane,
// deleted; and every refusal on the way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BlockBlobClient } from "@azure/storage-blob";
import { type ArmRequest, armRequest, managementResource, tokenFor } from "../support/arm.ts";
import { type Quern, startQuern } from "../support/quern.ts";
import type { Answer } from "../support/signed.ts";

const reader = { clientId: "11111111-2222-4333-8444-000000000001", clientSecret: "a-secret-of-a-reader" };
const owner = { clientId: "11111111-2222-4333-8444-000000000002", clientSecret: "a-secret-of-an-owner" };
const clients = [
  "--client",
  `${owner.clientId}:${owner.clientSecret}:owner`,
  "--client",
  `${reader.clientId}:${reader.clientSecret}:reader`,
];

const accountPath = (quern: Quern): string =>
  `/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts/${quern.ready.account}`;

const asker =
  (quern: Quern) =>
  (method: string, below: string, more: Partial<ArmRequest> = {}): Promise<Answer> =>
    armRequest(quern, { method, path: `${accountPath(quern)}/applications${below}`, ...more });

const code = ({ status, json }: Answer): string => `${status} ${json?.error?.code}`;

const upload = async (quern: Quern, url: string, content: Buffer): Promise<void> => {
  // The URL may be of a name that only a line in /etc/hosts leads here; the signature covers the path and not the host.
  const { pathname, search, host } = new URL(url);
  const own = new URL(quern.ready.batchUrl);
  const account = /^([^.]+)\.blob\./.exec(host)?.[1];
  const path = account === undefined ? pathname : `/${account}${pathname}`;
  await new BlockBlobClient(`${own.origin}${path}${search}`).uploadData(content);
};

test("a package from its application to the data plane and back", async (t) => {
  const quern = await startQuern(t, { args: clients });
  const ask = asker(quern);
  const made = await ask("PUT", "/MyApp", { body: { properties: { displayName: "My app", allowUpdates: false } } });
  assert.equal(made.status, 200, made.text);
  assert.match(String(made.headers.etag), /^W\/"0x8D[0-9A-F]+"$/i);
  assert.equal(made.json.etag, made.headers.etag);
  assert.deepEqual(made.json.properties, { displayName: "My app", allowUpdates: false });
  assert.equal(made.json.type, "Microsoft.Batch/batchAccounts/applications");
  assert.match(made.json.id, /\/batchAccounts\/devbatchaccount1\/applications\/MyApp$/);

  // Bodiless, as az sends it; under any letter case.
  const version = await ask("PUT", "/myapp/versions/1.0", { headers: { "content-type": "application/json", "content-length": "0" } });
  assert.equal(version.status, 200, version.text);
  const { storageUrl, storageUrlExpiry, ...rest } = version.json.properties;
  assert.deepEqual(rest, { state: "Pending" });
  const hours = (Date.parse(storageUrlExpiry) - Date.now()) / 3_600_000;
  assert.ok(hours > 3.9 && hours <= 4, String(hours));
  assert.match(storageUrl, /sig=/);

  assert.equal(code(await ask("POST", "/MyApp/versions/1.0/activate", { body: { format: "zip" } })), "409 ApplicationPackageBlobNotFound");
  const before = await quern.raw({ method: "GET", path: "/applications/MyApp" });
  assert.deepEqual(before.json.versions, []);
  await upload(quern, storageUrl, Buffer.from("not really a zip"));
  assert.equal(code(await ask("POST", "/MyApp/versions/1.0/activate", { body: { format: "rar" } })), "400 InvalidPropertyValue");
  for (let again = 0; again < 2; again++) {
    const active = await ask("POST", "/MyApp/versions/1.0/activate", { body: { format: "zip" } });
    assert.deepEqual([active.status, active.json.properties.state, active.json.properties.format], [200, "Active", "zip"]);
    assert.ok(Date.parse(active.json.properties.lastActivationTime) <= Date.now());
  }
  assert.deepEqual((await quern.raw({ method: "GET", path: "/applications/MyApp" })).json.versions, ["1.0"]);

  const patched = await ask("PATCH", "/MyApp", { body: { properties: { defaultVersion: "1.0" } } });
  assert.deepEqual(patched.json.properties, { displayName: "My app", allowUpdates: false, defaultVersion: "1.0" });
  assert.equal(code(await ask("PATCH", "/MyApp", { body: { properties: { defaultVersion: "9" } } })), "404 ApplicationPackageNotFound");
  const rename = (etag: string): Promise<Answer> =>
    ask("PATCH", "/MyApp", { body: { properties: { displayName: "My app" } }, headers: { "if-match": etag } });
  assert.equal(code(await rename(made.json.etag)), "412 ConditionNotMet");
  assert.equal((await rename(patched.json.etag)).status, 200);
  assert.equal(code(await ask("PUT", "/MyApp/versions/1.0")), "409 ApplicationUpdatesNotAllowed");
  assert.equal(code(await ask("DELETE", "/MyApp/versions/1.0")), "409 ApplicationUpdatesNotAllowed");
  assert.equal(code(await ask("DELETE", "/MyApp")), "409 ApplicationPackagesExist");
  await ask("PATCH", "/MyApp", { body: { properties: { allowUpdates: true } } });
  const again = await ask("PUT", "/MyApp/versions/1.0");
  assert.deepEqual([again.status, again.json.properties.state], [200, "Pending"]);
  assert.deepEqual((await quern.raw({ method: "GET", path: "/applications/MyApp" })).json.versions, []);

  assert.equal((await ask("DELETE", "/MyApp/versions/1.0")).status, 200);
  assert.equal((await ask("DELETE", "/MyApp/versions/1.0")).status, 204);
  assert.equal((await ask("GET", "/MyApp")).json.properties.defaultVersion, undefined);
  assert.deepEqual((await ask("DELETE", "/MyApp")).text, "");
  assert.equal((await ask("DELETE", "/MyApp")).status, 204);
  assert.equal(code(await ask("GET", "/MyApp")), "404 ApplicationNotFound");
});

test("lists page, old versions get their flat form, and who may not write does not", async (t) => {
  const quern = await startQuern(t, { args: clients });
  const ask = asker(quern);
  for (const name of ["one", "two", "three"]) await ask("PUT", `/${name}`);
  for (const version of ["1", "2", "3"]) await ask("PUT", `/one/versions/${version}`);
  const names: string[] = [];
  for (let url: string | undefined = `${accountPath(quern)}/applications?maxresults=2`; url !== undefined; ) {
    const { json }: Answer = await armRequest(quern, { method: "GET", path: url });
    names.push(...json.value.map(({ name }: { name: string }) => name));
    url = json.nextLink;
  }
  assert.deepEqual(names.sort(), ["one", "three", "two"]);
  const versions = await ask("GET", "/one/versions");
  assert.deepEqual(
    versions.json.value.map(({ name }: { name: string }) => name),
    ["1", "2", "3"],
  );
  const old = await ask("GET", "/one", { version: "2017-09-01" });
  assert.deepEqual([old.json.id, old.json.allowUpdates, old.json.properties], ["one", true, undefined]);
  assert.deepEqual(
    old.json.packages.map(({ id, version, state }: Record<string, string>) => [id, version, state]),
    ["1", "2", "3"].map((version) => ["one", version, "Pending"]),
  );
  const madeOld = await ask("PUT", "/four", { version: "2017-09-01", body: { displayName: "4", allowUpdates: false } });
  assert.deepEqual([madeOld.status, madeOld.json.displayName, madeOld.json.allowUpdates], [201, "4", false]);
  assert.equal((await ask("PATCH", "/four", { version: "2017-09-01", body: { allowUpdates: true } })).status, 204);

  const token = await tokenFor(quern, managementResource, reader);
  assert.equal((await ask("GET", "/one", { token })).status, 200);
  const refused = await ask("PUT", "/five", { token });
  assert.equal(code(refused), "403 AuthorizationFailed");
  assert.match(
    refused.json.error.message,
    /perform action 'Microsoft\.Batch\/batchAccounts\/applications\/write' over scope '\/subscriptions\//,
  );
  assert.equal(code(await ask("PUT", "/bad%20name")), "400 InvalidPropertyValue");
  assert.equal(code(await ask("PUT", "/one/versions/bad%2Fname")), "400 InvalidPropertyValue");
  const nowhere = "/subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.Batch/batchAccounts/nosuch/applications";
  assert.equal(code(await armRequest(quern, { method: "GET", path: nowhere })), "404 ResourceNotFound");
  const noGroup = nowhere.replace("{rg}", "nosuch");
  assert.equal(code(await armRequest(quern, { method: "GET", path: noGroup })), "404 ResourceGroupNotFound");
});

test("the URL that a reader is shown lets nobody write", async (t) => {
  const quern = await startQuern(t, { args: clients });
  const ask = asker(quern);
  await ask("PUT", "/app");
  const made = await ask("PUT", "/app/versions/1");
  await upload(quern, made.json.properties.storageUrl, Buffer.from("the owner's"));
  const token = await tokenFor(quern, managementResource, reader);
  const one = await ask("GET", "/app/versions/1", { token });
  const list = await ask("GET", "/app/versions", { token });
  for (const { storageUrl } of [one.json.properties, list.json.value[0].properties]) {
    assert.equal(new URL(storageUrl).searchParams.get("sp"), "r");
    await assert.rejects(upload(quern, storageUrl, Buffer.from("a reader's")), { statusCode: 403 });
  }
});

test("without auto storage there is nowhere to put a package", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  assert.equal(code(await asker(quern)("PUT", "/app")), "409 AutoStorageNotConfigured");
});
