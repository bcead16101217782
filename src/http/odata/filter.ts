// Reads $filter into a tree of plain values, against what the list lets its clients filter by. Hostile text costs no more than its
// length: no recursion goes deeper than a few levels. What the tree means in SQL is store/filter.ts's.
import { type ApiError, invalidQuery } from "../../api/errors.ts";
import type { Comparison, Filterable, FilterNode, FilterValue } from "../../domain/filter.ts";
import { parseHttpDate } from "../../lib/http-date.ts";
import { normaliseTime } from "../../wire/values.ts";

const longest = 4096;
/** Of parentheses and `not`. */
const deepest = 32;

type Token =
  | { kind: "string" | "time" | "number" | "word"; text: string }
  /** `(`, `)` or `,`. */
  | { kind: "mark"; text: string };

/** Throws InvalidQueryParameterValue and nothing else. */
export const parseFilter = (text: string, filterable: Filterable): FilterNode => {
  const refuse = (reason: string): ApiError => invalidQuery("$filter", text.slice(0, 256), reason);
  if (text.length > longest) throw refuse(`The filter must not be longer than ${longest} characters`);
  const tokens = tokensOf(text, refuse);
  let at = 0;
  const next = (): Token | undefined => tokens[at++];
  const isWord = (word: string): boolean => tokens[at]?.kind === "word" && tokens[at]?.text === word;
  const expect = (mark: string): void => {
    const token = next();
    if (token?.kind !== "mark" || token.text !== mark) throw refuse(`Expected '${mark}' ${where(token)}`);
  };

  const either = (depth: number): FilterNode => {
    let left = both(depth);
    while (isWord("or")) {
      at++;
      left = { type: "or", left, right: both(depth) };
    }
    return left;
  };
  const both = (depth: number): FilterNode => {
    let left = single(depth);
    while (isWord("and")) {
      at++;
      left = { type: "and", left, right: single(depth) };
    }
    return left;
  };
  const single = (depth: number): FilterNode => {
    if (depth > deepest) throw refuse(`Expressions must not be nested deeper than ${deepest} levels`);
    const token = next();
    if (token?.kind === "mark" && token.text === "(") {
      const inner = either(depth + 1);
      expect(")");
      return inner;
    }
    if (token?.kind !== "word") throw refuse(`Expected a property ${where(token)}`);
    if (token.text === "not") return { type: "not", operand: single(depth + 1) };
    const following = tokens[at];
    return following?.kind === "mark" && following.text === "(" ? call(token.text) : compare(token.text);
  };

  const call = (name: string): FilterNode => {
    if (name !== "startswith") throw refuse(`The function '${name.slice(0, 64)}' is not supported`);
    expect("(");
    const property = next();
    if (property?.kind !== "word") throw refuse(`Expected a property ${where(property)}`);
    offered(property.text, "startswith");
    expect(",");
    const value = next();
    if (value?.kind !== "string") throw refuse(`Expected a text in single quotes ${where(value)}`);
    expect(")");
    return { type: "startswith", property: property.text, value: value.text };
  };

  const compare = (property: string): FilterNode => {
    const operator = next();
    if (operator?.kind !== "word" || !isComparison(operator.text)) throw refuse(`Expected a comparison ${where(operator)}`);
    const column = offered(property, operator.text);
    const token = next();
    const value = token === undefined ? undefined : literal(token, column);
    if (value === undefined) throw refuse(`Expected a value of type ${column.type} for '${property}' ${where(token)}`);
    return { type: "compare", operator: operator.text, property, value };
  };

  const offered = (property: string, operator: Comparison | "startswith"): Filterable[string] => {
    const found = Object.hasOwn(filterable, property) ? filterable[property] : undefined;
    if (found === undefined) throw refuse(`The property '${property.slice(0, 64)}' cannot be filtered by`);
    if (!found.operators.includes(operator)) throw refuse(`The operator '${operator}' is not supported for the property '${property}'`);
    return found;
  };

  const tree = either(0);
  if (at < tokens.length) throw refuse(`Expected the end ${where(tokens[at])}`);
  return tree;
};

/** Writes a tree as $filter text that reads back to the same tree. */
export const printFilter = (node: FilterNode): string => {
  switch (node.type) {
    case "and":
    case "or":
      return `(${printFilter(node.left)}) ${node.type} (${printFilter(node.right)})`;
    case "not":
      return `not (${printFilter(node.operand)})`;
    case "startswith":
      return `startswith(${node.property},${quote(node.value)})`;
    case "compare":
      return `${node.property} ${node.operator} ${printValue(node.value)}`;
  }
};

const printValue = (value: FilterValue): string => {
  switch (value.kind) {
    case "string":
      return quote(value.value);
    case "time":
      return `DateTime'${new Date(value.value).toISOString()}'`;
    case "null":
      return "null";
    default:
      return String(value.value);
  }
};

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const where = (token: Token | undefined): string => (token === undefined ? "at the end" : `at '${token.text.slice(0, 64)}'`);

const comparisons: readonly string[] = ["eq", "ne", "gt", "ge", "lt", "le"] satisfies Comparison[];
const isComparison = (text: string): text is Comparison => comparisons.includes(text);

/** One token at a time, from where the last one ended; a quote within a text is written twice. */
const pattern =
  /\s*(?:(?<mark>[(),])|(?<time>datetime)?'(?<text>(?:[^']|'')*)'|(?<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)(?![\w.])|(?<word>[A-Za-z_][\w/]*))/iy;

const tokensOf = (text: string, refuse: (reason: string) => ApiError): Token[] => {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  for (let at = 0; at < end; ) {
    pattern.lastIndex = at;
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) throw refuse(`The syntax is wrong at position ${at}`);
    if (groups.mark !== undefined) tokens.push({ kind: "mark", text: groups.mark });
    else if (groups.text !== undefined)
      tokens.push({ kind: groups.time === undefined ? "string" : "time", text: groups.text.replaceAll("''", "'") });
    else if (groups.number !== undefined) tokens.push({ kind: "number", text: groups.number });
    else tokens.push({ kind: "word", text: groups.word! });
    at = pattern.lastIndex;
  }
  return tokens;
};

const literal = (token: Token, { type, plainTime }: Filterable[string]): FilterValue | undefined => {
  switch (type) {
    case "string":
      return token.kind === "string" ? { kind: "string", value: token.text } : undefined;
    case "number": {
      const value = token.kind === "number" ? Number(token.text) : Number.NaN;
      return Number.isFinite(value) ? { kind: "number", value } : undefined;
    }
    case "boolean":
      return token.kind === "word" && (token.text === "true" || token.text === "false")
        ? { kind: "boolean", value: token.text === "true" }
        : undefined;
    case "time":
      return token.kind === "time" || (plainTime === true && token.kind === "string") ? timeValue(token.text) : undefined;
    case "object":
      return token.kind === "word" && token.text === "null" ? { kind: "null" } : undefined;
  }
};

/** ISO 8601 or RFC 1123. Milliseconds with a fraction, because `lastModified` is finer than they are. */
const timeValue = (text: string): FilterValue | undefined => {
  const iso = normaliseTime(text.trim());
  if (iso === undefined) {
    const at = parseHttpDate(text);
    return at === undefined ? undefined : { kind: "time", value: at };
  }
  const whole = Date.parse(`${iso.slice(0, 19)}Z`);
  return { kind: "time", value: whole + Number(`0${iso.slice(19, -1)}`) * 1000 };
};
