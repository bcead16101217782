// The operations on gallery images.
import type * as api from "../../../api/management/stack-hci/gallery-images.ts";
import { galleryImageType as type } from "../../../domain/stack-hci.ts";
import type { ManagementHandler } from "../handler.ts";
import { listPage, loadResource, patchTags, replyOf } from "./common.ts";
import { deleteResource } from "./deletion.ts";
import { imageView, putImage } from "./images.ts";

type Params = { resourceGroupName: string; galleryImageName: string };
const keyOf = ({ resourceGroupName: resourceGroup, galleryImageName: name }: Params) => ({ type, resourceGroup, name });
const view = imageView(type);

export const getGalleryImage: ManagementHandler<typeof api.getGalleryImage> = async ({ params }, services) =>
  replyOf(services, view, await loadResource(services.store, keyOf(params)));

export const createGalleryImage: ManagementHandler<typeof api.createGalleryImage> = (request, services) =>
  putImage(request, services, keyOf(request.params));

export const updateGalleryImage: ManagementHandler<typeof api.updateGalleryImage> = async (request, services) =>
  replyOf(services, view, await patchTags(request, services, keyOf(request.params)));

export const deleteGalleryImage: ManagementHandler<typeof api.deleteGalleryImage> = (request, services) =>
  deleteResource(request, services, keyOf(request.params));

export const listGalleryImages: ManagementHandler<typeof api.listGalleryImages> = (request, services) =>
  listPage(request, services, view, { type, resourceGroup: request.params.resourceGroupName });

export const listAllGalleryImages: ManagementHandler<typeof api.listAllGalleryImages> = (request, services) =>
  listPage(request, services, view, { type });
