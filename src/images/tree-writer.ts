// Writes a tree of files as an archive tells them, and nothing outside its root, whatever the archive says: a parent directory is either a real
// directory below the root, or a symlink that is resolved as it would be with the root as `/`. What is written never follows a link: an entry
// that exists is removed first and made anew. Synchronous on purpose: it runs in a thread of its own, alone with its directory.
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  openSync,
  readdirSync,
  symlinkSync,
} from "node:fs";
import { ImportFailed, insufficientStorage, isDiskFull } from "./failures.ts";
import { blockBytes, type FileWriter, openFileWriter } from "./file-writer.ts";
import { componentsOf, printable, unsafe } from "./names.ts";
import { childOf, treePaths } from "./tree-paths.ts";

export type Metadata = { mode: number; uid: number; gid: number; mtimeSeconds?: number };

/** Of a parent directory that the archive does not tell of. */
const implied: Metadata = { mode: 0o755, uid: 0, gid: 0 };

export type TreeOptions = {
  root: string;
  /** Keeps owners and setuid bits; without, everything is ours and runs as whoever starts it. */
  isRoot: boolean;
  entries: number;
  /** What may still be written; several writers may share it. */
  budget: { leftBytes: number };
  /** Where nothing else makes the files durable at the end. */
  syncFiles?: boolean;
};

const inPlaceOfRoot = (name: string): ImportFailed => unsafe("something in the place of its root directory", name);
const missingTarget = (target: string): ImportFailed =>
  new ImportFailed("ImageArchiveCorrupt", `The image holds a link to ${printable(target)}, which is not in it.`);

/** Owner, permissions and time, as far as we may give them. */
const metadataSetter = (isRoot: boolean) => {
  let mayOwn = isRoot;
  const owning = (own: () => void): void => {
    if (!mayOwn) return;
    try {
      own();
    } catch (error) {
      // Root without the privilege to give files away (some containers): as without root.
      if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
      mayOwn = false;
    }
  };
  return {
    ofOpen: (fd: number, { mode, uid, gid, mtimeSeconds }: Metadata): void => {
      owning(() => fchownSync(fd, uid, gid));
      fchmodSync(fd, mode & (mayOwn ? 0o7777 : 0o777)); // After the owner, whose change takes setuid bits away.
      if (mtimeSeconds !== undefined) futimesSync(fd, mtimeSeconds, mtimeSeconds);
    },
    ofLink: (path: Buffer, { uid, gid, mtimeSeconds }: Metadata): void => {
      owning(() => lchownSync(path, uid, gid));
      if (mtimeSeconds !== undefined) lutimesSync(path, mtimeSeconds, mtimeSeconds);
    },
  };
};

export const treeWriter = (options: TreeOptions) => {
  /** Set at the end, when nothing in them is touched any more. */
  const directories = new Map<string, Metadata>();
  let [entries, skipped] = [0, 0];
  const set = metadataSetter(options.isRoot);
  const use = (bytes: number): void => {
    options.budget.leftBytes -= bytes;
    if (options.budget.leftBytes < 0) throw insufficientStorage();
  };
  const paths = treePaths({
    root: options.root,
    made: (path) => {
      directories.set(path, implied);
      use(blockBytes);
    },
    gone: (isGone) => {
      for (const path of directories.keys()) if (isGone(path)) directories.delete(path);
    },
  });
  const count = (): void => {
    if (++entries > options.entries) throw new ImportFailed("ImageArchiveUnsafe", `The image holds more than ${options.entries} entries.`);
  };
  const placeAnew = (name: string): string => {
    count();
    const path = paths.place(name);
    if (path === undefined) throw inPlaceOfRoot(name);
    paths.remove(path);
    return path;
  };

  return {
    /** How many entries were left out. */
    skipped: (): number => skipped,
    /** Each of these gives the path that the entry has in the tree. */
    directory: (name: string, metadata: Metadata): string => {
      count();
      const path = paths.place(name) ?? "";
      if (path !== "" && !paths.isKnown(path)) {
        if (paths.look(path)?.isDirectory() === false) paths.remove(path);
        paths.enter(path, paths.look(path), true);
      }
      directories.set(path, metadata);
      return path;
    },
    file: (name: string, metadata: Metadata): { path: string; writer: FileWriter } => {
      const path = placeAnew(name);
      const setMetadata = (fd: number): void => set.ofOpen(fd, metadata);
      return { path, writer: openFileWriter(paths.at(path), { use, setMetadata, syncFiles: options.syncFiles ?? false }) };
    },
    symlink: (name: string, target: string, metadata: Metadata): string => {
      const path = placeAnew(name);
      if (target === "" || target.includes("\0") || target.length >= 4096) throw unsafe("a symbolic link to nowhere", name);
      symlinkSync(Buffer.from(target, "latin1"), paths.at(path));
      set.ofLink(paths.at(path), metadata);
      return path;
    },
    /** A further name of a file that is there. */
    link: (name: string, target: string): string => {
      count();
      const path = paths.place(name);
      if (path === undefined) throw inPlaceOfRoot(name);
      const source = paths.find(target);
      // A link in the place of a directory that holds its target would take that away.
      if (source === undefined || source.found.isDirectory() || source.path.startsWith(`${path}/`)) throw missingTarget(target);
      if (source.path === path) return path;
      paths.remove(path);
      linkSync(paths.at(source.path), paths.at(path));
      return path;
    },
    /** Device nodes, pipes and sockets: a node has its own. What was there goes, as if it had been replaced. */
    skip: (name: string): void => {
      placeAnew(name);
      skipped++;
    },
    /** Removes what a layer below brought. */
    remove: (parent: string, name: string): void => {
      const directory = paths.resolve(componentsOf(parent), false);
      if (directory !== undefined) paths.remove(childOf(directory, name));
    },
    /** Empties a directory of all that `keep` does not have. */
    empty: (name: string, keep: ReadonlySet<string>): void => {
      const left = [paths.resolve(componentsOf(name), false)];
      for (let directory = left.pop(); directory !== undefined; directory = left.pop()) {
        for (const entry of readdirSync(paths.at(directory), { encoding: "latin1", withFileTypes: true })) {
          const child = childOf(directory, entry.name);
          if (!keep.has(child)) paths.remove(child);
          else if (entry.isDirectory()) left.push(child);
        }
      }
    },
    /** Permissions and times of directories, deepest first. Nothing may be written after it. */
    finish: (): void => {
      const deepestFirst = [...directories].sort(([a], [b]) => b.split("/").length - a.split("/").length);
      for (const [path, metadata] of deepestFirst) {
        const fd = openSync(paths.at(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
        try {
          // Without root, the root of the tree could not be moved once it is closed to us.
          const isClosed = path === "" && !options.isRoot;
          set.ofOpen(fd, isClosed ? { ...metadata, mode: metadata.mode | 0o700 } : metadata);
        } finally {
          closeSync(fd);
        }
      }
    },
  };
};

export type TreeWriter = ReturnType<typeof treeWriter>;

/** What the system says while a tree is written, as the user's failure where it is that. */
export const treeFailure = (error: unknown): unknown => {
  if (isDiskFull(error)) return insufficientStorage(error);
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENAMETOOLONG") return new ImportFailed("ImageArchiveUnsafe", "The image holds a name that is too long.", { cause: error });
  if (code === "EFBIG")
    return new ImportFailed("ImageArchiveUnsafe", "The image holds a file that is larger than files can be here.", { cause: error });
  return error;
};
