// The lock of a location against live, dead and half-dead holders.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { LocationInUse, lockLocation } from "./lock.ts";
import { identifyProcess } from "./processes.ts";

const aLocation = (t: TestContext): { directory: string; path: string } => {
  const directory = mkdtempSync(join(tmpdir(), "quern-lock-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return { directory, path: join(directory, "lock") };
};

const dead = { pid: 999_999_999, startTime: "5" };

test("a live holder is named, with its address once it is known", (t) => {
  const { path } = aLocation(t);
  const lock = lockLocation(path);
  assert.throws(() => lockLocation(path), { name: "LocationInUse", pid: process.pid, url: undefined });
  lock.setUrl("http://127.0.0.1:10020");
  assert.throws(
    () => lockLocation(path),
    (error) =>
      error instanceof LocationInUse && error.message.includes(String(process.pid)) && error.message.includes("http://127.0.0.1:10020"),
  );
  lock.release();
  lock.release();
  lockLocation(path).release();
});

test("the lock of a dead process is replaced, and nothing is left beside it", (t) => {
  const { directory, path } = aLocation(t);
  writeFileSync(path, JSON.stringify(dead));
  const lock = lockLocation(path);
  assert.equal(JSON.parse(readFileSync(path, "utf8")).pid, process.pid);
  assert.deepEqual(readdirSync(directory), ["lock"]);
  lock.release();
  assert.deepEqual(readdirSync(directory), []);
});

test("so is one whose number now belongs to another process, and one that power loss left empty", (t) => {
  const { path } = aLocation(t);
  for (const text of [JSON.stringify({ pid: process.pid, startTime: "1" }), ""]) {
    writeFileSync(path, text);
    lockLocation(path).release();
  }
});

test("a contender that died while replacing is replaced in turn", (t) => {
  const { directory, path } = aLocation(t);
  writeFileSync(path, JSON.stringify(dead));
  writeFileSync(`${path}.after-${dead.pid}-5`, JSON.stringify({ pid: 999_999_998, startTime: "6" }));
  const lock = lockLocation(path);
  assert.deepEqual(readdirSync(directory), ["lock"]);
  lock.release();
});

test("a contender that is replacing right now is refused to", (t) => {
  const { path } = aLocation(t);
  writeFileSync(path, JSON.stringify(dead));
  writeFileSync(`${path}.after-${dead.pid}-5`, JSON.stringify(identifyProcess(process.pid)));
  assert.throws(() => lockLocation(path), { name: "LocationInUse" });
});

test("a contender's file that power loss left empty is named, not taken for a right", (t) => {
  const { path } = aLocation(t);
  writeFileSync(path, JSON.stringify(dead));
  writeFileSync(`${path}.after-${dead.pid}-5`, "");
  assert.throws(() => lockLocation(path), /remove it and the files/);
});

test("a release does not take away what another holds by now", (t) => {
  const { path } = aLocation(t);
  const lock = lockLocation(path);
  writeFileSync(path, JSON.stringify(dead));
  lock.release();
  assert.equal(JSON.parse(readFileSync(path, "utf8")).pid, dead.pid);
});

test("of eight processes that find a dead holder at once one gets the lock", async (t) => {
  const { path } = aLocation(t);
  writeFileSync(path, JSON.stringify(dead));
  const program = `
    import { lockLocation } from ${JSON.stringify(new URL("./lock.ts", import.meta.url).href)};
    process.stdin.once("data", () => {
      try { lockLocation(${JSON.stringify(path)}); console.log("got"); } catch (error) { console.log(error.name); }
      process.stdin.once("data", () => process.exit());
    });
    console.log("ready");`;
  const contenders = Array.from({ length: 8 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["pipe", "pipe", "inherit"] }),
  );
  await Promise.all(contenders.map((contender) => once(contender.stdout!, "data")));
  const answers = contenders.map(async (contender) => String((await once(contender.stdout!, "data"))[0]).trim());
  for (const contender of contenders) contender.stdin!.write("go\n");
  const results = (await Promise.all(answers)).sort();
  const exits = contenders.map((contender) => once(contender, "exit"));
  for (const contender of contenders) contender.stdin!.write("end\n");
  await Promise.all(exits);
  assert.deepEqual(results, [...Array<string>(7).fill("LocationInUse"), "got"]);
});
