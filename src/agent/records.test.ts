// The agent's own memory: journal, retention, trash, outbox, lock. Time is a manual clock's.
import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { aTask } from "../../tests/support/agent-world.ts";
import { type AgentEvent, attemptKey } from "../api/agent/messages.ts";
import { ManualClock } from "../lib/clock.ts";
import { seededIds } from "../lib/ids.ts";
import { silentLog } from "../lib/log.ts";
import { identifyProcess, writePidFile } from "../lib/processes.ts";
import { openAttemptJournal } from "./journal.ts";
import { relativeParts, taskDirectory, UnsafeName } from "./layout.ts";
import { takeLock } from "./lock.ts";
import { holdMs, openReports } from "./reports.ts";
import { openRetention } from "./retention.ts";
import { openTrash } from "./trash.ts";

const aDirectory = (t: TestContext): string => {
  const directory = mkdtempSync(join(tmpdir(), "quern-records-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

test("the journal gives back what was added and not removed, also after a write that was cut short", (t) => {
  const directory = aDirectory(t);
  const [a, b, c] = [aTask("a"), aTask("b"), aTask("c")];
  const first = openAttemptJournal(directory);
  first.add([a, b]);
  first.add([c]);
  first.begin(attemptKey(b.ref), 17);
  first.end(attemptKey(b.ref), "lost");
  first.remove([attemptKey(a.ref)]);
  appendFileSync(join(directory, "attempts.jsonl"), `{"ref":{"accountId":1`);
  const second = openAttemptJournal(directory);
  assert.deepEqual(second.found, [{ order: b, startedAt: 17, ending: "lost" }, { order: c }]);
  second.remove([b, c].map(({ ref }) => attemptKey(ref)));
  assert.deepEqual(openAttemptJournal(directory).found, []);
});

test("a directory is due when its time has come, also for an agent that started later", (t) => {
  const directory = aDirectory(t);
  const clock = new ManualClock();
  const due: string[] = [];
  const open = () => openRetention(directory, { clock, log: silentLog }, (path) => due.push(path));
  const first = open();
  first.schedule("workitems/j/job-1/soon", clock.now(), 5_000);
  first.schedule("workitems/j/job-1/late", clock.now(), 7 * 86_400_000);
  first.schedule("workitems/j/job-1/never", clock.now(), Number.POSITIVE_INFINITY);
  clock.advance(4_000);
  assert.deepEqual(due, []);
  clock.advance(2_000);
  assert.deepEqual(due, ["workitems/j/job-1/soon"]);
  first.close();
  clock.advance(8 * 86_400_000);
  assert.equal(due.length, 1);
  open();
  clock.advance(0);
  assert.deepEqual(due, ["workitems/j/job-1/soon", "workitems/j/job-1/late"]);
  assert.deepEqual(readdirSync(directory), []);
});

test("a link in the place of a discarded directory goes, what it leads to stays", async (t) => {
  const directory = aDirectory(t);
  mkdirSync(join(directory, "precious/sub"), { recursive: true });
  writeFileSync(join(directory, "precious/sub/file"), "");
  mkdirSync(join(directory, "task"));
  symlinkSync(join(directory, "precious"), join(directory, "task/inner"));
  symlinkSync(join(directory, "precious"), join(directory, "link"));
  const trash = openTrash(join(directory, "trash"), new ManualClock(), seededIds(1));
  for (const name of ["link", "task"]) assert.equal(trash.discard(join(directory, name)), true);
  await trash.empty();
  assert.deepEqual(readdirSync(join(directory, "trash")), []);
  assert.deepEqual(readdirSync(join(directory, "precious/sub")), ["file"]);
});

test("the trash frees the name at once, the files go bit by bit, and leftovers are taken up", async (t) => {
  const directory = aDirectory(t);
  const clock = new ManualClock();
  const make = (): string => {
    const tree = join(directory, "tree");
    mkdirSync(join(tree, "sub"), { recursive: true });
    for (let i = 0; i < 50; i++) writeFileSync(join(tree, "sub", String(i)), "");
    return tree;
  };
  const trash = openTrash(join(directory, "trash"), clock, seededIds(1));
  assert.equal(trash.discard(join(directory, "absent")), false);
  assert.equal(trash.discard(make()), true);
  assert.ok(!existsSync(join(directory, "tree")));
  make();
  trash.close();
  await trash.empty();
  assert.equal(readdirSync(join(directory, "trash")).length, 1);
  const next = openTrash(join(directory, "trash"), clock, seededIds(2));
  let gone = false;
  const empty = next.empty().then(() => {
    gone = true;
  });
  // Every turn of the loop the clock moves as far as the next pause; the trash alone decides when it is done.
  const turn = (): void => {
    clock.advance(100);
    if (!gone) setImmediate(turn);
  };
  turn();
  await empty;
  assert.deepEqual(readdirSync(join(directory, "trash")), []);
});

const anOutbox = (queued = 0) => {
  const clock = new ManualClock();
  const sent: { n: number; events: AgentEvent[] }[] = [];
  const told: AgentEvent[] = [];
  const state = { queued };
  const reports = openReports({ clock, queuedAttempts: () => state.queued, acknowledged: (events) => told.push(...events) });
  return { clock, sent, told, state, reports, send: (text: string) => void sent.push(JSON.parse(text)) };
};
const event = (choreId: number): AgentEvent => ({ type: "choreDone", nodeId: "n", choreId });

test("events of one turn are one report; nothing is sent twice unless the connection broke before it was acknowledged", async () => {
  const { reports, sent, told, send } = anOutbox();
  reports.connected(send);
  reports.add(event(1));
  reports.add(event(2));
  await Promise.resolve();
  reports.add(event(3));
  await Promise.resolve();
  assert.deepEqual(
    sent.map(({ n, events }) => [n, events.length]),
    [
      [1, 2],
      [2, 1],
    ],
  ); // prettier-ignore
  reports.acknowledge(1);
  assert.deepEqual(told, [event(1), event(2)]);
  reports.disconnected();
  reports.add(event(4));
  await Promise.resolve();
  assert.equal(sent.length, 2);
  reports.connected(send);
  assert.deepEqual(
    sent.slice(2).map(({ n }) => n),
    [2, 3],
  );
  reports.acknowledge(3);
  await reports.settled();
  assert.deepEqual(told.slice(2), [event(3), event(4)]);
});

test("reports are held back only while work is queued, for at most 5 ms", async () => {
  const { reports, sent, send, clock, state } = anOutbox(100);
  reports.connected(send);
  reports.add(event(1));
  clock.advance(4);
  reports.add(event(2));
  await Promise.resolve();
  assert.equal(sent.length, 0);
  clock.advance(1);
  assert.deepEqual(
    sent.map(({ events }) => events.length),
    [2],
  );
  reports.add(event(3));
  state.queued = 3;
  reports.add(event(4));
  await Promise.resolve();
  assert.deepEqual(
    sent.map(({ events }) => events.length),
    [2, 2],
  );
  assert.deepEqual([0, 3, 4, 12, 20, 1000].map(holdMs), [0, 0, 1, 3, 5, 5]);
});

test("task directories follow the service's layout, and no id climbs", () => {
  assert.equal(taskDirectory("job1", "t"), "workitems/job1/job-1/t");
  assert.equal(taskDirectory("nightly:job-3", "t"), "workitems/nightly/job-3/t");
  for (const [job, task] of [
    ["..", "t"],
    ["a", ".."],
    ["a/b", "t"],
    ["a", "b/c"],
    ["", "t"],
    ["a:", "t"],
    ["a:..", "t"],
    ["a", "t\0"],
  ]) {
    assert.throws(() => taskDirectory(job!, task!), UnsafeName);
  } // prettier-ignore
  for (const path of ["", "..", "a/../b", "/a", "a//b"]) assert.throws(() => relativeParts(path), UnsafeName);
});

test("a lock left by a process that is gone, or by another with its number, does not count", (t) => {
  const path = join(aDirectory(t), "lock");
  writeFileSync(path, JSON.stringify({ pid: 999_999_999, startTime: "1" }));
  takeLock(path)();
  writeFileSync(path, JSON.stringify({ pid: process.ppid, startTime: "1" }));
  takeLock(path)();
  writeFileSync(path, "torn");
  const unlock = takeLock(path);
  takeLock(path);
  unlock();
  assert.ok(!existsSync(path));
  writePidFile(path, identifyProcess(process.ppid)!);
  assert.throws(() => takeLock(path), /another agent/);
});
