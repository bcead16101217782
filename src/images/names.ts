// Names of files within an image. Linux names are bytes, so they are kept as text with one character a byte ("latin1") and are never decoded.
import { ImportFailed } from "./failures.ts";

const longestName = 255;
const longestPath = 4096;

/** For messages: as the user knows it, as far as it is printable. */
export const printable = (name: string): string =>
  Buffer.from(name.slice(0, 200), "latin1")
    .toString("utf8")
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "?");

export const unsafe = (what: string, name: string): ImportFailed =>
  new ImportFailed("ImageArchiveUnsafe", `The image holds ${what}: ${printable(name)}.`);

/** Text that was decoded as UTF-8 (a PAX header's), as bytes again. */
export const bytesOf = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

/**
 * The components of an entry's name, relative to the root of the image: an absolute name is made relative, as tar does. None for the root itself.
 * Throws ImportFailed for names that climb, hold a NUL, or are too long for a file system.
 */
export const componentsOf = (name: string): string[] => {
  if (name.includes("\0")) throw unsafe("a name with a NUL byte", name);
  if (name.length > longestPath) throw unsafe("a name that is too long", name);
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw unsafe("a name that climbs out of it", name);
  if (parts.some((part) => part.length > longestName)) throw unsafe("a name that is too long", name);
  return parts;
};
