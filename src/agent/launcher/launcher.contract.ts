// What every launcher promises, as tests: real processes, no sleeping, each test in its own directory. Run by compiled.test.ts and portable.test.ts.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { ExitRecord, Launcher, LauncherOptions, LaunchOrder, RunningTask } from "./launcher.ts";

export interface LauncherKind {
  name: "compiled" | "portable";
  make(options: LauncherOptions): Launcher;
  /** For the agent that the tests kill: it makes the same launcher in another process. */
  program?: string;
  /** What this kind cannot promise: by the name of the promise, why, and what it does instead, which is then tested in its place. */
  differs: Record<string, { why: string; instead(world: ReturnType<typeof aLauncher>): Promise<void> }>;
}

/** A launcher with everything it reported, and ways to await it. */
export const aLauncher = (kind: LauncherKind, slots = 2, base = mkdtempSync(join(tmpdir(), "quern-launcher-"))) => {
  const started: RunningTask[] = [];
  const exited: ExitRecord[] = [];
  const waiting = new Set<() => void>();
  let disconnects = 0;
  const tell = (): void => {
    for (const look of waiting) look();
  };
  const until = <T>(what: () => T | undefined): Promise<T> =>
    new Promise((settle) => {
      const look = (): void => {
        const found = what();
        if (found === undefined) return;
        waiting.delete(look);
        settle(found);
      };
      waiting.add(look);
      look();
    });
  const events = {
    started: (tasks: RunningTask[]): void => {
      started.push(...tasks);
      tell();
    },
    exited: (records: ExitRecord[]): void => {
      exited.push(...records);
      tell();
    },
    disconnected: (): void => {
      disconnects++;
      tell();
    },
  };
  const launcher = kind.make({ directory: join(base, "node"), slots, events });
  const order = (id: string, argv: string[], rest: Partial<LaunchOrder> = {}): LaunchOrder => {
    const name = Buffer.from(id).toString("hex").slice(0, 100);
    const paths = { cwd: base, stdoutPath: join(base, `${name}.out`), stderrPath: join(base, `${name}.err`) };
    return { id, slots: 1, argv, env: {}, hold: false, ...paths, ...rest };
  };
  const exitOf = (id: string): Promise<ExitRecord> => until(() => exited.find((record) => record.id === id));
  const startOf = (id: string): Promise<RunningTask> => until(() => started.find((task) => task.id === id));
  const run = async (id: string, argv: string[], rest: Partial<LaunchOrder> = {}) => {
    const wanted = order(id, argv, rest);
    launcher.spawn([wanted]);
    const record = await exitOf(id);
    return { record, stdout: record.error === undefined ? readFileSync(wanted.stdoutPath) : Buffer.alloc(0) };
  };
  const gate = (name: string): string => {
    const path = join(base, name);
    execFileSync("mkfifo", [path]);
    return path;
  };
  /** Ends a task that reads this gate, once it does. */
  const openGate = async (path: string): Promise<void> => (await open(path, "w")).close();
  const end = async (): Promise<void> => {
    await launcher.shutdown({ killTasks: true });
    rmSync(base, { recursive: true, force: true });
  };
  return { base, launcher, started, exited, order, exitOf, startOf, run, until, gate, openGate, end, disconnects: () => disconnects };
};

/** Two promises: somebody opened the pipe for writing; nobody holds it any more. */
const watchPipe = (path: string) => {
  const opened = open(path, "r");
  const closed = opened.then(async (reader) => {
    while ((await reader.read(Buffer.alloc(64))).bytesRead > 0);
    await reader.close();
  });
  return { opened, closed };
};

const sh = (script: string, ...args: string[]): string[] => ["/bin/sh", "-c", script, "sh", ...args];
const envText = (env: Record<string, string>): string[] =>
  Object.entries(env)
    .map(([name, value]) => `${name}=${value}`)
    .sort();

export const launcherContract = (kind: LauncherKind): void => {
  const worlds: Array<() => Promise<void>> = [];
  const children: ChildProcess[] = [];
  const world = async (slots = 2, base?: string) => {
    const made = aLauncher(kind, slots, base);
    const state = await made.launcher.connect();
    worlds.push(made.end);
    return { ...made, state };
  };
  const promise = (name: string, body: () => Promise<void>): void => {
    const different = kind.differs[name];
    if (different === undefined) test(name, { timeout: 120_000 }, body);
    else test(`not kept: ${name} (${different.why})`, { timeout: 120_000 }, async () => different.instead(await world()));
  };

  describe(`launcher contract: ${kind.name}`, () => {
    after(async () => {
      for (const child of children) child.kill("SIGKILL");
      for (const end of worlds.reverse()) await end();
    });

    promise("exit codes, pid and times", async () => {
      const w = await world();
      assert.deepEqual({ ...w.state, launcherPids: [] }, { running: [], queued: [], exited: [], gone: [], launcherPids: [] });
      for (const code of [0, 3, 100]) {
        const { record } = await w.run(`code-${code}`, sh(`exit ${code}`));
        assert.equal(record.exitCode, code);
        assert.equal(record.signal, null);
        assert.equal(record.error, undefined);
        const task = await w.startOf(`code-${code}`);
        assert.equal(task.pid, record.pid);
        assert.ok(record.pid > 1 && record.endedAt >= record.startedAt);
        assert.ok(
          Math.abs(record.endedAt - statSync(w.order(`code-${code}`, ["x"]).stdoutPath).mtimeMs) < 60_000,
          "times are of this epoch",
        );
      }
    });

    promise("exit codes above 128 are not taken for signals", async () => {
      const { record } = await (await world()).run("high", sh("exit 137"));
      assert.deepEqual([record.exitCode, record.signal], [137, null]);
    });

    promise("signals that end a task", async () => {
      const w = await world();
      for (const signal of [2, 9, 15]) {
        const { record } = await w.run(`signal-${signal}`, sh(`kill -${signal} $$`));
        assert.deepEqual([record.exitCode, record.signal], [null, signal]);
      }
    });

    promise("the command line meets no shell", async () => {
      const args = ["$HOME", "a b", "'", '"', "`id`", "*", "\\", "new\nline", "", "ünï→😀", "$(id)", "-n", "\u0081\u0088"];
      const { stdout } = await (await world()).run("args", ["/usr/bin/printf", "[%s]", ...args]);
      assert.equal(stdout.toString(), args.map((arg) => `[${arg}]`).join(""));
    });

    promise("the environment is exactly the order's", async () => {
      const w = await world();
      assert.equal((await w.run("no env", ["/usr/bin/env", "-0"])).stdout.length, 0);
      const everyByte = String.fromCodePoint(...Array.from({ length: 0xff }, (_, at) => at + 1));
      const plain = { A: "", QUOTES: `'"\`$x\\`, LINES: "one\ntwo\n", BYTES: everyByte, PATH: "/nowhere", HOME: "/h", LANG: "C" };
      const odd = {
        ...plain,
        "Z.dot": "1",
        "has space": "2",
        IFS: "x",
        OPTIND: "no number",
        PWD: "/not/here",
        PPID: "7",
        ü: "3",
        "-i": "4",
      };
      for (const [id, env] of [
        ["plain", plain],
        ["odd", odd],
      ] as const) {
        const { stdout } = await w.run(id, ["/usr/bin/env", "-0"], { env });
        assert.deepEqual(stdout.toString().split("\0").slice(0, -1).sort(), envText(env));
      }
    });

    promise("the working directory, with any name", async () => {
      const w = await world();
      const cwd = join(w.base, 'a dir\'s "name"\nof $two lines');
      mkdirSync(cwd);
      writeFileSync(join(cwd, "here"), "#!/bin/sh\npwd\n", { mode: 0o755 });
      const plan = { cwd, stdoutPath: join(cwd, "-out 'x'"), stderrPath: join(cwd, "-err") };
      assert.equal((await w.run("pwd", ["/bin/pwd"], plan)).stdout.toString(), `${cwd}\n`);
      assert.equal((await w.run("relative", ["./here"], plan)).stdout.toString(), `${cwd}\n`);
      assert.equal((await w.run("bare", ["here"], plan)).stdout.toString(), `${cwd}\n`);
    });

    promise("output files are emptied first and readable", async () => {
      const w = await world();
      const wanted = w.order("out", sh("echo out; echo err >&2"));
      writeFileSync(wanted.stdoutPath, "left over from before, longer than the new content");
      w.launcher.spawn([wanted]);
      assert.equal((await w.exitOf("out")).exitCode, 0);
      assert.equal(readFileSync(wanted.stdoutPath, "utf8"), "out\n");
      assert.equal(readFileSync(wanted.stderrPath, "utf8"), "err\n");
      assert.equal(statSync(wanted.stderrPath).mode & 0o777, 0o644);
    });

    promise("a link or a pipe in the place of an output file is refused", async () => {
      const w = await world();
      const victim = join(w.base, "victim");
      writeFileSync(victim, "precious");
      symlinkSync(victim, join(w.base, "link"));
      const { record } = await w.run("link", ["/bin/echo", "x"], { stdoutPath: join(w.base, "link") });
      assert.equal(record.error?.stage, "open");
      assert.equal(record.exitCode, null);
      assert.equal(readFileSync(victim, "utf8"), "precious");
      assert.ok(lstatSync(join(w.base, "link")).isSymbolicLink());
      const { record: pipe } = await w.run("pipe", ["/bin/echo", "x"], { stderrPath: w.gate("pipe") });
      assert.equal(pipe.error?.stage, "open");
      const { record: missing } = await w.run("missing", ["/bin/echo", "x"], { stdoutPath: join(w.base, "no/such/dir/out") });
      assert.equal(missing.error?.stage, "open");
    });

    promise("what cannot be started says why", async () => {
      const w = await world();
      const file = (name: string, mode: number, text: string): string => {
        writeFileSync(join(w.base, name), text);
        chmodSync(join(w.base, name), mode);
        return join(w.base, name);
      };
      const cases: Array<[string, string[], Partial<LaunchOrder>, string, number]> = [
        ["not found", ["/no/such/program"], {}, "exec", 2],
        ["bare name is not searched in PATH", ["true"], { env: { PATH: "/bin" } }, "exec", 2],
        ["not executable", [file("plain", 0o644, "#!/bin/sh\n")], {}, "exec", 13],
        ["a directory", [w.base], {}, "exec", 13],
        ["no format", [file("text", 0o755, "just words\n")], {}, "exec", 8],
        ["too long", ["/bin/echo", "x".repeat(200_000)], {}, "exec", 7],
        ["no cwd", ["/bin/true"], { cwd: join(w.base, "none") }, "chdir", 2],
        ["cwd is a file", ["/bin/true"], { cwd: join(w.base, "text") }, "chdir", 20],
      ];
      for (const [id, argv, rest, stage, errno] of cases) {
        const { record } = await w.run(id, argv, rest);
        assert.deepEqual([record.error, record.exitCode, record.signal], [{ errno, stage }, null, null], id);
      }
      assert.deepEqual(
        w.started.filter((task) => task.id === "not found"),
        [],
        "what was not started is not reported as started",
      );
    });

    promise("a task leads its own session, with fresh signals and three open files", async () => {
      const w = await world();
      const { stdout, record } = await w.run("self", ["/bin/cat", "/proc/self/stat", "/proc/self/status"]);
      const [, , , , group, session] = stdout
        .toString()
        .split("\n")[0]!
        .replace(/^(\d+) \(.*\)/, "$1 x")
        .split(" ")
        .map(Number);
      assert.deepEqual([group, session], [record.pid, record.pid]);
      for (const field of ["SigBlk", "SigIgn", "SigCgt"]) assert.match(stdout.toString(), new RegExp(`^${field}:\\s+0+$`, "m"));
      const { stdout: files } = await w.run("files", ["/bin/ls", "-l", "/proc/self/fd"]);
      const opened = files
        .toString()
        .split("\n")
        .filter((line) => line.includes("->"));
      const numbers = (lines: string[]): string[] => lines.map((line) => / (\d+) -> /.exec(line)![1]!);
      // A shell cannot close the files above 9 that this very process was given by whoever started it.
      const inherited =
        kind.name === "compiled"
          ? []
          : numbers(
              execFileSync("/bin/ls", ["-l", "/proc/self/fd"], { encoding: "utf8" })
                .split("\n")
                .filter((line) => line.includes("->")),
            );
      const own = numbers(opened).filter((fd) => Number(fd) < 4 || !inherited.includes(fd));
      assert.deepEqual(own, ["0", "1", "2", "3"], "and the directory that ls reads");
      assert.match(opened[0]!, /\/dev\/null$/);
    });

    promise("kill reaches the whole group", async () => {
      const w = await world();
      const [one, two] = [w.gate("one"), w.gate("two")];
      const pipes = [watchPipe(one), watchPipe(two)];
      w.launcher.spawn([w.order("family", sh('exec 3>"$1"; sleep 1000 & (sleep 1000 & sleep 1000) & wait', one))]);
      w.launcher.spawn([w.order("piped", sh('{ sleep 1000 & sleep 1000; } >"$1"', two))]);
      await Promise.all(pipes.map((pipe) => pipe.opened));
      w.launcher.kill("piped", 9);
      w.launcher.kill("family", 15);
      await Promise.all(pipes.map((pipe) => pipe.closed));
      assert.equal((await w.exitOf("piped")).signal, 9);
      assert.equal((await w.exitOf("family")).signal, 15);
      w.launcher.kill("piped", 9);
      w.launcher.kill("never heard of", 9);
    });

    promise("what a task leaves behind ends with it", async () => {
      const w = await world();
      const pipe = w.gate("left");
      const { closed } = watchPipe(pipe);
      const { record } = await w.run("leaver", sh('sleep 1000 >"$1" & exec 3>"$1"; exit 4', pipe));
      assert.equal(record.exitCode, 4);
      await closed;
    });

    promise("queued orders start in order, as slots become free", async () => {
      const w = await world(2);
      const gates = Object.fromEntries(["a", "b", "c", "wide", "last"].map((id) => [id, w.gate(id)]));
      w.launcher.spawn(Object.entries(gates).map(([id, path]) => w.order(id, ["/bin/cat", path], { slots: id === "wide" ? 2 : 1 })));
      await w.startOf("b");
      await w.openGate(gates.b!);
      await w.exitOf("b");
      await w.startOf("c");
      await w.openGate(gates.c!);
      await w.exitOf("c");
      assert.deepEqual(w.started.map((task) => task.id).sort(), ["a", "b", "c"], "one slot is free, but the next order needs two");
      await w.openGate(gates.a!);
      await w.startOf("wide");
      assert.equal(w.started.length, 4);
      await w.openGate(gates.wide!);
      await w.exitOf("wide");
      await w.openGate(gates.last!);
      await w.exitOf("last");
      assert.deepEqual(
        [
          ...w.started
            .map((task) => task.id)
            .slice(0, 2)
            .sort(),
          ...w.started.map((task) => task.id).slice(2),
        ],
        ["a", "b", "c", "wide", "last"],
      );
    });

    promise("hold keeps the slot until release", async () => {
      const w = await world(1);
      w.launcher.spawn([w.order("held", ["/bin/true"], { hold: true }), w.order("next", ["/bin/true"])]);
      await w.exitOf("held");
      w.launcher.acknowledge(["held"]);
      assert.deepEqual(await w.launcher.withdraw(["next"]), ["next"], "it had not started");
      w.launcher.spawn([w.order("next 2", ["/bin/true"])]);
      w.launcher.release("held");
      await w.exitOf("next 2");
      const gate = w.gate("early");
      w.launcher.spawn([w.order("early", ["/bin/cat", gate], { hold: true }), w.order("after early", ["/bin/true"])]);
      await w.startOf("early");
      w.launcher.release("early");
      w.launcher.release("early");
      await w.openGate(gate);
      await w.exitOf("after early");
    });

    promise("withdraw takes back only what has not started", async () => {
      const w = await world(1);
      w.launcher.spawn([w.order("runs", ["/bin/cat", w.gate("g")]), ...["x", "y", "z"].map((id) => w.order(id, ["/bin/true"]))]);
      await w.startOf("runs");
      assert.deepEqual((await w.launcher.withdraw(["y", "runs", "unknown", "x"])).sort(), ["x", "y"]);
      assert.deepEqual(await w.launcher.withdraw([]), []);
      await w.openGate(join(w.base, "g"));
      await w.exitOf("z");
      assert.deepEqual(
        w.started.map((task) => task.id),
        ["runs", "z"],
      );
      w.launcher.spawn([w.order("x", sh("exit 5"))]);
      assert.equal((await w.exitOf("x")).exitCode, 5, "an id that was taken back can be ordered again");
    });

    promise("killing a queued order drops and reports it", async () => {
      const w = await world(1);
      w.launcher.spawn([w.order("runs", ["/bin/cat", w.gate("g")]), w.order("dropped", ["/bin/true"]), w.order("z", ["/bin/true"])]);
      await w.startOf("runs");
      w.launcher.kill("dropped", 15);
      const record = await w.exitOf("dropped");
      assert.deepEqual([record.pid, record.startedAt, record.exitCode, record.signal, record.error], [0, 0, null, 15, undefined]);
      await w.openGate(join(w.base, "g"));
      await w.exitOf("z");
      assert.deepEqual(
        w.started.map((task) => task.id),
        ["runs", "z"],
      );
    });

    promise("an id that is known is not started twice", async () => {
      const w = await world();
      const once = w.order("once", sh("echo run >>runs"));
      w.launcher.spawn([once, once]);
      await w.exitOf("once");
      w.launcher.spawn([once]);
      await w.run("later", ["/bin/true"]);
      assert.equal(readFileSync(join(w.base, "runs"), "utf8"), "run\n");
      assert.equal(w.exited.length, 2);
    });

    promise("setSlots: more start at once, fewer stop nothing", async () => {
      const w = await world(1);
      const gates = ["a", "b", "c", "d"].map((id) => w.gate(id));
      w.launcher.spawn(gates.map((path) => w.order(path, ["/bin/cat", path])));
      await w.startOf(gates[0]!);
      w.launcher.setSlots(3);
      await w.startOf(gates[2]!);
      w.launcher.setSlots(1);
      for (const path of gates.slice(0, 2)) {
        await w.openGate(path);
        await w.exitOf(path);
      }
      assert.deepEqual(await w.launcher.withdraw([gates[3]!]), [gates[3]!], "two have ended, but the third holds the only slot left");
      await w.openGate(gates[2]!);
      await w.exitOf(gates[2]!);
      await w.run("again", ["/bin/true"]);
    });

    promise("hostile ids are names and nothing else", async () => {
      const w = await world();
      const ids = [
        "../../etc/passwd",
        "a b  c",
        "'; rm -rf / #",
        "-n",
        "S 1 2 3 x",
        "ünï😀",
        "x".repeat(200),
        "$(id)",
        "tab\tcr\r",
        "\u0001",
        " ",
        "%s%n",
      ];
      for (const id of ids) {
        const { record } = await w.run(id, ["/bin/true"], { stdoutPath: join(w.base, "o"), stderrPath: join(w.base, "e") });
        assert.equal(record.exitCode, 0, JSON.stringify(id));
      }
      w.launcher.close();
      const again = await w.launcher.connect();
      assert.deepEqual(again.exited.map((record) => record.id).sort(), [...ids].sort());
      for (const id of ["", "new\nline", "nul\0", "x".repeat(201), "\ud800"]) {
        assert.throws(() => w.launcher.spawn([w.order("ok", ["/bin/true"]), w.order(id, ["/bin/true"])]), RangeError);
      }
      for (const bad of [{ argv: [] }, { slots: 0 }, { slots: 1.5 }, { env: { "a=b": "c" } }, { cwd: "a\0b" }, { uid: 1 }]) {
        assert.throws(() => w.launcher.spawn([w.order("bad", ["/bin/true"], bad)]), RangeError);
      }
      assert.equal(
        w.exited.some((record) => record.id === "ok"),
        false,
        "nothing of a refused batch is sent",
      );
    });

    promise("the death of the agent loses nothing, and what runs goes on", async () => {
      const base = mkdtempSync(join(tmpdir(), "quern-launcher-"));
      const plan = aLauncher(kind, 2, base);
      const orders = ["held up", "ends alone", "queued", "queued too"].map((id) => plan.order(id, ["/bin/cat", plan.gate(`gate ${id}`)]));
      orders.push(plan.order("wide", sh("exit 9"), { slots: 2 }), plan.order("waits", ["/bin/cat", plan.gate("gate waits")]));
      writeFileSync(
        join(base, "plan.json"),
        JSON.stringify({ kind: kind.name, program: kind.program, directory: join(base, "node"), slots: 2, orders }),
      );
      const agentFile = fileURLToPath(new URL("./launcher-agent.contract.ts", import.meta.url));
      const agent = spawn(process.execPath, [agentFile, join(base, "plan.json")], { stdio: ["ignore", "pipe", "inherit"] });
      children.push(agent);
      await once(agent.stdout, "data"); // two have started
      agent.kill("SIGKILL");
      await once(agent, "exit");
      for (const id of ["ends alone", "queued", "queued too"]) await plan.openGate(join(base, `gate ${id}`));
      await plan.openGate(join(base, "gate held up"));
      const gateOfLast = await open(join(base, "gate waits"), "w"); // so the wide one has ended, with no agent there
      const w = await world(2, base);
      assert.deepEqual(
        w.state.running.map((task) => task.id),
        ["waits"],
      );
      assert.deepEqual([...w.state.exited.map((record) => [record.id, record.exitCode])].sort(), [
        ["ends alone", 0],
        ["held up", 0],
        ["queued too", 0],
        ["queued", 0],
        ["wide", 9],
      ]);
      assert.deepEqual([w.state.queued, w.state.gone], [[], []]);
      w.launcher.acknowledge(["queued", "wide"]);
      await gateOfLast.close();
      assert.equal((await w.exitOf("waits")).pid, w.state.running[0]!.pid);
      assert.deepEqual(
        w.exited.map((record) => record.id),
        ["waits"],
        "what connect() told is not told again",
      );
      await w.run("acknowledgements have arrived", ["/bin/true"]);
      w.launcher.close();
      const again = await w.launcher.connect();
      assert.deepEqual(again.exited.map((record) => record.id).sort(), [
        "acknowledgements have arrived",
        "ends alone",
        "held up",
        "queued too",
        "waits",
      ]);
    });

    promise("the newest agent wins", async () => {
      const one = await world(1);
      one.launcher.spawn([one.order("long", ["/bin/cat", one.gate("g")]), one.order("behind", ["/bin/true"])]);
      await one.startOf("long");
      const two = await world(1, one.base);
      worlds.splice(worlds.indexOf(one.end), 1);
      await one.until(() => (one.disconnects() === 1 ? true : undefined));
      assert.deepEqual([two.state.running.map((task) => task.id), two.state.queued], [["long"], ["behind"]]);
      await one.openGate(join(one.base, "g"));
      await two.exitOf("behind");
      assert.deepEqual([one.exited.length, two.exited.map((record) => record.id)], [0, ["long", "behind"]]);
    });

    promise("the death of the launcher: its tasks are ended and reported as gone", async () => {
      const w = await world(2);
      const pipe = w.gate("alive");
      const { opened, closed } = watchPipe(pipe);
      w.launcher.spawn([w.order("done", sh("exit 6"))]);
      await w.exitOf("done");
      w.launcher.spawn([
        w.order("a", sh('sleep 1000 >"$1" & sleep 1000 >"$1"', pipe)),
        w.order("b", ["/bin/sleep", "1000"]),
        w.order("c", ["/bin/true"]),
      ]);
      const [a, b] = [await w.startOf("a"), await w.startOf("b")];
      await opened;
      for (const pid of w.state.launcherPids) process.kill(pid, "SIGKILL");
      await w.until(() => (w.disconnects() === 1 ? true : undefined));
      const state = await w.launcher.connect();
      await closed;
      assert.deepEqual(
        state.gone.sort((x, y) => x.id.localeCompare(y.id)),
        [a, b],
      );
      assert.deepEqual(
        state.exited.map((record) => [record.id, record.exitCode]),
        [["done", 6]],
      );
      assert.deepEqual([state.running, state.queued], [[], []], "c was never started");
      w.launcher.acknowledge(["a", "done"]);
      await w.run("c", ["/bin/true"]);
      w.launcher.close();
      const again = await w.launcher.connect();
      assert.deepEqual([again.gone.map((task) => task.id), again.exited.map((record) => record.id)], [["b"], ["c"]]);
    });

    promise("the records of acknowledged tasks do not pile up", async () => {
      const w = await world(2);
      const ids = Array.from({ length: 1500 }, (_, at) => `task-${at}-${"x".repeat(100)}`);
      w.launcher.spawn(ids.map((id) => w.order(id, ["/bin/true"], { stdoutPath: "/dev/null", stderrPath: "/dev/null" })));
      let from = 0;
      await w.until(() => {
        w.launcher.acknowledge(w.exited.slice(from).map((record) => record.id));
        from = w.exited.length;
        return from === ids.length ? true : undefined;
      });
      await w.run("last", ["/bin/true"]);
      const sizes = readdirSync(join(w.base, "node"), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      const bytes = sizes.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
      assert.ok(bytes < 150_000, `${bytes} bytes are left of 1,500 tasks`);
      assert.ok(sizes.length < 30, `${sizes.length} files are left`);
      w.launcher.close();
      assert.deepEqual(
        (await w.launcher.connect()).exited.map((record) => record.id),
        ["last"],
      );
    });

    promise("shutdown: at once, or when all has ended", async () => {
      const w = await world(1);
      w.launcher.spawn([w.order("long", ["/bin/cat", w.gate("g")]), w.order("behind", sh("exit 3"))]);
      await w.startOf("long");
      const ended = w.launcher.shutdown({ killTasks: false });
      await w.openGate(join(w.base, "g"));
      await ended;
      assert.equal((await w.exitOf("behind")).exitCode, 3);
      const next = await world(1, w.base);
      worlds.splice(worlds.indexOf(w.end), 1);
      assert.deepEqual(next.state.exited.map((record) => record.id).sort(), ["behind", "long"]);
      next.launcher.spawn([next.order("endless", ["/bin/sleep", "1000"]), next.order("never", ["/bin/true"])]);
      await next.startOf("endless");
      await next.launcher.shutdown({ killTasks: true });
      assert.equal(next.disconnects(), 0);
      const last = await world(1, w.base);
      worlds.splice(worlds.indexOf(next.end), 1);
      assert.deepEqual(
        last.state.exited.filter((record) => record.id === "endless").map((record) => record.signal),
        [9],
      );
      assert.deepEqual([last.state.running, last.state.queued, last.state.gone], [[], [], []]);
    });

    promise("resource usage", async () => {
      const { record } = await (await world()).run("busy", sh("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"));
      assert.ok(record.usage.userMs! > 20 && record.usage.userMs! < 60_000, `${record.usage.userMs} ms`);
      assert.ok(record.usage.systemMs! >= 0);
    });

    promise("peak memory of a task", async () => {
      const { record } = await (await world()).run("small", ["/bin/true"]);
      assert.ok(record.usage.maxRssKiB! > 100 && record.usage.maxRssKiB! < 100_000);
      assert.ok(record.usage.voluntarySwitches! >= 0 && record.usage.readBlocks! >= 0);
    });

    promise("another user", async () => {
      const w = await world();
      chmodSync(w.base, 0o777);
      const { record, stdout } = await w.run("nobody", ["/bin/cat", "/proc/self/status"], { uid: 65534, gid: 65534 });
      if (process.getuid!() !== 0) {
        assert.equal(record.error?.stage, "user");
        return;
      }
      assert.match(stdout.toString(), /^Uid:\s+65534\s+65534\s+65534\s+65534$/m);
      assert.match(stdout.toString(), /^Gid:\s+65534\s+65534\s+65534\s+65534$/m);
      assert.match(stdout.toString(), /^Groups:\s*(65534)?\s*$/m);
      assert.equal(statSync(w.order("nobody", ["x"]).stdoutPath).uid, 65534);
    });

    promise("rate of 5,000 x /bin/true (printed, not judged)", async () => {
      const w = await world(2);
      const orders = Array.from({ length: 5000 }, (_, at) =>
        w.order(`t${at}`, ["/bin/true"], { stdoutPath: "/dev/null", stderrPath: "/dev/null" }),
      );
      const from = process.hrtime.bigint();
      w.launcher.spawn(orders);
      await w.until(() => (w.exited.length === orders.length ? true : undefined));
      const seconds = Number(process.hrtime.bigint() - from) / 1e9;
      assert.deepEqual(new Set(w.exited.map((record) => record.id)).size, 5000);
      assert.deepEqual(
        w.exited.filter((record) => record.exitCode !== 0),
        [],
      );
      assert.deepEqual(w.started.map((task) => task.id).sort(), orders.map((order) => order.id).sort());
      console.log(`${kind.name}: ${Math.round(orders.length / seconds)} tasks/s`);
    });
  });
};
