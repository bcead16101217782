// Where on a disk its root file system is: partition tables (GPT, MBR) and the file systems in them, read as the bytes they are.
import { type FileSystem, fileSystemOf, headBytes, readAt } from "./detect.ts";
import { ImportFailed } from "./failures.ts";

export type FoundFileSystem = { fileSystem: FileSystem; offsetBytes: number; sizeBytes: number };
type Partition = { offsetBytes: number; sizeBytes: number };

const mostPartitions = 256;

/** GPT, with sectors of 512 or 4096 bytes: the second sector is its header. */
const gptPartitions = (fd: number, diskBytes: number): Partition[] | undefined => {
  for (const sector of [512, 4096]) {
    const header = readAt(fd, sector, 92);
    if (header.length < 92 || header.toString("latin1", 0, 8) !== "EFI PART") continue;
    const start = Number(header.readBigUInt64LE(72)) * sector;
    const count = Math.min(header.readUInt32LE(80), mostPartitions);
    const size = header.readUInt32LE(84);
    if (size < 128 || size > 4096 || !(start < diskBytes)) return [];
    const table = readAt(fd, start, count * size);
    return Array.from({ length: Math.floor(table.length / size) }, (_, index) => table.subarray(index * size, (index + 1) * size))
      .filter((entry) => !entry.subarray(0, 16).every((byte) => byte === 0))
      .map((entry) => {
        const [first, last] = [Number(entry.readBigUInt64LE(32)), Number(entry.readBigUInt64LE(40))];
        return { offsetBytes: first * sector, sizeBytes: (last - first + 1) * sector };
      });
  }
  return undefined;
};

const extended = new Set([0x05, 0x0f, 0x85]);

type MbrEntry = { type: number; offsetBytes: number; sizeBytes: number };
const mbrEntries = (fd: number, at: number): MbrEntry[] => {
  const record = readAt(fd, at, 512);
  if (record.length < 512 || record.readUInt16LE(510) !== 0xaa55) return [];
  return [446, 462, 478, 494]
    .map((offset) => ({
      type: record[offset + 4]!,
      offsetBytes: record.readUInt32LE(offset + 8) * 512,
      sizeBytes: record.readUInt32LE(offset + 12) * 512,
    }))
    .filter(({ type, sizeBytes }) => type !== 0 && sizeBytes > 0);
};

/** MBR, with the chain of logical partitions within an extended one; a chain that goes in a circle ends. */
const mbrPartitions = (fd: number): Partition[] => {
  const found: Partition[] = [];
  for (const entry of mbrEntries(fd, 0)) {
    if (!extended.has(entry.type)) found.push(entry);
    else {
      for (let [at, left] = [entry.offsetBytes, 64]; left > 0; left--) {
        const [logical, next] = mbrEntries(fd, at);
        if (logical === undefined) break;
        if (!extended.has(logical.type)) found.push({ offsetBytes: at + logical.offsetBytes, sizeBytes: logical.sizeBytes });
        const link = [logical, next].find((other) => other !== undefined && extended.has(other.type));
        if (link === undefined) break;
        at = entry.offsetBytes + link.offsetBytes;
      }
    }
  }
  return found;
};

const isLvm = (head: Buffer): boolean => [0, 512, 1024, 1536].some((at) => head.toString("latin1", at, at + 8) === "LABELONE");

const nothing = (why: string): ImportFailed =>
  new ImportFailed("ImageNotLinuxRootfs", `The disk image has no Linux file system that can be read: ${why}.`);

/** The largest Linux file system of the disk. Throws ImportFailed when there is none. */
export const findRootFileSystem = (fd: number, diskBytes: number): FoundFileSystem => {
  const whole = { offsetBytes: 0, sizeBytes: diskBytes };
  const bare = fileSystemOf(readAt(fd, 0, headBytes));
  if (bare !== undefined) return { ...whole, fileSystem: bare };
  const partitions = gptPartitions(fd, diskBytes) ?? mbrPartitions(fd);
  const inside = partitions.filter(
    ({ offsetBytes, sizeBytes }) => offsetBytes > 0 && sizeBytes > 0 && offsetBytes + sizeBytes <= diskBytes,
  );
  if (partitions.length > 0 && inside.length === 0)
    throw new ImportFailed("ImageArchiveCorrupt", "The disk image is shorter than its partitions.");
  const heads = inside.map((partition) => ({ partition, head: readAt(fd, partition.offsetBytes, headBytes) }));
  const [largest] = heads
    .flatMap(({ partition, head }) => {
      const fileSystem = fileSystemOf(head);
      return fileSystem === undefined ? [] : [{ ...partition, fileSystem }];
    })
    .sort((a, b) => b.sizeBytes - a.sizeBytes);
  if (largest !== undefined) return { fileSystem: largest.fileSystem, offsetBytes: largest.offsetBytes, sizeBytes: largest.sizeBytes };
  if (heads.some(({ head }) => isLvm(head))) throw nothing("it uses LVM volumes, which are not looked into");
  if (heads.some(({ head }) => head.toString("latin1", 0, 4) === "LUKS")) throw nothing("it is encrypted");
  throw nothing("none of its partitions holds ext2, ext3, ext4, xfs or btrfs");
};
