// Which addresses a URL from a user may lead to. Decides on the address that is really connected to, not on the name in the URL.
import { lookup } from "node:dns";
import { BlockList, isIP, isIPv6, type LookupFunction } from "node:net";

export type UrlPolicy = {
  /** `host:port` whose private or loopback addresses are fine: the configured storage. `*.` at the front stands for any one label. */
  storageHosts: string[];
  allowPrivateUrls: boolean;
};

export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

const inner = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const)
  inner.addSubnet(net, bits, "ipv4"); // prettier-ignore
for (const [net, bits] of [
  ["::", 128],
  ["::1", 128],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const)
  inner.addSubnet(net, bits, "ipv6");

/** The eight groups of an IPv6 address that isIPv6 accepts. */
const groups = (address: string): number[] => {
  const text = address
    .replace(/%.*$/, "")
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => `${(a * 256 + +b).toString(16)}:${(c * 256 + +d).toString(16)}`);
  const [head = "", tail] = text.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const middle = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...middle, ...right].map((group) => Number.parseInt(group, 16));
};

/** The IPv4 address inside a mapped, compatible, NAT64 or 6to4 one. */
const embedded = (address: string): string | undefined => {
  const g = groups(address);
  const pair = (at: number): string => [g[at]! >> 8, g[at]! & 255, g[at + 1]! >> 8, g[at + 1]! & 255].join(".");
  if (g.slice(0, 5).every((x) => x === 0) && (g[5] === 0xffff || g[5] === 0)) return pair(6);
  if (g[0] === 0x64 && g[1] === 0xff9b) return pair(6);
  return g[0] === 0x2002 ? pair(1) : undefined;
};

/** Loopback, private, link-local, shared, multicast or unspecified, in whatever form it is written. */
export const isPrivateAddress = (address: string): boolean => {
  if (!isIPv6(address)) return inner.check(address, "ipv4");
  const v4 = embedded(address);
  return inner.check(address.replace(/%.*$/, ""), "ipv6") || (v4 !== undefined && inner.check(v4, "ipv4"));
};

const hostAndPort = (url: URL): string => `${url.hostname}:${url.port || (url.protocol === "https:" ? "443" : "80")}`;

const isStorageHost = (host: string, { storageHosts }: UrlPolicy): boolean =>
  storageHosts.includes(host) || storageHosts.includes(host.replace(/^[^.]+\./, "*."));

const refusal = (host: string): AddressRefused =>
  new AddressRefused(`${host} is a loopback or private address, which only the configured storage may have`);

/**
 * Parses a user's URL and gives what the request needs to stay within the policy: a `lookup` that refuses names which resolve to private
 * addresses (an address in the URL itself is refused here; URL turns decimal and hex forms into dotted ones). Throws AddressRefused.
 */
export const checkedUrl = (text: string, policy: UrlPolicy, base?: URL): { url: URL; lookup?: LookupFunction } => {
  const url = URL.parse(text, base?.href) ?? undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new AddressRefused("the URL is not an http or https URL");
  if (policy.allowPrivateUrls || isStorageHost(hostAndPort(url), policy)) return { url };
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) !== 0 && isPrivateAddress(host)) throw refusal(host);
  return { url, lookup: publicOnly };
};

const publicOnly: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, []);
    const bad = addresses.find(({ address }) => isPrivateAddress(address));
    if (bad !== undefined) return callback(refusal(hostname), []);
    if (options.all === true) return callback(null, addresses);
    const [first] = addresses;
    return first === undefined ? callback(new Error(`${hostname} has no address`), []) : callback(null, first.address, first.family);
  });
};
