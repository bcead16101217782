// What the examples of gallery images, marketplace images and storage containers need. Their paths lead nowhere here, so that what they would
// import fails later: that it is really imported is shown by tests/end-to-end/sample-gallery-image.test.ts and gallery-images.test.ts.
import { armPoll } from "../arm.ts";
import { group, type Json, type Prepared, type Ways, type World } from "./world.ts";

const version = "2024-01-01";
const pathOf = (kind: string, name: string): string =>
  `/subscriptions/{sub}/resourceGroups/${group}/providers/Microsoft.AzureStackHCI/${kind}/${name}`;

/** Waits for what is made. Gives its id. */
const make = async (world: World, kind: string, name: string, properties: Json): Promise<string> => {
  const body = { location: "West US2", properties };
  const answer = await world.ok({ method: "PUT", path: pathOf(kind, name), version, body });
  await armPoll(world.quern, answer.headers["azure-asyncoperation"] as string);
  return answer.json.id;
};

const container = (world: World): Promise<string> =>
  make(world, "storageContainers", world.fresh("Container_"), { path: "C:\\container_storage" });

const image: Record<string, Json> = {
  galleryImages: { osType: "Linux", imagePath: "C:\\test.vhdx" },
  marketplaceGalleryImages: { osType: "Linux", identifier: { publisher: "a", offer: "b", sku: "c" }, version: { name: "1.0.0" } },
  storageContainers: { path: "C:\\container_storage" },
};

const one =
  (kind: string, parameter: string) =>
  async (world: World): Promise<Prepared> => {
    const name = world.fresh("test-image");
    await make(world, kind, name, image[kind]!);
    return { params: { resourceGroupName: group, [parameter]: name } };
  };

const inGroup = async (): Promise<Prepared> => ({ params: { resourceGroupName: group } });

const put =
  (parameter: string) =>
  async (world: World): Promise<Prepared> => {
    const containerId = await container(world);
    return {
      params: { resourceGroupName: group, [parameter]: world.fresh("test-image") },
      body: (body) => ({ ...body, properties: { ...(body.properties as Json), containerId } }),
    };
  };

const ways = (type: string, kind: string, parameter: string): Ways => ({
  [`${type}_Get`]: one(kind, parameter),
  [`${type}_Update`]: one(kind, parameter),
  [`${type}_Delete`]: one(kind, parameter),
  [`${type}_List`]: inGroup,
  [`${type}_ListAll`]: inGroup,
});

export const imageWays: Ways = {
  ...ways("GalleryImages", "galleryImages", "galleryImageName"),
  ...ways("MarketplaceGalleryImages", "marketplaceGalleryImages", "marketplaceGalleryImageName"),
  ...ways("StorageContainers", "storageContainers", "storageContainerName"),
  GalleryImages_CreateOrUpdate: put("galleryImageName"),
  MarketplaceGalleryImages_CreateOrUpdate: put("marketplaceGalleryImageName"),
  StorageContainers_CreateOrUpdate: async (world) => ({
    params: { resourceGroupName: group, storageContainerName: world.fresh("Default_Container") },
  }),
};
