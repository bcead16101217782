// The published package: `npm pack`, installed into an empty folder as a user would, starts and answers. Node.js strips no types below
// node_modules, so this is also the test of the emitted JavaScript.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, watch } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { repository } from "../support/quern.ts";
import { signedRequest } from "../support/signed.ts";

const run = promisify(execFile);

test("a packed tarball, installed elsewhere, starts and runs a task", { timeout: 280_000 }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "quern-packed-"));
  let stop = async (): Promise<void> => {};
  t.after(async () => {
    await stop();
    await rm(directory, { recursive: true, force: true });
  });
  // Under `npm test` npm's own variables name this project as the place to work on, whatever the working directory is.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  const npm = (cwd: string, ...args: string[]): Promise<{ stdout: string }> => run("npm", args, { cwd, env, maxBuffer: 1 << 24 });
  const { stdout } = await npm(repository, "pack", "--json", "--pack-destination", directory);
  const tarball = JSON.parse(stdout.slice(stdout.indexOf("[")))[0].filename;
  await writeFile(join(directory, "package.json"), '{"name":"elsewhere","private":true}');
  await npm(directory, "install", "--prefer-offline", "--no-audit", "--no-fund", join(directory, tarball));

  const readyFile = join(directory, "ready.json");
  const quern = spawn(
    process.execPath,
    [
      join(directory, "node_modules/quern/bin/quern.js"),
      "start",
      "--location",
      join(directory, "location"),
      "--port",
      "0",
      "--silent",
      "--ready-file",
      readyFile,
    ],
    { stdio: ["ignore", "ignore", "inherit"], cwd: directory },
  );
  const ended = new Promise((done) => quern.once("exit", done));
  // Not a hook of its own: hooks run in the order they were given, and the folder must outlive the server.
  stop = async () => {
    quern.kill("SIGTERM");
    await ended;
  };
  const watcher = watch(directory);
  t.after(() => watcher.close());
  await new Promise<void>((done, fail) => {
    const look = (): void => void (existsSync(readyFile) && done());
    watcher.on("change", look);
    quern.once("exit", () => fail(new Error("it ended")));
    look();
  });
  const ready = JSON.parse(await readFile(readyFile, "utf8"));
  const send = (method: string, path: string, body?: unknown) => signedRequest(ready, { method, path, body });
  const image = (await send("GET", "/supportedimages")).json.value.find((candidate: any) => candidate.verificationType === "verified");
  await send("POST", "/pools", {
    id: "p",
    vmSize: "standard_a1",
    targetDedicatedNodes: 1,
    virtualMachineConfiguration: { imageReference: image.imageReference, nodeAgentSKUId: image.nodeAgentSKUId },
  });
  await send("POST", "/jobs", { id: "j", poolInfo: { poolId: "p" } });
  await send("POST", "/jobs/j/tasks", { id: "t", commandLine: "/bin/true" });
  for (;;) {
    const task = (await send("GET", "/jobs/j/tasks/t")).json;
    if (task.state !== "completed") continue;
    assert.equal(task.executionInfo.result, "success");
    break;
  }
});
