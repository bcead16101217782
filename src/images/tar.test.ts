// Hostile archives: whatever they say, nothing outside the image's own directory is read, written or linked. And container layers: whiteouts.
import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import tar from "tar-stream";
import { anImageWorld, aSystem, failedWith, type TarEntry, tarOf } from "../../tests/support/images.ts";
import { removeImage } from "./import.ts";
import { extractTar } from "./tar.ts";
import { treeWriter } from "./tree-writer.ts";

const withOutside = () => {
  const world = anImageWorld();
  writeFileSync(join(world.outside, "victim"), "untouched");
  return world;
};
const unharmed = (world: ReturnType<typeof withOutside>): void => {
  assert.deepEqual(readdirSync(world.outside), ["victim"]);
  assert.equal(readFileSync(join(world.outside, "victim"), "utf8"), "untouched");
  assert.equal(statSync(join(world.outside, "victim")).nlink, 1);
};

test("a name that climbs, has a NUL or is too long is refused", async () => {
  const long = "x".repeat(256);
  const refused: TarEntry[] = [
    { name: "../evil", content: "x" },
    { name: "a/../../evil", content: "x" },
    { name: "/../evil", content: "x" },
    { name: "..", type: "directory" },
    { name: "a/..", type: "directory" },
    { name: "../evil", type: "symlink", linkname: "x" },
    { name: "evil", type: "link", linkname: "../outside/victim" },
    { name: long, content: "x" },
    { name: `${"d/".repeat(2050)}x`, content: "x" },
    { name: "nul", content: "x", pax: { path: "nul\0l" } },
    { name: "./", content: "a file as the root" },
    { name: "/", type: "symlink", linkname: "/etc" },
    { name: "empty", type: "symlink", linkname: "", pax: { comment: "x" } },
  ];
  for (const entry of refused) {
    const world = withOutside();
    await assert.rejects(
      world.import(await tarOf([...aSystem, entry])),
      failedWith("ImageArchiveUnsafe"),
      JSON.stringify(entry).slice(0, 80),
    );
    assert.deepEqual(world.left(), []);
    unharmed(world);
  }
});

test("absolute names are made relative", async () => {
  const world = withOutside();
  await world.import(await tarOf([...aSystem, { name: "/tmp/quern-absolute", content: "here" }, { name: "//opt//./x", content: "y" }]));
  assert.equal(readFileSync(world.rootfs("tmp/quern-absolute"), "utf8"), "here");
  assert.equal(readFileSync(world.rootfs("opt/x"), "utf8"), "y");
  assert.equal(existsSync("/tmp/quern-absolute"), false);
});

test("writing through a link stays inside", async () => {
  const world = withOutside();
  const up = "../".repeat(30);
  await world.import(
    await tarOf([
      ...aSystem,
      { name: "absolute", type: "symlink", linkname: world.outside },
      { name: "absolute/victim", content: "evil" },
      { name: "climbing", type: "symlink", linkname: `${up}${world.outside.slice(1)}` },
      { name: "climbing/victim2", content: "evil" },
      { name: "one", type: "symlink", linkname: "/two" },
      { name: "two", type: "symlink", linkname: `etc/../${up}${world.outside.slice(1)}` },
      { name: "one/victim3", content: "evil" },
      { name: "to-file", type: "symlink", linkname: join(world.outside, "victim") },
      { name: "to-file", content: "evil" },
      { name: "etc-link", type: "symlink", linkname: "/etc" },
      { name: "etc-link/passwd", content: "root of the image" },
      { name: "late/", type: "directory" },
      { name: "late/first", content: "1" },
      { name: "late", type: "symlink", linkname: world.outside },
      { name: "late/victim", content: "evil" },
    ]),
  );
  unharmed(world);
  const inside = world.rootfs(world.outside.slice(1));
  assert.deepEqual(readdirSync(inside).sort(), ["victim", "victim2", "victim3"]);
  assert.equal(readFileSync(world.rootfs("etc/passwd"), "utf8"), "root of the image");
  assert.ok(lstatSync(world.rootfs("to-file")).isFile());
  assert.equal(readlinkSync(world.rootfs("late")), world.outside);
});

test("directories that became links are left alone when permissions are set at the end", async () => {
  const world = withOutside();
  const before = statSync(world.outside);
  await world.import(
    await tarOf([
      ...aSystem,
      { name: "d/", type: "directory", mode: 0o777, mtime: new Date(1000) },
      { name: "d/inner/", type: "directory", mode: 0o777, mtime: new Date(1000) },
      { name: "d", type: "symlink", linkname: world.outside },
      { name: "e/", type: "directory", mode: 0o777, mtime: new Date(1000) },
      { name: "e", type: "symlink", linkname: `${world.outside}/` },
    ]),
  );
  unharmed(world);
  const now = statSync(world.outside);
  assert.deepEqual([now.mode, now.mtimeMs], [before.mode, before.mtimeMs]);
});

test("hard links are made to files of the image only", async () => {
  for (const [name, linkname] of [
    ["evil", "/outside/victim"],
    ["evil", "missing"],
    ["evil", "etc"],
    ["evil", "way/victim"],
    ["etc", "etc/os-release"],
  ] as const) {
    const world = withOutside();
    const entries: TarEntry[] = [...aSystem, { name: "way", type: "symlink", linkname: world.outside }, { name, type: "link", linkname }];
    await assert.rejects(world.import(await tarOf(entries)), failedWith("ImageArchiveCorrupt", /is not in it/));
    unharmed(world);
  }
  const world = withOutside();
  await world.import(
    await tarOf([
      ...aSystem,
      { name: "s", type: "symlink", linkname: join(world.outside, "victim") },
      { name: "h", type: "link", linkname: "s" },
      { name: "h", content: "evil" },
      { name: "f", content: "first" },
      { name: "g", type: "link", linkname: "f" },
      { name: "g", content: "another" },
      { name: "f", type: "link", linkname: "./f" },
    ]),
  );
  unharmed(world);
  assert.equal(readFileSync(world.rootfs("h"), "utf8"), "evil");
  assert.deepEqual([readFileSync(world.rootfs("f"), "utf8"), readFileSync(world.rootfs("g"), "utf8")], ["first", "another"]);
});

test("links in a circle, something below a file, and too many entries end the import", async () => {
  const circle: TarEntry[] = [
    { name: "a", type: "symlink", linkname: "b" },
    { name: "b", type: "symlink", linkname: "a" },
    { name: "a/x", content: "x" },
  ];
  await assert.rejects(anImageWorld().import(await tarOf([...aSystem, ...circle])), failedWith("ImageArchiveUnsafe", /circle/));
  const below: TarEntry[] = [{ name: "etc/os-release/x", content: "x" }];
  await assert.rejects(anImageWorld().import(await tarOf([...aSystem, ...below])), failedWith("ImageArchiveCorrupt", /not a directory/));
  const world = anImageWorld({ limits: { entries: 6 } });
  await assert.rejects(world.import(await tarOf(aSystem)), failedWith("ImageArchiveUnsafe", /more than 6 entries/));
});

/** What tar-stream would not write, byte by byte: a name in Latin-1, an unknown type, an old sparse file. */
const withHeader = async (name: Buffer, type: string): Promise<Buffer> => {
  const bytes = Buffer.from(await tarOf([{ name: "P".repeat(name.length), content: "abc" }, ...aSystem]));
  name.copy(bytes, 0);
  bytes.write(type, 156, "latin1");
  bytes.fill(" ", 148, 156);
  const sum = bytes.subarray(0, 512).reduce((all, byte) => all + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bytes;
};

test("names are bytes, in UTF-8 or not", async () => {
  const world = anImageWorld();
  const name = Buffer.from("caf\xe9", "latin1");
  await world.import(await withHeader(name, "0"));
  assert.ok(readdirSync(world.rootfs(""), { encoding: "buffer" }).some((one) => one.equals(name)));
  await removeImage(world.directory, world.services);
  assert.equal(existsSync(world.directory), false);
});

test("sparse files and unknown entries are refused, not written wrongly", async () => {
  for (const type of ["S", "V", "M"])
    await assert.rejects(anImageWorld().import(await withHeader(Buffer.from("odd"), type)), failedWith("ImageFormatUnknown", /--sparse/));
  const sparse: TarEntry = { name: "sparse", content: "1\n0\n10\n", pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0" } };
  await assert.rejects(anImageWorld().import(await tarOf([...aSystem, sparse])), failedWith("ImageFormatUnknown", /--sparse/));
});

test("a large file of zeros takes no room, and reads as it should", async () => {
  const world = anImageWorld();
  const content = Buffer.alloc(12_000_001);
  content.write("begin", 0);
  content.write("middle", 5_000_003);
  content.write("end", 11_999_998);
  await world.import(await tarOf([...aSystem, { name: "disk", content }]));
  assert.ok(readFileSync(world.rootfs("disk")).equals(content));
  assert.ok(statSync(world.rootfs("disk")).blocks * 512 < 4_000_000);
});

const layers = async (...all: TarEntry[][]): Promise<{ root: string; at(path: string): string }> => {
  const root = mkdtempSync(join(tmpdir(), "quern-layers-"));
  after(() => rmSync(root, { recursive: true, force: true }));
  const tree = treeWriter({ root, isRoot: process.getuid!() === 0, entries: 1000, budget: { leftBytes: 2 ** 30 } });
  for (const entries of all) {
    const bytes = await tarOf(entries);
    await extractTar(
      (async function* () {
        for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
      })(),
      tree,
      true,
    );
  }
  tree.finish();
  return { root, at: (path) => join(root, path) };
};

test("whiteouts take away what lower layers brought, and only that", async () => {
  const { root, at } = await layers(
    [
      { name: "keep", content: "1" },
      { name: "gone", content: "1" },
      { name: "tree/a/b", content: "1" },
      { name: "opaque/lower", content: "1" },
      { name: "opaque/shared/lower", content: "1" },
      { name: "replaced/", type: "directory" },
      { name: "replaced/x", content: "1" },
    ],
    [
      { name: ".wh.gone", content: "" },
      { name: ".wh.tree", content: "" },
      { name: ".wh.missing", content: "" },
      { name: "opaque/upper", content: "2" },
      { name: "opaque/shared/upper", content: "2" },
      { name: "opaque/.wh..wh..opq", content: "" },
      { name: ".wh..wh.plnk", content: "" },
      { name: "replaced", content: "a file now" },
    ],
  );
  assert.deepEqual(readdirSync(root).sort(), ["keep", "opaque", "replaced"]);
  assert.deepEqual(readdirSync(at("opaque")).sort(), ["shared", "upper"]);
  assert.deepEqual(readdirSync(at("opaque/shared")), ["upper"]);
  assert.equal(readFileSync(at("replaced"), "utf8"), "a file now");
});

test("a whiteout never reaches outside", async () => {
  const victim = mkdtempSync(join(tmpdir(), "quern-victim-"));
  after(() => rmSync(victim, { recursive: true, force: true }));
  writeFileSync(join(victim, "file"), "stays");
  for (const name of [".wh...", ".wh..", ".wh.", "a/.wh..."])
    await assert.rejects(layers([{ name: "a/b", content: "x" }], [{ name, content: "" }]), failedWith("ImageArchiveUnsafe"));
  await layers(
    [{ name: "way", type: "symlink", linkname: victim }],
    [
      { name: "way/.wh.file", content: "" },
      { name: "way/.wh..wh..opq", content: "" },
    ],
  );
  assert.equal(readFileSync(join(victim, "file"), "utf8"), "stays");
});

test("an archive of whatever bytes ends with a failure or a tree, never with anything else", async () => {
  const good = await tarOf([
    ...aSystem,
    { name: "x", type: "link", linkname: "etc/os-release" },
    { name: `p/${"q".repeat(150)}`, content: "z" },
  ]);
  let seed = 7;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(good);
    for (let edits = 1 + next(4); edits > 0; edits--) bytes[next(bytes.length)] = next(256);
    const root = mkdtempSync(join(tmpdir(), "quern-fuzz-"));
    try {
      const tree = treeWriter({ root, isRoot: false, entries: 100, budget: { leftBytes: 2 ** 24 } });
      await extractTar(
        (async function* () {
          yield bytes;
        })(),
        tree,
      ).catch((error: Error) => assert.equal(error.name, "ImportFailed", `round ${round}: ${error.stack}`));
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  }
});

test("tar-stream still ends between two entries without a word, which is why the end is looked at", async () => {
  const bytes = await tarOf(aSystem);
  const extract = tar.extract();
  extract.on("entry", (_, stream, next) => {
    stream.on("end", next);
    stream.resume();
  });
  const ended = new Promise<string>((resolve) => {
    extract.on("finish", () => resolve("finish"));
    extract.on("error", () => resolve("error"));
  });
  extract.end(bytes.subarray(0, bytes.length - 1024));
  assert.equal(await ended, "finish");
});
