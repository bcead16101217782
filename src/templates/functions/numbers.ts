// The functions on numbers and truth, and comparisons.
import { areEqual, isArray, typeName, type Value } from "../values.ts";
import { any, define, inRange, type TemplateFunction, text, truth, whole, wrong } from "./signature.ts";

const arithmetic = (name: string, work: (a: number, b: number) => number): TemplateFunction =>
  define(name, 2, 2, ([a, b]) => inRange(name, work(whole(name, a), whole(name, b))));

const division = (name: string, work: (a: number, b: number) => number): TemplateFunction =>
  arithmetic(name, (a, b) => {
    if (b === 0) throw wrong(name, "division by zero.");
    return work(a, b);
  });

/** Of a list, or of the arguments. */
const extreme = (name: string, pick: (a: number, b: number) => number): TemplateFunction =>
  define(name, 1, any, (args) => {
    const numbers = (args.length === 1 && isArray(args[0]!) ? args[0] : args).map((one) => whole(name, one));
    if (numbers.length === 0) throw wrong(name, "the list must not be empty.");
    return numbers.reduce(pick);
  });

/** Numbers by size, texts by their units. */
const order = (name: string, passes: (difference: number) => boolean): TemplateFunction =>
  define(name, 2, 2, ([a, b]) => {
    if (typeof a === "number" && typeof b === "number") return passes(a - b);
    if (typeof a === "string" && typeof b === "string") return passes(a < b ? -1 : a > b ? 1 : 0);
    throw wrong(name, `both arguments must be numbers, or both texts; they are '${typeName(a!)}' and '${typeName(b!)}'.`);
  });

const int = ([of]: readonly Value[]): Value => {
  if (typeof of === "number") return inRange("int", Math.trunc(of));
  const given = text("int", of).trim();
  if (!/^[+-]?\d{1,19}$/.test(given)) throw wrong("int", "the text is not a whole number.");
  return inRange("int", Number(given));
};

const float = ([of]: readonly Value[]): Value => {
  if (typeof of === "number") return of;
  const given = text("float", of).trim();
  if (!/^[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?$/.test(given)) throw wrong("float", "the text is not a number.");
  return Number(given);
};

const bool = ([of]: readonly Value[]): Value => {
  if (typeof of === "boolean") return of;
  if (typeof of === "number") return of !== 0;
  const given = text("bool", of).toLowerCase();
  if (given === "true" || given === "1") return true;
  if (given === "false" || given === "0") return false;
  throw wrong("bool", "the text is neither true nor false.");
};

/** Evaluated by name (evaluate.ts), before their arguments; here is only how many they take. */
const lazy = (name: string, min: number, max: number): TemplateFunction => define(name, min, max, () => null);

export const numberFunctions: readonly TemplateFunction[] = [
  arithmetic("add", (a, b) => a + b),
  arithmetic("sub", (a, b) => a - b),
  arithmetic("mul", (a, b) => a * b),
  division("div", (a, b) => Math.trunc(a / b)),
  division("mod", (a, b) => a % b),
  extreme("min", (a, b) => Math.min(a, b)),
  extreme("max", (a, b) => Math.max(a, b)),
  define("int", 1, 1, int),
  define("float", 1, 1, float),
  define("bool", 1, 1, bool),
  order("less", (difference) => difference < 0),
  order("lessOrEquals", (difference) => difference <= 0),
  order("greater", (difference) => difference > 0),
  order("greaterOrEquals", (difference) => difference >= 0),
  define("equals", 2, 2, ([a, b], scope) => areEqual(a!, b!, scope.budget)),
  define("not", 1, 1, ([of]) => !truth("not", of)),
  define("true", 0, 0, () => true),
  define("false", 0, 0, () => false),
  define("null", 0, 0, () => null),
  lazy("if", 3, 3),
  lazy("and", 1, any),
  lazy("or", 1, any),
  lazy("coalesce", 1, any),
  lazy("lambda", 1, any),
];
