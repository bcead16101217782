// Gallery images: root file systems and disk images that are brought here from a path or a URL. Data only.
import { f, model, required } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { stackHci } from "../providers.ts";
import { atOnce, firstPreview, groupPath, operationStates, provisioningStates, subscriptionPath, trackedResource } from "./common.ts";

export const GalleryImageIdentifier = model("GalleryImageIdentifier", {
  publisher: required(f.string({ minLength: 1, maxLength: 128 })),
  offer: required(f.string({ minLength: 1, maxLength: 128 })),
  sku: required(f.string({ minLength: 1, maxLength: 128 })),
});

const GalleryOSDiskImage = model("GalleryOSDiskImage", { sizeInMB: f.int64({ readOnly: true }) });
const GalleryImageVersionStorageProfile = model("GalleryImageVersionStorageProfile", { osDiskImage: f.object(GalleryOSDiskImage) });
const GalleryImageVersionProperties = model("GalleryImageVersionProperties", {
  storageProfile: required(f.object(GalleryImageVersionStorageProfile)),
});
export const GalleryImageVersion = model("GalleryImageVersion", {
  name: f.string({ minLength: 1, maxLength: 80 }),
  properties: f.object(GalleryImageVersionProperties),
});

const ProvisioningStatus = model("GalleryImageStatusProvisioningStatus", {
  operationId: f.string(),
  status: f.enum(operationStates),
});
const DownloadStatus = model("GalleryImageStatusDownloadStatus", { downloadSizeInMB: f.int64() });

/** What both types of images show of their coming. */
export const imageStatus = {
  errorCode: f.string(),
  errorMessage: f.string(),
  provisioningStatus: f.object(ProvisioningStatus),
  downloadStatus: f.object(DownloadStatus),
  progressPercentage: f.int64(),
} as const;
const GalleryImageStatus = model("GalleryImageStatus", imageStatus);

/** What both types of images are given. */
export const imageProperties = {
  containerId: f.string({ renamed: [{ until: firstPreview, as: "containerName" }] }),
  osType: required(f.enum(["Windows", "Linux"])),
  cloudInitDataSource: f.enum(["NoCloud", "Azure"], { recorded: "Nodes are not set up by cloud-init." }),
  hyperVGeneration: f.enum(["V1", "V2"], { recorded: "Said of the image in supportedimages; there is no hypervisor." }),
  identifier: f.object(GalleryImageIdentifier),
  version: f.object(GalleryImageVersion),
  provisioningState: f.enum(provisioningStates, { readOnly: true }),
  resourceName: f.string({ until: firstPreview, recorded: "A name in the hypervisor's own store, which does not exist here." }),
} as const;

export const GalleryImageProperties = model("GalleryImageProperties", {
  ...imageProperties,
  imagePath: f.string({ secret: true, minLength: 1, maxLength: 8192 }),
  status: f.object(GalleryImageStatus, { readOnly: true }),
});

/** The documents do not require the properties, but what they hold: without an osType nothing can be made. */
export const GalleryImages = model("GalleryImages", { ...trackedResource, properties: f.object(GalleryImageProperties) });
export const GalleryImagesUpdateRequest = model("GalleryImagesUpdateRequest", { tags: f.map(f.string({ maxLength: 256 })) });

const one = `${groupPath}/galleryImages/{galleryImageName}` as const;

export const getGalleryImage = managementOperation("GalleryImages_Get", {
  provider: stackHci,
  method: "GET",
  path: one,
  summary: "Reads a gallery image: its state, and while it comes how far it is.",
  query: noQuery,
  answer: { status: 200, body: GalleryImages, etag: "strong" },
  errors: ["ResourceNotFound"],
});

export const createGalleryImage = managementOperation("GalleryImages_CreateOrUpdate", {
  provider: stackHci,
  method: "PUT",
  path: one,
  summary: "Imports an image from a path or a URL, or changes the tags of one that is there.",
  query: noQuery,
  body: GalleryImages,
  answer: { status: 201, statuses: [200], body: GalleryImages, etag: "strong" },
  errors: [
    "LocationRequired",
    "InvalidResourceName",
    "ReservedResourceName",
    "ResourceNotFound",
    "LinkedInvalidPropertyId",
    "LinkedAuthorizationFailed",
    "InvalidResourceLocation",
    "PropertyChangeNotAllowed",
    "OperationNotAllowed",
  ],
});

export const updateGalleryImage = managementOperation("GalleryImages_Update", {
  provider: stackHci,
  method: "PATCH",
  path: one,
  summary: "Changes the tags of a gallery image.",
  query: noQuery,
  body: GalleryImagesUpdateRequest,
  answer: { status: 200, body: GalleryImages, etag: "strong" },
  errors: ["ResourceNotFound", "OperationNotAllowed"],
});

export const deleteGalleryImage = managementOperation("GalleryImages_Delete", {
  provider: stackHci,
  method: "DELETE",
  path: one,
  summary: "Deletes a gallery image with its files, also one that is just coming. One that a pool names is not deleted.",
  query: noQuery,
  traits: atOnce,
  answer: { status: 202, statuses: [200, 204] },
  errors: ["ResourceInUse"],
});

export const listGalleryImages = managementOperation("GalleryImages_List", {
  provider: stackHci,
  method: "GET",
  path: `${groupPath}/galleryImages`,
  summary: "Lists the gallery images of a resource group.",
  query: noQuery,
  answer: { status: 200, item: GalleryImages },
  errors: [],
});

export const listAllGalleryImages = managementOperation("GalleryImages_ListAll", {
  provider: stackHci,
  method: "GET",
  path: `${subscriptionPath}/galleryImages`,
  summary: "Lists all gallery images.",
  query: noQuery,
  answer: { status: 200, item: GalleryImages },
  errors: [],
});
