// Answers the file requests of the control plane: lists, properties, contents and deletion below one node's root, and nothing outside it.
import { constants, createReadStream, type Dirent, type Stats } from "node:fs";
import { lstat, open, readdir, realpath, rm, rmdir, unlink } from "node:fs/promises";
import { join, sep } from "node:path";
import type { Readable } from "node:stream";
import type { FileAnswer, FileEntry, FileRequest } from "../api/agent/messages.ts";
import { isOpenedBelow, realRoot } from "./links.ts";

export type FileReply = { answer: FileAnswer; contents?: Readable; length?: number };

type Refusal = Extract<FileAnswer, { type: "refused" }>["reason"];

class Refused extends Error {
  override readonly name = "Refused";
  readonly reason: Refusal;
  constructor(reason: Refusal, message: string) {
    super(message);
    this.reason = reason;
  }
}

const entryOf = (name: string, info: Stats): FileEntry => ({
  name,
  isDirectory: info.isDirectory(),
  size: info.isDirectory() ? 0 : info.size,
  modifiedAt: Math.floor(info.mtimeMs),
  mode: `0o${info.mode.toString(8)}`,
});

/** Parts below the root. A path that would climb is refused before the disk is asked, so that nobody learns what exists elsewhere. */
const partsOf = (path: string): string[] => {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (path.includes("\0") || parts.includes("..")) throw new Refused("denied", "The path leaves the node's root directory.");
  return parts;
};

const inside = (root: string, path: string): boolean => path === root || path.startsWith(root + sep);

/** The real place of a path whose links, if any, stay inside the root. */
const locate = async (root: string, parts: string[]): Promise<string> => {
  const real = await realpath(join(root, ...parts));
  if (!inside(root, real)) throw new Refused("denied", "The path leaves the node's root directory.");
  return real;
};

/** An answer is one message, and one that is too long ends the connection of all the agent's nodes: about 100,000 files of usual names. */
const longestList = 16 * 1024 * 1024;

type Listing = { entries: FileEntry[]; length: number };

const addTo = (listing: Listing, entry: FileEntry): void => {
  listing.entries.push(entry);
  listing.length += Buffer.byteLength(JSON.stringify(entry));
  if (listing.length > longestList) throw new Refused("failed", "There are more files than can be listed at once.");
};

/** Names are relative to what was listed. A link is shown as what it leads to when that is inside, left out otherwise, and never entered. */
const listInto = async (listing: Listing, root: string, directory: string, prefix: string, recursive: boolean): Promise<void> => {
  const children: Dirent[] = await readdir(directory, { withFileTypes: true });
  for (const child of children.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, child.name);
    const name = prefix + child.name;
    const target = child.isSymbolicLink() ? await locate(root, [...relativeTo(root, path)]).catch(() => undefined) : path;
    // What vanished meanwhile is not listed; tasks delete files while we look.
    const info = target === undefined ? undefined : await lstat(target).catch(() => undefined);
    if (info === undefined || !(info.isFile() || info.isDirectory())) continue;
    addTo(listing, entryOf(name, info));
    if (!recursive || !child.isDirectory()) continue;
    await listInto(listing, root, path, `${name}/`, true).catch((error: unknown) => {
      if (error instanceof Refused) throw error;
    });
  }
};

const relativeTo = (root: string, path: string): string[] => path.slice(root.length + 1).split(sep);

type Part = { start?: number; end?: number };

const read = async (root: string, path: string, name: string, { start, end }: Part): Promise<FileReply> => {
  // Not blocking: opening a pipe that nobody writes to would wait for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const info = await file.stat();
    // A running task may have put a link on the way since the path was looked at.
    if (!isOpenedBelow(root, file.fd)) throw new Refused("denied", "The path leaves the node's root directory.");
    if (info.isDirectory()) throw new Refused("isDirectory", "The path is a directory.");
    if (!info.isFile()) throw new Refused("notFound", "The path is not a regular file.");
    const first = start ?? 0;
    const last = Math.min(end ?? info.size - 1, info.size - 1);
    if (first < 0 || (start !== undefined && first >= info.size) || (end !== undefined && end < first)) {
      throw new Refused("invalidRange", "The range is outside the file.");
    }
    const length = Math.max(0, last - first + 1);
    const answer: FileAnswer = { type: "entry", entry: entryOf(name, info) };
    if (length === 0) {
      await file.close();
      return { answer, length };
    }
    return { answer, length, contents: createReadStream(path, { fd: file, start: first, end: last }) };
  } catch (error) {
    await file.close();
    throw error;
  }
};

const remove = async (root: string, parts: string[], recursive: boolean): Promise<void> => {
  if (parts.length === 0) throw new Refused("denied", "The node's root directory cannot be deleted.");
  // The parent must be inside; the last part is removed as it is, so that a link goes and not what it leads to.
  const parent = await locate(root, parts.slice(0, -1));
  const path = join(parent, parts.at(-1)!);
  const info = await lstat(path);
  if (!info.isDirectory()) return unlink(path);
  if (recursive) return rm(path, { recursive: true });
  await rmdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOTEMPTY" || error.code === "EEXIST") throw new Refused("notEmpty", "The directory is not empty.");
    throw error;
  });
};

const answer = async (root: string, request: FileRequest): Promise<FileReply> => {
  const parts = partsOf(request.path);
  const name = parts.join("/");
  if (request.type === "delete") {
    await remove(root, parts, request.recursive);
    return { answer: { type: "done" } };
  }
  const path = await locate(root, parts);
  if (request.type === "read") return read(root, path, name, request);
  const info = await lstat(path);
  if (request.type === "stat") return { answer: { type: "entry", entry: entryOf(name, info) } };
  if (!info.isDirectory()) throw new Refused("notFound", "The path is not a directory.");
  const listing: Listing = { entries: [], length: 0 };
  await listInto(listing, root, path, "", request.recursive);
  return { answer: { type: "entries", entries: listing.entries } };
};

const notFound = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP"]);

/** Never rejects: what goes wrong is an answer. `nodeRoot` is absolute. The contents are of the size the file had when it was asked for. */
export const answerFileRequest = async (nodeRoot: string, request: FileRequest): Promise<FileReply> => {
  try {
    return await answer(realRoot(nodeRoot), request);
  } catch (error) {
    if (error instanceof Refused) return { answer: { type: "refused", reason: error.reason, message: error.message } };
    const code = (error as NodeJS.ErrnoException).code ?? "an error";
    if (notFound.has(code)) return { answer: { type: "refused", reason: "notFound", message: "There is no such file." } };
    return { answer: { type: "refused", reason: "failed", message: `The system answered ${code}.` } };
  }
};
