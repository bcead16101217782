// Identity by pid and start time, on real processes.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "./clock.ts";
import {
  createFileAtomically,
  endProcess,
  findProcesses,
  identifyProcess,
  isAlive,
  type ProcessView,
  readPidFile,
  signalProcess,
  waitForEnd,
  writePidFile,
} from "./processes.ts";

const clock = systemClock();

test("this process is alive, under the same identity each time", () => {
  const identity = identifyProcess(process.pid)!;
  assert.equal(identity.pid, process.pid);
  assert.deepEqual(identifyProcess(process.pid), identity);
  assert.equal(isAlive(identity), true);
});

test("another process with the same number is not the one that was meant", () => {
  const impostor = { pid: process.pid, startTime: "1" };
  assert.equal(isAlive(impostor), false);
  assert.equal(signalProcess(impostor, "SIGKILL"), false);
});

test("numbers that are no pid name nobody", () => {
  for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 40]) assert.equal(identifyProcess(pid), undefined);
});

test("a process that ignores SIGTERM is ended after the grace", async () => {
  const child = spawn("/bin/sh", ["-c", "trap '' TERM; echo ready; while :; do sleep 5; done"], { stdio: ["ignore", "pipe", "ignore"] });
  await once(child.stdout!, "data");
  const identity = identifyProcess(child.pid!)!;
  const exited = once(child, "exit");
  assert.equal(await waitForEnd(identity, clock, 30), false);
  assert.equal(await endProcess(identity, clock, 100), false);
  assert.deepEqual((await exited)[1], "SIGKILL");
  assert.equal(isAlive(identity), false);
});

test("processes are found by their environment, arguments and place", { skip: process.platform !== "linux" && "needs /proc" }, async () => {
  const child = spawn("/bin/sleep", ["31.25"], { env: { QUERN_TEST: "here" }, cwd: "/", stdio: "ignore" });
  await once(child, "spawn");
  const isIt = (view: ProcessView): boolean =>
    view.environment.includes("QUERN_TEST=here") && view.arguments.join(" ") === "/bin/sleep 31.25" && view.directory === "/";
  assert.deepEqual(findProcesses(isIt), [identifyProcess(child.pid!)]);
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.deepEqual(findProcesses(isIt), []);
});

test("pid files: private, whole, and nothing else is taken for one", () => {
  const directory = mkdtempSync(join(tmpdir(), "quern-pid-"));
  try {
    const path = join(directory, "x.pid");
    assert.equal(readPidFile(path), undefined);
    writePidFile(path, { pid: 12, startTime: "34" });
    assert.deepEqual(readPidFile(path), { pid: 12, startTime: "34" });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(createFileAtomically(path, "other"), false);
    // Somebody else who can write here knows the draft's name.
    writeFileSync(join(directory, "other"), "");
    symlinkSync(join(directory, "other"), `${path}.${process.pid}.new`);
    writePidFile(path, { pid: 13, startTime: "34" });
    assert.equal(readFileSync(join(directory, "other"), "utf8"), "");
    assert.equal(readPidFile(path)?.pid, 13);
    assert.deepEqual(readdirSync(directory).sort(), ["other", "x.pid"]);
    for (const text of ["", "{", "null", "12", '{"pid":-1,"startTime":"1"}', '{"pid":1}']) {
      writeFileSync(path, text);
      assert.equal(readPidFile(path), undefined);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
