// Resource Manager's $filter of lists of resources and of resource groups, which is a language of its own beside the data plane's: comparisons with
// eq and ne, substringof, startswith of a tag's name, joined by and/or without parentheses; tags are combined with nothing else. Pure.
import { ApiError } from "../api/errors.ts";
import { type Tags, tagValue } from "./tags.ts";

/** What a filter may ask of a resource. */
export type Filtered = { name: string; type: string; resourceGroup: string; location: string; tags: Tags; identityType?: string };

type Test = (one: Filtered) => boolean;

const properties: Readonly<Record<string, (one: Filtered) => string>> = {
  name: ({ name }) => name,
  resourcetype: ({ type }) => type,
  resourcegroup: ({ resourceGroup }) => resourceGroup,
  location: ({ location }) => location,
  identity: ({ identityType }) => identityType ?? "",
};

const longest = 4096;
const mostTerms = 64;

const text = "'((?:[^']|'')*)'";
const term = new RegExp(
  `\\s*(?:([A-Za-z]+)\\s+(eq|ne)\\s+${text}|substringof\\(\\s*${text}\\s*,\\s*([A-Za-z]+)\\s*\\)|startswith\\(\\s*([A-Za-z]+)\\s*,\\s*${text}\\s*\\))\\s*`,
  "iy",
);
const joint = /(and|or)\b/iy;

type Term = { isTag: false; test: Test } | { isTag: true; part: "name" | "value" | "prefix"; value: string };

/** Undefined lets everything pass. `only: "tags"` is the language of resource groups' lists. Throws InvalidFilterInQueryString. */
export const parseResourceFilter = (filter: string | undefined, only?: "tags"): Test | undefined => {
  if (filter === undefined || filter.trim() === "") return undefined;
  const refuse = (): ApiError =>
    new ApiError("InvalidFilterInQueryString", [], `Invalid $filter '${filter.slice(0, 256)}' specified in the query string.`);
  if (filter.length > longest) throw refuse();
  const { alternatives } = readTerms(filter, refuse);
  const all = alternatives.flat();
  if (all.some(({ isTag }) => isTag)) {
    if (alternatives.length > 1) throw refuse();
    return tagTest(all, refuse);
  }
  if (only === "tags") throw refuse();
  return (one) => alternatives.some((terms) => terms.every((each) => !each.isTag && each.test(one)));
};

/** `or` binds less than `and`. */
const readTerms = (filter: string, refuse: () => ApiError): { alternatives: Term[][] } => {
  const alternatives: Term[][] = [[]];
  for (let at = 0, count = 0; ; count++) {
    term.lastIndex = at;
    const match = term.exec(filter);
    if (match === null || count >= mostTerms) throw refuse();
    alternatives.at(-1)!.push(termOf(match, refuse));
    at = term.lastIndex;
    if (at === filter.length) return { alternatives };
    joint.lastIndex = at;
    const word = joint.exec(filter)?.[1]?.toLowerCase();
    if (word === undefined) throw refuse();
    if (word === "or") alternatives.push([]);
    at = joint.lastIndex;
  }
};

const termOf = (match: RegExpExecArray, refuse: () => ApiError): Term => {
  const [, compared, operator, value, part, within, prefixed, prefix] = match.map((each) => each?.replaceAll("''", "'"));
  if (prefixed !== undefined) {
    if (prefixed.toLowerCase() !== "tagname") throw refuse();
    return { isTag: true, part: "prefix", value: prefix! };
  }
  const property = (compared ?? within)!.toLowerCase();
  if (property === "tagname" || property === "tagvalue") {
    if (operator?.toLowerCase() !== "eq") throw refuse();
    return { isTag: true, part: property === "tagname" ? "name" : "value", value: value! };
  }
  const read = Object.hasOwn(properties, property) ? properties[property]! : undefined;
  if (read === undefined) throw refuse();
  if (part !== undefined) return { isTag: false, test: (one) => lower(read(one)).includes(lower(part)) };
  const wanted = property === "location" ? lower(value!).replace(/\s+/g, "") : lower(value!);
  const isEqual = operator!.toLowerCase() === "eq";
  return { isTag: false, test: (one) => (lower(read(one)) === wanted) === isEqual };
};

const lower = (of: string): string => of.toLowerCase();

/** `tagName eq 'a'`, with or without `and tagValue eq 'b'`; a value alone means nothing. */
const tagTest = (terms: readonly Term[], refuse: () => ApiError): Test => {
  const found: Partial<Record<"name" | "value" | "prefix", string>> = {};
  for (const each of terms) {
    if (!each.isTag || found[each.part] !== undefined) throw refuse();
    found[each.part] = each.value;
  }
  const { name, value, prefix } = found;
  if (prefix !== undefined) {
    if (name !== undefined || value !== undefined) throw refuse();
    return ({ tags }) => Object.keys(tags).some((key) => lower(key).startsWith(lower(prefix)));
  }
  if (name === undefined) throw refuse();
  return ({ tags }) => {
    const has = tagValue(tags, name);
    return has !== undefined && (value === undefined || has === value);
  };
};
