// The images that nodes can boot from and what stands behind each.

export type SupportedImage = {
  nodeAgentSKUId: string;
  imageReference: { publisher: string; offer: string; sku: string; version: string };
  osType: "linux" | "windows";
  verificationType: "verified" | "unverified";
  capabilities: string[];
  batchSupportEndOfLife?: string;
  /** `host`: nodes are plain directories and process groups of this machine. `none`: it cannot be run here; a pool of it stays without nodes. */
  backing: "host" | "none";
  /** What version `latest` stands for on a node; of a host-backed image the release of the machine, because that is what runs. */
  exactVersion: string;
};

export interface ImageCatalogue {
  all(): readonly SupportedImage[];
  /** The entry for a reference, compared without regard to case; a concrete version matches too. */
  find(reference: { publisher?: string; offer?: string; sku?: string; version?: string }): SupportedImage | undefined;
}
