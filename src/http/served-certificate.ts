// The certificate that is served at this moment. While the server runs accounts appear, each with a host name of its own, so it can be made anew
// for more names; connections that are open stay as they are. Of an operator's own certificate nothing is changed.
import { X509Certificate } from "node:crypto";
import type { Log } from "../lib/log.ts";
import type { Certificates } from "./certificates.ts";

export interface ServedCertificate {
  readonly current: Certificates;
  /**
   * Resolves when what is served is for all these host names, or when that cannot be (logged): with the operator's own certificate, or when the
   * disk is full. A name brings those beside it: `acc1.eastus.batch.localhost` makes it one for `*.eastus.batch.localhost`.
   */
  ensureNames(hosts: readonly string[]): Promise<void>;
  /** Told each new one, before `ensureNames` resolves. */
  onChange(listener: (certificates: Certificates) => void): void;
}

/** What no certificate can be for must not keep the others out of it. */
const isHostName = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Clients take a wildcard for one whole label, and only above at least two others (seen: OpenSSL, Python, Node, Go). */
const wildcardOf = (host: string): string => host.replace(/^[^.*]+(?=\.[^.]+\.)/, "*");

const namesOf = (certificate: X509Certificate): string[] =>
  [...(certificate.subjectAltName ?? "").matchAll(/DNS:([^, ]+)/g)].map(([, name]) => name!);

/** `remake` gives a certificate for these names and those that all of them are for; absent for one that is the operator's own. */
export const serveCertificate = (
  first: Certificates,
  remake: ((names: readonly string[]) => Promise<Certificates>) | undefined,
  log: Log,
): ServedCertificate => {
  let current = first;
  let parsed = new X509Certificate(first.cert);
  const listeners: ((certificates: Certificates) => void)[] = [];

  const ensure = async (hosts: readonly string[]): Promise<void> => {
    const missing = hosts.filter((host) => isHostName.test(host) && parsed.checkHost(host) === undefined);
    if (missing.length === 0) return;
    if (remake === undefined) {
      log.warn({ missing }, "the certificate given with --cert is not for these names, so clients refuse them over https");
      return;
    }
    current = await remake([...new Set([...namesOf(parsed), ...missing.map(wildcardOf)])]);
    parsed = new X509Certificate(current.cert);
    for (const listener of listeners) listener(current);
  };

  let last: Promise<void> = Promise.resolve();
  return {
    get current() {
      return current;
    },
    ensureNames: (hosts) => {
      last = last
        .then(() => ensure(hosts.map((host) => host.toLowerCase())))
        .catch((error: unknown) => log.error({ err: error }, "the certificate could not be made for more names"));
      return last;
    },
    onChange: (listener) => void listeners.push(listener),
  };
};
