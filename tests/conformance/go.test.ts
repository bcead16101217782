// Debian's azure-sdk-for-go 68, unmodified: the data plane (2020-09-01.12.0) and the management plane (2022-01-01). go/main.go and
// go/management/main.go are the programs, this compiles them and starts servers for them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { managementResource, tokenFor } from "../support/arm.ts";
import { startQuern } from "../support/quern.ts";
import { go, missing } from "../support/require.ts";

const run = promisify(execFile);

/** The path of the compiled program. */
const compiled = async (t: TestContext, source: string): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), "quern-go-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const program = join(directory, "program");
  const cache = process.env.GOCACHE ?? join(process.env.HOME ?? directory, ".cache/go-build");
  await run("go", ["build", "-o", program, join(import.meta.dirname, "go", source)], {
    env: { PATH: process.env.PATH, HOME: directory, GOCACHE: cache, GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOFLAGS: "-p=2" },
  });
  return program;
};

const isAllGood = async (program: string, args: string[], env: Record<string, string> = {}): Promise<void> => {
  const { stdout } = await run(program, args, { env: { PATH: process.env.PATH, ...env } }).catch((error) => {
    throw new Error(`${error.stdout}\n${error.stderr}`);
  });
  assert.equal(stdout, "all good\n");
};

test("Go SDK", { skip: missing(go), timeout: 280_000 }, async (t) => {
  const program = await compiled(t, "main.go");
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const { account, key, batchUrl } = quern.ready;
  await isAllGood(program, [account, key, batchUrl]);
});

test("Go SDK, management", { skip: missing(go), timeout: 280_000 }, async (t) => {
  const program = await compiled(t, "management/main.go");
  const quern = await startQuern(t);
  const { armUrl, subscriptionId, resourceGroup, account, caFile } = quern.ready;
  const token = await tokenFor(quern, managementResource);
  await isAllGood(program, [armUrl, token, subscriptionId, resourceGroup, "eastus", account], { SSL_CERT_FILE: caFile });
});
