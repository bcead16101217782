// Archives of every kind, most of them hostile: what is unpacked is what was packed, and nothing else ever appears anywhere.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { aZip, type ZipEntry } from "../../tests/support/zip.ts";
import { BadArchive, type UnzipLimits, unzip, usualLimits } from "./unzip.ts";

const never = new AbortController().signal;

/** A directory with the archive in it; what an attack would write lands in it, too. */
const aPlace = (t: TestContext, archive: Buffer): { base: string; zip: string; target: string } => {
  const base = mkdtempSync(join(tmpdir(), "quern-unzip-"));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  mkdirSync(join(base, "a"));
  const zip = join(base, "package.zip");
  writeFileSync(zip, archive);
  return { base, zip, target: join(base, "a", "out") };
};

const unpacked = async (t: TestContext, entries: readonly ZipEntry[], limits?: UnzipLimits): Promise<string> => {
  const { zip, target } = aPlace(t, aZip(entries));
  await unzip(zip, target, never, limits);
  return target;
};

const modeOf = (path: string): number => statSync(path).mode & 0o7777;

test("files, directories, permissions, times and links inside are as they were packed", async (t) => {
  const large = Buffer.alloc(3_000_000, "0123456789abcdef");
  const target = await unpacked(t, [
    { name: "bin/" },
    { name: "bin/tool", data: "#!/bin/sh\necho hello\n", mode: 0o100755 },
    { name: "lib/deep/er/data.bin", data: large, mode: 0o100644 },
    { name: "stored.txt", data: "as it is", stored: true, mode: 0o100600 },
    { name: "setuid", data: "x", mode: 0o104711 },
    { name: "from-windows.cmd", data: "echo" },
    { name: "by\\windows\\tools.txt", data: "backslashes" },
    { name: "no-type-bits", data: "x", mode: 0o600 },
    { name: "unreadable", data: "x", mode: 0o100044 },
    { name: "empty/", mode: 0o040700 },
    { name: "nothing", mode: 0o100644 },
    { name: "naïve/π.txt", data: "utf-8", mode: 0o100644 },
    { name: "lib/libx.so", data: "libx.so.1", mode: 0o120777 },
    { name: "lib/libx.so.1", data: "x", mode: 0o100644 },
    { name: "current", data: "lib/../bin/tool", mode: 0o120777 },
    { name: "all", data: "lib", mode: 0o120777 },
  ]);
  assert.deepEqual(readFileSync(join(target, "lib/deep/er/data.bin")), large);
  assert.equal(readFileSync(join(target, "by/windows/tools.txt"), "utf8"), "backslashes");
  assert.equal(readFileSync(join(target, "naïve/π.txt"), "utf8"), "utf-8");
  assert.equal(statSync(join(target, "nothing")).size, 0);
  assert.deepEqual(readdirSync(join(target, "empty")), []);
  const modes = ["bin/tool", "stored.txt", "setuid", "from-windows.cmd", "no-type-bits", "unreadable", "lib/deep/er/data.bin"].map((name) =>
    modeOf(join(target, name)),
  );
  assert.deepEqual(modes, [0o755, 0o600, 0o711, 0o755, 0o600, 0o644, 0o644]);
  assert.equal(statSync(join(target, "stored.txt")).mtime.getFullYear(), 2020);
  assert.deepEqual([readlinkSync(join(target, "lib/libx.so")), readFileSync(join(target, "all/libx.so"), "utf8")], ["libx.so.1", "x"]);
  assert.equal(spawnSync(join(target, "current")).stdout.toString(), "hello\n");
});

test("an archive of another tool", { skip: spawnSync("python3", ["--version"]).status !== 0 && "there is no python3" }, async (t) => {
  const { base, zip, target } = aPlace(t, Buffer.alloc(0));
  mkdirSync(join(base, "tree"));
  writeFileSync(join(base, "tree/run.sh"), "#!/bin/sh\necho ran\n", { mode: 0o755 });
  rmSync(zip);
  const made = spawnSync("python3", ["-m", "zipfile", "-c", zip, "tree/"], { cwd: base });
  assert.equal(made.status, 0, made.stderr.toString());
  await unzip(zip, target, never);
  assert.equal(spawnSync(join(target, "tree/run.sh")).stdout.toString(), "ran\n");
});

const file = (name: string, changes: Partial<ZipEntry> = {}): ZipEntry => ({ name, data: "evil", mode: 0o100644, ...changes });
const link = (name: string, to: string): ZipEntry => ({ name, data: to, mode: 0o120777 });
const bomb = Buffer.alloc(1_000_000);

const hostile: [what: string, entries: ZipEntry[], why: RegExp, limits?: Partial<UnzipLimits>][] = [
  ["a name that climbs", [file("../evil")], /relative path/],
  ["a name that climbs further in", [file("a/../../evil")], /relative path/],
  ["a name that climbs with backslashes", [file("..\\evil")], /relative path/],
  ["an absolute name", [file("/tmp/quern-evil")], /absolute path/],
  ["an absolute name of Windows", [file("C:\\evil")], /absolute path/],
  ["a name with NUL", [file("evil\0.txt")], /cannot be the name/],
  ["a name that is none", [file(".")], /cannot be the name/],
  ["a part of 300 characters", [file("x".repeat(300))], /cannot be the name/],
  ["a path that is too long", [file(`${"d/".repeat(3000)}x`)], /too long/],
  ["a link out", [link("out", "../../package.zip")], /leads to nothing/],
  ["an absolute link", [link("out", "/etc/passwd")], /leads to nothing/],
  ["a link to nothing", [link("out", "missing")], /leads to nothing/],
  ["an empty link", [link("out", "")], /leads to nothing/],
  ["a link with NUL", [link("out", "a\0b")], /leads to nothing/],
  ["a link to itself", [link("out", "out")], /leads to nothing/],
  ["two links that lead out together", [link("here", "."), link("out", "here/../../../package.zip")], /leads to nothing/],
  ["a link and a file through it", [link("out", ".."), file("out/evil")], /twice/],
  ["a file and then a link in its place", [file("x"), link("x", ".")], /twice/],
  ["a link that is too long", [link("out", "x".repeat(5000))], /too long/],
  ["a name twice", [file("x"), file("x")], /twice/],
  ["a file and a directory of one name", [file("x"), file("x/y")], /twice/],
  ["a directory and a file of one name", [file("x/y"), file("x")], /twice/],
  ["a device", [file("x", { mode: 0o020666 })], /neither a file/],
  ["a named pipe", [file("x", { mode: 0o010666 })], /neither a file/],
  ["something encrypted", [file("x", { flags: 0x801 })], /encrypted/],
  ["a method of its own", [file("x", { method: 99, stored: true })], /method that is not supported/],
  ["more bytes than declared", [file("x", { data: bomb, declaredSize: 10 })], /too many bytes/],
  ["fewer bytes than declared", [file("x", { declaredSize: 1000 })], /not enough bytes/],
  ["a wrong checksum", [file("x", { crc: 1 })], /checksum/],
  ["a wrong checksum of a link", [{ ...link("x", "."), crc: 1 }], /checksum/],
  ["more than there is room for", [file("x", { data: bomb }), file("y", { data: bomb })], /not enough space/, { freeBytes: 1_500_000 }],
  ["more than declared room", [file("x", { declaredSize: 0xfffffffe })], /not enough space/, { freeBytes: 1e9 }],
  ["too many entries", [file("a"), file("b"), file("c")], /more in the archive/, { entries: 2 }],
  ["too many directories in one name", [file("a/b/c/d/e")], /more in the archive/, { entries: 4 }],
];
for (const [what, entries, why, limits] of hostile) {
  test(`refused: ${what}`, async (t) => {
    const { base, zip, target } = aPlace(t, aZip(entries));
    await assert.rejects(unzip(zip, target, never, { ...usualLimits, reserveBytes: 0, ...limits }), (error) => {
      assert.ok(error instanceof BadArchive, String(error));
      assert.match(error.message, why);
      return true;
    });
    assert.deepEqual(readdirSync(base).sort(), ["a", "package.zip"]);
    assert.ok(readdirSync(join(base, "a")).every((name) => name === "out"));
    assert.equal(existsSync("/tmp/quern-evil"), false);
  });
}

test("refused: what is no archive, or only the beginning of one", async (t) => {
  const whole = aZip([file("x", { data: bomb }), file("y")]);
  const cut = [whole.subarray(0, whole.length - 1), whole.subarray(0, whole.length / 2), whole.subarray(1), Buffer.alloc(0)];
  for (const archive of [...cut, Buffer.from("#!/bin/sh\necho this is no archive\n"), Buffer.alloc(100_000, "PK")]) {
    const { zip, target } = aPlace(t, archive);
    await assert.rejects(unzip(zip, target, never), BadArchive);
  }
});

test("refused: an archive with any byte changed, or unpacked as it was", async (t) => {
  const whole = aZip([{ name: "bin/x", data: "some text, some text", mode: 0o100755 }, link("l", "bin/x")]);
  for (let at = 0; at < whole.length; at++) {
    const archive = Buffer.from(whole);
    archive[at] = archive[at]! ^ 0x41;
    const { base, zip, target } = aPlace(t, archive);
    await unzip(zip, target, never).catch((error) => assert.ok(error instanceof BadArchive, `byte ${at}: ${error}`));
    assert.deepEqual(readdirSync(base).sort(), ["a", "package.zip"], `byte ${at}`);
    assert.deepEqual(readdirSync(join(base, "a")), ["out"], `byte ${at}`);
    rmSync(base, { recursive: true });
  }
});

test("it stops when it is asked to, and never writes over what is there", async (t) => {
  const { zip, target } = aPlace(t, aZip([file("x")]));
  const stopped = new AbortController();
  stopped.abort(new Error("enough"));
  await assert.rejects(unzip(zip, target, stopped.signal), /enough/);
  await assert.rejects(unzip(zip, target, never), { code: "EEXIST" });
});
