// The thread that unpacks: it alone writes below `part/rootfs`, synchronously, so that nothing changes between a look and a write, and so that
// neither decompression nor a slow disk holds up whoever answers requests. One job, then it ends.
import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { applyContainerImage, isContainerImage } from "./container-image.ts";
import { decompress } from "./decompress.ts";
import { type Content, type DiskFormat, detectContent, detectFile, headBytes } from "./detect.ts";
import { type FoundFileSystem, findRootFileSystem } from "./disk-layout.ts";
import { copyExt } from "./ext-copy.ts";
import { openExt } from "./ext-file-system.ts";
import { ImportFailed, type ImportFailureCode } from "./failures.ts";
import type { OsRelease } from "./import.ts";
import { copyMounted } from "./mounted-copy.ts";
import { checkRootfs, measureTree, osReleaseOf } from "./rootfs.ts";
import { extractTar } from "./tar.ts";
import { type TreeOptions, type TreeWriter, treeFailure, treeWriter } from "./tree-writer.ts";

export type UnpackJob = {
  part: string;
  entries: number;
  budgetBytes: number;
  isRoot: boolean;
  arch: string;
  syncFiles: boolean;
  xz?: string;
} & (
  | { kind: "source" }
  /** A raw disk: `part/source`, or `part/disk` where it had to be made. */
  | { kind: "disk"; file: string }
  /** A file system that is mounted, read-only. */
  | { kind: "mounted"; directory: string }
);

export type UnpackOutcome =
  | { kind: "rootfs"; format: "tar" | "oci" | "disk"; rootfsBytes: number; files: number; skipped: number; osRelease?: OsRelease }
  /** A disk image that has to be looked into; `file` is below `part`. */
  | { kind: "disk"; file: string; format: DiskFormat; dynamicVhd: boolean }
  /** Its root file system is one that the kernel has to read. */
  | { kind: "mount"; found: FoundFileSystem };

export type FromUnpacker =
  | { type: "progress"; fraction: number }
  | { type: "done"; outcome: UnpackOutcome }
  | { type: "failed"; code: ImportFailureCode; message: string };

const job = workerData as UnpackJob;
const say = (message: FromUnpacker): void => parentPort!.postMessage(message);

let toldAt = -1;
const tell = (fraction: number): void => {
  if (fraction - toldAt < 0.005) return;
  toldAt = fraction;
  say({ type: "progress", fraction });
};

const rootfs = join(job.part, "rootfs");
const budget = { leftBytes: job.budgetBytes };
const optionsFor = (root: string): TreeOptions => ({
  root,
  isRoot: job.isRoot,
  entries: job.entries,
  budget,
  ...(job.syncFiles && { syncFiles: true }),
});

const unknown = (looksLike?: string): ImportFailed =>
  new ImportFailed(
    "ImageFormatUnknown",
    `The image is ${looksLike ?? "neither an archive nor a disk image that is known"}. Known are tar archives, plain or compressed with gzip, xz or zstd, ` +
      "container images as archives (OCI, docker save), and disk images (raw, qcow2, VHD, VHDX).",
  );

/** Looked at before its directories get their own permissions: without root, those may keep us out. */
const done = (format: "tar" | "oci" | "disk", tree: TreeWriter): UnpackOutcome => {
  checkRootfs(rootfs, job.arch);
  const osRelease = osReleaseOf(rootfs);
  const measured = measureTree(rootfs);
  tree.finish();
  return { kind: "rootfs", format, skipped: tree.skipped(), ...measured, ...(osRelease && { osRelease }) };
};

/** The first bytes of a stream, and all of it again. */
const peek = async (chunks: AsyncGenerator<Buffer>): Promise<{ head: Buffer; all: AsyncGenerator<Buffer> }> => {
  const first: Buffer[] = [];
  for (let length = 0; length < headBytes; ) {
    const next = await chunks.next();
    if (next.done) break;
    first.push(next.value);
    length += next.value.length;
  }
  const again = async function* (): AsyncGenerator<Buffer> {
    try {
      yield* first.splice(0);
      yield* chunks;
    } finally {
      await chunks.return(undefined);
    }
  };
  return { head: Buffer.concat(first), all: again() };
};

/** As a file of its own, zeros left out. */
const writeDisk = async (chunks: AsyncGenerator<Buffer>): Promise<UnpackOutcome> => {
  const tree = treeWriter(optionsFor(job.part));
  const { writer } = tree.file("disk", { mode: 0o600, uid: process.getuid!(), gid: process.getgid!() });
  try {
    for await (const chunk of chunks) writer.write(chunk);
  } finally {
    writer.close();
  }
  return asDisk("disk", detectFile(join(job.part, "disk")));
};

const asDisk = (file: string, content: Content): UnpackOutcome => {
  if (content.kind !== "disk") throw unknown(content.kind === "unknown" ? content.looksLike : "an archive within an archive");
  return { kind: "disk", file, format: content.format, dynamicVhd: content.dynamicVhd ?? false };
};

/** An archive may hold a system, a container image, or nothing but a disk image (as some distributions pack theirs). */
const unpackArchive = async (chunks: AsyncGenerator<Buffer>): Promise<UnpackOutcome> => {
  mkdirSync(rootfs, { mode: 0o755 });
  const tree = treeWriter(optionsFor(rootfs));
  await extractTar(chunks, tree);
  if (isContainerImage(rootfs)) {
    const archive = join(job.part, "archive");
    renameSync(rootfs, archive);
    mkdirSync(rootfs, { mode: 0o755 });
    const layers = treeWriter(optionsFor(rootfs));
    const told = (fraction: number): void => tell(0.5 + fraction / 2);
    await applyContainerImage(archive, layers, { arch: job.arch, told, ...(job.xz !== undefined && { xz: job.xz }) });
    return done("oci", layers);
  }
  const [only, ...others] = readdirSync(rootfs, { withFileTypes: true });
  if (only?.isFile() && others.length === 0) {
    renameSync(join(rootfs, only.name), join(job.part, "disk"));
    rmSync(rootfs, { recursive: true });
    return asDisk("disk", detectFile(join(job.part, "disk")));
  }
  return done("tar", tree);
};

const unpackSource = async (): Promise<UnpackOutcome> => {
  const source = join(job.part, "source");
  const content = detectFile(source);
  if (content.kind === "disk") return asDisk("source", content);
  if (content.kind === "unknown") throw unknown(content.looksLike);
  const size = statSync(source).size || 1;
  const by = content.kind === "compressed" ? content.by : undefined;
  const chunks = decompress(source, by, { ...(job.xz !== undefined && { xz: job.xz }), read: (bytes) => tell(bytes / size) });
  if (content.kind === "tar") return unpackArchive(chunks);
  const { head, all } = await peek(chunks);
  const inner = detectContent(head);
  if (inner.kind === "tar") return unpackArchive(all);
  // What is only known by its end, a fixed VHD, begins as the disk that it is.
  if (inner.kind === "disk") return writeDisk(all);
  await all.return(undefined);
  throw unknown(inner.kind === "unknown" ? inner.looksLike : "compressed twice");
};

const unpackDisk = (file: string): UnpackOutcome => {
  const fd = openSync(file, "r");
  try {
    const found = findRootFileSystem(fd, statSync(file).size);
    const fs = found.fileSystem === "ext" ? openExt(fd, found.offsetBytes, found.sizeBytes) : undefined;
    if (fs === undefined) return { kind: "mount", found };
    mkdirSync(rootfs, { mode: 0o755 });
    const tree = treeWriter(optionsFor(rootfs));
    copyExt(fs, tree, tell);
    return done("disk", tree);
  } finally {
    closeSync(fd);
  }
};

const unpackMounted = (directory: string): UnpackOutcome => {
  mkdirSync(rootfs, { mode: 0o755 });
  const tree = treeWriter(optionsFor(rootfs));
  copyMounted(directory, tree, tell);
  return done("disk", tree);
};

const run = async (): Promise<UnpackOutcome> => {
  if (job.kind === "source") return unpackSource();
  return job.kind === "disk" ? unpackDisk(job.file) : unpackMounted(job.directory);
};

try {
  say({ type: "done", outcome: await run() });
} catch (error) {
  const failure = treeFailure(error);
  if (!(failure instanceof ImportFailed)) throw failure;
  say({ type: "failed", code: failure.code, message: failure.message });
}
