// Makes finished images known to the accounts: what the catalogue of images lists of them follows the rows. An image is known before its row
// says Succeeded, because whoever reads that may name it at once; that it is not named too early or too late, the guards of pools see to.
import type { ImportedImage, LiveImageCatalogue } from "../domain/images.ts";
import { resourceIdOf } from "../domain/resource-ids.ts";
import { type ImageProperties, marketplaceImageType } from "../domain/stack-hci.ts";
import type { Store } from "../store/db.ts";
import type { ResourceKey } from "../store/resources.ts";
import { finishedImages } from "../store/stack-hci.ts";

export type ImagePublisher = {
  /** As the rows are now. */
  refresh(): Promise<void>;
  /** Makes it known, runs `commit`, and then only what is in the rows. */
  around(key: ResourceKey, properties: ImageProperties, commit: () => Promise<void>): Promise<void>;
};

export const imagePublisher = (store: Store, images: LiveImageCatalogue, subscriptionId: string): ImagePublisher => {
  const early = new Map<string, ImportedImage>();
  let last: Promise<void> = Promise.resolve();
  const publish = async (): Promise<void> => {
    const finished = (await finishedImages(store)).map(({ key, properties }) => entryOf(subscriptionId, key, properties));
    const known = new Set(finished.map(({ resourceId }) => resourceId.toLowerCase()));
    images.setImported([...finished, ...[...early.values()].filter(({ resourceId }) => !known.has(resourceId.toLowerCase()))]);
  };
  // One after the other, so that an older reading never takes the place of a newer one.
  const refresh = (): Promise<void> => {
    last = last.catch(() => {}).then(publish);
    return last;
  };
  return {
    refresh,
    around: async (key, properties, commit) => {
      const entry = entryOf(subscriptionId, key, properties);
      early.set(entry.resourceId, entry);
      try {
        await refresh();
        await commit();
      } finally {
        early.delete(entry.resourceId);
        await refresh();
      }
    },
  };
};

const entryOf = (subscriptionId: string, { type, resourceGroup, name }: ResourceKey, properties: ImageProperties): ImportedImage => ({
  resourceId: resourceIdOf({ subscriptionId, resourceGroup, type: spelled(type), names: [name] }),
  isMarketplace: isMarketplace(type),
  osType: properties.osType,
  ...(properties.identifier === undefined ? {} : { identifier: properties.identifier }),
  ...(properties.version === undefined ? {} : { version: properties.version }),
  ...(properties.hyperVGeneration === undefined ? {} : { hyperVGeneration: properties.hyperVGeneration }),
  ...(properties.image?.osRelease === undefined ? {} : { osRelease: properties.image.osRelease }),
});

const isMarketplace = (type: string): boolean => type.toLowerCase() === marketplaceImageType.toLowerCase();

/** Rows have their type in lower case. */
const spelled = (type: string): string => (isMarketplace(type) ? marketplaceImageType : "Microsoft.AzureStackHCI/galleryImages");
