// From text to a tree. Says what is no formula; whether names exist and types fit is the checker's.
import { fault } from "./messages.ts";
import { scan, type Token } from "./scanner.ts";
import type { BinaryOperator, Expression, Program, Statement } from "./syntax.ts";

export const formulaLimits = {
  characters: 8192,
  statements: 100,
  /** Of parentheses, signs, branches and members. Ours: it keeps a hostile formula from exhausting the stack. */
  depth: 200,
};

/** How tightly operators bind. C's order (unverified: no document says). */
const binding: Record<BinaryOperator, number> = {
  "||": 1,
  "&&": 2,
  "==": 3,
  "!=": 3,
  "<": 4,
  "<=": 4,
  ">": 4,
  ">=": 4,
  "+": 5,
  "-": 5,
  "*": 6,
  "/": 6,
};

/** The words not yet used, and how deep in the tree the parser is. */
type Cursor = { tokens: readonly Token[]; next: number; depth: number };

const peek = (cursor: Cursor): Token => cursor.tokens[cursor.next]!;
const isMark = (token: Token | undefined, mark: string): boolean => token?.kind === "mark" && token.mark === mark;

const shown = (token: Token): string => {
  switch (token.kind) {
    case "end":
      return "end of the formula";
    case "name":
      return token.name;
    case "mark":
      return `"${token.mark}"`;
    case "number":
      return String(token.value);
    case "text":
      return "a string";
  }
};

const unexpected = (cursor: Cursor, expected: string): Error =>
  fault(peek(cursor).at, "unexpected", { found: shown(peek(cursor)), expected });

/** Takes the mark if it is next. */
const skip = (cursor: Cursor, mark: string): boolean => {
  if (!isMark(peek(cursor), mark)) return false;
  cursor.next += 1;
  return true;
};

const expect = (cursor: Cursor, mark: string): void => {
  if (!skip(cursor, mark)) throw unexpected(cursor, `"${mark}"`);
};

const nested = <T>(cursor: Cursor, parse: (cursor: Cursor) => T): T => {
  cursor.depth += 1;
  if (cursor.depth > formulaLimits.depth) throw fault(peek(cursor).at, "tooDeep", { limit: formulaLimits.depth });
  const result = parse(cursor);
  cursor.depth -= 1;
  return result;
};

const expression = (cursor: Cursor): Expression => {
  const when = binary(cursor, 1);
  const { at } = peek(cursor);
  if (!skip(cursor, "?")) return when;
  const yes = nested(cursor, expression);
  expect(cursor, ":");
  return { kind: "choice", at, when, yes, no: nested(cursor, expression) };
};

const operatorNext = (cursor: Cursor): { operator: BinaryOperator; binds: number } | undefined => {
  const token = peek(cursor);
  if (token.kind !== "mark" || !Object.hasOwn(binding, token.mark)) return undefined;
  const operator = token.mark as BinaryOperator;
  return { operator, binds: binding[operator] };
};

const binary = (cursor: Cursor, least: number): Expression => {
  let left = unary(cursor);
  for (;;) {
    const next = operatorNext(cursor);
    if (next === undefined || next.binds < least) return left;
    const { at } = peek(cursor);
    cursor.next += 1;
    left = { kind: "binary", at, operator: next.operator, left, right: binary(cursor, next.binds + 1) };
  }
};

const unary = (cursor: Cursor): Expression => {
  const { at } = peek(cursor);
  if (skip(cursor, "-")) return { kind: "unary", at, operator: "-", operand: nested(cursor, unary) };
  if (skip(cursor, "!")) return { kind: "unary", at, operator: "!", operand: nested(cursor, unary) };
  return members(cursor);
};

const members = (cursor: Cursor): Expression => {
  let target = primary(cursor);
  let length = 0;
  while (skip(cursor, ".")) {
    const token = peek(cursor);
    if (token.kind !== "name") throw unexpected(cursor, "a name");
    length += 1;
    if (cursor.depth + length > formulaLimits.depth) throw fault(token.at, "tooDeep", { limit: formulaLimits.depth });
    cursor.next += 1;
    const argsAt = peek(cursor).at;
    target = isMark(peek(cursor), "(")
      ? { kind: "method", at: token.at, argsAt, target, name: token.name, args: argumentList(cursor) }
      : { kind: "member", at: token.at, target, name: token.name };
  }
  return target;
};

const argumentList = (cursor: Cursor): Expression[] => {
  expect(cursor, "(");
  if (skip(cursor, ")")) return [];
  const args = [nested(cursor, expression)];
  while (skip(cursor, ",")) args.push(nested(cursor, expression));
  expect(cursor, ")");
  return args;
};

const primary = (cursor: Cursor): Expression => {
  const token = peek(cursor);
  if (skip(cursor, "(")) {
    const inner = nested(cursor, expression);
    expect(cursor, ")");
    return inner;
  }
  if (token.kind === "mark" || token.kind === "end") throw unexpected(cursor, "an expression");
  cursor.next += 1;
  if (token.kind !== "name" || !isMark(peek(cursor), "(")) return token;
  return { kind: "call", at: token.at, name: token.name, args: argumentList(cursor) };
};

const statement = (cursor: Cursor): Statement => {
  const token = peek(cursor);
  if (token.kind !== "name" || !isMark(cursor.tokens[cursor.next + 1], "=")) return { at: token.at, value: expression(cursor) };
  cursor.next += 2;
  return { at: token.at, name: token.name, value: expression(cursor) };
};

/** The statements of a formula. The last `;` may be missing; empty statements do not count. Throws a FormulaFault. */
export const parse = (text: string): Program => {
  const { characters, statements } = formulaLimits;
  if (text.length > characters) throw fault(characters, "tooLong", { length: text.length, limit: characters });
  const cursor: Cursor = { tokens: scan(text), next: 0, depth: 0 };
  const program: Statement[] = [];
  while (peek(cursor).kind !== "end") {
    if (skip(cursor, ";")) continue;
    if (program.length === statements) throw fault(peek(cursor).at, "tooManyStatements", { limit: statements });
    program.push(statement(cursor));
    if (peek(cursor).kind !== "end") expect(cursor, ";");
  }
  return program;
};
