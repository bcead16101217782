// An import from end to end, in the small: every archive format, what is written down about it, and what stays when it fails, is aborted or cut off.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { anImageWorld, aSystem, failedWith, tarOf } from "../../tests/support/images.ts";
import { missing, xz as xzProgram } from "../../tests/support/require.ts";
import { ImportSuspended, removeImage } from "./import.ts";
import { findImageTools } from "./tools.ts";

const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const xz = (bytes: Buffer, ...args: string[]): Buffer => execFileSync("xz", ["-c", ...args], { input: bytes });
const isRoot = process.getuid!() === 0;

test("an archive becomes a root file system, with what is known about it", async () => {
  const world = anImageWorld({ tools: findImageTools(process.env.PATH ?? "") });
  const bytes = await tarOf([
    ...aSystem,
    { name: "./usr/bin/tool", mode: 0o4755, uid: 12, gid: 34, content: "x".repeat(10_000) },
    { name: "./usr/bin/tool-too", type: "link", linkname: "./usr/bin/tool" },
    { name: "./dev/null", type: "character-device" },
    { name: `./opt/${"long/".repeat(60)}end`, content: "deep" },
    { name: "./opt/ünïcödé ☃", content: "snow" },
    { name: "bin/extra", content: "through the link" },
  ]);
  const image = await world.import(bytes);
  assert.deepEqual(image, {
    format: "tar",
    sha256: sha256(bytes),
    downloadedBytes: bytes.length,
    rootfsBytes: 10_000 + 10 + 54 + 4 + 4 + 16,
    files: 73,
    osRelease: { id: "tiny", versionId: "1.2", prettyName: "Tiny Linux 1.2" },
    osDiskSizeInMB: 1,
  });
  assert.deepEqual(world.left(), ["image.json", "rootfs"]);
  assert.equal(statSync(world.directory).mode & 0o777, 0o700);
  const tool = statSync(world.rootfs("usr/bin/tool"));
  assert.equal(tool.mode & 0o7777, isRoot ? 0o4755 : 0o755);
  assert.equal(tool.mtimeMs, 1_700_000_000_000);
  assert.equal(tool.nlink, 2);
  if (isRoot) assert.deepEqual([tool.uid, tool.gid], [12, 34]);
  assert.equal(readlinkSync(world.rootfs("bin")), "usr/bin");
  assert.equal(readFileSync(world.rootfs("usr/bin/extra"), "utf8"), "through the link");
  assert.equal(readFileSync(world.rootfs("opt/ünïcödé ☃"), "utf8"), "snow");
  assert.equal(existsSync(world.rootfs("dev/null")), false);
});

test("compressed archives are told by their content, of several frames or members too", async () => {
  const bytes = await tarOf([...aSystem, { name: "big", content: Buffer.alloc(3_000_000, "quern ") }]);
  const half = bytes.length >> 1;
  const twice = (compress: (part: Buffer) => Buffer): Buffer =>
    Buffer.concat([compress(bytes.subarray(0, half)), compress(bytes.subarray(half))]);
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
  const ways: [string, Buffer, object?][] = [
    ["gzip", gzipSync(bytes)],
    ["gzip members", twice(gzipSync)],
    ["zstd", zstdCompressSync(bytes)],
    ["zstd frames", Buffer.concat([skippable, twice(zstdCompressSync)])],
  ];
  for (const [name, packed, tools] of ways) {
    const world = anImageWorld(tools);
    const image = await world.import(packed);
    assert.deepEqual([name, image.format, image.sha256, image.files], [name, "tar", sha256(packed), 7]);
    assert.equal(statSync(world.rootfs("big")).size, 3_000_000);
  }
});

test("xz: by the program, or without it", { skip: missing(xzProgram) }, async () => {
  const bytes = await tarOf([...aSystem, { name: "big", content: Buffer.alloc(3_000_000, "quern ") }]);
  for (const more of [{}, { tools: {} }]) {
    for (const packed of [xz(bytes), Buffer.concat([xz(bytes.subarray(0, 5000)), xz(bytes.subarray(5000))])]) {
      const world = anImageWorld(more);
      assert.equal((await world.import(packed)).files, 7);
      assert.equal(statSync(world.rootfs("big")).size, 3_000_000);
    }
    await assert.rejects(anImageWorld(more).import(xz(bytes).subarray(0, -20)), failedWith("ImageArchiveCorrupt", /xz data/));
  }
  const unusual = xz(bytes, "--check=sha256");
  assert.equal((await anImageWorld().import(unusual)).files, 7);
  await assert.rejects(anImageWorld({ tools: {} }).import(unusual), failedWith("ImageFormatNotSupportedHere", /xz-utils/));
});

test("truncated and damaged archives are corrupt, and nothing of them stays", async () => {
  const bytes = await tarOf([...aSystem, { name: "big", content: Buffer.alloc(100_000, "quern ") }]);
  const damaged = Buffer.from(gzipSync(bytes));
  damaged[damaged.length - 6]! ^= 0xff;
  const checked = Buffer.from(bytes);
  checked[1000] = 0x41; // In the second header.
  for (const broken of [
    bytes.subarray(0, 60_000),
    bytes.subarray(0, bytes.length - 1024), // Between the last entry and the end marker.
    bytes.subarray(0, 512 * 3 + 100),
    gzipSync(bytes).subarray(0, -10),
    gzipSync(bytes.subarray(0, 60_000)),
    zstdCompressSync(bytes).subarray(0, -10),
    damaged,
    checked,
  ]) {
    const world = anImageWorld();
    await assert.rejects(world.import(broken), failedWith("ImageArchiveCorrupt"));
    assert.deepEqual(world.left(), []);
  }
});

test("what is no image is told so", async () => {
  for (const [bytes, message] of [
    [Buffer.from("<html>no</html>"), /text or XML/],
    [Buffer.from('{"error":"no"}'), /JSON/],
    [Buffer.from("BZh91AY"), /bzip2/],
    [Buffer.alloc(0), /neither an archive nor a disk image/],
    [Buffer.alloc(100_000), /neither an archive nor a disk image/],
    [gzipSync(gzipSync(Buffer.alloc(100))), /compressed twice/],
    [gzipSync(Buffer.from("hello")), /neither an archive nor/],
    [await tarOf([{ name: "inner.tar", content: await tarOf(aSystem) }]), /an archive within an archive/],
  ] as const) {
    const world = anImageWorld();
    await assert.rejects(world.import(bytes), failedWith("ImageFormatUnknown", message));
    assert.deepEqual(world.left(), []);
  }
});

test("what is no Linux system for this machine is told so", async () => {
  const without = (name: string) => aSystem.filter((entry) => !entry.name.includes(name));
  const elf = Buffer.alloc(64);
  elf.write("\x7fELF", "latin1");
  elf[4] = 2;
  elf[5] = 1;
  elf.writeUInt16LE(0x16, 18); // s390x
  for (const [entries, message] of [
    [
      [
        { name: "a", content: "1" },
        { name: "b", content: "2" },
      ],
      /neither \/usr nor \/bin/,
    ],
    [without("usr/bin/sh"), /no \/bin\/sh/],
    [[...without("usr/bin/sh"), { name: "usr/bin/sh", type: "symlink", linkname: "/../../../../bin/sh" }], /no \/bin\/sh/],
    [[...aSystem, { name: "usr/bin/sh", mode: 0o755, content: elf }], /s390/],
  ] as const) {
    const world = anImageWorld();
    await assert.rejects(world.import(await tarOf(entries)), failedWith("ImageNotLinuxRootfs", message));
    assert.deepEqual(world.left(), []);
  }
});

test("os-release is read inside the image, whatever its link says", async () => {
  const world = anImageWorld();
  const secret = join(world.outside, "os-release");
  writeFileSync(secret, "ID=secret\n");
  const others = aSystem.filter(({ name }) => !name.includes("os-release"));
  const image = await world.import(await tarOf([...others, { name: "etc/os-release", type: "symlink", linkname: secret }]));
  assert.equal(image.osRelease, undefined);
  const second = anImageWorld();
  const links = [
    { name: "etc/os-release", type: "symlink", linkname: "../../../usr/lib/os-release" },
    { name: "usr/lib/os-release", content: "ID=fedora\nVERSION_ID=41\n" },
  ] as const;
  assert.deepEqual((await second.import(await tarOf([...others, ...links]))).osRelease, {
    id: "fedora",
    versionId: "41",
    prettyName: "fedora 41",
  });
});

test("the digest is checked before anything is unpacked", async () => {
  const bytes = await tarOf(aSystem);
  const world = anImageWorld();
  await assert.rejects(
    world.import(bytes, { expectedSha256: "0".repeat(64) }),
    failedWith("ImageDigestMismatch", new RegExp(sha256(bytes))),
  );
  assert.deepEqual(world.left(), []);
  assert.ok(world.progress.every(({ phase }) => phase === "downloading"));
  assert.equal((await world.import(bytes, { expectedSha256: sha256(bytes).toUpperCase() })).sha256, sha256(bytes));
});

test("a finished image is given at once; that of another source takes its place", async () => {
  const world = anImageWorld();
  const path = join(world.allowed, "image.tar");
  writeFileSync(path, await tarOf([...aSystem, { name: "one", content: "1" }]));
  const first = await world.importFrom({ kind: "path", path });
  writeFileSync(path, "no longer an image");
  assert.deepEqual(await world.importFrom({ kind: "path", path }), first);
  assert.deepEqual(await world.importFrom({ kind: "path", path }, { expectedSha256: first.sha256 }), first);
  await assert.rejects(world.import(Buffer.from("rubbish")), failedWith("ImageFormatUnknown"));
  assert.deepEqual(world.left(), ["image.json", "rootfs"]);
  assert.ok(existsSync(world.rootfs("one")));
  await world.import(await tarOf([...aSystem, { name: "two", content: "2" }]));
  assert.deepEqual(world.left(), ["image.json", "rootfs"]);
  assert.deepEqual([existsSync(world.rootfs("one")), existsSync(world.rootfs("two"))], [false, true]);
});

test("progress goes up to 100 and is told seldom", async () => {
  const world = anImageWorld();
  const bytes = await tarOf([...aSystem, { name: "big", content: Buffer.alloc(30_000_000, "quern ") }]);
  await world.import(bytes);
  const percentages = world.progress.map(({ percentage }) => percentage);
  assert.deepEqual(
    percentages,
    percentages.toSorted((a, b) => a - b),
  );
  assert.deepEqual(world.progress.at(-1), { phase: "unpacking", downloadedBytes: bytes.length, totalBytes: bytes.length, percentage: 100 });
  assert.ok(world.progress.some(({ phase, percentage }) => phase === "unpacking" && percentage === 80));
  assert.ok(percentages.length < 60, `${percentages.length} reports`);
});

test("zeros of the source take no room while it is unpacked", async () => {
  const controller = new AbortController();
  const world = anImageWorld({
    progress: ({ phase }) => {
      if (phase === "unpacking") controller.abort(new ImportSuspended());
    },
  });
  const path = join(world.allowed, "image.tar");
  const tree = await tarOf(aSystem);
  writeFileSync(path, Buffer.concat([tree, Buffer.alloc(20 * 2 ** 20)]));
  await assert.rejects(world.importFrom({ kind: "path", path }, {}, controller.signal), { name: "ImportSuspended" });
  const source = join(world.directory, "part/source");
  assert.ok(readFileSync(source).equals(readFileSync(path)));
  assert.ok(statSync(source).blocks * 512 < 2_000_000);
  assert.equal((await world.importFrom({ kind: "path", path })).sha256, sha256(readFileSync(path)));
});

/** Aborts when the progress says so. */
const aborting = (reason: unknown, when: (phase: string, percentage: number) => boolean) => {
  const controller = new AbortController();
  const world = anImageWorld({
    progress: ({ phase, percentage }) => {
      if (when(phase, percentage)) controller.abort(reason);
    },
  });
  return { world, signal: controller.signal };
};

test("an abort leaves nothing, a suspension leaves the source; either may happen in any step", async () => {
  const bytes = await tarOf([
    ...aSystem,
    ...Array.from({ length: 2000 }, (_, index) => ({ name: `f/${index}`, content: "y".repeat(2000) })),
  ]);
  for (const [phase, suspended] of [
    ["downloading", false],
    ["downloading", true],
    ["unpacking", false],
    ["unpacking", true],
  ] as const) {
    const reason = suspended ? new ImportSuspended() : new Error("deleted");
    const { world, signal } = aborting(reason, (now) => now === phase);
    const path = join(world.allowed, "image.tar");
    writeFileSync(path, bytes);
    await assert.rejects(world.importFrom({ kind: "path", path }, {}, signal), (error) => error === reason);
    assert.deepEqual(world.left(), suspended ? ["part"] : []);
    if (suspended) assert.ok(existsSync(join(world.directory, "part/source.json")));
    assert.equal((await world.importFrom({ kind: "path", path })).files, 2007);
    assert.deepEqual(world.left(), ["image.json", "rootfs"]);
  }
});

test("an import that was cut off goes on where it can", async () => {
  const world = anImageWorld();
  const bytes = await tarOf(aSystem);
  const image = await world.import(bytes);
  const [part, path] = [join(world.directory, "part"), join(world.allowed, "image-0")];
  const again = () => world.importFrom({ kind: "path", path });
  // Before the last rename.
  mkdirSync(part);
  renameSync(join(world.directory, "image.json"), join(part, "image.json"));
  assert.deepEqual(await again(), image);
  // After it, before the leftovers are gone.
  mkdirSync(part);
  writeFileSync(join(part, "source"), "rest");
  assert.deepEqual(await again(), image);
  assert.deepEqual(world.left(), ["image.json", "rootfs"]);
  // While it was unpacked, the source lost and the note of it kept.
  const note = { of: JSON.parse(readFileSync(join(world.directory, "image.json"), "utf8")).of, syncedBytes: 9, totalBytes: 9, sha256: "x" };
  renameSync(join(world.directory, "image.json"), join(world.directory, "away.json"));
  mkdirSync(part);
  writeFileSync(join(part, "source.json"), JSON.stringify(note));
  assert.deepEqual(await again(), image);
  // While it was unpacked, with a directory that does not let one in.
  renameSync(world.rootfs(""), join(world.directory, "gone"));
  renameSync(join(world.directory, "image.json"), join(world.directory, "gone.json"));
  mkdirSync(join(part, "rootfs/closed/inner"), { recursive: true });
  chmodSync(join(part, "rootfs/closed"), 0);
  writeFileSync(join(part, "image.json"), "half writ");
  assert.deepEqual(await again(), image);
  assert.equal(existsSync(world.rootfs("closed")), false);
});

test("directories that nobody may write in are no obstacle, with root or without", async () => {
  const world = anImageWorld();
  const closed = aSystem.map((entry) => (entry.type === "directory" ? { ...entry, mode: 0o555 } : entry));
  assert.equal((await world.import(await tarOf(closed))).files, 6);
  assert.equal(statSync(world.rootfs("usr")).mode & 0o777, 0o555);
  assert.equal((await world.import(await tarOf([...closed, { name: "usr/bin/more", content: "x" }]))).files, 7);
  assert.deepEqual(world.left(), ["image.json", "rootfs"]);
});

test("an image is removed with all that it holds, and no link is followed", async () => {
  const world = anImageWorld();
  writeFileSync(join(world.outside, "precious"), "stays");
  await world.import(
    await tarOf([
      ...aSystem,
      { name: "way-out", type: "symlink", linkname: world.outside },
      { name: "closed/", type: "directory", mode: 0o100 },
      { name: "closed/file", content: "x" },
    ]),
  );
  assert.equal(lstatSync(world.rootfs("closed")).mode & 0o777, 0o100);
  await removeImage(world.directory, world.services);
  assert.equal(existsSync(world.directory), false);
  assert.equal(readFileSync(join(world.outside, "precious"), "utf8"), "stays");
  await removeImage(world.directory, world.services);
});
