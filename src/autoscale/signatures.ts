// What functions and sample methods take and give, as data that the checker asks about types and the evaluator about values.
import type { Type } from "./values.ts";

/** `vectors` is a doubleVecList with at least one vector in it: the form of the logarithms that answers a vector. */
export type Takes = "doubleVecList" | "vectors" | readonly (readonly Type[])[];

/** `returns` is undefined for what never returns. */
export type Signature = { takes: Takes; returns: Type | undefined };

/** An undefined type is known only to the evaluation, and fits everywhere. */
const isOneOf = (given: Type | undefined, types: readonly Type[]): boolean => given === undefined || types.includes(given);

const fits = (takes: Takes, given: readonly (Type | undefined)[]): boolean => {
  if (typeof takes !== "string") return given.length === takes.length && given.every((type, index) => isOneOf(type, takes[index]!));
  const list = given.length > 0 && given.every((type) => isOneOf(type, ["double", "doubleVec"]));
  return list && (takes === "doubleVecList" || given.some((type) => isOneOf(type, ["doubleVec"])));
};

/** The types that a call with these arguments may have: none when nothing fits, several when it depends on the evaluation. */
export const callResults = (signatures: readonly Signature[], given: readonly (Type | undefined)[]): Set<Type | undefined> =>
  new Set(signatures.filter(({ takes }) => fits(takes, given)).map(({ returns }) => returns));

const shownTakes = (takes: Takes): string =>
  typeof takes === "string" ? "(doubleVecList)" : `(${takes.map((types) => types.join("|")).join(", ")})`;

export const shownSignatures = (signatures: readonly Signature[]): string => signatures.map(({ takes }) => shownTakes(takes)).join(" or ");

export const shownTypes = (given: readonly (Type | undefined)[]): string => given.map((type) => type ?? "any").join(", ");
