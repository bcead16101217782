// Which names this server goes by. A page of the web can make its own name lead to a loopback address and then speak to a server there as to its
// own; where the account key is published, such a page could sign as well. What it cannot do is name the server otherwise in the Host header.
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";

/**
 * Tells from a Host header: true for addresses, localhost and the server's domain and all below them, and the names that the certificate of that
 * moment (PEM, the server's first) is for.
 */
export const ownNames = (certificate: () => string, domain: string): ((host: string | undefined) => boolean) => {
  const isBelow = (name: string, above: string): boolean => name === above || name.endsWith(`.${above}`);
  let pem = certificate();
  let server = new X509Certificate(pem);
  return (host) => {
    if (certificate() !== pem) {
      pem = certificate();
      server = new X509Certificate(pem);
    }
    if (host === undefined || host === "") return true; // No browser leaves it out.
    const name = host
      .replace(/:\d*$/, "")
      .replace(/^\[(.*)\]$/, "$1")
      .replace(/\.$/, "")
      .toLowerCase();
    return isIP(name) !== 0 || isBelow(name, "localhost") || isBelow(name, domain) || server.checkHost(name) !== undefined;
  };
};

/** The data plane's name of an account in a region: what its `accountEndpoint` begins with. */
export const accountHost = (account: string, region: string, domain: string): string =>
  `${account}.${region.replace(/\s+/g, "").toLowerCase()}.batch.${domain}`;

/**
 * The account that a host name stands for: `name.region.batch.domain`, without a port. Undefined for hosts that are not below `batch.domain`. All
 * names there are accounts': one of another form is that of no account (or of its one part), and never another way to call the server itself.
 */
export const accountOfHost =
  (domain: string) =>
  (host: string): string | undefined => {
    const name = host.toLowerCase().replace(/\.$/, "");
    const end = `.batch.${domain}`;
    if (!name.endsWith(end)) return undefined;
    const below = name.slice(0, -end.length);
    return /^([a-z0-9]{3,24})\.[a-z0-9]+$/.exec(below)?.[1] ?? below;
  };
