// A small language in which models are declared: plain data that routing, validation, rendering and documentation read.
// wire/parse.ts and wire/render.ts interpret it for a given api-version. The only behaviour here are a model's conversions between versions.
import type { BatchErrorCode } from "./errors.ts";
import type { Version } from "./versions.ts";

export type Life = {
  /** First version that has it. */
  since?: Version;
  /** Last version that has it. */
  until?: Version;
  /** Versions within the life that did without it (it was taken out and came back). */
  absent?: { since: Version; until: Version };
};

export type FieldOptions = Life & {
  /** The name that versions up to and including `until` use instead. */
  renamed?: readonly { until: Version; as: string }[];
  /** Filled in when the client leaves it out. A list gives the value from each version on, oldest first. */
  default?: unknown;
  defaults?: readonly { since: Version; value: unknown }[];
  /** The default applies only where this sibling is present (an image has a version only if it has a publisher). */
  defaultWith?: string;
  /** Only in answers; ignored when a client sends it back. */
  readOnly?: true;
  /** Never in answers, logs or errors. */
  secret?: true;
  /** An empty list is left out of answers. */
  omitEmpty?: true;
  /** The code with which a value outside the limits is refused, where it is not InvalidPropertyValue. */
  refusal?: BatchErrorCode;
  /** Required only in versions of this life (otherwise optional). */
  requiredIn?: Life;
  /** Kept and answered but not acted on, and why: a sentence for the compatibility table of the manual. */
  recorded?: string;
  /** Nothing but an empty value is taken, whatever else is said: with this error. Shown in the compatibility table. */
  refused?: BatchErrorCode;
};

export type Shape =
  | { kind: "string"; minLength?: number; maxLength?: number; pattern?: RegExp; lowerCase?: true; what?: string }
  | { kind: "int32"; min?: number; max?: number; not?: number; what?: string }
  | { kind: "int64"; min?: number; max?: number }
  /** An int64 that goes over the wire as a string. */
  | { kind: "int64String" }
  | { kind: "number" }
  | { kind: "boolean" }
  | { kind: "dateTime" }
  | { kind: "duration"; minMs?: number; maxMs?: number }
  /** Values are the answer's spelling; input is compared without regard to case. Each value may have a life of its own. */
  | { kind: "enum"; values: readonly string[]; lives?: Readonly<Record<string, Life>> }
  | { kind: "array"; item: Shape; maxItems?: number; minItems?: number }
  | { kind: "object"; model: () => Model }
  | { kind: "map"; value: Shape }
  /** Passed through unread (VM extension settings, for instance). */
  | { kind: "any" };

export type Field<T = unknown, Required extends boolean = boolean> = {
  readonly shape: Shape;
  readonly required: Required;
  readonly options: FieldOptions;
  /** Type only; never there at run time. */
  readonly _type?: T;
};

export type Fields = Readonly<Record<string, Field>>;

/** What must hold between the properties of one value. Names are those of the newest version. */
export type Rule =
  | { readonly rule: "exactlyOne"; readonly of: readonly string[] }
  | { readonly rule: "atMostOne"; readonly of: readonly string[] }
  /** Where `property` is given (and, with `is`, has that value), the others must be given too. */
  | { readonly rule: "needs"; readonly property: string; readonly is?: unknown; readonly others: readonly string[] }
  /** Where `property` is given, the others must not be. */
  | { readonly rule: "excludes"; readonly property: string; readonly is?: unknown; readonly others: readonly string[] };

/** A value as parse.ts and render.ts hold it between the wire and its type. */
export type Plain = Record<string, unknown>;

/**
 * A change of meaning that no rename expresses. `up` brings a value that a version up to `until` sent into the newest shape,
 * in place, after its properties were checked and before defaults; `down` prepares a copy of a value for such a version.
 * Neither changes what hangs below the value.
 */
export type Conversion = {
  readonly until: Version;
  readonly up?: (value: Plain) => void;
  readonly down?: (value: Plain, version: Version) => void;
};

export type Meaning = { readonly rules?: readonly Rule[]; readonly conversions?: readonly Conversion[] };
export type Model<F extends Fields = Fields> = { readonly name: string; readonly fields: F } & Meaning;

type RequiredKeys<F extends Fields> = { [K in keyof F]: F[K]["required"] extends true ? K : never }[keyof F];
type TypeOf<X> = X extends Field<infer T, boolean> ? T : never;
export type InferFields<F extends Fields> = { [K in RequiredKeys<F>]: TypeOf<F[K]> } & {
  [K in Exclude<keyof F, RequiredKeys<F>>]?: TypeOf<F[K]>;
};
/** The TypeScript type of a model's values in the newest spelling. */
export type Infer<M extends Model> = M extends Model<infer F> ? { [K in keyof InferFields<F>]: InferFields<F>[K] } : never;

export const model = <F extends Fields>(name: string, fields: F, meaning: Meaning = {}): Model<F> => ({ name, fields, ...meaning });

type Text = { minLength?: number; maxLength?: number; pattern?: RegExp; lowerCase?: true; what?: string };
type Range = { min?: number; max?: number };

const field = <T>(shape: Shape, options: FieldOptions = {}): Field<T, false> => ({ shape, required: false, options });

/** Makers of optional fields; wrap one in `required()` when the client must send it. */
export const f = {
  string: (limits: Text & FieldOptions = {}) => {
    const { minLength, maxLength, pattern, lowerCase, what, ...options } = limits;
    return field<string>({ kind: "string", ...defined({ minLength, maxLength, pattern, lowerCase, what }) }, options);
  },
  int32: (limits: Range & { not?: number; what?: string } & FieldOptions = {}) => {
    const { min, max, not, what, ...options } = limits;
    return field<number>({ kind: "int32", ...defined({ min, max, not, what }) }, options);
  },
  int64: (limits: Range & FieldOptions = {}) => {
    const { min, max, ...options } = limits;
    return field<number>({ kind: "int64", ...defined({ min, max }) }, options);
  },
  int64String: (options: FieldOptions = {}) => field<string>({ kind: "int64String" }, options),
  number: (options: FieldOptions = {}) => field<number>({ kind: "number" }, options),
  boolean: (options: FieldOptions = {}) => field<boolean>({ kind: "boolean" }, options),
  /** ISO 8601 in UTC, normalised. */
  dateTime: (options: FieldOptions = {}) => field<string>({ kind: "dateTime" }, options),
  /** ISO 8601 in the service's own spelling (lib/duration.ts). */
  duration: (limits: { minMs?: number; maxMs?: number } & FieldOptions = {}) => {
    const { minMs, maxMs, ...options } = limits;
    return field<string>({ kind: "duration", ...defined({ minMs, maxMs }) }, options);
  },
  enum: <const V extends readonly string[]>(values: V, options: FieldOptions & { lives?: Record<string, Life> } = {}) => {
    const { lives, ...rest } = options;
    return field<V[number]>({ kind: "enum", values, ...defined({ lives }) }, rest);
  },
  array: <T>(item: Field<T>, limits: { maxItems?: number; minItems?: number } & FieldOptions = {}) => {
    const { maxItems, minItems, ...options } = limits;
    return field<T[]>({ kind: "array", item: item.shape, ...defined({ maxItems, minItems }) }, options);
  },
  object: <F extends Fields>(of: Model<F> | (() => Model<F>), options: FieldOptions = {}) =>
    field<{ [K in keyof InferFields<F>]: InferFields<F>[K] }>({ kind: "object", model: typeof of === "function" ? of : () => of }, options),
  map: <T>(value: Field<T>, options: FieldOptions = {}) => field<Record<string, T>>({ kind: "map", value: value.shape }, options),
  any: (options: FieldOptions = {}) => field<unknown>({ kind: "any" }, options),
};

export const required = <T>(of: Field<T, false>): Field<T, true> => ({ ...of, required: true });

/** The same property, required in the versions of a life only. */
export const requiredIn = <T>(of: Field<T, false>, life: Life): Field<T, false> => ({
  ...of,
  options: { ...of.options, requiredIn: life },
});

/** A property that only older versions have and that a conversion turns into today's: handlers never see it. */
export const legacy = (of: Field<unknown, false>): Field<undefined, false> => ({ shape: of.shape, required: false, options: of.options });

const defined = <T extends object>(of: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined)) as never;
