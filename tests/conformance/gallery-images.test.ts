// Unmodified clients on gallery images, marketplace images and storage containers: Python azure-mgmt-azurestackhci 8.0.0b2 (2021-09-01-preview),
// npm @azure/arm-resources 7 by id, and `az resource`.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { ResourceManagementClient } from "@azure/arm-resources";
import { ClientSecretCredential } from "@azure/identity";
import { type Quern, startQuern } from "../support/quern.ts";
import { az as azure, missing, python } from "../support/require.ts";
import { newDirectory, packRootfs } from "../support/rootfs.ts";
import { trust } from "./arm-program.ts";
import { azWith, cloudOf } from "./az-cli.ts";

const aServer = async (t: TestContext): Promise<{ quern: Quern; directory: string; image: string }> => {
  const directory = newDirectory(t);
  const { file: image } = packRootfs(directory, { name: "debian.tar.gz", randomBytes: 2 ** 20 });
  const entry = { publisher: "market", offer: "debian", sku: "12", version: "12.1.0", path: image };
  const marketplace = join(directory, "marketplace.json");
  writeFileSync(marketplace, JSON.stringify({ images: [entry] }));
  const args = ["--storage", "none", "--allow-image-path", directory, "--marketplace", marketplace];
  return { quern: await startQuern(t, { args }), directory, image };
};

test("Python azure-mgmt-azurestackhci", { skip: missing(python), timeout: 180_000 }, async (t) => {
  const { quern, directory, image } = await aServer(t);
  const { armUrl, clientId, clientSecret, subscriptionId, resourceGroup, caFile } = quern.ready;
  const program = join(import.meta.dirname, "python/gallery_images.py");
  const container = join(directory, "container");
  const { stdout } = await promisify(execFile)(
    "/usr/bin/python3",
    [program, armUrl, clientId, clientSecret, subscriptionId, resourceGroup, image, container],
    { env: { PATH: "/usr/bin:/bin", REQUESTS_CA_BUNDLE: caFile } },
  ).catch((error) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  assert.match(stdout, /all good\n$/);
});

test("npm @azure/arm-resources 7, by id", { timeout: 120_000 }, async (t) => {
  const { quern, image } = await aServer(t);
  trust(quern);
  const { armUrl, tenantId, clientId, clientSecret, subscriptionId, resourceGroup } = quern.ready;
  const options = { authorityHost: armUrl, disableInstanceDiscovery: true };
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, options);
  const { resources } = new ResourceManagementClient(credential, subscriptionId, { endpoint: armUrl });
  const below = `subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.AzureStackHCI`;
  const extendedLocation = { type: "CustomLocation", name: "/custom/location" } as never;
  for (const version of ["2024-01-01", "2023-09-01-preview", "2025-09-01-preview"]) {
    const [container, gallery] = [`${below}/storageContainers/npm-${version}`, `${below}/galleryImages/npm-${version}`];
    const path = { path: "C:\\container_storage" };
    await resources.beginCreateOrUpdateByIdAndWait(container, version, { location: "eastus", extendedLocation, properties: path });
    const properties = { osType: "Linux", imagePath: image, containerId: `/${container}` };
    const made = await resources.beginCreateOrUpdateByIdAndWait(gallery, version, { location: "eastus", extendedLocation, properties });
    const { provisioningState, status, version: size } = made.properties as Record<string, any>;
    assert.deepEqual([provisioningState, status.provisioningStatus.status, status.errorMessage], ["Succeeded", "Succeeded", ""]);
    assert.ok(size.properties.storageProfile.osDiskImage.sizeInMB >= 1);
    assert.deepEqual((await resources.beginUpdateByIdAndWait(gallery, version, { tags: { a: "b" } })).tags, { a: "b" });
    assert.equal((await resources.getById(gallery, version)).properties?.imagePath, undefined);
    await assert.rejects(resources.beginDeleteByIdAndWait(container, version), { statusCode: 409, code: "ResourceInUse" });
    await resources.beginDeleteByIdAndWait(gallery, version);
    await assert.rejects(resources.getById(gallery, version), { statusCode: 404, code: "ResourceNotFound" });
    await resources.beginDeleteByIdAndWait(container, version);
  }
  const bad = { location: "eastus", properties: { osType: "Linux", imagePath: "/etc/hostname" } };
  await assert.rejects(
    resources.beginCreateOrUpdateByIdAndWait(`${below}/galleryImages/bad`, "2024-01-01", bad),
    /ImagePathNotAllowed|not below/,
  );
});

test("az resource", { skip: missing(azure), timeout: 240_000 }, async (t) => {
  const { quern, image } = await aServer(t);
  const { az } = await azWith(t, quern);
  const { clientId, clientSecret, tenantId, resourceGroup } = quern.ready;
  const file = join(newDirectory(t), "cloud.json");
  writeFileSync(file, cloudOf(quern));
  await az("cloud", "register", "--name", "Quern", "--cloud-config", `@${file}`);
  await az("cloud", "set", "--name", "Quern");
  await az("login", "--service-principal", "-u", clientId, "-p", clientSecret, "--tenant", tenantId);
  const named = ["--resource-group", resourceGroup, "--resource-type", "Microsoft.AzureStackHCI/galleryImages", "--name", "az-image"];
  const properties = JSON.stringify({ osType: "Linux", imagePath: image });
  const made = await az("resource", "create", ...named, "--api-version", "2024-01-01", "--location", "eastus", "--properties", properties);
  assert.deepEqual([made.name, made.properties.provisioningState], ["az-image", "Succeeded"]);
  // Without a version it asks the provider for its newest.
  const shown = await az("resource", "show", ...named);
  assert.equal(shown.properties.status.progressPercentage, 100);
  const listed = await az("resource", "list", "--resource-type", "Microsoft.AzureStackHCI/galleryImages");
  assert.deepEqual(
    listed.map((one: { name: string }) => one.name),
    ["az-image"],
  );
  await az("resource", "delete", ...named, "--api-version", "2024-01-01");
  await assert.rejects(az("resource", "show", ...named, "--api-version", "2024-01-01"), /ResourceNotFound/);
});
