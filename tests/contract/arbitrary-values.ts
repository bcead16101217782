// Makes values from declarations: any body that a version allows, within the limits and rules of its model.
import fc from "fast-check";
import type { Field, Model, Rule, Shape } from "../../src/api/fields.ts";
import { livesIn, type Version } from "../../src/api/versions.ts";
import { isRequired, wireName } from "../../src/wire/parse.ts";
import { enumSpellings } from "../../src/wire/values.ts";

type Entry = { key: string; field: Field };

/** Bodies of a model as a client of the version would write them. */
export const bodiesOf = (model: Model, version: Version, depth = 0): fc.Arbitrary<Record<string, unknown>> => {
  const entries = (Object.entries(model.fields) as [string, Field][])
    .map(([key, field]) => ({ key, field }))
    .filter(({ field }) => livesIn(field.options, version) && field.options.readOnly !== true);
  const chosen = entries.map(({ key, field }) => {
    const one = valuesOf(field.shape, version, depth + 1);
    const always = isRequired(field, version);
    return one
      .chain((value) => (always ? fc.constant(value) : fc.boolean().map((given) => (given ? value : undefined))))
      .map((value) => ({ key, field, value }));
  });
  return fc.tuple(...chosen).map((values) => {
    const wanted = obeying(model.rules ?? [], values, version);
    return Object.fromEntries(
      wanted.filter(({ value }) => value !== undefined).map(({ key, field, value }) => [wireName(key, field, version), value]),
    );
  });
};

/** Takes away what the rules of the model forbid; needs are met by giving up the property that has them. */
const obeying = (rules: readonly Rule[], values: (Entry & { value: unknown })[], version: Version): (Entry & { value: unknown })[] => {
  const given = new Map(values.map((one) => [one.key, one.value]));
  const drop = (key: string): void => void given.set(key, undefined);
  const has = (key: string): boolean => given.get(key) !== undefined;
  const isNeeded = (key: string): boolean => values.some((one) => one.key === key && isRequired(one.field, version));
  for (const rule of [...rules, ...rules]) {
    if (rule.rule === "exactlyOne" || rule.rule === "atMostOne") {
      const there = rule.of.filter(has);
      const keep = there.find(isNeeded) ?? there[0];
      for (const key of there) if (key !== keep) drop(key);
    } else if (has(rule.property) && (rule.is === undefined || given.get(rule.property) === rule.is)) {
      if (rule.rule === "excludes") rule.others.forEach(drop);
      else if (!rule.others.every(has)) drop(rule.property);
    }
  }
  return values.map((one) => ({ ...one, value: given.get(one.key) }));
};

const valuesOf = (shape: Shape, version: Version, depth: number): fc.Arbitrary<unknown> => {
  switch (shape.kind) {
    case "string": {
      const { minLength = 0, maxLength = 20, pattern } = shape;
      // Patterns are those of ids, or of the one list that was once a text.
      if (pattern !== undefined)
        return pattern.test("a0") ? fc.stringMatching(/^[A-Za-z0-9]{1,16}$/) : fc.constantFrom("task,starttask", "remoteuser");
      return fc
        .string({ minLength, maxLength: Math.min(maxLength, Math.max(20, minLength)), unit: "grapheme" })
        .filter((text) => !text.includes("\0") && text.length <= maxLength);
    }
    case "int32": {
      const { min = -(2 ** 31), max = 2 ** 31 - 1, not } = shape;
      return fc.integer({ min, max }).filter((value) => value !== not);
    }
    case "boolean":
      return fc.boolean();
    case "dateTime":
      return fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.1234567Z", "2026-01-01");
    case "duration":
      return fc
        .integer({ min: Math.max(shape.minMs ?? 0, 0), max: Math.min(shape.maxMs ?? 1e9, 1e9) })
        .map((ms) => `PT${Math.floor(ms / 1000)}S`);
    case "enum": {
      const values = [...enumSpellings(shape.values, shape.lives, version).values()];
      return fc.constantFrom(...values, ...values.map((value) => value.toUpperCase()));
    }
    case "array":
      return fc.array(valuesOf(shape.item, version, depth), {
        minLength: shape.minItems ?? 0,
        maxLength: Math.max(shape.minItems ?? 0, depth > 3 ? 1 : 2),
      });
    case "map":
      return fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), valuesOf(shape.value, version, depth), { maxKeys: 2 });
    case "object":
      return bodiesOf(shape.model(), version, depth);
    default:
      return fc.constantFrom({}, { a: [1, "x"] }, "text");
  }
};
