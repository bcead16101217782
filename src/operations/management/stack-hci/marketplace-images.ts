// The operations on marketplace gallery images.
import type * as api from "../../../api/management/stack-hci/marketplace-images.ts";
import { marketplaceImageType as type } from "../../../domain/stack-hci.ts";
import type { ManagementHandler } from "../handler.ts";
import { listPage, loadResource, patchTags, replyOf } from "./common.ts";
import { deleteResource } from "./deletion.ts";
import { imageView, putImage } from "./images.ts";

type Params = { resourceGroupName: string; marketplaceGalleryImageName: string };
const keyOf = ({ resourceGroupName: resourceGroup, marketplaceGalleryImageName: name }: Params) => ({ type, resourceGroup, name });
const view = imageView(type);

export const getMarketplaceImage: ManagementHandler<typeof api.getMarketplaceImage> = async ({ params }, services) =>
  replyOf(services, view, await loadResource(services.store, keyOf(params)));

export const createMarketplaceImage: ManagementHandler<typeof api.createMarketplaceImage> = (request, services) =>
  putImage(request, services, keyOf(request.params));

export const updateMarketplaceImage: ManagementHandler<typeof api.updateMarketplaceImage> = async (request, services) =>
  replyOf(services, view, await patchTags(request, services, keyOf(request.params)));

export const deleteMarketplaceImage: ManagementHandler<typeof api.deleteMarketplaceImage> = (request, services) =>
  deleteResource(request, services, keyOf(request.params));

export const listMarketplaceImages: ManagementHandler<typeof api.listMarketplaceImages> = (request, services) =>
  listPage(request, services, view, { type, resourceGroup: request.params.resourceGroupName });

export const listAllMarketplaceImages: ManagementHandler<typeof api.listAllMarketplaceImages> = (request, services) =>
  listPage(request, services, view, { type });
