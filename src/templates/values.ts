// Values of the template language: those of JSON, and lambdas, which only live within an expression. What they are called, how their properties are
// found, when two are equal. Objects are made from entries, so that no name means more than a name.
import type { Budget } from "./budget.ts";
import { quoted, TemplateError } from "./errors.ts";
import type { Node } from "./syntax.ts";

export type Value = null | boolean | number | string | readonly Value[] | Obj | Lambda;
export type Obj = { readonly [name: string]: Value };

/** What lambda() makes: the function that called for it runs it with values for its names. */
export class Lambda {
  readonly names: readonly string[];
  readonly body: Node;
  readonly run: (values: readonly Value[]) => Value;
  constructor(names: readonly string[], body: Node, run: (values: readonly Value[]) => Value) {
    this.names = names;
    this.body = body;
    this.run = run;
  }
}

export const isArray = (value: unknown): value is readonly Value[] => Array.isArray(value);
export const isObject = (value: unknown): value is Obj =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Lambda);

/** As the service's messages have them. */
export const typeName = (value: Value): string => {
  if (value === null) return "Null";
  if (isArray(value)) return "Array";
  if (value instanceof Lambda) return "Function";
  switch (typeof value) {
    case "string":
      return "String";
    case "boolean":
      return "Boolean";
    case "number":
      return Number.isInteger(value) ? "Integer" : "Float";
    default:
      return "Object";
  }
};

/** The entry under a name, which is compared exactly first and then without regard to case. Undefined where there is none. */
export const entryOf = <T>(of: Readonly<Record<string, T>>, name: string): readonly [string, T] | undefined => {
  if (Object.hasOwn(of, name)) return [name, of[name]!];
  const lower = name.toLowerCase();
  const key = Object.keys(of).find((one) => one.toLowerCase() === lower);
  return key === undefined ? undefined : [key, of[key]!];
};

/** `value.name` or `value[by]`. Throws TemplateError where there is nothing. */
export const valueAt = (value: Value, by: Value): Value => {
  const found = find(value, by);
  if (found !== undefined) return found;
  if (isObject(value) && typeof by === "string") {
    const names = Object.keys(value).slice(0, 50).join(", ");
    throw new TemplateError(
      `The language expression property ${quoted(by)} doesn't exist, available properties are ${quoted(names, 512)}.`,
    );
  }
  if (isArray(value) && typeof by === "number")
    throw new TemplateError(`The language expression property array index '${by}' is out of bounds.`);
  throw new TemplateError(
    `The language expression property ${typeof by === "string" ? quoted(by) : `of type '${typeName(by)}'`} can't be evaluated: the value is of type '${typeName(value)}'.`,
  );
};

/** As `valueAt`, undefined where there is nothing. */
export const find = (value: Value, by: Value): Value | undefined => {
  if (isObject(value) && typeof by === "string") return entryOf(value, by)?.[1];
  if (isArray(value) && typeof by === "number") return value[by];
  return undefined;
};

/** Texts are compared exactly, objects without regard to the order of their names. */
export const areEqual = (a: Value, b: Value, budget: Budget): boolean => {
  budget.steps(1);
  if (isArray(a) && isArray(b))
    return a.length === b.length && budget.deeper(() => a.every((one, index) => areEqual(one, b[index]!, budget)));
  if (isObject(a) && isObject(b)) {
    const names = Object.keys(a);
    if (names.length !== Object.keys(b).length) return false;
    return budget.deeper(() => names.every((name) => Object.hasOwn(b, name) && areEqual(a[name]!, b[name]!, budget)));
  }
  return a === b;
};

/**
 * A copy that shares nothing, paid for: what a small template makes may be huge once it is written out. Lambdas are no values to keep.
 * Throws TemplateError.
 */
export const written = (value: Value, budget: Budget): Value => {
  budget.steps(1);
  if (typeof value === "string") budget.characters(value.length);
  if (value instanceof Lambda) throw new TemplateError("The language expression is not valid: a lambda is no value.");
  if (isArray(value)) return budget.deeper(() => value.map((one) => written(one, budget)));
  if (isObject(value))
    return budget.deeper(() =>
      Object.fromEntries(
        Object.entries(value).map(([name, one]) => {
          budget.characters(name.length);
          return [name, written(one, budget)];
        }),
      ),
    );
  return value;
};

/** The text of a value as JSON. */
export const jsonOf = (value: Value, budget: Budget): string => {
  const text = JSON.stringify(written(value, budget));
  budget.characters(text.length);
  return text;
};

/** Whether arrays and objects lie in each other no deeper than this. Does not recurse: the value is a stranger's. */
export const isShallow = (value: unknown, deepest: number): boolean => {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return false;
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
  return true;
};
