// Takes request bodies and queries from the wire of one version to values in the newest spelling, or refuses them as the service does.
// What a model means is declared in api/; this compiles a plan for each model and version on first use and keeps it. It neither reads
// bytes nor knows operations.
import { invalidBody, invalidProperty, missingProperty } from "../api/errors.ts";
import type { Conversion, Field, Infer, Model, Plain, Rule, Shape } from "../api/fields.ts";
import { compareVersions, livesIn, type Version } from "../api/versions.ts";
import { kept } from "./plans.ts";
import { type Property, type Reader, refuseKind, scalarReader } from "./values.ts";

/**
 * The value of a JSON body, defaults filled in. A body that was left out (where the operation allows that) counts as `{}`.
 * Throws MissingRequiredProperty, InvalidPropertyValue (or the property's own code) or InvalidRequestBody.
 */
export const parseBody = <M extends Model>(model: M, json: unknown, version: Version): Infer<M> =>
  readObject(planOf(model, version), json === undefined ? {} : json, bodyProperty) as Infer<M>;

/** Fills the defaults of a version into a copy of a value that has the newest spelling, at every level that is there. */
export const applyDefaults = <M extends Model>(model: M, value: Infer<M>, version: Version): Infer<M> =>
  withDefaults(planOf(model, version), value as Plain) as Infer<M>;

const bodyProperty: Property = { name: "request body", secret: false };

type PropertyPlan = {
  readonly key: string;
  readonly wire: string;
  readonly read: Reader;
  /** What clients send back of what only answers have: looked over. */
  readonly ignored: boolean;
};

type DefaultPlan = {
  readonly key: string;
  /** A fresh value each time, so that no two requests share one. */
  readonly make: () => unknown;
  readonly only?: string;
};

type Plan = {
  readonly name: string;
  readonly byWire: ReadonlyMap<string, PropertyPlan>;
  readonly required: readonly PropertyPlan[];
  readonly defaults: readonly DefaultPlan[];
  readonly ups: readonly NonNullable<Conversion["up"]>[];
  readonly rules: readonly ((value: Plain) => void)[];
  /** Filling the defaults into what hangs below a value, by property. */
  readonly nested: readonly { key: string; fill: (value: unknown) => unknown }[];
};

/** The name that a version has for a property. */
export const wireName = (key: string, field: Field, version: Version): string =>
  field.options.renamed?.find(({ until }) => compareVersions(version, until) <= 0)?.as ?? key;

const planOf = kept((model, version): Plan => {
  const properties = Object.entries(model.fields)
    .filter(([, field]) => livesIn(field.options, version))
    .map(([key, field]) => propertyPlan(key, field, version));
  const required = properties.filter(({ key }) => isRequired(model.fields[key]!, version));
  return {
    name: model.name,
    byWire: new Map(properties.map((property) => [property.wire, property])),
    required,
    defaults: Object.entries(model.fields).flatMap(([key, field]) => defaultPlan(key, field, version)),
    ups: (model.conversions ?? []).flatMap(({ until, up }) => (up !== undefined && compareVersions(version, until) <= 0 ? [up] : [])),
    rules: (model.rules ?? []).map((rule) => ruleCheck(rule, model, version)),
    nested: Object.entries(model.fields).flatMap(([key, { shape }]) => {
      const fill = nestedDefaults(shape, version);
      return fill === undefined ? [] : [{ key, fill }];
    }),
  };
});

export const isRequired = (field: Field, version: Version): boolean =>
  field.required || (field.options.requiredIn !== undefined && livesIn(field.options.requiredIn, version));

const propertyPlan = (key: string, field: Field, version: Version): PropertyPlan => {
  const { readOnly, secret, refusal } = field.options;
  const name = wireName(key, field, version);
  const property: Property = { name, secret: secret === true, ...(refusal === undefined ? {} : { refusal }) };
  return { key, wire: name, read: reader(field.shape, property, version), ignored: readOnly === true };
};

const reader = (shape: Shape, property: Property, version: Version): Reader => {
  switch (shape.kind) {
    case "object": {
      // Compiled when first met, so that models may refer to themselves.
      let plan: Plan | undefined;
      return (json) => {
        plan ??= planOf(shape.model(), version);
        return readObject(plan, json, property);
      };
    }
    case "array":
      return arrayReader(shape, property, version);
    case "map": {
      const read = reader(shape.value, property, version);
      return (json) => {
        if (!isObject(json)) return refuseKind(property, "an object");
        // Object.fromEntries defines what it is given, be it called __proto__.
        return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, read(value)]));
      };
    }
    default:
      return scalarReader(shape, property, version);
  }
};

const arrayReader = ({ item, minItems = 0, maxItems }: Extract<Shape, { kind: "array" }>, property: Property, version: Version): Reader => {
  const read = reader(item, property, version);
  return (json) => {
    if (!Array.isArray(json)) return refuseKind(property, "an array");
    const { length } = json;
    if (length < minItems)
      throw invalidProperty(property.name, `The list must have at least ${minItems} elements.`, undefined, property.refusal);
    if (maxItems !== undefined && length > maxItems) {
      throw invalidProperty(property.name, `The list must not have more than ${maxItems} elements.`, undefined, property.refusal);
    }
    const values: unknown[] = new Array(length);
    for (let index = 0; index < length; index++) values[index] = read(json[index]);
    return values;
  };
};

const isObject = (json: unknown): json is Plain => typeof json === "object" && json !== null && !Array.isArray(json);

const readObject = (plan: Plan, json: unknown, property: Property): Plain => {
  if (!isObject(json)) return refuseKind(property, "an object");
  const value: Plain = {};
  for (const wire in json) {
    const known = plan.byWire.get(wire);
    if (known === undefined) {
      // OData annotations (odata.metadata, commandLine@odata.type) are for readers that care.
      if (wire.startsWith("odata.") || wire.includes("@odata.")) continue;
      throw unknownProperty(wire, plan.name);
    }
    const given = json[wire];
    if (given !== null && !known.ignored) value[known.key] = known.read(given);
  }
  for (const { key, wire } of plan.required) if (value[key] === undefined) throw missingProperty(wire);
  for (const up of plan.ups) up(value);
  for (const check of plan.rules) check(value);
  fillDefaults(plan, value);
  return value;
};

/** The service's own words, without the part that quotes its type system. Long names are cut: they are the client's. */
const unknownProperty = (name: string, type: string) =>
  invalidBody(
    `The property '${name.slice(0, 128)}' does not exist on type '${type}'. Make sure to only use property names that are defined by the type.`,
  );

const defaultPlan = (key: string, field: Field, version: Version): DefaultPlan[] => {
  const { defaults, defaultWith } = field.options;
  const given = defaults?.findLast(({ since }) => compareVersions(since, version) <= 0)?.value ?? field.options.default;
  if (given === undefined) return [];
  const { shape } = field;
  const make = shape.kind === "object" ? () => withDefaults(planOf(shape.model(), version), given as Plain) : () => given;
  return [{ key, make, ...(defaultWith === undefined ? {} : { only: defaultWith }) }];
};

const fillDefaults = (plan: Plan, value: Plain): void => {
  for (const { key, make, only } of plan.defaults) {
    if (value[key] === undefined && (only === undefined || value[only] !== undefined)) value[key] = make();
  }
};

const withDefaults = (plan: Plan, given: Plain): Plain => {
  const value = { ...given };
  for (const { key, fill } of plan.nested) if (value[key] !== undefined) value[key] = fill(value[key]);
  fillDefaults(plan, value);
  return value;
};

const nestedDefaults = (shape: Shape, version: Version): ((value: unknown) => unknown) | undefined => {
  if (shape.kind === "object") return (value) => withDefaults(planOf(shape.model(), version), value as Plain);
  if (shape.kind !== "array") return undefined;
  const fill = nestedDefaults(shape.item, version);
  return fill === undefined ? undefined : (value) => (value as unknown[]).map(fill);
};

/** What the rule says about properties that the version does not know does not hold in it. */
const ruleCheck = (rule: Rule, model: Model, version: Version): ((value: Plain) => void) => {
  const known = (key: string): boolean => {
    const field = model.fields[key];
    return field !== undefined && livesIn(field.options, version);
  };
  const wire = (key: string): string => wireName(key, model.fields[key]!, version);
  const nothing = (): void => {};
  if (rule.rule === "exactlyOne" || rule.rule === "atMostOne") {
    const alternatives = rule.of.filter(known);
    return (value) => {
      const given = rule.of.filter((key) => value[key] !== undefined);
      if (given.length > 1) throw invalidProperty(wire(given[1]!), `Only one of ${rule.of.filter(known).join(", ")} can be specified.`);
      if (given.length === 0 && rule.rule === "exactlyOne" && alternatives[0] !== undefined) throw missingProperty(wire(alternatives[0]));
    };
  }
  if (!known(rule.property)) return nothing;
  const applies = (value: Plain): boolean =>
    rule.is === undefined ? value[rule.property] !== undefined : value[rule.property] === rule.is;
  if (rule.rule === "needs") {
    return (value) => {
      const missing = applies(value) ? rule.others.find((key) => value[key] === undefined) : undefined;
      if (missing !== undefined) throw missingProperty(wire(missing));
    };
  }
  return (value) => {
    const extra = applies(value) ? rule.others.find((key) => value[key] !== undefined) : undefined;
    if (extra !== undefined) throw invalidProperty(wire(extra), `The property cannot be specified together with ${wire(rule.property)}.`);
  };
};
