// What the end of a process means, decided without running one.
import assert from "node:assert/strict";
import test from "node:test";
import { aTask } from "../../tests/support/agent-world.ts";
import { newAttempt, outcomeOf } from "./attempts.ts";
import { withoutSecrets } from "./failures.ts";
import type { ExitRecord } from "./launcher/launcher.ts";

const usage = {
  userMs: 1,
  systemMs: 2,
  maxRssKiB: null,
  readBlocks: null,
  writeBlocks: 3,
  voluntarySwitches: null,
  involuntarySwitches: null,
};
const aRecord = (record: Partial<ExitRecord>): ExitRecord => ({
  id: "t.1.1.1.1",
  pid: 7,
  startedAt: 1_000,
  endedAt: 2_000,
  exitCode: null,
  signal: null,
  usage,
  ...record,
});

test("an exit code, or 128 and the signal", () => {
  const attempt = newAttempt(aTask("x"));
  const times = { startedAt: 1_000, endedAt: 2_000, usage: { userMs: 1, systemMs: 2, maxRssKiB: 0, readBlocks: 0, writeBlocks: 3 } };
  assert.deepEqual(outcomeOf(attempt, aRecord({ exitCode: 0 })), { ...times, exitCode: 0 });
  assert.deepEqual(outcomeOf(attempt, aRecord({ signal: 15 })), { ...times, exitCode: 143 });
  assert.equal(outcomeOf({ ...attempt, startedAt: 500 }, aRecord({ exitCode: 0 })).startedAt, 500);
});

test("only a kill at the limit is the wall clock's", () => {
  const attempt = newAttempt(aTask("x", { maxWallClockMs: 1_000 }));
  assert.equal(outcomeOf(attempt, aRecord({ signal: 9 })).failure?.code, "TaskEnded");
  assert.equal(outcomeOf(attempt, aRecord({ signal: 9, endedAt: 1_900 })).failure, undefined);
  assert.equal(outcomeOf({ ...attempt, overran: true }, aRecord({ signal: 9, endedAt: 1_990 })).failure?.code, "TaskEnded");
  assert.equal(outcomeOf(attempt, aRecord({ exitCode: 0 })).failure, undefined);
  assert.equal(outcomeOf(newAttempt(aTask("x")), aRecord({ signal: 9 })).failure, undefined);
});

test("a start that failed has no exit code, and says what was missing", () => {
  const codeOf = (error: NonNullable<ExitRecord["error"]>) => {
    const outcome = outcomeOf(newAttempt(aTask("./x y")), aRecord({ pid: 0, startedAt: 0, error }));
    assert.equal(outcome.exitCode, undefined);
    assert.equal(outcome.startedAt, outcome.endedAt);
    assert.equal(outcome.failedIn, "preProcessing");
    return outcome.failure?.code;
  };
  assert.equal(codeOf({ errno: 2, stage: "exec" }), "CommandProgramNotFound");
  assert.equal(codeOf({ errno: 20, stage: "exec" }), "CommandProgramNotFound");
  assert.equal(codeOf({ errno: 13, stage: "exec" }), "CommandLaunchFailed");
  assert.equal(codeOf({ errno: 2, stage: "chdir" }), "CommandLaunchFailed");
});

test("URLs are shown without what gives access", () => {
  assert.equal(withoutSecrets("https://a.example/c/b?sv=1&sig=x#y"), "https://a.example/c/b");
  assert.equal(withoutSecrets("https://user:pass@a.example/c"), "https://a.example/c");
  assert.equal(withoutSecrets("not a url?sig=x"), "not a url");
});
