// Brings images and storage containers to what their rows want: imports, at most two at once, and removes. Without input but the store; may
// run at any time and twice. What an import has brought is kept by the engine, so that one that was cut off goes on.
import { parseResourceId, resourceIdOf } from "../../domain/resource-ids.ts";
import {
  type ContainerProperties,
  type Failure,
  failed,
  type ImageProperties,
  isBusy,
  isUrl,
  marketplaceImageType,
  storageContainerType,
  succeeded,
} from "../../domain/stack-hci.ts";
import { DirectoryRefused, directoryOfContainer, isWindowsPath, openDirectory, removeIfEmpty } from "../../images/container-directory.ts";
import { ImportFailed } from "../../images/failures.ts";
import { type ImportedImage, type ImportProgress, ImportSuspended } from "../../images/import.ts";
import { endAsyncOperations } from "../../store/async-operations.ts";
import { deleteResource, getResource, type Resource, type ResourceKey, saveResource } from "../../store/resources.ts";
import type { ImagePublisher } from "../image-publisher.ts";
import type { ImageOrigin, ImageWorkParts } from "../image-work.ts";

type Image = Resource<ImageProperties>;
type Container = Resource<ContainerProperties>;

type Outcome = { image: ImportedImage } | { failure: Failure } | "cutOff";

export type RunningImport = {
  uid: string;
  controller: AbortController;
  progress?: ImportProgress;
  /** Resolves, never rejects, when nothing of it runs any more; `outcome` is there then. */
  done: Promise<void>;
  outcome?: Outcome;
};

export type ImageContext = ImageWorkParts & {
  /** By name of the key. */
  imports: Map<string, RunningImport>;
  /** Keys of images whose turn has not come, in order. */
  waiting: Map<string, ResourceKey>;
  publisher: ImagePublisher;
  ring(key: ResourceKey): void;
  ringAfter(key: ResourceKey, delayMs: number): void;
  isGone(key: ResourceKey): void;
};

const mostImports = 2;
/** How often at most a row is written for the sake of progress alone. */
const saveProgressMs = 3000;

export const nameOfKey = ({ type, resourceGroup, name }: ResourceKey): string => `${type}/${resourceGroup}/${name}`.toLowerCase();

export const reconcileStackHci = async (context: ImageContext, key: ResourceKey): Promise<void> => {
  if (key.type.toLowerCase() === storageContainerType.toLowerCase()) return reconcileContainer(context, key);
  const image = await getResource<ImageProperties>(context.store, key);
  if (image === undefined) return context.isGone(key);
  if (image.provisioningState === "Deleting") return removeImage(context, key, image);
  if (!isBusy(image.provisioningState)) return;
  const running = context.imports.get(nameOfKey(key));
  if (running === undefined) return begin(context, key, image);
  if (running.outcome === undefined) return saveProgress(context, key, running);
  return end(context, key, running);
};

const idOf = ({ subscriptionId }: ImageContext, { type, resourceGroup, name }: ResourceKey): string =>
  resourceIdOf({ subscriptionId, resourceGroup, type, names: [name] });

const begin = async (context: ImageContext, key: ResourceKey, image: Image): Promise<void> => {
  const name = nameOfKey(key);
  if (context.imports.size >= mostImports) {
    context.waiting.set(name, key);
    return;
  }
  context.waiting.delete(name);
  const ready = Promise.withResolvers<void>();
  const running: RunningImport = { uid: image.properties.uid, controller: new AbortController(), done: ready.promise };
  context.imports.set(name, running);
  try {
    const container = await containerOf(context, image);
    await change<ImageProperties>(context, key, (row) =>
      row.provisioningState === "Accepted" ? saveResource({ ...row, provisioningState: "InProgress" }) : [],
    );
    const told = (progress: ImportProgress): void => {
      running.progress = notLess(progress, image.properties);
      context.ringAfter(key, saveProgressMs);
    };
    void bring(context, image, container, told, running.controller.signal)
      .then((outcome) => {
        running.outcome = outcome;
      })
      .finally(() => {
        ready.resolve();
        context.ring(key);
      });
  } catch (error) {
    context.imports.delete(name);
    ready.resolve();
    throw error;
  }
};

/** After a restart the engine counts from what it has; what was shown before does not go back. */
const notLess = (progress: ImportProgress, { downloadedBytes, percentage }: ImageProperties): ImportProgress => ({
  ...progress,
  downloadedBytes: Math.max(progress.downloadedBytes, downloadedBytes),
  percentage: Math.max(progress.percentage, percentage),
});

/** Never rejects: an import ends with an image, with a reason, or is cut off. */
const bring = async (
  context: ImageContext,
  image: Image,
  container: Container | undefined,
  told: (progress: ImportProgress) => void,
  signal: AbortSignal,
): Promise<Outcome> => {
  try {
    if (container !== undefined) await openContainer(context, container.properties);
    const { osType, ...origin } = await originOf(context, image);
    if (osType !== undefined && osType !== image.properties.osType)
      throw new ImportFailed("ImageSourceInvalid", `The marketplace has the image as one of osType ${osType}.`);
    const directory = directoryOf(context, image.properties, container);
    const asDisk = image.properties.osType === "Windows";
    return { image: await context.engine.import({ ...origin, directory, asDisk }, told, signal) };
  } catch (error) {
    if (signal.aborted || error instanceof ImportSuspended) return "cutOff";
    if (error instanceof ImportFailed || error instanceof DirectoryRefused)
      return { failure: { code: error.code, message: error.message } };
    context.log.error({ err: error, image: image.name }, "an import failed for a reason that is not the image's");
    return { failure: { code: "InternalError", message: "The import failed for a reason of the server; its log says more." } };
  }
};

const originOf = async ({ engine }: ImageContext, { type, properties }: Image): Promise<ImageOrigin> => {
  const { imagePath, identifier, version } = properties;
  if (type.toLowerCase() === marketplaceImageType.toLowerCase()) {
    if (identifier === undefined || version === undefined)
      throw new ImportFailed("ImageSourceInvalid", "A marketplace image needs its identifier (publisher, offer, sku) and version.name.");
    return engine.inMarketplace(identifier, version);
  }
  if (imagePath === undefined) throw new ImportFailed("ImageSourceInvalid", "The image has no imagePath.");
  return { source: isUrl(imagePath) ? { kind: "url", url: imagePath } : { kind: "path", path: imagePath } };
};

const containerOf = async (context: ImageContext, { properties: { containerId } }: Image): Promise<Container | undefined> => {
  const id = containerId === undefined ? undefined : parseResourceId(containerId);
  if (id === undefined) return undefined;
  return getResource<ContainerProperties>(context.store, {
    type: storageContainerType,
    resourceGroup: id.resourceGroup,
    name: id.names[0]!,
  });
};

const directoryOf = ({ directory }: ImageContext, { uid }: ImageProperties, container: Container | undefined): string =>
  `${container === undefined ? directory : directoryOfContainer(directory, container.properties)}/${uid}`;

const openContainer = ({ directory, allowedPaths }: ImageContext, container: ContainerProperties): Promise<string> => {
  const allowed = isWindowsPath(container.path) ? [directory] : allowedPaths;
  return openDirectory(directoryOfContainer(directory, container), allowed);
};

/** Saves what `next` makes of the row, as often as it takes; nothing happens when it has gone. */
const change = <P extends object>(
  { store }: ImageContext,
  key: ResourceKey,
  next: (row: Resource<P>) => ReturnType<typeof saveResource>,
): Promise<boolean> =>
  store.decide(async (read) => {
    const row = await getResource<P>(read, key);
    const writes = row === undefined ? [] : next(row);
    return { writes, result: writes.length > 0 };
  });

const saveProgress = async (context: ImageContext, key: ResourceKey, { uid, progress }: RunningImport): Promise<void> => {
  if (progress === undefined) return;
  const { downloadedBytes, percentage } = progress;
  await change<ImageProperties>(context, key, (row) => {
    const { properties } = row;
    const isNews = properties.uid === uid && (properties.percentage < percentage || properties.downloadedBytes < downloadedBytes);
    return isNews && isBusy(row.provisioningState)
      ? saveResource({ ...row, properties: { ...properties, downloadedBytes, percentage } })
      : [];
  });
};

/** The end of the import and of the operation that a client asks for are one commit. */
const end = async (context: ImageContext, key: ResourceKey, running: RunningImport): Promise<void> => {
  const { outcome, uid, progress } = running;
  if (outcome === undefined || outcome === "cutOff") return;
  const isOurs = (row: Image): boolean => row.properties.uid === uid && isBusy(row.provisioningState);
  const at = context.clock.now();
  if ("image" in outcome) {
    const row = await getResource<ImageProperties>(context.store, key);
    if (row !== undefined && isOurs(row)) {
      const properties = succeeded(row.properties, finishedOf(outcome.image));
      await context.publisher.around(key, properties, async () => {
        await change<ImageProperties>(context, key, (now) =>
          isOurs(now)
            ? [
                ...saveResource({ ...now, properties, provisioningState: "Succeeded", modified: context.clock.stamp() }),
                ...endAsyncOperations(idOf(context, key), { status: "Succeeded", at }),
              ]
            : [],
        );
      });
    }
  } else {
    const { failure: error } = outcome;
    const row = await getResource<ImageProperties>(context.store, key);
    if (row !== undefined) await removeFiles(context, key, row);
    await change<ImageProperties>(context, key, (now) => {
      if (!isOurs(now)) return [];
      const reached = progress === undefined ? {} : { downloadedBytes: progress.downloadedBytes, percentage: progress.percentage };
      const properties = failed({ ...now.properties, ...reached }, error);
      return [
        ...saveResource({ ...now, properties, provisioningState: "Failed", modified: context.clock.stamp() }),
        ...endAsyncOperations(idOf(context, key), { status: "Failed", error, at }),
      ];
    });
  }
  leave(context, key);
};

const finishedOf = ({ format, sha256, downloadedBytes, rootfsBytes, osDiskSizeInMB, osRelease }: ImportedImage) => ({
  format,
  sha256,
  downloadedBytes,
  rootfsBytes,
  osDiskSizeInMB,
  ...(osRelease === undefined ? {} : { osRelease }),
});

/** Its place is free: the next one's turn. */
const leave = (context: ImageContext, key: ResourceKey): void => {
  context.imports.delete(nameOfKey(key));
  context.waiting.delete(nameOfKey(key));
  for (const next of [...context.waiting.values()].slice(0, mostImports)) context.ring(next);
};

/** Of an import that failed: that it did is told even if they cannot be removed. */
const removeFiles = async (context: ImageContext, key: ResourceKey, image: Image): Promise<void> => {
  try {
    await context.engine.remove(directoryOf(context, image.properties, await containerOf(context, image)));
  } catch (error) {
    context.log.error({ err: error, image: key.name }, "what a failed import left behind could not be removed");
  }
};

/** The files go before the row does, so that nothing is left that nobody knows of. */
const removeImage = async (context: ImageContext, key: ResourceKey, image: Image): Promise<void> => {
  await context.publisher.refresh();
  const running = context.imports.get(nameOfKey(key));
  if (running !== undefined) {
    running.controller.abort();
    await running.done;
    leave(context, key);
  }
  await context.engine.remove(directoryOf(context, image.properties, await containerOf(context, image)));
  await removeRow(context, key);
};

const removeRow = async (context: ImageContext, key: ResourceKey): Promise<void> => {
  const at = context.clock.now();
  await change(context, key, (row) =>
    row.provisioningState === "Deleting"
      ? [...deleteResource(row), ...endAsyncOperations(idOf(context, key), { status: "Succeeded", at })]
      : [],
  );
  context.isGone(key);
};

const reconcileContainer = async (context: ImageContext, key: ResourceKey): Promise<void> => {
  const container = await getResource<ContainerProperties>(context.store, key);
  if (container === undefined) return context.isGone(key);
  if (container.provisioningState === "Deleting") {
    // A directory of the operator's is left as it is.
    if (isWindowsPath(container.properties.path)) await removeIfEmpty(directoryOfContainer(context.directory, container.properties));
    return removeRow(context, key);
  }
  if (!isBusy(container.provisioningState)) return;
  const failure = await openContainer(context, container.properties).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof DirectoryRefused) return { code: error.code, message: error.message };
      throw error;
    },
  );
  const at = context.clock.now();
  const status = failure === undefined ? "Succeeded" : "Failed";
  await change<ContainerProperties>(context, key, (row) => {
    if (row.properties.uid !== container.properties.uid || !isBusy(row.provisioningState)) return [];
    const properties = failure === undefined ? row.properties : { ...row.properties, failure };
    return [
      ...saveResource({ ...row, properties, provisioningState: status, modified: context.clock.stamp() }),
      ...endAsyncOperations(idOf(context, key), { status, ...(failure === undefined ? {} : { error: failure }), at }),
    ];
  });
};
