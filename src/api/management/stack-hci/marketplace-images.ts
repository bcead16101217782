// Marketplace gallery images: those of the operator's own catalogue, by publisher, offer, sku and exact version. Data only.
import { f, model } from "../../fields.ts";
import { noQuery } from "../../operation.ts";
import { managementOperation } from "../operation.ts";
import { stackHci } from "../providers.ts";
import { atOnce, groupPath, subscriptionPath, trackedResource } from "./common.ts";
import { imageProperties, imageStatus } from "./gallery-images.ts";

const MarketplaceGalleryImageStatus = model("MarketplaceGalleryImageStatus", imageStatus);

export const MarketplaceGalleryImageProperties = model("MarketplaceGalleryImageProperties", {
  ...imageProperties,
  status: f.object(MarketplaceGalleryImageStatus, { readOnly: true }),
});

export const MarketplaceGalleryImages = model("MarketplaceGalleryImages", {
  ...trackedResource,
  properties: f.object(MarketplaceGalleryImageProperties),
});
export const MarketplaceGalleryImagesUpdateRequest = model("MarketplaceGalleryImagesUpdateRequest", {
  tags: f.map(f.string({ maxLength: 256 })),
});

const one = `${groupPath}/marketplaceGalleryImages/{marketplaceGalleryImageName}` as const;

export const getMarketplaceImage = managementOperation("MarketplaceGalleryImages_Get", {
  provider: stackHci,
  method: "GET",
  path: one,
  summary: "Reads a marketplace gallery image: its state, and while it comes how far it is.",
  query: noQuery,
  answer: { status: 200, body: MarketplaceGalleryImages, etag: "strong" },
  errors: ["ResourceNotFound"],
});

export const createMarketplaceImage = managementOperation("MarketplaceGalleryImages_CreateOrUpdate", {
  provider: stackHci,
  method: "PUT",
  path: one,
  summary: "Imports an image of the operator's marketplace catalogue, or changes the tags of one that is there.",
  query: noQuery,
  body: MarketplaceGalleryImages,
  answer: { status: 201, statuses: [200], body: MarketplaceGalleryImages, etag: "strong" },
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

export const updateMarketplaceImage = managementOperation("MarketplaceGalleryImages_Update", {
  provider: stackHci,
  method: "PATCH",
  path: one,
  summary: "Changes the tags of a marketplace gallery image.",
  query: noQuery,
  body: MarketplaceGalleryImagesUpdateRequest,
  answer: { status: 200, body: MarketplaceGalleryImages, etag: "strong" },
  errors: ["ResourceNotFound", "OperationNotAllowed"],
});

export const deleteMarketplaceImage = managementOperation("MarketplaceGalleryImages_Delete", {
  provider: stackHci,
  method: "DELETE",
  path: one,
  summary: "Deletes a marketplace gallery image with its files, also one that is just coming. One that a pool names is not deleted.",
  query: noQuery,
  traits: atOnce,
  answer: { status: 202, statuses: [200, 204] },
  errors: ["ResourceInUse"],
});

export const listMarketplaceImages = managementOperation("MarketplaceGalleryImages_List", {
  provider: stackHci,
  method: "GET",
  path: `${groupPath}/marketplaceGalleryImages`,
  summary: "Lists the marketplace gallery images of a resource group.",
  query: noQuery,
  answer: { status: 200, item: MarketplaceGalleryImages },
  errors: [],
});

export const listAllMarketplaceImages = managementOperation("MarketplaceGalleryImages_ListAll", {
  provider: stackHci,
  method: "GET",
  path: `${subscriptionPath}/marketplaceGalleryImages`,
  summary: "Lists all marketplace gallery images.",
  query: noQuery,
  answer: { status: 200, item: MarketplaceGalleryImages },
  errors: [],
});
