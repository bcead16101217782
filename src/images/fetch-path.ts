// Copies an image from a path of this machine that a user of the API named. Only below the operator's directories, wherever links lead, and
// only regular files; of others not even whether they exist is told.
import { constants } from "node:fs";
import { type FileHandle, open, readlink, realpath } from "node:fs/promises";
import { dirname, isAbsolute, relative } from "node:path";
import { ImportFailed } from "./failures.ts";
import type { SourceFile } from "./source-file.ts";

const isBelow = (path: string, directory: string): boolean => {
  const way = relative(directory, path);
  return way !== "" && way !== ".." && !way.startsWith("../") && !isAbsolute(way);
};

/** `named` is the path as the user knows it, or words in its place. */
const notAllowed = (named: string): ImportFailed =>
  new ImportFailed("ImagePathNotAllowed", `The path ${named} is not below a directory that this server takes images from.`);
const notFound = (named: string): ImportFailed => new ImportFailed("ImageSourceNotFound", `There is no file ${named} on this server.`);
const notReadable = (named: string): ImportFailed => new ImportFailed("ImageSourceForbidden", `This server may not read ${named}.`);
const invalid = (what: string, cause?: unknown): ImportFailed => new ImportFailed("ImageSourceInvalid", what, { cause });

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Where the path leads as far as it exists. */
const nearestReal = async (path: string): Promise<string> => {
  for (let at = dirname(path); ; at = dirname(at)) {
    try {
      return await realpath(at);
    } catch {
      if (at === "/") return at;
    }
  }
};

const realAllowed = async (allowedPaths: readonly string[]): Promise<string[]> => {
  const found = await Promise.all(allowedPaths.map((directory) => realpath(directory).catch(() => undefined)));
  return found.filter((directory) => directory !== undefined);
};

/** Where the path really leads, when that is allowed. */
const resolveAllowed = async (path: string, named: string, allowed: readonly string[]): Promise<string> => {
  const isAllowed = (real: string): boolean => allowed.some((directory) => isBelow(real, directory));
  let real: string;
  try {
    real = await realpath(path);
  } catch (error) {
    const nearest = await nearestReal(path);
    if (!isAllowed(nearest) && !allowed.includes(nearest)) throw notAllowed(named);
    throw codeOf(error) === "EACCES" ? notReadable(named) : notFound(named);
  }
  if (!isAllowed(real)) throw notAllowed(named);
  return real;
};

/** Where an open file is; a directory on the way may have become a link between looking and opening. */
const pathOfOpen = async (handle: FileHandle, otherwise: string): Promise<string> =>
  readlink(`/proc/self/fd/${handle.fd}`).catch(() => otherwise);

const openAllowed = async (path: string, named: string, allowed: readonly string[]): Promise<FileHandle> => {
  const real = await resolveAllowed(path, named, allowed);
  let handle: FileHandle;
  try {
    // Opening a pipe would wait for its writer without O_NONBLOCK.
    handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EACCES" || code === "EPERM") throw notReadable(named);
    if (code === "ENOENT" || code === "ELOOP") throw notFound(named);
    throw invalid(`${named} cannot be read as a file.`, error);
  }
  try {
    const opened = await pathOfOpen(handle, real);
    if (!allowed.some((directory) => isBelow(opened, directory))) throw notAllowed(named);
    if (!(await handle.stat()).isFile()) throw invalid(`${named} is not a regular file.`);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
};

type PathSource = { path: string; isOperators?: boolean };

/** All of the file into `file`, unless it is there already. Gives its SHA-256 in hex. Throws ImportFailed. */
export const fetchPath = async (
  { path, isOperators = false }: PathSource,
  allowedPaths: readonly string[],
  file: SourceFile,
  signal: AbortSignal,
): Promise<string> => {
  if (!isAbsolute(path) || path.includes("\0"))
    throw invalid("The image path is neither an absolute path of this server nor an http(s) URL.");
  const named = isOperators ? "that the server's marketplace names for this image" : path;
  const handle = await openAllowed(path, named, isOperators ? ["/"] : await realAllowed(allowedPaths));
  try {
    const { size, mtimeNs, ino } = await handle.stat({ bigint: true });
    const etag = `${ino}-${size}-${mtimeNs}`;
    if (file.note.sha256 !== undefined && file.note.etag === etag) return file.note.sha256;
    await file.restart({ etag, totalBytes: Number(size) });
    for (let position = 0; position < Number(size); ) {
      signal.throwIfAborted();
      // A new buffer each time costs nothing that counts; one that is used again would be changed while it is written.
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(2 ** 18), 0, Math.min(2 ** 18, Number(size) - position), position);
      if (bytesRead === 0) throw invalid("The file became shorter while it was copied.");
      await file.write(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
    return await file.finish();
  } finally {
    await handle.close();
  }
};
