// Reads ext2, ext3 and ext4 as bytes of a file: no mount, no privilege, and no kernel that trusts a stranger's file system. Reads what cloud images
// have; of a file system with other features, or one that was not closed cleanly, it says so, and the kernel has to read it. Layout: the kernel's
// documentation of ext4 (Documentation/filesystems/ext4). Never writes.
import { readAt } from "./detect.ts";
import { ImportFailed } from "./failures.ts";

export type ExtInode = {
  mode: number;
  uid: number;
  gid: number;
  size: number;
  links: number;
  mtimeSeconds: number;
  flags: number;
  /** The 60 bytes that hold the map of its blocks, or a short symlink's target. */
  map: Buffer;
};
export type ExtEntry = { inode: number; name: string };
/** A run of blocks; without `physical` it is a hole. In blocks. */
type Run = { logical: number; count: number; physical?: number };

const incompatible = {
  fileType: 0x2,
  extents: 0x40,
  "64bit": 0x80,
  mmp: 0x100,
  flexGroups: 0x200,
  eaInode: 0x400,
  checksumSeed: 0x2000,
  largeDirectory: 0x4000,
};
const readable = Object.values(incompatible).reduce((all, bit) => all | bit, 0);
const usesExtents = 0x80000;
/** Compressed, encrypted, or kept within the inode. */
const unreadableFlags = 0x4 | 0x800 | 0x10000000;

/** Of a file: they are counted with 32 bits. */
const mostBlocks = 2 ** 32;
const longestDirectory = 256 * 2 ** 20;
const deepestTree = 5;

export const extCorrupt = (what: string): ImportFailed =>
  new ImportFailed("ImageArchiveCorrupt", `The disk image's file system is damaged: ${what}.`);

type Geometry = {
  blockBytes: number;
  blocks: number;
  inodes: number;
  inodesPerGroup: number;
  inodeBytes: number;
  descriptorBytes: number;
  firstBlock: number;
};

const geometryOf = (superblock: Buffer, sizeBytes: number): Geometry => {
  const logBlock = superblock.readUInt32LE(24);
  const is64 = (superblock.readUInt32LE(96) & incompatible["64bit"]) !== 0;
  const geometry = {
    blockBytes: 1024 << logBlock,
    blocks: superblock.readUInt32LE(4) + (is64 ? superblock.readUInt32LE(0x150) * 2 ** 32 : 0),
    inodes: superblock.readUInt32LE(0),
    inodesPerGroup: superblock.readUInt32LE(40),
    inodeBytes: superblock.readUInt32LE(76) === 0 ? 128 : superblock.readUInt16LE(88),
    descriptorBytes: is64 ? superblock.readUInt16LE(254) : 32,
    firstBlock: superblock.readUInt32LE(20),
  };
  const { blockBytes, inodesPerGroup, inodeBytes, descriptorBytes } = geometry;
  if (logBlock > 6 || inodesPerGroup === 0 || inodeBytes < 128 || inodeBytes > blockBytes || descriptorBytes < 32 || descriptorBytes > 1024)
    throw extCorrupt("its superblock makes no sense");
  if (geometry.blocks * blockBytes > sizeBytes) throw extCorrupt("it is shorter than its superblock says");
  return geometry;
};

/** Reads whole blocks, and parts of them, of the file system and never of what lies around it. */
const blockReader = (fd: number, offsetBytes: number, { blocks, blockBytes }: Geometry) => {
  const bytes = (block: number, within: number, length: number): Buffer => {
    if (block < 0 || block * blockBytes + within + length > blocks * blockBytes) throw extCorrupt("it points outside itself");
    const found = readAt(fd, offsetBytes + block * blockBytes + within, length);
    if (found.length < length) throw extCorrupt("it ends early");
    return found;
  };
  return { bytes, blocks: (block: number, count: number): Buffer => bytes(block, 0, count * blockBytes) };
};
type Blocks = ReturnType<typeof blockReader>;

const inodeReader = ({ inodes, inodesPerGroup, inodeBytes, descriptorBytes, blockBytes, firstBlock }: Geometry, blocks: Blocks) => {
  const tables = new Map<number, number>();
  const tableOf = (group: number): number => {
    const at = group * descriptorBytes;
    const descriptor = blocks.bytes(firstBlock + 1 + Math.floor(at / blockBytes), at % blockBytes, descriptorBytes);
    return descriptor.readUInt32LE(8) + (descriptorBytes >= 64 ? descriptor.readUInt32LE(0x28) * 2 ** 32 : 0);
  };
  return (number: number): ExtInode => {
    if (number < 1 || number > inodes) throw extCorrupt("it names a file that it does not have");
    const group = Math.floor((number - 1) / inodesPerGroup);
    const table = tables.get(group) ?? tableOf(group);
    tables.set(group, table);
    const at = ((number - 1) % inodesPerGroup) * inodeBytes;
    const raw = blocks.bytes(table + Math.floor(at / blockBytes), at % blockBytes, inodeBytes);
    const extra = inodeBytes >= 160 && raw.readUInt16LE(128) >= 12 ? raw.readUInt32LE(136) : 0;
    return {
      mode: raw.readUInt16LE(0),
      uid: raw.readUInt16LE(2) + raw.readUInt16LE(0x78) * 65536,
      gid: raw.readUInt16LE(24) + raw.readUInt16LE(0x7a) * 65536,
      size: raw.readUInt32LE(4) + raw.readUInt32LE(108) * 2 ** 32,
      links: raw.readUInt16LE(26),
      mtimeSeconds: raw.readInt32LE(16) + (extra & 3) * 2 ** 32 + (extra >>> 2) / 1e9,
      flags: raw.readUInt32LE(32),
      map: raw.subarray(40, 100),
    };
  };
};

const senselessMap = (): ImportFailed => extCorrupt("a file's map makes no sense");

/** ext4's maps: a tree of extents. */
function* extentRuns(blocks: Blocks, node: Buffer, depth = 0): Generator<Run> {
  const entries = node.readUInt16LE(2);
  const level = node.readUInt16LE(6);
  if (node.readUInt16LE(0) !== 0xf30a || depth > deepestTree || 12 + entries * 12 > node.length) throw senselessMap();
  for (let at = 12; at < 12 + entries * 12; at += 12) {
    if (level > 0) {
      const child = blocks.blocks(node.readUInt32LE(at + 4) + node.readUInt16LE(at + 8) * 2 ** 32, 1);
      if (child.readUInt16LE(6) !== level - 1) throw senselessMap();
      yield* extentRuns(blocks, child, depth + 1);
      continue;
    }
    const length = node.readUInt16LE(at + 4);
    const logical = node.readUInt32LE(at);
    // Longer ones are reserved and not written yet: they read as zeros.
    if (length > 32768) yield { logical, count: length - 32768 };
    else yield { logical, count: length, physical: node.readUInt16LE(at + 6) * 2 ** 32 + node.readUInt32LE(at + 8) };
  }
}

/** ext2's and ext3's maps: twelve blocks, then blocks of block numbers, up to three deep. */
function* indirectRuns(blocks: Blocks, map: Buffer, blockBytes: number, wanted: number): Generator<Run> {
  const perBlock = blockBytes / 4;
  function* under(block: number, level: number, logical: number): Generator<Run> {
    if (block === 0 || logical >= wanted) return;
    if (level === 0) return yield { logical, count: 1, physical: block };
    const numbers = blocks.blocks(block, 1);
    for (let index = 0; index < perBlock; index++)
      yield* under(numbers.readUInt32LE(index * 4), level - 1, logical + index * perBlock ** (level - 1));
  }
  let logical = 0;
  for (let index = 0; index < 15; index++) {
    const level = Math.max(0, index - 11);
    yield* under(map.readUInt32LE(index * 4), level, logical);
    logical += perBlock ** level;
  }
}

/** A file's bytes in order: chunks, and the lengths of the holes between them. */
function* contentOf(blocks: Blocks, blockBytes: number, { map, size, flags }: ExtInode): Generator<Buffer | number> {
  if ((flags & unreadableFlags) !== 0)
    throw new ImportFailed("ImageFormatNotSupportedHere", "The disk image holds files that are encrypted or compressed.");
  const wanted = Math.ceil(size / blockBytes);
  if (wanted > mostBlocks) throw extCorrupt("a file is larger than files can be");
  const runs = (flags & usesExtents) !== 0 ? extentRuns(blocks, map) : indirectRuns(blocks, map, blockBytes, wanted);
  const most = Math.max(1, Math.floor(2 ** 20 / blockBytes));
  let position = 0;
  for (const { logical, count, physical } of runs) {
    if (logical * blockBytes < position) throw senselessMap();
    const end = Math.min(logical + count, wanted);
    if (logical >= end || physical === undefined) continue;
    if (logical * blockBytes > position) yield logical * blockBytes - position;
    position = logical * blockBytes;
    for (let block = logical; block < end; block += most) {
      const chunk = blocks.blocks(physical + block - logical, Math.min(most, end - block));
      const part = chunk.subarray(0, Math.min(chunk.length, size - position));
      yield part;
      position += part.length;
    }
  }
  if (position < size) yield size - position;
}

const entriesOf = (bytes: Buffer, blockBytes: number): ExtEntry[] => {
  const entries: ExtEntry[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at + 4);
    // Blocks of 64 KiB need one more than fits; a hole is an empty block.
    const step = length === 0xffff || length === 0 ? blockBytes - (at % blockBytes) : length;
    const number = bytes.readUInt32LE(at);
    const end = at + 8 + bytes[at + 6]!;
    if (step < 8 || end > at + step || end > bytes.length) throw extCorrupt("a directory makes no sense");
    const name = bytes.toString("latin1", at + 8, end);
    if (number !== 0 && name !== "." && name !== "..") entries.push({ inode: number, name });
    at += step;
  }
  return entries;
};

export type ExtFileSystem = {
  inode(number: number): ExtInode;
  list(directory: ExtInode): ExtEntry[];
  content(file: ExtInode): Generator<Buffer | number>;
};

/** Undefined when it takes the kernel to read it. Throws ImportFailed when it is damaged, then or while it is read. */
export const openExt = (fd: number, offsetBytes: number, sizeBytes: number): ExtFileSystem | undefined => {
  const superblock = readAt(fd, offsetBytes + 1024, 1024);
  if (superblock.length < 1024 || superblock.readUInt16LE(56) !== 0xef53) throw extCorrupt("it has no superblock");
  if ((superblock.readUInt32LE(96) & ~readable) !== 0) return undefined;
  const geometry = geometryOf(superblock, sizeBytes);
  const { blockBytes } = geometry;
  const blocks = blockReader(fd, offsetBytes, geometry);
  const content = (file: ExtInode): Generator<Buffer | number> => contentOf(blocks, blockBytes, file);
  return {
    inode: inodeReader(geometry, blocks),
    content,
    list: (directory) => {
      if (directory.size > longestDirectory) throw extCorrupt("a directory is too large");
      const parts = [...content(directory)].map((part) => (typeof part === "number" ? Buffer.alloc(part) : part));
      return entriesOf(Buffer.concat(parts), blockBytes);
    },
  };
};
