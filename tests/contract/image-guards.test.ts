// Images and what names them, at the same moment: no pool is committed with an image that is going, no image goes while a pool names it, no
// container while it holds images.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ApiError } from "../../src/api/errors.ts";
import type { ImageNames, LiveImageCatalogue } from "../../src/domain/images.ts";
import { newPool } from "../../src/domain/new-pool.ts";
import {
  galleryImageType,
  type ImageProperties,
  marketplaceImageType,
  newImage,
  storageContainerType,
} from "../../src/domain/stack-hci.ts";
import { beginDeletion } from "../../src/operations/management/stack-hci/deletion.ts";
import { imageGuards } from "../../src/scheduler/image-references.ts";
import { Conflict, type Write } from "../../src/store/db.ts";
import { deletePool, getPool, insertPool } from "../../src/store/pools.ts";
import { getResource, insertResource, type Resource } from "../../src/store/resources.ts";
import { guardSucceeded } from "../../src/store/stack-hci.ts";
import { aService, type Service } from "./operations-fixtures.ts";

const subscriptionId = "51756572-6e00-4000-8000-000000000001";
const idOf = (type: string, name: string): string => `/subscriptions/${subscriptionId}/resourceGroups/rg/providers/${type}/${name}`;
const image = idOf(galleryImageType, "image");
const names = { publisher: "Us", offer: "tools", sku: "base" };

const aResource = (type: string, name: string, properties: object): Resource<object> => ({
  type,
  name,
  resourceGroup: "rg",
  location: "eastus",
  tags: {},
  properties,
  provisioningState: "Succeeded",
  createdAt: 1,
  createdBy: "someone",
  modified: 1,
  modifiedBy: "someone",
  generation: 1,
});

const imageProperties = (more: Partial<ImageProperties> = {}): ImageProperties => ({
  ...newImage({ osType: "Linux", imagePath: "/a" }, { uid: "uid", operationId: "op" }),
  ...more,
});

const machine = (imageReference: object) => ({ imageReference, nodeAgentSKUId: "batch.node.debian 12" });
const aPool = (service: Service, imageReference: object) =>
  newPool({ id: "pool", vmSize: "standard_d1_v2", virtualMachineConfiguration: machine(imageReference) } as never, {
    accountId: 1,
    stamp: service.clock.stamp(),
  });

const aWorld = async (t: TestContext, ...resources: Resource<object>[]): Promise<Service> => {
  const service = await aService(t);
  await service.store.commit(resources.flatMap((resource) => insertResource(resource)));
  return service;
};

/** The writes of a deletion. The catalogue is what it would be: images are known by their own names, and by well-known ones those of the marketplace. */
const going = async ({ store, services }: Service, type: string, name: string): Promise<Write[]> => {
  const resource = (await getResource<ImageProperties>(store, { type, resourceGroup: "rg", name }))!;
  const { identifier, version } = resource.properties;
  (services.images as LiveImageCatalogue).setImported([
    {
      resourceId: idOf(type, name),
      isMarketplace: type === marketplaceImageType,
      osType: "Linux",
      ...(identifier === undefined ? {} : { identifier }),
      ...(version === undefined ? {} : { version }),
    },
  ]);
  const surroundings = { settings: { subscriptionId }, images: services.images } as never;
  return beginDeletion(store, surroundings, { type, resource, modified: 2, modifiedBy: "someone" });
};

const isCode = (code: string) => (error: unknown) => error instanceof ApiError && error.code === code;

const references: [by: string, type: string, properties: ImageProperties, reference: ImageNames][] = [
  ["its id", galleryImageType, imageProperties(), { virtualMachineImageId: image.toUpperCase() }],
  [
    "its names",
    marketplaceImageType,
    imageProperties({ identifier: names, version: "1.0" }),
    { ...names, publisher: "us", version: "latest" },
  ],
  ["its names and version", marketplaceImageType, imageProperties({ identifier: names, version: "1.0" }), { ...names, version: "1.0" }],
];

for (const [by, type, properties, reference] of references) {
  test(`a pool that names an image by ${by}, and the image's deletion: one of the two is refused`, async (t) => {
    const service = await aWorld(t, aResource(type, "image", properties));
    const { store } = service;
    const pool = aPool(service, reference);
    // Both have looked before either is committed.
    const [guards, deletion] = [await imageGuards(store, reference), await going(service, type, "image")];
    assert.equal(guards.length, 1);
    await store.commit([...guards, ...insertPool(pool)]);
    await assert.rejects(store.commit(deletion), Conflict);
    await assert.rejects(going(service, type, "image"), isCode("ResourceInUse"));

    await store.commit(deletePool((await getPool(store, 1, "pool"))!));
    const late = await imageGuards(store, reference);
    await store.commit(await going(service, type, "image"));
    await assert.rejects(store.commit([...late, ...insertPool(pool)]), Conflict);
    if ("virtualMachineImageId" in reference) await assert.rejects(imageGuards(store, reference), isCode("InvalidPropertyValue"));
  });
}

test("another version, another image and other kinds of ids are not in the way", async (t) => {
  const service = await aWorld(t, aResource(marketplaceImageType, "image", imageProperties({ identifier: names, version: "1.0" })));
  for (const reference of [
    { ...names, version: "2.0" },
    { ...names, sku: "other" },
    { virtualMachineImageId: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/a/images/b" },
  ]) {
    assert.deepEqual(await imageGuards(service.store, reference), []);
    await service.store.commit(insertPool({ ...aPool(service, reference), key: JSON.stringify(reference), id: JSON.stringify(reference) }));
  }
  await service.store.commit(await going(service, marketplaceImageType, "image"));
});

test("a gallery image of a well-known name is not in use by pools of that name", async (t) => {
  const jammy = { publisher: "canonical", offer: "0001-com-ubuntu-server-jammy", sku: "22_04-lts" };
  const service = await aWorld(t, aResource(galleryImageType, "image", imageProperties({ identifier: jammy, version: "1.0" })));
  await service.store.commit(insertPool(aPool(service, { ...jammy, version: "latest" })));
  await service.store.commit(await going(service, galleryImageType, "image"));
});

test("an image that is put into a container, and the container's deletion: one of the two is refused", async (t) => {
  const service = await aWorld(t, aResource(storageContainerType, "container", { uid: "c", operationId: "o", path: "/x" }));
  const { store } = service;
  const key = { type: storageContainerType, resourceGroup: "RG", name: "Container" };
  const containerId = idOf(storageContainerType, "CONTAINER");
  const deletion = await going(service, storageContainerType, "container");
  await store.commit([guardSucceeded(key), ...insertResource(aResource(galleryImageType, "image", imageProperties({ containerId })))]);
  await assert.rejects(store.commit(deletion), Conflict);
  await assert.rejects(going(service, storageContainerType, "container"), isCode("ResourceInUse"));
});

test("the pool of a job whose image has gone: the job is there, has ended, and says why", async (t) => {
  const service = await aWorld(t);
  // Known a moment longer than it is there.
  (service.services.images as LiveImageCatalogue).setImported([
    { resourceId: image, isMarketplace: false, osType: "Linux", osRelease: { id: "debian", versionId: "12" } },
  ]);
  const pool = { vmSize: "standard_d1_v2", virtualMachineConfiguration: machine({ virtualMachineImageId: image }) };
  const poolInfo = { autoPoolSpecification: { poolLifetimeOption: "job", pool } };
  await service.call("Job_Add", { body: { id: "job", poolInfo } });
  const { body } = await service.call("Job_Get", { params: { jobId: "job" } });
  assert.equal(body.state, "completed");
  assert.equal(body.executionInfo.schedulingError.code, "InvalidImageReferenceInAutoPool");
  // A pool of its own is refused.
  const refusal = await service.refusal("Pool_Add", { body: { id: "p", ...pool } });
  assert.equal(refusal.code, "InvalidPropertyValue");
});
