// How much of what has come a crash can cost: the note beside the bytes says what is durable, and when it is written.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ManualClock } from "../lib/clock.ts";
import { usualLimits } from "./limits.ts";
import { openSourceFile } from "./source-file.ts";

const aPart = (t: TestContext): string => {
  const part = mkdtempSync(join(tmpdir(), "quern-source-"));
  t.after(() => rmSync(part, { recursive: true, force: true }));
  return part;
};
const noted = (part: string): number => JSON.parse(readFileSync(join(part, "source.json"), "utf8")).syncedBytes;

test("what has come is durable each so many bytes, and after a while however little it is", async (t) => {
  const part = aPart(t);
  const clock = new ManualClock();
  const services = {
    clock,
    limits: { ...usualLimits, reserveBytes: 0, syncBytes: 10_000, syncMs: 5000 },
    progress: { downloaded: () => {}, unpacked: () => {}, finished: () => {} },
    freeBytes: async () => Number.MAX_SAFE_INTEGER,
  };
  const file = await openSourceFile(part, "it", services, new AbortController().signal);
  await file.restart({ etag: "x" });
  await file.write(Buffer.alloc(10_001, "a"));
  assert.equal(noted(part), 10_001);
  await file.write(Buffer.alloc(100, "b"));
  assert.equal(noted(part), 10_001);
  clock.advance(4999);
  await file.write(Buffer.alloc(100, "c"));
  assert.equal(noted(part), 10_001);
  clock.advance(1);
  await file.write(Buffer.alloc(100, "d"));
  assert.equal(noted(part), 10_301);
  await file.close();

  const again = await openSourceFile(part, "it", services, new AbortController().signal);
  assert.equal(again.bytes(), 10_301);
  await again.close();
});
