// Programs of this machine that some image formats need. Looked for once; that one is missing is told when an image needs it.
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** Absolute paths; absent where the machine does not have the program. */
export type ImageTools = Partial<Record<keyof typeof programs, string>>;

const programs = {
  qemuImg: "qemu-img",
  mount: "mount",
  umount: "umount",
  losetup: "losetup",
  prlimit: "prlimit",
  sync: "sync",
  xz: "xz",
} as const;

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

/** What a program said when it failed, or did not end in time. Its text is not fit for users: it names paths of the server. */
export class ToolFailed extends Error {
  override readonly name = "ToolFailed";
  /** What it ended with; absent where it was ended or did not begin. */
  readonly status: number | undefined;
  constructor(message: string, status: number | undefined, cause: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

/** Runs it without a shell and with an empty environment. Gives what it wrote. Throws ToolFailed, or the reason of the signal. */
export const runTool = (
  program: string,
  args: readonly string[],
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal },
): Promise<string> =>
  new Promise((resolve, reject) => {
    const options = { env: { LC_ALL: "C" }, timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: 2 ** 20, encoding: "utf8" } as const;
    execFile(program, args, { ...options, ...(signal && { signal }) }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const status = typeof error.code === "number" ? error.code : undefined;
      reject(signal?.aborted ? signal.reason : new ToolFailed(stderr.trim().slice(0, 1000) || error.message, status, error));
    });
  });
