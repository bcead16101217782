// The patterns of output files: parsing and matching of names. Touches no disk.

/** Replaces `$NAME` and `%NAME%` by the task's variables; an unknown one stays as it is and so matches nothing by accident. */
export const expandVariables = (text: string, environment: Record<string, string>): string =>
  text.replace(
    /\$([A-Za-z_][A-Za-z0-9_]*)|%([A-Za-z_][A-Za-z0-9_]*)%/g,
    (whole, a?: string, b?: string) => environment[a ?? b ?? ""] ?? whole,
  );

const hasWildcard = (part: string): boolean => /[*?[]/.test(part);

const regexEscape = (c: string): string => c.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** A class `[abc]`, `[a-c]`, `[!abc]` beginning at `at`, as a regular expression and where it ends; undefined when it is not closed. */
const classAt = (part: string, at: number): { source: string; end: number } | undefined => {
  const negated = part[at + 1] === "!";
  const from = at + (negated ? 2 : 1);
  const end = part.indexOf("]", from + 1); // a "]" right at the beginning is meant literally
  if (end < 0) return undefined;
  const chars = [...part.slice(from, end)];
  const items = chars.map((c, i) => (c === "-" && i > 0 && i < chars.length - 1 && chars[i - 1]! <= chars[i + 1]! ? "-" : regexEscape(c)));
  return { source: `[${negated ? "^" : ""}${items.join("")}]`, end };
};

/** One name (no slash). `*` and `?` never match a leading dot. */
export const nameMatcher = (part: string): ((name: string) => boolean) => {
  let source = "";
  for (let at = 0; at < part.length; at++) {
    const c = part[at]!;
    const group = c === "[" ? classAt(part, at) : undefined;
    if (group !== undefined) {
      source += group.source;
      at = group.end;
    } else if (c === "*") source = source.endsWith("[^]*") ? source : `${source}[^]*`;
    else source += c === "?" ? "[^]" : regexEscape(c);
  }
  const expression = new RegExp(`^${source}$`, "u");
  const wantsDot = part.startsWith(".");
  return (name) => (wantsDot || !name.startsWith(".")) && expression.test(name);
};

export type FilePattern = {
  /** The directory that needs no search: everything before the first part with a wildcard, or before the file name. As written: relative or absolute. */
  base: string;
  /** What follows: `"**"` (any directories, none included) or one name's matcher. The last one is of the file. */
  steps: ("**" | ((name: string) => boolean))[];
  wildcard: boolean;
  /** Without a wildcard, the file's name. */
  fileName: string;
};

/** Undefined when it names no file. Backslashes separate as slashes do. */
export const parsePattern = (text: string): FilePattern | undefined => {
  const parts = text.replaceAll("\\", "/").split("/");
  const last = parts.at(-1)!;
  if (last === "" || last === "." || last === ".." || text.includes("\0")) return undefined;
  const first = parts.findIndex(hasWildcard);
  const cut = first < 0 ? parts.length - 1 : first;
  const rest = parts.slice(cut).filter((part, i, all) => part !== "" && part !== "." && !(part === "**" && all[i - 1] === "**"));
  if (rest.includes("..")) return undefined;
  if (rest.at(-1) === "**") rest.push("*");
  const base = parts.slice(0, cut).join("/");
  return {
    base: base === "" && text.startsWith("/") ? "/" : base,
    steps: rest.map((part) => (part === "**" ? "**" : hasWildcard(part) ? nameMatcher(part) : (name: string): boolean => name === part)),
    wildcard: first >= 0,
    fileName: last,
  };
};
