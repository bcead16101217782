// A resource group goes with everything: an account with a pool, a node that runs a task and packages in its storage, images in their container,
// private endpoints, identities. What cannot go keeps the group, which is then as it was.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { armPoll, armRequest } from "../support/arm.ts";
import { type Quern, startQuern, until } from "../support/quern.ts";
import { newDirectory, packRootfs } from "../support/rootfs.ts";
import type { Answer } from "../support/signed.ts";

const groups = "/subscriptions/{sub}/resourceGroups";

const asker =
  (quern: Quern) =>
  (method: string, path: string, body?: unknown, version = "2024-07-01"): Promise<Answer> =>
    armRequest(quern, { method, path: `${groups}/${path}`, version, ...(body === undefined ? {} : { body }) });

type Ask = ReturnType<typeof asker>;

/** PUT, followed to its end where it has one. */
const made = async (quern: Quern, ask: Ask, path: string, body: object, version?: string): Promise<any> => {
  const answer = await ask("PUT", path, body, version);
  assert.ok(answer.status >= 200 && answer.status < 300, `${path}: ${answer.status} ${answer.text}`);
  const follow = answer.headers["azure-asyncoperation"] ?? (answer.status === 202 ? answer.headers.location : undefined);
  if (follow !== undefined) await armPoll(quern, follow as string);
  return (await ask("GET", path, undefined, version)).json;
};

const deleted = async (quern: Quern, ask: Ask, group: string): Promise<Answer> => {
  const answer = await ask("DELETE", group, undefined, "2021-04-01");
  assert.equal(answer.status, 202, answer.text);
  return armPoll(quern, answer.headers.location as string);
};

const hci = "2024-01-01";
const machine = (imageReference: object) => ({
  vmSize: "STANDARD_D1_V2",
  deploymentConfiguration: { virtualMachineConfiguration: { imageReference, nodeAgentSkuId: "batch.node.debian 12" } },
});
const debian = { publisher: "debian", offer: "debian-12", sku: "12" };

test("everything in a group goes with it", { timeout: 120_000 }, async (t) => {
  const directory = newDirectory(t);
  const archive = packRootfs(directory, { name: "image.tar.gz" });
  const quern = await startQuern(t, { args: ["--allow-image-path", directory] });
  const ask = asker(quern);
  await made(quern, ask, "full", { location: "eastus" }, "2021-04-01");
  const below = "full/providers";
  const stored = { location: "eastus", kind: "StorageV2", sku: { name: "Standard_LRS" } };
  const storage = await made(quern, ask, `${below}/Microsoft.Storage/storageAccounts/fullstorage`, stored);
  const account = await made(quern, ask, `${below}/Microsoft.Batch/batchAccounts/fullaccount`, {
    location: "eastus",
    properties: { autoStorage: { storageAccountId: storage.id } },
  });
  const batch = `${below}/Microsoft.Batch/batchAccounts/fullaccount`;
  const pool = { ...machine(debian), scaleSettings: { fixedScale: { targetDedicatedNodes: 1 } } };
  await made(quern, ask, `${batch}/pools/pool`, { properties: pool });
  await made(quern, ask, `${batch}/applications/app`, {});
  const created = await ask("PUT", `${batch}/applications/app/versions/1`, {});
  assert.match(created.json.properties.storageUrl, /fullstorage/);
  await until(
    async () => (await ask("GET", `${batch}/pools/pool`)).json.properties,
    ({ currentDedicatedNodes }) => currentDedicatedNodes === 1,
  );
  const connection = { name: "c", properties: { privateLinkServiceId: account.id, groupIds: ["batchAccount"] } };
  await made(quern, ask, `${below}/Microsoft.Network/privateEndpoints/endpoint`, {
    location: "eastus",
    properties: { privateLinkServiceConnections: [connection] },
  });
  await made(quern, ask, `${below}/Microsoft.ManagedIdentity/userAssignedIdentities/identity`, { location: "eastus" });
  const images = join(directory, "images");
  const place = { extendedLocation: { name: "/x", type: "CustomLocation" }, location: "eastus" };
  const container = { ...place, properties: { path: images } };
  const { id: containerId } = await made(quern, ask, `${below}/Microsoft.AzureStackHCI/storageContainers/container`, container, hci);
  const image = { ...place, properties: { imagePath: archive.file, osType: "Linux", containerId } };
  const { properties } = await made(quern, ask, `${below}/Microsoft.AzureStackHCI/galleryImages/image`, image, hci);
  assert.equal(properties.provisioningState, "Succeeded");
  assert.equal((await ask("GET", "full/resources")).json.value.length, 6);

  const end = await deleted(quern, ask, "full");
  assert.equal(end.status, 200, end.text);
  assert.equal((await ask("GET", "full")).json.error.code, "ResourceGroupNotFound");
  await made(quern, ask, "full", { location: "westus" }, "2021-04-01");
  assert.deepEqual((await ask("GET", "full/resources")).json.value, []);
  // The names are free again, and what has them is new.
  assert.equal(
    (await made(quern, ask, `${below}/Microsoft.Storage/storageAccounts/fullstorage`, { ...stored, location: "westus" })).location,
    "westus",
  );
  await made(quern, ask, batch, { location: "eastus" });
  assert.deepEqual((await ask("GET", `${batch}/pools`)).json.value, []);
  // The directory is the operator's; what was put into it is gone.
  assert.deepEqual(readdirSync(images), []);
});

test("an image that a pool elsewhere names keeps its group", { timeout: 120_000 }, async (t) => {
  const directory = newDirectory(t);
  const archive = packRootfs(directory, { name: "image.tar.gz" });
  const quern = await startQuern(t, { args: ["--storage", "none", "--allow-image-path", directory] });
  const ask = asker(quern);
  await made(quern, ask, "images", { location: "eastus", tags: { a: "b" } }, "2021-04-01");
  const body = {
    extendedLocation: { name: "/x", type: "CustomLocation" },
    location: "eastus",
    properties: { imagePath: archive.file, osType: "Linux" },
  };
  const path = "images/providers/Microsoft.AzureStackHCI/galleryImages/image";
  const image = await made(quern, ask, path, body, hci);
  assert.equal(image.properties.provisioningState, "Succeeded");
  const pool = `${quern.ready.resourceGroup}/providers/Microsoft.Batch/batchAccounts/${quern.ready.account}/pools/pool`;
  await made(quern, ask, pool, { properties: machine({ id: image.id }) });

  const blocked = await deleted(quern, ask, "images");
  assert.deepEqual([blocked.status, blocked.json?.error?.code], [409, "ResourceGroupDeletionBlocked"], blocked.text);
  assert.match(blocked.json.error.message, /'images' did not finish.*'image' is in use by pool/);
  const kept = (await ask("GET", "images")).json;
  assert.deepEqual([kept.properties.provisioningState, kept.tags], ["Succeeded", { a: "b" }]);
  assert.equal((await ask("GET", path, undefined, hci)).json.properties.provisioningState, "Succeeded");

  const poolGoes = await ask("DELETE", pool);
  if (poolGoes.status === 202) await armPoll(quern, poolGoes.headers.location as string);
  assert.equal((await deleted(quern, ask, "images")).status, 200);
});
