// Takes values from the newest spelling to what a version knows: drops what it does not have, says the rest in its words, leaves secrets
// out, keeps what $select wants. Plans are compiled per model and version on first use and kept. It does not write bytes or headers.
import type { Conversion, Field, Model, Plain, Shape } from "../api/fields.ts";
import { compareVersions, livesIn, type Version } from "../api/versions.ts";
import { wireName } from "./parse.ts";
import { kept } from "./plans.ts";
import { parseSelect, type Selection } from "./select.ts";
import { enumSpellings } from "./values.ts";

export type Renderer = (value: object) => Plain;

/** The answer's form of a value. `select` is the text of $select; an unknown name in it throws InvalidQueryParameterValue. */
export const render = (model: Model, value: object, version: Version, select?: string): Plain => renderer(model, version, select)(value);

/** The same, made once for many values: the elements of a list. */
export const renderer = (model: Model, version: Version, select?: string): Renderer => {
  const plan = planOf(model, version);
  if (select === undefined || select.trim() === "") return (value) => write(plan, value as Plain);
  const chosen = narrow(plan, parseSelect(model, select, version));
  return (value) => write(chosen, value as Plain);
};

type Writer = (value: unknown) => unknown;

type PropertyPlan = {
  readonly key: string;
  readonly wire: string;
  readonly omitEmpty: boolean;
  /** Whether null is a value like any other. */
  readonly keepsNull: boolean;
  /** None where the value goes out as it is. */
  readonly write?: Writer;
  /** The plan of what hangs below, for narrowing. */
  readonly below?: () => Plan;
};

type Plan = {
  readonly properties: readonly PropertyPlan[];
  readonly downs: readonly NonNullable<Conversion["down"]>[];
  readonly version: Version;
};

const planOf = kept(
  (model, version): Plan => ({
    version,
    properties: Object.entries(model.fields)
      .filter(([, { options }]) => livesIn(options, version) && options.secret === undefined)
      .map(([key, field]) => propertyPlan(key, field, version)),
    // Newest first: each step assumes that those of later versions were taken.
    downs: (model.conversions ?? [])
      .filter(({ until, down }) => down !== undefined && compareVersions(version, until) <= 0)
      .sort((a, b) => compareVersions(b.until, a.until))
      .map(({ down }) => down!),
  }),
);

const propertyPlan = (key: string, field: Field, version: Version): PropertyPlan => {
  const { shape, options } = field;
  const writer = writerOf(shape, version);
  const target = shape.kind === "array" ? shape.item : shape;
  return {
    key,
    wire: wireName(key, field, version),
    omitEmpty: options.omitEmpty === true,
    keepsNull: shape.kind === "any",
    ...(writer === undefined ? {} : { write: writer }),
    ...(target.kind === "object" ? { below: () => planOf(target.model(), version) } : {}),
  };
};

const writerOf = (shape: Shape, version: Version): Writer | undefined => {
  switch (shape.kind) {
    case "object": {
      let plan: Plan | undefined;
      return (value) => {
        plan ??= planOf(shape.model(), version);
        return write(plan, value as Plain);
      };
    }
    case "array": {
      const item = writerOf(shape.item, version);
      return item === undefined ? undefined : (value) => (value as unknown[]).map(item);
    }
    case "enum": {
      // Those inside the program need not care for the letter case that the service has for each.
      const spellings = enumSpellings(shape.values, shape.lives, version);
      for (const value of [...spellings.values()]) spellings.set(value, value);
      return (value) => spellings.get(value as string) ?? spellings.get(String(value).toLowerCase()) ?? value;
    }
    case "int64String":
      return String;
    default:
      return undefined;
  }
};

const write = ({ properties, downs, version }: Plan, given: Plain): Plain => {
  let value = given;
  if (downs.length > 0) {
    value = { ...given };
    for (const down of downs) down(value, version);
  }
  const out: Plain = {};
  for (const { key, wire, write: writeOne, omitEmpty, keepsNull } of properties) {
    const one = value[key];
    if (one === undefined || (one === null && !keepsNull)) continue;
    if (omitEmpty && (one as unknown[]).length === 0) continue;
    out[wire] = writeOne === undefined ? one : writeOne(one);
  }
  return out;
};

/** The plan less what was not selected. */
const narrow = (plan: Plan, selection: Selection): Plan => ({
  ...plan,
  properties: plan.properties.flatMap((property) => {
    const chosen = selection.get(property.key);
    if (chosen === undefined) return [];
    if (chosen === true || property.below === undefined) return [property];
    const below = narrow(property.below(), chosen);
    const one: Writer = (value) => write(below, value as Plain);
    return [{ ...property, write: (value: unknown) => (Array.isArray(value) ? value.map(one) : one(value)) }];
  }),
});
