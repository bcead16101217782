// Reads JSON as Azure Resource Manager takes templates: with comments, names without quotes, texts in single quotes or over several lines, and commas at
// ends. The Azure CLI relies on it: it sends template files as they were written, and puts a name without quotes in front of them.
import { invalidBody } from "../api/errors.ts";

/** Arrays and objects in each other. */
const deepest = 256;

const blank = /(?:[\s\ufeff]+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;
const literal = /(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w$])/y;
const bareName = /[A-Za-z_$][\w$]*/y;
const texts = { '"': /[^"\\]*(?:\\[\s\S][^"\\]*)*"/y, "'": /[^'\\]*(?:\\[\s\S][^'\\]*)*'/y } as const;

/** Throws InvalidRequestBody. */
export const parseLaxJson = (text: string): unknown => {
  let at = 0;

  const refuse = (): Error => invalidBody(`The body is not valid JSON at position ${at}.`);
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text)?.[0];
    if (match !== undefined) at += match.length;
    return match;
  };
  const skip = (): void => void take(blank);
  const is = (sign: string): boolean => {
    skip();
    if (text[at] !== sign) return false;
    at += 1;
    return true;
  };

  const quoted = (): string | undefined => {
    const quote = text[at];
    if (quote !== '"' && quote !== "'") return undefined;
    at += 1;
    const raw = take(texts[quote]);
    if (raw === undefined) throw refuse();
    const plain = raw
      .slice(0, -1)
      .replace(/\\'/g, "'")
      .replace(/[\u0000-\u001f]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
    try {
      return JSON.parse(`"${quote === "'" ? plain.replace(/\\.|"/g, (one) => (one === '"' ? '\\"' : one)) : plain}"`) as string;
    } catch {
      throw refuse();
    }
  };

  const object = (depth: number): unknown => {
    const entries: [string, unknown][] = [];
    while (!is("}")) {
      skip();
      const name = quoted() ?? take(bareName);
      if (name === undefined || !is(":")) throw refuse();
      entries.push([name, value(depth)]);
      if (is(",")) continue;
      if (!is("}")) throw refuse();
      break;
    }
    return Object.fromEntries(entries);
  };

  const array = (depth: number): unknown => {
    const items: unknown[] = [];
    while (!is("]")) {
      items.push(value(depth));
      if (is(",")) continue;
      if (!is("]")) throw refuse();
      break;
    }
    return items;
  };

  const value = (depth: number): unknown => {
    if (depth > deepest) throw invalidBody("The body is nested too deeply.");
    if (is("{")) return object(depth + 1);
    if (is("[")) return array(depth + 1);
    const found = quoted();
    if (found !== undefined) return found;
    const word = take(literal);
    if (word === undefined) throw refuse();
    return JSON.parse(word) as unknown;
  };

  const parsed = value(0);
  skip();
  if (at < text.length) throw refuse();
  return parsed;
};
