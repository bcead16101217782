// What the file API may see of a node, directly and through an agent.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test, { type TestContext } from "node:test";
import fc from "fast-check";
import { anAgentWorld, aTask, sameTask } from "../../tests/support/agent-world.ts";
import type { FileAnswer, FileRequest } from "../api/agent/messages.ts";
import { answerFileRequest } from "./files.ts";

const aRoot = (t: TestContext): { root: string; outside: string } => {
  const directory = mkdtempSync(join(tmpdir(), "quern-files-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const root = join(directory, "root");
  const outside = join(directory, "outside");
  mkdirSync(join(root, "d/e"), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "secret");
  writeFileSync(join(root, "a.txt"), "0123456789", { mode: 0o644 });
  writeFileSync(join(root, "d/b.txt"), "");
  writeFileSync(join(root, "d/e/ü c.txt"), "xyz");
  symlinkSync(outside, join(root, "link-out"));
  symlinkSync(join(outside, "secret"), join(root, "d/file-out"));
  symlinkSync("../a.txt", join(root, "d/in"));
  return { root, outside };
};

const names = (answer: FileAnswer): string[] => (answer.type === "entries" ? answer.entries.map(({ name }) => name) : []);
const reason = (answer: FileAnswer): string => (answer.type === "refused" ? answer.reason : answer.type);

test("lists show children or everything below, and nothing that leads out", async (t) => {
  const { root } = aRoot(t);
  const list = async (path: string, recursive: boolean) => names((await answerFileRequest(root, { type: "list", path, recursive })).answer);
  assert.deepEqual(await list("", false), ["a.txt", "d"]);
  assert.deepEqual(await list("", true), ["a.txt", "d", "d/b.txt", "d/e", "d/e/ü c.txt", "d/in"]);
  assert.deepEqual(await list("d/", false), ["b.txt", "e", "in"]);
  const { answer } = await answerFileRequest(root, { type: "stat", path: "a.txt" });
  assert.ok(answer.type === "entry");
  assert.equal(answer.entry.size, 10);
  assert.equal(answer.entry.mode, "0o100644");
  assert.equal(answer.entry.isDirectory, false);
});

test("a list that would be too long for one message is refused", async (t) => {
  const { root } = aRoot(t);
  // Names are from the directory that is listed on, and control characters take six bytes each on the wire.
  const name = "\u0001".repeat(240);
  const deep = join(root, "d/deep", ...Array<string>(10).fill(name));
  mkdirSync(deep, { recursive: true });
  for (let n = 0; n < 1_400; n++) writeFileSync(join(deep, String(n)), "");
  for (const path of ["d/deep", "d", ""]) {
    const { answer } = await answerFileRequest(root, { type: "list", path, recursive: true });
    assert.ok(answer.type === "refused");
    assert.equal(answer.reason, "failed");
  }
  assert.equal((await answerFileRequest(root, { type: "list", path: "d", recursive: false })).answer.type, "entries");
});

test("ranges are inclusive and held to the file", async (t) => {
  const { root } = aRoot(t);
  const read = async (start?: number, end?: number) => {
    const reply = await answerFileRequest(root, { type: "read", path: "a.txt", start, end });
    const contents = reply.contents === undefined ? "" : await text(reply.contents);
    return reply.answer.type === "entry" ? `${reply.length}:${contents}` : reason(reply.answer);
  };
  assert.equal(await read(), "10:0123456789");
  assert.equal(await read(2, 4), "3:234");
  assert.equal(await read(8, 100), "2:89");
  assert.equal(await read(9), "1:9");
  assert.equal(await read(undefined, 0), "1:0");
  assert.equal(await read(10), "invalidRange");
  assert.equal(await read(4, 2), "invalidRange");
  const empty = await answerFileRequest(root, { type: "read", path: "d/b.txt" });
  assert.deepEqual([empty.answer.type, empty.length], ["entry", 0]);
});

test("a file that grows while it is read ends where it ended when it was asked for", async (t) => {
  const { root } = aRoot(t);
  const reply = await answerFileRequest(root, { type: "read", path: "a.txt" });
  appendFileSync(join(root, "a.txt"), "more");
  assert.equal(await text(reply.contents!), "0123456789");
});

test("deleting needs an empty directory unless it is recursive; a link goes, not what it leads to", async (t) => {
  const { root, outside } = aRoot(t);
  const remove = async (path: string, recursive: boolean) =>
    reason((await answerFileRequest(root, { type: "delete", path, recursive })).answer);
  assert.equal(await remove("d", false), "notEmpty");
  assert.equal(await remove("link-out", true), "done");
  assert.equal(await remove("d/file-out", false), "done");
  assert.equal(await remove("d", true), "done");
  assert.equal(await remove("d", true), "notFound");
  assert.equal(await remove("a.txt", false), "done");
  assert.equal(await remove("", true), "denied");
  assert.ok(existsSync(join(outside, "secret")) && !existsSync(join(root, "d")));
});

test("what is no regular file cannot be read, and does not make the agent wait", async (t) => {
  const { root } = aRoot(t);
  execFileSync("mkfifo", [join(root, "pipe")]);
  assert.equal(reason((await answerFileRequest(root, { type: "read", path: "pipe" })).answer), "notFound");
  assert.equal(reason((await answerFileRequest(root, { type: "read", path: "d" })).answer), "isDirectory");
  assert.equal(reason((await answerFileRequest(root, { type: "list", path: "a.txt", recursive: false })).answer), "notFound");
  assert.equal(reason((await answerFileRequest(root, { type: "stat", path: `${"x".repeat(300)}` })).answer), "notFound");
});

test("no path of any shape leaves the root", async (t) => {
  const { root, outside } = aRoot(t);
  const part = fc.constantFrom(
    "..",
    ".",
    "",
    "d",
    "e",
    "link-out",
    "file-out",
    "secret",
    "outside",
    "root",
    "a.txt",
    "\0",
    "%2e%2e",
    "..\\",
  );
  const path = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join("/"));
  const type = fc.constantFrom<FileRequest["type"]>("list", "stat", "read");
  await fc.assert(
    fc.asyncProperty(path, type, async (asked, kind) => {
      const request = { type: kind, path: asked, recursive: true } as FileRequest;
      const reply = await answerFileRequest(root, request);
      const contents = reply.contents === undefined ? "" : await text(reply.contents);
      assert.doesNotMatch(contents, /secret/);
      if (/(^|\/)\.\.(\/|$)/.test(asked) || /link-out|file-out/.test(asked)) assert.equal(reply.answer.type, "refused");
    }),
  );
  for (const asked of ["../outside/secret", "link-out/secret", "d/file-out", "/../outside/secret"]) {
    const reply = await answerFileRequest(root, { type: "delete", path: `${asked}`, recursive: true });
    assert.ok(asked === "d/file-out" || reply.answer.type === "refused");
  }
  assert.ok(existsSync(join(outside, "secret")));
});

test("through an agent: properties, contents with a range, an empty file, and a node it does not host", async (t) => {
  const world = await anAgentWorld(t);
  await world.node();
  const task = aTask("/bin/echo 0123456789");
  world.start(task);
  await world.control.event("finished", sameTask(task));
  const path = `workitems/job1/job-1/${task.taskId}/stdout.txt`;
  const read = await world.control.file("tvmps_1_d", { type: "read", path, start: 3, end: 5 });
  assert.equal(String(read.bytes), "345");
  assert.equal(String((await world.control.file("tvmps_1_d", { type: "read", path })).bytes), "0123456789\n");
  const empty = await world.control.file("tvmps_1_d", { type: "read", path: path.replace("stdout", "stderr") });
  assert.equal(empty.bytes?.length, 0);
  const stat = (await world.control.file("tvmps_1_d", { type: "stat", path })).answer;
  assert.ok(stat.type === "entry" && stat.entry.size === 11 && stat.entry.mode === "0o100644");
  assert.equal(reason((await world.control.file("tvmps_9_d", { type: "stat", path })).answer), "notFound");
});
