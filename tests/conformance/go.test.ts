// Debian's azure-sdk-for-go 68 (2020-09-01.12.0), unmodified: go/main.go is the program, this compiles it and starts a server for it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { startQuern } from "../support/quern.ts";
import { go, missing } from "../support/require.ts";

const run = promisify(execFile);

test("Go SDK", { skip: missing(go), timeout: 280_000 }, async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "quern-go-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const program = join(directory, "program");
  const cache = process.env.GOCACHE ?? join(process.env.HOME ?? directory, ".cache/go-build");
  await run("go", ["build", "-o", program, join(import.meta.dirname, "go/main.go")], {
    env: { PATH: process.env.PATH, HOME: directory, GOCACHE: cache, GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOFLAGS: "-p=2" },
  });
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const { account, key, batchUrl } = quern.ready;
  const { stdout } = await run(program, [account, key, batchUrl]).catch((error) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  assert.equal(stdout, "all good\n");
});
