// The operator's catalogue of marketplace images: a JSON file that says where the image of a publisher, offer, SKU and version really comes from.
// Read again at each lookup, so that an entry can be added without a restart. Fetches nothing itself.
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { ImportSource } from "./import.ts";

export type MarketplaceImage = {
  publisher: string;
  offer: string;
  sku: string;
  version: string;
  osType: "Linux" | "Windows";
  source: ImportSource;
  /** Lower-case hex. */
  sha256?: string;
};

/** The file is missing, is not JSON or says something that makes no sense; the message tells the operator what and where. */
export class MarketplaceFileInvalid extends Error {
  override readonly name = "MarketplaceFileInvalid";
}

export type Marketplace = {
  /** All entries, in the order of the file. Throws MarketplaceFileInvalid. */
  list(): Promise<MarketplaceImage[]>;
  /** Names in any letter case. `latest` is the greatest version, number by number. Throws MarketplaceFileInvalid. */
  find(publisher: string, offer: string, sku: string, version: string): Promise<MarketplaceImage | undefined>;
};

const wanted = ["publisher", "offer", "sku", "version"] as const;
const known: readonly string[] = [...wanted, "osType", "path", "url", "sha256"];

const entryOf = (value: unknown, index: number, file: string): MarketplaceImage => {
  const wrong = (what: string): never => {
    throw new MarketplaceFileInvalid(`${file}: images[${index}] ${what}.`);
  };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong("is not an object");
  const entry = value as Record<string, unknown>;
  const strange = Object.keys(entry).find((key) => !known.includes(key));
  if (strange !== undefined) return wrong(`has an unknown property "${strange}" (known: ${known.join(", ")})`);
  const text = (key: string): string | undefined => {
    const item = entry[key];
    return item === undefined || (typeof item === "string" && item !== "") ? item : wrong(`has a ${key} that is not a text`);
  };
  const needed = (key: string): string => text(key) ?? wrong(`has no ${key}`);
  const [path, url, sha256, osType] = [text("path"), text("url"), text("sha256"), text("osType") ?? "Linux"];
  if ((path === undefined) === (url === undefined)) return wrong("needs either a path or a url");
  if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? "")) return wrong("has a url that is not an http or https URL");
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) return wrong("has a sha256 that is not 64 hex digits");
  if (osType !== "Linux" && osType !== "Windows") return wrong("has an osType that is neither Linux nor Windows");
  return {
    publisher: needed("publisher"),
    offer: needed("offer"),
    sku: needed("sku"),
    version: needed("version"),
    osType,
    source:
      path === undefined
        ? { kind: "url", url: url!, isOperators: true }
        : { kind: "path", path: resolve(dirname(file), path), isOperators: true },
    ...(sha256 !== undefined && { sha256: sha256.toLowerCase() }),
  };
};

const keyOf = ({ publisher, offer, sku, version }: Pick<MarketplaceImage, (typeof wanted)[number]>): string =>
  JSON.stringify([publisher, offer, sku, version].map((part) => part.toLowerCase()));

const readCatalogue = async (file: string): Promise<MarketplaceImage[]> => {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new MarketplaceFileInvalid(`${file} cannot be read (${error.code}).`, { cause: error });
  });
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new MarketplaceFileInvalid(`${file} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const images = (document as { images?: unknown } | null)?.images;
  if (!Array.isArray(images)) throw new MarketplaceFileInvalid(`${file} has no list "images".`);
  const entries = images.map((value, index) => entryOf(value, index, file));
  const keys = entries.map(keyOf);
  const twice = keys.findIndex((key, index) => keys.indexOf(key) !== index);
  if (twice !== -1) throw new MarketplaceFileInvalid(`${file}: images[${twice}] has the names of images[${keys.indexOf(keys[twice]!)}].`);
  return entries;
};

/** Dotted numbers: 22.04.10 comes after 22.04.9; what is no number is compared as text. */
const compareVersions = (a: string, b: string): number => {
  const [left, right] = [a.split("."), b.split(".")];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const [x, y] = [left[index] ?? "0", right[index] ?? "0"];
    const isNumeric = /^\d{1,15}$/.test(x) && /^\d{1,15}$/.test(y);
    const order = isNumeric ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0;
    if (order !== 0) return order;
  }
  return 0;
};

/** Without a file the catalogue is empty. */
export const marketplace = (file: string | undefined): Marketplace => {
  const list = async (): Promise<MarketplaceImage[]> => (file === undefined ? [] : readCatalogue(resolve(file)));
  return {
    list,
    find: async (publisher, offer, sku, version) => {
      const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
      const images = (await list()).filter((image) => same(image.publisher, publisher) && same(image.offer, offer) && same(image.sku, sku));
      if (!same(version, "latest")) return images.find((image) => same(image.version, version));
      return images.toSorted((a, b) => compareVersions(b.version, a.version))[0];
    },
  };
};
