// The certificate that HTTPS is served with: the operator's own, or one from a local CA that is made on the first start and kept.
// It makes and keeps files; trusting the CA is the user's decision (the ready file names it).
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from "node:crypto";
import { chmod, mkdir, open, readFile, rename } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Instant } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import { der } from "./der.ts";

export type Certificates = {
  /** PEM: the server's certificate, followed by those that signed it. */
  cert: string;
  key: string;
  /** What clients have to trust; undefined with the operator's own certificate. */
  caFile?: string;
};

export type CertificateOptions = {
  /** Made if missing, mode 0700. */
  directory: string;
  hostName: string;
  /** Further names, beside localhost, *.localhost, the loopback addresses and the host name. */
  extraNames?: readonly string[];
  now: Instant;
  ids: Ids;
};

const dayMs = 86_400_000;
const caLifeMs = 3650 * dayMs;
/** Some clients refuse server certificates that live longer than this. */
const serverLifeMs = 825 * dayMs;
const renewBeforeMs = 30 * dayMs;

/** A file of the operator cannot be used; the message says which and why. */
export class BadCertificate extends Error {
  override readonly name = "BadCertificate";
}

/** The operator's certificate and key, checked to belong together and to be valid now. */
export const loadCertificates = async (certFile: string, keyFile: string, now: Instant): Promise<Certificates> => {
  const [cert, key] = await Promise.all([readable(certFile, "--cert"), readable(keyFile, "--key")]);
  const certificate = attempt(() => new X509Certificate(cert), `--cert ${certFile} holds no PEM certificate`);
  const privateKey = attempt(() => createPrivateKey(key), `--key ${keyFile} holds no PEM private key that can be read without a password`);
  if (!certificate.checkPrivateKey(privateKey)) throw new BadCertificate(`--key ${keyFile} is not the key of --cert ${certFile}`);
  if (Date.parse(certificate.validTo) < now) throw new BadCertificate(`--cert ${certFile} expired on ${certificate.validTo}`);
  return { cert, key };
};

/**
 * The local CA's certificate for this host. What is in the directory is used while it is whole, long enough valid and made for
 * the same names; the rest is made anew (the CA only when it is itself unusable, because users have to trust it again).
 */
export const ensureCertificates = async (options: CertificateOptions): Promise<Certificates> => {
  const { directory, now, ids } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const caFile = join(directory, "ca.pem");
  const names = [
    ...new Set(["localhost", "127.0.0.1", "::1", "*.localhost", options.hostName.toLowerCase(), ...(options.extraNames ?? [])]),
  ].filter((name) => name !== "");
  let ca = await stored(caFile, join(directory, "ca.key"), now);
  if (ca === undefined) {
    ca = makeAuthority(options.hostName, now, ids);
    await keep(caFile, join(directory, "ca.key"), ca);
  }
  const serverFiles = [join(directory, "server.pem"), join(directory, "server.key")] as const;
  let server = await stored(...serverFiles, now);
  if (server === undefined || !isFor(server.certificate, ca.certificate, names)) {
    server = makeServer(ca, names, now, ids);
    await keep(...serverFiles, server);
  }
  return { cert: server.pem + ca.pem, key: server.keyPem, caFile };
};

type Pair = { pem: string; keyPem: string; certificate: X509Certificate };

/** What the two files hold, if they belong together and will stay valid for a while. */
const stored = async (certFile: string, keyFile: string, now: Instant): Promise<Pair | undefined> => {
  try {
    const [pem, keyPem] = await Promise.all([readFile(certFile, "utf8"), readFile(keyFile, "utf8")]);
    const certificate = new X509Certificate(pem);
    const valid = Date.parse(certificate.validFrom) <= now && Date.parse(certificate.validTo) - renewBeforeMs > now;
    if (!valid || !certificate.checkPrivateKey(createPrivateKey(keyPem))) return undefined;
    await chmod(keyFile, 0o600);
    return { pem, keyPem, certificate };
  } catch {
    // Missing, torn or foreign: made anew.
    return undefined;
  }
};

const isFor = (server: X509Certificate, ca: X509Certificate, names: readonly string[]): boolean =>
  server.verify(ca.publicKey) && server.issuer === ca.subject && names.every((name) => covers(server, name));

const covers = (server: X509Certificate, name: string): boolean =>
  isIP(name) !== 0 ? server.checkIP(name) !== undefined : (server.subjectAltName ?? "").split(", ").includes(`DNS:${name}`);

/** The key first: a certificate without its key is noticed and made anew, a key without its certificate harms nobody. */
const keep = async (certFile: string, keyFile: string, pair: Pair): Promise<void> => {
  await replace(keyFile, pair.keyPem, 0o600);
  await replace(certFile, pair.pem, 0o644);
};

const replace = async (file: string, text: string, mode: number): Promise<void> => {
  const draft = `${file}.new`;
  const handle = await open(draft, "w", mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, file);
};

const oids = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
};

/** The name carries a part of the serial number: after the CA was made anew, clients never mistake the old one for it. */
const makeAuthority = (hostName: string, now: Instant, ids: Ids): Pair => {
  const keys = newKeys();
  const serial = newSerial(ids);
  const subject = distinguishedName(`Quern local CA of ${hostName} ${serial.toString("hex").slice(0, 8)}`);
  const keyId = keyIdentifier(keys.publicKey);
  return issue({
    serial,
    subject,
    issuer: subject,
    from: now,
    to: now + caLifeMs,
    keys,
    signer: keys.privateKey,
    extensions: [
      extension(oids.basicConstraints, true, der.sequence(der.boolean(true), der.integer(Buffer.from([0])))),
      // keyCertSign and cRLSign
      extension(oids.keyUsage, true, der.bits(Buffer.from([0b0000_0110]), 1)),
      extension(oids.subjectKeyIdentifier, false, der.octets(keyId)),
      extension(oids.authorityKeyIdentifier, false, der.sequence(der.implicit(0, keyId))),
    ],
  });
};

const makeServer = (ca: Pair, names: readonly string[], now: Instant, ids: Ids): Pair => {
  const keys = newKeys();
  const end = Math.min(now + serverLifeMs, Date.parse(ca.certificate.validTo));
  return issue({
    serial: newSerial(ids),
    subject: distinguishedName("Quern"),
    issuer: subjectOf(ca.certificate),
    from: now,
    to: end,
    keys,
    signer: createPrivateKey(ca.keyPem),
    extensions: [
      extension(oids.basicConstraints, true, der.sequence()),
      // digitalSignature
      extension(oids.keyUsage, true, der.bits(Buffer.from([0b1000_0000]), 7)),
      extension(oids.extendedKeyUsage, false, der.sequence(der.oid(oids.serverAuth))),
      extension(oids.subjectAltName, false, der.sequence(...names.map(generalName))),
      extension(oids.subjectKeyIdentifier, false, der.octets(keyIdentifier(keys.publicKey))),
      extension(oids.authorityKeyIdentifier, false, der.sequence(der.implicit(0, keyIdentifier(ca.certificate.publicKey)))),
    ],
  });
};

type Issue = {
  serial: Buffer;
  subject: Buffer;
  issuer: Buffer;
  from: Instant;
  to: Instant;
  keys: { publicKey: KeyObject; privateKey: KeyObject };
  signer: KeyObject;
  extensions: readonly Buffer[];
};

/** RFC 5280, version 3. Valid from an hour ago, because the clocks of clients differ. */
const issue = (of: Issue): Pair => {
  const algorithm = der.sequence(der.oid(oids.ecdsaWithSha256));
  const body = der.sequence(
    der.explicit(0, der.integer(Buffer.from([2]))),
    der.integer(of.serial),
    algorithm,
    of.issuer,
    der.sequence(der.time(of.from - 3_600_000), der.time(of.to)),
    of.subject,
    of.keys.publicKey.export({ type: "spki", format: "der" }),
    der.explicit(3, der.sequence(...of.extensions)),
  );
  const bytes = der.sequence(body, algorithm, der.bits(sign("sha256", body, of.signer)));
  const certificate = new X509Certificate(bytes);
  return { pem: certificate.toString(), keyPem: of.keys.privateKey.export({ type: "pkcs8", format: "pem" }) as string, certificate };
};

const newKeys = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

/** 16 bytes, positive and without a leading zero. */
const newSerial = (ids: Ids): Buffer => {
  const serial = Buffer.from(ids.hex(16), "hex");
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial;
};

const distinguishedName = (commonName: string): Buffer =>
  der.sequence(
    der.set(der.sequence(der.oid(oids.organization), der.text("Quern"))),
    // A common name has at most 64 characters.
    der.set(der.sequence(der.oid(oids.commonName), der.text(commonName.slice(0, 64)))),
  );

/** The subject as the certificate has it, byte for byte, because chains are compared so: rebuilt from its common name. */
const subjectOf = (certificate: X509Certificate): Buffer => distinguishedName(/^CN=(.*)$/m.exec(certificate.subject)![1]!);

const extension = (oid: string, critical: boolean, value: Buffer): Buffer =>
  der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octets(value));

const generalName = (name: string): Buffer => {
  switch (isIP(name)) {
    case 4:
      return der.implicit(7, Buffer.from(name.split(".").map(Number)));
    case 6:
      return der.implicit(7, addressBytes(name));
    default:
      return der.implicit(2, Buffer.from(name, "latin1"));
  }
};

/** The 16 bytes of an IPv6 address, its `::` filled in. */
const addressBytes = (address: string): Buffer => {
  const [head, tail] = address.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const before = head ?? [];
  const after = tail ?? [];
  const groups =
    tail === undefined ? before : [...before, ...Array.from({ length: 8 - before.length - after.length }, () => "0"), ...after];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
};

/** SHA-1 of the public key's bits, as RFC 5280 proposes for identifiers (no security depends on it). */
const keyIdentifier = (key: KeyObject): Buffer => {
  const bits = createPublicKey(key.export({ type: "spki", format: "pem" }))
    .export({ type: "spki", format: "der" })
    .subarray(-65);
  return createHash("sha1").update(bits).digest();
};

const readable = async (file: string, option: string): Promise<string> => {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new BadCertificate(`${option} ${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
};

const attempt = <T>(make: () => T, problem: string): T => {
  try {
    return make();
  } catch (error) {
    throw new BadCertificate(problem, { cause: error });
  }
};
