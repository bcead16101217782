// Removes a tree that a stranger's archive made: links are removed and never followed, and directories that do not let us in are opened first.
import { chmod, lstat, readdir, rm } from "node:fs/promises";

const child = (directory: Buffer, name: Buffer): Buffer => Buffer.concat([directory, Buffer.from("/"), name]);

/** Lets us into every directory below. Names are bytes: they need not be UTF-8. */
const openDirectories = async (path: Buffer): Promise<void> => {
  const left = [path];
  for (let directory = left.pop(); directory !== undefined; directory = left.pop()) {
    const { mode } = await lstat(directory);
    if ((mode & 0o700) !== 0o700) await chmod(directory, 0o700);
    for (const entry of await readdir(directory, { withFileTypes: true, encoding: "buffer" }))
      if (entry.isDirectory()) left.push(child(directory, entry.name));
  }
};

/** Nothing happens when it does not exist. */
export const removeTree = async (path: string): Promise<void> => {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  if (found === undefined) return;
  if (found.isDirectory() && process.getuid?.() !== 0) await openDirectories(Buffer.from(path));
  await rm(path, { recursive: true, force: true });
};
