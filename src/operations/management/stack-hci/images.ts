// What both types of images do alike: which PUT begins an import, which only changes tags, and what an image shows of itself.
import { ApiError, invalidProperty, missingProperty } from "../../../api/errors.ts";
import type { Infer } from "../../../api/fields.ts";
import type { GalleryImages } from "../../../api/management/stack-hci/gallery-images.ts";
import type { MarketplaceGalleryImages } from "../../../api/management/stack-hci/marketplace-images.ts";
import { parseResourceId, sameId } from "../../../domain/resource-ids.ts";
import {
  changedProperty,
  checkName,
  galleryImageType,
  type ImageProperties,
  isBusy,
  megabytes,
  newImage,
  storageContainerType,
  type WantedImage,
} from "../../../domain/stack-hci.ts";
import type { Reader, Write } from "../../../store/db.ts";
import { guardResourceGroup } from "../../../store/resource-groups.ts";
import { getResource, insertResource, type Resource, type ResourceKey, saveResource } from "../../../store/resources.ts";
import { guardSucceeded } from "../../../store/stack-hci.ts";
import type { Reply } from "../../handler.ts";
import type { ManagementServices } from "../handler.ts";
import {
  type AnyRequest,
  asyncHeaders,
  beginOperation,
  checkLocation,
  checkSameLocation,
  checkTags,
  envelopeOf,
  idOf,
  newOperationId,
  notFound,
  provisioningStatus,
  refuseBusy,
  refuseDeleting,
  replyOf,
} from "./common.ts";

type Image = Resource<ImageProperties>;
type Parameter = Infer<typeof GalleryImages> | Infer<typeof MarketplaceGalleryImages>;

/** Where the import is now is known to whoever does it; the row has it from a while ago. */
export const imageView = (type: string) => (services: ManagementServices, image: Image) => {
  const { properties } = image;
  const { osType, containerId, cloudInitDataSource, hyperVGeneration, identifier, version, resourceName } = properties;
  const now = services.imageWork.progressOf(properties.uid) ?? properties;
  const osDiskImage = properties.image === undefined ? {} : { sizeInMB: properties.image.osDiskSizeInMB };
  return {
    ...envelopeOf(services, type, image),
    properties: {
      containerId,
      osType,
      cloudInitDataSource,
      hyperVGeneration,
      identifier,
      resourceName,
      version: { name: version, properties: { storageProfile: { osDiskImage } } },
      provisioningState: image.provisioningState,
      status: {
        ...provisioningStatus(image),
        downloadStatus: { downloadSizeInMB: megabytes(now.downloadedBytes) },
        progressPercentage: now.percentage,
      },
    },
  };
};

export const putImage = async (
  request: AnyRequest & { body: Parameter },
  services: ManagementServices,
  key: ResourceKey,
): Promise<Reply> => {
  const { body } = request;
  const location = checkLocation(body.location, key.type);
  checkTags(body.tags);
  const wanted = wantedOf(services, key, body);
  const attempt = { uid: services.ids.guid(), operationId: newOperationId(services, idOf(services, key)) };
  const by = { modified: services.clock.stamp(), modifiedBy: request.caller.clientId };
  const put = await services.store.decide(async (read) => {
    const before = await getResource<ImageProperties>(read, key);
    if (before === undefined) {
      checkName(key.type, key.name);
      requireSource(key.type, wanted);
      const image: Image = {
        ...key,
        location,
        tags: body.tags ?? {},
        ...(body.extendedLocation === undefined ? {} : { extendedLocation: body.extendedLocation }),
        properties: newImage(wanted, attempt),
        provisioningState: "Accepted",
        createdAt: request.now,
        createdBy: by.modifiedBy,
        ...by,
        generation: 1,
      };
      const begun = [
        ...(await containerGuards(read, services, wanted)),
        ...beginOperation(request, attempt.operationId, idOf(services, key)),
      ];
      return { writes: [guardResourceGroup(key.resourceGroup), ...insertResource(image), ...begun], result: { image, status: 201 } };
    }
    refuseDeleting(before);
    checkSameLocation(before, key.type, location);
    const tags = body.tags ?? {};
    if (before.provisioningState === "Succeeded" || isBusy(before.provisioningState)) {
      refuseChanges(before, wanted, body.extendedLocation);
      const image = JSON.stringify(tags) === JSON.stringify(before.tags) ? before : { ...before, tags, ...by };
      return { writes: image === before ? [] : saveResource(image), result: { image, status: 200 } };
    }
    // What failed begins anew, with all that is sent this time.
    requireSource(key.type, wanted);
    const extendedLocation = body.extendedLocation ?? before.extendedLocation;
    const image: Image = {
      ...before,
      tags,
      ...(extendedLocation === undefined ? {} : { extendedLocation }),
      properties: newImage(wanted, attempt),
      provisioningState: "Accepted",
      ...by,
    };
    const begun = [
      ...(await containerGuards(read, services, wanted)),
      ...beginOperation(request, attempt.operationId, idOf(services, key)),
    ];
    return { writes: [...saveResource(image), ...begun], result: { image, status: 200 } };
  });
  services.imageWork.ring(key);
  const { image, status } = put;
  const headers = isBusy(image.provisioningState) ? asyncHeaders(request, image.location, image.properties.operationId) : {};
  return { ...(await replyOf(services, imageView(key.type), image)), status, headers };
};

const wantedOf = (services: ManagementServices, key: ResourceKey, { properties }: Parameter): WantedImage => {
  if (properties === undefined) throw missingProperty("properties");
  const { osType, cloudInitDataSource, hyperVGeneration, identifier, version, resourceName } = properties;
  const given = {
    osType,
    cloudInitDataSource,
    hyperVGeneration,
    identifier,
    version: version?.name,
    resourceName,
    imagePath: "imagePath" in properties ? properties.imagePath : undefined,
    containerId: properties.containerId === undefined ? undefined : containerIdOf(services, key, properties.containerId),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as WantedImage;
};

const requireSource = (type: string, wanted: WantedImage): void => {
  if (type === galleryImageType) {
    if (wanted.imagePath === undefined) throw missingProperty("imagePath");
  } else {
    if (wanted.identifier === undefined) throw missingProperty("identifier");
    if (wanted.version === undefined) throw missingProperty("version.name");
    // Which version that is would change with the catalogue, and an image is one version.
    if (wanted.version.toLowerCase() === "latest")
      throw invalidProperty("version.name", "An exact version must be specified.", wanted.version);
  }
};

/** One resource is one version of an image: another image is another resource (reference: gallery-images section 2). */
const refuseChanges = (before: Image, wanted: WantedImage, extendedLocation: { name?: string } | undefined): void => {
  const isElsewhere = extendedLocation?.name !== undefined && !sameId(extendedLocation.name, before.extendedLocation?.name ?? "");
  const property = isElsewhere ? "extendedLocation" : changedProperty(before.properties, wanted);
  if (property === undefined) return;
  refuseBusy(before);
  throw new ApiError(
    "PropertyChangeNotAllowed",
    [],
    `Changing property '${property === "version" ? "version.name" : property}' is not allowed.`,
  );
};

/** As an id. The first preview gives the name of a container in the same group, or its id. */
const containerIdOf = (services: ManagementServices, { resourceGroup }: ResourceKey, given: string): string => {
  if (!given.includes("/")) return idOf(services, { type: storageContainerType, resourceGroup, name: given });
  const id = parseResourceId(given);
  if (id === undefined || !sameId(id.type, storageContainerType)) {
    const message = `Property id '${given.slice(0, 512)}' at path 'properties.containerId' is invalid. Expect fully qualified resource Id that starts with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/' and is of type '${storageContainerType}'.`;
    throw new ApiError("LinkedInvalidPropertyId", [], message);
  }
  if (!sameId(id.subscriptionId, services.settings.subscriptionId)) {
    const message = `The linked resource '${given.slice(0, 512)}' at path 'properties.containerId' is of another subscription.`;
    throw new ApiError("LinkedAuthorizationFailed", [], message);
  }
  return given;
};

/** The container is there and stays there until the image is in it. */
const containerGuards = async (read: Reader, services: ManagementServices, { containerId }: WantedImage): Promise<Write[]> => {
  if (containerId === undefined) return [];
  const id = parseResourceId(containerId);
  const key = { type: storageContainerType, resourceGroup: id?.resourceGroup ?? "", name: id?.names[0] ?? "" };
  const container = await getResource(read, key);
  if (container === undefined) throw notFound(key);
  if (container.provisioningState !== "Succeeded")
    throw invalidProperty("containerId", "The storage container has not been provisioned.", idOf(services, key));
  return [guardSucceeded(key)];
};
