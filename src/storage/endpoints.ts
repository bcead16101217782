// Under which address clients are told to reach an account's blobs. There are two, and both are always served: by path,
// `{base}/account`, and by host, `https://account.blob.domain:port`.
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { Clock } from "../lib/clock.ts";

export type EndpointOptions = {
  /** What the names of accounts end with: `{account}.blob.{domain}`. */
  domain: string;
  /** The operator named the domain, and so answers for its names. */
  isDomainGiven: boolean;
  clock: Clock;
  /** The addresses of a name; rejects when it has none. */
  addressesOf?: (name: string) => Promise<string[]>;
  /** Those of this machine. */
  ownAddresses?: () => string[];
};

export interface Endpoints {
  /** Looks anew whether these accounts' names lead here. Never rejects; a resolver that hangs holds it up once. */
  check(accounts: readonly string[]): Promise<void>;
  /** Of the two forms the one that clients are told; see below. */
  clientEndpoint(account: string, baseUrl: string): string;
  hostName(account: string): string;
}

/** A resolver that does not know a name at once asks servers elsewhere; nobody waits for that. */
const lookupMs = 500;

const addressesByResolver = async (name: string): Promise<string[]> => (await lookup(name, { all: true })).map(({ address }) => address);

const addressesOfMachine = (): string[] => Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []);

const isLoopbackAddress = (address: string): boolean => /^127\.|^::1$/.test(address);

export const hostAndPort = (url: string): string => {
  const { protocol, hostname, port } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
};

export const pathEndpoint = (account: string, baseUrl: string): string => `${baseUrl.replace(/\/+$/, "")}/${account}`;

export const createEndpoints = (options: EndpointOptions): Endpoints => {
  const { domain, isDomainGiven, clock, addressesOf = addressesByResolver, ownAddresses = addressesOfMachine } = options;
  const leadsHere = new Map<string, boolean>();
  const hostName = (account: string): string => `${account}.blob.${domain}`;

  let underWay = false;
  const look = async (account: string): Promise<void> => {
    // One at a time, because each holds one of the few threads that also serve files, and one that hangs shows what others would do.
    if (underWay) return;
    underWay = true;
    const answer = addressesOf(hostName(account)).finally(() => {
      underWay = false;
    });
    const found = await withinTime(answer, clock, lookupMs).catch((): string[] => []);
    const own = new Set(ownAddresses());
    // All of them: some providers' resolvers answer for names that do not exist, and a signed URL must not go to their servers.
    leadsHere.set(account, found.length > 0 && found.every((address) => isLoopbackAddress(address) || own.has(address)));
  };

  return {
    hostName,
    check: async (accounts) => {
      if (isDomainGiven) return;
      for (const account of accounts) await look(account);
    },
    /**
     * By host where that can be expected to work, because `az batch application package create` takes nothing else: of the URL it is given it
     * keeps the first label, "blob" and the rest, and speaks https. Below `localhost` few systems resolve names by themselves, and a client that
     * cannot resolve the host form can do nothing at all, while all others but az take the path form: so that is what is left.
     */
    clientEndpoint: (account, baseUrl) => {
      if (!isDomainGiven && leadsHere.get(account) !== true) {
        // For the next one who asks: somebody may have added the name to /etc/hosts meanwhile.
        void look(account);
        return pathEndpoint(account, baseUrl);
      }
      const { port } = new URL(baseUrl);
      return `https://${hostName(account)}${port === "" ? "" : `:${port}`}`;
    },
  };
};

const withinTime = <T>(promise: Promise<T>, clock: Clock, ms: number): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => reject(new Error("it takes too long")));
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
