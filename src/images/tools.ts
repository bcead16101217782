// Programs of this machine that some image formats need. Looked for once; that one is missing is told when an image needs it.
import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** Absolute paths; absent where the machine does not have the program. */
export type ImageTools = { qemuImg?: string; mount?: string; umount?: string; losetup?: string; xz?: string };

const programs = { qemuImg: "qemu-img", mount: "mount", umount: "umount", losetup: "losetup", xz: "xz" } as const;

/** In the directories of `path` (the operator's PATH), then where administration programs are, which a user's PATH often leaves out. */
export const findImageTools = (path: string): ImageTools => {
  const directories = [...path.split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].filter(isAbsolute);
  const find = (name: string): string | undefined => directories.map((directory) => join(directory, name)).find(isExecutable);
  return Object.fromEntries(
    Object.entries(programs).flatMap(([key, name]) => {
      const found = find(name);
      return found === undefined ? [] : [[key, found]];
    }),
  );
};

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};
