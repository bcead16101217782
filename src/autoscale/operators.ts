// Which operator takes which types and what comes out, as one table. The checker asks it about types, the evaluator about values.
// `&&`, `||` and `?:` are here for their types only: the evaluator skips what need not be evaluated.
import { fault } from "./messages.ts";
import { type BinaryOperator, binaryOperators, type UnaryOperator } from "./syntax.ts";
import { interval, type Of, type Type, ticksPerMs, timestamp, type Value } from "./values.ts";

type Rule = { result: Type; apply: (left: Value, right: Value, at: number) => Value };

const rules = new Map<string, Rule>();

const rule = <L extends Type, R extends Type, O extends Type>(
  left: L,
  operator: BinaryOperator,
  right: R,
  result: O,
  apply: (left: Of<L>, right: Of<R>, at: number) => Of<O>,
): void => {
  rules.set(`${left} ${operator} ${right}`, {
    result,
    apply: (l, r, at) => ({ type: result, value: apply(l.value as Of<L>, r.value as Of<R>, at) }) as Value,
  });
};

const arithmetic = {
  "+": (left: number, right: number) => left + right,
  "-": (left: number, right: number) => left - right,
  "*": (left: number, right: number) => left * right,
  "/": (left: number, right: number) => left / right,
};

for (const [operator, apply] of Object.entries(arithmetic) as [keyof typeof arithmetic, (l: number, r: number) => number][]) {
  rule("double", operator, "double", "double", apply);
  rule("doubleVec", operator, "double", "doubleVec", (left, right) => left.map((element) => apply(element, right)));
  // Not in the documented table, and harmless (unverified).
  rule("double", operator, "doubleVec", "doubleVec", (left, right) => right.map((element) => apply(left, element)));
  rule("doubleVec", operator, "doubleVec", "doubleVec", (left, right, at) => {
    if (left.length !== right.length) throw fault(at, "unequalLengths", { operator, left: left.length, right: right.length });
    return left.map((element, index) => apply(element, right[index]!));
  });
}

const later = (time: number, ticks: number, at: number): number => timestamp(time + ticks / ticksPerMs, at);

rule("double", "*", "timeinterval", "timeinterval", (left, right, at) => interval(left * right, at));
rule("timeinterval", "*", "double", "timeinterval", (left, right, at) => interval(left * right, at));
rule("timeinterval", "/", "double", "timeinterval", (left, right, at) => interval(left / right, at));
rule("timeinterval", "+", "timeinterval", "timeinterval", (left, right, at) => interval(left + right, at));
rule("timeinterval", "-", "timeinterval", "timeinterval", (left, right, at) => interval(left - right, at));
rule("timeinterval", "+", "timestamp", "timestamp", (left, right, at) => later(right, left, at));
rule("timestamp", "+", "timeinterval", "timestamp", later);
// Not in the documented table, where formulas add a negative interval; harmless (unverified).
rule("timestamp", "-", "timeinterval", "timestamp", (left, right, at) => later(left, -right, at));
rule("timestamp", "-", "timestamp", "timeinterval", (left, right, at) => interval((left - right) * ticksPerMs, at));

const comparisons = {
  "<": <T>(left: T, right: T) => left < right,
  "<=": <T>(left: T, right: T) => left <= right,
  "==": <T>(left: T, right: T) => left === right,
  ">=": <T>(left: T, right: T) => left >= right,
  ">": <T>(left: T, right: T) => left > right,
  "!=": <T>(left: T, right: T) => left !== right,
};

for (const [operator, apply] of Object.entries(comparisons) as [keyof typeof comparisons, <T>(l: T, r: T) => boolean][]) {
  for (const type of ["double", "string", "timestamp", "timeinterval"] as const) {
    rule(type, operator, type, "double", (left, right) => (apply(left, right) ? 1 : 0));
  }
}

rule("double", "&&", "double", "double", (left, right) => (left !== 0 && right !== 0 ? 1 : 0));
rule("double", "||", "double", "double", (left, right) => (left !== 0 || right !== 0 ? 1 : 0));

export const binaryRule = (left: Type, operator: BinaryOperator, right: Type): Rule | undefined =>
  rules.get(`${left} ${operator} ${right}`);

const types = ["double", "doubleVec", "string", "timestamp", "timeinterval", "nodeDeallocationOption"] as const satisfies readonly Type[];

/** Whether any operands of the given types would do; undefined stands for a type that only the evaluation knows. */
export const possibleResults = (left: Type | undefined, operator: BinaryOperator, right: Type | undefined): Set<Type> =>
  new Set(
    (left === undefined ? types : [left]).flatMap((l) =>
      (right === undefined ? types : [right]).flatMap((r) => binaryRule(l, operator, r)?.result ?? []),
    ),
  );

/** The result of a sign, or undefined when the operand has none. */
export const applyUnary = (operator: UnaryOperator, operand: Value): Value | undefined => {
  if (operator === "!") return operand.type === "double" ? { type: "double", value: operand.value === 0 ? 1 : 0 } : undefined;
  if (operand.type !== "double" && operand.type !== "timeinterval") return undefined;
  return { type: operand.type, value: -operand.value };
};

export const unaryResult = (operator: UnaryOperator, operand: Type | undefined): Type | undefined => {
  if (operator === "!") return "double";
  return operand === "double" || operand === "timeinterval" ? operand : undefined;
};

export const takesUnary = (operator: UnaryOperator, operand: Type | undefined): boolean =>
  operand === undefined || operand === "double" || (operator === "-" && operand === "timeinterval");

/** How tests walk the whole table. */
export const operatorTable = { types, operators: binaryOperators };
