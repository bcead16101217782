// Images by path: only below the operator's directories, wherever links lead, and only regular files.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { anImageWorld, aSystem, failedWith, type ImageWorld, tarOf } from "../../tests/support/images.ts";
import { ImportSuspended } from "./import.ts";

const from = (world: ImageWorld, path: string, isOperators?: boolean) =>
  world.importFrom({ kind: "path", path, ...(isOperators && { isOperators }) });

test("a path outside the allowed directories is refused, and not even whether it exists is told", async () => {
  const world = anImageWorld();
  const image = join(world.outside, "image.tar");
  writeFileSync(image, await tarOf(aSystem));
  symlinkSync(image, join(world.allowed, "link.tar"));
  symlinkSync(world.outside, join(world.allowed, "link"));
  symlinkSync("/nowhere/at/all", join(world.allowed, "dangling"));
  for (const path of [
    image,
    join(world.outside, "missing.tar"),
    `${world.allowed}/../outside/image.tar`,
    `${world.allowed}/../outside/missing.tar`,
    join(world.allowed, "link.tar"),
    join(world.allowed, "link/image.tar"),
    join(world.allowed, "link/missing.tar"),
    `${world.allowed}-not/image.tar`,
    "/etc/shadow",
    "/nowhere/at/all",
    "/dev/zero",
    "/proc/self/environ",
    world.allowed,
    "/",
  ]) {
    await assert.rejects(from(world, path), failedWith("ImagePathNotAllowed"), path);
    assert.deepEqual(world.left(), []);
  }
  await assert.rejects(from(world, join(world.allowed, "dangling")), failedWith("ImageSourceNotFound"));
  const nowhere = anImageWorld({ allowedPaths: [] });
  await assert.rejects(from(nowhere, image), failedWith("ImagePathNotAllowed"));
});

test("a link between allowed directories, and an allowed directory that is a link, are fine", async () => {
  const world = anImageWorld();
  const real = join(world.outside, "real");
  mkdirSync(real);
  writeFileSync(join(real, "image.tar"), await tarOf(aSystem));
  symlinkSync(real, join(world.outside, "alias"));
  symlinkSync(join(real, "image.tar"), join(world.allowed, "link.tar"));
  const wide = anImageWorld({ allowedPaths: [world.allowed, join(world.outside, "alias"), "/does/not/exist"] });
  assert.equal((await from(wide, join(world.allowed, "link.tar"))).files, 6);
  assert.equal((await from(wide, join(world.outside, "alias/image.tar"))).files, 6);
});

test("only regular files are read", async () => {
  const world = anImageWorld({ allowedPaths: ["/dev", "/proc"] });
  await assert.rejects(from(world, "/dev/zero"), failedWith("ImageSourceInvalid", /not a regular file/));
  mkdirSync(join(world.allowed, "directory"));
  execFileSync("mkfifo", [join(world.allowed, "pipe")]);
  const socket = createServer().listen(join(world.allowed, "socket"));
  const here = anImageWorld({ allowedPaths: [world.allowed] });
  for (const name of ["directory", "pipe", "socket"])
    await assert.rejects(from(here, join(world.allowed, name)), failedWith("ImageSourceInvalid"), name);
  await new Promise((resolve) => socket.close(resolve));
  await assert.rejects(from(here, join(world.allowed, "missing")), failedWith("ImageSourceNotFound", /missing/));
  await assert.rejects(from(here, join(world.allowed, "pipe/x")), failedWith("ImageSourceNotFound"));
  for (const path of ["relative.tar", "", "C:\\images\\x.vhdx", "\\\\server\\share\\x.vhdx", `${world.allowed}/\0`])
    await assert.rejects(from(here, path), failedWith("ImageSourceInvalid", /absolute path/));
});

test("what the operator's own catalogue names may lie anywhere, and its path stays untold", async () => {
  const world = anImageWorld({ allowedPaths: [] });
  const image = join(world.outside, "image.tar");
  await assert.rejects(from(world, image, true), (error: Error) => {
    failedWith("ImageSourceNotFound")(error);
    return !error.message.includes(world.outside);
  });
  writeFileSync(image, await tarOf(aSystem));
  assert.equal((await from(world, image, true)).files, 6);
});

test("a suspended copy is not copied again, unless the file is another now", async () => {
  let isFirst = true;
  const controller = new AbortController();
  const world = anImageWorld({
    progress: ({ phase }) => {
      if (isFirst && phase === "unpacking") controller.abort(new ImportSuspended());
    },
  });
  const path = join(world.allowed, "image.tar");
  writeFileSync(path, await tarOf(aSystem));
  const suspend = () => assert.rejects(world.importFrom({ kind: "path", path }, {}, controller.signal), { name: "ImportSuspended" });
  await suspend();
  isFirst = false;
  // Proof that it is not read again: what was copied is changed behind its back.
  const part = join(world.directory, "part");
  const other = await tarOf([...aSystem, { name: "changed", content: "" }]);
  const note = JSON.parse(readFileSync(join(part, "source.json"), "utf8"));
  writeFileSync(join(part, "source"), other);
  writeFileSync(join(part, "source.json"), JSON.stringify({ ...note, syncedBytes: other.length, totalBytes: other.length }));
  await from(world, path);
  assert.ok(existsSync(world.rootfs("changed")));
});

test("a file that changed between two calls is copied again", async () => {
  let isFirst = true;
  const controller = new AbortController();
  const world = anImageWorld({
    progress: ({ phase }) => {
      if (isFirst && phase === "unpacking") controller.abort(new ImportSuspended());
    },
  });
  const path = join(world.allowed, "image.tar");
  writeFileSync(path, await tarOf(aSystem));
  await assert.rejects(world.importFrom({ kind: "path", path }, {}, controller.signal), { name: "ImportSuspended" });
  isFirst = false;
  truncateSync(path);
  appendFileSync(path, await tarOf([...aSystem, { name: "newer", content: "" }]));
  utimesSync(path, 1, 1);
  await from(world, path);
  assert.ok(existsSync(world.rootfs("newer")));
});
