// Writes a tree of files as an archive tells them, and nothing outside its root, whatever the archive says: a parent directory is either a real
// directory below the root, or a symlink that is resolved as it would be with the root as `/`. What is written never follows a link: an entry
// that exists is removed first and made anew. Synchronous on purpose: it runs in a thread of its own, alone with its directory.
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { ImportFailed, insufficientStorage, isDiskFull } from "./failures.ts";
import { componentsOf, printable, unsafe } from "./names.ts";

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

/** `hole` leaves out so many bytes, which read as zeros. */
export type FileWriter = { write(chunk: Buffer): void; hole(bytes: number): void; close(): void };

/** From here on runs of zeros are left out, as holes: disk images are mostly that. */
const sparseFromBytes = 2 ** 20;
const blockBytes = 4096;
const zeros = Buffer.alloc(blockBytes);
const mostLinks = 40;

const join = (parent: string, name: string): string => (parent === "" ? name : `${parent}/${name}`);

export const treeWriter = (options: TreeOptions) => {
  const root = Buffer.from(`${options.root}/`, "utf8");
  /** Directories below the root that are surely no links, by their path in the image. */
  const known = new Set<string>([""]);
  const directories = new Map<string, Metadata>();
  let [entries, skipped] = [0, 0];
  let mayOwn = options.isRoot;

  const at = (path: string): Buffer => Buffer.concat([root, Buffer.from(path, "latin1")]);
  const look = (path: string): Stats | undefined => lstatSync(at(path), { throwIfNoEntry: false });
  const use = (bytes: number): void => {
    options.budget.leftBytes -= bytes;
    if (options.budget.leftBytes < 0) throw insufficientStorage();
  };
  const count = (): void => {
    if (++entries > options.entries) throw new ImportFailed("ImageArchiveUnsafe", `The image holds more than ${options.entries} entries.`);
  };
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
  const setMetadata = (fd: number, { mode, uid, gid, mtimeSeconds }: Metadata): void => {
    owning(() => fchownSync(fd, uid, gid));
    fchmodSync(fd, mode & (mayOwn ? 0o7777 : 0o777)); // After the owner, whose change takes setuid bits away.
    if (mtimeSeconds !== undefined) futimesSync(fd, mtimeSeconds, mtimeSeconds);
  };

  const forget = (path: string): void => {
    if (!known.has(path)) return;
    for (const other of known) if (other === path || other.startsWith(`${path}/`)) known.delete(other);
    for (const other of directories.keys()) if (other === path || other.startsWith(`${path}/`)) directories.delete(other);
  };
  const remove = (path: string): void => {
    const found = look(path);
    if (found === undefined) return;
    if (found.isDirectory()) {
      forget(path);
      rmSync(at(path), { recursive: true });
    } else unlinkSync(at(path));
  };

  const makeDirectory = (path: string): void => {
    mkdirSync(at(path), 0o700);
    directories.set(path, implied);
    use(blockBytes);
    known.add(path);
  };

  /**
   * The real directory that these components lead to, links resolved within the root. Missing ones are made, or undefined is given.
   * Names outside are never looked at: a climb past the root stays there, as it does for a process whose root this is.
   */
  const resolve = (components: readonly string[], make: boolean): string | undefined => {
    const left = [...components];
    let path = "";
    for (let links = 0; left.length > 0; ) {
      const part = left.shift()!;
      if (part === "" || part === ".") continue;
      if (part === "..") {
        path = path.slice(0, Math.max(0, path.lastIndexOf("/")));
        continue;
      }
      const next = join(path, part);
      if (known.has(next)) {
        path = next;
        continue;
      }
      const found = look(next);
      if (found?.isSymbolicLink()) {
        if (++links > mostLinks) throw unsafe("symbolic links that lead in a circle", components.join("/"));
        const target = readlinkSync(at(next), "latin1");
        if (target.startsWith("/")) path = "";
        left.unshift(...target.split("/"));
        continue;
      }
      if (found === undefined) {
        if (!make) return undefined;
        makeDirectory(next);
      } else if (!found.isDirectory()) {
        if (!make) return undefined;
        throw new ImportFailed("ImageArchiveCorrupt", `The image holds something below ${printable(next)}, which is not a directory.`);
      } else known.add(next);
      path = next;
    }
    return path;
  };

  /** Where an entry goes: its parents made, links among them resolved. Undefined for the root itself. */
  const place = (name: string): string | undefined => {
    const components = componentsOf(name);
    const last = components.pop();
    return last === undefined ? undefined : join(resolve(components, true)!, last);
  };
  const placeAnew = (name: string): string => {
    count();
    const path = place(name);
    if (path === undefined) throw unsafe("something in the place of its root directory", name);
    remove(path);
    return path;
  };

  const openFile = (path: string, metadata: Metadata): FileWriter => {
    const fd = openSync(at(path), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
    let size = 0;
    let [isOpen, hasHoles] = [true, false];
    const put = (chunk: Buffer): void => {
      use(chunk.length);
      for (let written = 0; written < chunk.length; ) written += writeSync(fd, chunk, written, chunk.length - written, size + written);
    };
    /** Leaves out the blocks of zeros; where they lie is what counts, not how the chunks were cut. */
    const putSparsely = (chunk: Buffer): void => {
      const start = size;
      for (let from = 0; from < chunk.length; ) {
        const end = Math.min(chunk.length, from + blockBytes - ((start + from) % blockBytes));
        const block = chunk.subarray(from, end);
        size = start + from;
        if (block.compare(zeros, 0, block.length) !== 0) put(block);
        from = end;
      }
      size = start;
    };
    return {
      write: (chunk) => {
        if (size >= sparseFromBytes && chunk.includes(zeros)) putSparsely(chunk);
        else put(chunk);
        size += chunk.length;
      },
      hole: (bytes) => {
        size += bytes;
        hasHoles = true;
      },
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        try {
          if (hasHoles || size >= sparseFromBytes) ftruncateSync(fd, size);
          use((blockBytes - (size % blockBytes)) % blockBytes);
          setMetadata(fd, metadata);
          if (options.syncFiles) fsyncSync(fd);
        } finally {
          closeSync(fd);
        }
      },
    };
  };

  /** Deepest first, so that a directory's time and permissions are set when nothing in it is touched any more. */
  const finishDirectories = (): void => {
    const deepestFirst = [...directories].sort(([a], [b]) => b.split("/").length - a.split("/").length);
    for (const [path, metadata] of deepestFirst) {
      const fd = openSync(at(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      try {
        setMetadata(fd, metadata);
      } finally {
        closeSync(fd);
      }
    }
  };

  return {
    skipped: () => skipped,
    directory: (name: string, metadata: Metadata): string => {
      count();
      const path = place(name) ?? "";
      if (path !== "" && !known.has(path)) {
        const found = look(path);
        if (found !== undefined && !found.isDirectory()) remove(path);
        if (found?.isDirectory()) known.add(path);
        else makeDirectory(path);
      }
      directories.set(path, metadata);
      return path;
    },
    file: (name: string, metadata: Metadata): { path: string; writer: FileWriter } => {
      const path = placeAnew(name);
      return { path, writer: openFile(path, metadata) };
    },
    symlink: (name: string, target: string, metadata: Metadata): string => {
      const path = placeAnew(name);
      if (target === "" || target.includes("\0") || target.length >= 4096) throw unsafe("a symbolic link to nowhere", name);
      symlinkSync(Buffer.from(target, "latin1"), at(path));
      owning(() => lchownSync(at(path), metadata.uid, metadata.gid));
      if (metadata.mtimeSeconds !== undefined) lutimesSync(at(path), metadata.mtimeSeconds, metadata.mtimeSeconds);
      return path;
    },
    /** A further name of a file that is there. */
    link: (name: string, target: string): string => {
      count();
      const [from, to] = [componentsOf(target), place(name)];
      if (to === undefined) throw unsafe("something in the place of its root directory", name);
      const last = from.pop();
      const parent = resolve(from, false);
      const source = last === undefined || parent === undefined ? undefined : join(parent, last);
      const found = source === undefined ? undefined : look(source);
      if (source === undefined || found === undefined || found.isDirectory())
        throw new ImportFailed("ImageArchiveCorrupt", `The image holds a link to ${printable(target)}, which is not in it.`);
      if (source === to) return to;
      remove(to);
      linkSync(at(source), at(to));
      return to;
    },
    /** Device nodes, pipes and sockets: a node has its own. What was there goes, as if it had been replaced. */
    skip: (name: string): void => {
      const path = place(name);
      if (path !== undefined) remove(path);
      skipped++;
    },
    /** Removes what a layer below brought. */
    remove: (parent: string, name: string): void => {
      const directory = resolve(componentsOf(parent), false);
      if (directory !== undefined) remove(join(directory, name));
    },
    /** Empties a directory of all that `keep` does not have. */
    empty: (name: string, keep: ReadonlySet<string>): void => {
      const directory = resolve(componentsOf(name), false);
      if (directory === undefined) return;
      const clear = (path: string): void => {
        for (const entry of readdirSync(at(path), { encoding: "latin1", withFileTypes: true })) {
          const child = join(path, entry.name);
          if (!keep.has(child)) remove(child);
          else if (entry.isDirectory()) clear(child);
        }
      };
      clear(directory);
    },
    finish: finishDirectories,
  };
};

export type TreeWriter = ReturnType<typeof treeWriter>;

/** What the system says while a tree is written, as the user's failure where it is that. */
export const treeFailure = (error: unknown): unknown => {
  if (isDiskFull(error)) return insufficientStorage(error);
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENAMETOOLONG") return new ImportFailed("ImageArchiveUnsafe", "The image holds a name that is too long.", { cause: error });
  return error;
};
