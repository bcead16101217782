// Splits a command line into program and arguments without a shell, and finds the program. It expands nothing: no variables, globs or pipes.
import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";

/** What the agent's tasks find programs in: a fixed list, so that nothing of the operator's own environment leaks into tasks. */
export const nodePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export type SplitResult = { argv: string[] } | { problem: string };

/**
 * The rules (unverified upstream, reference/node-environment.md section 4; decided here): blanks separate; single quotes keep everything;
 * in double quotes a backslash escapes only `"` and `\`, so that `\n` or `\$` reach the program as written; outside quotes it escapes any
 * character. A quote that is not closed, a backslash at the end and NUL are problems, because running half of a command line is worse than none.
 */
export const splitCommandLine = (line: string): SplitResult => {
  if (line.includes("\0")) return { problem: "The command line holds a NUL character." };
  const argv: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let at = 0; at < line.length; at++) {
    const c = line[at]!;
    if (quote === "'") {
      if (c === "'") quote = undefined;
      else word += c;
    } else if (quote === '"') {
      const next = line[at + 1];
      if (c === '"') quote = undefined;
      else if (c === "\\" && (next === '"' || next === "\\")) word += line[++at]!;
      else word += c;
    } else if (c === "'" || c === '"') {
      quote = c;
      word ??= "";
    } else if (c === "\\") {
      if (at + 1 === line.length) return { problem: "The command line ends with a backslash." };
      word = (word ?? "") + line[++at]!;
    } else if (c === " " || c === "\t" || c === "\n" || c === "\r") {
      if (word !== undefined) argv.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + c;
    }
  }
  if (quote !== undefined) return { problem: `The command line has an unclosed ${quote === '"' ? "double" : "single"} quote.` };
  if (word !== undefined) argv.push(word);
  return { argv };
};

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/** Programs found in nodePath before; a hit is only a hint, since starting it tells whether it is still there. */
const found = new Map<string, string>();

/**
 * Where the program is: a name with a slash stays as it is (relative to the working directory; starting it tells whether it exists),
 * another is a file of the working directory or, failing that, of the node's PATH (a task's own PATH setting does not take part).
 * Undefined when there is none.
 */
export const findProgram = (name: string, workingDirectory: string): string | undefined => {
  if (name === "") return undefined;
  if (name.includes("/")) return name;
  if (isProgram(join(workingDirectory, name))) return `./${name}`;
  const known = found.get(name);
  if (known !== undefined) return known;
  const directory = nodePath.split(":").find((candidate) => isProgram(join(candidate, name)));
  if (directory === undefined) return undefined;
  const path = join(directory, name);
  found.set(name, path);
  return path;
};
