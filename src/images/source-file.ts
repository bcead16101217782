// `part/source`: the bytes as they come, with a note beside them (`part/source.json`) of what they are and how much of them is surely on the
// disk. The note is written after the bytes are: whoever goes on, after a crash or a power loss, trusts what the note says and no byte more.
import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { ImportFailed, insufficientStorage, isDiskFull } from "./failures.ts";
import type { ImportLimits } from "./limits.ts";
import type { ProgressReporter } from "./progress.ts";

export type SourceNote = {
  /** Names the source without its secrets; bytes of another one are of no use. */
  of: string;
  /** What tells one state of the source from another: an ETag, or the size and time of a file. */
  etag?: string;
  lastModified?: string;
  totalBytes?: number;
  syncedBytes: number;
  /** All of it is here, and this is its SHA-256 in hex. */
  sha256?: string;
};

export type SourceFile = {
  note: SourceNote;
  /** Bytes written, of which `note.syncedBytes` are durable. */
  bytes(): number;
  /** Forgets what is there: the source is another one now, or cannot be continued. */
  restart(note: Omit<SourceNote, "of" | "syncedBytes">): Promise<void>;
  write(chunk: Buffer): Promise<void>;
  /** Makes what came durable, so that a later call continues after it. */
  sync(): Promise<void>;
  /** All has come. The SHA-256 in hex. */
  finish(): Promise<string>;
  close(): Promise<void>;
};

export const sourcePath = (part: string): string => join(part, "source");
const notePath = (part: string): string => join(part, "source.json");

const readNote = async (part: string): Promise<SourceNote | undefined> => {
  try {
    const note = JSON.parse(await readFile(notePath(part), "utf8")) as SourceNote;
    return Number.isSafeInteger(note.syncedBytes) && note.syncedBytes >= 0 && typeof note.of === "string" ? note : undefined;
  } catch {
    return undefined;
  }
};

/** Adds the bytes that an earlier call left to the hash. Fewer than `length` when the file is shorter. */
const hashExisting = async (handle: FileHandle, length: number, hash: Hash, signal: AbortSignal): Promise<number> => {
  const buffer = Buffer.allocUnsafe(2 ** 18);
  let position = 0;
  while (position < length) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, length - position), position);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  return position;
};

const zeros = Buffer.alloc(2 ** 18);
const isZeros = (chunk: Buffer): boolean => chunk.length <= zeros.length && chunk.compare(zeros, 0, chunk.length) === 0;

const writeAll = async (handle: FileHandle, chunk: Buffer, position: number): Promise<void> => {
  for (let written = 0; written < chunk.length; )
    written += (await handle.write(chunk, written, chunk.length - written, position + written)).bytesWritten;
};

export type SourceFileServices = {
  clock: Clock;
  limits: ImportLimits;
  progress: ProgressReporter;
  freeBytes(directory: string): Promise<number>;
};

/** Opens what an earlier call left of the same source, or begins. One at a time may have it open. */
export const openSourceFile = async (
  part: string,
  of: string,
  { clock, limits, progress, freeBytes }: SourceFileServices,
  signal: AbortSignal,
): Promise<SourceFile> => {
  const earlier = await readNote(part);
  let note: SourceNote = earlier?.of === of ? earlier : { of, syncedBytes: 0 };
  const handle = await open(sourcePath(part), constants.O_RDWR | constants.O_CREAT, 0o600);
  let hash = createHash("sha256");
  let position = 0;
  /** The file is shorter than what came: the last of it were zeros. */
  let endsInHole = false;
  let syncedAt = clock.elapsed();

  const save = async (next: SourceNote): Promise<void> => {
    note = next;
    const draft = `${notePath(part)}.new`;
    await writeFile(draft, JSON.stringify(note), { mode: 0o600, flush: true });
    await rename(draft, notePath(part));
  };
  const checkSpace = async (neededBytes: number): Promise<void> => {
    if ((await freeBytes(part)) - limits.reserveBytes < neededBytes) throw insufficientStorage();
  };
  const makeDurable = async (): Promise<void> => {
    if (endsInHole) await handle.truncate(position);
    endsInHole = false;
    await handle.datasync();
  };
  const sync = async (): Promise<void> => {
    if (position === note.syncedBytes) return;
    syncedAt = clock.elapsed();
    await makeDurable();
    await save({ ...note, syncedBytes: position });
  };
  const restart: SourceFile["restart"] = async (next) => {
    await handle.truncate(0);
    position = 0;
    endsInHole = false;
    hash = createHash("sha256");
    await save({ ...next, of, syncedBytes: 0 });
    await checkSpace(note.totalBytes ?? 0);
  };

  try {
    // Of what is complete the digest is known.
    const isComplete = note.sha256 !== undefined && (await handle.stat()).size === note.syncedBytes;
    position = isComplete ? note.syncedBytes : await hashExisting(handle, note.syncedBytes, hash, signal);
    if (position < note.syncedBytes) await restart({});
    else {
      await handle.truncate(position);
      await checkSpace((note.totalBytes ?? position) - position);
      if (position > 0) progress.downloaded(position, note.totalBytes);
    }
  } catch (error) {
    await handle.close();
    throw error;
  }

  return {
    get note() {
      return note;
    },
    bytes: () => position,
    restart,
    sync,
    write: async (chunk) => {
      hash.update(chunk);
      try {
        // Disk images are mostly zeros: as holes they take no room.
        endsInHole = isZeros(chunk);
        if (!endsInHole) await writeAll(handle, chunk, position);
        position += chunk.length;
        // By the time too: over a slow line the bytes between two syncs are those of many minutes.
        if (position - note.syncedBytes >= limits.syncBytes || clock.elapsed() - syncedAt >= limits.syncMs) {
          await sync();
          await checkSpace(0);
        }
      } catch (error) {
        throw isDiskFull(error) ? insufficientStorage(error) : error;
      }
      progress.downloaded(position, note.totalBytes);
    },
    finish: async () => {
      if (note.totalBytes !== undefined && note.totalBytes !== position)
        throw new ImportFailed("ImageSourceUnreachable", "The image ended before all of it had come.");
      await makeDurable();
      const sha256 = hash.copy().digest("hex");
      await save({ ...note, totalBytes: position, syncedBytes: position, sha256 });
      progress.downloaded(position, position);
      return sha256;
    },
    close: () => handle.close(),
  };
};
