// One file of a tree, made anew and written in order. Runs of zeros in large ones are left out, as holes.
import { closeSync, constants, fsyncSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** `hole` leaves out so many bytes, which read as zeros. */
export type FileWriter = { write(chunk: Buffer): void; hole(bytes: number): void; close(): void };

export type FileWriterOptions = {
  /** Throws when there is no room for so many bytes more. */
  use(bytes: number): void;
  /** Sets owner, permissions and time of the file when all of it is written. */
  setMetadata(fd: number): void;
  syncFiles: boolean;
};

/** From here on runs of zeros are left out: disk images are mostly that. */
const sparseFromBytes = 2 ** 20;
export const blockBytes = 4096;
const zeros = Buffer.alloc(blockBytes);

/** The file must not exist. */
export const openFileWriter = (path: Buffer, { use, setMetadata, syncFiles }: FileWriterOptions): FileWriter => {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  let size = 0;
  let [isOpen, hasHoles] = [true, false];

  const put = (chunk: Buffer, position: number): void => {
    use(chunk.length);
    for (let written = 0; written < chunk.length; ) written += writeSync(fd, chunk, written, chunk.length - written, position + written);
  };
  /** Where the blocks of zeros lie in the file is what counts, not how the chunks were cut. */
  const putSparsely = (chunk: Buffer): void => {
    for (let from = 0; from < chunk.length; ) {
      const end = Math.min(chunk.length, from + blockBytes - ((size + from) % blockBytes));
      const block = chunk.subarray(from, end);
      if (block.compare(zeros, 0, block.length) !== 0) put(block, size + from);
      from = end;
    }
  };

  return {
    write: (chunk) => {
      if (size >= sparseFromBytes && chunk.includes(zeros)) putSparsely(chunk);
      else put(chunk, size);
      size += chunk.length;
    },
    hole: (bytes) => {
      size += bytes;
      hasHoles = true;
    },
    close: () => {
      if (!isOpen) return;
      isOpen = false;
      try {
        if (hasHoles || size >= sparseFromBytes) ftruncateSync(fd, size);
        use((blockBytes - (size % blockBytes)) % blockBytes);
        setMetadata(fd);
        if (syncFiles) fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    },
  };
};
