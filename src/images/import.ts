// Imports an image: from a path or a URL of an operator to a finished root file system in a directory of its own. Knows nothing of the ARM
// resources that ask for it: it says what it brought, how far it is, and why it failed.
import { createHash } from "node:crypto";
import { lstat, mkdir, open, readdir, readFile, rename, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { UrlPolicy } from "../lib/addresses.ts";
import { Bug } from "../lib/bug.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { asRawDisk, detach, withMounted } from "./disk-image.ts";
import { ImportFailed, insufficientStorage, isDiskFull } from "./failures.ts";
import { fetchPath } from "./fetch-path.ts";
import { fetchUrl } from "./fetch-url.ts";
import { type ImportLimits, usualLimits } from "./limits.ts";
import { type ProgressReporter, progressReporter } from "./progress.ts";
import { removeTree } from "./remove-tree.ts";
import { openSourceFile } from "./source-file.ts";
import { freeBytesOf, withinSpace } from "./space.ts";
import { type ImageTools, runTool } from "./tools.ts";
import { unpack } from "./unpack.ts";
import type { UnpackOutcome } from "./unpack-worker.ts";

/**
 * A URL may carry a shared access signature: it is used, and never logged or repeated in an error. What the operator's own catalogue names
 * (`isOperators`) may lie anywhere and have any address, and its path is not told to users.
 */
export type ImportSource = ({ kind: "path"; path: string } | { kind: "url"; url: string }) & { isOperators?: boolean };

export type ImportRequest = {
  source: ImportSource;
  /** The image's own directory; all of it is below: `part/` while it comes, `rootfs/` (or `disk`) and `image.json` when it is finished. */
  directory: string;
  /**
   * For systems that are not Linux: the disk is not looked into and kept as it is, raw, as `disk` in place of `rootfs/`. An archive of files
   * is refused then.
   */
  asDisk?: boolean;
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
  /** A certificate authority (PEM) that is trusted beside the system's: the one that signs for this server's own address. */
  ca?: string;
  tools: ImageTools;
  /** Free bytes for us in the file system of a directory; what the system says unless given. */
  freeBytes?(directory: string): Promise<number>;
  /** Called at most each 250 ms, where a phase begins, and once at the end. */
  progress(progress: ImportProgress): void;
  limits?: Partial<ImportLimits>;
};

/** The reason to abort with when the import goes on later (shutdown): what has come stays, and the next call takes it from there. */
export class ImportSuspended extends Error {
  override readonly name = "ImportSuspended";
}

type Finished = { of: string; image: ImportedImage };

const partOf = (directory: string): string => join(directory, "part");
const describe = (source: ImportSource): string => {
  if (source.kind === "path") return `path ${source.path}`;
  const url = URL.parse(source.url);
  return `url ${url === null ? source.url : url.origin + url.pathname}`;
};
/** Names a source without its secrets: a signature is another each time, and the source is the same. */
const nameOf = (source: ImportSource): string => createHash("sha256").update(describe(source)).digest("hex");

const readFinished = async (file: string): Promise<Finished | undefined> => {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Finished;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
};
const exists = async (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** What the caller may see in the end: ours, or the reason of the abort, or a full disk wherever it showed. */
const asFailure = (error: unknown, signal: AbortSignal): unknown => {
  if (signal.aborted) return signal.reason;
  return isDiskFull(error) ? insufficientStorage(error) : error;
};

type Import = ImportRequest & {
  part: string;
  of: string;
  services: ImportServices & { freeBytes(directory: string): Promise<number> };
  limits: ImportLimits;
  reporter: ProgressReporter;
  isRoot: boolean;
};

const fetchSource = async ({ source, part, of, services, limits, reporter }: Import, signal: AbortSignal): Promise<Fetched> => {
  const { clock, ca } = services;
  const urls = source.isOperators ? { ...services.urls, allowPrivateUrls: true } : services.urls;
  const file = await openSourceFile(part, of, { clock, limits, progress: reporter, freeBytes: services.freeBytes }, signal);
  try {
    const sha256 =
      source.kind === "path"
        ? await fetchPath(source, services.allowedPaths, file, signal)
        : await fetchUrl(source.url, file, { clock, urls, limits, ...(ca !== undefined && { ca }) }, signal);
    return { sha256, downloadedBytes: file.bytes() };
  } catch (error) {
    if (signal.reason instanceof ImportSuspended) await file.sync();
    throw error;
  } finally {
    await file.close();
  }
};
type Fetched = { sha256: string; downloadedBytes: number };

const checkDigest = ({ expectedSha256 }: ImportRequest, sha256: string): void => {
  if (expectedSha256 !== undefined && expectedSha256.toLowerCase() !== sha256)
    throw new ImportFailed(
      "ImageDigestMismatch",
      `The image's SHA-256 is ${sha256} and not ${expectedSha256.slice(0, 100).toLowerCase()}.`,
    );
};

/** What a call that was interrupted left besides the source. */
const clearWork = async ({ part, services, limits }: Import): Promise<void> => {
  await detach(part, { tools: services.tools, toolMs: limits.toolMs });
  for (const name of await readdir(part)) if (name !== "source" && name !== "source.json") await removeTree(join(part, name));
};

/** What an image is in the end: a tree of files, or a raw disk. */
const keptName = ({ asDisk }: Pick<ImportRequest, "asDisk">): string => (asDisk === true ? "disk" : "rootfs");

type Measured = Pick<Extract<UnpackOutcome, { kind: "rootfs" }>, "rootfsBytes" | "files" | "osRelease" | "skipped">;
type Unpacked = { rootfs: Measured; format: ImageFormat; virtualBytes?: number };

/** Moved to where `finish` takes it from, and durable. */
const keepDisk = async (
  { part }: Import,
  from: string,
  { format, virtualBytes }: Required<Omit<Unpacked, "rootfs">>,
): Promise<Unpacked> => {
  const file = join(part, "disk");
  if (from !== file) await rename(from, file);
  const handle = await open(file, "r");
  try {
    await handle.sync();
    const { blocks } = await handle.stat();
    return { rootfs: { rootfsBytes: blocks * 512, files: 1, skipped: 0 }, format, virtualBytes };
  } finally {
    await handle.close();
  }
};

/** The worker's part, and for disk images what programs have to do in between. */
const unpackSource = async (work: Import, signal: AbortSignal): Promise<Unpacked> => {
  const { part, services, limits, reporter, isRoot } = work;
  const { tools } = services;
  const run = async (job: UnpackKind): Promise<UnpackOutcome> => {
    const budgetBytes = (await services.freeBytes(part)) - limits.reserveBytes;
    const common = { part, entries: limits.entries, budgetBytes, isRoot, arch: process.arch, syncFiles: tools.sync === undefined };
    return unpack({ ...common, ...(tools.xz !== undefined && { xz: tools.xz }), ...job }, reporter.unpacked, signal);
  };
  const first = await run({ kind: "source" });
  if (first.kind === "rootfs" && work.asDisk === true)
    throw new ImportFailed("ImageFormatUnknown", "The image is an archive of files and no disk image (raw, qcow2, VHD, VHDX).");
  if (first.kind === "rootfs") return { rootfs: first, format: first.format === "oci" ? "oci" : "tar" };
  if (first.kind !== "disk") throw new Bug("a source was taken for a mounted file system");
  const { file, virtualBytes } = await asRawDisk(part, first, { tools, toolMs: limits.toolMs }, signal);
  if (work.asDisk === true) return keepDisk(work, file, { format: first.format, virtualBytes });
  const second = await run({ kind: "disk", file });
  const third =
    second.kind !== "mount"
      ? second
      : await withMounted(part, file, second.found, { tools, toolMs: limits.toolMs, isRoot }, (directory) =>
          run({ kind: "mounted", directory }),
        );
  if (third.kind !== "rootfs") throw new Bug("a disk image was unpacked to no root file system");
  return { rootfs: third, format: first.format, virtualBytes };
};
type UnpackKind = { kind: "source" } | { kind: "disk"; file: string } | { kind: "mounted"; directory: string };

const imageOf = ({ sha256, downloadedBytes }: Fetched, { rootfs, format, virtualBytes }: Unpacked): ImportedImage => ({
  format,
  sha256,
  downloadedBytes,
  rootfsBytes: rootfs.rootfsBytes,
  files: rootfs.files,
  ...(rootfs.osRelease && { osRelease: rootfs.osRelease }),
  osDiskSizeInMB: Math.ceil((virtualBytes ?? rootfs.rootfsBytes) / 2 ** 20),
});

const syncDirectory = async (directory: string): Promise<void> => {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** All is durable before the first rename. The image counts as finished from the last one on. */
const finish = async (work: Import, image: ImportedImage): Promise<void> => {
  const { part, directory, of, services, limits } = work;
  const kept = keptName(work);
  await writeFile(join(part, "image.json"), JSON.stringify({ of, image } satisfies Finished), { mode: 0o600, flush: true });
  if (services.tools.sync !== undefined)
    await runTool(services.tools.sync, ["--file-system", join(part, kept)], { timeoutMs: limits.toolMs * 10 });
  if (await exists(join(directory, "image.json"))) await rename(join(directory, "image.json"), join(part, "old.json"));
  if (await exists(join(directory, kept))) await rename(join(directory, kept), join(part, "old"));
  await rename(join(part, kept), join(directory, kept));
  await publish(work);
};

const publish = async ({ part, directory }: Import): Promise<void> => {
  await rename(join(part, "image.json"), join(directory, "image.json"));
  await syncDirectory(directory);
};

/** Whether an earlier call was interrupted between the last two renames. */
const isAlmostFinished = async (work: Import): Promise<boolean> =>
  (await exists(join(work.part, "image.json"))) &&
  !(await exists(join(work.part, keptName(work)))) &&
  (await exists(join(work.directory, keptName(work))));

const bring = async (work: Import, signal: AbortSignal): Promise<ImportedImage> => {
  const { directory, part, services, limits, reporter } = work;
  // Nobody else of this machine may look into it: it holds a stranger's setuid programs.
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await mkdir(part, { recursive: true, mode: 0o700 });
  if (await isAlmostFinished(work)) await publish(work);
  const finished = await finishedImage(work);
  if (finished !== undefined) return finished;
  await clearWork(work);
  const fetched = await fetchSource(work, signal);
  checkDigest(work, fetched.sha256);
  reporter.unpacked(0);
  const space = { clock: services.clock, directory: part, freeBytes: services.freeBytes, reserveBytes: limits.reserveBytes };
  const unpacked = await withinSpace(space, signal, (limited) => unpackSource(work, limited));
  signal.throwIfAborted();
  const image = imageOf(fetched, unpacked);
  await finish(work, image);
  const { skipped } = unpacked.rootfs;
  services.log.info({ directory, format: image.format, bytes: image.rootfsBytes, files: image.files, skipped }, "an image was imported");
  return image;
};

const finishedImage = async ({ directory, of, expectedSha256 }: Import): Promise<ImportedImage | undefined> => {
  const finished = await readFinished(join(directory, "image.json"));
  const isSame = finished?.of === of && (expectedSha256 === undefined || expectedSha256.toLowerCase() === finished.image.sha256);
  return isSame ? finished?.image : undefined;
};

/**
 * Imports, or goes on where a call that was interrupted stopped, or gives at once what is finished already (the same source, and the expected
 * digest if there is one). One call at a time for a directory. Rejects with ImportFailed for a reason that is the user's; with the reason of
 * the signal when that is aborted; else with what went wrong here. Nothing of a failed import stays; of one that was aborted with
 * ImportSuspended the source does. A finished image of another source stays until the new one takes its place.
 */
export const importImage = async (request: ImportRequest, services: ImportServices, signal: AbortSignal): Promise<ImportedImage> => {
  const part = partOf(request.directory);
  const work: Import = {
    ...request,
    part,
    of: nameOf(request.source),
    services: { ...services, freeBytes: services.freeBytes ?? freeBytesOf },
    limits: { ...usualLimits, ...services.limits },
    reporter: progressReporter(services.clock, services.progress),
    isRoot: process.getuid?.() === 0,
  };
  try {
    const image = await bring(work, signal);
    await removeTree(part);
    work.reporter.finished();
    return image;
  } catch (error) {
    const failure = asFailure(error, signal);
    if (!(failure instanceof ImportSuspended)) {
      await removePart(work);
      await rmdir(request.directory).catch(() => {}); // Not empty where an earlier image is.
    }
    throw failure;
  }
};

const removePart = async ({ part, services, limits }: Import): Promise<void> => {
  await detach(part, { tools: services.tools, toolMs: limits.toolMs });
  await removeTree(part);
};

/** Removes the image, finished or not, and the directory itself. Not while an import runs there: abort that and await its end first. */
export const removeImage = async (directory: string, { tools }: { tools: ImageTools }): Promise<void> => {
  await detach(partOf(directory), { tools, toolMs: usualLimits.toolMs });
  await removeTree(directory);
};
