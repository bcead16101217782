// The frames on their own, without a launcher: what is refused, and that a frame may be split anywhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LaunchOrder } from "./launcher.ts";
import { encodeFrame, encodeOrder, frameReader, type LauncherFrame, longestFrame } from "./protocol.ts";

const order: LaunchOrder = {
  id: "job/task:1",
  slots: 2,
  argv: ["/bin/echo", "", "a\nb"],
  env: { A: "1", B: "=" },
  cwd: "/tmp",
  stdoutPath: "/tmp/o",
  stderrPath: "/tmp/e",
  hold: true,
};

test("an order's frame: length, then fields that each end with NUL", () => {
  const frame = encodeOrder({ ...order, uid: 1000, gid: 100 });
  assert.equal(frame.readUInt32LE(0), frame.length - 4);
  const fields = ["run", "job/task:1", "2", "1", "1000", "100", "/tmp", "/tmp/o", "/tmp/e", "3", "/bin/echo", "", "a\nb", "A=1", "B=="];
  assert.equal(frame.toString("utf8", 4), `${fields.join("\0")}\0`);
  assert.equal(encodeOrder(order).toString("utf8", 4).split("\0").slice(4, 6).join(), "-,-");
});

test("what cannot be expressed is refused before anything is sent", () => {
  const bad: Partial<LaunchOrder>[] = [
    { id: "" },
    { id: "é".repeat(101) },
    { id: "\udc00" },
    { slots: 2 ** 31 },
    { argv: [""] },
    { argv: ["/bin/echo", "\0"] },
    { env: { "": "x" } },
    { env: { A: "\0" } },
    { stdoutPath: "" },
    { gid: 5 },
    { uid: -1, gid: 0 },
    { argv: ["x".repeat(longestFrame)] },
  ];
  for (const part of bad) assert.throws(() => encodeOrder({ ...order, ...part }), RangeError, JSON.stringify(part).slice(0, 60));
});

test("the launcher's reports, split anywhere", () => {
  const bytes = Buffer.concat([
    encodeFrame(["hello", "1", "77"]),
    encodeFrame(["running", "ünï", "5", "1000"]),
    encodeFrame(["exited", "a b", "6", "1000", "1500", "-", "9", "0", "-", "1", "2", "3", "4", "5", "6", "7"]),
    encodeFrame(["exited", "c", "0", "0", "1500", "-", "-", "13", "exec", "-", "-", "-", "-", "-", "-", "-"]),
    encodeFrame(["ready"]),
    encodeFrame(["withdrawn", "3", "x", "y"]),
    encodeFrame(["surprise"]),
  ]);
  const expected: LauncherFrame[] = [
    { verb: "hello", version: "1", pid: 77 },
    { verb: "running", task: { id: "ünï", pid: 5, startedAt: 1000 } },
    {
      verb: "exited",
      record: {
        id: "a b",
        pid: 6,
        startedAt: 1000,
        endedAt: 1500,
        exitCode: null,
        signal: 9,
        usage: { userMs: 1, systemMs: 2, maxRssKiB: 3, readBlocks: 4, writeBlocks: 5, voluntarySwitches: 6, involuntarySwitches: 7 },
      },
    },
    {
      verb: "exited",
      record: {
        id: "c",
        pid: 0,
        startedAt: 0,
        endedAt: 1500,
        exitCode: null,
        signal: null,
        error: { errno: 13, stage: "exec" },
        usage: {
          userMs: null,
          systemMs: null,
          maxRssKiB: null,
          readBlocks: null,
          writeBlocks: null,
          voluntarySwitches: null,
          involuntarySwitches: null,
        },
      },
    },
    { verb: "ready" },
    { verb: "withdrawn", request: "3", ids: ["x", "y"] },
    { verb: "error", reason: 'unknown report "surprise"' },
  ];
  fc.assert(
    fc.property(fc.array(fc.nat({ max: bytes.length }), { maxLength: 40 }), (places) => {
      const read = frameReader();
      const cuts = [0, ...places.sort((a, b) => a - b), bytes.length];
      const frames = cuts.slice(1).flatMap((to, at) => read(bytes.subarray(cuts[at], to)));
      assert.deepEqual(frames, expected);
    }),
  );
});
