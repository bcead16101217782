// No room: known before, found out while it comes, found out while it is unpacked, and the disk that is really full. Nothing half-made stays.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { anImageWorld, aSystem, failedWith, tarOf } from "../../tests/support/images.ts";
import { systemClock } from "../lib/clock.ts";
import { insufficientStorage } from "./failures.ts";
import { withinSpace } from "./space.ts";

const big = await tarOf([...aSystem, { name: "big", content: Buffer.alloc(6_000_000, "quern ") }]);

test("the space is looked at before a source of known size comes", async () => {
  let asked = 0;
  const world = anImageWorld({
    freeBytes: async () => {
      asked++;
      return 1_000_000;
    },
    limits: { reserveBytes: 500_000 },
  });
  await assert.rejects(world.import(big), failedWith("InsufficientStorage"));
  assert.ok(asked > 0);
  assert.deepEqual(world.left(), []);
  assert.deepEqual(world.progress, []);
});

test("a source of unknown size is stopped while it comes", async () => {
  const server = createServer((_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65536, "x")));
      response.once("drain", more);
    };
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  let free = 10_000_000;
  const world = anImageWorld({
    urls: { storageHosts: [], allowPrivateUrls: true },
    freeBytes: async () => (free -= 1_000_000),
    limits: { reserveBytes: 500_000, syncBytes: 200_000 },
  });
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/endless`;
    await assert.rejects(world.importFrom({ kind: "url", url }), failedWith("InsufficientStorage"));
    assert.deepEqual(world.left(), []);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("an archive that becomes too large is stopped", async () => {
  const bomb = gzipSync(await tarOf([...aSystem, { name: "big", content: Buffer.alloc(60_000_000, "quern ") }]));
  assert.ok(bomb.length < 500_000);
  const world = anImageWorld({ freeBytes: async () => 20_000_000, limits: { reserveBytes: 1_000_000 } });
  await assert.rejects(world.import(bomb), failedWith("InsufficientStorage"));
  assert.deepEqual(world.left(), []);
});

test("work stops when others use up what was to stay free", async () => {
  let free = 100;
  const space = { clock: systemClock(), directory: "/", freeBytes: async () => free, reserveBytes: 50 };
  const never = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      free = 10;
    });
  await assert.rejects(withinSpace(space, new AbortController().signal, never), failedWith("InsufficientStorage"));
  assert.equal(insufficientStorage().code, "InsufficientStorage");
});

const mounts = process.getuid!() === 0 && process.platform === "linux";
test("a disk that is really full", { skip: !mounts && "only root may mount a small file system to fill" }, async (t) => {
  const small = mkdtempSync(join(tmpdir(), "quern-small-"));
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", small]).status !== 0)
    return t.skip("this machine does not let root mount");
  after(() => {
    spawnSync("umount", [small]);
    rmSync(small, { recursive: true, force: true });
  });
  const world = anImageWorld({ freeBytes: async () => 2 ** 40 });
  const directory = join(small, "image");
  const path = join(world.allowed, "image");
  mkdirSync(directory);
  // While it is copied, and while it is unpacked.
  for (const bytes of [big, gzipSync(big)]) {
    writeFileSync(path, bytes);
    await assert.rejects(world.importFrom({ kind: "path", path }, { directory }), failedWith("InsufficientStorage"));
    assert.equal(spawnSync("ls", ["-A", small], { encoding: "utf8" }).stdout, "");
  }
  writeFileSync(path, await tarOf(aSystem));
  assert.equal((await world.importFrom({ kind: "path", path }, { directory })).files, 6);
});
