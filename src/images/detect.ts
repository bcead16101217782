// What a file is, by its content and never by its name.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

export type Compression = "gzip" | "xz" | "zstd";
export type DiskFormat = "raw" | "qcow2" | "vhd" | "vhdx";
/** `dynamicVhd` tells a VHD whose blocks are scattered; a fixed one is a raw disk with a footer. */
export type Content =
  | { kind: "compressed"; by: Compression }
  | { kind: "tar" }
  | { kind: "disk"; format: DiskFormat; dynamicVhd?: boolean }
  | { kind: "unknown"; looksLike?: string };

/** So much of the beginning tells everything: the last magic is that of btrfs, after 64 KiB. */
export const headBytes = 68 * 1024;

const has = (head: Buffer, offset: number, magic: string | readonly number[]): boolean => {
  const bytes = typeof magic === "string" ? Buffer.from(magic, "latin1") : Buffer.from(magic);
  return head.length >= offset + bytes.length && head.compare(bytes, 0, bytes.length, offset, offset + bytes.length) === 0;
};

const compressionOf = (head: Buffer): Compression | undefined => {
  if (has(head, 0, [0x1f, 0x8b])) return "gzip";
  if (has(head, 0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])) return "xz";
  // A frame, or a frame to be skipped in front of it.
  const isSkippable = head.length >= 4 && (head.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50;
  return has(head, 0, [0x28, 0xb5, 0x2f, 0xfd]) || isSkippable ? "zstd" : undefined;
};

export type FileSystem = "ext" | "xfs" | "btrfs";
/** Of a partition, or of a disk without partitions. */
export const fileSystemOf = (head: Buffer): FileSystem | undefined => {
  if (has(head, 1024 + 56, [0x53, 0xef])) return "ext";
  if (has(head, 0, "XFSB")) return "xfs";
  return has(head, 65536 + 64, "_BHRfS_M") ? "btrfs" : undefined;
};

const isPartitioned = (head: Buffer): boolean => has(head, 510, [0x55, 0xaa]) || has(head, 512, "EFI PART") || has(head, 4096, "EFI PART");

const others: readonly (readonly [number, string, string])[] = [
  [0, "BZh", "a bzip2 archive; gzip, xz and zstd are known"],
  [0, "PK\x03\x04", "a zip archive"],
  [0, "hsqs", "a squashfs file system"],
  [0, "7z\xbc\xaf", "a 7-Zip archive"],
  [0, "<", "a page of text or XML, perhaps a server's message"],
  [0, "{", "a JSON document, perhaps a server's message"],
];

/** `tail` are the last 512 bytes, where they are known: there a fixed VHD says what it is. */
export const detectContent = (head: Buffer, tail?: Buffer): Content => {
  const by = compressionOf(head);
  if (by !== undefined) return { kind: "compressed", by };
  if (has(head, 257, "ustar")) return { kind: "tar" };
  if (has(head, 0, [0x51, 0x46, 0x49, 0xfb])) return { kind: "disk", format: "qcow2" };
  if (has(head, 0, "vhdxfile")) return { kind: "disk", format: "vhdx" };
  if (has(head, 0, "conectix")) return { kind: "disk", format: "vhd", dynamicVhd: true };
  if (tail !== undefined && has(tail, 0, "conectix")) return { kind: "disk", format: "vhd" };
  if (isPartitioned(head) || fileSystemOf(head) !== undefined) return { kind: "disk", format: "raw" };
  const other = others.find(([offset, magic]) => has(head, offset, magic));
  return { kind: "unknown", ...(other && { looksLike: other[2] }) };
};

export const readAt = (fd: number, position: number, length: number): Buffer => {
  const buffer = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const more = readSync(fd, buffer, read, length - read, position + read);
    if (more === 0) break;
    read += more;
  }
  return buffer.subarray(0, read);
};

export const detectFile = (path: string): Content => {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    return detectContent(readAt(fd, 0, headBytes), size >= 512 ? readAt(fd, size - 512, 512) : undefined);
  } finally {
    closeSync(fd);
  }
};
