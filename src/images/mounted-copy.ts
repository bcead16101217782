// Copies a file system that is mounted (read-only) through the tree writer: by the same rules as an archive, so devices stay out and nothing is
// followed. Stays within the file system.
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import type { Metadata, TreeWriter } from "./tree-writer.ts";

/** `tell` gets a fraction, by a guess: how many files there are is only known at the end. */
export const copyMounted = (directory: string, tree: TreeWriter, tell: (fraction: number) => void): void => {
  const at = (path: string): Buffer => Buffer.concat([Buffer.from(`${directory}/`, "utf8"), Buffer.from(path, "latin1")]);
  const { dev } = lstatSync(at(""));
  const firstNames = new Map<number, string>();
  const buffer = Buffer.allocUnsafe(2 ** 20);
  let copied = 0;

  const copyFile = (path: string, metadata: Metadata): void => {
    const fd = openSync(at(path), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { writer } = tree.file(path, metadata);
      try {
        for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer)) writer.write(buffer.subarray(0, read));
      } finally {
        writer.close();
      }
    } finally {
      closeSync(fd);
    }
  };

  const left = [""];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    for (const name of readdirSync(at(path), { encoding: "latin1" })) {
      const child = path === "" ? name : `${path}/${name}`;
      const found = lstatSync(at(child));
      const metadata = { mode: found.mode & 0o7777, uid: found.uid, gid: found.gid, mtimeSeconds: found.mtimeMs / 1000 };
      const first = found.nlink > 1 && !found.isDirectory() ? firstNames.get(found.ino) : undefined;
      if (first !== undefined) tree.link(child, first);
      else if (found.isDirectory()) {
        tree.directory(child, metadata);
        if (found.dev === dev && child !== "lost+found") left.push(child);
      } else if (found.isSymbolicLink()) tree.symlink(child, readlinkSync(at(child), "latin1"), metadata);
      else if (found.isFile()) {
        copyFile(child, metadata);
        if (found.nlink > 1) firstNames.set(found.ino, child);
      } else tree.skip(child);
      tell(1 - 1 / (1 + ++copied / 20_000));
    }
  }
};
