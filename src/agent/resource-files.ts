// Brings a task's resource files into its working directory. Paths and URLs are the user's, so neither may leave where it belongs.
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, realpath, rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Failure, ResourceFileOrder } from "../api/agent/messages.ts";
import { AddressRefused, type UrlPolicy } from "../lib/addresses.ts";
import { type Bounded, bounded } from "../lib/bounded.ts";
import { BlobError, blobUrl, downloadUrl, listBlobs } from "../storage/blobs.ts";
import { type DownloadFailureCode, downloadFailed, TransferFailed } from "./failures.ts";
import { isOpenedBelow } from "./links.ts";
import { type Patience, withRetries } from "./retry.ts";

export type Staging = {
  workingDirectory: string;
  policy: UrlPolicy;
  patience: Patience;
  signal: AbortSignal;
  /** Shared by the tasks of a node. */
  downloads: Bounded;
};

/** The documented default mode. */
const defaultMode = 0o770;
/**
 * Files of all tasks of a node that are downloaded at once, so that a thousand small files need few sockets and little memory. Each node has
 * its own: a server that gives its bytes one by one keeps only those waiting who share the node with whoever named it.
 */
export const downloadsOfNode = (): Bounded => bounded(16);

/** Parts of a relative path that stays inside, or undefined. A backslash separates too: the same orders are used for Windows nodes. */
export const safeParts = (path: string): string[] | undefined => {
  if (path.startsWith("/") || path.includes("\0")) return undefined;
  const parts = path.split(/[/\\]/).filter((part) => part !== "" && part !== ".");
  return parts.includes("..") || parts.some((part) => Buffer.byteLength(part) > 255) ? undefined : parts;
};

const modeOf = (text: string | undefined): number =>
  text !== undefined && /^[0-7]{1,4}$/.test(text) ? Number.parseInt(text, 8) : defaultMode;

/** Makes the directories one by one; a symbolic link on the way (an earlier attempt may have left one) is refused, not followed. */
const makeDirectories = async (root: string, parts: string[]): Promise<string> => {
  let path = root;
  for (const part of parts) {
    path = join(path, part);
    await mkdir(path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST" || !(await lstat(path)).isDirectory()) throw error;
    });
  }
  return path;
};

/** A new file in place of what was there; never through a link, also not through one that a running task puts there at this moment. */
const createFile = async (root: string, path: string, mode: number): Promise<FileHandle> => {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  if (!isOpenedBelow(root, file.fd)) {
    await file.close();
    throw new AddressRefused("The way to the file leads out of the task's working directory.");
  }
  await file.chmod(mode); // not through the umask
  return file;
};

const why = (error: unknown): string => {
  const code = (error as NodeJS.ErrnoException).code;
  return error instanceof BlobError || error instanceof AddressRefused ? error.message : `The system answered ${code ?? "an error"}.`;
};

const codeOf = (error: unknown, denied: DownloadFailureCode): DownloadFailureCode => {
  if (error instanceof AddressRefused) return denied;
  if (!(error instanceof BlobError)) return "BlobDownloadMiscError";
  if (error.timedOut) return "BlobDownloadTimedOut";
  if (error.status === 404) return "BlobNotFound";
  // 409 is what a storage account without public access answers to an unsigned request.
  return error.status === 401 || error.status === 403 || error.status === 409 ? denied : "BlobDownloadMiscError";
};

/** Runs a step of the work on the disk; its failure has a name of its own. */
const onDisk = async <T>(code: DownloadFailureCode, source: string, filePath: string, step: () => Promise<T>): Promise<T> => {
  try {
    return await step();
  } catch (error) {
    throw new TransferFailed(downloadFailed(code, source, filePath, why(error)));
  }
};

const copyInto = async (body: Readable, file: FileHandle, onWriteError: (error: unknown) => never): Promise<void> => {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    const next = await chunks.next().catch((cause) => {
      throw cause instanceof BlobError ? cause : new BlobError("the transfer broke off", 0, { cause });
    });
    if (next.done === true) return;
    await file.writeFile(next.value).catch(onWriteError);
  }
};

const fetchFile = async (url: string, filePath: string, mode: number, staging: Staging): Promise<void> => {
  const parts = safeParts(filePath);
  const name = parts?.pop();
  if (parts === undefined || name === undefined) {
    const reason = "The file path is empty or leaves the task's working directory.";
    throw new TransferFailed(downloadFailed("ResourceFileCreateFailed", url, filePath, reason));
  }
  const directory = await onDisk("ResourceDirectoryCreateFailed", url, filePath, () => makeDirectories(staging.workingDirectory, parts));
  const path = join(directory, name);
  try {
    await withRetries(staging.patience, staging.signal, async () => {
      const body = await downloadUrl(url, staging.policy, staging.signal);
      const file = await onDisk("ResourceFileCreateFailed", url, filePath, () => createFile(staging.workingDirectory, path, mode)).catch(
        (error) => {
          body.destroy();
          throw error;
        },
      );
      try {
        await copyInto(body, file, (error) => {
          throw new TransferFailed(downloadFailed("ResourceFileWriteFailed", url, filePath, why(error)));
        });
      } finally {
        await file.close();
      }
    });
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    if (error instanceof TransferFailed || staging.signal.aborted) throw error;
    throw new TransferFailed(downloadFailed(codeOf(error, "BlobAccessDenied"), url, filePath, why(error)));
  }
};

const fetchContainer = async (containerUrl: string, order: ResourceFileOrder, staging: Staging): Promise<void> => {
  let names: string[];
  try {
    names = await withRetries(staging.patience, staging.signal, () =>
      staging.downloads(() => Array.fromAsync(listBlobs(containerUrl, order.blobPrefix ?? "", staging.policy, staging.signal))),
    );
  } catch (error) {
    if (staging.signal.aborted) throw error;
    throw new TransferFailed(downloadFailed(codeOf(error, "ResourceContainerAccessDenied"), containerUrl, order.filePath, why(error)));
  }
  const below = order.filePath ? `${order.filePath}/` : "";
  const mode = modeOf(order.fileMode);
  // A name that ends with a slash is how tools mark an empty directory; there is no file to write for it.
  const files = names.filter((name) => !name.endsWith("/"));
  await allOrFirstFailure(
    files.map((name) => () => staging.downloads(() => fetchFile(blobUrl(containerUrl, name), below + name, mode, staging))),
  );
};

/** Waits for all, so that nothing still writes when the first failure is reported. */
const allOrFirstFailure = async (works: (() => Promise<void>)[]): Promise<void> => {
  const ends = await Promise.allSettled(works.map((work) => work()));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
};

const fetchOne = (order: ResourceFileOrder, staging: Staging): Promise<void> => {
  const { httpUrl, storageContainerUrl } = order;
  if (httpUrl !== undefined) return staging.downloads(() => fetchFile(httpUrl, order.filePath ?? "", modeOf(order.fileMode), staging));
  if (storageContainerUrl !== undefined) return fetchContainer(storageContainerUrl, order, staging);
  const { problem } = order;
  const failure =
    problem === undefined
      ? downloadFailed("BlobDownloadMiscError", "", order.filePath, "The resource file names no source.")
      : downloadFailed("ResourceContainerAccessDenied", "", order.filePath, problem);
  return Promise.reject(new TransferFailed(failure));
};

/** Undefined when all files are there; a Failure is the task's. Rejects only when `signal` was aborted. */
export const stageResourceFiles = async (orders: ResourceFileOrder[], asked: Staging): Promise<Failure | undefined> => {
  if (orders.length === 0) return undefined;
  const staging = { ...asked, workingDirectory: await realpath(asked.workingDirectory) };
  try {
    await allOrFirstFailure(orders.map((order) => () => fetchOne(order, staging)));
    return undefined;
  } catch (error) {
    staging.signal.throwIfAborted();
    if (error instanceof TransferFailed) return error.failure;
    throw error;
  }
};
