// What a function of the template language is, and how it reads its arguments. Every refusal says which function and what it wanted.
import { quoted, TemplateError } from "../errors.ts";
import type { Scope } from "../scope.ts";
import { isArray, isObject, Lambda, type Obj, typeName, type Value } from "../values.ts";

export type TemplateFunction = {
  /** In the documents' spelling. */
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** `name` as the template writes it, for those that stand for many (list...). */
  readonly run: (args: readonly Value[], scope: Scope, name: string) => Value;
};

export const any = Number.POSITIVE_INFINITY;

export const define = (name: string, min: number, max: number, run: TemplateFunction["run"]): TemplateFunction => ({ name, min, max, run });

export const wrong = (name: string, reason: string): TemplateError =>
  new TemplateError(
    `Unable to evaluate template language function '${name}': ${reason} Please see https://aka.ms/arm-functions#${name.toLowerCase()} for usage details.`,
  );

const expected = (name: string, what: string, given: Value | undefined): TemplateError =>
  wrong(name, `the provided value is not valid. Expected '${what}'. Actual '${given === undefined ? "nothing" : typeName(given)}'.`);

export const text = (name: string, value: Value | undefined): string => {
  if (typeof value === "string") return value;
  throw expected(name, "String", value);
};

export const whole = (name: string, value: Value | undefined): number => {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw expected(name, "Integer", value);
};

export const truth = (name: string, value: Value | undefined): boolean => {
  if (typeof value === "boolean") return value;
  throw expected(name, "Boolean", value);
};

export const list = (name: string, value: Value | undefined): readonly Value[] => {
  if (value !== undefined && isArray(value)) return value;
  throw expected(name, "Array", value);
};

export const object = (name: string, value: Value | undefined): Obj => {
  if (value !== undefined && isObject(value)) return value;
  throw expected(name, "Object", value);
};

export const lambda = (name: string, value: Value | undefined, fewest: number, most = fewest): Lambda => {
  if (!(value instanceof Lambda)) throw expected(name, "Function", value);
  if (value.names.length >= fewest && value.names.length <= most) return value;
  throw wrong(
    name,
    `the lambda must have ${fewest === most ? `'${most}'` : `'${fewest}' to '${most}'`} variable(s), but has '${value.names.length}'.`,
  );
};

/** A result that must be in the range of whole numbers that is exact here (the service's is larger: 64 bits). */
export const inRange = (name: string, value: number): number => {
  if (Number.isSafeInteger(value)) return value;
  throw wrong(name, `the result ${quoted(String(value), 32)} is out of range.`);
};
