// The bytes of a file, decompressed: gzip and zstd by Node.js, xz by the program of that name (half as fast again, and it knows every filter and
// check) or, without it, by WebAssembly. Whatever is wrong with the bytes is ImageArchiveCorrupt.
import { spawn } from "node:child_process";
import { closeSync, createReadStream, fstatSync, openSync } from "node:fs";
import { Readable, type Transform } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import zlib from "node:zlib";
import xzDecompress from "xz-decompress";
import { type Compression, readAt } from "./detect.ts";
import { ImportFailed } from "./failures.ts";

export type Decompressing = {
  /** The program, where this machine has it. */
  xz?: string;
  /** Told how many bytes of the file have been read. */
  read(bytes: number): void;
};

const chunkBytes = 2 ** 18;
/** For a hostile archive: `xz` refuses to use more memory. The largest preset needs 65 MiB. */
const xzMemory = "256MiB";

const corrupt = (by: Compression, cause: unknown): ImportFailed =>
  new ImportFailed("ImageArchiveCorrupt", `The image is damaged or incomplete: its ${by} data cannot be decompressed to the end.`, {
    cause,
  });

/** From `start` on. */
const fileStream = (path: string, { read }: Decompressing, start = 0): Readable => {
  const stream = createReadStream(path, { start, highWaterMark: chunkBytes });
  let bytes = start;
  stream.on("data", (chunk) => {
    bytes += chunk.length;
    read(bytes);
  });
  return stream.pause();
};

/** Pipes and gives what comes out. Errors of either end are the reader's. */
async function* through(source: Readable, transform: Transform): AsyncGenerator<Buffer> {
  source.on("error", (error) => transform.destroy(error));
  source.pipe(transform);
  try {
    for await (const chunk of transform as AsyncIterable<Buffer>) yield chunk;
  } finally {
    source.destroy();
    // What follows the end of the data (another frame, say) is an error to the transform, which nobody waits for any more.
    transform.on("error", () => {});
    transform.destroy();
  }
}

/** Node.js ends after the first frame of several (pzstd writes those), so each is begun anew where the one before ended. */
async function* zstdFrames(path: string, options: Decompressing): AsyncGenerator<Buffer> {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    for (let start = 0; start < size; ) {
      const header = readAt(fd, start, 8);
      if (header.length === 8 && (header.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50) {
        start += 8 + header.readUInt32LE(4);
        continue;
      }
      const frame = zlib.createZstdDecompress({ chunkSize: chunkBytes });
      yield* through(fileStream(path, options, start), frame);
      if (frame.bytesWritten === 0) throw new Error("a frame without bytes");
      start += frame.bytesWritten;
    }
  } finally {
    closeSync(fd);
  }
}

async function* xzProgram(path: string, program: string, options: Decompressing): AsyncGenerator<Buffer> {
  const child = spawn(program, ["--decompress", "--stdout", "--threads=1", `--memlimit-decompress=${xzMemory}`], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {},
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  ended.catch(() => {});
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString("latin1")).slice(0, 500);
  });
  const source = fileStream(path, options);
  child.stdin.on("error", () => source.destroy());
  source.pipe(child.stdin);
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) yield chunk;
    if ((await ended) !== 0) throw new Error(said);
  } finally {
    source.destroy();
    child.kill("SIGKILL");
  }
}

async function* xzHere(path: string, options: Decompressing): AsyncGenerator<Buffer> {
  const source = fileStream(path, options);
  try {
    const compressed = Readable.toWeb(source) as unknown as ConstructorParameters<typeof xzDecompress.XzReadableStream>[0];
    for await (const chunk of new xzDecompress.XzReadableStream(compressed) as unknown as ReadableStream<Uint8Array>)
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  } catch (error) {
    if (/error code 6\b/.test((error as Error).message))
      throw new ImportFailed(
        "ImageFormatNotSupportedHere",
        "The image's xz data uses a filter or a check that needs the program xz (package xz-utils), which this server does not have.",
      );
    throw error;
  } finally {
    source.destroy();
  }
}

const decompressor = (path: string, by: Compression, options: Decompressing): AsyncGenerator<Buffer> => {
  if (by === "gzip") return through(fileStream(path, options), zlib.createGunzip({ chunkSize: chunkBytes }));
  if (by === "zstd") return zstdFrames(path, options);
  return options.xz === undefined ? xzHere(path, options) : xzProgram(path, options.xz, options);
};

/** The file's bytes, decompressed where `by` says so. Closing the generator closes everything behind it. */
export async function* decompress(path: string, by: Compression | undefined, options: Decompressing): AsyncGenerator<Buffer> {
  if (by === undefined) {
    for await (const chunk of fileStream(path, options) as AsyncIterable<Buffer>) yield chunk;
    return;
  }
  const chunks = decompressor(path, by, options);
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        throw error instanceof ImportFailed ? error : corrupt(by, error);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await chunks.return(undefined);
  }
}
