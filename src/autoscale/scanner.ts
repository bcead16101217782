// Cuts the text of a formula into words. Knows no grammar; blanks and comments end here.
import { fault } from "./messages.ts";

export type Token =
  | { kind: "number"; at: number; value: number }
  | { kind: "text"; at: number; value: string }
  | { kind: "name"; at: number; name: string }
  | { kind: "mark"; at: number; mark: string }
  | { kind: "end"; at: number };

const blank = /(?:\s|\/\/[^\r\n]*|\/\*[\s\S]*?\*\/)+/y;
const name = /\$?[A-Za-z_][A-Za-z0-9_]*/y;
const number = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
/** Documented formulas write double quotes; the service's own editor knows single ones too. Neither has escapes. */
const text = /"([^"\r\n]*)"|'([^'\r\n]*)'/y;
const mark = /\|\||&&|[=!<>]=|[-+*/<>!=?:;,.()]/y;

const matchAt = (pattern: RegExp, formula: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at;
  return pattern.exec(formula);
};

const numberAt = (formula: string, at: number, digits: string): Token => {
  const value = Number(digits);
  if (!Number.isFinite(value)) throw fault(at, "numberTooLarge", { number: digits });
  const glued = matchAt(name, formula, at + digits.length);
  if (glued !== null) throw fault(glued.index, "unexpected", { found: glued[0], expected: "an operator" });
  return { kind: "number", at, value };
};

const unreadable = (formula: string, at: number): Error => {
  const character = String.fromCodePoint(formula.codePointAt(at)!);
  if (character === '"' || character === "'") return fault(at, "openText");
  return fault(at, "unexpectedCharacter", { character });
};

const wordAt = (formula: string, at: number): { token: Token; length: number } => {
  const named = matchAt(name, formula, at);
  if (named !== null) return { token: { kind: "name", at, name: named[0] }, length: named[0].length };
  const digits = matchAt(number, formula, at);
  if (digits !== null) return { token: numberAt(formula, at, digits[0]), length: digits[0].length };
  const quoted = matchAt(text, formula, at);
  if (quoted !== null) return { token: { kind: "text", at, value: quoted[1] ?? quoted[2]! }, length: quoted[0].length };
  const marked = matchAt(mark, formula, at);
  if (marked !== null) return { token: { kind: "mark", at, mark: marked[0] }, length: marked[0].length };
  throw unreadable(formula, at);
};

/** The words of a formula, an `end` last. Throws a FormulaFault at what is none. */
export const scan = (formula: string): Token[] => {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += matchAt(blank, formula, at)?.[0].length ?? 0;
    if (at >= formula.length) {
      tokens.push({ kind: "end", at: formula.length });
      return tokens;
    }
    if (formula.startsWith("/*", at)) throw fault(at, "openComment");
    const { token, length } = wordAt(formula, at);
    tokens.push(token);
    at += length;
  }
};
