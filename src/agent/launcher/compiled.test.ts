// The compiled launcher: the contract, and what only it has (its wire, its lease, the edges of its journal).
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { cc, missing } from "../../../tests/support/require.ts";
import { compileLauncher } from "./compile.ts";
import { compiledLauncher } from "./compiled.ts";
import { aLauncher, type LauncherKind, launcherContract } from "./launcher.contract.ts";
import { encodeFrame, encodeOrder, frameReader, type LauncherFrame, longestFrame } from "./protocol.ts";

const cache = mkdtempSync(join(tmpdir(), "quern-compile-"));
after(() => rmSync(cache, { recursive: true }));
const program = await compileLauncher(cache);
const kind: LauncherKind = {
  name: "compiled",
  program,
  make: (options) => compiledLauncher({ ...options, program: program! }),
  differs: {},
};

describe("compiling the launcher", () => {
  test("once, also when several do it at the same time", { skip: missing(cc) }, async () => {
    const fresh = join(cache, "fresh");
    const paths = await Promise.all([compileLauncher(fresh), compileLauncher(fresh), compileLauncher(fresh)]);
    assert.equal(new Set(paths).size, 1);
    assert.deepEqual(readdirSync(fresh).length, 1, "no scratch is left");
    assert.equal(await compileLauncher(fresh, "/no/such/compiler"), paths[0], "the second time nothing is compiled");
  });
  test("without a compiler, or with one that fails, there is none", async () => {
    assert.equal(await compileLauncher(join(cache, "none"), "/no/such/compiler"), undefined);
    assert.equal(await compileLauncher(join(cache, "none"), "/bin/false"), undefined);
    assert.equal(await compileLauncher(join(cache, "none"), "/bin/true"), undefined, "nothing came out");
    assert.deepEqual(readdirSync(join(cache, "none")), []);
  });
});

/** A connection that shows what the launcher says and takes any bytes. */
const wire = async (base: string) => {
  const socket = connect(join(base, "node", "socket"));
  const frames: LauncherFrame[] = [];
  const read = frameReader();
  const waiting = new Set<() => void>();
  socket.on("data", (chunk: Buffer) => {
    frames.push(...read(chunk));
    for (const look of waiting) look();
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((settle) => socket.once("close", () => settle()));
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((settle) => {
      const look = (): void => {
        if (!condition()) return;
        waiting.delete(look);
        settle();
      };
      waiting.add(look);
      look();
    });
  await until(() => frames.some((frame) => frame.verb === "ready"));
  return { socket, frames, closed, until };
};

const own = () => {
  const ends: Array<() => Promise<void>> = [];
  after(async () => {
    for (const end of ends) await end();
  });
  return async (slots = 2, base?: string) => {
    const made = aLauncher(kind, slots, base);
    const state = await made.launcher.connect();
    ends.push(made.end);
    return { ...made, state };
  };
};

if (program === undefined) {
  test("the compiled launcher", { skip: missing(cc) }, () => {});
} else {
  launcherContract(kind);

  describe("the compiled launcher's wire", () => {
    const world = own();

    test("a frame may be split anywhere", async () => {
      const w = await world(4);
      const { socket, frames, until } = await wire(w.base);
      socket.setNoDelay(true);
      socket.write(encodeFrame(["slots", "4"]));
      let runs = 0;
      const cuts = fc.array(fc.nat({ max: 2000 }), { maxLength: 30 });
      await fc.assert(
        fc.asyncProperty(cuts, fc.string({ unit: "binary", maxLength: 50 }), async (places, text) => {
          const ids = [0, 1, 2].map((at) => `run-${runs}-${at}`);
          const value = text.replaceAll("\0", "");
          const bytes = Buffer.concat(
            ids.map((id) => encodeOrder(w.order(id, ["/usr/bin/printf", "%s", value], { env: { VALUE: value } }))),
          );
          runs++;
          let from = 0;
          for (const to of [...places.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length]) {
            // One write per piece: each has left before the next is made.
            if (to > from) await new Promise((settle) => socket.write(bytes.subarray(from, to), settle));
            from = to;
          }
          const exits = () => frames.filter((frame) => frame.verb === "exited").map((frame) => frame.record);
          await until(() => ids.every((id) => exits().some((record) => record.id === id)));
          for (const id of ids) assert.equal(exits().find((record) => record.id === id)!.exitCode, 0);
          assert.equal(readFileSync(w.order(ids[2]!, ["x"]).stdoutPath, "utf8"), Buffer.from(value).toString());
        }),
        { numRuns: 60 },
      );
      socket.destroy();
    });

    test("what is no frame of the protocol is refused, and nothing else is harmed", async () => {
      const w = await world(1);
      w.launcher.spawn([w.order("long", ["/bin/cat", w.gate("g")])]);
      await w.startOf("long");
      const length = Buffer.alloc(4);
      const framed = (body: Buffer): Buffer => {
        length.writeUInt32LE(body.length);
        return Buffer.concat([length, body]);
      };
      const huge = Buffer.alloc(4);
      huge.writeUInt32LE(longestFrame + 1);
      const order = encodeOrder(w.order("x", ["/bin/true"])).subarray(4);
      const fields = order.toString("latin1").split("\0").slice(0, -1);
      const replaced = (at: number, value: string): Buffer => encodeFrame(fields.toSpliced(at, 1, value));
      const bad: Buffer[] = [
        huge,
        Buffer.alloc(4, 0xff),
        framed(Buffer.alloc(0)),
        framed(Buffer.from("run")),
        framed(Buffer.from("run\0")),
        framed(Buffer.alloc(1000)),
        framed(order.subarray(0, -1)),
        encodeFrame(["no such verb"]),
        encodeFrame(["slots", "-1"]),
        encodeFrame(["slots", "1e9"]),
        encodeFrame(["kill", "long", "65"]),
        encodeFrame(["kill", "long"]),
        encodeFrame(["withdraw"]),
        replaced(1, ""),
        replaced(1, "y".repeat(201)),
        replaced(1, "a\nS 1 1 1 b"),
        ...["0", "-1", "", "x", "99999999999999999999"].map((slots) => replaced(2, slots)),
        ...["0", "2", "-1", "4000000000", ""].map((argc) => replaced(9, argc)),
        replaced(4, "root"),
      ];
      for (const bytes of bad) {
        const { socket, frames, closed } = await wire(w.base);
        socket.write(bytes);
        await closed;
        assert.equal(frames.at(-1)!.verb, "error", bytes.subarray(0, 60).toString("latin1"));
      }
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (body) => {
          const { socket, closed } = await wire(w.base);
          socket.end(framed(Buffer.from(body)));
          await closed;
        }),
        { numRuns: 100 },
      );
      const state = await w.launcher.connect();
      assert.deepEqual(
        state.running.map((task) => task.id),
        ["long"],
      );
      await w.openGate(join(w.base, "g"));
      assert.equal((await w.exitOf("long")).exitCode, 0);
    });

    test("half a frame of an old agent is forgotten with it", async () => {
      const w = await world(1);
      const first = await wire(w.base);
      first.socket.write(encodeOrder(w.order("half", ["/bin/true"])).subarray(0, 40));
      const state = await w.launcher.connect();
      assert.deepEqual([state.queued, state.running], [[], []]);
      await w.run("whole", ["/bin/true"]);
    });

    test("a directory name longer than a socket address", async () => {
      const top = mkdtempSync(join(tmpdir(), "quern-launcher-"));
      after(() => rmSync(top, { recursive: true }));
      const base = join(top, ...Array.from({ length: 10 }, () => "x".repeat(50)));
      mkdirSync(base, { recursive: true });
      const w = await world(1, base);
      assert.equal((await w.run("far away", ["/bin/true"])).record.exitCode, 0);
    });

    test("a directory that others may enter is refused", async () => {
      const base = mkdtempSync(join(tmpdir(), "quern-launcher-"));
      mkdirSync(join(base, "node"), { mode: 0o700 });
      chmodSync(join(base, "node"), 0o750);
      await assert.rejects(aLauncher(kind, 1, base).launcher.connect(), /0700/);
      rmSync(base, { recursive: true });
    });
  });

  describe("the compiled launcher's life", () => {
    const world = own();
    const ended = (pid: number): boolean =>
      !existsSync(`/proc/${pid}/exe`) || /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

    test("it is in its own session, and one serves a directory", async () => {
      const w = await world(1);
      const pid = w.state.launcherPids[0]!;
      const [, , , , group, session] = readFileSync(`/proc/${pid}/stat`, "latin1").split(" ").map(Number);
      assert.deepEqual([group, session], [pid, pid]);
      assert.equal(spawnSync(program, [join(w.base, "node")], { env: {} }).status, 3);
      assert.equal(spawnSync(program, [], { env: {} }).status, 2);
      assert.equal(spawnSync(program, [join(w.base, "none")], { env: {} }).status, 1);
      await w.run("still there", ["/bin/true"]);
    });

    test("when its directory vanishes it ends, with its tasks", async () => {
      const w = aLauncher(kind, 1);
      await w.launcher.connect();
      w.launcher.spawn([w.order("long", ["/bin/sleep", "1000"])]);
      await w.startOf("long");
      rmSync(join(w.base, "node"), { recursive: true });
      await w.until(() => (w.disconnects() === 1 ? true : undefined));
      assert.equal((await w.exitOf("long")).signal, 9);
      rmSync(w.base, { recursive: true });
    });

    test("SIGTERM ends it in order: the exit records are there", async () => {
      const w = await world(1);
      w.launcher.spawn([w.order("long", ["/bin/sleep", "1000"])]);
      await w.startOf("long");
      process.kill(w.state.launcherPids[0]!, "SIGTERM");
      assert.equal((await w.exitOf("long")).signal, 9);
      await w.until(() => (w.disconnects() === 1 ? true : undefined));
      const state = await w.launcher.connect();
      assert.deepEqual(
        state.exited.map((record) => [record.id, record.signal]),
        [["long", 9]],
      );
      assert.notDeepEqual(state.launcherPids, w.state.launcherPids);
    });

    test("with a lease it ends when no agent and no task is there", async () => {
      const w = aLauncher({ ...kind, make: (options) => compiledLauncher({ ...options, program, leaseSeconds: 1 }) }, 1);
      await w.launcher.connect();
      // Told by the directory: the socket is removed when it ends.
      const watch = spawn("/bin/sh", ["-c", 'while [ -e "$0" ]; do sleep 0.05; done', join(w.base, "node", "socket")], { stdio: "ignore" });
      w.launcher.close();
      await once(watch, "exit");
      rmSync(w.base, { recursive: true });
    });

    test("a journal of another boot kills nobody, and torn or strange lines are passed over", async () => {
      const base = mkdtempSync(join(tmpdir(), "quern-launcher-"));
      mkdirSync(join(base, "node"), { mode: 0o700 });
      const bystander = spawn("/bin/sleep", ["1000"], { stdio: "ignore", detached: true });
      const long = "x".repeat(300);
      const lines = [
        "B another-boot",
        `S ${bystander.pid} 5 6 old`,
        "S 12",
        "X 1 2",
        "",
        "L 7 8 lost before",
        `S 1 1 1 ${long}`,
        `L 1 1 ${long}`,
        "A unknown",
      ];
      const exit = "X 9 100 200 3 - 0 - 1 2 3 4 5 6 7 ended with spaces";
      writeFileSync(join(base, "node", "journal"), `${[...lines, exit].join("\n")}\nS 1 2`);
      const w = await world(1, base);
      assert.deepEqual(
        w.state.gone.map((task) => [task.id, task.pid]),
        [
          ["lost before", 7],
          ["old", bystander.pid],
        ],
      );
      assert.deepEqual(w.state.exited, [
        {
          id: "ended with spaces",
          pid: 9,
          startedAt: 100,
          endedAt: 200,
          exitCode: 3,
          signal: null,
          usage: { userMs: 1, systemMs: 2, maxRssKiB: 3, readBlocks: 4, writeBlocks: 5, voluntarySwitches: 6, involuntarySwitches: 7 },
        },
      ]);
      assert.equal(ended(bystander.pid!), false);
      bystander.kill("SIGKILL");
    });

    test("a process that has taken over an old number is left alone", async () => {
      const base = mkdtempSync(join(tmpdir(), "quern-launcher-"));
      mkdirSync(join(base, "node"), { mode: 0o700 });
      const bystander = spawn("/bin/sleep", ["1000"], { stdio: "ignore", detached: true });
      const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
      writeFileSync(join(base, "node", "journal"), `B ${boot}\nS ${bystander.pid} 5 6 old\n`);
      const w = await world(1, base);
      assert.deepEqual(
        w.state.gone.map((task) => task.id),
        ["old"],
      );
      assert.equal(ended(bystander.pid!), false);
      bystander.kill("SIGKILL");
    });

    test("a full disk: reports wait for the journal, and come when there is room", {
      skip: process.getuid!() !== 0 && "needs to mount a small file system",
    }, async () => {
      const base = mkdtempSync(join(tmpdir(), "quern-launcher-"));
      mkdirSync(join(base, "node"), { mode: 0o700 });
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", join(base, "node")]);
      try {
        const w = aLauncher(kind, 1, base);
        await w.launcher.connect();
        w.launcher.spawn([w.order("before", ["/bin/cat", w.gate("g")])]);
        await w.startOf("before");
        // Fill the rest of the page that the journal is in, too: 4,096 bytes are granted at a time.
        const filler = join(base, "node", "filler");
        assert.notEqual(spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4096"], { stdio: "ignore" }).status, 0);
        const ids = Array.from({ length: 60 }, (_, at) => `${at}-${"x".repeat(150)}`);
        w.launcher.spawn(ids.map((id) => w.order(id, ["/bin/true"], { stdoutPath: "/dev/null", stderrPath: "/dev/null" })));
        await w.openGate(join(base, "g"));
        await w.exitOf("before");
        const journal = readFileSync(join(base, "node", "journal"), "latin1");
        assert.ok(w.exited.length < ids.length, "not all could be written");
        for (const record of w.exited) assert.ok(journal.includes(` ${record.id}\n`), "what was reported is on disk");
        rmSync(filler);
        await w.until(() => (w.exited.length === ids.length + 1 ? true : undefined));
        const failed = w.exited.filter((record) => record.error !== undefined);
        assert.ok(failed.every((record) => record.error!.stage === "journal" && record.error!.errno === 28));
        await w.launcher.shutdown({ killTasks: true });
      } finally {
        execFileSync("umount", ["-l", join(base, "node")]);
        rmSync(base, { recursive: true });
      }
    });
  });
}
