// Uploads a task's output files after its process has ended. Reads nothing outside the node's root and follows no link out of it.
import { type Dirent, constants as fsConstants } from "node:fs";
import { appendFile, lstat, open, readdir, realpath, stat, unlink } from "node:fs/promises";
import { isAbsolute, join, resolve, sep } from "node:path";
import type { Failure, OutputFileOrder } from "../api/agent/messages.ts";
import { AddressRefused, type UrlPolicy } from "../lib/addresses.ts";
import { type Bounded, bounded } from "../lib/bounded.ts";
import { withoutOuterSlashes } from "../lib/slashes.ts";
import { BlobError, uploadFile } from "../storage/blobs.ts";
import { TransferFailed, type UploadFailureCode, uploadFailed, withoutSecrets } from "./failures.ts";
import { expandVariables, type FilePattern, parsePattern } from "./file-patterns.ts";
import { isOpenedBelow, isOwnPath } from "./links.ts";
import { type Patience, withRetries } from "./retry.ts";

export type Uploading = {
  /** Absolute: the task's directory, and the node's root that nothing may leave. */
  taskDirectory: string;
  nodeRoot: string;
  environment: Record<string, string>;
  policy: UrlPolicy;
  patience: Patience;
  signal: AbortSignal;
  /** Shared by the tasks of a node. */
  uploads: Bounded;
};

type Match = { path: string; relative: string };

/** Files of all tasks of a node that are uploaded at once; each node has its own, as with downloads (resource-files.ts). */
export const uploadsOfNode = (): Bounded => bounded(8);

const inside = (root: string, path: string): boolean => path === root || path.startsWith(root === sep ? sep : root + sep);

/**
 * Files below `directory` that the remaining steps match. Links to directories are not entered. `seen` keeps patterns with several `**` from
 * searching a directory for the same thing twice.
 */
async function* search(directory: string, relative: string, steps: FilePattern["steps"], seen: Set<string>): AsyncGenerator<Match> {
  const visit = `${steps.length} ${directory}`;
  if (seen.has(visit)) return;
  seen.add(visit);
  const [step, ...rest] = steps;
  if (step === "**") yield* search(directory, relative, rest, seen);
  const entries: Dirent[] = await readdir(directory, { withFileTypes: true }).catch(() => []);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(directory, entry.name);
    const below = relative === "" ? entry.name : `${relative}/${entry.name}`;
    if (step === "**") {
      if (entry.isDirectory() && !entry.name.startsWith(".")) yield* search(path, below, steps, seen);
    } else if (step?.(entry.name)) {
      if (rest.length === 0 && !entry.isDirectory()) yield { path, relative: below };
      if (rest.length > 0 && entry.isDirectory()) yield* search(path, below, rest, seen);
    }
  }
}

const targetName = (order: OutputFileOrder, pattern: FilePattern, match: Match): string => {
  const path = order.path === undefined ? "" : withoutOuterSlashes(order.path);
  if (path === "") return match.relative;
  return pattern.wildcard ? `${path}/${match.relative}` : path;
};

const why = (error: unknown): string =>
  error instanceof BlobError || error instanceof AddressRefused
    ? error.message
    : `The system answered ${(error as NodeJS.ErrnoException).code ?? "an error"}.`;

const codeOf = (error: unknown): UploadFailureCode => {
  if (error instanceof AddressRefused) return "FileUploadAccessDenied";
  if (!(error instanceof BlobError)) return "FileUploadMiscError";
  if (error.status === 404) return "FileUploadContainerNotFound";
  return error.status === 401 || error.status === 403 ? "FileUploadAccessDenied" : "FileUploadMiscError";
};

/** What the user may not set, because it says how the bytes travel or who asks. */
const reserved =
  /^(host|connection|content-length|transfer-encoding|authorization|x-ms-blob-type|x-ms-version|expect|trailer|upgrade|te)$/i;

const headersOf = (order: OutputFileOrder): Record<string, string> =>
  Object.fromEntries((order.headers ?? []).filter(({ name }) => !reserved.test(name)).map(({ name, value }) => [name, value]));

type Logs = { out(line: string): Promise<void>; error(line: string): Promise<void> };

/** fileuploadout.txt and fileuploaderr.txt, made before anything is matched: patterns may name them. */
const openLogs = async (directory: string): Promise<Logs> => {
  const create = async (name: string): Promise<(line: string) => Promise<void>> => {
    const path = join(directory, name);
    await unlink(path).catch(() => undefined);
    const { O_WRONLY, O_CREAT, O_EXCL } = fsConstants;
    await (await open(path, O_WRONLY | O_CREAT | O_EXCL, 0o644)).close();
    return (line) => appendFile(path, `${line}\n`, { flag: O_WRONLY | fsConstants.O_APPEND | fsConstants.O_NOFOLLOW });
  };
  return { out: await create("fileuploadout.txt"), error: await create("fileuploaderr.txt") };
};

type OpenedFile = { path: string; size: number; close(): Promise<void> };

/**
 * Undefined for what has no contents to upload. The path given back is of the file that was opened and checked, so that what a running task
 * puts in its place meanwhile is not uploaded instead.
 */
const openMatch = async (found: string, root: string): Promise<OpenedFile | undefined> => {
  const path = await realpath(found);
  if (!(await stat(path)).isFile()) return undefined; // devices and pipes have no contents, directories are no files
  const outside = new AddressRefused("The file is a link out of the node's root directory.");
  if (!inside(root, path)) throw outside;
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = fsConstants;
  const file = await open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    const info = await file.stat();
    if (!isOpenedBelow(root, file.fd)) throw outside;
    const opened = process.platform === "linux" ? `/proc/self/fd/${file.fd}` : path;
    if (info.isFile()) return { path: opened, size: info.size, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
};

const uploadMatch = async (
  order: OutputFileOrder,
  pattern: FilePattern,
  match: Match,
  root: string,
  uploading: Uploading,
  logs: Logs,
): Promise<void> => {
  const name = targetName(order, pattern, match);
  try {
    const file = await openMatch(match.path, root);
    if (file === undefined) return;
    try {
      const target = { containerUrl: order.containerUrl, name, headers: headersOf(order) };
      await withRetries(uploading.patience, uploading.signal, () =>
        uploadFile({ path: file.path, size: file.size }, target, uploading.policy, { signal: uploading.signal }),
      );
      await logs.out(`uploaded ${match.relative} (${file.size} bytes) to ${withoutSecrets(order.containerUrl)}/${name}`);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (uploading.signal.aborted || (error as NodeJS.ErrnoException).code === "ENOENT") throw error;
    await logs.error(`could not upload ${match.relative} to ${withoutSecrets(order.containerUrl)}/${name}: ${why(error)}`);
    throw new TransferFailed(uploadFailed(codeOf(error), order.containerUrl, match.relative, why(error)));
  }
};

const uploadOrder = async (order: OutputFileOrder, root: string, uploading: Uploading, logs: Logs): Promise<void> => {
  const expanded = expandVariables(order.filePattern, uploading.environment);
  const pattern = parsePattern(expanded);
  const refuse = (reason: string): TransferFailed =>
    new TransferFailed(uploadFailed("FileUploadMiscError", order.containerUrl, order.filePattern, reason));
  if (pattern === undefined) throw refuse("The file pattern names no file.");
  const base = isAbsolute(pattern.base) ? pattern.base : resolve(uploading.taskDirectory, "wd", pattern.base);
  const realBase = await realpath(base).catch(() => undefined);
  if (!inside(uploading.nodeRoot, resolve(base)) || (realBase !== undefined && !inside(root, realBase))) {
    await logs.error(`${order.filePattern}: outside the node's root directory`);
    throw refuse("The file pattern leaves the node's root directory.");
  }
  const found = new Map<string, Match>(); // two "**" can reach one file on two ways
  if (realBase !== undefined && pattern.wildcard)
    for await (const match of search(realBase, "", pattern.steps, new Set())) found.set(match.path, match);
  else if (realBase !== undefined) {
    const path = join(realBase, pattern.fileName);
    const kind = await lstat(path).catch(() => undefined);
    if (kind !== undefined && !kind.isDirectory()) found.set(path, { path, relative: pattern.fileName });
  }
  const matches = [...found.values()];
  if (matches.length === 0) await logs.out(`${order.filePattern}: no file matches`);
  const ends = await Promise.allSettled(
    matches.map((match) => uploading.uploads(() => uploadMatch(order, pattern, match, root, uploading, logs))),
  );
  const failed = ends.find((end) => end.status === "rejected" && (end.reason as NodeJS.ErrnoException).code !== "ENOENT");
  if (failed?.status === "rejected") throw failed.reason;
};

const isMeant = (condition: string, succeeded: boolean): boolean =>
  condition === "taskcompletion" || condition === (succeeded ? "tasksuccess" : "taskfailure");

/** Those whose condition holds. */
export const wantedOutputFiles = (orders: OutputFileOrder[], succeeded: boolean): OutputFileOrder[] =>
  orders.filter((order) => isMeant(order.uploadCondition, succeeded));

/** Uploads all, one order after the other, going on after a failure; gives the first failure. Rejects only when `signal` was aborted. */
export const uploadOutputFiles = async (orders: OutputFileOrder[], uploading: Uploading): Promise<Failure | undefined> => {
  let first: Failure | undefined;
  try {
    const root = await realpath(uploading.nodeRoot);
    if (!isOwnPath(uploading.nodeRoot, uploading.taskDirectory)) {
      throw new AddressRefused("A symbolic link is in the place of the task's directory.");
    }
    const logs = await openLogs(uploading.taskDirectory);
    for (const order of orders) {
      try {
        await uploadOrder(order, root, uploading, logs);
      } catch (error) {
        uploading.signal.throwIfAborted();
        if (!(error instanceof TransferFailed)) throw error;
        first ??= error.failure;
      }
    }
    return first;
  } catch (error) {
    uploading.signal.throwIfAborted();
    return first ?? uploadFailed("FileUploadMiscError", orders[0]?.containerUrl ?? "", orders[0]?.filePattern ?? "", why(error));
  }
};
