// Tasks may put symbolic links wherever they can write, also in the place of directories that the agent made. What the agent then does there it
// would do elsewhere, on the user's behalf. Here is how it notices. Reads the disk and changes nothing.
import { readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";

/** The true place of a node's root: links above it are the operator's, a link in its own place is not. Throws when what is above it is not there. */
export const realRoot = (nodeRoot: string): string => join(realpathSync.native(dirname(nodeRoot)), basename(nodeRoot));

/** Whether a path below the root (both absolute) is there and no part of it, from the root itself on, is a link. */
export const isOwnPath = (nodeRoot: string, path: string): boolean => {
  try {
    return realpathSync.native(path) === join(realRoot(nodeRoot), relative(nodeRoot, path));
  } catch {
    return false;
  }
};

/**
 * Whether an open file lies below a directory (absolute, without links). Asked of what was really opened, so that a link that was put on the way
 * between a look at the path and the opening does not go unseen.
 */
export const isOpenedBelow = (directory: string, fd: number): boolean => {
  const place = openedPlace(fd);
  return place === undefined || place.startsWith(directory + sep);
};

/** Undefined on systems that do not tell; agents run on Linux, which does. */
const openedPlace = (fd: number): string | undefined => {
  if (process.platform !== "linux") return undefined;
  return readlinkSync(`/proc/self/fd/${fd}`);
};
