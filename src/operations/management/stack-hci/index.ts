// Every operation of ARM Microsoft.AzureStackHCI with what it does. An operation without a handler does not compile.
import type { StackHciOperations } from "../../../api/management/stack-hci/index.ts";
import type { Filterable } from "../../../domain/filter.ts";
import type { ManagementHandler } from "../handler.ts";
import * as galleryImages from "./gallery-images.ts";
import * as marketplaceImages from "./marketplace-images.ts";
import * as operationStatuses from "./operation-statuses.ts";
import * as storageContainers from "./storage-containers.ts";

type Handlers = { readonly [Id in keyof StackHciOperations]: ManagementHandler<StackHciOperations[Id]> };

export const handlers: Handlers = {
  GalleryImages_Get: galleryImages.getGalleryImage,
  GalleryImages_CreateOrUpdate: galleryImages.createGalleryImage,
  GalleryImages_Update: galleryImages.updateGalleryImage,
  GalleryImages_Delete: galleryImages.deleteGalleryImage,
  GalleryImages_List: galleryImages.listGalleryImages,
  GalleryImages_ListAll: galleryImages.listAllGalleryImages,
  MarketplaceGalleryImages_Get: marketplaceImages.getMarketplaceImage,
  MarketplaceGalleryImages_CreateOrUpdate: marketplaceImages.createMarketplaceImage,
  MarketplaceGalleryImages_Update: marketplaceImages.updateMarketplaceImage,
  MarketplaceGalleryImages_Delete: marketplaceImages.deleteMarketplaceImage,
  MarketplaceGalleryImages_List: marketplaceImages.listMarketplaceImages,
  MarketplaceGalleryImages_ListAll: marketplaceImages.listAllMarketplaceImages,
  StorageContainers_Get: storageContainers.getStorageContainer,
  StorageContainers_CreateOrUpdate: storageContainers.createStorageContainer,
  StorageContainers_Update: storageContainers.updateStorageContainer,
  StorageContainers_Delete: storageContainers.deleteStorageContainer,
  StorageContainers_List: storageContainers.listStorageContainers,
  StorageContainers_ListAll: storageContainers.listAllStorageContainers,
  OperationStatuses_Get: operationStatuses.getOperationStatus,
};

/** What $filter of each list offers; a list that is not here takes none. */
export const filterables: { readonly [Id in keyof StackHciOperations]?: Filterable } = {};
