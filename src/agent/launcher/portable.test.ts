// The portable launcher: the contract, less what a shell cannot do (each with its reason), and what only it has: its files and pipes.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { systemClock } from "../../lib/clock.ts";
import { aLauncher, type LauncherKind, launcherContract } from "./launcher.contract.ts";
import { portableLauncher } from "./portable.ts";
import { journalReader } from "./portable-journal.ts";
import { orderScript } from "./portable-worker.ts";

const kind: LauncherKind = {
  name: "portable",
  make: (options) => portableLauncher({ ...options, clock: systemClock() }),
  differs: {
    "exit codes above 128 are not taken for signals": {
      why: "a shell reports a signal n as 128 + n",
      instead: async ({ run }) => {
        const { record } = await run("high", ["/bin/sh", "-c", "exit 137"]);
        assert.deepEqual([record.exitCode, record.signal], [null, 9]);
      },
    },
    "peak memory of a task": {
      why: "no shell builtin tells it",
      instead: async ({ run }) => assert.equal((await run("small", ["/bin/true"])).record.usage.maxRssKiB, null),
    },
    "another user": {
      why: "a shell cannot change its user",
      instead: async ({ run }) => {
        const { record } = await run("other", ["/bin/true"], { uid: 65534, gid: 65534 });
        assert.deepEqual([record.error, record.pid], [{ errno: 1, stage: "user" }, 0]);
      },
    },
  },
};
launcherContract(kind);

describe("the portable launcher's files", () => {
  const ends: Array<() => Promise<void>> = [];
  after(async () => {
    for (const end of ends) await end();
  });
  const world = async (slots: number) => {
    const made = aLauncher(kind, slots);
    await made.launcher.connect();
    ends.push(made.end);
    return made;
  };

  test("an order that an agent left half written is dropped, one it only did not announce is run", async () => {
    const w = await world(1);
    await w.run("first", ["/bin/true"]);
    w.launcher.close();
    const text = orderScript(w.order("whole", ["/bin/true"]), "/usr/bin/setsid", "/usr/bin/env");
    const orders = join(w.base, "node", "orders");
    writeFileSync(join(orders, "50"), orderScript(w.order("half", ["/bin/true"]), "/usr/bin/setsid", "/usr/bin/env").slice(0, -20));
    writeFileSync(join(orders, "51"), text);
    const state = await w.launcher.connect();
    assert.deepEqual(state.queued, ["whole"]);
    assert.equal((await w.exitOf("whole")).exitCode, 0);
    assert.ok(!readdirSync(orders).includes("50"));
    assert.equal((await w.run("half", ["/bin/true"])).record.exitCode, 0, "its id is free again");
  });

  test("more orders than the queue's pipe holds", async () => {
    const w = await world(0);
    const ids = Array.from({ length: 7000 }, (_, at) => `t${at}`);
    w.launcher.spawn(ids.map((id) => w.order(id, ["/bin/true"], { stdoutPath: "/dev/null", stderrPath: "/dev/null" })));
    w.launcher.setSlots(2);
    await w.exitOf("t19");
    const back = new Set(await w.launcher.withdraw(ids));
    await w.run("behind them all", ["/bin/true"]);
    await w.until(() => (w.exited.length + back.size === ids.length + 1 ? true : undefined));
    assert.deepEqual(
      w.exited.filter((record) => back.has(record.id)),
      [],
    );
    assert.ok(back.size > 5000, `${back.size} were taken back`);
  });

  test("a shell's journal: rotation, times, and lines that are not whole yet", () => {
    const directory = mkdtempSync(join(tmpdir(), "quern-journal-"));
    const write = (file: number, text: string): void => writeFileSync(join(directory, `4.${file}`), text, { flag: "a" });
    const reader = journalReader(directory, 4, 0);
    assert.deepEqual(reader.read(), [], "there is no file yet");
    write(0, "0m0.1s 0m0.1s\n0m1.000000s 0m2.500000s\nW 77\nS 1 80 12.34\nX 1 3 1");
    assert.deepEqual(reader.read(), [
      { file: 0, event: { kind: "worker", pid: 77 } },
      { file: 0, event: { kind: "started", seq: 1, pid: 80, uptimeMs: 12_340 } },
    ]);
    write(0, "3.00\n0m0.2s 0m0.2s\n");
    assert.deepEqual(reader.read(), []);
    assert.equal(reader.unfinished()?.kind, "exited");
    write(0, "1m1.250000s 0m2.501000s\nN\n");
    write(1, "0m0.2s 0m0.2s\n1m1.250000s 0m2.501000s\nF 2 13 exec\nQ\n");
    assert.deepEqual(reader.read(), [
      { file: 0, event: { kind: "exited", seq: 1, status: 3, uptimeMs: 13_000, userMs: 60_250, systemMs: 1 } },
      { file: 1, event: { kind: "failed", seq: 2, errno: 13, stage: "exec" } },
      { file: 1, event: { kind: "left" } },
    ]);
    reader.close();
    rmSync(directory, { recursive: true });
  });
});
