// What brings images and storage containers about: a bell to ring after a commit, how far each import is, and a start that takes up what a
// stop or a crash left. It connects the parts; what is done in each state is in reconcilers/gallery-images.ts.
import type { LiveImageCatalogue } from "../domain/images.ts";
import { stackHciTypes } from "../domain/stack-hci.ts";
import { makeDirectory } from "../images/container-directory.ts";
import type { ImportedImage, ImportProgress, ImportRequest, ImportSource } from "../images/import.ts";
import { ImportSuspended } from "../images/import.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Store } from "../store/db.ts";
import { listBusyResources, type ResourceKey } from "../store/resources.ts";
import { imagePublisher } from "./image-publisher.ts";
import { type ImageContext, nameOfKey, reconcileStackHci } from "./reconcilers/gallery-images.ts";
import { makeRunner } from "./runner.ts";

/** Where an image comes from; the checksum that its bytes must have and the system that it holds, if they are known. */
export type ImageOrigin = { source: ImportSource; expectedSha256?: string; osType?: "Linux" | "Windows" };

/** What does the work: src/images, with all that it needs from its surroundings. */
export interface ImageEngine {
  /** Throws ImportFailed with the reason. With what a suspended or killed import has brought it goes on from there. */
  import(request: ImportRequest, progress: (progress: ImportProgress) => void, signal: AbortSignal): Promise<ImportedImage>;
  /** Throws ImportFailed where the operator's marketplace has no such image. */
  inMarketplace(identifier: { publisher: string; offer: string; sku: string }, version: string): Promise<ImageOrigin>;
  remove(directory: string): Promise<void>;
}

export type ImageWorkParts = {
  store: Store;
  clock: Clock;
  log: Log;
  images: LiveImageCatalogue;
  engine: ImageEngine;
  subscriptionId: string;
  /** Where images are kept that name no container, and the containers of Windows paths. */
  directory: string;
  /** Below which containers may be. */
  allowedPaths: readonly string[];
};

export interface ImageWork {
  /** Where images are kept that name no container, and the containers of Windows paths. */
  readonly directory: string;
  /** The image or the container has something under way. Free, may happen twice. */
  ring(key: ResourceKey): void;
  /** Resolves when the resource that is being deleted is gone. Ask before ringing. */
  gone(key: ResourceKey): Promise<void>;
  /** How far the import is that has this uid, if one runs. */
  progressOf(uid: string): ImportProgress | undefined;
  /** Takes up all that is under way, and makes finished images known. Call it once. */
  start(): Promise<void>;
  /** Imports under way stop and keep what has come; no more begin. */
  stop(): Promise<void>;
  /** Resolves when nothing runs but imports: for tests. */
  idle(): Promise<void>;
}

export const createImageWork = (parts: ImageWorkParts): ImageWork => {
  const { store, clock, log } = parts;
  const runner = makeRunner<ResourceKey>({
    name: "imageReconciler",
    nameOf: nameOfKey,
    run: (key) => reconcileStackHci(context, key),
    clock,
    log,
  });
  const waiters = new Map<string, (() => void)[]>();
  const context: ImageContext = {
    ...parts,
    imports: new Map(),
    waiting: new Map(),
    publisher: imagePublisher(store, parts.images, parts.subscriptionId),
    ring: runner.ring,
    ringAfter: runner.ringAfter,
    isGone: (key) => {
      for (const tell of waiters.get(nameOfKey(key)) ?? []) tell();
      waiters.delete(nameOfKey(key));
    },
  };
  return {
    directory: parts.directory,
    ring: runner.ring,
    gone: (key) =>
      new Promise((resolve) => {
        const name = nameOfKey(key);
        waiters.set(name, [...(waiters.get(name) ?? []), resolve]);
      }),
    progressOf: (uid) => [...context.imports.values()].find((one) => one.uid === uid)?.progress,
    start: async () => {
      await makeDirectory(parts.directory);
      await context.publisher.refresh();
      for (const type of stackHciTypes)
        for (const { resourceGroup, name } of await listBusyResources(store, type)) runner.ring({ type, resourceGroup, name });
    },
    stop: async () => {
      const stopped = runner.stop();
      for (const { controller } of context.imports.values()) controller.abort(new ImportSuspended());
      await stopped;
      await Promise.all([...context.imports.values()].map(({ done }) => done));
    },
    idle: runner.idle,
  };
};
