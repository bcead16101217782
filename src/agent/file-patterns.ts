// The patterns of output files: parsing and matching of names. Touches no disk.

/** Replaces `$NAME` and `%NAME%` by the task's variables; an unknown one stays as it is and so matches nothing by accident. */
export const expandVariables = (text: string, environment: Record<string, string>): string =>
  text.replace(/\$([A-Za-z_][A-Za-z0-9_]*)|%([A-Za-z_][A-Za-z0-9_]*)%/g, (whole, a?: string, b?: string) =>
    Object.hasOwn(environment, a ?? b ?? "") ? environment[a ?? b ?? ""]! : whole,
  );

const hasWildcard = (part: string): boolean => /[*?[]/.test(part);

type Token = "any" | "star" | ((c: string) => boolean);

/** A class `[abc]`, `[a-c]`, `[!abc]` beginning at `at`, and where it ends; undefined when it is not closed. */
const classAt = (chars: string[], at: number): { token: Token; end: number } | undefined => {
  const negated = chars[at + 1] === "!";
  const from = at + (negated ? 2 : 1);
  const end = chars.indexOf("]", from + 1); // a "]" right at the beginning is meant literally
  if (end < 0) return undefined;
  const ranges: [string, string][] = [];
  for (let i = from; i < end; i++) {
    const isRange = chars[i + 1] === "-" && i + 2 < end;
    ranges.push([chars[i]!, isRange ? chars[i + 2]! : chars[i]!]);
    if (isRange) i += 2;
  }
  return { token: (c) => ranges.some(([low, high]) => low <= c && c <= high) !== negated, end };
};

const tokensOf = (part: string): Token[] => {
  const chars = [...part];
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const c = chars[at]!;
    const group = c === "[" ? classAt(chars, at) : undefined;
    if (group !== undefined) {
      tokens.push(group.token);
      at = group.end;
    } else if (c === "*" || c === "?") tokens.push(c === "*" ? "star" : "any");
    else tokens.push((other) => other === c);
  }
  return tokens;
};

/** Goes back only to the last star, so that no pattern, however hostile, takes more than length times length. */
const matches = (tokens: Token[], chars: string[]): boolean => {
  let t = 0;
  let star = -1;
  let starChar = 0;
  for (let c = 0; c < chars.length; ) {
    const token = tokens[t];
    if (token === "star") {
      star = t++;
      starChar = c;
    } else if (token === "any" || (typeof token === "function" && token(chars[c]!))) {
      t++;
      c++;
    } else if (star >= 0) {
      t = star + 1;
      c = ++starChar;
    } else return false;
  }
  return tokens.slice(t).every((token) => token === "star");
};

/** One name (no slash). `*`, `?` and classes never match a leading dot. */
export const nameMatcher = (part: string): ((name: string) => boolean) => {
  const tokens = tokensOf(part);
  const wantsDot = part.startsWith(".");
  return (name) => (wantsDot || !name.startsWith(".")) && matches(tokens, [...name]);
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
