// Reads the expressions of templates: the text between [ and ]. Texts in single quotes ('' is a quote), whole numbers, calls, properties after a dot
// and indexes in brackets. It knows no function by name and evaluates nothing.
import { quoted, TemplateError } from "./errors.ts";

export type Node =
  | { readonly kind: "literal"; readonly value: string | number }
  /** `name` as written; of a user's own function with its namespace: `contoso.unique`. */
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: "index"; readonly of: Node; readonly by: Node };

/** As the service has it. */
const longestExpression = 24_576;
const deepest = 128;

/** The expression within the brackets, undefined where the text is a plain one. */
export const expressionIn = (text: string): string | undefined =>
  text.startsWith("[") && !text.startsWith("[[") && text.endsWith("]") ? text.slice(1, -1) : undefined;

/** A plain text: `[[` at its front stands for one bracket. */
export const plainText = (text: string): string => (text.startsWith("[[") ? text.slice(1) : text);

type Token = { readonly kind: "text" | "number" | "name" | "sign" | "end"; readonly text: string; readonly at: number };

const pattern = /\s+|'((?:[^']|'')*)'|(-?\d+)|([A-Za-z_][\w]*)|([()[\],.])/y;

const tokensOf = (text: string): Token[] => {
  const tokens: Token[] = [];
  pattern.lastIndex = 0;
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw unexpected(text, text[at]!, at);
    const [, literal, number, name, sign] = match;
    if (literal !== undefined) tokens.push({ kind: "text", text: literal.replaceAll("''", "'"), at });
    else if (number !== undefined) tokens.push({ kind: "number", text: number, at });
    else if (name !== undefined) tokens.push({ kind: "name", text: name, at });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign, at });
  }
  tokens.push({ kind: "end", text: "EndOfData", at: text.length });
  return tokens;
};

const unexpected = (text: string, found: string, at: number): TemplateError =>
  new TemplateError(
    `The language expression ${quoted(text)} is not valid: the string character ${quoted(found, 32)} at position '${at}' is not expected.`,
  );

/** Throws TemplateError. */
export const parseExpression = (text: string): Node => {
  if (text.length > longestExpression)
    throw new TemplateError(`The language expression length limit exceeded. Limit: '${longestExpression}' and actual: '${text.length}'.`);
  const tokens = tokensOf(text);
  let next = 0;
  let depth = 0;
  const peek = (): Token => tokens[next]!;
  const is = (sign: string): boolean => peek().kind === "sign" && peek().text === sign;
  const refuse = (): TemplateError => unexpected(text, peek().text, peek().at);
  const expect = (sign: string): void => {
    if (!is(sign)) throw refuse();
    next += 1;
  };

  const args = (): Node[] => {
    expect("(");
    const list: Node[] = [];
    if (!is(")")) {
      list.push(expression());
      while (is(",")) {
        next += 1;
        list.push(expression());
      }
    }
    expect(")");
    return list;
  };

  const primary = (): Node => {
    const { kind, text: word } = peek();
    if (kind !== "text" && kind !== "number" && kind !== "name") throw refuse();
    next += 1;
    if (kind === "text") return { kind: "literal", value: word };
    if (kind === "number") return { kind: "literal", value: wholeNumber(text, word) };
    if (!is(".")) return { kind: "call", name: word, args: args() };
    next += 1;
    const { kind: ofMember, text: member } = peek();
    if (ofMember !== "name") throw refuse();
    next += 1;
    return { kind: "call", name: `${word}.${member}`, args: args() };
  };

  const expression = (): Node => {
    depth += 1;
    if (depth > deepest) throw new TemplateError(`The language expression ${quoted(text)} is nested too deeply.`);
    let node = primary();
    while (is(".") || is("[")) {
      if (is(".")) {
        next += 1;
        const { kind, text: name } = peek();
        if (kind !== "name") throw refuse();
        next += 1;
        node = { kind: "index", of: node, by: { kind: "literal", value: name } };
      } else {
        next += 1;
        const by = expression();
        expect("]");
        node = { kind: "index", of: node, by };
      }
    }
    depth -= 1;
    return node;
  };

  const node = expression();
  if (peek().kind !== "end") throw refuse();
  return node;
};

const wholeNumber = (text: string, word: string): number => {
  const value = Number(word);
  if (!Number.isSafeInteger(value))
    throw new TemplateError(`The language expression ${quoted(text)} is not valid: the number ${quoted(word, 32)} is too large.`);
  return value;
};
