// The directories in which images are kept: that of the location, and those that storage containers name. Only directories that the operator
// allows are made or used, whatever links lead elsewhere.
import { constants } from "node:fs";
import { access, mkdir, realpath, rmdir, statfs } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, sep } from "node:path";

export class DirectoryRefused extends Error {
  override readonly name = "DirectoryRefused";
  readonly code: "StoragePathInvalid" | "StoragePathNotAllowed" | "StoragePathNotUsable";
  constructor(code: DirectoryRefused["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** `C:\container_storage` or `\\server\share`: templates for the service have such paths. They stand for a directory of ours. */
export const isWindowsPath = (path: string): boolean => /^([a-z]:[\\/]|\\\\[^\\])/i.test(path);

/** Where a container is: below the location for a Windows path, else where it says. */
export const directoryOfContainer = (imagesDirectory: string, { uid, path }: { uid: string; path: string }): string =>
  isWindowsPath(path) ? join(imagesDirectory, "containers", uid) : normalize(path);

const isBelow = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory.endsWith(sep) ? directory : `${directory}${sep}`);

/** The real path of the deepest part that exists. */
const realAncestor = async (path: string): Promise<string> => {
  for (let at = path; ; at = dirname(at)) {
    try {
      return await realpath(at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || at === dirname(at)) throw error;
    }
  }
};

/**
 * Makes the directory where it is missing, and gives its real path. Throws DirectoryRefused: it is not below an allowed one (links
 * resolved), or cannot be made or written. Messages name the path that the user gave, and none of the server.
 */
export const openDirectory = async (path: string, allowed: readonly string[]): Promise<string> => {
  if (!isAbsolute(path) || path.includes("\0") || path.split("/").includes(".."))
    throw new DirectoryRefused("StoragePathInvalid", `The path '${path}' is not an absolute path of a directory.`);
  const roots = (await Promise.all(allowed.map((one) => realpath(one).catch(() => undefined)))).filter((root) => root !== undefined);
  const refused = (): DirectoryRefused =>
    new DirectoryRefused(
      "StoragePathNotAllowed",
      `The path '${path}' is not below a directory that the operator allows (quern start --allow-image-path).`,
    );
  const isAllowed = (real: string): boolean => roots.some((root) => isBelow(real, root));
  try {
    if (!isAllowed(await realAncestor(normalize(path)))) throw refused();
    await mkdir(path, { recursive: true });
    const real = await realpath(path);
    if (!isAllowed(real)) throw refused();
    await access(real, constants.W_OK | constants.X_OK);
    return real;
  } catch (error) {
    if (error instanceof DirectoryRefused) throw error;
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new DirectoryRefused("StoragePathNotUsable", `The path '${path}' cannot be made a directory that can be written (${code}).`);
  }
};

/** Of the location: nobody else of this machine looks into it. */
export const makeDirectory = async (directory: string): Promise<void> => {
  await mkdir(directory, { recursive: true, mode: 0o700 });
};

/** Free for us and in all, in bytes; undefined where the directory has gone. */
export const spaceOf = async (directory: string): Promise<{ availableBytes: number; totalBytes: number } | undefined> => {
  try {
    const { bavail, blocks, bsize } = await statfs(directory);
    return { availableBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return undefined;
  }
};

/** Nothing happens when something is in it, or when it is not there. */
export const removeIfEmpty = async (directory: string): Promise<void> => {
  await rmdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT" && error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
};
