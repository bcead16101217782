// The certificate that HTTPS is served with: the operator's own, or one from a local CA that is made on the first start and kept.
// It makes and keeps files; trusting the CA is the user's decision (the ready file names it).
import { createPrivateKey, X509Certificate } from "node:crypto";
import { chmod, mkdir, open, readFile, rename } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import type { Instant } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";
import type { Pair } from "./issue-certificates.ts";

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
    ca = await (await issuing()).makeAuthority(options.hostName, now, ids);
    await keep(caFile, join(directory, "ca.key"), ca);
  }
  const serverFiles = [join(directory, "server.pem"), join(directory, "server.key")] as const;
  let server = await stored(...serverFiles, now);
  if (server === undefined || !isFor(server.certificate, ca.certificate, names)) {
    server = await (await issuing()).makeServer(ca, names, now, ids);
    await keep(...serverFiles, server);
  }
  return { cert: server.pem + ca.pem, key: server.keyPem, caFile };
};

/** Loaded when there is something to make, which is rare: a start on a location that has its certificates does without. */
const issuing = () => import("./issue-certificates.ts");

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
