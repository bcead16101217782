// The functions that a formula can call, one entry each. Sample methods are in samples.ts.
import type { Instant } from "../lib/clock.ts";
import { fault } from "./messages.ts";
import type { Signature } from "./signatures.ts";
import { double, type Of, parseTime, type Value } from "./values.ts";

/** `at` is where the function's name is. */
export type Call = { name: string; at: number; now: Instant; chance: () => number };

/** `apply` is only given arguments that fit one of the signatures. */
export type FormulaFunction = { signatures: readonly Signature[]; apply: (args: readonly Value[], call: Call) => Value };

/** Thrown by `stop()`, caught where statements are evaluated. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** The list that a doubleVecList stands for: vectors are flattened into it. */
const flat = (args: readonly Value[]): number[] =>
  args.flatMap((arg) => (arg.type === "doubleVec" ? arg.value : [(arg as Extract<Value, { type: "double" }>).value]));

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

const ofList = (apply: (values: readonly number[]) => number): FormulaFunction => ({
  signatures: [{ takes: "doubleVecList", returns: "double" }],
  apply: (args) => double(apply(flat(args))),
});

/** For what has no answer without any value (a sample call with 0 % may give an empty vector). */
const ofSome = (apply: (values: readonly number[]) => number): FormulaFunction => ({
  signatures: [{ takes: "doubleVecList", returns: "double" }],
  apply: (args, { at, name }) => {
    const values = flat(args);
    if (values.length === 0) throw fault(at, "noValues", { name });
    return double(apply(values));
  },
});

const ofDouble = (apply: (value: number) => number): FormulaFunction => ({
  signatures: [{ takes: [["double"]], returns: "double" }],
  apply: (args) => double(apply(args[0]!.value as Of<"double">)),
});

/** A double of a double, a vector of anything with a vector in it. */
const logarithm = (apply: (value: number) => number): FormulaFunction => ({
  signatures: [
    { takes: [["double"]], returns: "double" },
    { takes: "vectors", returns: "doubleVec" },
  ],
  apply: (args) => {
    const [first] = args;
    if (args.length === 1 && first!.type === "double") return double(apply(first!.value));
    return { type: "doubleVec", value: flat(args).map(apply) };
  },
});

const largest = (values: readonly number[]): number => values.reduce((left, right) => Math.max(left, right));
const smallest = (values: readonly number[]): number => values.reduce((left, right) => Math.min(left, right));
const mean = (values: readonly number[]): number => total(values) / values.length;

/** Of a sample (n - 1); a single value does not deviate (unverified). */
const deviation = (values: readonly number[]): number => {
  if (values.length === 1) return 0;
  const middle = mean(values);
  return Math.sqrt(total(values.map((value) => (value - middle) ** 2)) / (values.length - 1));
};

/** Linear between the two nearest ranks, as spreadsheets do it (unverified: nearest rank is the other candidate). */
const percentile = (values: readonly number[], percent: number): number => {
  const sorted = [...values].sort((left, right) => left - right);
  const rank = (percent / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(rank)]!;
  const above = sorted[Math.ceil(rank)]!;
  return below === above ? below : below + (above - below) * (rank - Math.floor(rank));
};

/** To the nearest whole number, halves away from zero (unverified). */
const rounded = (value: number): number => {
  const size = Math.abs(value);
  const whole = Math.floor(size);
  return Math.sign(value) * (size - whole >= 0.5 ? whole + 1 : whole);
};

export const functions: ReadonlyMap<string, FormulaFunction> = new Map<string, FormulaFunction>([
  ["avg", ofSome(mean)],
  ["len", ofList((values) => values.length)],
  ["lg", logarithm(Math.log2)],
  ["ln", logarithm(Math.log)],
  ["log", logarithm(Math.log10)],
  ["max", ofSome(largest)],
  ["min", ofSome(smallest)],
  ["norm", ofList((values) => Math.sqrt(total(values.map((value) => value * value))))],
  [
    "percentile",
    {
      signatures: [{ takes: [["doubleVec"], ["double"]], returns: "double" }],
      apply: (args, { at, name }) => {
        const [values, percent] = [args[0]!.value as Of<"doubleVec">, args[1]!.value as Of<"double">];
        if (values.length === 0) throw fault(at, "noValues", { name });
        if (!(percent >= 0 && percent <= 100)) throw fault(at, "wrongPercentile", { given: percent });
        return double(percentile(values, percent));
      },
    },
  ],
  ["rand", { signatures: [{ takes: [], returns: "double" }], apply: (_, { chance }) => double(chance()) }],
  ["range", ofSome((values) => largest(values) - smallest(values))],
  ["round", ofDouble(rounded)],
  // In no documentation that we have read, but formulas of the community use them (unverified).
  ["ceil", ofDouble(Math.ceil)],
  ["floor", ofDouble(Math.floor)],
  ["std", ofSome(deviation)],
  [
    "stop",
    {
      signatures: [{ takes: [], returns: undefined }],
      apply: () => {
        throw new Stopped();
      },
    },
  ],
  ["sum", ofList(total)],
  [
    "time",
    {
      signatures: [
        { takes: [], returns: "timestamp" },
        { takes: [["string"]], returns: "timestamp" },
      ],
      apply: (args, { at, now }) => {
        const text = (args[0]?.value ?? "") as Of<"string">;
        return { type: "timestamp", value: text === "" ? now : parseTime(text, at) };
      },
    },
  ],
  [
    "val",
    {
      signatures: [{ takes: [["doubleVec"], ["double"]], returns: "double" }],
      apply: (args, { at }) => {
        const [values, index] = [args[0]!.value as Of<"doubleVec">, args[1]!.value as Of<"double">];
        const element = values[Math.trunc(index)];
        if (element === undefined) throw fault(at, "noElement", { length: values.length, index });
        return double(element);
      },
    },
  ],
]);
