// `quern doctor` against real servers: what it finds right, and what it says when something is not.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { BlobServiceClient } from "@azure/storage-blob";
import { newLocation, repository, startQuern } from "../support/quern.ts";

const run = async (args: string[], env: Record<string, string> = {}): Promise<{ code: number | null; out: string }> => {
  const child = spawn(process.execPath, [join(repository, "bin/quern.js"), "doctor", ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((done) => child.once("exit", done));
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.equal(errors, "");
  return { code: await ended, out };
};

test("a running server is found in order, by its location and by its ready file", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t);
  const { key, clientSecret, storage, caFile } = quern.ready;
  const trusted = { REQUESTS_CA_BUNDLE: caFile, NODE_EXTRA_CA_CERTS: caFile, SSL_CERT_FILE: caFile };
  const byLocation = await run(["--location", quern.location], trusted);
  assert.equal(byLocation.code, 0, byLocation.out);
  for (const subject of ["node", "http", "https", "clock", "storage", "disk"])
    assert.match(byLocation.out, new RegExp(`^ok {4}${subject} `, "m"));
  assert.equal(byLocation.out.match(/^ok {4}trust /gm)?.length, 3);
  assert.match(byLocation.out, /devstoreaccount1\.blob\.localhost/);
  const file = join(await newLocation(t), "ready.json");
  writeFileSync(file, JSON.stringify(quern.ready));
  const byFile = await run(["--ready-file", file]);
  assert.equal(byFile.code, 0, byFile.out);
  const accountKey = /AccountKey=([^;]+)/.exec(storage!.connectionString)![1]!;
  for (const secret of [key, String(clientSecret), accountKey]) assert.ok(!(byLocation.out + byFile.out).includes(secret));
  const containers = await Array.fromAsync(BlobServiceClient.fromConnectionString(storage!.connectionString).listContainers());
  assert.deepEqual(containers, [], "what was put was removed");
});

test("what is needed and fails is exit status 1, with what to do", { timeout: 60_000 }, async (t) => {
  const quern = await startQuern(t, { args: ["--domain", "quern.invalid"] });
  const named = await run(["--location", quern.location]);
  assert.equal(named.code, 1, named.out);
  assert.match(named.out, /^FAIL {2}names .*devstoreaccount1\.blob\.quern\.invalid/m);
  assert.match(named.out, /echo '127\.0\.0\.1 devstoreaccount1\.blob\.quern\.invalid.*' \| sudo tee -a \/etc\/hosts/);
  await quern.kill();
  const killed = await run(["--location", quern.location]);
  assert.equal(killed.code, 1);
  assert.match(killed.out, /^FAIL {2}http .*ECONNREFUSED/m);
  const none = await run(["--location", await newLocation(t)]);
  assert.equal(none.code, 1);
  assert.match(none.out, /^FAIL {2}server .*No server runs on/m);
});
