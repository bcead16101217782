// What `quern env` prints is pasted as it is: each client's block runs here against a real server. The .NET and Terraform blocks cannot be run on
// the machines that test; of these only the values are looked at.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { isCalledBy } from "../support/coverage.ts";
import { newLocation, repository, startQuern } from "../support/quern.ts";
import { az, missing, python } from "../support/require.ts";

const run = promisify(execFile);

const printed = async (location: string, ...kinds: string[]): Promise<string> =>
  (await run(process.execPath, [join(repository, "bin/quern.js"), "env", ...kinds, "--location", location])).stdout;

/** As a user's shell would: with nothing of ours in its environment. */
const paste = async (text: string, environment: Record<string, string> = {}): Promise<string> => {
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, AZURE_CORE_COLLECT_TELEMETRY: "no", ...environment };
  return (await run("/bin/sh", ["-e", "-c", text], { cwd: repository, env, maxBuffer: 1 << 24 })).stdout;
};

test("the shell's and JavaScript's blocks", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  const shell = await paste(`${await printed(quern.location, "shell")}\necho "$AZURE_BATCH_ACCOUNT $AZURE_BATCH_ENDPOINT"`);
  assert.equal(shell, `${quern.ready.account} ${quern.ready.batchUrl}\n`);
  assert.deepEqual((await paste(await printed(quern.location, "javascript"))).trim().split("\n"), ["[]", quern.ready.account]);
});

test("Python's block", { skip: missing(python) }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  assert.deepEqual((await paste(await printed(quern.location, "python"))).trim().split("\n"), ["[]", `['${quern.ready.account}']`]);
});

test("az's block", { skip: missing(az), timeout: 120_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  isCalledBy(quern, "az 2.45");
  const home = await mkdtemp(join(tmpdir(), "quern-az-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  const block = await printed(quern.location, "az");
  const then = "az account show --query '[id, tenantId]' -o tsv; az batch pool list -o tsv --query 'length(@)'";
  const said = await paste(`${block}\n${then}`, { HOME: home, AZURE_CONFIG_DIR: join(home, "az") });
  assert.deepEqual(said.trim().split(/\s+/).slice(-3), [quern.ready.subscriptionId, quern.ready.tenantId, "0"]);
});

test("with an external issuer alone the blocks say where tokens come from and what signs in", async (t) => {
  const issuer = "https://login.example.org/realms/science";
  const args = ["--storage", "none", "--oidc-issuer", issuer, "--oidc-audience", "api://quern"];
  const quern = await startQuern(t, { args });
  assert.deepEqual([quern.ready.authorityUrl, quern.ready.clientId], [issuer, null]);
  for (const kind of ["az", "python", "javascript", "dotnet", "terraform"])
    assert.match(
      await printed(quern.location, kind),
      /^(#|\/\/) Tokens for this server come from https:\/\/login\.example\.org\/realms\/science,.*\n.*--client/,
    );
  assert.doesNotMatch(await printed(quern.location, "shell"), /login\.example/);
});

test("all blocks name this server, and without one there is nothing to say", async (t) => {
  const location = await newLocation(t);
  await assert.rejects(printed(location), /No server runs on .*quern start/s);
  const quern = await startQuern(t, { location, args: ["--storage", "none"] });
  const all = await printed(location);
  for (const value of ["batchUrl", "armUrl", "subscriptionId", "tenantId", "clientId", "clientSecret", "account", "key"] as const)
    assert.ok(all.includes(String(quern.ready[value])), value);
  assert.match(all, /provider "azurerm" \{[^}]*\}[^}]*metadata_host += "127\.0\.0\.1:\d+"/);
  await quern.stop();
  await assert.rejects(printed(location), /No server runs on/);
});
