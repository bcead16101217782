// Makes the certificates of the local CA: the authority itself and the servers it vouches for. It keeps no files and decides no renewal
// (certificates.ts does, and loads this only when something has to be made: the library's start is not worth paying each time).
import { createPrivateKey, KeyObject, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
// The library asks for it, once and before itself.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import type { Instant } from "../lib/clock.ts";
import type { Ids } from "../lib/ids.ts";

export type Pair = { pem: string; keyPem: string; certificate: X509Certificate };

const dayMs = 86_400_000;
const caLifeMs = 3650 * dayMs;
/** Some clients refuse server certificates that live longer than this. */
const serverLifeMs = 825 * dayMs;
/** Valid from before it was made, because the clocks of clients differ. */
const headStartMs = 3_600_000;

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** The name carries a part of the serial number: after the CA was made anew, clients never mistake the old one for it. */
export const makeAuthority = async (hostName: string, now: Instant, ids: Ids): Promise<Pair> => {
  const keys = await newKeys();
  const serialNumber = newSerial(ids);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber,
    // A common name has at most 64 characters.
    name: distinguishedName(`Quern local CA of ${hostName.slice(0, 37)} ${serialNumber.slice(0, 8)}`),
    notBefore: new Date(now - headStartMs),
    notAfter: new Date(now + caLifeMs),
    keys,
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pairOf(certificate, keys);
};

/** It ends with the CA at the latest. `names` are DNS names and addresses. */
export const makeServer = async (ca: Pair, names: readonly string[], now: Instant, ids: Ids): Promise<Pair> => {
  const keys = await newKeys();
  const authority = new x509.X509Certificate(ca.certificate.raw);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(ids),
    subject: distinguishedName("Quern"),
    // Byte for byte the subject of the CA, because chains are compared so.
    issuer: authority.subjectName,
    notBefore: new Date(now - headStartMs),
    notAfter: new Date(Math.min(now + serverLifeMs, authority.notAfter.getTime())),
    publicKey: keys.publicKey,
    signingKey: createPrivateKey(ca.keyPem).toCryptoKey(ecdsa, false, ["sign"]),
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value }))),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  return pairOf(certificate, keys);
};

const newKeys = () => crypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);

const pairOf = (made: x509.X509Certificate, keys: Awaited<ReturnType<typeof newKeys>>): Pair => {
  const certificate = new X509Certificate(Buffer.from(made.rawData));
  const keyPem = KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }) as string;
  return { pem: certificate.toString(), keyPem, certificate };
};

/** 16 bytes in hexadecimal, positive and without a leading zero. */
const newSerial = (ids: Ids): string => {
  const serial = Buffer.from(ids.hex(16), "hex");
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial.toString("hex");
};

const distinguishedName = (commonName: string): x509.Name =>
  new x509.Name([{ O: [{ utf8String: "Quern" }] }, { CN: [{ utf8String: commonName }] }]);
