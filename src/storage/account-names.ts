// Which names an account of the embedded storage may have. A path of this server's own address begins with the account's name, so a name
// that begins the paths of another plane would hide that plane.
import { batchOperations } from "../api/batch/index.ts";
import { StorageNameRefused } from "./accounts.ts";

const firstPart = (path: string): string => /^\/?([^/?]*)/.exec(path)![1]!.toLowerCase();

/** What the data plane's paths begin with, and what the planes beside it have: resource manager, sign-in, and this server's own pages. */
const takenParts: ReadonlySet<string> = new Set([
  ...Object.values(batchOperations).map(({ path }) => firstPart(path)),
  ...["subscriptions", "providers", "tenants", "metadata", "locations", "operations"],
  ...["adfs", "common", "organizations", "consumers", "oauth2", "discovery", "quern"],
  ...["healthz", "readyz", "metrics", "console", "assets", "favicon", "robots"],
]);

/** Throws StorageNameRefused, with a sentence that tells why. */
export const checkAccountName = (name: string): void => {
  if (!/^[a-z0-9]{3,24}$/.test(name)) {
    throw new StorageNameRefused(
      `${JSON.stringify(name.slice(0, 64))} is not a valid storage account name. It has 3 to 24 lower-case letters and digits.`,
    );
  }
  if (takenParts.has(name)) {
    throw new StorageNameRefused(
      `The storage account name ${name} is reserved: addresses of this server that begin with it mean something else.`,
    );
  }
};
