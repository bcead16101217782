// Where a copy may come from. Azurite verifies the source of a copy that names another account or carries a signature by asking the source's
// own host, and it believes that this host is itself when the Host header says the same: whoever chooses both makes it ask any address, also
// one that only this machine can reach. So such a copy is let through only when its source is this very server.
import type { IncomingMessage } from "node:http";

const isSigned = (url: URL): boolean => [...url.searchParams.keys()].some((name) => name.toLowerCase() === "sig");

/** As Azurite finds it: in the path of an address, or at the front of a host name. Only what both readings agree on is surely ours. */
const isOfAccount = ({ hostname, pathname }: URL, account: string): boolean =>
  pathname.startsWith(`/${account}/`) || hostname.startsWith(`${account}.`);

/** A name without a dot is a machine of the operator's own network, such as `quern` of a set of containers; so are names of accounts. */
const isOwnName = (hostname: string, localAddress: string | undefined, domain: string): boolean =>
  /^(127\.\d+\.\d+\.\d+|\[::1\]|localhost|[a-z0-9-]+|.*\.localhost)$/.test(hostname) ||
  hostname.endsWith(`.blob.${domain}`) ||
  hostname.replace(/^\[(.*)\]$/, "$1") === localAddress?.replace(/^::ffff:/, "");

/** False for a copy to the account that would make Azurite send a request to another server than the one that it came to. */
export const isSafeCopy = ({ headers, socket }: IncomingMessage, account: string, domain: string): boolean => {
  const source = headers["x-ms-copy-source"];
  if (source === undefined) return true;
  const url = URL.parse(String(source));
  if (url === null) return true; // Azurite says what is wrong with it and asks nobody.
  if (isOfAccount(url, account) && !isSigned(url)) return true;
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  return port === socket.localPort && isOwnName(url.hostname, socket.localAddress, domain);
};
