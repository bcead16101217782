// Removes a tree that a stranger's archive made: links are removed and never followed, and directories that do not let us in are opened first.
import { chmod, lstat, readdir, rm } from "node:fs/promises";

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
const child = (directory: Buffer, name: Buffer): Buffer => Buffer.concat([directory, Buffer.from("/"), name]);

/** Lets us into every directory below. Names are bytes: they need not be UTF-8. */
const openDirectories = async (directory: Buffer): Promise<void> => {
  const found = await lstat(directory);
  if (!found.isDirectory()) return;
  if ((found.mode & 0o700) !== 0o700) await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true, encoding: "buffer" }))
    if (entry.isDirectory()) await openDirectories(child(directory, entry.name));
};

/** Nothing happens when it does not exist. */
export const removeTree = async (path: string): Promise<void> => {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return;
    if (code !== "EACCES" && code !== "EPERM" && code !== "ENOTEMPTY") throw error;
    await openDirectories(Buffer.from(path));
    await rm(path, { recursive: true, force: true });
  }
};
