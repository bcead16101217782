// The images that nodes can boot from and what stands behind each.

/** By its names, or by the id of the resource that it was imported as. */
export type ImageNames = { publisher?: string; offer?: string; sku?: string; version?: string; virtualMachineImageId?: string };

export type SupportedImage = {
  nodeAgentSKUId: string;
  imageReference: ImageNames;
  osType: "linux" | "windows";
  verificationType: "verified" | "unverified";
  capabilities: string[];
  batchSupportEndOfLife?: string;
  /**
   * `host`: nodes are plain directories and process groups of this machine. `rootfs`: a root file system that was imported. `none`: it cannot
   * be run here; a pool of it stays without nodes.
   */
  backing: "host" | "rootfs" | "none";
  /** What version `latest` stands for on a node; of a host-backed image the release of the machine, because that is what runs. */
  exactVersion: string;
  /** Of an imported one. */
  resourceId?: string;
};

export interface ImageCatalogue {
  all(): readonly SupportedImage[];
  /** The entry for a reference, compared without regard to case; a concrete version of a host-backed one matches too. */
  find(reference: ImageNames): SupportedImage | undefined;
}

/** What was imported and is finished. */
export type ImportedImage = {
  resourceId: string;
  /** Whether its names are those of the marketplace, so that it is what stands behind an entry of that name from now on. */
  isMarketplace: boolean;
  identifier?: { publisher: string; offer: string; sku: string };
  version?: string;
  hyperVGeneration?: string;
  osType: "Linux" | "Windows";
  /** Of the root file system. */
  osRelease?: { id: string; versionId: string };
};

export interface LiveImageCatalogue extends ImageCatalogue {
  /** In place of all that were imported so far. */
  setImported(images: readonly ImportedImage[]): void;
}
