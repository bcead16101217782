// Imports an image: from a path or a URL of an operator to a finished root file system in a directory of its own. Knows nothing of the ARM
// resources that ask for it: it says what it brought, how far it is, and why it failed.
import type { UrlPolicy } from "../lib/addresses.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { ImageTools } from "./tools.ts";

/** A URL may carry a shared access signature: it is used, and never logged or repeated in an error. */
export type ImportSource = { kind: "path"; path: string } | { kind: "url"; url: string };

export type ImportRequest = {
  source: ImportSource;
  /** The image's own directory; all of it is below: `part/` while it comes, `rootfs/` and `image.json` when it is finished. */
  directory: string;
  /** Lower- or upper-case hex. Of the source as it comes, compressed or not. */
  expectedSha256?: string;
};

export type ImportProgress = {
  phase: "downloading" | "unpacking";
  downloadedBytes: number;
  totalBytes?: number;
  /** Whole percent from 0 to 100, never less than it was: 0 to 80 while bytes arrive, 80 to 100 while they are unpacked. */
  percentage: number;
};

export type ImageFormat = "tar" | "oci" | "raw" | "qcow2" | "vhd" | "vhdx";
export type OsRelease = { id: string; versionId: string; prettyName: string };

export type ImportedImage = {
  format: ImageFormat;
  /** Hex, of the source as it came. */
  sha256: string;
  downloadedBytes: number;
  /** What the files hold, without what the file system adds. */
  rootfsBytes: number;
  files: number;
  osRelease?: OsRelease;
  /** Of a disk image its virtual size, else that of the root file system, rounded up. */
  osDiskSizeInMB: number;
};

export type ImportServices = {
  clock: Clock;
  log: Log;
  /** Directories below which local images may lie. Empty: nowhere. */
  allowedPaths: readonly string[];
  /** Which addresses a URL may lead to: the same rule as for tasks' URLs. */
  urls: UrlPolicy;
  tools: ImageTools;
  /** Free bytes for us in the file system of a directory. */
  freeBytes(directory: string): Promise<number>;
  /** Called at most each 250 ms or percent, and once at the end. */
  progress(progress: ImportProgress): void;
};

/** The reason to abort with when the import goes on later (shutdown): what has come stays, and the next call takes it from there. */
export class ImportSuspended extends Error {
  override readonly name = "ImportSuspended";
}
