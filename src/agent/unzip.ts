// Unpacks a zip archive into a new directory. The archive is a user's and hostile: no name leaves the directory, no link leads out of it, no more
// is written than is declared and than the disk has room for, and what is damaged is refused. It never writes over anything.
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, realpath, statfs, symlink } from "node:fs/promises";
import { join, sep } from "node:path";
import { crc32 } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { safeParts } from "./resource-files.ts";

/** The archive cannot be unpacked, and why, in a sentence for the user. Failures of the disk are the system's own errors. */
export class BadArchive extends Error {
  override readonly name = "BadArchive";
}

export type UnzipLimits = {
  /** Files, directories and links that may be made. */
  entries: number;
  /** What stays free on the disk, for the tasks that run meanwhile. */
  reserveBytes: number;
  /** In place of what the file system says is free: for tests. */
  freeBytes?: number;
};
export const usualLimits: UnzipLimits = { entries: 1_000_000, reserveBytes: 64 * 2 ** 20 };

type Kind = "file" | "directory" | "link";
type Item = { entry: Entry; kind: Kind; parts: string[]; mode: number };
type Link = { path: string; target: string; name: string };

const longestTarget = 4096;
const [unix, macOs] = [3, 19];
const types = new Map<number, Kind>([
  [0o040000, "directory"],
  [0o100000, "file"],
  [0o120000, "link"],
]);

/** Archives of Windows carry no permissions; a program among their files should be one here. */
const withoutPermissions = 0o755;

/** Throws BadArchive for what has no place in a directory of its own. Permissions are kept but for setuid and the like; the owner may read and write. */
const itemOf = (entry: Entry): Item => {
  const name = entry.fileName;
  const host = entry.versionMadeBy >> 8;
  const mode = host === unix || host === macOs ? entry.externalFileAttributes >>> 16 : 0;
  const typed = mode & 0o170000;
  const told = typed === 0 ? "file" : types.get(typed);
  if (told === undefined) throw new BadArchive(`${JSON.stringify(name)} is neither a file, a directory nor a link.`);
  const kind = name.endsWith("/") ? "directory" : told;
  const parts = safeParts(name);
  if (parts === undefined || (parts.length === 0 && kind !== "directory")) {
    throw new BadArchive(`${JSON.stringify(name)} cannot be the name of something in the package.`);
  }
  if (kind === "link" && entry.uncompressedSize > longestTarget) throw new BadArchive(`The link ${JSON.stringify(name)} is too long.`);
  if (entry.isEncrypted()) throw new BadArchive(`${JSON.stringify(name)} is encrypted.`);
  if (kind !== "directory" && !entry.canDecodeFileData())
    throw new BadArchive(`${JSON.stringify(name)} is compressed by a method that is not supported (${entry.compressionMethod}).`);
  const permissions = (mode & 0o777) === 0 ? withoutPermissions : (mode & 0o777) | 0o600;
  return { entry, kind, parts, mode: permissions };
};

/** What yauzl finds wrong are plain errors; those of the system have a code. */
const wrapped = (error: unknown): unknown => {
  const { errno, code, message } = error as NodeJS.ErrnoException;
  const isSystem = typeof errno === "number" && code?.startsWith("Z_") !== true;
  return error instanceof BadArchive || isSystem || !(error instanceof Error)
    ? error
    : new BadArchive(`The archive is damaged: ${message.replace(/\.+$/, "")}.`);
};

/** Opens the archive, hands over one entry after the other, closes it. */
const eachItem = async (archive: string, signal: AbortSignal, take: (item: Item, zip: ZipFile) => Promise<void> | void): Promise<void> => {
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(archive, { autoClose: false });
    for await (const entry of zip.eachEntry()) {
      signal.throwIfAborted();
      await take(itemOf(entry), zip);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw wrapped(error);
  } finally {
    zip?.close();
  }
};

/** Before anything is written: names, kinds, and whether what is declared fits. */
const inspect = async (archive: string, directory: string, limits: UnzipLimits, signal: AbortSignal): Promise<void> => {
  const disk = await statfs(directory);
  const room = Math.max(0, (limits.freeBytes ?? disk.bavail * disk.bsize) - limits.reserveBytes);
  // Some file systems have no fixed number of files and say 0.
  const most = disk.files === 0 ? limits.entries : Math.min(limits.entries, disk.ffree);
  let [bytes, entries] = [0, 0];
  await eachItem(archive, signal, ({ entry, kind }) => {
    if (kind === "file") bytes += entry.uncompressedSize;
    entries += 1;
    if (bytes > room) throw new BadArchive("There is not enough space on the disk for what is in the archive.");
    if (entries > most) throw new BadArchive("There is more in the archive than can be unpacked.");
  });
};

/** The bytes of an entry, each piece written where it belongs. yauzl sees that there are as many as declared; that they are the right ones is seen here. */
const copyEntry = async (
  zip: ZipFile,
  entry: Entry,
  signal: AbortSignal,
  write: (bytes: Buffer) => Promise<unknown> | undefined,
): Promise<void> => {
  const stream = await zip.openReadStreamPromise(entry);
  let sum = 0;
  try {
    for await (const bytes of stream as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      sum = crc32(bytes, sum);
      await write(bytes);
    }
  } finally {
    stream.destroy();
  }
  if (sum !== entry.crc32) throw new BadArchive(`${JSON.stringify(entry.fileName)} is damaged: its checksum is wrong.`);
};

const writeEntry = async (file: FileHandle, zip: ZipFile, { entry, mode }: Item, signal: AbortSignal): Promise<void> => {
  await copyEntry(zip, entry, signal, (bytes) => file.writeFile(bytes));
  await file.chmod(mode); // not through the umask
  const at = entry.getLastModDate().getTime() / 1000;
  if (Number.isFinite(at)) await file.utimes(at, at);
};

/** A name that is there already: two entries have it, or a file's name is also that of a directory. */
const twice =
  (name: string) =>
  (error: NodeJS.ErrnoException): never => {
    if (error.code === "EEXIST" || error.code === "ENOTDIR") throw new BadArchive(`The archive names ${JSON.stringify(name)} twice.`);
    if (error.code === "ENAMETOOLONG") throw new BadArchive(`${JSON.stringify(name.slice(0, 100))}... is too long for a name.`);
    throw error;
  };

/** Last, so that nothing is written through one: each must lead to something in the package, by whatever way. */
const makeLinks = async (root: string, links: readonly Link[]): Promise<void> => {
  for (const { path, target, name } of links) {
    if (target === "" || target.startsWith("/") || target.includes("\0"))
      throw new BadArchive(`The link ${JSON.stringify(name)} leads to nothing in the package.`);
    await symlink(target, path).catch(twice(name));
  }
  for (const { path, name } of links) {
    const place = await realpath(path).catch(() => "");
    if (place !== root && !place.startsWith(root + sep))
      throw new BadArchive(`The link ${JSON.stringify(name)} leads to nothing in the package.`);
  }
};

/**
 * Makes `directory`, which must not exist, with all that is in the archive; its parent must be one that nobody else writes to. Throws BadArchive,
 * the system's errors, and the signal's reason; then the directory is in an unknown state and the caller's to remove.
 */
export const unzip = async (archive: string, directory: string, signal: AbortSignal, limits: UnzipLimits = usualLimits): Promise<void> => {
  await mkdir(directory, { mode: 0o755 });
  await inspect(archive, directory, limits, signal);
  const root = await realpath(directory);
  const made = new Set<string>([root]);
  const links: Link[] = [];
  let count = 0;
  const countOne = (): void => {
    if (++count > limits.entries) throw new BadArchive("There is more in the archive than can be unpacked.");
  };
  const makeDirectories = async (parts: readonly string[], name: string): Promise<string> => {
    let path = root;
    for (const part of parts) {
      path = join(path, part);
      if (made.has(path)) continue;
      countOne();
      await mkdir(path, { mode: 0o755 }).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST" || !(await lstat(path)).isDirectory()) twice(name)(error);
      });
      made.add(path);
    }
    return path;
  };
  await eachItem(archive, signal, async (item, zip) => {
    const { entry, kind, parts } = item;
    const name = entry.fileName;
    if (kind === "directory") {
      await makeDirectories(parts, name);
      return;
    }
    countOne();
    const path = join(await makeDirectories(parts.slice(0, -1), name), parts.at(-1)!);
    if (kind === "link") {
      const target: Buffer[] = [];
      await copyEntry(zip, entry, signal, (bytes) => {
        target.push(bytes);
        return undefined;
      });
      links.push({ path, target: Buffer.concat(target).toString("utf8"), name });
      return;
    }
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = await open(path, flags, 0o600).catch(twice(name));
    try {
      await writeEntry(file, zip, item, signal);
    } finally {
      await file.close();
    }
  });
  await makeLinks(root, links);
};
