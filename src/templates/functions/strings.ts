// The functions on texts. Texts are counted in UTF-16 units, as the service (a .NET program) counts them.
import type { Scope } from "../scope.ts";
import { isArray, isObject, isShallow, jsonOf, type Value } from "../values.ts";
import { any, define, list, type TemplateFunction, text, whole, wrong } from "./signature.ts";

/** What a value looks like within a text: texts as they are, the rest as JSON; truth in capitals, as .NET writes it. */
const shown = (value: Value, scope: Scope): string => {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "True" : "False";
  return value === null ? "" : jsonOf(value, scope.budget);
};

const concat: TemplateFunction["run"] = (args, scope) => {
  if (args.length > 0 && args.every(isArray)) {
    scope.budget.steps((args as readonly (readonly Value[])[]).reduce((sum, one) => sum + one.length, 0));
    return args.flat() as Value[];
  }
  return args
    .map((arg) => {
      if (isArray(arg) || isObject(arg)) throw wrong("concat", "all arguments must be arrays, or none.");
      return shown(arg, scope);
    })
    .join("");
};

/** `{0}`, `{1,10}`, `{2:X2}`; `{{` and `}}` stand for braces. Of .NET's formats of numbers those with D, X and zeros are known. */
const format: TemplateFunction["run"] = ([pattern, ...values], scope) =>
  text("format", pattern).replace(/\{\{|\}\}|\{(\d{1,4})(?:,(-?\d{1,4}))?(?::([^{}]*))?\}|[{}]/g, (match, index, width, how) => {
    if (match === "{{" || match === "}}") return match[0]!;
    if (index === undefined || Number(index) >= values.length)
      throw wrong("format", "the format is not valid: an index must be a number below that of the arguments.");
    const value = values[Number(index)]!;
    const plain = typeof value === "number" && how !== undefined ? numberAs(value, how) : shown(value, scope);
    const made = width === undefined ? plain : Number(width) < 0 ? plain.padEnd(-Number(width)) : plain.padStart(Number(width));
    scope.budget.characters(made.length);
    return made;
  });

const numberAs = (value: number, how: string): string => {
  const [, kind, digits] = /^([DdXxNnFf])(\d{0,2})$/.exec(how) ?? [];
  const least = Number(digits || 0);
  if (!Number.isSafeInteger(value) && !/^[NnFf]$/.test(kind ?? ""))
    throw wrong("format", "only whole numbers have formats other than N and F.");
  if (kind === "D" || kind === "d") return (value < 0 ? "-" : "") + String(Math.abs(value)).padStart(least, "0");
  if (kind === "X" || kind === "x") {
    const hex = BigInt.asUintN(value < 0 ? 64 : 63, BigInt(value))
      .toString(16)
      .padStart(least, "0");
    return kind === "X" ? hex.toUpperCase() : hex;
  }
  if (/^0+$/.test(how)) return (value < 0 ? "-" : "") + String(Math.abs(value)).padStart(how.length, "0");
  if (kind === undefined) throw wrong("format", "the format of a number is not one of D, X, N, F and zeros.");
  const [front, back] = Math.abs(value)
    .toFixed(digits === "" ? 2 : Math.min(least, 20))
    .split(".");
  const grouped = kind.toUpperCase() === "N" ? front!.replace(/\B(?=(\d{3})+$)/g, ",") : front!;
  return (value < 0 ? "-" : "") + grouped + (back === undefined ? "" : `.${back}`);
};

const replace: TemplateFunction["run"] = (args, scope) => {
  const [of, from, to] = args.map((arg) => text("replace", arg)) as [string, string, string];
  if (from === "") throw wrong("replace", "the text to be replaced must not be empty.");
  const parts = of.split(from);
  scope.budget.characters(parts.length * to.length);
  return parts.join(to);
};

const split: TemplateFunction["run"] = ([of, by], scope) => {
  const marks = (typeof by === "string" ? [by] : list("split", by).map((one) => text("split", one))).filter((mark) => mark !== "");
  let parts = [text("split", of)];
  for (const mark of marks) {
    parts = parts.flatMap((part) => part.split(mark));
    scope.budget.steps(parts.length);
  }
  return parts;
};

const join: TemplateFunction["run"] = ([of, by], scope) => {
  const parts = list("join", of).map((one) => shown(one, scope));
  const mark = text("join", by);
  scope.budget.characters(parts.reduce((sum, part) => sum + part.length + mark.length, 0));
  return parts.join(mark);
};

const substring: TemplateFunction["run"] = ([of, from, length]) => {
  const whose = text("substring", of);
  const start = whole("substring", from);
  const count = length === undefined ? whose.length - start : whole("substring", length);
  if (start < 0 || count < 0 || start + count > whose.length)
    throw wrong(
      "substring",
      `the index and length parameters must refer to a location within the string. Index '${start}', length '${count}', length of the string '${whose.length}'.`,
    );
  return whose.slice(start, start + count);
};

const padLeft: TemplateFunction["run"] = ([of, width, by], scope) => {
  const mark = by === undefined ? " " : text("padLeft", by);
  if (mark.length !== 1) throw wrong("padLeft", "the character to pad with must be one.");
  const least = whole("padLeft", width);
  if (least < 0) throw wrong("padLeft", "the length must not be negative.");
  scope.budget.characters(least);
  return shown(of!, scope).padStart(least, mark);
};

/** Where a text is found in another, without regard to case. */
const place = (name: string, [of, what]: readonly Value[], last: boolean): number => {
  const [where, mark] = [text(name, of).toLowerCase(), text(name, what).toLowerCase()];
  return last ? where.lastIndexOf(mark) : where.indexOf(mark);
};

const lines = (value: string): string => Buffer.from(value, "utf8").toString("base64");
const fromBase64 = (name: string, value: Value | undefined): string => {
  const given = text(name, value);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(given) || given.length % 4 !== 0) throw wrong(name, "the text is not in base64.");
  return Buffer.from(given, "base64").toString("utf8");
};

const dataUriToString: TemplateFunction["run"] = ([of]) => {
  const [, encoding, data] = /^data:[^,;]*(?:;charset=[^,;]*)?(;base64)?,(.*)$/is.exec(text("dataUriToString", of)) ?? [];
  if (data === undefined) throw wrong("dataUriToString", "the text is not a data URI.");
  return encoding === undefined ? decoded("dataUriToString", data) : fromBase64("dataUriToString", data);
};

const decoded = (name: string, of: string): string => {
  try {
    return decodeURIComponent(of);
  } catch {
    throw wrong(name, "the text is not a valid component of a URI.");
  }
};

const uri: TemplateFunction["run"] = ([base, relative]) => {
  const [from, to] = [text("uri", base), text("uri", relative)];
  if (!URL.canParse(to, from)) throw wrong("uri", "the base is not a valid absolute URI.");
  return new URL(to, from).href;
};

export const parsedJson = (name: string, of: string): Value => {
  let value: Value;
  try {
    value = JSON.parse(of) as Value;
  } catch {
    throw wrong(name, "the text is not valid JSON.");
  }
  if (!isShallow(value, 100)) throw wrong(name, "the JSON is nested too deeply.");
  return value;
};

export const stringFunctions: readonly TemplateFunction[] = [
  define("concat", 1, any, concat),
  define("format", 1, any, format),
  define("replace", 3, 3, replace),
  define("split", 2, 2, split),
  define("join", 2, 2, join),
  define("substring", 2, 3, substring),
  define("padLeft", 2, 3, padLeft),
  define("toLower", 1, 1, ([of]) => text("toLower", of).toLowerCase()),
  define("toUpper", 1, 1, ([of]) => text("toUpper", of).toUpperCase()),
  define("trim", 1, 1, ([of]) => text("trim", of).trim()),
  define("indexOf", 2, 2, (args) => (isArray(args[0]!) ? args[0].indexOf(args[1]!) : place("indexOf", args, false))),
  define("lastIndexOf", 2, 2, (args) => (isArray(args[0]!) ? args[0].lastIndexOf(args[1]!) : place("lastIndexOf", args, true))),
  define("startsWith", 2, 2, ([of, by]) => text("startsWith", of).toLowerCase().startsWith(text("startsWith", by).toLowerCase())),
  define("endsWith", 2, 2, ([of, by]) => text("endsWith", of).toLowerCase().endsWith(text("endsWith", by).toLowerCase())),
  define("base64", 1, 1, ([of]) => lines(text("base64", of))),
  define("base64ToString", 1, 1, ([of]) => fromBase64("base64ToString", of)),
  define("base64ToJson", 1, 1, ([of]) => parsedJson("base64ToJson", fromBase64("base64ToJson", of))),
  define("dataUri", 1, 1, ([of]) => `data:text/plain;charset=utf8;base64,${lines(text("dataUri", of))}`),
  define("dataUriToString", 1, 1, dataUriToString),
  define("uri", 2, 2, uri),
  define("uriComponent", 1, 1, ([of]) =>
    encodeURIComponent(text("uriComponent", of).toWellFormed()).replace(
      /[!'()*]/g,
      (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
    ),
  ),
  define("uriComponentToString", 1, 1, ([of]) => decoded("uriComponentToString", text("uriComponentToString", of))),
  define("string", 1, 1, ([of], scope) => shown(of!, scope)),
  define("json", 1, 1, ([of]) => parsedJson("json", text("json", of))),
];
