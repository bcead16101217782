// From the declaration of a body: that body with one wrong thing in it, for every constraint of every model that it reaches, and what must be
// said of each. Each model is visited once per body, where it is met first.
import type { BatchErrorCode } from "../../src/api/errors.ts";
import type { Field, Model, Plain, Rule, Shape } from "../../src/api/fields.ts";
import { livesIn, type Version } from "../../src/api/versions.ts";
import { isRequired, wireName } from "../../src/wire/parse.ts";
import { enumSpellings } from "../../src/wire/values.ts";

/** One row: `property` is what the error must name, as PropertyName or (of InvalidRequestBody) within the Reason. */
export type Broken = { what: string; body: unknown; code: BatchErrorCode; property: string; value?: string };

type Entry = { key: string; name: string; field: Field };

const entriesOf = (model: Model, version: Version): Entry[] =>
  (Object.entries(model.fields) as [string, Field][])
    .filter(([, field]) => livesIn(field.options, version) && field.options.readOnly !== true)
    .map(([key, field]) => ({ key, name: wireName(key, field, version), field }));

/** The least that the model takes. */
export const sampleOf = (model: Model, version: Version): Plain => {
  const entries = entriesOf(model, version);
  const sample: Plain = {};
  for (const { name, field } of entries) if (isRequired(field, version)) sample[name] = sampleOfShape(field.shape, version);
  for (const rule of model.rules ?? []) {
    if (rule.rule !== "exactlyOne") continue;
    const alternatives = entries.filter(({ key }) => rule.of.includes(key));
    if (alternatives.some(({ name }) => sample[name] !== undefined) || alternatives[0] === undefined) continue;
    give(model, sample, alternatives[0], sampleOfShape(alternatives[0].field.shape, version), version);
  }
  return sample;
};

const sampleOfShape = (shape: Shape, version: Version): unknown => {
  switch (shape.kind) {
    case "string":
      return ["a", "ab", "task", "sha1", "https://a.example/b", "a".repeat(shape.minLength ?? 1)].find(
        (text) => text.length >= (shape.minLength ?? 0) && (shape.pattern === undefined || shape.pattern.test(text)),
      );
    case "int32":
    case "int64":
      return shape.min ?? 1;
    case "int64String":
      return "1";
    case "number":
      return 1;
    case "boolean":
      return true;
    case "dateTime":
      return "2026-01-01T00:00:00Z";
    case "duration":
      return `PT${Math.max(1, (shape.minMs ?? 0) / 1000)}S`;
    case "enum":
      return [...enumSpellings(shape.values, shape.lives, version).values()][0];
    case "array":
      return Array.from({ length: Math.max(1, shape.minItems ?? 0) }, () => sampleOfShape(shape.item, version));
    case "object":
      return sampleOf(shape.model(), version);
    case "map":
      return { a: sampleOfShape(shape.value, version) };
    case "any":
      return {};
  }
};

/** Sets a property, taking away what cannot be beside it and adding what it needs. */
const give = (model: Model, object: Plain, { key, name }: Entry, value: unknown, version: Version): void => {
  const entries = new Map(entriesOf(model, version).map((entry) => [entry.key, entry]));
  object[name] = value;
  for (const rule of model.rules ?? []) {
    if ((rule.rule === "exactlyOne" || rule.rule === "atMostOne") && rule.of.includes(key)) {
      for (const other of rule.of) if (other !== key) delete object[entries.get(other)?.name ?? ""];
    } else if (rule.rule === "needs" && rule.property === key && (rule.is === undefined || rule.is === value)) {
      for (const other of rule.others.flatMap((one) => entries.get(one) ?? []))
        object[other.name] ??= sampleOfShape(other.field.shape, version);
    } else if (rule.rule === "excludes") {
      if (rule.property === key) for (const other of rule.others) delete object[entries.get(other)?.name ?? ""];
      else if (rule.others.includes(key)) delete object[entries.get(rule.property)?.name ?? ""];
    }
  }
};

/** Every row of a body. `valid` is one that the operation takes; what it lacks is added where a row needs it. */
export const brokenBodies = (model: Model, valid: Plain, version: Version): Broken[] => {
  const rows: Broken[] = [];
  const seen = new Set<Model>();

  /** `wrap` makes a whole body of a value of this model. */
  const visit = (of: Model, base: Plain, path: string, wrap: (value: unknown) => unknown): void => {
    if (seen.has(of)) return;
    seen.add(of);
    const add = (what: string, value: unknown, code: BatchErrorCode, property: string, shown?: string): void =>
      void rows.push({ what: `${path}: ${what}`, body: wrap(value), code, property, ...(shown === undefined ? {} : { value: shown }) });
    add("an unknown property", { ...base, nonsense: 1 }, "InvalidRequestBody", "nonsense");
    if (path !== "body")
      add("not an object", "text", "InvalidRequestBody", path.split(/[./[]/).findLast((part) => part !== "" && part !== "]")!);
    for (const rule of of.rules ?? []) for (const row of brokenRule(of, base, rule, version)) add(...row);
    for (const entry of entriesOf(of, version)) {
      const { name, field } = entry;
      const withValue = (value: unknown): Plain => {
        const copy = structuredClone(base);
        give(of, copy, entry, value, version);
        return copy;
      };
      if (isRequired(field, version)) {
        const { [name]: _, ...rest } = base;
        add(`${name} missing`, rest, "MissingRequiredProperty", name);
        add(`${name} null`, { ...base, [name]: null }, "MissingRequiredProperty", name);
      }
      for (const [what, value, kind] of brokenValues(field.shape, version)) {
        const code = kind === "kind" ? "InvalidRequestBody" : (field.options.refusal ?? "InvalidPropertyValue");
        const shown = kind === "kind" || field.options.secret === true || typeof value === "object" ? undefined : String(value);
        add(`${name} ${what}`, withValue(value), code, name, shown);
      }
      below(of, entry, base[name], `${path}.${name}`, (value) => wrap(withValue(value)));
    }
  };

  const below = (of: Model, { field }: Entry, present: unknown, path: string, wrap: (value: unknown) => unknown): void => {
    const { shape } = field;
    if (shape.kind === "object" && shape.model() !== of)
      visit(shape.model(), { ...sampleOf(shape.model(), version), ...(present as Plain) }, path, wrap);
    if (shape.kind === "array" && shape.item.kind === "object") {
      const [first] = (present as Plain[] | undefined) ?? [];
      const item = shape.item.model();
      visit(item, { ...sampleOf(item, version), ...first }, `${path}[]`, (value) => wrap([value]));
    }
  };

  visit(model, valid, "body", (value) => value);
  return rows;
};

type Row = [what: string, value: unknown, code: BatchErrorCode, property: string];

/** What breaks a rule between properties. */
const brokenRule = (model: Model, base: Plain, rule: Rule, version: Version): Row[] => {
  const entries = entriesOf(model, version);
  const known = (keys: readonly string[]): Entry[] => keys.flatMap((key) => entries.find((entry) => entry.key === key) ?? []);
  const value = ({ field }: Entry): unknown => sampleOfShape(field.shape, version);
  if (rule.rule === "exactlyOne" || rule.rule === "atMostOne") {
    const some = known(rule.of);
    const none = structuredClone(base);
    for (const { name } of some) delete none[name];
    const rows: Row[] = some
      .slice(1)
      .map((other) => [
        `${some[0]!.name} and ${other.name}`,
        { ...none, [some[0]!.name]: value(some[0]!), [other.name]: value(other) },
        "InvalidPropertyValue",
        other.name,
      ]);
    const missing: Row[] =
      rule.rule === "exactlyOne" && some[0] !== undefined
        ? [["none of the alternatives", none, "MissingRequiredProperty", some[0].name]]
        : [];
    return [...rows, ...missing];
  }
  const [property] = known([rule.property]);
  if (property === undefined) return [];
  const copy = structuredClone(base);
  give(model, copy, property, rule.is ?? value(property), version);
  return known(rule.others).map((other): Row => {
    if (rule.rule === "excludes")
      return [`${property.name} with ${other.name}`, { ...copy, [other.name]: value(other) }, "InvalidPropertyValue", other.name];
    const { [other.name]: _, ...rest } = copy;
    return [`${property.name} without ${other.name}`, rest, "MissingRequiredProperty", other.name];
  });
};

/** Values that a shape refuses: of the wrong kind of JSON, or outside its limits. */
const brokenValues = (shape: Shape, version: Version): [what: string, value: unknown, kind: "kind" | "limit"][] => {
  switch (shape.kind) {
    case "string": {
      const { minLength = 0, maxLength, pattern } = shape;
      const misfit = pattern && ["a b", "x!", "ä", "zz"].find((text) => !pattern.test(text) && text.length >= minLength);
      return [
        ["a number", 7, "kind"],
        ...(minLength > 0 ? [["empty", "", "limit"] as const] : []),
        ...(maxLength === undefined ? [] : [["too long", "a".repeat(maxLength + 1), "limit"] as const]),
        ...(misfit === undefined ? [] : [["against the pattern", misfit, "limit"] as const]),
        ...(pattern === undefined ? [["with a null character", "a\0b", "limit"] as const] : []),
      ].map(([what, value, kind]) => [what, value, kind] as [string, unknown, "kind" | "limit"]);
    }
    case "int32":
      return [
        ["a text", "x", "kind"],
        ["a fraction", 1.5, "limit"],
        ["too small", (shape.min ?? -(2 ** 31)) - 1, "limit"],
        ["too large", (shape.max ?? 2 ** 31 - 1) + 1, "limit"],
        ...(shape.not === undefined ? [] : [["the value left out", shape.not, "limit"] as [string, unknown, "limit"]]),
      ];
    case "boolean":
      return [["a text", "yes", "kind"]];
    case "dateTime":
      return [
        ["a number", 7, "kind"],
        ["no time", "yesterday", "limit"],
        ["no day of that month", "2026-02-30T00:00:00Z", "limit"],
      ];
    case "duration":
      return [
        ["a number", 7, "kind"],
        ["no duration", "5 minutes", "limit"],
        ...(shape.minMs === undefined || shape.minMs === 0
          ? []
          : [["too short", `PT${shape.minMs / 1000 - 1}S`, "limit"] as [string, unknown, "limit"]]),
        ...(shape.maxMs === undefined ? [] : [["too long", `PT${shape.maxMs / 1000 + 1}S`, "limit"] as [string, unknown, "limit"]]),
      ];
    case "enum":
      return [
        ["a number", 7, "kind"],
        ["of no such value", "nonsense", "limit"],
      ];
    case "array": {
      const one = sampleOfShape(shape.item, version);
      return [
        ["no list", {}, "kind"],
        ...(shape.minItems === undefined
          ? []
          : [["too short", Array(shape.minItems - 1).fill(one), "limit"] as [string, unknown, "limit"]]),
        ...(shape.maxItems === undefined ? [] : [["too long", Array(shape.maxItems + 1).fill(one), "limit"] as [string, unknown, "limit"]]),
        ...(shape.item.kind === "object"
          ? []
          : brokenValues(shape.item, version).map(([what, value, kind]): [string, unknown, "kind" | "limit"] => [
              `with ${what}`,
              [value],
              kind,
            ])),
      ];
    }
    case "map":
      return [["a list", [], "kind"]];
    case "object":
      return [["a list", [], "kind"]];
    default:
      return [];
  }
};
