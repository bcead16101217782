// Disk images: into a raw disk where they are not one (qemu-img), and what only the kernel can read through a loop device. Hostile ones are
// refused by their headers before any program opens them. What an earlier call left mounted or attached is undone first.
import { mkdir, open, readFile, realpath, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { FoundFileSystem } from "./disk-layout.ts";
import { ImportFailed, insufficientStorage } from "./failures.ts";
import { type ImageTools, runTool, ToolFailed } from "./tools.ts";
import type { UnpackOutcome } from "./unpack-worker.ts";

type Disk = Extract<UnpackOutcome, { kind: "disk" }>;

const otherFiles = (): ImportFailed =>
  new ImportFailed(
    "ImageArchiveUnsafe",
    "The disk image refers to another file (a backing, parent or data file); make one that stands alone.",
  );
const missing = (what: string): ImportFailed => new ImportFailed("ImageFormatNotSupportedHere", what);
const corrupt = (cause?: unknown): ImportFailed =>
  new ImportFailed("ImageArchiveCorrupt", "The disk image is damaged or incomplete.", { cause });

/** The header's word on other files, before qemu-img would open them. Gives the virtual size where the header has it. */
const checkHeader = async (file: string, { format, dynamicVhd }: Disk): Promise<number | undefined> => {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    if (format === "raw" || format === "vhdx") return format === "raw" ? size : undefined;
    const at = format === "vhd" && !dynamicVhd ? size - 512 : 0;
    const { buffer: header, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, at);
    if (bytesRead < 512) throw corrupt();
    if (format === "vhd") {
      if (header.readUInt32BE(60) === 4) throw otherFiles();
      return Number(header.readBigUInt64BE(48));
    }
    const features = header.readUInt32BE(4) >= 3 ? header.readUInt32BE(76) : 0;
    if (header.readBigUInt64BE(8) !== 0n || (features & 0x4) !== 0) throw otherFiles();
    if (header.readUInt32BE(32) !== 0) throw missing("The disk image is encrypted.");
    return Number(header.readBigUInt64BE(24));
  } finally {
    await handle.close();
  }
};

/** The second look, by the program that knows the format best; tolerant of what later versions add. */
const checkInfo = (text: string): number => {
  const info = JSON.parse(text) as Record<string, unknown>;
  const data = (info["format-specific"] as { data?: Record<string, unknown> } | undefined)?.data;
  if (info["backing-filename"] !== undefined || info["full-backing-filename"] !== undefined || data?.["data-file"] !== undefined)
    throw otherFiles();
  if (info.encrypted === true) throw missing("The disk image is encrypted.");
  return Number(info["virtual-size"]);
};

/** A hostile image may make qemu-img take memory or time without end. */
const limited = (tools: ImageTools, cpuSeconds: number, args: string[]): [string, string[]] =>
  tools.prlimit === undefined
    ? [tools.qemuImg!, args]
    : [tools.prlimit, [`--as=${2 ** 31}`, `--cpu=${cpuSeconds}`, tools.qemuImg!, ...args]];

/** Of a truncated qcow2 qemu-img reads what is missing as zeros; the formats of Hyper-V it refuses. Status 3: clusters that nothing uses. */
const checkClusters = async (file: string, { tools, signal }: { tools: ImageTools; signal: AbortSignal }): Promise<void> => {
  const [check, args] = limited(tools, 3600, ["check", "-q", "-f", "qcow2", file]);
  await runTool(check, args, { timeoutMs: convertMs, signal }).catch((error: unknown) => {
    if (!(error instanceof ToolFailed && error.status === 3)) throw error;
  });
};

const convertMs = 6 * 3_600_000;
const qemuNames = { qcow2: "qcow2", vhd: "vpc", vhdx: "vhdx", raw: "raw" } as const;

/** The raw disk: the image itself, or `part/raw` that is made of it. */
export const asRawDisk = async (
  part: string,
  disk: Disk,
  { tools, toolMs }: { tools: ImageTools; toolMs: number },
  signal: AbortSignal,
): Promise<{ file: string; virtualBytes: number }> => {
  const file = join(part, disk.file);
  const told = await checkHeader(file, disk);
  if (disk.format === "raw" || (disk.format === "vhd" && !disk.dynamicVhd)) return { file, virtualBytes: told! };
  if (tools.qemuImg === undefined)
    throw missing(
      `Disk images of the format ${disk.format} need the program qemu-img (package qemu-utils), which this server does not have.`,
    );
  const raw = join(part, "raw");
  const name = qemuNames[disk.format];
  try {
    const [look, lookArgs] = limited(tools, 60, ["info", "--output=json", "-f", name, file]);
    const virtualBytes = checkInfo(await runTool(look, lookArgs, { timeoutMs: toolMs, signal }));
    if (disk.format === "qcow2") await checkClusters(file, { tools, signal });
    const [convert, convertArgs] = limited(tools, 3600, ["convert", "-q", "-f", name, "-O", "raw", file, raw]);
    await runTool(convert, convertArgs, { timeoutMs: convertMs, signal });
    return { file: raw, virtualBytes };
  } catch (error) {
    if (!(error instanceof ToolFailed)) throw error;
    throw /No space left|Disk quota/i.test(error.message) ? insufficientStorage(error) : corrupt(error);
  }
};

const needsKernel = (fileSystem: string, why: string): ImportFailed =>
  missing(
    `The disk image's ${fileSystem} file system has to be mounted to be read, which this server cannot do: ${why}. ` +
      "An image with a cleanly unmounted ext4 file system, or an archive of the files, needs nothing of the kind.",
  );

const namesOf = { ext: "ext4", xfs: "xfs", btrfs: "btrfs" } as const;
const mountDirectory = (part: string): string => join(part, "mounted");

/** Octal escapes of /proc/self/mountinfo. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

const isMounted = async (directory: string): Promise<boolean> => {
  const [real, table] = await Promise.all([
    realpath(directory).catch(() => undefined),
    readFile("/proc/self/mountinfo", "latin1").catch(() => ""),
  ]);
  return (
    real !== undefined && table.split("\n").some((line) => unescaped(line.split(" ")[4] ?? "") === Buffer.from(real).toString("latin1"))
  );
};

/** Undoes what an import that was interrupted left: its mount and the loop devices of its files. The kernel's own tables say what there is. */
export const detach = async (part: string, { tools, toolMs }: { tools: ImageTools; toolMs: number }): Promise<void> => {
  if (await isMounted(mountDirectory(part))) await runTool(tools.umount ?? "umount", ["--", mountDirectory(part)], { timeoutMs: toolMs });
  if (tools.losetup === undefined) return;
  for (const name of ["source", "disk", "raw"]) {
    const list = await runTool(tools.losetup, ["--associated", join(part, name), "--noheadings", "--output", "NAME"], {
      timeoutMs: toolMs,
    }).catch(() => "");
    for (const device of list.split("\n").filter((line) => line.startsWith("/dev/")))
      await runTool(tools.losetup, ["--detach", device.trim()], { timeoutMs: toolMs });
  }
};

/** Runs `action` with the file system mounted read-only, and takes everything back after it. */
export const withMounted = async <T>(
  part: string,
  file: string,
  { fileSystem, offsetBytes, sizeBytes }: FoundFileSystem,
  { tools, toolMs, isRoot }: { tools: ImageTools; toolMs: number; isRoot: boolean },
  action: (directory: string) => Promise<T>,
): Promise<T> => {
  const name = namesOf[fileSystem];
  const { losetup, mount } = tools;
  if (!isRoot) throw needsKernel(name, "it does not run as root");
  if (losetup === undefined || mount === undefined || tools.umount === undefined)
    throw needsKernel(name, "losetup and mount (package mount) are missing");
  const directory = mountDirectory(part);
  await mkdir(directory, { mode: 0o700, recursive: true });
  try {
    // Writable, and mounted read-only: the journal of a file system that was not closed cleanly is replayed, in our copy.
    const device = await runTool(losetup, ["--find", "--show", `--offset=${offsetBytes}`, `--sizelimit=${sizeBytes}`, file], {
      timeoutMs: toolMs,
    })
      .then((text) => text.trim())
      .catch((error: unknown) => {
        throw error instanceof ToolFailed ? needsKernel(name, "loop devices do not work here") : error;
      });
    const options = ["ro", "nosuid", "nodev", "noexec", ...(fileSystem === "xfs" ? ["nouuid"] : [])].join(",");
    await runTool(mount, ["-t", name, "-o", options, device, directory], { timeoutMs: toolMs }).catch((error: unknown) => {
      if (!(error instanceof ToolFailed)) throw error;
      throw /permission denied|not permitted|unknown filesystem type/i.test(error.message)
        ? needsKernel(name, "the kernel does not let it or does not know that file system")
        : corrupt(error);
    });
    return await action(directory);
  } finally {
    await detach(part, { tools, toolMs });
    await rmdir(directory);
  }
};
