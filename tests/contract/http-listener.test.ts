// The port itself: two protocols by the first byte, limits against slow clients, closing, certificates that clients trust.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { Agent, get, type IncomingMessage } from "node:http";
import { get as getSecure, Agent as SecureAgent } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { connect as connectSecure } from "node:tls";
import { BadCertificate, ensureCertificates, loadCertificates } from "../../src/http/certificates.ts";
import { type ListenerOptions, ListenFailed, listen } from "../../src/http/listener.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { systemIds } from "../../src/lib/ids.ts";

const day = 86_400_000;
const clock = systemClock();

const aDirectory = async (t: TestContext): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), "quern-http-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
};

const certificates = (directory: string, now = clock.now(), hostName = "Build-Host") =>
  ensureCertificates({ directory, hostName, extraNames: ["devstoreaccount1.blob.localhost"], now, ids: systemIds() });

const aListener = async (t: TestContext, more: Partial<ListenerOptions> = {}) => {
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    clock,
    onRequest: (request, response) => response.end(`${(request.socket as { encrypted?: boolean }).encrypted === true} ${request.url}`),
    ...more,
  });
  let open = true;
  const close = async (graceMs?: number): Promise<void> => {
    if (open) {
      open = false;
      await listener.close(graceMs);
    }
  };
  t.after(() => close(0));
  return { port: listener.port, close };
};

const textOf = async (response: IncomingMessage): Promise<string> => {
  let text = "";
  for await (const chunk of response) text += chunk;
  return text;
};

/** Until the other side has closed; everything it sent. */
const untilClosed = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
  });

test("http and https share a port, and both keep their connections", async (t) => {
  const { cert, key, caFile } = await certificates(await aDirectory(t));
  const { port } = await aListener(t, { tls: { cert, key } });
  const ca = await readFile(caFile!, "utf8");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let i = 0; i < 3; i++) {
    const plain = await new Promise<IncomingMessage>((resolve, reject) =>
      get({ port, path: `/p${i}`, agent }, resolve).on("error", reject),
    );
    assert.equal(await textOf(plain), `false /p${i}`);
  }
  for (const host of ["localhost", "127.0.0.1"]) {
    const secure = await new Promise<IncomingMessage>((resolve, reject) =>
      getSecure({ host, port, path: "/s", ca, agent: false }, resolve).on("error", reject),
    );
    assert.equal(await textOf(secure), "true /s");
  }
  // Names that do not resolve here are in the certificate all the same.
  for (const servername of ["build-host", "devstoreaccount1.blob.localhost"]) {
    await new Promise<void>((resolve, reject) => {
      const socket = connectSecure({ host: "127.0.0.1", port, ca, servername }, () => {
        socket.end();
        resolve();
      }).on("error", reject);
    });
  }
});

test("a request that arrives one byte at a time is served", async (t) => {
  const { port } = await aListener(t);
  const socket = connect(port, "127.0.0.1");
  const answer = untilClosed(socket);
  for (const byte of "GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") {
    await new Promise<void>((resolve) => socket.write(byte, () => resolve()));
  }
  assert.match(await answer, /^HTTP\/1\.1 200 [\s\S]*false \/slow$/);
});

test("clients that say nothing, or never finish, are let go", async (t) => {
  const { port } = await aListener(t, { limits: { firstByteMs: 20, headersMs: 40, requestMs: 60, checkMs: 10 } });
  assert.equal(await untilClosed(connect(port, "127.0.0.1")), "");
  const slow = connect(port, "127.0.0.1");
  slow.write("GET / HTTP/1.1\r\nx-");
  await untilClosed(slow);
  // Without certificates a handshake is not answered, and harms nobody.
  const secure = connect(port, "127.0.0.1");
  secure.write(Buffer.from([0x16, 3, 1]));
  assert.equal(await untilClosed(secure), "");
});

test("a WebSocket upgrade reaches its handler, other upgrades are requests", async (t) => {
  const { port } = await aListener(t, { onUpgrade: (request, socket) => void socket.end(`upgraded ${request.url}`) });
  const socket = connect(port, "127.0.0.1");
  const answer = untilClosed(socket);
  socket.write("GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: WebSocket\r\n\r\n");
  assert.equal(await answer, "upgraded /ws");
  const h2c = connect(port, "127.0.0.1");
  const plain = untilClosed(h2c);
  h2c.write("GET /h2c HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n");
  assert.match(await plain, /^HTTP\/1\.1 200 [\s\S]*false \/h2c$/);
});

test("closing lets requests under way finish and idle connections go", async (t) => {
  let finish = (): void => {};
  let began = (): void => {};
  const underWay = new Promise<void>((resolve) => {
    began = resolve;
  });
  const { port, close } = await aListener(t, {
    onRequest: (request, response) => {
      if (request.url === "/idle") return void response.end("idle");
      finish = () => response.end("finished");
      began();
    },
  });
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const idle = await new Promise<IncomingMessage>((resolve, reject) => get({ port, path: "/idle", agent }, resolve).on("error", reject));
  await textOf(idle);
  const answer = new Promise<IncomingMessage>((resolve, reject) => get({ port, path: "/long", agent }, resolve).on("error", reject));
  await underWay;
  const closed = close();
  await assert.rejects(new Promise((resolve, reject) => get({ port, path: "/new", agent: false }, resolve).on("error", reject)));
  finish();
  assert.equal(await textOf(await answer), "finished");
  await closed;
});

test("closing ends secure connections too: idle ones, unfinished handshakes, WebSockets", async (t) => {
  const { cert, key, caFile } = await certificates(await aDirectory(t));
  const { port, close } = await aListener(t, { tls: { cert, key }, onUpgrade: (_request, socket) => void socket.write("upgraded") });
  const ca = await readFile(caFile!, "utf8");
  const agent = new SecureAgent({ keepAlive: true, ca });
  t.after(() => agent.destroy());
  const idle = await new Promise<IncomingMessage>((resolve, reject) => getSecure({ port, agent }, resolve).on("error", reject));
  await textOf(idle);
  const handshake = connect(port, "127.0.0.1");
  await new Promise<void>((resolve) => handshake.write(Buffer.from([0x16, 3]), () => resolve()));
  const upgraded = connectSecure({ port, ca });
  upgraded.write("GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  assert.equal(String(await new Promise((resolve) => upgraded.once("data", resolve))), "upgraded");
  const gone = [untilClosed(handshake), untilClosed(upgraded)];
  await close();
  await Promise.all(gone);
});

test("a client that leaves amid its handshake, as one does that refuses the certificate, leaves nothing behind", {
  timeout: 20_000,
}, async (t) => {
  const { cert, key } = await certificates(await aDirectory(t));
  const { port } = await aListener(t, { tls: { cert, key } });
  const partOfHello = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const closed = untilClosed(partOfHello);
  partOfHello.end(Buffer.from([0x16, 3, 1, 2]));
  assert.equal(await closed, "");
});

test("closing does not wait longer than its grace", async (t) => {
  let began = (): void => {};
  const underWay = new Promise<void>((resolve) => {
    began = resolve;
  });
  const { port, close } = await aListener(t, { onRequest: () => began() });
  const cut = new Promise((resolve) => get({ port, agent: false }).on("error", resolve));
  await underWay;
  await close(5);
  assert.equal(((await cut) as { code?: string }).code, "ECONNRESET");
});

test("a port in use is named with what to do about it", async (t) => {
  const { port } = await aListener(t);
  await assert.rejects(aListener(t, { port }), (error: Error) => {
    assert.ok(error instanceof ListenFailed);
    assert.match(error.message, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use.*--port`));
    return true;
  });
  await assert.rejects(aListener(t, { host: "192.0.2.1" }), /192\.0\.2\.1 is not an address of this machine.*--host/);
});

test("certificates are kept, and made anew only when they have to be", async (t) => {
  const directory = await aDirectory(t);
  const now = clock.now();
  const first = await certificates(directory, now);
  for (const name of ["ca.key", "server.key"]) assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600, name);
  assert.deepEqual(await certificates(directory, now + day), first);
  const [, ca] = first.cert.split(/(?<=-----END CERTIFICATE-----\n)/);
  // A new name, an end that comes near, a torn file: a new server certificate from the same CA, which users have trusted.
  const other = await certificates(directory, now, "other-host");
  assert.notEqual(other.key, first.key);
  const later = await certificates(directory, now + 800 * day, "other-host");
  assert.notEqual(later.key, other.key);
  await writeFile(join(directory, "server.pem"), "torn");
  const mended = await certificates(directory, now, "other-host");
  for (const made of [other, later, mended]) assert.ok(made.cert.endsWith(ca!));
  await writeFile(join(directory, "ca.key"), "torn");
  assert.ok(!(await certificates(directory, now)).cert.endsWith(ca!));
});

test("a host may have a long name, or an odd one, and the CA's name still tells it from the one before", async (t) => {
  for (const hostName of ["h".repeat(64), 'a, b+c="d"', "2001:db8::1"]) {
    const cas = [];
    for (const directory of [await aDirectory(t), await aDirectory(t)]) {
      const { cert, caFile } = await certificates(directory, clock.now(), hostName);
      const [server, ca] = [new X509Certificate(cert), new X509Certificate(await readFile(caFile!))];
      assert.ok(server.checkIssued(ca) && server.verify(ca.publicKey), hostName);
      cas.push(ca.subject);
    }
    assert.notEqual(cas[0], cas[1], hostName);
  }
});

test("the operator's own certificate is checked before it is served", async (t) => {
  const directory = await aDirectory(t);
  const now = clock.now();
  await certificates(directory, now);
  const at = (name: string): string => join(directory, name);
  const own = await loadCertificates(at("server.pem"), at("server.key"), now);
  assert.equal(own.caFile, undefined);
  await assert.rejects(loadCertificates(at("server.pem"), at("ca.key"), now), BadCertificate);
  await assert.rejects(loadCertificates(at("missing.pem"), at("server.key"), now), /--cert .*missing\.pem cannot be read/);
  await assert.rejects(loadCertificates(at("server.key"), at("server.key"), now), /holds no PEM certificate/);
  await assert.rejects(loadCertificates(at("server.pem"), at("server.key"), now + 900 * day), /expired/);
});

/** Whether a program is on this machine; what needs it is then left out by name. */
const has = (...command: string[]): boolean => {
  try {
    execFileSync(command[0]!, command.slice(1), { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

test("OpenSSL accepts the chain by its strictest rules", {
  skip: has("openssl", "version") ? false : "openssl is not installed",
}, async (t) => {
  const directory = await aDirectory(t);
  await certificates(directory);
  const at = (name: string): string => join(directory, name);
  const verify = execFileSync("openssl", [
    "verify",
    "-x509_strict",
    "-purpose",
    "sslserver",
    "-verify_hostname",
    "localhost",
    "-CAfile",
    at("ca.pem"),
    at("server.pem"),
  ]);
  assert.match(verify.toString(), /: OK/);
  assert.match(execFileSync("openssl", ["x509", "-in", at("ca.pem"), "-noout", "-text"]).toString(), /CA:TRUE/);
});

test("Python trusts the CA", { skip: has("python3", "-c", "import ssl") ? false : "python3 is not installed" }, async (t) => {
  const { cert, key, caFile } = await certificates(await aDirectory(t));
  const { port } = await aListener(t, { tls: { cert, key } });
  const program = `
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile=sys.argv[1])
context.verify_flags |= ssl.VERIFY_X509_STRICT
for host in ("localhost", "127.0.0.1"):
    print(urllib.request.urlopen("https://%s:%s/x" % (host, sys.argv[2]), context=context, timeout=20).read().decode())
`;
  const child = spawn("python3", ["-c", program, caFile!, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env.PATH, no_proxy: "*" },
  });
  let output = "";
  for await (const chunk of child.stdout) output += chunk;
  assert.equal(output, "true /x\ntrue /x\n");
});
