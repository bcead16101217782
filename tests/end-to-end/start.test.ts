// `quern start` as a user meets it: what it writes, what it refuses and with which words, and that a second start continues.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { promisify } from "node:util";
import { BlobSASPermissions, BlobServiceClient } from "@azure/storage-blob";
import { newLocation, repository, startQuern, startRefused, until } from "../support/quern.ts";

const run = promisify(execFile);
const key = Buffer.from("a key of at least sixteen bytes").toString("base64");

test("the ready file says where everything is, and only its owner may read it", async (t) => {
  const quern = await startQuern(t);
  const { ready } = quern;
  assert.match(ready.batchUrl, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(ready.batchUrlHttps, ready.batchUrl.replace("http:", "https:"));
  assert.equal(ready.account, "devbatchaccount1");
  assert.ok(Buffer.from(ready.key, "base64").length >= 16);
  assert.equal(ready.location, quern.location);
  assert.equal(ready.armUrl, ready.batchUrlHttps);
  assert.equal(ready.authorityUrl, `${ready.armUrl}/adfs`);
  for (const id of ["subscriptionId", "tenantId", "clientId"])
    assert.match(String(ready[id]), /^51756572-6e00-4000-8000-00000000000\d$/, id);
  assert.match(ready.storage!.blobEndpoint, /^http:\/\/127\.0\.0\.1:\d+\/devstoreaccount1$/);
  assert.match(ready.storage!.connectionString, /AccountName=devstoreaccount1;.*AccountKey=/);
  assert.match(readFileSync(ready.caFile, "utf8"), /BEGIN CERTIFICATE/);
  process.kill(ready.pid, 0);
  assert.equal(statSync(quern.location).mode & 0o777, 0o700);
  assert.equal(readFileSync(join(quern.location, ".gitignore"), "utf8"), "*\n");
  for (const path of ["/healthz", "/readyz", "/metrics"]) {
    const answer = await quern.raw({ method: "GET", path, version: null, sign: "none" });
    assert.equal(answer.status, 200, path);
  }
  assert.match((await quern.raw({ method: "GET", path: "/metrics", version: null, sign: "none" })).text, /quern_commit_latency_seconds/);
});

test("http and https on one port, with a certificate that clients verify", async (t) => {
  const quern = await startQuern(t);
  const { stdout } = await run(
    process.execPath,
    ["-e", `fetch(${JSON.stringify(`${quern.ready.batchUrlHttps}/healthz`)}).then((r) => console.log(r.status))`],
    {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: quern.ready.caFile },
    },
  );
  assert.equal(stdout.trim(), "200");
  await assert.rejects(
    run(process.execPath, ["-e", `await fetch(${JSON.stringify(`${quern.ready.batchUrlHttps}/healthz`)})`], {
      env: { PATH: process.env.PATH },
    }),
  );
});

test("a second start on a live location fails and names the first", async (t) => {
  const quern = await startQuern(t);
  const second = await startRefused(["--location", quern.location, "--port", "0", "--silent"]);
  assert.notEqual(second.code, 0);
  assert.match(second.stderr, new RegExp(`in use.*${quern.ready.pid}`));
});

test("a port in use is named", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => other.once("listening", done));
  t.after(() => other.close());
  const port = (other.address() as { port: number }).port;
  const location = await mkdtemp(join(tmpdir(), "quern-test-"));
  t.after(() => rm(location, { recursive: true, force: true }));
  const refused = await startRefused(["--location", location, "--port", String(port)]);
  assert.equal(refused.code, 1);
  // One sentence, and nothing about the storage that was starting meanwhile.
  assert.match(refused.stderr, new RegExp(`^quern: port ${port} .*in use.*--port[^\\n]*\\n$`));
});

const oldNode = ["/usr/bin/node", "/usr/local/bin/node"].find(
  (path) => existsSync(path) && Number(/^v(\d+)/.exec(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout)?.[1]) < 24,
);
test("a Node.js that is too old says a sentence", { skip: oldNode === undefined && "this machine has no older Node.js" }, () => {
  for (const file of ["bin/quern.js", "bin/guard.js"]) {
    const { status, stderr } = spawnSync(oldNode!, [join(repository, file), "start"], { encoding: "utf8" });
    assert.equal(status, 1, file);
    assert.match(stderr, /^quern needs Node\.js 24 or newer; this is v\d+/, file);
  }
});

test("the published key is for loopback only", async () => {
  const refused = await startRefused(["--host", "0.0.0.0", "--port", "0", "--storage", "none"]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /--allow-well-known-key/);
});

test("a directory with other things in it is not taken as the location", async (t) => {
  const location = await newLocation(t);
  await writeFile(join(location, "thesis.tex"), "");
  const refused = await startRefused(["--location", location, "--port", "0", "--storage", "none"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /holds other things \(thesis\.tex/);
  assert.ok(!existsSync(join(location, ".gitignore")));
});

test("wrong flags are refused with a sentence and without secrets", async () => {
  for (const [args, words] of [
    [["--account", "Bad_Name:c2VjcmV0"], /NAME:BASE64KEY/],
    [["--port", "70000"], /port from 0/],
    [["--storage", "AccountKey=c2VjcmV0"], /connection string/],
    [["--cert", "x.pem"], /--cert and --key go together/],
    [["--version-check", "maybe"], /lenient, strict/],
  ] as const) {
    const refused = await startRefused([...args]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, words);
    assert.doesNotMatch(refused.stderr, /c2VjcmV0/);
    assert.doesNotMatch(refused.stderr, /\n\s+at /);
  }
});

test("a location of a newer version is left alone", async (t) => {
  const quern = await startQuern(t, { args: ["--storage", "none"] });
  await quern.stop();
  const file = join(quern.location, "quern.db");
  const database = new DatabaseSync(file);
  database.exec("INSERT INTO migrations (number, name, applied_at) VALUES (9999, 'from the future', 0)");
  database.close();
  const before = readFileSync(file);
  const refused = await startRefused(["--location", quern.location, "--port", "0", "--storage", "none", "--silent"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /newer/);
  assert.deepEqual(readFileSync(file), before);
});

test("a start after a stop finds pools, jobs, tasks, nodes and files as they were", async (t) => {
  const args = ["--account", `mine:${key}`];
  const first = await startQuern(t, { location: await newLocation(t), args });
  assert.equal(first.ready.account, "mine");
  const batch = first.client();
  const image = (await batch.account.listSupportedImages()).find((candidate) => candidate.verificationType === "verified")!;
  await batch.pool.add({
    id: "p",
    vmSize: "standard_a1",
    targetDedicatedNodes: 1,
    virtualMachineConfiguration: { imageReference: image.imageReference, nodeAgentSKUId: image.nodeAgentSKUId },
  });
  await batch.job.add({ id: "j", poolInfo: { poolId: "p" } });
  await batch.task.add("j", { id: "t", commandLine: "/bin/sh -c 'echo kept'" });
  await until(
    () => batch.task.get("j", "t"),
    (task) => task.state === "completed",
  );
  const [pool, task] = [await batch.pool.get("p"), await batch.task.get("j", "t")];
  await first.stop();
  const second = await startQuern(t, { location: first.location, args });
  const again = second.client();
  assert.equal((await again.pool.get("p")).eTag, pool.eTag);
  assert.deepEqual((await again.task.get("j", "t")).executionInfo, task.executionInfo);
  await until(
    async () => [...(await again.computeNode.list("p"))],
    (nodes) => nodes[0]?.state === "idle",
  );
  assert.equal((await again.computeNode.list("p"))[0]!.id, task.nodeInfo!.nodeId);
  assert.equal((await second.raw({ method: "GET", path: "/jobs/j/tasks/t/files/stdout.txt" })).text, "kept\n");
});

test("--in-memory keeps nothing", async (t) => {
  const quern = await startQuern(t, { args: ["--in-memory"] });
  const { location } = quern.ready;
  assert.notEqual(location, quern.location);
  assert.ok(existsSync(join(location, "quern.db")));
  await quern.client().job.add({ id: "j", poolInfo: { poolId: "none" } });
  await BlobServiceClient.fromConnectionString(quern.ready.storage!.connectionString).createContainer("memory");
  assert.equal(await quern.stop(), 0);
  assert.ok(!existsSync(location));
});

test("--storage takes the connection string of an account elsewhere", async (t) => {
  const other = await startQuern(t);
  const { connectionString } = other.ready.storage!;
  const quern = await startQuern(t, { args: ["--storage", connectionString] });
  assert.equal(quern.ready.storage!.connectionString, connectionString);
  const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient("elsewhere");
  await container.create();
  await container.getBlockBlobClient("in").upload("far", 3);
  const url = await container
    .getBlockBlobClient("in")
    .generateSasUrl({ permissions: BlobSASPermissions.parse("r"), expiresOn: new Date(Date.now() + 3_600_000) });
  const batch = quern.client();
  const image = (await batch.account.listSupportedImages()).find((candidate) => candidate.verificationType === "verified")!;
  await batch.pool.add({
    id: "p",
    vmSize: "standard_a1",
    targetDedicatedNodes: 1,
    virtualMachineConfiguration: { imageReference: image.imageReference, nodeAgentSKUId: image.nodeAgentSKUId },
  });
  await batch.job.add({ id: "j", poolInfo: { poolId: "p" } });
  await batch.task.add("j", { id: "t", commandLine: "/bin/cat in", resourceFiles: [{ httpUrl: url, filePath: "in" }] });
  const task = await until(
    () => batch.task.get("j", "t"),
    ({ state }) => state === "completed",
  );
  assert.equal(task.executionInfo!.result, "success", JSON.stringify(task.executionInfo));
  assert.equal((await quern.raw({ method: "GET", path: "/jobs/j/tasks/t/files/stdout.txt" })).text, "far");
});

test("--print-env gives shell exports", async (t) => {
  const location = await mkdtemp(join(tmpdir(), "quern-test-"));
  t.after(() => rm(location, { recursive: true, force: true }));
  const { spawn } = await import("node:child_process");
  const child = spawn(
    process.execPath,
    [join(repository, "bin/quern.js"), "start", "--location", location, "--port", "0", "--storage", "none", "--print-env"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let out = "";
  await new Promise<void>((done) =>
    child.stdout.on("data", (chunk) => {
      out += chunk;
      if (out.includes("SSL_CERT_FILE")) done();
    }),
  );
  const ended = new Promise((done) => child.once("exit", done));
  child.kill("SIGINT");
  assert.equal(await ended, 0);
  for (const name of [
    "AZURE_BATCH_ACCOUNT",
    "AZURE_BATCH_ACCESS_KEY",
    "AZURE_BATCH_ENDPOINT",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
  ]) {
    assert.match(out, new RegExp(`^export ${name}=`, "m"));
  }
  await writeFile(join(location, "env.sh"), out);
  const { stdout } = await run("/bin/sh", ["-c", `. ${join(location, "env.sh")} >/dev/null 2>&1; echo $AZURE_BATCH_ENDPOINT`]);
  assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+$/m);
});
