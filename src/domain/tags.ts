// Tags of resources and resource groups: what may be one, and what a patch of them means. Pure.
import { ApiError } from "../api/errors.ts";

export type Tags = Readonly<Record<string, string>>;

const mostTags = 50;
const longestName = 512;
const longestValue = 256;
const reserved = /[<>%&\\?/\p{Cc}]/u;

/** Throws ARM's refusals of tags that are too many, too long, of a reserved letter, or that differ by the case of their name only. */
export const checkTags = (tags: Tags): Tags => {
  const names = Object.keys(tags);
  if (names.length > mostTags) {
    const message = `Too many tags on the resource/resource group. Requested tag count - '${names.length}'. Please limit the number of tags to '${mostTags}'.`;
    throw new ApiError("TooManyTags", [], message);
  }
  const wrong = names.filter((name) => name === "" || reserved.test(name));
  if (wrong.length > 0) {
    const message = `The tag names '${wrong.join(",").slice(0, 512)}' have reserved characters '<,>,%,&,\\,?,/' or control characters.`;
    throw new ApiError("InvalidTagNameCharacters", [], message);
  }
  for (const [name, value] of Object.entries(tags)) {
    if (name.length > longestName || value.length > longestValue) {
      const message = `Tag '${name.slice(0, 64)}' is too long. A name has at most ${longestName} characters, a value at most ${longestValue}.`;
      throw new ApiError("TagTooLong", [], message);
    }
  }
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length)
    throw new ApiError("InvalidTagName", [], "Tag names are compared without regard to case, and of the names given two are the same.");
  return tags;
};

/** A name's value, the name compared without regard to case. */
export const tagValue = (tags: Tags, name: string): string | undefined =>
  Object.entries(tags).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];

export type TagPatch = "Merge" | "Replace" | "Delete";

/**
 * What Microsoft.Resources/tags does with a resource's tags. Merge keeps what it does not name; Delete takes away pairs that are equal in name
 * and value.
 */
export const patchTags = (tags: Tags, patch: TagPatch, given: Tags): Tags => {
  if (patch === "Replace") return given;
  if (patch === "Delete") return Object.fromEntries(Object.entries(tags).filter(([name, value]) => tagValue(given, name) !== value));
  const kept = Object.entries(tags).filter(([name]) => tagValue(given, name) === undefined);
  return Object.fromEntries([...kept, ...Object.entries(given)]);
};
