// What `quern doctor` says of servers and machines that are made up; the real ones are in tests/end-to-end/doctor.test.ts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ManualClock } from "../lib/clock.ts";
import { examineAzureCli } from "./doctor/azure-cli.ts";
import { type Finding, reportOf } from "./doctor/findings.ts";
import { examineCompiler, examineDisk, examineImages, examineNode } from "./doctor/machine.ts";
import { examineNames } from "./doctor/names.ts";
import { examineServer } from "./doctor/server.ts";
import { examineTrust } from "./doctor/trust.ts";
import { doctor, examine, type Practice } from "./doctor.ts";
import type { ReadyFile } from "./ready.ts";

const aDirectory = (t: TestContext): string => {
  const directory = mkdtempSync(join(tmpdir(), "quern-doctor-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

const serve = async (t: TestContext, listener: RequestListener): Promise<string> => {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const secrets = ["c2VjcmV0IGtleQ==", "the secret of the client", "the token", "c3RvcmFnZSBrZXk="];

const aReady = (url: string, changes: Partial<ReadyFile> = {}): ReadyFile => ({
  ...{ batchUrl: url, batchUrlHttps: url, armUrl: url, authorityUrl: `${url}/adfs`, account: "mybatch", key: secrets[0]! },
  ...{ subscriptionId: "s", resourceGroup: "quern", location: "/nowhere/at/all", tenantId: "t", clientId: "c", clientSecret: secrets[1]! },
  caFile: null,
  storage: { connectionString: `AccountKey=${secrets[3]}`, blobEndpoint: `${url}/devstoreaccount1` },
  ...{ storageSuffix: "localhost:10020", metricsUrl: `${url}/metrics`, pid: 1 },
  ...changes,
});

/** A management plane with these accounts' endpoints. */
const aPlane =
  (endpoints: string[]): RequestListener =>
  (request, response) => {
    const base = `http://${request.headers.host}`;
    if (request.url!.startsWith("/adfs/.well-known")) return void response.end(JSON.stringify({ token_endpoint: `${base}/token` }));
    if (request.url === "/token") return void response.end(JSON.stringify({ access_token: secrets[2] }));
    if (request.headers.authorization !== `Bearer ${secrets[2]}`) return void response.writeHead(401).end();
    response.end(JSON.stringify({ value: endpoints.map((accountEndpoint) => ({ properties: { accountEndpoint } })) }));
  };

const nobody = async (): Promise<string[]> => Promise.reject(new Error("ENOTFOUND"));
const texts = (findings: Finding[]): string =>
  findings.map(({ state, text, remedy = [] }) => [`${state} ${text}`, ...remedy].join("\n")).join("\n");

test("names that lead nowhere come as one line for /etc/hosts, storage and Batch together", async (t) => {
  const endpoints = ["127.0.0.1:10020", "second.eastus.batch.localhost:10020", "[::1]:10020", "localhost:10020"];
  const url = await serve(t, aPlane(endpoints));
  const found = await examineNames(aReady(url), nobody);
  assert.deepEqual(found.map(({ state }) => state), ["note"]); // biome-ignore format: one thought
  assert.deepEqual(found[0]!.remedy, [
    "echo '127.0.0.1 devstoreaccount1.blob.localhost second.eastus.batch.localhost' | sudo tee -a /etc/hosts",
  ]);
  const all = await examineNames(aReady(url), async () => ["::1"]);
  assert.deepEqual(all.map(({ state }) => state), ["ok", "ok"]); // biome-ignore format: one thought
  const astray = await examineNames(aReady(url), async (name) => (name.startsWith("second") ? ["203.0.113.9"] : ["127.0.0.1"]));
  assert.match(texts(astray), /note Not leading to the server: second\.eastus\.batch\.localhost \(now 203\.0\.113\.9\)/);
});

test("with a domain of the operator's its names are needed, and every account's is looked for", async (t) => {
  const url = await serve(t, aPlane([]));
  const location = aDirectory(t);
  mkdirSync(join(location, "azurite"));
  writeFileSync(join(location, "azurite", "accounts.json"), JSON.stringify([{ name: "devstoreaccount1" }, { name: "acc1", key1: "eA==" }]));
  const found = await examineNames(aReady(url, { location, storageSuffix: "quern.example.org" }), nobody);
  assert.equal(found[0]!.state, "failed");
  assert.deepEqual(found[0]!.remedy, [
    "echo '127.0.0.1 devstoreaccount1.blob.quern.example.org acc1.blob.quern.example.org' | sudo tee -a /etc/hosts",
  ]);
  const elsewhere = aReady(url, { storage: { connectionString: "x", blobEndpoint: "https://acc1.blob.core.windows.net" } });
  assert.deepEqual(await examineNames(elsewhere, nobody), [], "an account elsewhere has names of its own");
});

test("accounts that cannot be asked for are a remark", async (t) => {
  const url = await serve(t, (_request, response) => response.writeHead(404).end());
  const found = await examineNames(aReady(url), async () => ["127.0.0.1"]);
  assert.deepEqual(found.map(({ state }) => state), ["note", "ok"]); // biome-ignore format: one thought
});

test("the server: away, not ready, or with another time", async (t) => {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  let status = 200;
  let offMs = 0;
  const url = await serve(t, (_request, response) => {
    response.writeHead(status, { date: new Date(clock.now() + offMs).toUTCString() });
    response.end(JSON.stringify({ parts: { database: "ready", agent: status === 200 ? "connected" : "away" } }));
  });
  const states = async (): Promise<string> => (await examineServer(aReady(url), clock)).map(({ state, subject }) => `${subject} ${state}`).join(); // biome-ignore format: one thought
  assert.equal(await states(), "http ok,https ok,clock ok");
  offMs = 5 * 60_000;
  assert.equal(await states(), "http ok,https ok,clock note");
  offMs = -20 * 60_000;
  assert.equal(await states(), "http ok,https ok,clock failed");
  status = 503;
  assert.match(await states(), /^http failed/);
  const [away, ...rest] = await examineServer(aReady("http://127.0.0.1:1"), clock);
  assert.deepEqual([away!.state, rest], ["failed", []]);
  assert.match(away!.text, /ECONNREFUSED/);
});

test("trust: each family's variable, and what it already holds is kept", (t) => {
  const directory = aDirectory(t);
  const pem = (name: string) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----\n`;
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const caFile = file("ca.pem", pem("OURS"));
  const system = file("system.crt", pem("PUBLIC"));
  const company = file("company.pem", pem("COMPANY"));
  const joint = file("joint.pem", `${pem("PUBLIC")}${pem("OURS").replaceAll("\n", "\r\n")}`);
  const ready = aReady("http://127.0.0.1:1", { caFile });
  const [python, node, go] = examineTrust(ready, { NODE_EXTRA_CA_CERTS: company, SSL_CERT_FILE: joint }, [join(directory, "none"), system]);
  assert.deepEqual(python!.remedy, [
    `cat '${system}' '${caFile}' > '${directory}/with-public.pem'`,
    `export REQUESTS_CA_BUNDLE='${directory}/with-public.pem'`,
  ]);
  assert.deepEqual(node!.remedy, [
    `cat '${company}' '${caFile}' > '${directory}/with-node_extra_ca_certs.pem'`,
    `export NODE_EXTRA_CA_CERTS='${directory}/with-node_extra_ca_certs.pem'`,
  ]);
  assert.equal(go!.state, "ok");
  assert.deepEqual(examineTrust(ready, {}, [system])[1]!.remedy, [`export NODE_EXTRA_CA_CERTS='${caFile}'`]);
  assert.equal(examineTrust(ready, {}, [joint])[2]!.state, "ok", "the system trusts it");
  assert.deepEqual(examineTrust(aReady("http://127.0.0.1:1"), {}), []);
});

test("az: not there, does not know the server, knows and does not use it, uses it", (t) => {
  const directory = aDirectory(t);
  const ready = aReady("https://127.0.0.1:10020");
  const say = (environment: Record<string, string>): string => texts([examineAzureCli(ready, environment)]);
  assert.match(say({ PATH: directory }), /^note The Azure CLI is not installed/);
  writeFileSync(join(directory, "az"), "");
  chmodSync(join(directory, "az"), 0o755);
  const environment = { PATH: `/nowhere:${directory}`, HOME: directory };
  assert.match(say(environment), /does not know https:\/\/127\.0\.0\.1:10020 as a cloud\.\nnpx quern env az/);
  mkdirSync(join(directory, ".azure"));
  const cloud =
    "[Other]\nendpoint_resource_manager = https://elsewhere\n\n[Mine]\nendpoint_management = x\nendpoint_resource_manager = https://127.0.0.1:10020/\n";
  writeFileSync(join(directory, ".azure", "clouds.config"), cloud);
  assert.match(say(environment), /as Mine and uses AzureCloud\.\naz cloud set -n Mine/);
  writeFileSync(join(directory, ".azure", "config"), "[core]\nname = x\n[cloud]\nname = Mine\n");
  assert.match(say(environment), /^ok .* uses this server as the cloud Mine/);
  assert.match(say({ ...environment, AZURE_CONFIG_DIR: join(directory, "other") }), /does not know/);
});

test("the machine: Node.js, compiler, disk, disk images", (t) => {
  const directory = aDirectory(t);
  assert.equal(examineNode("v24.1.0").state, "ok");
  assert.equal(examineNode("v22.9.0").state, "failed");
  assert.equal(examineCompiler({ PATH: directory }, directory).state, "note");
  mkdirSync(join(directory, "launcher"));
  writeFileSync(join(directory, "launcher", "launcher-1a2b"), "");
  assert.equal(examineCompiler({ PATH: directory }, directory).state, "ok");
  writeFileSync(join(directory, "cc"), "");
  assert.equal(examineCompiler({ PATH: directory }, "/nowhere").state, "note", "a file that cannot be run is no compiler");
  chmodSync(join(directory, "cc"), 0o755);
  assert.match(examineCompiler({ PATH: directory }, "/nowhere").text, /\/cc: /);
  assert.match(examineDisk(directory).text, /\d (GB|MB) free at /);
  assert.match(examineImages({ PATH: directory }).text, /^Without qemu-img/);
});

const practice = (changes: Partial<Practice> = {}): Practice => ({
  ...{ clock: new ManualClock(Date.now()), environment: { PATH: "" }, nodeVersion: "v24.0.0", addressesOf: nobody },
  tryStorage: async () => {},
  ...changes,
});

test("a whole examination prints no secret, and its exit status says whether something must be put right", async (t) => {
  const directory = aDirectory(t);
  const plane = aPlane([]);
  const url = await serve(t, (request, response) =>
    /^\/(readyz|healthz)/.test(request.url!) ? response.end("{}") : plane(request, response),
  );
  const readyFile = join(directory, "ready.json");
  writeFileSync(readyFile, JSON.stringify(aReady(url)));
  const options = { location: directory, readyFile };
  const good = await doctor(options, practice());
  assert.equal(good.exitCode, 0, good.text);
  assert.match(good.text, /Nothing that is needed is missing\.\n$/);
  const bad = await doctor(options, practice({ tryStorage: async () => Promise.reject(new Error("it answered 403")) }));
  assert.equal(bad.exitCode, 1);
  assert.match(bad.text, /^FAIL {2}storage .* it answered 403\.$/m);
  for (const secret of secrets) assert.ok(!(good.text + bad.text).includes(secret), secret);
  writeFileSync(readyFile, JSON.stringify(aReady(url, { storage: null })));
  assert.match((await doctor(options, practice())).text, /^note {2}storage {3}None/m);
});

test("without a server the machine is still looked at", async (t) => {
  const found = await examine({ location: aDirectory(t) }, practice());
  assert.deepEqual(found.map(({ subject, state }) => `${subject} ${state}`).slice(0, 2), ["node ok", "server failed"]); // biome-ignore format: one thought
  const torn = join(aDirectory(t), "ready.json");
  writeFileSync(torn, "{");
  assert.equal((await doctor({ location: ".", readyFile: torn }, practice())).exitCode, 1);
  assert.match(reportOf(found), /^FAIL {2}server/m);
});
