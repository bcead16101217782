// The functions on lists and objects, those with lambdas among them. Whatever walks a list pays for it.
import type { Budget } from "../budget.ts";
import type { Scope } from "../scope.ts";
import { areEqual, entryOf, find, isArray, isObject, jsonOf, type Obj, type Value } from "../values.ts";
import { any, define, inRange, lambda, list, object, type TemplateFunction, text, truth, whole, wrong } from "./signature.ts";

const has = (values: readonly Value[], value: Value, budget: Budget): boolean => values.some((one) => areEqual(one, value, budget));

/** A list's element, an object's name (in any case), a text's part. */
const contains: TemplateFunction["run"] = ([of, what], { budget }) => {
  if (isArray(of!)) return has(of, what!, budget);
  if (isObject(of!)) return entryOf(of, String(what)) !== undefined;
  return text("contains", of).includes(typeof what === "number" ? String(what) : text("contains", what));
};

const lengthOf = (name: string, of: Value): number => {
  if (isObject(of)) return Object.keys(of).length;
  return isArray(of) ? of.length : text(name, of).length;
};

/** Lists without what comes twice, objects with those of later ones laid over, as deep as both are objects. */
const union: TemplateFunction["run"] = (args, { budget }) => {
  if (args.every(isArray)) {
    const kept: Value[] = [];
    for (const one of args.flat() as Value[]) if (!has(kept, one, budget)) kept.push(one);
    return kept;
  }
  return args.map((arg) => object("union", arg)).reduce((under, over) => merged(under, over, budget));
};

const merged = (under: Obj, over: Obj, budget: Budget): Obj => {
  budget.steps(Object.keys(under).length + Object.keys(over).length);
  const all = new Map<string, Value>(Object.entries(under));
  for (const [name, value] of Object.entries(over)) {
    const before = all.get(name);
    all.set(name, before !== undefined && isObject(before) && isObject(value) ? budget.deeper(() => merged(before, value, budget)) : value);
  }
  return Object.fromEntries(all);
};

const intersection: TemplateFunction["run"] = ([first, ...others], { budget }) => {
  if (isArray(first!)) {
    const lists = others.map((one) => list("intersection", one));
    return first.filter((one, index) => lists.every((other) => has(other, one, budget)) && !has(first.slice(0, index), one, budget));
  }
  const objects = others.map((one) => object("intersection", one));
  return Object.fromEntries(
    Object.entries(object("intersection", first)).filter(([name, value]) =>
      objects.every((other) => Object.hasOwn(other, name) && areEqual(other[name]!, value, budget)),
    ),
  );
};

const part = (name: string, [of, count]: readonly Value[], take: boolean): Value => {
  const wanted = Math.max(0, whole(name, count));
  const whose = isArray(of!) ? of : text(name, of);
  return take ? whose.slice(0, wanted) : whose.slice(wanted);
};

/** As the service has it. */
const longestRange = 10_000;

const range: TemplateFunction["run"] = ([from, count]) => {
  const [start, length] = [whole("range", from), whole("range", count)];
  if (length < 0 || length > longestRange) throw wrong("range", `the count must be from '0' to '${longestRange}'.`);
  inRange("range", start + length);
  return Array.from({ length }, (_, index) => start + index);
};

const flatten: TemplateFunction["run"] = ([of], { budget }) => {
  const flat = list("flatten", of).flatMap((one) => list("flatten", one) as Value[]);
  budget.steps(flat.length);
  return flat;
};

/** Names and values alternate. */
const createObject: TemplateFunction["run"] = (args) => {
  if (args.length % 2 !== 0) throw wrong("createObject", "each name needs a value.");
  return Object.fromEntries(
    Array.from({ length: args.length / 2 }, (_, index) => [text("createObject", args[index * 2]), args[index * 2 + 1]!]),
  );
};

const sorted = (entries: Obj): [string, Value][] =>
  Object.entries(entries).sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));

const tryGet: TemplateFunction["run"] = ([of, ...path]) => {
  let value: Value | undefined = of!;
  for (const step of path) {
    if (value === null || value === undefined) return null;
    value = find(value, step);
  }
  return value ?? null;
};

/** With the element's index where the lambda asks for it. */
const eachOf = (name: string, [of, work]: readonly Value[], { budget }: Scope): { value: Value; made: Value }[] => {
  const run = lambda(name, work, 1, 2);
  return list(name, of).map((value, index) => {
    budget.steps(1);
    return { value, made: run.run([value, index]) };
  });
};

const filter: TemplateFunction["run"] = (args, scope) =>
  eachOf("filter", args, scope)
    .filter(({ made }) => truth("filter", made))
    .map(({ value }) => value);

const reduce: TemplateFunction["run"] = ([of, first, work], { budget }) => {
  const run = lambda("reduce", work, 2, 3);
  return list("reduce", of).reduce<Value>((sum, value, index) => {
    budget.steps(1);
    return run.run([sum, value, index]);
  }, first!);
};

const sort: TemplateFunction["run"] = ([of, work], { budget }) => {
  const isBefore = lambda("sort", work, 2);
  return [...list("sort", of)].sort((a, b) => {
    budget.steps(1);
    if (truth("sort", isBefore.run([a, b]))) return -1;
    return truth("sort", isBefore.run([b, a])) ? 1 : 0;
  });
};

const toObject: TemplateFunction["run"] = ([of, name, value]) => {
  const [key, made] = [lambda("toObject", name, 1), value === undefined ? undefined : lambda("toObject", value, 1)];
  return Object.fromEntries(
    list("toObject", of).map((one) => [text("toObject", key.run([one])), made === undefined ? one : made.run([one])]),
  );
};

const groupBy: TemplateFunction["run"] = ([of, name]) => {
  const key = lambda("groupBy", name, 1);
  const groups = new Map<string, Value[]>();
  for (const one of list("groupBy", of)) {
    const under = text("groupBy", key.run([one]));
    const group = groups.get(under);
    if (group === undefined) groups.set(under, [one]);
    else group.push(one);
  }
  return Object.fromEntries(groups);
};

const mapValues: TemplateFunction["run"] = ([of, work]) => {
  const run = lambda("mapValues", work, 1);
  return Object.fromEntries(Object.entries(object("mapValues", of)).map(([name, value]) => [name, run.run([value])]));
};

const array: TemplateFunction["run"] = ([of]) => (isArray(of!) ? of : [of!]);

const ends = (name: string, of: Value, last: boolean): Value => {
  if (isArray(of)) return of.at(last ? -1 : 0) ?? null;
  return text(name, of).at(last ? -1 : 0) ?? "";
};

const shallowMerge: TemplateFunction["run"] = ([of], { budget }) => {
  const all = list("shallowMerge", of).flatMap((one) => Object.entries(object("shallowMerge", one)));
  budget.steps(all.length);
  return Object.fromEntries(all);
};

export const collectionFunctions: readonly TemplateFunction[] = [
  define("contains", 2, 2, contains),
  define("empty", 1, 1, ([of]) => of === null || lengthOf("empty", of!) === 0),
  define("length", 1, 1, ([of]) => lengthOf("length", of!)),
  define("first", 1, 1, ([of]) => ends("first", of!, false)),
  define("last", 1, 1, ([of]) => ends("last", of!, true)),
  define("skip", 2, 2, (args) => part("skip", args, false)),
  define("take", 2, 2, (args) => part("take", args, true)),
  define("union", 1, any, union),
  define("intersection", 2, any, intersection),
  define("range", 2, 2, range),
  define("flatten", 1, 1, flatten),
  define("array", 1, 1, array),
  define("createArray", 0, any, (args) => args),
  define("createObject", 0, any, createObject),
  define("objectKeys", 1, 1, ([of]) => sorted(object("objectKeys", of)).map(([name]) => name)),
  define("items", 1, 1, ([of]) => sorted(object("items", of)).map(([key, value]) => ({ key, value }))),
  define("tryGet", 2, any, tryGet),
  define("shallowMerge", 1, 1, shallowMerge),
  define("map", 2, 2, (args, scope) => eachOf("map", args, scope).map(({ made }) => made)),
  define("filter", 2, 2, filter),
  define("reduce", 3, 3, reduce),
  define("sort", 2, 2, sort),
  define("toObject", 2, 3, toObject),
  define("groupBy", 2, 2, groupBy),
  define("mapValues", 2, 2, mapValues),
  define("lambdaVariables", 1, 1, ([of], { lambdaVariables }) => {
    const value = lambdaVariables.get(text("lambdaVariables", of).toLowerCase());
    if (value === undefined) throw wrong("lambdaVariables", "there is no lambda with this variable around it.");
    return value;
  }),
  define("fail", 1, 1, ([of], { budget }) => {
    throw wrong("fail", `the template says: ${typeof of === "string" ? of.slice(0, 256) : jsonOf(of!, budget).slice(0, 256)}.`);
  }),
];
