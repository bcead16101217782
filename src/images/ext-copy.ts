// Copies an ext file system through the tree writer: by the same rules as an archive.
import { type ExtFileSystem, type ExtInode, extCorrupt } from "./ext-file-system.ts";
import { unsafe } from "./names.ts";
import type { Metadata, TreeWriter } from "./tree-writer.ts";

const rootInode = 2;
const kinds = { directory: 0o4, file: 0o10, symlink: 0o12 } as const;
/** A symlink as short as this has its target in the inode. */
const mapBytes = 60;

const metadataOf = ({ mode, uid, gid, mtimeSeconds }: ExtInode): Metadata => ({
  mode: mode & 0o7777,
  uid,
  gid,
  mtimeSeconds: Math.max(0, mtimeSeconds),
});

const targetOf = (fs: ExtFileSystem, inode: ExtInode): string => {
  if (inode.size < mapBytes) return inode.map.toString("latin1", 0, inode.size);
  if (inode.size > 4096) throw extCorrupt("a symbolic link is too long");
  const parts = [...fs.content(inode)].map((part) => (typeof part === "number" ? Buffer.alloc(part) : part));
  return Buffer.concat(parts).toString("latin1");
};

/** `tell` gets a fraction, by a guess: how many files there are is only known at the end. */
export const copyExt = (fs: ExtFileSystem, tree: TreeWriter, tell: (fraction: number) => void): void => {
  const firstNames = new Map<number, string>();
  const seen = new Set<number>([rootInode]);
  let copied = 0;

  const copyFile = (path: string, inode: ExtInode): void => {
    const { writer } = tree.file(path, metadataOf(inode));
    try {
      for (const part of fs.content(inode)) {
        if (typeof part === "number") writer.hole(part);
        else writer.write(part);
      }
    } finally {
      writer.close();
    }
  };

  const left: { path: string; inode: ExtInode }[] = [{ path: "", inode: fs.inode(rootInode) }];
  const copy = (number: number, path: string): void => {
    const inode = fs.inode(number);
    const kind = inode.mode >> 12;
    const first = kind === kinds.directory ? undefined : firstNames.get(number);
    if (first !== undefined) tree.link(path, first);
    else if (kind === kinds.directory) {
      if (seen.has(number)) throw extCorrupt("a directory is in two places");
      seen.add(number);
      tree.directory(path, metadataOf(inode));
      if (path !== "lost+found") left.push({ path, inode });
    } else if (kind === kinds.symlink) tree.symlink(path, targetOf(fs, inode), metadataOf(inode));
    else if (kind === kinds.file) copyFile(path, inode);
    else tree.skip(path);
    if ((kind === kinds.file || kind === kinds.symlink) && inode.links > 1) firstNames.set(number, path);
    tell(1 - 1 / (1 + ++copied / 20_000));
  };

  tree.directory("", metadataOf(left[0]!.inode));
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (next.inode.mode >> 12 !== kinds.directory) throw extCorrupt("its root is not a directory");
    for (const { inode, name } of fs.list(next.inode)) {
      if (name === "" || name.includes("/")) throw unsafe("a name with a slash", name);
      copy(inode, next.path === "" ? name : `${next.path}/${name}`);
    }
  }
};
