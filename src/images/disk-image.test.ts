// Disk images, made here as small as they can be: every format, partition tables, what is read without the kernel and what is not, and hostile ones.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { anImageWorld, aSystem, failedWith, type ImageWorld, tarOf } from "../../tests/support/images.ts";
import { loopDevices, missing, mkfsExt, qemuImg, xfs } from "../../tests/support/require.ts";
import { detach } from "./disk-image.ts";
import { findRootFileSystem } from "./disk-layout.ts";
import { copyExt } from "./ext-copy.ts";
import { openExt } from "./ext-file-system.ts";
import { findImageTools } from "./tools.ts";
import { treeWriter } from "./tree-writer.ts";

const work = mkdtempSync(join(tmpdir(), "quern-disks-"));
after(() => rmSync(work, { recursive: true, force: true }));
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { env, stdio: ["ignore", "ignore", "pipe"] });

/** What every file system here holds. */
const tree = join(work, "tree");
mkdirSync(join(tree, "usr/bin"), { recursive: true });
mkdirSync(join(tree, "etc"));
writeFileSync(join(tree, "usr/bin/sh"), "#!/bin/sh\n", { mode: 0o755 });
writeFileSync(join(tree, "etc/os-release"), "ID=disk\nVERSION_ID=7\n");
writeFileSync(join(tree, "big"), Buffer.alloc(400_000, "quern "));
execFileSync("ln", ["-s", "usr/bin", join(tree, "bin")]);
execFileSync("ln", ["-s", `/${"long/".repeat(30)}`, join(tree, "far")]);
execFileSync("ln", [join(tree, "big"), join(tree, "big-too")]);
execFileSync("mkfifo", [join(tree, "pipe")]);
execFileSync("dd", ["if=/dev/zero", `of=${join(tree, "holes")}`, "bs=1", "count=1", "seek=1000000"], { stdio: "ignore" });
for (let index = 0; index < 300; index++) writeFileSync(join(tree, `etc/${"n".repeat(40)}${index}`), String(index));

const isWhole = (world: ImageWorld): void => {
  assert.deepEqual(world.left(), ["image.json", "rootfs"]);
  assert.ok(readFileSync(world.rootfs("big")).equals(Buffer.alloc(400_000, "quern ")));
  assert.equal(statSync(world.rootfs("big")).ino, statSync(world.rootfs("big-too")).ino);
  assert.ok(readFileSync(world.rootfs("holes")).equals(Buffer.alloc(1_000_001)));
  assert.equal(readlinkSync(world.rootfs("bin")), "usr/bin");
  assert.equal(readlinkSync(world.rootfs("far")), `/${"long/".repeat(30)}`);
  assert.equal(readFileSync(world.rootfs(`etc/${"n".repeat(40)}299`), "utf8"), "299");
  assert.equal(statSync(world.rootfs("usr/bin/sh")).mode & 0o777, 0o755);
  assert.equal(Math.floor(lstatSync(world.rootfs("usr")).mtimeMs / 1000), Math.floor(statSync(join(tree, "usr")).mtimeMs / 1000));
  assert.equal(existsSync(world.rootfs("pipe")), false);
};

let files = 0;
const fileSystem = (program: string, ...args: string[]): Buffer => {
  const file = join(work, `fs-${files++}`);
  execFileSync("truncate", ["-s", "8M", file]);
  run(program, ...args, "-d", tree, file);
  return readFileSync(file);
};
const ext = (type: string, ...args: string[]): Buffer => fileSystem(`mkfs.${type}`, "-q", "-F", ...args);

const sector = 512;
const firstSector = 2048;
/** An MBR whose second partition is the file system, in front of it one that is none. */
const withMbr = (content: Buffer, { type = 0x83, at = firstSector, sectors = content.length / sector } = {}): Buffer => {
  const head = Buffer.alloc(firstSector * sector);
  const entry = (index: number, kind: number, start: number, length: number): void => {
    head[446 + index * 16 + 4] = kind;
    head.writeUInt32LE(start, 446 + index * 16 + 8);
    head.writeUInt32LE(length, 446 + index * 16 + 12);
  };
  entry(0, 0x0c, 64, 100);
  entry(1, type, at, sectors);
  head.writeUInt16LE(0xaa55, 510);
  return Buffer.concat([head, content]);
};
const withGpt = (content: Buffer, size = 512): Buffer => {
  const head = Buffer.alloc(firstSector * sector);
  head.writeUInt16LE(0xaa55, 510);
  head.write("EFI PART", size);
  head.writeBigUInt64LE(2n, size + 72);
  head.writeUInt32LE(128, size + 80);
  head.writeUInt32LE(128, size + 84);
  head.fill(1, 2 * size, 2 * size + 32);
  head.writeBigUInt64LE(BigInt((firstSector * sector) / size), 2 * size + 32);
  head.writeBigUInt64LE(BigInt((firstSector * sector + content.length) / size - 1), 2 * size + 40);
  return Buffer.concat([head, content]);
};
/** A logical partition within an extended one. */
const withLogical = (content: Buffer): Buffer => {
  const disk = Buffer.concat([
    withMbr(Buffer.alloc(firstSector * sector), { type: 0x05, sectors: firstSector * 2 + content.length / sector }),
    content,
  ]);
  const at = firstSector * sector;
  disk[at + 446 + 4] = 0x83;
  disk.writeUInt32LE(firstSector, at + 446 + 8);
  disk.writeUInt32LE(content.length / sector, at + 446 + 12);
  disk.writeUInt16LE(0xaa55, at + 510);
  return disk;
};
const vhdFooter = (size: number, type = 2): Buffer => {
  const footer = Buffer.alloc(512);
  footer.write("conectix");
  footer.writeBigUInt64BE(BigInt(size), 48);
  footer.writeUInt32BE(type, 60);
  return footer;
};
/** No program of the machine may be needed. */
const bare = () => anImageWorld({ tools: { sync: "/bin/true" } });

test("ext2, ext3 and ext4 are read without a program or a privilege", { skip: missing(mkfsExt) }, async () => {
  const images: [string, Buffer][] = [
    ["ext2", ext("ext2")],
    ["ext2 small blocks", ext("ext2", "-b", "1024", "-I", "128")],
    ["ext3", ext("ext3")],
    ["ext4", ext("ext4")],
    ["ext4 without 64bit", ext("ext4", "-O", "^64bit,^metadata_csum")],
    ["ext4 with blocks of 4 KiB", ext("ext4", "-b", "4096")],
  ];
  for (const [name, bytes] of images) {
    const world = bare();
    const image = await world.import(bytes);
    assert.deepEqual([name, image.format, image.osDiskSizeInMB, image.osRelease?.id], [name, "raw", 8, "disk"]);
    isWhole(world);
  }
});

test("partition tables, fixed VHDs, and disks packed as distributions pack them", { skip: missing(mkfsExt) }, async () => {
  const content = ext("ext4");
  const gpt = withGpt(content);
  const images: [string, string, Buffer][] = [
    ["MBR", "raw", withMbr(content)],
    ["logical", "raw", withLogical(content)],
    ["GPT", "raw", gpt],
    ["GPT with sectors of 4 KiB", "raw", withGpt(content, 4096)],
    ["fixed VHD", "vhd", Buffer.concat([gpt, vhdFooter(gpt.length)])],
    ["compressed", "raw", gzipSync(gpt)],
    ["compressed fixed VHD", "vhd", gzipSync(Buffer.concat([gpt, vhdFooter(gpt.length)]))],
    ["alone in an archive", "raw", gzipSync(await tarOf([{ name: "disk.raw", content: gpt }]))],
  ];
  for (const [name, format, bytes] of images) {
    const world = bare();
    const image = await world.import(bytes);
    assert.deepEqual([name, image.format], [name, format]);
    isWhole(world);
  }
});

test("qcow2, VHDX and dynamic VHD, through qemu-img", { skip: missing(mkfsExt, qemuImg) }, async () => {
  const raw = join(work, "whole.raw");
  writeFileSync(raw, withGpt(ext("ext4")));
  for (const [format, name, ...options] of [
    ["qcow2", "qcow2"],
    ["qcow2", "qcow2", "-c"],
    ["vhdx", "vhdx"],
    ["vpc", "vhd"],
  ] as [string, string, ...string[]][]) {
    const file = join(work, "whole.converted");
    run("qemu-img", "convert", "-f", "raw", "-O", format, ...options, raw, file);
    const world = anImageWorld();
    const image = await world.import(readFileSync(file));
    assert.equal(image.format, name);
    assert.ok(image.osDiskSizeInMB >= 9 && image.osDiskSizeInMB <= 10, String(image.osDiskSizeInMB));
    isWhole(world);
    await assert.rejects(bare().import(readFileSync(file)), failedWith("ImageFormatNotSupportedHere", /qemu-utils/));
    await assert.rejects(anImageWorld().import(readFileSync(file).subarray(0, 200_000)), failedWith("ImageArchiveCorrupt"));
  }
});

/** The header of a qcow2, version 3, with nothing behind it. */
const qcow2 = (edit: (header: Buffer) => void): Buffer => {
  const header = Buffer.alloc(70_000);
  header.writeUInt32BE(0x514649fb, 0);
  header.writeUInt32BE(3, 4);
  header.writeUInt32BE(16, 20);
  header.writeBigUInt64BE(2n ** 20n, 24);
  header.writeUInt32BE(104, 100);
  edit(header);
  return header;
};

test("disk images that refer to other files are refused by their headers", async () => {
  const refused = [
    qcow2((header) => {
      header.writeBigUInt64BE(1000n, 8);
      header.writeUInt32BE(11, 16);
      header.write("/etc/shadow", 1000);
    }),
    qcow2((header) => header.writeUInt32BE(4, 76)),
    Buffer.concat([vhdFooter(2 ** 20, 4), Buffer.alloc(4096), vhdFooter(2 ** 20, 4)]),
  ];
  for (const bytes of refused) {
    const world = anImageWorld();
    await assert.rejects(world.import(bytes), failedWith("ImageArchiveUnsafe", /another file/));
    assert.deepEqual(world.left(), []);
  }
  await assert.rejects(
    anImageWorld().import(qcow2((header) => header.writeUInt32BE(2, 32))),
    failedWith("ImageFormatNotSupportedHere", /encrypted/),
  );
});

test("disks without a Linux file system, and disks cut short, are told so", async () => {
  const lvm = Buffer.alloc(firstSector * sector);
  lvm.write("LABELONE", 512);
  const luks = Buffer.alloc(firstSector * sector);
  luks.write("LUKS", 0);
  for (const [bytes, code, message] of [
    [withMbr(Buffer.alloc(firstSector * sector)), "ImageNotLinuxRootfs", /none of its partitions/],
    [withMbr(lvm), "ImageNotLinuxRootfs", /LVM/],
    [withMbr(luks), "ImageNotLinuxRootfs", /encrypted/],
    [withGpt(lvm).subarray(0, 900_000), "ImageArchiveCorrupt", /shorter than its partitions/],
  ] as const)
    await assert.rejects(anImageWorld().import(bytes), failedWith(code, message));
});

test("an ext4 cut short, or one that was not closed cleanly where it cannot be mounted", { skip: missing(mkfsExt) }, async () => {
  const content = ext("ext4", "-O", "^metadata_csum");
  await assert.rejects(bare().import(content.subarray(0, 4_000_000)), failedWith("ImageArchiveCorrupt", /shorter/));
  const open = Buffer.from(content);
  open.writeUInt32LE(open.readUInt32LE(1024 + 96) | 0x4, 1024 + 96);
  await assert.rejects(bare().import(open), failedWith("ImageFormatNotSupportedHere", /ext4 file system has to be mounted/));
});

test("files that are larger than files can be, anywhere or here", { skip: missing(mkfsExt) }, async () => {
  const file = join(work, "huge");
  for (const [size, code] of [
    [String(2n ** 62n), "ImageArchiveCorrupt"],
    // The largest that ext4 knows; what is written to here may know larger ones.
    [String(2n ** 44n - 1n), "ImageArchiveUnsafe"],
  ] as const) {
    writeFileSync(file, ext("ext4", "-b", "4096"));
    run("debugfs", "-w", "-R", `set_inode_field /holes size ${size}`, file);
    const world = bare();
    const outcome = await world.import(readFileSync(file)).catch((error: unknown) => error as Error);
    if (outcome instanceof Error) failedWith(code)(outcome);
    else assert.equal(code, "ImageArchiveUnsafe");
  }
});

test("a disk that is not to be looked into is kept as it is", async () => {
  const content = withMbr(Buffer.alloc(2 ** 20, "not Linux "), { type: 0x07 });
  const world = bare();
  const packed = gzipSync(content);
  const image = await world.import(packed, { asDisk: true });
  assert.deepEqual([image.format, image.files, image.osDiskSizeInMB, image.osRelease], ["raw", 1, 2, undefined]);
  assert.deepEqual(world.left(), ["disk", "image.json"]);
  assert.ok(readFileSync(join(world.directory, "disk")).equals(content));
  assert.deepEqual(await world.importFrom({ kind: "path", path: join(world.allowed, "image-0") }, { asDisk: true }), image);
  const other = bare();
  await assert.rejects(other.import(await tarOf(aSystem), { asDisk: true }), failedWith("ImageFormatUnknown", /archive of files/));
  assert.deepEqual(other.left(), []);
});

const attached = (): string => spawnSync("losetup", ["--list", "--noheadings", "--output", "BACK-FILE"], { encoding: "utf8", env }).stdout;

test("xfs through a loop device, which is always taken back", { skip: missing(xfs, loopDevices) }, async () => {
  const file = join(work, "xfs.raw");
  execFileSync("truncate", ["-s", "300M", file]);
  run("mkfs.xfs", "-q", file);
  const mounted = join(work, "xfs-mounted");
  mkdirSync(mounted);
  run("mount", "-o", "loop", file, mounted);
  try {
    run("cp", "-a", `${tree}/.`, mounted);
  } finally {
    run("umount", mounted);
  }
  const world = anImageWorld({ allowedPaths: [work] });
  const tools = findImageTools(env.PATH);
  const image = await world.importFrom({ kind: "path", path: file });
  assert.deepEqual([image.format, image.osRelease?.id], ["raw", "disk"]);
  isWhole(world);
  assert.ok(!attached().includes(world.directory));
  await assert.rejects(
    anImageWorld({ allowedPaths: [work], tools: {} }).importFrom({ kind: "path", path: file }),
    failedWith("ImageFormatNotSupportedHere", /xfs file system has to be mounted/),
  );
  // What a crash left: mounted and attached.
  const crashed = anImageWorld({ allowedPaths: [work] });
  const part = join(crashed.directory, "part");
  mkdirSync(join(part, "mounted"), { recursive: true });
  execFileSync("cp", [file, join(part, "source")]);
  const device = execFileSync("losetup", ["--find", "--show", join(part, "source")], { encoding: "utf8", env }).trim();
  run("mount", "-o", "ro,nouuid", device, join(part, "mounted"));
  assert.ok(attached().includes(part));
  await crashed.importFrom({ kind: "path", path: file });
  isWhole(crashed);
  assert.ok(!attached().includes(part));
  await detach(part, { tools, toolMs: 10_000 });
});

test("an ext4 of whatever bytes ends with a failure or a tree, never with anything else", { skip: missing(mkfsExt) }, () => {
  const small = join(work, "small");
  mkdirSync(join(small, "d/e"), { recursive: true });
  writeFileSync(join(small, "d/file"), "content");
  execFileSync("ln", ["-s", "d/file", join(small, "link")]);
  for (const type of ["ext2", "ext4"]) {
    const file = join(work, `fuzz-${type}`);
    execFileSync("truncate", ["-s", "512K", file]);
    run(`mkfs.${type}`, "-q", "-F", "-O", type === "ext4" ? "^has_journal,^resize_inode" : "^resize_inode", "-d", small, file);
    const good = readFileSync(file);
    let seed = 11;
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const used = [...good.keys()].filter((at) => good[at] !== 0);
    for (let round = 0; round < 400; round++) {
      const bytes = Buffer.from(good);
      for (let edits = 1 + next(5); edits > 0; edits--) bytes[used[next(used.length)]!] = next(256);
      writeFileSync(file, bytes);
      const root = mkdtempSync(join(work, "out-"));
      const fd = openSync(file, "r");
      try {
        const writer = treeWriter({ root, isRoot: false, entries: 1000, budget: { leftBytes: 2 ** 25 } });
        const found = findRootFileSystem(fd, bytes.length);
        const system = openExt(fd, found.offsetBytes, found.sizeBytes);
        if (system !== undefined) copyExt(system, writer, () => {});
      } catch (error) {
        assert.equal((error as Error).name, "ImportFailed", `${type} round ${round}: ${(error as Error).stack}`);
      } finally {
        closeSync(fd);
        rmSync(root, { recursive: true, force: true });
      }
    }
  }
});
