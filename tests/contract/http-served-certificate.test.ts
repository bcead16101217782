// The certificate changes while the server runs: what new connections see, and that those which are open go on.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { connect, type PeerCertificate } from "node:tls";
import { ensureCertificates } from "../../src/http/certificates.ts";
import { ownNames } from "../../src/http/host-names.ts";
import { listen } from "../../src/http/listener.ts";
import { serveCertificate } from "../../src/http/served-certificate.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { systemIds } from "../../src/lib/ids.ts";
import { type Log, silentLog } from "../../src/lib/log.ts";

const aDirectory = async (t: TestContext): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), "quern-served-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
};

/** As the control plane puts them together. */
const aServer = async (t: TestContext, directory: string) => {
  const [clock, ids] = [systemClock(), systemIds()];
  const make = (extraNames: readonly string[]) =>
    ensureCertificates({
      ...{ directory, hostName: "build-host", now: clock.now(), ids },
      extraNames: ["*.blob.localhost", "*.eastus.batch.localhost", ...extraNames],
    });
  const first = await make([]);
  const served = serveCertificate(first, make, silentLog);
  const listener = await listen({
    ...{ host: "127.0.0.1", port: 0, clock, tls: first },
    onRequest: (_request, response) => void response.end("served"),
  });
  t.after(() => listener.close(0));
  served.onChange(listener.setCertificate);
  return { served, port: listener.port, ca: await readFile(first.caFile!, "utf8"), directory };
};

/** What a client that checks everything sees under this name; rejects when it does not accept it. */
const certificateSeen = (port: number, ca: string, servername: string): Promise<PeerCertificate> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca, servername }, () => {
      resolve(socket.getPeerCertificate());
      socket.end();
    }).on("error", reject);
  });

const ask = (port: number, ca: string, agent: Agent): Promise<string> =>
  new Promise((resolve, reject) => {
    const request = httpsRequest({ host: "127.0.0.1", port, ca, agent, servername: "localhost" }, (response) => resolve(text(response)));
    request.on("error", reject).end();
  });

test("a name that is new is served to new connections, and open ones are not disturbed", async (t) => {
  const { served, port, ca, directory } = await aServer(t, await aDirectory(t));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  assert.equal(await ask(port, ca, agent), "served");
  for (const name of ["acc1.blob.localhost", "acc1.eastus.batch.localhost"]) await certificateSeen(port, ca, name);
  await assert.rejects(certificateSeen(port, ca, "acc1.westus.batch.localhost"), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  const before = served.current;
  await served.ensureNames(["acc1.blob.localhost", "ACC1.eastus.batch.localhost", "localhost"]);
  assert.equal(served.current, before, "what it is for already changes nothing");

  await Promise.all([
    served.ensureNames(["acc1.WestUS.batch.localhost"]),
    served.ensureNames(["acc3.north sea.batch.localhost", "acc2.north.batch.localhost"]),
  ]);
  for (const name of ["acc1.westus.batch.localhost", "other.westus.batch.localhost", "acc2.north.batch.localhost", "acc1.blob.localhost"])
    await certificateSeen(port, ca, name);
  assert.equal(await ask(port, ca, agent), "served");
  assert.equal(await readFile(join(directory, "ca.pem"), "utf8"), ca, "clients go on trusting the same authority");

  const again = await aServer(t, directory);
  await certificateSeen(again.port, ca, "acc1.westus.batch.localhost");
});

test("the names that the server answers to follow", async (t) => {
  const directory = await aDirectory(t);
  const [now, ids] = [systemClock().now(), systemIds()];
  const make = (extraNames: readonly string[]) => ensureCertificates({ directory, hostName: "build-host", now, ids, extraNames });
  const served = serveCertificate(await make([]), make, silentLog);
  const isOwn = ownNames(() => served.current.cert, "localhost");
  assert.equal(isOwn("acc1.westus.batch.quern.test:10020"), false);
  await served.ensureNames(["acc1.westus.batch.quern.test"]);
  assert.equal(isOwn("acc1.westus.batch.quern.test:10020"), true);
  assert.equal(isOwn("westus.batch.quern.test"), false);
});

test("what cannot be done is logged and harms nobody", async (t) => {
  const directory = await aDirectory(t);
  const first = await ensureCertificates({ directory, hostName: "build-host", now: systemClock().now(), ids: systemIds() });
  const logged: object[] = [];
  const log: Log = { ...silentLog, warn: (fields) => void logged.push(fields), error: (fields) => void logged.push(fields) };
  await serveCertificate(first, undefined, log).ensureNames(["acc1.westus.batch.localhost", "localhost"]);
  const full = new Error("ENOSPC");
  const served = serveCertificate(first, async () => Promise.reject(full), log);
  await served.ensureNames(["acc1.westus.batch.localhost"]);
  assert.equal(served.current, first);
  assert.deepEqual(logged, [{ missing: ["acc1.westus.batch.localhost"] }, { err: full }]);
});
